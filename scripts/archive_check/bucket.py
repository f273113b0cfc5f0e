"""Reads the archive's bucket: which objects and versions there are, and what they hold. ``s3`` is a boto3 client."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from archive_check import lines
from archive_check.findings import Findings
from archive_check.lines import ArchivedObject

FOLDER = "records/"
_KEY = re.compile(r"records/([0-9]{4}/[0-9]{2}/[0-9]{2}/)?[0-9]{8}\.jsonl\.gz")
_SIDE_BY_SIDE = 16


@dataclass
class Versions:
    """What S3 keeps under one key: ids of contents, oldest first, and of delete markers."""

    contents: list[str] = field(default_factory=list)
    delete_markers: list[str] = field(default_factory=list)


class ArchiveBucket:
    """One bucket, whose objects were locked for at least ``retention_days`` when they were stored."""

    def __init__(self, s3: Any, name: str, retention_days: int, findings: Findings) -> None:
        self._s3 = s3
        self._name = name
        self._retention = timedelta(days=retention_days)
        self._findings = findings
        self._known: dict[str, Versions] = {}

    def keys(self, days: Iterable[str]) -> list[str]:
        """The keys of some days (YYYY-MM-DD), in the order of the chain; anything beside the chain is a break."""
        found: dict[str, Versions] = {}
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for versions in pool.map(lambda day: self._versions(f"{FOLDER}{day.replace('-', '/')}/"), days):
                found |= versions
        keys = sorted(key for key in found if self._is_sound(key, found[key]))
        self._known |= {key: found[key] for key in keys}
        return keys

    def has(self, key: str) -> bool:
        """Whether there is an object of that key, under a delete marker even."""
        if key not in self._known:
            versions = self._versions(key).get(key, Versions())
            if self._is_sound(key, versions):
                self._known[key] = versions
        return key in self._known

    def first_key_after(self, day: str) -> str | None:
        """The key of the first object after a day, but for those under a delete marker; None at the end."""
        after = f"{FOLDER}{day.replace('-', '/')}/~"  # behind all of that day's keys
        answer = self._s3.list_objects_v2(Bucket=self._name, Prefix=FOLDER, StartAfter=after, MaxKeys=1)
        return str(answer["Contents"][0]["Key"]) if answer.get("Contents") else None

    def read(self, keys: Iterable[str]) -> Iterator[ArchivedObject]:
        """The objects of known keys, side by side, in the order of the keys; their own breaks are findings already."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for found, lock in pool.map(self._read, keys):
                for kind, text in (*lock, *found.breaks):
                    self._findings.add(kind, text)
                yield found

    def _read(self, key: str) -> tuple[ArchivedObject, list[tuple[str, str]]]:
        version = self._known[key].contents[0]
        answer = self._s3.get_object(Bucket=self._name, Key=key, VersionId=version)
        return lines.check(key, answer["Body"].read()), self._lock_breaks(key, answer)

    def _lock_breaks(self, key: str, answer: Any) -> list[tuple[str, str]]:
        locked_until: datetime | None = answer.get("ObjectLockRetainUntilDate")
        stored_at: datetime = answer["LastModified"]
        if locked_until is None:
            return [("unlocked object", f"{key} has no retention, or s3:GetObjectRetention is not allowed")]
        # S3 counts the days from when the object came in, by its own clock.
        if locked_until < stored_at + self._retention - timedelta(minutes=1):
            days = self._retention.days
            return [
                ("short lock", f"{key} is locked until {locked_until:%Y-%m-%d}, not for the {days} days configured")
            ]
        return []

    def _is_sound(self, key: str, versions: Versions) -> bool:
        """Whether a key is one of the chain and has an object; says what is wrong with it."""
        if not _KEY.fullmatch(key):
            self._findings.add("foreign object", f"{key} is none that the router writes")
            return False
        if versions.delete_markers:
            below = "its content is still there and is checked" if versions.contents else "nothing is left below it"
            self._findings.add("deleted object", f"{key} has a delete marker; {below}")
        if len(versions.contents) > 1:
            newer = ", ".join(versions.contents[1:])
            self._findings.add(
                "replaced object",
                f"{key} has a second version ({newer}); the first one is checked, {versions.contents[0]}",
            )
        return bool(versions.contents)

    def _versions(self, prefix: str) -> dict[str, Versions]:
        found: dict[str, Versions] = {}
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._name, Prefix=prefix):
            for version in reversed(page.get("Versions", ())):  # S3 lists the newest first
                found.setdefault(version["Key"], Versions()).contents.append(version["VersionId"])
            for marker in page.get("DeleteMarkers", ()):
                found.setdefault(marker["Key"], Versions()).delete_markers.append(marker["VersionId"])
        return found

"""Reads the archive's bucket: which objects and versions there are, and what they hold. ``s3`` is a boto3 client."""

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from archive_check import lines
from archive_check.findings import Findings
from archive_check.keys import FIRST_KEY, FOLDER, day_of, folder_of, is_key
from archive_check.objects import ArchivedObject, Stored

_SIDE_BY_SIDE = 16
_FIRST_DAY, _LAST_DAY = "0001-01-01", "9999-12-31"
_FOLDER_OF_DAYS = re.compile(r"records/[0-9]{4}/(?:[0-9]{2}/)?")  # a year's or a month's
_FOLDER_OF_DAY = re.compile(r"records/[0-9]{4}/[0-9]{2}/[0-9]{2}/")


@dataclass
class Versions:
    """What S3 keeps under one key: ids of contents, oldest first, and of delete markers."""

    contents: list[str] = field(default_factory=list)
    delete_markers: list[str] = field(default_factory=list)


def _chain(found: Mapping[str, Versions]) -> list[str]:
    """The keys among these whose objects are there, in the order of the chain."""
    return sorted(key for key, versions in found.items() if is_key(key) and versions.contents)


class ArchiveBucket:
    """One bucket. What is wrong with an object by itself is a finding if it is asked for by ``keys`` and ``read``."""

    def __init__(self, s3: Any, name: str, findings: Findings) -> None:
        self._s3 = s3
        self._name = name
        self._findings = findings
        self._known: dict[str, Versions] = {}

    def keys(self, first_day: str, last_day: str) -> list[str]:
        """The keys of some days (YYYY-MM-DD), in the order of the chain; anything beside the chain is a break."""
        found: dict[str, Versions] = {}
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for of_a_day in pool.map(self._versions, self._folders(first_day, last_day)):
                found |= of_a_day
        for key, versions in found.items():
            self._check(key, versions)
        self._known |= found
        return _chain(found)

    def first_key_after(self, day: str) -> str | None:
        """The key of the first object of the chain after a day, under a delete marker or not; None at the end. Whatever
        else stands before it is a break: it might have been put there to be taken for it."""
        for folder in self._folders(day, _LAST_DAY):
            found = self._versions(folder) if folder != folder_of(day) else {}
            for key in sorted(key for key, versions in found.items() if versions.contents):
                if is_key(key):
                    return key
                self._check(key, found[key])
        return None

    def look_before(self, key: str) -> ArchivedObject | None:
        """The nearest object that is left before a key, as ``look_at`` has it; None if there is none."""
        for folder in reversed([*self._folders(_FIRST_DAY, day_of(key).isoformat())]):
            if earlier := [each for each in _chain(self._versions(folder)) if each < key]:
                return self.look_at(earlier[-1])
        return self.look_at(FIRST_KEY) if key > FIRST_KEY else None

    def look_behind(self, key: str) -> ArchivedObject | None:
        """The nearest object that is left behind a key, likewise."""
        for folder in self._folders(day_of(key).isoformat(), _LAST_DAY):
            if later := [each for each in _chain(self._versions(folder)) if each > key]:
                return self.look_at(later[0])
        return None

    def read(self, keys: Iterable[str]) -> Iterator[ArchivedObject]:
        """The objects of known keys, side by side, in the order of the keys."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for found in pool.map(self._read, keys):
                for kind, text in found.breaks:
                    self._findings.add(kind, text)
                yield found

    def read_first(self, key: str) -> ArchivedObject | None:
        """The object before all days, which no day's keys have, with its findings; None if it is not there."""
        self._known |= self._versions(key)
        if not self._known.get(key, Versions()).contents:
            return None
        self._check(key, self._known[key])
        (found,) = self.read([key])
        return found

    def look_at(self, key: str) -> ArchivedObject | None:
        """An object that others are judged by, from outside the days; None if it is not there."""
        if not is_key(key):
            return None
        if key not in self._known:
            self._known[key] = self._versions(key).get(key, Versions())
        if not self._known[key].contents:
            return None
        found = self._read(key)
        found.breaks.clear()
        return found

    def look_at_day(self, day: str, after: str) -> Iterator[ArchivedObject]:
        """The objects of a day that come after a key, likewise. A few at a time: mostly not all are asked for."""
        found = self._versions(folder_of(day))
        self._known |= found
        keys = [key for key in _chain(found) if key > after]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for first in range(0, len(keys), _SIDE_BY_SIDE):
                yield from pool.map(self._read, keys[first : first + _SIDE_BY_SIDE])

    def _read(self, key: str) -> ArchivedObject:
        versions = self._known[key]
        answer = self._s3.get_object(Bucket=self._name, Key=key, VersionId=versions.contents[0])
        # One byte more than there can be says that there are too many.
        found = lines.check(key, answer["Body"].read(lines.MOST_BYTES + 1))
        found.stored = Stored(
            at=answer["LastModified"],
            locked_until=answer.get("ObjectLockRetainUntilDate"),
            mode=answer.get("ObjectLockMode", "none"),
            kms_key=answer.get("SSEKMSKeyId", ""),
            delete_marker=bool(versions.delete_markers),
        )
        return found

    def _check(self, key: str, versions: Versions) -> None:
        """Whether a key is one of the chain and has one content. What is gone altogether, the chain shows."""
        if not is_key(key):
            self._findings.add("foreign object", f"{key} is none that the router writes")
        elif len(versions.contents) > 1:
            newer = ", ".join(versions.contents[1:])
            self._findings.add(
                "replaced object",
                f"{key} has a second version ({newer}); the first one is checked, {versions.contents[0]}",
            )

    def _folders(self, first_day: str, last_day: str, of: str = FOLDER) -> Iterator[str]:
        """The folders that there are of some days, in order, found by those of years and months: a range may be long,
        and the archive short."""
        first, last = folder_of(first_day), folder_of(last_day)
        for page in self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._name, Prefix=of, Delimiter="/"
        ):
            for folder in (str(part["Prefix"]) for part in page.get("CommonPrefixes", ())):
                is_of_these_days = first[: len(folder)] <= folder <= last[: len(folder)]
                if is_of_these_days and _FOLDER_OF_DAY.fullmatch(folder):
                    yield folder
                elif is_of_these_days and _FOLDER_OF_DAYS.fullmatch(folder):
                    yield from self._folders(first_day, last_day, folder)

    def _versions(self, prefix: str) -> dict[str, Versions]:
        found: dict[str, Versions] = {}
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._name, Prefix=prefix):
            for version in page.get("Versions", ()):
                found.setdefault(version["Key"], Versions()).contents.append(version["VersionId"])
            for marker in page.get("DeleteMarkers", ()):
                found.setdefault(marker["Key"], Versions()).delete_markers.append(marker["VersionId"])
        for versions in found.values():
            versions.contents.reverse()  # S3 lists the newest first, over pages too
        return found

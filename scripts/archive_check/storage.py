"""Checks how S3 keeps an object: since when, for how long, in which mode, with which key, and under no delete marker.

A lock is judged by what it was when it was given. Its length is what is configured, or more; or less, where the
retention was made longer since, and then it is no shorter than that of the object before: an archive whose locks only
ever got longer has been tampered with nowhere, or everywhere, and the second takes rights that COMPLIANCE gives nobody.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from archive_check.findings import Findings
from archive_check.keys import FIRST_KEY, day_of
from archive_check.objects import ArchivedObject, Stored

_TOLERANCE = timedelta(minutes=1)  # S3 counts from when the object came in, by its own clock
_LONGEST_WRITE = timedelta(minutes=10)  # between the writer's clock and S3's
_STRENGTH = {"GOVERNANCE": 1, "COMPLIANCE": 2}


class Storage:
    """How the objects of one archive are to be kept."""

    def __init__(self, mode: str, days: int, kms_key_arn: str, findings: Findings) -> None:
        self._mode = mode
        self._retention = timedelta(days=days)
        self._kms_key = kms_key_arn
        self._findings = findings
        self._now = datetime.now(UTC)

    def check(self, found: ArchivedObject, beside: ArchivedObject | None) -> None:
        """Judge an object, beside the one before it if that is known: it was not to be locked for less time."""
        key, stored, add = found.key, found.stored, self._findings.add
        if stored is None:
            return
        if stored.locked_until is None:
            add("unlocked object", f"{key} has no retention, or s3:GetObjectRetention is not allowed")
        else:
            self._check_lock(key, stored, beside)
        if stored.kms_key != self._kms_key:
            add("wrong key", f"{key} is encrypted with {stored.kms_key or 'no key of KMS'}, not with the archive's key")
        if found.header and found.archived_at:
            text = f"{key} says that it was archived at {found.archived_at:%Y-%m-%dT%H:%M:%SZ}"
            if abs(stored.at - found.archived_at) > _LONGEST_WRITE:
                add("rewritten object", f"{text}, and S3 has it since {stored.at:%Y-%m-%dT%H:%M:%SZ}")
            # Its successor's day is that of writing it, or a later one; keys are the one time that no rewrite can move.
            elif found.archived_at.astimezone(UTC).date() > day_of(found.header["next"]):
                add("rewritten object", f"{text}, when its successor's day was over")
        if stored.delete_marker and stored.locked_until and stored.locked_until < self._now:
            self._findings.note(1, "objects have a delete marker, as their locks have ended; they are checked")
        elif stored.delete_marker:
            add("deleted object", f"{key} has a delete marker; its content is still there and is checked")

    def is_long_enough(self, found: ArchivedObject) -> bool:
        """Whether an object was locked for as long as is configured."""
        return found.stored is not None and found.stored.locked_for + _TOLERANCE >= self._retention

    def is_over(self, key: str, behind: ArchivedObject, beside: Sequence[ArchivedObject]) -> bool:
        """Whether the lock of a missing object has ended, by the lock of one behind it; if that is shorter than
        configured, by the longest that it and others beside the gap have: a single one may have been shortened."""
        day = day_of(behind.key if key == FIRST_KEY else key)
        locks = [found.stored.locked_for for found in (behind, *beside) if found.stored]
        is_witness = self.is_long_enough(behind) or len(locks) > 1
        return is_witness and self._is_past(day, max(locks))

    def would_be_over(self, key: str) -> bool:
        """The same of one behind which nothing is left, by what is configured."""
        return self._is_past(day_of(key), self._retention)

    def _is_past(self, day: date, locked_for: timedelta) -> bool:
        began = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return bool(locked_for) and day != date.min and self._now - began > locked_for + timedelta(days=1)

    def _check_lock(self, key: str, stored: Stored, beside: ArchivedObject | None) -> None:
        if _STRENGTH.get(stored.mode, 0) < _STRENGTH[self._mode]:
            self._findings.add("weak lock", f"{key} is locked in mode {stored.mode}, not in {self._mode} as configured")
        if stored.locked_for + _TOLERANCE >= self._retention:
            return
        days = self._retention.days
        if beside and beside.stored and stored.locked_for + _TOLERANCE < beside.stored.locked_for:
            text = f"{key} is locked until {stored.locked_until:%Y-%m-%d}, not for the {days} days configured"
            self._findings.add("short lock", f"{text}, and not for as long as {beside.key}")
        else:
            text = f"objects were locked for {stored.locked_for.days} days when they were stored, before it was {days}"
            self._findings.note(1, text)

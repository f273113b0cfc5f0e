"""Whether the archive's objects follow on each other: in a range of days, into it from before, and out of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from archive_check.bucket import ArchiveBucket
from archive_check.findings import Findings
from archive_check.head import Head, check_content, check_head
from archive_check.keys import FIRST_KEY, day_of
from archive_check.objects import ArchivedObject
from archive_check.storage import Storage

_FIRST_OF_A_DAY = "/00000001.jsonl.gz"


class Links:
    """Follows the chain, one object after the other."""

    def __init__(self, bucket: ArchiveBucket, storage: Storage, head: Head | None, findings: Findings) -> None:
        self.complete_since = ""  # what is older may be missing: from before the archive, or its retention is over
        self._bucket = bucket
        self._storage = storage
        self._head = head
        self._findings = findings
        self._last: ArchivedObject | None = None  # of the range
        self._after: ArchivedObject | None = None
        self._excuse = ""  # the key of the object whose lock last excused a gap

    def follow(self, found: ArchivedObject) -> None:
        """Check that this object follows on the last one; on the one before the range if it is the first."""
        before = self._last or self._object_before(found)
        if before:
            self._check_link(before, found)
        self._storage.check(found, before)
        self._last = found

    def check_end(self, key_after: str | None) -> None:
        """Check that nothing was cut off behind the range; ``key_after``, of the first object after it, is from before
        the range was listed: else an object that was written meanwhile would seem to follow on nothing."""
        last = self._last
        following = last.header["next"] if last and last.header else ""
        self._after = self._bucket.look_at(following) or self._bucket.look_at(key_after or "")
        if self._after:
            before = last or self._object_before(self._after)
            if before:
                self._check_link(before, self._after)
            if self._excuse == self._after.key:
                self._storage.check(self._after, before)
            if not self._after.header:
                what = f"whether {before.key} is what was written" if before else "what comes before it"
                text = f"{self._after.key} cannot be read, which would say {what}"
                self._findings.add("damaged object", text)
        if self._head:
            self._check_head(self._head)
        else:
            text = "nobody can tell whether the end was cut off"
            if not (last or self._after):
                text = "nothing was ever archived, or all is gone"
            self._findings.add("missing head", f"the table of the archive's head is empty: {text}")

    def objects_after(self) -> Iterator[ArchivedObject]:
        """The objects behind the range, as far as the chain goes."""
        last = self._after
        if not last:
            return
        yield last
        day, tomorrow = day_of(last.key), datetime.now(UTC).date() + timedelta(days=1)
        while day <= tomorrow:
            for found in self._bucket.look_at_day(day.isoformat(), last.key):
                if not found.header or found.header["previousHash"] != last.last_hash:
                    return
                yield found
                last = found
            day += timedelta(days=1)

    def _object_before(self, found: ArchivedObject) -> ArchivedObject | None:
        """The object before the range. If there is none, the archive began here; else it began earlier, and has all."""
        previous = found.header["previous"] if found.header else ""
        if not previous:
            if found.header:
                self._findings.add("second beginning", f"{found.key} says that nothing comes before it")
            return None
        before = self._bucket.read_first(previous) if previous == FIRST_KEY else self._bucket.look_at(previous)
        began_at = str(found.header["archivedAt"]) if found.header else ""
        if before:
            if previous == FIRST_KEY:
                self._storage.check(before, found)  # one batch wrote both
                # The earlier one of both: of the first nothing else says that it is what was written.
                self.complete_since = min(str(before.header["archivedAt"]), began_at) if before.header else began_at
        elif self._is_over(previous, found, before):
            self.complete_since = began_at
            self._findings.note(1, f"object before the range is gone, as its retention is over: {previous}")
        else:
            self._findings.add("removed object", f"{previous} is missing, on which {found.key} follows")
        return before

    def _check_link(self, before: ArchivedObject, found: ArchivedObject) -> None:
        follows = before.header is None or before.header["next"] == found.key
        followed = found.header is None or found.header["previous"] == before.key
        if not (follows and followed):
            self._check_gap(before, found)
        elif found.header:
            said = found.header["previousHash"], found.header["previousSha256"]
            check_content(before, found.first_number - 1, *said, found.key, self._findings)

    def _check_gap(self, before: ArchivedObject, found: ArchivedObject) -> None:
        last_key = found.header["previous"] if found.header else "unknown"
        if found.header and day_of(before.key) <= day_of(last_key) and self._is_over(last_key, found, before):
            self.complete_since = str(found.header["archivedAt"])
            self._findings.note(1, f"gaps are where the retention is over: objects up to {last_key} are gone")
        else:
            self._missing(before, last_key, found.first_number, before_key=found.key)

    def _is_over(self, missing_key: str, found: ArchivedObject, before: ArchivedObject | None) -> bool:
        """Whether a missing object's lock has ended, as the one behind the gap says, and its neighbours if need be."""
        neighbours: list[ArchivedObject | None] = []
        if not self._storage.is_long_enough(found):
            neighbours = [before or self._bucket.look_before(missing_key), self._bucket.look_behind(found.key)]
        is_over = self._storage.is_over(missing_key, found, [each for each in neighbours if each])
        self._excuse = found.key if is_over else self._excuse
        return is_over

    def _check_head(self, head: Head) -> None:
        end = self._after or self._last
        if end is None and self._bucket.look_at(head.key) is None:
            if self._storage.would_be_over(head.key):
                self._findings.note(1, f"nothing is left up to {head.key}, as its retention is over")
            else:
                text = f"nothing is left up to {head.key}, which the head names as the end"
                self._findings.add("removed day", text)
        elif end and not self._after and head.number > end.last_number and head.key != end.key:
            self._missing(end, head.key, head.number + 1, before_key="")
        else:
            check_head(head, self._bucket, end, self._findings)

    def _missing(self, before: ArchivedObject, last_key: str, number_after: int, before_key: str) -> None:
        """Name what is missing behind one object and before another ("": at the end), up to ``last_key``."""
        first_key = before.header["next"] if before.header else "unknown"
        span = first_key if first_key == last_key else f"{first_key} to {last_key}"
        entries = f"{number_after - before.last_number - 1:,}" if number_after and before.last_number else "unknown"
        text = f"{span} missing behind {before.key} (entries: {entries})"
        if not before.header or day_of(first_key) == day_of(before_key):
            self._findings.add("removed object", text)
        elif first_key.endswith(_FIRST_OF_A_DAY):
            self._findings.add("removed day", f"{day_of(first_key)}: {text}")
        else:
            self._findings.add("truncated day", f"{day_of(first_key)}: its last objects are gone: {text}")

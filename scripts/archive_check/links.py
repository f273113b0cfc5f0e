"""Whether the archive's objects follow on each other: in a range of days, into it from before, and out of it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from archive_check.bucket import FOLDER, ArchiveBucket
from archive_check.findings import Findings
from archive_check.lines import ArchivedObject

FIRST_KEY = "records/00000000.jsonl.gz"
_FIRST_OF_A_DAY = "/00000001.jsonl.gz"


class Head(NamedTuple):
    """How far the router says the archive goes."""

    key: str
    number: int
    hash: str


def read_head(dynamodb: Any, table: str) -> Head | None:
    """The head; None before anything was archived. Read it first: what is listed afterwards goes at least as far."""
    answer = dynamodb.get_item(TableName=table, Key={"chain": {"S": "audit"}}, ConsistentRead=True)
    item = answer.get("Item")
    return Head(item["key"]["S"], int(item["number"]["N"]), item["hash"]["S"]) if item else None


class Links:
    """Follows the chain, one object after the other."""

    def __init__(self, bucket: ArchiveBucket, head: Head | None, retention_days: int, findings: Findings) -> None:
        self._bucket = bucket
        self._head = head
        self._retention = timedelta(days=retention_days)
        self._findings = findings
        self._before: ArchivedObject | None = None

    def follow(self, found: ArchivedObject) -> None:
        """Check that this object follows on the last one; on the one before the range if it is the first."""
        before = self._before or self._object_before(found)
        if before:
            self._check_link(before, found)
        if self._head and found.key == self._head.key and found.last_number == self._head.number:
            self._check_hash(found.last_hash == self._head.hash, found.key, "the head")
        self._before = found

    def check_end(self, key_after: str | None) -> None:
        """Check that nothing was cut off behind the range; ``key_after``, of the first object after it, is from before
        the range was listed: else an object that was written meanwhile would seem to follow on nothing."""
        last = self._before
        following = last.header["next"] if last and last.header else ""
        for key in (following, key_after):
            if key and self._bucket.has(key):
                (found,) = self._bucket.read([key])
                self.follow(found)
                return
        if self._head is None:
            text = (
                "nobody can tell whether the end was cut off" if last else "nothing was ever archived, or all is gone"
            )
            self._findings.add("missing head", f"the table of the archive's head is empty: {text}")
        elif last is None and not self._bucket.has(self._head.key):
            self._findings.add(
                "removed day", f"nothing is left up to {self._head.key}, which the head names as the end"
            )
        elif last is not None and self._head.number > last.last_number:
            self._missing(last, self._head.key, self._head.number + 1, before_key="")

    def objects_after(self, days: timedelta) -> Iterator[ArchivedObject]:
        """The object behind the range, if that was reached, and those that follow it for some days."""
        found = self._before
        until = _day(found.key) + days if found else None
        while found and until:
            yield found
            following = found.header["next"] if found.header else ""
            if not following or _day(following) > until or not self._bucket.has(following):
                return
            (found,) = self._bucket.read([following])

    def _object_before(self, found: ArchivedObject) -> ArchivedObject | None:
        previous = found.header["previous"] if found.header else ""
        if not previous:
            if found.header:
                self._findings.add("second beginning", f"{found.key} says that nothing comes before it")
            return None
        if self._bucket.has(previous):
            (before,) = self._bucket.read([previous])
            return before
        if previous != FIRST_KEY and _day(previous) < datetime.now(UTC).date() - self._retention:
            self._findings.note(1, f"object before the range is gone, as its retention is over: {previous}")
        else:
            self._findings.add("removed object", f"{previous} is missing, on which {found.key} follows")
        return None

    def _check_link(self, before: ArchivedObject, found: ArchivedObject) -> None:
        follows = before.header is None or before.header["next"] == found.key
        followed = found.header is None or found.header["previous"] == before.key
        if not (follows and followed):
            last_key = found.header["previous"] if found.header else "unknown"
            self._missing(before, last_key, found.first_number, before_key=found.key)
        elif before.header and found.header:
            same = found.header["previousHash"] == before.last_hash and found.first_number == before.last_number + 1
            self._check_hash(same, before.key, found.key)

    def _check_hash(self, same: bool, key: str, witness: str) -> None:
        if not same:
            text = f"{key} does not end as {witness} says: what it holds was written anew, hashes and all"
            self._findings.add("rewritten object", text)

    def _missing(self, before: ArchivedObject, last_key: str, number_after: int, before_key: str) -> None:
        """Name what is missing behind one object and before another ("": at the end), up to ``last_key``."""
        first_key = before.header["next"] if before.header else "unknown"
        span = first_key if first_key == last_key else f"{first_key} to {last_key}"
        entries = f"{number_after - before.last_number - 1:,}" if number_after and before.last_number else "unknown"
        text = f"{span} missing behind {before.key} (entries: {entries})"
        if not before.header or _day(first_key) == _day(before_key):
            self._findings.add("removed object", text)
        elif first_key.endswith(_FIRST_OF_A_DAY):
            self._findings.add("removed day", f"{_day(first_key)}: {text}")
        else:
            self._findings.add("truncated day", f"{_day(first_key)}: its last objects are gone: {text}")


def _day(key: str) -> date:
    """The day in a key; the first of all days for the object before all, and for no key."""
    name = "-".join(key.removeprefix(FOLDER).split("/")[:-1])
    return date.fromisoformat(name) if name else date.min

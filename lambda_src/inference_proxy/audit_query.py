"""Finds audit records in time order: never by a scan, and never by reading more than it says.

An index gives the keys, ``BatchGetItem`` the records, which are then checked once more: an index lags behind its table.
One caller's records come from ``by-caller`` alone, so that where such a page ends, and how long it takes, tells nothing
of anybody else's.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from inference_proxy.audit_filter import AuditFilter
from inference_proxy.audit_table import BATCH_KEYS, AuditTable, IndexPage, Record
from inference_proxy.audit_walk import MOST_AT_ONCE, AuditWalk
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.models import Deadline, RecordKey

# What one page may cost. A query reads 1 MB, about 1,500 items of an index, in some 10 to 20 ms, and eight run at once.
_MOST_ITEMS = 10_000
_MOST_ITEMS_WITH_RECORDS = 2_000  # where every record has to be looked at: 100 of them take as long as 1,500 items
_MOST_ITEMS_COUNTED = 5_000
_MOST_RECORDS_COUNTED = 500  # where every record has to be looked at
_READING_SECONDS = 3.0
_RESERVE_SECONDS = 1.5  # kept free for the answer: with less left, what was found goes out
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first, and the timeKey to go on before: None at the end."""

    records: list[Record]
    before: str | None


class AuditReader:
    """Queries the audit table and its indexes. Every method raises AuditUnavailableError."""

    def __init__(self, dynamodb: AwsJsonClient, table: str) -> None:
        self._table = AuditTable(dynamodb, table)

    def page(self, wanted: AuditFilter, limit: int, deadline: Deadline) -> Page:
        """Up to ``limit`` records. A page that had to stop early has fewer, maybe none, and a place to go on."""
        most = _MOST_ITEMS_WITH_RECORDS if wanted.needs_records else _MOST_ITEMS
        records: list[Record] = []
        with ThreadPoolExecutor(_AT_ONCE) as executor:
            walk = AuditWalk(self._table, wanted, executor, most, _reading(deadline), deadline)
            # One more shows whether there are more; another one is that before which the page begins.
            for items, _ in walk.rounds(limit + 2):
                found = [item for item in items if item["timeKey"] != wanted.before]
                while found:
                    many = _AT_ONCE * BATCH_KEYS if wanted.needs_records else limit + 1 - len(records)
                    batch, found = found[:many], found[many:]
                    records += self._current(batch, wanted, executor, deadline)
                    if len(records) > limit:
                        return Page(records[:limit], str(records[limit - 1]["timeKey"]))
        return Page(records, walk.frontier)

    def count(self, wanted: AuditFilter, deadline: Deadline) -> tuple[int, bool]:
        """How many records match, and whether that is all of them: it stops at a bound, or when time is over."""
        if wanted.needs_records:
            page = self.page(wanted, _MOST_RECORDS_COUNTED, deadline)
            return len(page.records), page.before is None
        options = {"Select": "COUNT"}
        with ThreadPoolExecutor(_AT_ONCE) as executor:
            walk = AuditWalk(self._table, wanted, executor, _MOST_ITEMS_COUNTED, _reading(deadline), deadline, options)
            total = sum(matched for _, matched in walk.rounds(MOST_AT_ONCE))
        return total, walk.frontier is None

    def record(self, request_id: str, caller_arn: str | None, deadline: Deadline) -> Record | None:
        """The newest record of this id that has not expired; with ``caller_arn`` only if it is that caller's."""
        arguments: dict[str, object] = {
            "KeyConditionExpression": "requestId = :id",
            "ExpressionAttributeValues": {":id": {"S": request_id}},
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        for record in self._table.query(arguments, deadline).items:
            if caller_arn in (None, record.get("callerArn")) and int(record["ttl"]) > time.time():
                return record
        return None

    def keys(self, outcome: str, start: datetime, end: datetime, deadline: Deadline) -> Iterator[list[RecordKey]]:
        """The keys of the records that the index has under an outcome, oldest day first, a page of all its partitions.

        Ends early when the deadline is near. A record may have another outcome by now.
        """
        wanted = AuditFilter(start, end, (outcome,))

        def page(partition: str, after: Mapping[str, Any] | None) -> IndexPage:
            arguments = {**wanted.query(partition), "ScanIndexForward": True}
            return self._table.query({**arguments, **({"ExclusiveStartKey": after} if after else {})}, deadline)

        with ThreadPoolExecutor(_AT_ONCE) as executor:
            for day in reversed(wanted.days()):
                unread: dict[str, Mapping[str, Any] | None] = dict.fromkeys(wanted.partitions(day))
                while unread:
                    if deadline.remaining_seconds() <= _RESERVE_SECONDS:
                        return
                    pages = dict(zip(unread, executor.map(page, unread.keys(), unread.values()), strict=True))
                    found = [item for each in pages.values() for item in each.items]
                    found.sort(key=lambda item: str(item["timeKey"]))
                    yield [RecordKey(str(item["requestId"]), str(item["timestamp"])) for item in found]
                    unread = {name: each.last_key for name, each in pages.items() if each.last_key is not None}

    def oldest(self, start: datetime, end: datetime, deadline: Deadline) -> datetime | None:
        """When the oldest record of a range was begun; None if there is none."""
        wanted = AuditFilter(start, end)
        for day in reversed(wanted.days()):
            first = {"Limit": 1, "ScanIndexForward": True}
            pages = [self._table.query(wanted.query(shard) | first, deadline) for shard in wanted.partitions(day)]
            if found := [str(item["timeKey"]) for page in pages for item in page.items]:
                return datetime.fromisoformat(min(found).partition("#")[0])
        return None

    def check(self, deadline: Deadline) -> None:
        """Prove that the table can be read."""
        now = datetime.now(UTC)
        wanted = AuditFilter(now, now)
        self._table.query({**wanted.query(wanted.partitions(now.date())[0]), "Limit": 1}, deadline)

    def _current(
        self, items: Sequence[Record], wanted: AuditFilter, executor: Executor, deadline: Deadline
    ) -> list[Record]:
        """The records that items of an index name, in their order, as far as they still are what is wanted."""
        batches = [items[first : first + BATCH_KEYS] for first in range(0, len(items), BATCH_KEYS)]
        read = executor.map(lambda batch: self._table.records(batch, deadline), batches)
        records = {record["timeKey"]: record for batch in read for record in batch}
        current = (records.get(item["timeKey"]) for item in items)
        return [record for record in current if record and wanted.matches(record)]


def _reading(deadline: Deadline) -> Deadline:
    return deadline.earlier(_RESERVE_SECONDS).within(_READING_SECONDS)

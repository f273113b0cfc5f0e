"""Reads the audit trail in time order, newest first, without ever scanning the table."""

import heapq
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from inference_proxy.audit import SHARDS, AttributeValue, to_attribute
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.errors import AuditUnavailableError
from inference_proxy.models import Deadline, timestamp_ms

_QUERY_SECONDS = 5.0
_RESERVE_SECONDS = 1.5  # kept free for the answer: with less left, what was found goes out
_COUNT_LIMIT = 10_000  # counting stops here and says that it is a minimum

Record = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records: from ``start`` to ``end``, of these outcomes (all if empty), with these exact attributes."""

    start: datetime
    end: datetime
    outcomes: Sequence[str] = ()  # of STARTED, SUCCESS, ERROR, DENIED
    equals: Mapping[str, str | int] | None = None
    before: str | None = None  # a timeKey: only records older than that one


class AuditReader:
    """Queries the two time indexes, all shards of a day at once."""

    def __init__(self, dynamodb: AwsJsonClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def page(self, wanted: AuditFilter, limit: int, deadline: Deadline) -> tuple[list[Record], str | None]:
        """Up to ``limit`` records, newest first, and the key to continue before (None at the end)."""
        records: list[Record] = []
        with ThreadPoolExecutor(SHARDS) as pool:
            for partitions in _days(wanted):
                if deadline.remaining_seconds() < _RESERVE_SECONDS:
                    # A long, thinly filled range: what was found, and the end of the day to go on with.
                    return records, f"{partitions[0].rpartition('#')[0][-10:]}T23:59:59.999Z#~"
                missing = limit + 1 - len(records)
                found = pool.map(lambda partition: self._newest(partition, wanted, missing, deadline), partitions)  # noqa: B023
                merged = heapq.merge(*found, key=lambda record: str(record["timeKey"]), reverse=True)
                records.extend(record for _, record in zip(range(missing), merged, strict=False))
                if len(records) > limit:
                    return records[:limit], str(records[limit - 1]["timeKey"])
        return records, None

    def count(self, wanted: AuditFilter, deadline: Deadline) -> tuple[int, bool]:
        """How many records match, and whether that is all of them; bounded, so that it cannot read for minutes."""
        total = 0
        with ThreadPoolExecutor(SHARDS) as pool:
            for partitions in _days(wanted):
                if total >= _COUNT_LIMIT or deadline.remaining_seconds() < _RESERVE_SECONDS:
                    return total, False
                counted = list(pool.map(lambda name: self._count(name, wanted, deadline), partitions))
                total += sum(number for number, _ in counted)
                if not all(complete for _, complete in counted):
                    return total, False
        return total, True

    def check(self, deadline: Deadline) -> None:
        """Prove that the table can be read; raises AuditUnavailableError."""
        now = datetime.now(UTC)
        self._query(next(_days(AuditFilter(now, now)))[0], AuditFilter(now, now), {"Limit": 1}, deadline)

    def _newest(self, partition: str, wanted: AuditFilter, limit: int, deadline: Deadline) -> list[Record]:
        records: list[Record] = []
        options: dict[str, object] = {"Limit": limit + 1}
        while True:
            answer = self._query(partition, wanted, options, deadline)
            # The range includes its end, and a filter may not name a key: the record before the page is dropped here.
            found = map(_record, answer.get("Items", ()))
            records.extend(record for record in found if record["timeKey"] != wanted.before)
            if len(records) >= limit or "LastEvaluatedKey" not in answer:
                return records[:limit]
            options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            options["Limit"] = 500  # a filter is thinning the pages out

    def _count(self, partition: str, wanted: AuditFilter, deadline: Deadline) -> tuple[int, bool]:
        total = 0
        options: dict[str, object] = {"Select": "COUNT"}
        while total < _COUNT_LIMIT and deadline.remaining_seconds() > _RESERVE_SECONDS:
            answer = self._query(partition, wanted, options, deadline)
            total += int(answer.get("Count", 0))
            if "LastEvaluatedKey" not in answer:
                return total, True
            options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return total, False

    def _query(
        self, partition: str, wanted: AuditFilter, options: Mapping[str, object], deadline: Deadline
    ) -> dict[str, Any]:
        by_outcome = bool(wanted.outcomes)
        # The timeKey ends in "#<id>", and "$" sorts behind "#": the range includes its last millisecond.
        oldest, newest = timestamp_ms(wanted.start), wanted.before or f"{timestamp_ms(wanted.end)}$"
        if newest < oldest:
            return {}  # DynamoDB refuses such a range
        values: dict[str, AttributeValue] = {
            ":partition": {"S": partition},
            ":oldest": {"S": oldest},
            ":newest": {"S": newest},
            ":now": {"N": str(int(time.time()))},
        }
        conditions = ["#ttl > :now"]  # TTL deletes days late
        names = {"#ttl": "ttl", "#partition": "outcomeDayShard" if by_outcome else "dayShard", "#time": "timeKey"}
        for number, (name, value) in enumerate((wanted.equals or {}).items()):
            conditions.append(f"#f{number} = :f{number}")
            names[f"#f{number}"] = name
            values[f":f{number}"] = to_attribute(value)
        arguments = {
            "TableName": self._table,
            "IndexName": "by-outcome" if by_outcome else "by-time",
            "KeyConditionExpression": "#partition = :partition AND #time BETWEEN :oldest AND :newest",
            "FilterExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
            **options,
        }
        try:
            return self._dynamodb.call("Query", arguments, deadline.within(_QUERY_SECONDS))
        except AwsServiceError as error:
            raise AuditUnavailableError(
                f"the audit table cannot be read ({error.code}); try again later", {"Retry-After": "5"}
            ) from None


def _days(wanted: AuditFilter) -> Iterator[list[str]]:
    """The index partitions of each day in the range, newest day first."""
    newest = datetime.fromisoformat(wanted.before.partition("#")[0]) if wanted.before else wanted.end
    day = newest.astimezone(UTC).date()
    while day >= wanted.start.astimezone(UTC).date():
        shards = [f"{day.isoformat()}#{shard}" for shard in range(SHARDS)]
        yield [f"{outcome}#{shard}" for outcome in wanted.outcomes for shard in shards] or shards
        day -= timedelta(days=1)


def _record(item: Mapping[str, Mapping[str, str | bool]]) -> Record:
    record: Record = {}
    for name, typed in item.items():
        kind, value = next(iter(typed.items()))
        record[name] = int(value) if kind == "N" else value
    return record

"""Compares the audit table with what the archive says of its records. ``dynamodb`` is a boto3 client.

Keys and index are those of lambda_src/inference_proxy/audit.py.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from archive_check.histories import History
from archive_check.lines import digest, intent
from deployment import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "lambda_src"))
from inference_proxy.audit import SHARDS
from inference_proxy.operations.archive import plain

# The longest request, the reconciler behind it, and the window in which Lambda gathers changes have at most 5 minutes
# each, as Terraform has it; the rest is for a batch that had to be delivered again.
UNDER_WAY = timedelta(minutes=30)
_KEYS_A_CALL = 100  # DynamoDB's limit for BatchGetItem
_LONGEST_KEYS = (2048, 1024)  # bytes of requestId and timestamp: DynamoDB refuses to look for others
_SIDE_BY_SIDE = 8
_LONGEST_PAUSE_SECONDS = 5.0

Item = Mapping[str, Mapping[str, Any]]


@dataclass
class Comparison:
    """What the table holds of some days."""

    seen: set[str] = field(default_factory=set)  # request ids
    partitions: int = 0  # that were read to their end
    under_way: int = 0
    older_than_archive: int = 0
    differing: dict[str, bytes] = field(default_factory=dict)  # digest by request id; may be archived after those days

    def add(self, other: "Comparison") -> None:
        """Add another part of the days."""
        self.seen |= other.seen
        self.partitions += other.partitions
        self.under_way += other.under_way
        self.older_than_archive += other.older_than_archive
        self.differing |= other.differing


class AuditTable:
    """The audit table, which holds records until their time is over, beside what the archive says of them."""

    def __init__(self, dynamodb: Any, name: str, histories: Mapping[str, History], archive_since: str) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._histories = histories
        self._archive_since = archive_since
        now = datetime.now(UTC)
        self._settled_before, self._to_come = (now - UNDER_WAY).isoformat(), (now + UNDER_WAY).isoformat()
        for operation in ("Query", "BatchGetItem"):
            dynamodb.meta.events.register(f"before-parse.dynamodb.{operation}", _as_it_came)

    def compare(self, days: Sequence[str]) -> Iterator[Comparison]:
        """The records that the index has of some days, a hundred at a time."""
        partitions = [f"{day}#{shard}" for day in days for shard in range(SHARDS)]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            for batches in pool.map(self._keys, partitions):
                yield from map(self._compared, pool.map(self._items, batches))
                yield Comparison(partitions=1)

    def look_up(self, keys: Iterable[tuple[str, str]]) -> Iterator[Comparison]:
        """Those of some records (request id and timestamp) that the table has, whatever the index says: that may lag
        behind, and it has no record whose ``dayShard`` somebody took away."""
        wanted = [
            {"requestId": {"S": request_id}, "timestamp": {"S": timestamp}}
            for request_id, timestamp in keys
            if all(map(_can_be_looked_for, (request_id, timestamp), _LONGEST_KEYS))
        ]
        batches = [wanted[first : first + _KEYS_A_CALL] for first in range(0, len(wanted), _KEYS_A_CALL)]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            yield from map(self._compared, pool.map(self._items, batches))

    def _compared(self, items: Iterable[Item]) -> Comparison:
        found = Comparison()
        for item in items:
            record = plain(item)
            request_id, timestamp = str(record["requestId"]), str(record["timestamp"])
            found.seen.add(request_id)
            history, stored = self._histories.get(request_id), digest(record)
            if history and history.digest == stored:
                continue
            if timestamp >= self._settled_before or (history and self._is_just_closed(record, history)):
                found.under_way += 1
            elif not history and timestamp < self._archive_since:
                found.older_than_archive += 1
            else:
                found.differing[request_id] = stored
        return found

    def _is_just_closed(self, record: Mapping[str, object], history: History) -> bool:
        """Whether a reconciler may just have closed a record, however old that is, and done nothing else to it."""
        open_till_now = history.inserted and not history.ended and record.get("state") == "ABANDONED"
        return (
            open_till_now
            and self._settled_before <= str(record.get("closedAt")) < self._to_come
            and intent(record, "MODIFY").is_kept_in(history.intent)
        )

    def _keys(self, partition: str) -> list[list[Any]]:
        """The keys of one part of a day, by the hundred."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            IndexName="by-time",
            KeyConditionExpression="dayShard = :partition",
            ProjectionExpression="requestId, #timestamp",
            ExpressionAttributeNames={"#timestamp": "timestamp"},
            ExpressionAttributeValues={":partition": {"S": partition}},
        )
        keys = [item for page in pages for item in page["Items"]]
        return [keys[first : first + _KEYS_A_CALL] for first in range(0, len(keys), _KEYS_A_CALL)]

    def _items(self, keys: Sequence[Any]) -> list[Item]:
        wanted, items, pause_seconds = {self._name: {"Keys": keys}}, list[Item](), 0.1
        while wanted:
            answer = self._dynamodb.batch_get_item(RequestItems=wanted)
            items += answer["Responses"].get(self._name, ())
            wanted = answer.get("UnprocessedKeys")
            if wanted:  # throttled
                time.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        return items


def _as_it_came(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Takes an answer's JSON as it is: botocore would walk through every value, in four times the time."""
    if response_dict["status_code"] == 200:
        customized_response_dict.update(json.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def _can_be_looked_for(text: str, most_bytes: int) -> bool:
    return 0 < len(text.encode(errors="replace")) <= most_bytes

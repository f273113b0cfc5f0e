"""Reads the audit records of a range from their table: by time, all shards, whole records' keys and outcomes.

The keys and the index are those of lambda_src/inference_proxy/audit.py.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deployment import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "lambda_src"))
from inference_proxy.audit import SHARDS
from inference_proxy.models import timestamp_ms

_ATTRIBUTES = (
    "requestId",
    "timestamp",
    "operation",
    "modelId",
    "resolvedModelId",
    "state",
    "statusCode",
    "errorCode",
    "attempts",
    "upstreamRequestId",
)
_KEYS_A_CALL = 100  # DynamoDB's limit for BatchGetItem
_SIDE_BY_SIDE = 8
_LONGEST_PAUSE_SECONDS = 5.0
# FAILED for what happens before a request is out; only a GET is tried again after it was.
NEVER_OUT = ("UpstreamUnresolvable", "UpstreamTlsError")

CROSSED = "crossed"
REFUSED = "refused by Bedrock"  # by status; AWS does not say which of these it logs
OPEN = "may have crossed"
NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class Record:
    """Of an audit record, what says whether something crossed and which call of Commercial's it was."""

    audit_id: str
    time: float  # epoch seconds
    operation: str
    model: str
    state: str
    status: int | None
    error: str
    attempts: int | None
    upstream_request_id: str

    @property
    def fate(self) -> str:
        """What became of it: CROSSED, REFUSED, OPEN or NOT_SENT."""
        if self.upstream_request_id or self.state == "COMPLETED":
            refused = self.state in ("COMPLETED", "DENIED") and (self.status or 0) >= 400
            return REFUSED if refused else CROSSED
        if self.state == "DENIED" or self.attempts == 0 or self.error in NEVER_OUT:
            return NOT_SENT
        return OPEN


def read_records(dynamodb: Any, table: str, start: datetime, end: datetime) -> Iterator[Record]:
    """The records whose request came from ``start`` to ``end``, day by day; ``dynamodb`` is a boto3 client."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        for partition in _partitions(start, end):
            for page in _pages(dynamodb, table, partition, start, end):
                batches = [page[first : first + _KEYS_A_CALL] for first in range(0, len(page), _KEYS_A_CALL)]
                for records in pool.map(lambda keys: _whole(dynamodb, table, keys), batches):
                    yield from records


def _partitions(start: datetime, end: datetime) -> Iterator[str]:
    day = start.astimezone(UTC).date()
    while day <= end.astimezone(UTC).date():
        yield from (f"{day.isoformat()}#{shard}" for shard in range(SHARDS))
        day += timedelta(days=1)


def _pages(dynamodb: Any, table: str, partition: str, start: datetime, end: datetime) -> Iterator[Sequence[Any]]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName="by-time",
        KeyConditionExpression="dayShard = :partition AND timeKey BETWEEN :start AND :end",
        ProjectionExpression="requestId, #timestamp",
        ExpressionAttributeNames={"#timestamp": "timestamp"},
        ExpressionAttributeValues={
            ":partition": {"S": partition},
            ":start": {"S": timestamp_ms(start)},
            ":end": {"S": timestamp_ms(end)},
        },
    )
    for page in pages:
        yield page["Items"]


def _whole(dynamodb: Any, table: str, keys: Sequence[Any]) -> list[Record]:
    """The records of some keys, whose outcomes the index does not have."""
    names = {f"#{name}": name for name in _ATTRIBUTES}
    wanted = {"Keys": keys, "ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    records, pause_seconds = [], 0.1
    while wanted:
        answer = dynamodb.batch_get_item(RequestItems={table: wanted})
        records += [_record(item) for item in answer["Responses"].get(table, ())]
        wanted = answer.get("UnprocessedKeys", {}).get(table)
        if wanted:  # throttled
            time.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
    return records


def _record(item: Mapping[str, Mapping[str, str]]) -> Record:
    found = {name: next(iter(value.values())) for name, value in item.items()}
    return Record(
        audit_id=found["requestId"],
        time=datetime.fromisoformat(found["timestamp"]).timestamp(),
        operation=found.get("operation", ""),
        model=found.get("resolvedModelId") or found.get("modelId") or "",
        state=found.get("state", ""),
        status=_number(found.get("statusCode")),
        error=found.get("errorCode", ""),
        attempts=_number(found.get("attempts")),
        upstream_request_id=found.get("upstreamRequestId", ""),
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)

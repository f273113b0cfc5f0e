"""Reads the audit table: one page of an index, or whole records by their keys. What is asked, audit_query.py decides.

Follows "Query" and "BatchGetItem" in the DynamoDB API Reference: a page ends at its limit or at 1 MB, whichever comes
first, and a batch may leave keys unread.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.errors import AuditUnavailableError
from inference_proxy.models import Deadline

BATCH_KEYS = 100  # the most that one BatchGetItem takes
_CALL_SECONDS = 5.0
_BATCH_PAUSES_SECONDS = (0.0, 0.05, 0.1, 0.2)  # before each try for the keys that a batch left unread

Record = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class IndexPage:
    """What one query found: the items that match, how many do, how many were read for it, and where it stopped."""

    items: Sequence[Record]
    matched: int
    read: int
    last_key: Mapping[str, Any] | None  # None at the partition's end


class AuditTable:
    """The audit table and its indexes. Every method raises AuditUnavailableError."""

    def __init__(self, dynamodb: AwsJsonClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def query(self, arguments: Mapping[str, object], deadline: Deadline) -> IndexPage:
        """One page of a partition."""
        answer = self._call("Query", {"TableName": self._table, **arguments}, deadline)
        items = [_record(item) for item in answer.get("Items", ())]
        return IndexPage(items, int(answer["Count"]), int(answer["ScannedCount"]), answer.get("LastEvaluatedKey"))

    def records(self, index_items: Sequence[Record], deadline: Deadline) -> list[Record]:
        """The whole records of up to 100 items of an index as they are now, in no order; those that are gone miss."""
        keys: Sequence[Mapping[str, object]] = [
            {name: {"S": item[name]} for name in ("requestId", "timestamp")} for item in index_items
        ]
        records: list[Record] = []
        for pause_seconds in _BATCH_PAUSES_SECONDS:
            time.sleep(pause_seconds)
            wanted = {self._table: {"Keys": keys, "ConsistentRead": True}}  # an index must not be ahead of its table
            answer = self._call("BatchGetItem", {"RequestItems": wanted}, deadline)
            records += map(_record, answer["Responses"].get(self._table, ()))
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", ())
            if not keys:
                return records
        raise _unavailable("UnprocessedKeys")

    def _call(self, operation: str, arguments: Mapping[str, object], deadline: Deadline) -> dict[str, Any]:
        try:
            return self._dynamodb.call(operation, arguments, deadline.within(_CALL_SECONDS))
        except AwsServiceError as error:
            raise _unavailable(error.code) from None


def _unavailable(code: str) -> AuditUnavailableError:
    return AuditUnavailableError(f"the audit table cannot be read ({code}); try again later", {"Retry-After": "5"})


def _record(item: Mapping[str, Mapping[str, str | bool]]) -> Record:
    record: Record = {}
    for name, typed in item.items():
        kind, value = next(iter(typed.items()))
        record[name] = int(value) if kind == "N" else value
    return record

"""Appends to the archive: one object after the other, by any number of writers, without a lock.

Whoever stores an object at the chain's next key first has continued it (``If-None-Match``); the others read that object
and try behind it. A table holds how far the chain goes: where a writer begins, and by what an end that was cut off is
noticed. It may lag behind the bucket, never the other way round.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from inference_proxy.archive_object import BEGINNING, ArchiveEnd, compose, must_end_day, read_end
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.clock import Clock
from inference_proxy.models import Deadline, timestamp_ms
from inference_proxy.s3 import S3Bucket

_CALL_SECONDS = 5.0
_CHAIN = {"chain": {"S": "audit"}}  # the table's only item


class ArchiveChain:
    """The chain of one bucket, with its head in one table."""

    def __init__(self, dynamodb: AwsJsonClient, table: str, bucket: S3Bucket, clock: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._bucket = bucket
        self._clock = clock

    def append(self, changes: Sequence[Mapping[str, object]], deadline: Deadline) -> ArchiveEnd:
        """Store the changes as one object at the chain's end, and return its end.

        Raises AwsServiceError if that did not succeed, or may not have: then append them again. They may be in the
        archive twice afterwards, which its check knows of. Raises ValueError if something is in the way that does not
        continue the chain: then only a person can help, and nothing is appended behind it.
        """
        end = self._head(deadline)
        while True:
            now = timestamp_ms(self._clock.now())
            only_ends_day = must_end_day(end, now[:10])
            body, own = compose(end, now[:10], changes, now)
            if self._bucket.create(own.key, body, deadline.within(_CALL_SECONDS)):
                end = own
            else:
                end = read_end(self._bucket.read(own.key, deadline.within(_CALL_SECONDS)), end)
            # After each step, so that a writer which is far behind and runs out of time leaves the rest to the next.
            self._advance(end, deadline)
            if end == own and not only_ends_day:  # also if it is found there, because the answer to storing it was lost
                return end

    def advanced_at(self, deadline: Deadline) -> datetime | None:
        """When the chain last grew; None if that is not known. Raises AwsServiceError."""
        item = self._head_item(deadline)
        return datetime.fromisoformat(item["advancedAt"]["S"]) if item and "advancedAt" in item else None

    def _head_item(self, deadline: Deadline) -> Mapping[str, Mapping[str, str]] | None:
        arguments = {"TableName": self._table, "Key": _CHAIN, "ConsistentRead": True}
        return self._dynamodb.call("GetItem", arguments, deadline.within(_CALL_SECONDS)).get("Item")

    def _head(self, deadline: Deadline) -> ArchiveEnd:
        item = self._head_item(deadline)
        if not item:
            return BEGINNING
        return ArchiveEnd(
            key=item["key"]["S"],
            next_key=item["next"]["S"],
            number=int(item["number"]["N"]),
            hash=item["hash"]["S"],
            sha256=item["sha256"]["S"],
        )

    def _advance(self, end: ArchiveEnd, deadline: Deadline) -> None:
        """Put the head forward; it never goes back."""
        head = {
            "key": {"S": end.key},
            "next": {"S": end.next_key},
            "number": {"N": str(end.number)},
            "hash": {"S": end.hash},
            "sha256": {"S": end.sha256},
            "advancedAt": {"S": timestamp_ms(self._clock.now())},  # for operations/watch.py
        }
        arguments = {
            "TableName": self._table,
            "Item": _CHAIN | head,
            "ConditionExpression": "attribute_not_exists(#number) OR #number < :number",
            "ExpressionAttributeNames": {"#number": "number"},
            "ExpressionAttributeValues": {":number": head["number"]},
        }
        try:
            self._dynamodb.call("PutItem", arguments, deadline.within(_CALL_SECONDS))
        except AwsServiceError as error:
            if error.code != "ConditionalCheckFailedException":  # somebody else has put it there, or further
                raise

"""Archives the audit trail: what DynamoDB's stream says of its table goes to the chain of objects in S3.

Follows "Using AWS Lambda with Amazon DynamoDB" in the Lambda Developer Guide: a batch whose invocation fails is
delivered again, in order, until its records expire after 24 hours.
"""

from collections.abc import Mapping
from typing import Any

from inference_proxy.archive_chain import ArchiveChain
from inference_proxy.models import Deadline

# Who removes a record when its time is over ("DynamoDB Streams and Time to Live" in the DynamoDB Developer Guide).
_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


class Archive:
    """Takes the batches of the stream."""

    def __init__(self, chain: ArchiveChain) -> None:
        self._chain = chain

    def append(self, event: Mapping[str, Any], deadline: Deadline) -> dict[str, object]:
        """Archive a batch: how many changes, and in which object (None without any).

        Raises if they are not in the archive, or perhaps not: Lambda then delivers the batch again.
        """
        changes = [_change(record) for record in event["Records"] if record.get("userIdentity") != _TTL]
        end = self._chain.append(changes, deadline) if changes else None
        return {"archivedChanges": len(changes), "object": end.key if end else None}


def _change(record: Mapping[str, Any]) -> dict[str, object]:
    """One change of a record, as an entry of the archive."""
    images = record["dynamodb"]
    image = images["OldImage"] if record["eventName"] == "REMOVE" else images["NewImage"]
    return {"event": record["eventName"], "eventId": record["eventID"], "record": plain(image)}


def plain(image: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """A record without DynamoDB's types, its attributes sorted by name.

    The audit trail has text, whole numbers and truth values. Whatever else somebody may have written into its table
    stays as DynamoDB has it, so that nothing is lost.
    """
    record: dict[str, object] = {}
    for name, typed in sorted(image.items()):
        ((kind, value),) = typed.items()
        whole_number = kind == "N" and value.lstrip("-").isdecimal()
        record[name] = int(value) if whole_number else value if kind in ("S", "BOOL") else dict(typed)
    return record

"""The usage table: what crossed in each slice of ten minutes, added up once and for all.

Key ``day`` + ``slice``, TTL attribute ``ttl``, which is that of the slice's records. Its items:

    2026-11-23  05:20                 a slice: its groups, packed, how many of its crossings have no end yet, as of when
    2026-11-23  05:20#<version>#<n>   more of its groups, where there are many
    complete    2026-11-23            the day is done: a slice that has no item had no crossings
    progress    2026-11-23T05:20      a slice that did not fit one run, as far as it has been read; and more, as above

A slice's own item is written last, and names the version of the others: whoever reads sees all of a slice or nothing
of it. Writing it again replaces it.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.errors import AuditUnavailableError
from inference_proxy.models import Deadline
from inference_proxy.usage_groups import Row, pack, unpack
from inference_proxy.usage_slices import LENGTH, start_of

_CALL_SECONDS = 5.0
_GROUPS_AN_ITEM = 200  # with the longest names and latencies of all lengths they stay below an item's 400 KB
_BEHIND_PARTS = "$"  # sorts behind "#"

_Item = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """What the table has of a slice. ``positions``: of a slice in progress, where in the index to go on.

    ``as_of`` is the moment that the task went by when it added the slice up, as a timestamp.
    """

    in_progress: int
    as_of: str
    packed: tuple[bytes, ...]
    positions: Mapping[str, Any]

    def rows(self) -> Iterator[Row]:
        """The groups, unpacked."""
        for part in self.packed:
            yield from unpack(part)


class Written(NamedTuple):
    """How many crossings of a slice had no end yet when it was added up, and when that was, as in a StoredSlice."""

    in_progress: int
    as_of: str


class UsageTable:
    """Reads and writes the table; raises AuditUnavailableError where it cannot."""

    def __init__(self, dynamodb: AwsJsonClient, table: str, retention_days: int) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retention = timedelta(days=retention_days)

    def oldest(self) -> datetime:
        """Records from before this moment are gone, or are about to go."""
        return datetime.now(UTC) - self._retention

    def complete_days(self, first: str, last: str, deadline: Deadline) -> set[str]:
        """Those of the days from the first to the last that are done."""
        return {item["slice"]["S"] for item in self._query("complete", first, last, deadline)}

    def written(self, day: str, deadline: Deadline) -> dict[str, Written]:
        """The slices that the table has of a day, without their groups."""
        found = self._query(day, "00:00", "23:50", deadline, ("slice", "inProgress", "asOf"))
        return {
            f"{day}T{item['slice']['S']}": Written(int(item["inProgress"]["N"]), _as_of(item))
            for item in found
            if "inProgress" in item
        }

    def day(self, day: str, first: str, last: str, deadline: Deadline) -> dict[str, StoredSlice]:
        """The slices that the table has of a day, from a first to a last one."""
        items = self._query(day, first[11:], last[11:] + _BEHIND_PARTS, deadline)
        return {f"{day}T{key}": stored for key, stored in _assembled(items)}

    def progress(self, first: str, last: str, deadline: Deadline) -> dict[str, StoredSlice]:
        """The slices in progress, from a first to a last one."""
        return dict(_assembled(self._query("progress", first, last + _BEHIND_PARTS, deadline)))

    def put(self, name: str, rows: Iterable[Row], written: Written, deadline: Deadline) -> None:
        """Store a slice."""
        self._put_slice((name[:10], name[11:]), name, rows, _attributes(written), deadline)

    def put_progress(
        self, name: str, rows: Iterable[Row], written: Written, positions: Mapping[str, Any], deadline: Deadline
    ) -> None:
        """Store how far a slice has been read."""
        attributes = {**_attributes(written), "positions": {"S": json.dumps(positions)}}
        self._put_slice(("progress", name), name, rows, attributes, deadline)

    def put_complete(self, day: str, deadline: Deadline) -> None:
        """Note that a day is done."""
        self._put("complete", day, f"{day}T23:50", {}, deadline)

    def _put_slice(
        self, key: tuple[str, str], name: str, rows: Iterable[Row], attributes: Mapping[str, Any], deadline: Deadline
    ) -> None:
        ordered = sorted(rows)
        packed = [pack(ordered[at : at + _GROUPS_AN_ITEM]) for at in range(0, max(1, len(ordered)), _GROUPS_AN_ITEM)]
        version = hashlib.sha256(b"".join(packed)).hexdigest()[:16]
        day, own = key
        for number, part in enumerate(packed[1:], start=1):
            self._put(day, f"{own}#{version}#{number}", name, {"groups": _binary(part)}, deadline)
        whole = {"groups": _binary(packed[0]), "version": {"S": version}, "parts": {"N": str(len(packed))}}
        self._put(day, own, name, {**whole, **attributes}, deadline)

    def _put(self, day: str, key: str, name: str, attributes: Mapping[str, Any], deadline: Deadline) -> None:
        expires_at = int((start_of(name) + LENGTH + self._retention).timestamp())
        item = {"day": {"S": day}, "slice": {"S": key}, "ttl": {"N": str(expires_at)}, **attributes}
        self._call("PutItem", {"TableName": self._table, "Item": item}, deadline)

    def _query(
        self, day: str, first: str, last: str, deadline: Deadline, only: tuple[str, ...] = ()
    ) -> Iterator[_Item]:
        names = {"#day": "day", "#slice": "slice"} | {f"#{name}": name for name in only}
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#day = :day AND #slice BETWEEN :first AND :last",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {":day": {"S": day}, ":first": {"S": first}, ":last": {"S": last}},
            "ConsistentRead": True,  # what was written before a day was done is there once it says so
        }
        if only:
            arguments["ProjectionExpression"] = ", ".join(f"#{name}" for name in only)
        while True:
            answer = self._call("Query", arguments, deadline)
            yield from answer.get("Items", ())
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _call(self, operation: str, arguments: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        try:
            return self._dynamodb.call(operation, arguments, deadline.within(_CALL_SECONDS))
        except AwsServiceError as error:
            raise AuditUnavailableError(
                f"the usage table cannot be reached ({error.code}); try again later", {"Retry-After": "5"}
            ) from None


def _attributes(written: Written) -> dict[str, Mapping[str, str]]:
    return {"inProgress": {"N": str(written.in_progress)}, "asOf": {"S": written.as_of}}


def _as_of(item: _Item) -> str:
    return item["asOf"]["S"] if "asOf" in item else ""  # of an earlier release: long ago


def _binary(data: bytes) -> dict[str, str]:
    return {"B": b64encode(data).decode()}


def _assembled(items: Iterable[_Item]) -> Iterator[tuple[str, StoredSlice]]:
    """The slices of which every part is there, by their keys."""
    by_key = {item["slice"]["S"]: item for item in items}
    for key, item in by_key.items():
        if "version" not in item:
            continue
        parts = [f"{key}#{item['version']['S']}#{number}" for number in range(1, int(item["parts"]["N"]))]
        if all(part in by_key for part in parts):
            packed = tuple(b64decode(by_key[part]["groups"]["B"]) for part in (key, *parts))
            positions = json.loads(item["positions"]["S"]) if "positions" in item else {}
            yield key, StoredSlice(int(item["inProgress"]["N"]), _as_of(item), packed, positions)

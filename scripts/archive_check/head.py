"""The head of the archive: how far the router says it goes, in a table that whoever changes the objects may not reach.

The router puts it forward right after each object, so the object that it names is the last one, but for some minutes.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from archive_check.bucket import ArchiveBucket
from archive_check.findings import Findings
from archive_check.objects import ArchivedObject

_LONGEST_LAG = timedelta(minutes=5)  # a writer that died between object and head, until Lambda has another one try


class Head(NamedTuple):
    """What the table says of the last object."""

    key: str
    number: int
    hash: str
    sha256: str
    read_at: datetime


def read_head(dynamodb: Any, table: str) -> Head | None:
    """The head; None before anything was archived. Read it first: what is listed afterwards goes at least as far."""
    read_at = datetime.now(UTC)
    answer = dynamodb.get_item(TableName=table, Key={"chain": {"S": "audit"}}, ConsistentRead=True)
    item = answer.get("Item")
    if not item:
        return None
    # Somebody may have taken attributes away, or put others there: then they fit no object.
    key, last_hash, sha256 = (str(item.get(name, {}).get("S", "")) for name in ("key", "hash", "sha256"))
    number = str(item.get("number", {}).get("N", ""))
    return Head(key, int(number) if number.isdecimal() else 0, last_hash, sha256, read_at)


def check_head(head: Head, bucket: ArchiveBucket, known: ArchivedObject | None, findings: Findings) -> None:
    """Check that the head's object is there and is what the head says, and that the archive ends with it. ``known`` is
    the last object that was read, which may be that one."""
    named = known if known and known.key == head.key else bucket.look_at(head.key)
    if named is None:
        findings.add("removed object", f"{head.key} is missing, which the head names as the end")
        return
    check_content(named, head.number, head.hash, head.sha256, "the head", findings)
    behind = bucket.look_at(named.header["next"]) if named.header else None
    if behind and behind.stored and behind.stored.at < head.read_at - _LONGEST_LAG:
        text = f"{behind.key} was stored at {behind.stored.at:%Y-%m-%dT%H:%M:%SZ}, and the head still names {head.key}"
        findings.add("stale head", f"{text}: it was put back, or the router cannot write it")


def check_content(
    found: ArchivedObject, number: int, last_hash: str, sha256: str, witness: str, findings: Findings
) -> None:
    """Check that an object holds what somebody else says of it."""
    if found.header and (found.last_number, found.last_hash) != (number, last_hash):
        text = f"{found.key} does not end as {witness} says: what it holds was written anew, hashes and all"
        findings.add("rewritten object", text)
    elif found.sha256 != sha256 and not found.breaks:  # else it is said already what is wrong with it
        text = f"{found.key} is not, byte for byte, what {witness} says, though its lines are"
        findings.add("changed bytes", text if found.header else f"{found.key} is not what {witness} says")

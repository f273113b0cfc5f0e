"""Checks one object of the archive by itself: gzip, lines, numbers, hashes. How objects are linked is not its matter.

The format is that of lambda_src/inference_proxy/archive_object.py; what is right is worked out here, from the bytes.
Whoever wrote them may have meant harm: nothing that they say costs more than their own size.
"""

import hashlib
import json
import marshal
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from archive_check.keys import is_key
from archive_check.objects import ArchivedObject, Change, Intent

MOST_BYTES = 32_000_000  # of an object, packed or not; what Lambda hands the writer at once has 6 MB
_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","entry":(\{.*\})\}')
_RECORD = b',"record":'  # in no text: there its quotes would be escaped
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEADER = {"key": str, "previous": str, "previousHash": str, "previousSha256": str, "next": str, "lines": int}
# All that a record's outcome sets, by lambda_src/inference_proxy/audit.py in this release or an earlier one.
OUTCOME_ATTRIBUTES = {
    *("state", "outcomeDayShard", "success", "statusCode", "errorCode", "decision", "decisionRule", "closedAt"),
    *("attempts", "latency", "upstreamLatencyMs", "upstreamRequestId", "endpoint", "destinationRegion"),
    *("authMode", "credentialVersion", "clockSkewSeconds"),
    *("responseSize", "inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
}
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_EVENTS = ("INSERT", "MODIFY", "REMOVE")
_NUMBERS = range(1, 2**53)
_SHOWN = 5


class _Line(NamedTuple):
    place: int  # in its object, from 1
    hash: str
    text: bytes  # the entry as it is written
    entry: Mapping[str, Any]


def digest(record: Mapping[str, Any]) -> bytes:
    """The digest of a record, as it would be archived."""
    return hashlib.sha256(_ENCODER.encode(record).encode()).digest()


def intent(record: Mapping[str, Any], event: str) -> Intent:
    """What a record says of its intent, as ``event`` has written it."""
    kept = dict(record)
    for name in OUTCOME_ATTRIBUTES:
        kept.pop(name, None)
    decision = record.get("decision")
    denied_late = (event, record.get("state"), decision) == ("MODIFY", "DENIED", "DENY")
    # marshal takes a third of json's time, and every record of an archive comes by here twice. Format 0 writes values
    # and no more.
    return Intent(
        hashlib.sha256(marshal.dumps(kept, 0)).digest(),
        "" if denied_late else f"{decision} {record.get('decisionRule')}",
    )


def check(key: str, body: bytes) -> ArchivedObject:
    """Read an object, and say what is wrong with it."""
    found = ArchivedObject(key, hashlib.sha256(body).hexdigest())
    text = _unpacked(key, body, found.breaks)
    if text is None:
        return found
    written = text.split(b"\n")  # and at nothing else, or a changed byte could be another end of a line
    if written.pop():
        found.breaks.append(("changed line", f"{key} does not end with the end of a line"))
    lines = list(_parsed(key, written, found.breaks))
    header = next((line.entry for line in lines if line.entry["event"] == "OBJECT"), {})
    found.archived_at = _time_of(header)
    if found.archived_at is None:
        found.breaks.append(("changed line", f"{key} has no line that says which object this is"))
        return found
    if header["key"] != key:
        found.breaks.append(("moved object", f"{key} holds what was written as {header['key']}"))
    found.header = header
    _check_numbers(key, lines, len(written), header["lines"], found.breaks)
    lines.sort(key=lambda line: line.entry["number"])
    _check_hashes(key, lines, header["previousHash"], found.breaks)
    found.first_number, found.last_number = lines[0].entry["number"], lines[-1].entry["number"]
    found.first_hash, found.last_hash = lines[0].hash, lines[-1].hash
    found.changes = [_change(key, line) for line in lines if line.entry["event"] in _EVENTS]
    return found


def _unpacked(key: str, body: bytes, breaks: list[tuple[str, str]]) -> bytes | None:
    unpacker = zlib.decompressobj(wbits=31)  # gzip
    try:
        text = unpacker.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        breaks.append(("damaged object", f"{key} cannot be unpacked ({error}); what it holds is lost"))
        return None
    if max(len(body), len(text)) > MOST_BYTES:
        breaks.append(("oversized object", f"{key} has more than {MOST_BYTES:,} bytes, as the router writes none"))
        return None
    if not unpacker.eof:
        breaks.append(("damaged object", f"{key} cannot be unpacked (it is cut off); what it holds is lost"))
        return None
    if unpacker.unused_data:
        breaks.append(("added bytes", f"{key} has {len(unpacker.unused_data):,} bytes behind its end"))
    return text


def _time_of(header: Mapping[str, Any]) -> datetime | None:
    """When an object says that it was archived; None if it is no header."""
    if not all(isinstance(header.get(name), kind) for name, kind in _HEADER.items()):
        return None
    keys = [header["key"], header["next"], *filter(None, [header["previous"]])]
    digests = header["previousHash"], header["previousSha256"]
    if not (all(map(is_key, keys)) and all(map(_DIGEST.fullmatch, digests)) and header["lines"] in _NUMBERS):
        return None
    try:
        archived_at = datetime.fromisoformat(header["archivedAt"])
    except (KeyError, TypeError, ValueError):
        return None
    return archived_at if archived_at.tzinfo else None


def _parsed(key: str, written: Sequence[bytes], breaks: list[tuple[str, str]]) -> Iterator[_Line]:
    others = []
    for place, line in enumerate(written, start=1):
        parts = _LINE.fullmatch(line)
        entry = _entry(parts[2]) if parts else None
        if parts and entry:
            yield _Line(place, parts[1].decode(), parts[2], entry)
        else:
            others.append(place)
    if others:
        breaks.append(("changed line", f"{key} {_some(others, len(others), 'line')} is none that the router writes"))


def _entry(text: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(text.decode())
    except (ValueError, RecursionError):
        return None
    match entry:
        case {"number": int(number), "event": "OBJECT"} if number in _NUMBERS:
            return dict(entry)
        case {"number": int(number), "event": str(event), "eventId": str(), "record": {"requestId": str()}} if (
            number in _NUMBERS and event in _EVENTS
        ):
            return dict(entry)
    return None


def _check_numbers(key: str, lines: Sequence[_Line], count: int, announced: int, breaks: list[tuple[str, str]]) -> None:
    """Whether the lines are all there, once, in their order."""
    numbers = [line.entry["number"] for line in lines]
    expected, there = range(min(numbers), min(numbers) + announced), set(numbers)
    absent = announced - sum(number in expected for number in there)
    missing = _some(list(islice((number for number in expected if number not in there), _SHOWN)), absent, "entry")
    if count < announced:
        breaks.append(("removed lines", f"{key} has {count} of {announced} lines; missing: {missing}"))
    elif count > announced:
        breaks.append(("added lines", f"{key} has {count} lines, and was written with {announced}"))
    elif numbers != sorted(numbers):
        moved = [
            line.place for line, number in zip(lines, sorted(numbers), strict=True) if line.entry["number"] != number
        ]
        text = f"{key} {_some(moved, len(moved), 'line')} are not in the order in which they were written"
        breaks.append(("reordered lines", text))
    elif absent and count == len(lines):
        breaks.append(("changed line", f"{key}: the numbers of its entries do not run on; missing: {missing}"))


def _check_hashes(key: str, lines: Sequence[_Line], previous_hash: str, breaks: list[tuple[str, str]]) -> None:
    """Whether each line's hash is that of its content, behind the line before; without that one nobody can say."""
    number_before = lines[0].entry["number"] - 1
    for line in lines:
        expected = hashlib.sha256(previous_hash.encode() + line.text).hexdigest()
        if line.entry["number"] == number_before + 1 and line.hash != expected:
            breaks.append(("changed line", f"{key} line {line.place}{_request(line)} is not what was written"))
        previous_hash, number_before = line.hash, line.entry["number"]


def _change(key: str, line: _Line) -> Change:
    record = line.entry["record"]
    expires_at = record.get("ttl")
    return Change(
        where=f"{key} line {line.place}",
        event=line.entry["event"],
        event_id=line.entry["eventId"],
        request_id=record["requestId"],
        timestamp=_text(record.get("timestamp")),
        state=_text(record.get("state")),
        outcome=_outcome(record),
        intent=intent(record, line.entry["event"]),
        expires_at=expires_at if isinstance(expires_at, int) else 0,
        digest=hashlib.sha256(line.text.partition(_RECORD)[2][:-1]).digest(),
    )


def _outcome(record: Mapping[str, Any]) -> str:
    outcome, _, place = _text(record.get("outcomeDayShard")).partition("#")
    return outcome if place == record.get("dayShard") else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _request(line: _Line) -> str:
    record = line.entry.get("record")
    return f" (request {record['requestId']})" if isinstance(record, dict) else ""


def _some(numbers: Sequence[int], count: int, noun: str) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    return f"{noun} {shown}" + (f" and {count - _SHOWN} more" if count > _SHOWN else "")

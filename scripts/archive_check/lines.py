"""Checks one object of the archive by itself: gzip, lines, numbers, hashes. How objects are linked is not its matter.

The format is that of lambda_src/inference_proxy/archive_object.py; what is right is worked out here, from the bytes.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","entry":(\{.*\})\}')
_RECORD = b',"record":'  # in no text: there its quotes would be escaped
_HEADER = {"key": str, "previous": str, "previousHash": str, "next": str, "lines": int, "archivedAt": str}
_EVENTS = ("INSERT", "MODIFY", "REMOVE")


class Change(NamedTuple):
    """A change of an audit record, as far as the check needs it."""

    where: str  # object and line
    event: str
    event_id: str
    request_id: str
    timestamp: str
    state: str
    expires_at: int  # epoch seconds
    digest: bytes  # of the whole record, as it is written


@dataclass(slots=True)
class ArchivedObject:
    """An object that was read; without a header nothing is known of what it says it is."""

    key: str
    header: Mapping[str, Any] | None = None
    first_number: int = 0
    last_number: int = 0
    first_hash: str = ""
    last_hash: str = ""
    changes: Sequence[Change] = ()
    breaks: list[tuple[str, str]] = field(default_factory=list)  # name and text


class _Line(NamedTuple):
    place: int  # in its object, from 1
    hash: str
    text: bytes  # the entry as it is written
    entry: Mapping[str, Any]


def digest(record: Mapping[str, Any]) -> bytes:
    """The digest of a record, as it would be archived."""
    return hashlib.sha256(json.dumps(record, separators=(",", ":")).encode()).digest()


def check(key: str, body: bytes) -> ArchivedObject:
    """Read an object, and say what is wrong with it."""
    found = ArchivedObject(key)
    try:
        written = gzip.decompress(body).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        found.breaks.append(("damaged object", f"{key} cannot be unpacked ({error}); what it holds is lost"))
        return found
    lines = list(_parsed(key, written, found.breaks))
    header = next((line.entry for line in lines if line.entry["event"] == "OBJECT"), {})
    if not all(isinstance(header.get(name), kind) for name, kind in _HEADER.items()):
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


def _parsed(key: str, written: Sequence[bytes], breaks: list[tuple[str, str]]) -> Iterator[_Line]:
    for place, line in enumerate(written, start=1):
        parts = _LINE.fullmatch(line)
        entry = _entry(parts[2]) if parts else None
        if parts and entry:
            yield _Line(place, parts[1].decode(), parts[2], entry)
        else:
            breaks.append(("changed line", f"{key} line {place} is none that the router writes"))


def _entry(text: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    match entry:
        case {"number": int(), "event": "OBJECT"}:
            return dict(entry)
        case {"number": int(), "event": event, "eventId": str(), "record": {"requestId": str()}} if event in _EVENTS:
            return dict(entry)
    return None


def _check_numbers(key: str, lines: Sequence[_Line], count: int, announced: int, breaks: list[tuple[str, str]]) -> None:
    """Whether the lines are all there, once, in their order."""
    numbers = [line.entry["number"] for line in lines]
    first = min(numbers)
    missing = sorted(set(range(first, first + announced)) - set(numbers))
    if count < announced:
        breaks.append(("removed lines", f"{key} has {count} of {announced} lines; missing: {_some(missing, 'entry')}"))
    elif count > announced:
        breaks.append(("added lines", f"{key} has {count} lines, and was written with {announced}"))
    elif numbers != sorted(numbers):
        moved = [
            line.place for line, number in zip(lines, sorted(numbers), strict=True) if line.entry["number"] != number
        ]
        breaks.append(
            ("reordered lines", f"{key} {_some(moved, 'line')} are not in the order in which they were written")
        )
    elif missing and count == len(lines):
        breaks.append(
            ("changed line", f"{key}: the numbers of its entries do not run on; missing: {_some(missing, 'entry')}")
        )


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
        event_id=str(line.entry["eventId"]),
        request_id=str(record["requestId"]),
        timestamp=str(record.get("timestamp")),
        state=str(record.get("state")),
        expires_at=expires_at if isinstance(expires_at, int) else 0,
        digest=hashlib.sha256(line.text.partition(_RECORD)[2][:-1]).digest(),
    )


def _request(line: _Line) -> str:
    record = line.entry.get("record")
    return f" (request {record['requestId']})" if isinstance(record, dict) else ""


def _some(numbers: Sequence[int], noun: str) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return f"{noun} {shown}" + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")

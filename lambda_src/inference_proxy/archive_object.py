"""The archive's objects: their keys, their lines, and how each is chained to the one before. No I/O.

An object is gzip of lines ``{"hash":"<64 hex>","entry":<JSON>}``. A line's hash is the SHA-256 of the hash before it,
as hex text, and of the entry's bytes as they are written; so one chain goes through all lines of all objects.

The first line's entry has ``event`` OBJECT and says which object this is (``key``), which one it follows (``previous``,
``previousHash``, the hash of that one's last line, and ``previousSha256``, of its bytes as they are stored), which key
its successor will have (``next``), and how many ``lines`` it has, itself included. The others are changes of audit
records: ``event`` INSERT, MODIFY or REMOVE, ``eventId`` (a change that DynamoDB delivers twice has the same) and, as
the last member, ``record``: the record as it was afterwards, or before it was removed. All members of a record are
sorted by name, so that equal records have equal bytes. Every entry has a ``number``, which runs on through the whole
archive, and ``archivedAt``.

Keys are ``records/YYYY/MM/DD/NNNNNNNN.jsonl.gz``: the day of writing, and a running number of that day. A day ends with
an object that has no changes and whose ``next`` is the first key of the next day on which anything is written; the
object before all days is ``FIRST_KEY``. So each object has exactly one key at which it can be continued, at midnight
too: writers that store nothing over an existing object cannot fork the chain.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIRST_KEY = "records/00000000.jsonl.gz"
_FOLDER = "records"
_SUFFIX = ".jsonl.gz"


@dataclass(frozen=True, slots=True)
class ArchiveEnd:
    """The last line of an object, its bytes' digest, and where the chain goes on from there."""

    key: str  # of the object; "" before the first
    next_key: str
    number: int
    hash: str
    sha256: str  # of the whole object as it is stored


BEGINNING = ArchiveEnd("", FIRST_KEY, 0, "0" * 64, "0" * 64)


def compose(
    end: ArchiveEnd, today: str, changes: Sequence[Mapping[str, object]], archived_at: str
) -> tuple[bytes, ArchiveEnd]:
    """The object that goes on behind ``end``, and its own end. It holds the changes if its key is of ``today``
    (YYYY-MM-DD) or a later day; else it only ends its day, and the changes belong behind it."""
    ends_day = must_end_day(end, today)
    contents = () if ends_day else changes
    key = end.next_key
    following = _key(today, 1) if ends_day else _key(_day(key), int(_stem(key)) + 1)
    header = {
        "event": "OBJECT",
        "key": key,
        "previous": end.key,
        "previousHash": end.hash,
        "previousSha256": end.sha256,
        "next": following,
        "lines": len(contents) + 1,
    }
    lines, number, digest = [], end.number, end.hash
    for entry in (header, *contents):
        number += 1
        numbered = {"number": number, "archivedAt": archived_at, **entry}
        text = json.dumps(numbered, separators=(",", ":"))
        digest = hashlib.sha256(f"{digest}{text}".encode()).hexdigest()
        lines.append(f'{{"hash":"{digest}","entry":{text}}}\n')
    body = gzip.compress("".join(lines).encode(), mtime=0)
    return body, ArchiveEnd(key, following, number, digest, _sha256(body))


def must_end_day(end: ArchiveEnd, today: str) -> bool:
    """Whether the next object only ends its day, because that has passed (or is none: the first object of all)."""
    return _day(end.next_key) < today


def read_end(body: bytes, end: ArchiveEnd) -> ArchiveEnd:
    """The end of an object as it is stored; raises ValueError if it is none of the archive's, or not what follows on
    ``end``."""
    try:
        lines = gzip.decompress(body).splitlines()
        first, last = json.loads(lines[0])["entry"], json.loads(lines[-1])
        own = ArchiveEnd(first["key"], first["next"], last["entry"]["number"], last["hash"], _sha256(body))
        follows_on = (first["previous"], first["previousHash"], first["previousSha256"], first["number"])
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"not an object of the archive: {type(error).__name__}") from None
    if (own.key, follows_on) != (end.next_key, (end.key, end.hash, end.sha256, end.number + 1)):
        raise ValueError(f"the object at {end.next_key} does not follow on {end.key or 'nothing'}, the archive's end")
    return own


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _key(day: str, sequence: int) -> str:
    return f"{_FOLDER}/{day.replace('-', '/')}/{sequence:08d}{_SUFFIX}"


def _day(key: str) -> str:
    """The day of a key as YYYY-MM-DD; "" for the first object, which has none."""
    return "-".join(key.split("/")[1:-1])


def _stem(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(_SUFFIX)

"""The archive's check against somebody who knows how archives are made: bytes, heads, and objects that mean harm."""

import gzip
import json
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from archive_check import lines
from inference_proxy.archive_object import ArchiveEnd, compose
from tests.contract.archive_bench import TODAY, ArchiveBench, append
from tests.contract.archive_tampering import (
    DAY1,
    DAY2,
    DAY3,
    broken,
    key,
    rechained,
    set_attribute,
    table_key,
    verified,
)

# --- Bytes ---


def flipped(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def test_no_changed_byte_leaves_an_object_as_it_was(archive: ArchiveBench) -> None:
    """Those that gzip does not look at change the digest all the same, which the next object and the head hold."""
    body = archive.read(key(DAY2, 2))
    honest = lines.check(key(DAY2, 2), body)
    assert not honest.breaks
    unseen = set()
    for place in range(len(body)):
        found = lines.check(key(DAY2, 2), flipped(body, place))
        assert found.sha256 != honest.sha256
        unseen |= set() if found.breaks else {place}
    assert 0 < len(unseen) < 10


@pytest.mark.parametrize(
    ("day", "number", "witness"), [(DAY1, 4, key(DAY2, 1)), (DAY2, 2, key(DAY2, 3)), (DAY3, 3, "the head")]
)
@pytest.mark.parametrize("last", [DAY2, DAY3])
def test_a_changed_byte_that_no_line_has(
    archive: ArchiveBench, day: date, number: int, witness: str, last: date
) -> None:
    """Of gzip's header: in the range, before it, and as the last object of all."""
    archive.forge(key(day, number), flipped(archive.read(key(day, number)), 5))
    text = f"changed bytes: {key(day, number)} is not, byte for byte, what {witness} says, though its lines are"
    assert broken(archive, DAY2, last) == [text]


@pytest.mark.parametrize("place", [0, 200, -5], ids=["magic", "middle", "checksum"])
def test_a_changed_byte_that_gzip_sees(archive: ArchiveBench, place: int) -> None:
    body = archive.read(key(DAY2, 2))
    archive.forge(key(DAY2, 2), flipped(body, place % len(body)))
    (line,) = (line for line in broken(archive) if key(DAY2, 2) in line)
    assert line.startswith(f"damaged object: {key(DAY2, 2)} cannot be unpacked")


@pytest.mark.parametrize("more", [b"\0" * 1000, gzip.compress(b"more", mtime=0)], ids=["zeros", "another member"])
def test_bytes_behind_the_end(archive: ArchiveBench, more: bytes) -> None:
    archive.forge(key(DAY2, 2), archive.read(key(DAY2, 2)) + more)
    assert broken(archive) == [f"added bytes: {key(DAY2, 2)} has {len(more):,} bytes behind its end"]


@pytest.mark.parametrize(
    ("ends", "finding"),
    [
        (b"\r\n", "line 1, 2, 3, 4, 5 is none that the router writes"),
        (b"\r", "does not end with the end of a line"),
        (b"\n\n", "line 2, 4, 6, 8, 10 is none that the router writes"),
    ],
)
def test_other_ends_of_lines(archive: ArchiveBench, ends: bytes, finding: str) -> None:
    archive.forge(key(DAY2, 2), [line.replace(b"\n", ends) for line in archive.lines(key(DAY2, 2))])
    assert f"changed line: {key(DAY2, 2)} {finding}" in broken(archive)


def test_an_object_that_was_cut_off(archive: ArchiveBench) -> None:
    archive.forge(key(DAY2, 2), archive.read(key(DAY2, 2))[:-4])
    text = f"damaged object: {key(DAY2, 2)} cannot be unpacked (it is cut off); what it holds is lost"
    assert text in broken(archive)


# --- The head ---


def set_head(archive: ArchiveBench, **attributes: dict[str, str]) -> None:
    item = archive.dynamodb.get_item(TableName=archive.head_table, Key={"chain": {"S": "audit"}})["Item"]
    archive.dynamodb.put_item(TableName=archive.head_table, Item=item | attributes)


def head_at(archive: ArchiveBench, name: str) -> dict[str, dict[str, str]]:
    """The head as it was when that object was the last one."""
    found = lines.check(name, archive.read(name))
    assert found.header
    return {
        "key": {"S": name},
        "next": {"S": found.header["next"]},
        "number": {"N": str(found.last_number)},
        "hash": {"S": found.last_hash},
        "sha256": {"S": found.sha256},
    }


def change_latency(entries: list[dict[str, Any]]) -> None:
    entries[3]["record"]["latency"] = 123


@pytest.mark.parametrize("first", [DAY1, DAY3, TODAY])
def test_the_last_object_rewritten_and_the_head_made_to_know_nothing_of_it(archive: ArchiveBench, first: date) -> None:
    """With number 1 it would lag behind any object."""
    archive.forge(key(DAY3, 3), rechained(archive.lines(key(DAY3, 3)), change_latency))
    set_head(archive, number={"N": "1"})
    assert any(
        line.startswith(f"rewritten object: {key(DAY3, 3)} does not end as the head says")
        for line in broken(archive, first, TODAY)
    )


@pytest.mark.parametrize("name", ["key", "number", "hash", "sha256"])
@pytest.mark.parametrize("value", [{"S": "x"}, {"N": "1.5"}])
def test_a_head_that_says_nonsense(archive: ArchiveBench, name: str, value: dict[str, str]) -> None:
    set_head(archive, **{name: value})
    assert len(broken(archive)) == 1


@pytest.mark.parametrize(("first", "last"), [(DAY1, DAY3), (DAY3, DAY3), (DAY1, DAY1)])
def test_a_head_that_was_put_back(archive: ArchiveBench, first: date, last: date) -> None:
    """So that the last object can be rewritten: its table too, and nothing behind it says what it was."""
    request = json.loads(archive.lines(key(DAY3, 3))[3])["entry"]["record"]["requestId"]
    archive.forge(key(DAY3, 3), rechained(archive.lines(key(DAY3, 3)), change_latency))
    set_attribute(archive, request, "latency", {"N": "123"})
    set_head(archive, **head_at(archive, key(DAY3, 2)))
    text = f"the head still names {key(DAY3, 2)}: it was put back, or the router cannot write it"
    (line,) = broken(archive, first, last)
    assert line.startswith(f"stale head: {key(DAY3, 3)} was stored at {DAY3}T1")
    assert line.endswith(text)


def test_a_head_may_lag_behind_for_a_moment(archive: ArchiveBench) -> None:
    archive.clock.skew_seconds = 0
    (before, last) = (append(archive.writer(), archive.crossings(name))["object"] for name in ("a", "b"))
    set_head(archive, **head_at(archive, str(before)))
    archive.date(str(last), datetime.now(UTC) - timedelta(minutes=4))
    verified(archive, DAY1, TODAY)
    archive.date(str(last), datetime.now(UTC) - timedelta(minutes=6))
    (line,) = broken(archive, DAY1, TODAY)
    assert line.startswith(f"stale head: {last} was stored at ")


def test_an_end_that_was_cut_off_is_found_from_any_range(archive: ArchiveBench) -> None:
    archive.remove(key(DAY3, 3))
    text = f"removed object: {key(DAY3, 3)} is missing, which the head names as the end"
    assert broken(archive, DAY1, DAY1) == [text]


# --- Objects that mean harm ---


@pytest.mark.parametrize("number", [30_000_000, 2**52])
def test_a_number_of_lines_that_nobody_can_count(archive: ArchiveBench, number: int) -> None:
    def announce(entries: list[dict[str, Any]]) -> None:
        entries[0]["lines"] = number

    body = gzip.compress(b"".join(rechained(archive.lines(key(DAY2, 2)), announce)))
    tracemalloc.start()
    found = lines.check(key(DAY2, 2), body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    first = found.first_number + 5
    missing = ", ".join(map(str, range(first, first + 5)))
    assert found.breaks == [
        (
            "removed lines",
            f"{key(DAY2, 2)} has 5 of {number} lines; missing: entry {missing} and {number - 10} more",
        )
    ]


def test_an_object_that_unpacks_to_too_much(archive: ArchiveBench) -> None:
    bomb = gzip.compress(b"\n" * (lines.MOST_BYTES + 1))
    assert len(bomb) < 50_000
    for body in (bomb, archive.read(key(DAY2, 2)) + bytes(lines.MOST_BYTES)):
        archive.forge(key(DAY2, 2), body)
        assert f"oversized object: {key(DAY2, 2)} has more than 32,000,000 bytes, as the router writes none" in broken(
            archive
        )


def test_many_lines_that_are_none_are_one_break() -> None:
    found = lines.check(key(DAY2, 2), gzip.compress(b"\n" * 1_000_000))
    assert found.breaks == [
        ("changed line", f"{key(DAY2, 2)} line 1, 2, 3, 4, 5 and 999995 more is none that the router writes"),
        ("changed line", f"{key(DAY2, 2)} has no line that says which object this is"),
    ]


def test_a_line_that_is_nested_too_deep(archive: ArchiveBench) -> None:
    written = archive.lines(key(DAY2, 2))
    written[2] = b'{"hash":"' + b"0" * 64 + b'","entry":{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}}\n"
    archive.forge(key(DAY2, 2), written)
    assert f"changed line: {key(DAY2, 2)} line 3 is none that the router writes" in broken(archive)


@pytest.mark.parametrize(
    "header",
    [
        {"previous": "nowhere"},
        {"previous": "records/2026/99/99/00000001.jsonl.gz"},
        {"next": "records/a/b/c"},
        {"next": "\ud800"},
        {"previousHash": "\ud800"},
        {"previousSha256": 7},
        {"lines": 0},
        {"lines": 10**4000},
        {"number": -1},
        {"number": 10**4299},
        {"archivedAt": "yesterday"},
        {"archivedAt": "2026-11-23T00:00:00"},
        {"archivedAt": None},
    ],
    ids=repr,
)
def test_a_header_that_is_none(header: dict[str, Any]) -> None:
    name = key(DAY2, 2)
    honest, _ = compose(ArchiveEnd(key(DAY2, 1), name, 7, "0" * 64, "0" * 64), str(DAY2), [], f"{DAY2}T12:00:00Z")
    assert lines.check(name, honest).breaks == []
    entry = json.dumps(json.loads(gzip.decompress(honest))["entry"] | header, separators=(",", ":"))
    found = lines.check(name, gzip.compress(f'{{"hash":"{"0" * 64}","entry":{entry}}}\n'.encode()))
    assert found.breaks[-1] == ("changed line", f"{name} has no line that says which object this is")


def test_an_object_before_the_range_that_is_none(archive: ArchiveBench) -> None:
    """What it holds is not this range's matter; that it is not what was written is."""
    archive.forge(key(DAY2, 4), rechained(archive.lines(key(DAY2, 4)), lambda entries: entries[0].update(lines=0)))
    assert broken(archive, DAY3, DAY3) == [f"changed bytes: {key(DAY2, 4)} is not what {key(DAY3, 1)} says"]


def test_an_object_behind_the_range_that_is_no_witness(archive: ArchiveBench) -> None:
    archive.forge(key(DAY3, 1), b"nothing")
    (line,) = broken(archive, DAY2, DAY2)
    assert line == (
        f"damaged object: {key(DAY3, 1)} cannot be read, which would say whether {key(DAY2, 4)} is what was written"
    )


def remove_day(archive: ArchiveBench, day: date) -> None:
    """Its objects, and its records in the table: when that day is checked alone, only what is behind it tells."""
    names = [name for name in sorted(archive.keys()) if name.startswith(f"records/{day:%Y/%m/%d}/")]
    records = [json.loads(line)["entry"].get("record") for name in names for line in archive.lines(name)]
    for request_id in {record["requestId"] for record in records if record}:
        archive.dynamodb.delete_item(TableName=archive.audit_table, Key=table_key(archive, request_id))
    archive.remove(*names)


MISSING = f"removed object: {key(DAY2, 4)} is missing, on which {key(DAY3, 1)} follows"


@pytest.mark.parametrize("name", [f"records/{DAY3:%Y/%m/%d}/!", key(DAY3, 0), f"records/{DAY2:%Y/%m}/00/{DAY2:%d}.gz"])
@pytest.mark.parametrize("more", [0, 1200])
def test_a_removed_day_and_what_stands_before_the_object_that_tells(
    archive: ArchiveBench, name: str, more: int
) -> None:
    """More of it than S3 lists at once."""
    remove_day(archive, DAY2)
    for place in (name, *(f"{name}{number:04d}" for number in range(more))):
        archive.s3.put_object(Bucket=archive.bucket, Key=place, Body=b"x", ChecksumAlgorithm="SHA256")
    lines = broken(archive, DAY2, DAY2)
    assert MISSING in lines
    is_behind = name.startswith(f"records/{DAY3:%Y/%m/%d}/")
    assert (f"foreign object: {name} is none that the router writes" in lines) is is_behind


def test_a_removed_day_and_delete_markers_on_all_behind_it(archive: ArchiveBench) -> None:
    remove_day(archive, DAY2)
    for number in (1, 2, 3):
        archive.s3.delete_object(Bucket=archive.bucket, Key=key(DAY3, number))
    assert MISSING in broken(archive, DAY2, DAY2)


def test_a_removed_day_and_an_object_behind_it_that_is_no_witness(archive: ArchiveBench) -> None:
    remove_day(archive, DAY2)
    archive.forge(key(DAY3, 1), b"nothing")
    assert broken(archive, DAY2, DAY2) == [
        f"damaged object: {key(DAY3, 1)} cannot be read, which would say what comes before it"
    ]


def test_a_removed_day_and_nothing_behind_it_but_what_the_router_never_wrote(archive: ArchiveBench) -> None:
    remove_day(archive, DAY2)
    remove_day(archive, DAY3)
    archive.forge(key(DAY3, 0), b"nothing")
    lines = broken(archive, DAY2, DAY2)
    assert f"removed day: nothing is left up to {key(DAY3, 3)}, which the head names as the end" in lines


@pytest.mark.parametrize("request_id", ["", "\ud800", "\x1b[2J", "x" * 3000])
def test_a_record_that_no_table_can_have(archive: ArchiveBench, request_id: str) -> None:
    def rename(entries: list[dict[str, Any]]) -> None:
        for entry in entries[1:]:
            entry["record"] |= {"requestId": request_id, "state": ["x"], "timestamp": f"{DAY2}T12"}

    archive.forge(key(DAY2, 2), rechained(archive.lines(key(DAY2, 2)), rename))
    found = broken(archive)
    assert any(line.startswith("deleted record: request ") for line in found)
    assert all(line.isascii() and line.isprintable() for line in found)


def test_the_largest_objects_are_within_the_limit() -> None:
    """Lambda hands over at most 6 MB, in which DynamoDB's form of a record is longer than the archive's."""
    record = {f"attribute{number}": "x" * 300 for number in range(20)}
    changes = [{"event": "INSERT", "eventId": "x" * 36, "record": record | {"requestId": "x"}}] * 1000
    end = ArchiveEnd(key(DAY1, 1), key(DAY1, 2), 7, "0" * 64, "0" * 64)
    body, _ = compose(end, str(DAY1), changes, f"{DAY1}T12:00:00.000Z")
    assert 6_000_000 < len(gzip.decompress(body)) < lines.MOST_BYTES / 4
    assert lines.check(key(DAY1, 2), body).breaks == []

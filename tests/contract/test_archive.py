"""The archive's writer: the chain it leaves, rivals, midnight, faults, and that nothing of a batch is lost."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inference_proxy.archive_object import ArchiveEnd, compose
from inference_proxy.aws_service import AwsServiceError
from tests.contract.archive_bench import TODAY, ArchiveBench, append, side_by_side, stream_record
from tests.contract.faulty_aws import FaultyAws

FIRST = "records/00000000.jsonl.gz"
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def archive(
    aws_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[ArchiveBench]:
    """An empty archive."""
    with ArchiveBench(aws_url, tmp_path, monkeypatch, capsys).running() as bench:
        yield bench


def key(day: Any, number: int) -> str:
    return f"records/{day:%Y/%m/%d}/{number:08d}.jsonl.gz"


def entries(archive: ArchiveBench) -> list[dict[str, Any]]:
    """Every entry of the archive in the order of the chain, after working out its hash."""
    found, previous, number, stored = [], "0" * 64, 0, "0" * 64
    for name in sorted(archive.keys()):
        header = json.loads(archive.lines(name)[0])["entry"]
        assert (header["previousHash"], header["previousSha256"]) == (previous, stored)
        stored = hashlib.sha256(archive.read(name)).hexdigest()
        for line in archive.lines(name):
            written = json.loads(line)
            text = line.removesuffix(b"}\n").partition(b'"entry":')[2]
            assert written["hash"] == hashlib.sha256(previous.encode() + text).hexdigest()
            assert written["entry"]["number"] == number + 1
            previous, number = written["hash"], number + 1
            found.append(written["entry"])
    return found


def test_a_batch_is_one_object_of_its_day_and_continues_the_chain(archive: ArchiveBench) -> None:
    archive.on(TODAY)
    writer = archive.writer()
    started = archive.begin("a")
    answer = append(writer, [started, archive.change(started)])
    assert answer == {"archivedChanges": 2, "object": key(TODAY, 1)}
    append(writer, [archive.begin("b", "DENIED")])
    assert sorted(archive.keys()) == [FIRST, key(TODAY, 1), key(TODAY, 2)]
    chain = entries(archive)
    assert [entry["event"] for entry in chain] == ["OBJECT", "OBJECT", "INSERT", "MODIFY", "OBJECT", "INSERT"]
    header = chain[1]
    assert (header["key"], header["previous"], header["next"], header["lines"]) == (
        key(TODAY, 1),
        FIRST,
        key(TODAY, 2),
        3,
    )
    assert chain[2]["eventId"] == started["eventID"]
    assert chain[2]["archivedAt"].startswith(TODAY.isoformat())
    assert (chain[3]["record"]["state"], chain[3]["record"]["latency"]) == ("COMPLETED", 321)


def test_objects_are_stored_checked_and_never_over_another(archive: ArchiveBench) -> None:
    append(archive.writer(), archive.crossings("a"))
    puts = [headers for method, _, headers in archive.front.requests if method == "PUT"]
    assert len(puts) == 2
    for headers in puts:
        assert headers["If-None-Match"] == "*"
        assert "x-amz-content-sha256;" in headers["Authorization"]
        assert "x-amz-checksum-sha256;" in headers["Authorization"]
    stored = archive.s3.get_object(Bucket=archive.bucket, Key=key(TODAY, 1))
    assert stored["ObjectLockMode"] == "GOVERNANCE"


def test_what_ttl_removes_is_not_archived_and_what_somebody_deletes_is(archive: ArchiveBench) -> None:
    writer = archive.writer()
    record = archive.begin("a")
    by_ttl = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
    expired = stream_record("REMOVE", record["dynamodb"]["NewImage"], **by_ttl)
    assert append(writer, [expired]) == {"archivedChanges": 0, "object": None}
    assert append(writer, [record, expired, archive.delete(record)])["archivedChanges"] == 2
    removed = entries(archive)[-1]
    assert (removed["event"], removed["record"]["requestId"]) == ("REMOVE", "a")


def test_attributes_that_the_router_never_writes_are_kept_whole(archive: ArchiveBench) -> None:
    odd = {"ratio": {"N": "1.50"}, "list": {"L": [{"S": "x"}]}, "none": {"NULL": True}, "below": {"N": "-3"}}
    append(archive.writer(), [archive.change(archive.begin("a"), "STARTED", **odd)])
    record = entries(archive)[-1]["record"]
    assert {name: record[name] for name in odd} == odd | {"below": -3}


def test_days_follow_on_each_other_and_a_quiet_day_has_no_objects(archive: ArchiveBench) -> None:
    quiet = YESTERDAY - timedelta(days=1)
    archive.fill(quiet - timedelta(days=1), YESTERDAY, TODAY, batches=1)
    first = quiet - timedelta(days=1)
    assert sorted(archive.keys()) == [
        FIRST,
        key(first, 1),
        key(first, 2),
        key(YESTERDAY, 1),
        key(YESTERDAY, 2),
        key(TODAY, 1),
    ]
    ends_day = next(entry for entry in entries(archive) if entry.get("key") == key(first, 2))
    assert (ends_day["lines"], ends_day["next"]) == (1, key(YESTERDAY, 1))


def test_a_clock_that_is_behind_does_not_go_back_to_an_earlier_day(archive: ArchiveBench) -> None:
    writer = archive.writer()
    archive.on(TODAY)
    append(writer, archive.crossings("a"))
    archive.on(YESTERDAY, hour=23)
    assert append(writer, archive.crossings("b"))["object"] == key(TODAY, 2)


def test_writers_at_once_make_one_chain(archive: ArchiveBench) -> None:
    """At the beginning, and at midnight, where they would choose different keys if the day alone chose."""
    archive.on(YESTERDAY)
    writers = [archive.writer() for _ in range(5)]
    side_by_side(writers, [archive.crossings(f"first-{n}") for n in range(5)])
    archive.on(TODAY)
    side_by_side(writers, [archive.crossings(f"second-{n}") for n in range(5)])
    assert len(archive.keys()) == 1 + 5 + 1 + 5
    archived = [entry["record"]["requestId"] for entry in entries(archive) if entry["event"] == "INSERT"]
    assert sorted(archived) == sorted(f"{batch}-{n}" for batch in ("first", "second") for n in range(5))


@pytest.mark.parametrize("fault", ["SlowDown", "reset", "ConditionalRequestConflict", "lost"])
def test_a_passing_fault_of_s3_leaves_one_copy(archive: ArchiveBench, fault: str) -> None:
    """With "lost" the object was stored: the second try finds it there, and that it is its own."""
    writer = archive.writer()
    append(writer, archive.crossings("a"))
    archive.front.faults["PUT"] = [fault]
    assert append(writer, archive.crossings("b"))["object"] == key(TODAY, 2)
    assert [entry["event"] for entry in entries(archive)].count("INSERT") == 2


@pytest.mark.parametrize("faults", [["AccessDenied"], ["SlowDown", "SlowDown"], ["reset", "reset"]])
def test_a_batch_that_could_not_be_stored_raises_and_is_stored_the_next_time(
    archive: ArchiveBench, faults: list[str]
) -> None:
    writer = archive.writer()
    batch = archive.crossings("a")
    archive.front.faults["PUT"] = list(faults)
    with pytest.raises(AwsServiceError) as raised:
        append(writer, batch)
    assert "XP-CANARY" not in str(raised.value)
    append(writer, batch)
    assert [entry["event"] for entry in entries(archive)].count("INSERT") == 1


def test_a_head_that_was_left_behind_is_caught_up_with(archive: ArchiveBench, faulty_aws: FaultyAws) -> None:
    """As a writer leaves it that dies between object and head; even one that died before the first head."""
    batch = archive.crossings("a")
    faulty_aws.faults["PutItem"] = "AccessDeniedException"
    dying = archive.writer(faulty_aws.url)
    for _ in range(3):
        with pytest.raises(AwsServiceError):
            append(dying, batch)
    assert sorted(archive.keys()) == [FIRST]
    head = {"chain": {"S": "audit"}}
    append(archive.writer(), batch)
    left_behind = archive.dynamodb.get_item(TableName=archive.head_table, Key=head)["Item"]
    for name in ("b", "c", "d"):
        append(archive.writer(), archive.crossings(name))
    archive.dynamodb.put_item(TableName=archive.head_table, Item=left_behind)
    assert append(archive.writer(), archive.crossings("e"))["object"] == key(TODAY, 5)
    assert [entry["event"] for entry in entries(archive)].count("INSERT") == 5
    caught_up = archive.dynamodb.get_item(TableName=archive.head_table, Key=head)["Item"]
    assert caught_up["key"]["S"] == key(TODAY, 5)
    archive.dynamodb.delete_item(TableName=archive.head_table, Key=head)
    assert append(archive.writer(), archive.crossings("f"))["object"] == key(TODAY, 6)


def test_the_head_never_goes_back(archive: ArchiveBench) -> None:
    """Though a writer that was slow to say so is overtaken."""
    writer = archive.writer()
    for name in ("a", "b"):
        append(writer, archive.crossings(name))
    item = archive.dynamodb.get_item(TableName=archive.head_table, Key={"chain": {"S": "audit"}})["Item"]
    further = item | {"number": {"N": "1000"}}
    archive.dynamodb.put_item(TableName=archive.head_table, Item=further)
    append(writer, archive.crossings("c"))  # numbers run on from the head
    item = archive.dynamodb.get_item(TableName=archive.head_table, Key={"chain": {"S": "audit"}})["Item"]
    assert int(item["number"]["N"]) == 1003


def test_something_else_at_the_next_key_stops_the_writer(archive: ArchiveBench) -> None:
    """Rather than a chain that has a hole: the batch stays in the stream, and the alarm on its age says so."""
    writer = archive.writer()
    append(writer, archive.crossings("a"))
    deep = b'{"entry":' + b"[" * 100_000
    for content in (b"not gzip", gzip.compress(b"x" * 99)[:-9], *map(gzip.compress, (b"{}\n", b"", deep))):
        archive.forge(key(TODAY, 2), content)
        with pytest.raises(ValueError, match="not an object of the archive"):
            append(writer, archive.crossings("b"))


@pytest.mark.parametrize(
    "forged",
    [
        {"key": FIRST},
        {"previous": FIRST},
        {"previousHash": "f" * 64},
        {"previousSha256": "f" * 64},
        {"number": 7},
        {"next": "records/2031/01/01/00000001.jsonl.gz", "previousHash": "f" * 64},
    ],
    ids=["key", "previous", "hash", "bytes", "number", "next"],
)
def test_a_planted_object_that_does_not_follow_on_the_end_stops_the_writer(
    archive: ArchiveBench, forged: dict[str, Any]
) -> None:
    """Whoever may put objects knows the format: the writer would go on behind it, where the planter wants it to."""
    archive.on(TODAY)
    writer = archive.writer()
    append(writer, archive.crossings("a"))
    end = archive.dynamodb.get_item(TableName=archive.head_table, Key={"chain": {"S": "audit"}})["Item"]
    known = ArchiveEnd(key(TODAY, 1), key(TODAY, 2), int(end["number"]["N"]), end["hash"]["S"], end["sha256"]["S"])
    honest, _ = compose(known, TODAY.isoformat(), [], "2026-11-23T00:00:00.000Z")
    header = json.loads(gzip.decompress(honest))["entry"] | forged
    line = f'{{"hash":"{"0" * 64}","entry":{json.dumps(header, separators=(",", ":"))}}}\n'
    archive.s3.put_object(Bucket=archive.bucket, Key=key(TODAY, 2), Body=gzip.compress(line.encode()))
    with pytest.raises(ValueError, match=f"{key(TODAY, 2)} does not follow on {key(TODAY, 1)}"):
        append(writer, archive.crossings("b"))
    assert len(archive.keys()) == 3

"""The archive's check: each way in which an archive can be broken is found by name, and honest ones are verified."""

import dataclasses
import gzip
import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import verify_audit
from archive_check.bucket import ArchiveBucket
from archive_check.lines import OUTCOME_ATTRIBUTES
from inference_proxy.audit import AuditTrail
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.decisions import Decision
from inference_proxy.models import Caller, Crossing, Deadline, Outcome, RecordKey, Request
from tests.contract.archive_bench import TODAY, ArchiveBench, append, side_by_side
from tests.contract.archive_tampering import (
    DAY1,
    DAY2,
    DAY3,
    FIRST,
    broken,
    key,
    rechained,
    set_attribute,
    table_key,
    verified,
)
from tests.contract.faulty_aws import FaultyAws


def test_an_honest_archive_is_verified(archive: ArchiveBench) -> None:
    (said,) = verified(archive)
    entries = [json.loads(line) for name in sorted(archive.keys())[1:] for line in archive.lines(name)]
    assert said == (
        f"verified: {len(entries)} entries in 11 objects of 3 days, 18 records in the table, "
        f"chain {entries[0]['hash'][:12]} ... {entries[-1]['hash'][:12]}"
    )


@pytest.mark.parametrize(("first", "last"), [(DAY1, DAY1), (DAY2, DAY2), (DAY3, DAY3), (DAY2, DAY3), (DAY3, TODAY)])
def test_parts_of_it_are_verified_with_their_links(archive: ArchiveBench, first: date, last: date) -> None:
    verified(archive, first, last)


def test_days_without_an_object_are_verified(empty_archive: ArchiveBench) -> None:
    empty_archive.fill(DAY1, DAY3)
    (said,) = verified(empty_archive, DAY2, DAY2)
    assert "0 entries in 0 objects of 1 days" in said
    verified(empty_archive, DAY1 - timedelta(days=3), DAY1 - timedelta(days=1))
    verified(empty_archive, TODAY, TODAY)


def test_an_archive_that_holds_nothing_proves_nothing(empty_archive: ArchiveBench) -> None:
    assert broken(empty_archive) == [
        "missing head: the table of the archive's head is empty: nothing was ever archived, or all is gone"
    ]


# --- Objects ---


def test_a_removed_object(archive: ArchiveBench) -> None:
    archive.remove(key(DAY2, 2))
    lines = broken(archive)
    assert f"removed object: {key(DAY2, 2)} missing behind {key(DAY2, 1)} (entries: 5)" in lines
    # What it held is missed in the table's comparison; nothing else is.
    assert sorted(line.split()[3] for line in lines if line.startswith("missing record")) == ["r8", "r9"]
    assert len(lines) == 3


def test_a_removed_object_before_and_behind_the_range(archive: ArchiveBench) -> None:
    archive.remove(key(DAY1, 4), key(DAY3, 1))
    lines = broken(archive, DAY2, DAY2)
    assert f"removed object: {key(DAY1, 4)} is missing, on which {key(DAY2, 1)} follows" in lines
    assert f"removed object: {key(DAY3, 1)} missing behind {key(DAY2, 4)} (entries: 5)" in lines


def test_a_truncated_day(archive: ArchiveBench) -> None:
    archive.remove(key(DAY2, 3), key(DAY2, 4))
    span = f"{key(DAY2, 3)} to {key(DAY2, 4)} missing behind {key(DAY2, 2)}"
    text = f"{DAY2}: its last objects are gone: {span} (entries: 6)"
    for first, last in ((DAY1, DAY3), (DAY2, DAY2)):
        assert f"truncated day: {text}" in broken(archive, first, last)


def test_the_end_cut_off(archive: ArchiveBench) -> None:
    archive.remove(key(DAY3, 2), key(DAY3, 3))
    lines = broken(archive)
    text = f"{DAY3}: its last objects are gone: {key(DAY3, 2)} to {key(DAY3, 3)} missing behind {key(DAY3, 1)}"
    assert f"truncated day: {text} (entries: 10)" in lines


def test_a_removed_day(archive: ArchiveBench) -> None:
    archive.remove(*(key(DAY2, number) for number in (1, 2, 3, 4)))
    text = f"removed day: {DAY2}: {key(DAY2, 1)} to {key(DAY2, 4)} missing behind {key(DAY1, 4)} (entries: 16)"
    assert text in broken(archive)
    assert f"removed object: {key(DAY2, 4)} is missing, on which {key(DAY3, 1)} follows" in broken(archive, DAY2, DAY2)


def test_the_last_day_removed(archive: ArchiveBench) -> None:
    archive.remove(*(key(DAY3, number) for number in (1, 2, 3)))
    text = f"removed day: {DAY3}: {key(DAY3, 1)} to {key(DAY3, 3)} missing behind {key(DAY2, 4)} (entries: 15)"
    assert text in broken(archive)
    alone = broken(archive, DAY3, DAY3)
    assert f"removed day: nothing is left up to {key(DAY3, 3)}, which the head names as the end" in alone


def test_everything_removed(archive: ArchiveBench) -> None:
    archive.remove(*archive.keys())
    assert f"removed day: nothing is left up to {key(DAY3, 3)}, which the head names as the end" in broken(archive)


def test_the_head_removed(archive: ArchiveBench) -> None:
    archive.dynamodb.delete_item(TableName=archive.head_table, Key={"chain": {"S": "audit"}})
    assert broken(archive) == [
        "missing head: the table of the archive's head is empty: nobody can tell whether the end was cut off"
    ]


def test_a_second_version(archive: ArchiveBench) -> None:
    content = gzip.compress(b"".join(archive.lines(key(DAY2, 2))[:1]))
    put = archive.s3.put_object(Bucket=archive.bucket, Key=key(DAY2, 2), Body=content, ChecksumAlgorithm="SHA256")
    (line,) = broken(archive)  # the first one is whole
    assert line.startswith(f"replaced object: {key(DAY2, 2)} has a second version ({put['VersionId']})")


def test_a_delete_marker(archive: ArchiveBench) -> None:
    archive.s3.delete_object(Bucket=archive.bucket, Key=key(DAY2, 2))
    assert broken(archive) == [
        f"deleted object: {key(DAY2, 2)} has a delete marker; its content is still there and is checked"
    ]


def test_an_object_that_is_none_of_the_chain(archive: ArchiveBench) -> None:
    name = f"records/{DAY2:%Y/%m/%d}/notes.txt"
    archive.forge(name, b"x")
    assert broken(archive) == [f"foreign object: {name} is none that the router writes"]


def test_a_second_beginning(archive: ArchiveBench) -> None:
    def begin(entries: list[dict[str, Any]]) -> None:
        entries[0]["previous"] = ""

    archive.forge(key(DAY1, 1), rechained(archive.lines(key(DAY1, 1)), begin))
    assert f"second beginning: {key(DAY1, 1)} says that nothing comes before it" in broken(archive)


# --- Lines ---


def test_a_changed_record(archive: ArchiveBench) -> None:
    lines = archive.lines(key(DAY2, 2))
    lines[3] = lines[3].replace(b'"latency":321', b'"latency":123')
    archive.forge(key(DAY2, 2), lines)
    lines = broken(archive)
    assert lines[0] == f"changed line: {key(DAY2, 2)} line 4 (request r8) is not what was written"
    assert lines[1:] == [f"changed record: request r8 differs in the table from {key(DAY2, 2)} line 4"]


@pytest.mark.parametrize(("day", "number", "witness"), [(DAY2, 2, key(DAY2, 3)), (DAY3, 3, "the head")])
def test_a_changed_record_with_all_hashes_made_anew(
    archive: ArchiveBench, day: date, number: int, witness: str
) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        entries[3]["record"]["latency"] = 123

    archive.forge(key(day, number), rechained(archive.lines(key(day, number)), change))
    assert (
        f"rewritten object: {key(day, number)} does not end as {witness} says: what it holds was written anew, "
        "hashes and all"
    ) in broken(archive)


def test_reordered_records(archive: ArchiveBench) -> None:
    lines = archive.lines(key(DAY2, 2))
    archive.forge(key(DAY2, 2), [lines[0], lines[2], lines[1], *lines[3:]])
    assert broken(archive) == [
        f"reordered lines: {key(DAY2, 2)} line 2, 3 are not in the order in which they were written"
    ]


def test_swapped_objects(archive: ArchiveBench) -> None:
    contents = archive.read(key(DAY2, 2)), archive.read(key(DAY2, 3))
    archive.forge(key(DAY2, 3), contents[0])
    archive.forge(key(DAY2, 2), contents[1])
    lines = broken(archive)
    assert f"moved object: {key(DAY2, 2)} holds what was written as {key(DAY2, 3)}" in lines
    assert f"moved object: {key(DAY2, 3)} holds what was written as {key(DAY2, 2)}" in lines


def test_a_removed_and_an_added_line(archive: ArchiveBench) -> None:
    lines = archive.lines(key(DAY2, 2))
    archive.forge(key(DAY2, 2), [*lines[:2], *lines[3:]])
    archive.forge(key(DAY2, 3), [*archive.lines(key(DAY2, 3)), lines[2]])
    number = json.loads(lines[2])["entry"]["number"]
    found = broken(archive)
    assert f"removed lines: {key(DAY2, 2)} has 4 of 5 lines; missing: entry {number}" in found
    assert f"added lines: {key(DAY2, 3)} has 6 lines, and was written with 5" in found


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b'{"hash":"' + b"0" * 64 + b'","entry":[]}\n'])
def test_a_line_that_is_none(archive: ArchiveBench, line: bytes) -> None:
    lines = archive.lines(key(DAY2, 2))
    archive.forge(key(DAY2, 2), [*lines[:2], line, *lines[3:]])
    assert f"changed line: {key(DAY2, 2)} line 3 is none that the router writes" in broken(archive)


# --- Records and their table ---


def test_a_record_deleted_from_the_table(archive: ArchiveBench) -> None:
    """With the stream the archive says so; without it the comparison."""
    writer = archive.writer()
    begun = archive.begin("kept")
    append(writer, [begun])
    append(writer, [archive.delete(begun)])
    archive.dynamodb.delete_item(TableName=archive.audit_table, Key=table_key(archive, "r8"))
    lines = broken(archive)
    assert any(line.startswith("deleted record: request kept was deleted from the table by somebody") for line in lines)
    assert (
        f"deleted record: request r8 is not in the table, though its time is not over; it was {key(DAY2, 2)} line 4"
    ) in lines
    assert len(lines) == 2


def test_a_record_changed_in_the_table(archive: ArchiveBench) -> None:
    set_attribute(archive, "r8", "callerArn", {"S": "somebody else"})
    assert broken(archive) == [f"changed record: request r8 differs in the table from {key(DAY2, 2)} line 4"]


@pytest.mark.parametrize("partition", [None, {"S": "2031-01-01#0"}], ids=["removed", "moved"])
def test_a_record_changed_in_the_table_and_hidden_from_its_index(
    archive: ArchiveBench, partition: dict[str, str] | None
) -> None:
    set_attribute(archive, "r8", "dayShard", partition)
    set_attribute(archive, "r8", "callerArn", {"S": "somebody else"})
    assert broken(archive) == [f"changed record: request r8 differs in the table from {key(DAY2, 2)} line 4"]


def test_a_record_that_was_never_archived(archive: ArchiveBench) -> None:
    archive.begin("unarchived")
    assert broken(archive) == ["missing record: request unarchived is in the table, and not in the archive"]


def test_changes_that_the_router_never_makes(archive: ArchiveBench) -> None:
    """The archive itself is honest: it says what somebody did to the table."""
    writer, names = archive.writer(), ("ended", "begun", "invented", "anew")
    ended, begun, _, anew = (archive.begin(name) for name in names)
    invented = archive.begin("invented", "COMPLETED")
    outcome = archive.change(ended)
    append(writer, [ended, begun, invented, anew, outcome])
    late = archive.change(ended, callerArn={"S": "somebody else"})
    append(writer, [late, archive.change(begun, "STARTED"), archive.begin("anew")])
    place = key(DAY3, 4)
    assert [line for line in broken(archive) if "differs" not in line] == [
        f"changed record: request invented begins as COMPLETED, as the router never writes it: {place} line 4",
        f"changed record: request ended was changed after its outcome ({place} line 6): {key(DAY3, 5)} line 2",
        f"changed record: request begun was changed while it was under way: {key(DAY3, 5)} line 3",
        f"changed record: request anew was written anew over an older one: {key(DAY3, 5)} line 4",
    ]


SOMEBODY_ELSE = {"S": "arn:aws-us-gov:iam::123456789012:role/somebody-else"}
ELSEWHERE = {"S": "2001-01-01#0"}


@pytest.mark.parametrize("swapped", [False, True], ids=["in order", "out of order"])
@pytest.mark.parametrize(
    "attributes",
    [
        {"callerArn": SOMEBODY_ELSE},
        {"modelId": {"S": "another"}},
        {"payloadSha256": {"S": "0" * 64}},
        {"requestSize": {"N": "1"}},
        {"requestSize": {"S": "1234"}},
        {"ttl": {"N": "1"}},
        {"dayShard": ELSEWHERE, "outcomeDayShard": {"S": f"SUCCESS#{ELSEWHERE['S']}"}},
        {"callerDayShard": ELSEWHERE},
        {"timeKey": {"S": "x"}},
        {"decision": {"S": "DENY"}},
        {"decisionRule": {"S": "another"}},
        {"note": {"S": "added"}},
    ],
    ids=lambda attributes: "+".join(attributes),
)
def test_an_outcome_that_changes_more_than_an_outcome(
    empty_archive: ArchiveBench, attributes: dict[str, dict[str, str]], swapped: bool
) -> None:
    """Whoever may update the table can write it as the only end that the record ever had."""
    empty_archive.on(DAY1)
    begun = empty_archive.begin("victim")
    changes = [begun, empty_archive.change(begun, **attributes)]
    for change in reversed(changes) if swapped else changes:
        append(empty_archive.writer(), [change])
    second, third = f"{key(DAY1, 1)} line 2", f"{key(DAY1, 2)} line 2"
    text = f"changed record: request victim differs from {second} in more than an outcome may change: {third}"
    assert text in broken(empty_archive, DAY1, DAY1)


@pytest.mark.parametrize(
    ("state", "found_as", "said"),
    [
        ({"S": "BANANA"}, "BANANA", "BANANA, as BANANA"),
        ({"N": "7"}, "SUCCESS", "nothing, as SUCCESS"),
        (None, "SUCCESS", "nothing, as SUCCESS"),
        ({"S": "COMPLETED"}, "STARTED", "COMPLETED, as STARTED"),
        ({"S": "FAILED"}, "SUCCESS", "FAILED, as SUCCESS"),
        ({"S": "COMPLETED"}, "", "COMPLETED, as nothing"),
    ],
)
def test_an_end_that_the_router_never_writes(
    empty_archive: ArchiveBench, state: dict[str, str] | None, found_as: str, said: str
) -> None:
    empty_archive.on(DAY1)
    begun = empty_archive.begin("victim")
    ended = empty_archive.change(begun)
    image = ended["dynamodb"]["NewImage"]
    image["outcomeDayShard"] = {"S": f"{found_as}#{image['dayShard']['S']}"}
    del image["state"]
    image |= {"state": state} if state else {}
    append(empty_archive.writer(), [begun, ended])
    text = f"request victim ends as {said} in the table's index, as the router never writes it"
    assert f"changed record: {text}: {key(DAY1, 1)} line 3" in broken(empty_archive, DAY1, DAY1)


def test_an_outcome_that_denies_decides_anew(empty_archive: ArchiveBench) -> None:
    """A rule that is only asked once the credential is known."""
    empty_archive.on(DAY1)
    begun = empty_archive.begin("barred")
    decision = {"decision": {"S": "DENY"}, "decisionRule": {"S": "BarredRegion"}}
    append(empty_archive.writer(), [begun, empty_archive.change(begun, "DENIED", **decision)])
    verified(empty_archive, DAY1, DAY1)


def test_an_outcome_behind_the_range_changes_no_more_than_an_outcome(empty_archive: ArchiveBench) -> None:
    writer = empty_archive.writer()
    empty_archive.on(DAY1, hour=23)
    begun = [empty_archive.begin(name) for name in ("victim", "made-up", "honest")]
    append(writer, begun)
    empty_archive.on(DAY2)
    victim, made_up, honest = begun
    changed = empty_archive.change(victim, callerArn=SOMEBODY_ELSE)
    append(writer, [changed, empty_archive.change(made_up, "BANANA"), empty_archive.change(honest)])
    lines = broken(empty_archive, DAY1, DAY1)
    assert [line.split()[3] for line in lines] == ["victim", "made-up"]
    assert all(line.startswith("changed record: request ") and key(DAY2, 1) in line for line in lines)


def test_what_an_outcome_sets_is_what_the_router_writes() -> None:
    """The check's list of it is its own; a name too few breaks honest archives, one too many hides changes."""
    written: set[str] = set()

    class Table:
        def call(self, operation: str, arguments: dict[str, Any], seconds: float) -> dict[str, Any]:
            assert operation == "UpdateItem"
            written.update(name.removeprefix("#") for name in arguments["ExpressionAttributeNames"])
            return {}

    def filled(kind: Any) -> Any:
        return kind(**{part.name: 7 if "int" in str(part.type) else "x" for part in dataclasses.fields(kind)})

    table: Any = Table()
    trail, deadline = AuditTrail(table, "requests", 30, "release"), Deadline.after(20)
    request = Request("request", "invocation", "POST", "/", filled(Caller), deadline)
    crossing = Crossing(request, "InvokeModel", filled(Decision), "0" * 64, 7)
    trail.finish(crossing, filled(Outcome), 321, deadline)
    trail.abandon(RecordKey("request", f"{DAY1}T12:00:00.000Z"), deadline)
    assert written == OUTCOME_ATTRIBUTES


def test_a_record_without_its_beginning(archive: ArchiveBench) -> None:
    append(archive.writer(), [archive.change(archive.begin("half"))])
    place = f"{key(DAY3, 4)} line 2"
    assert broken(archive) == [f"missing record: request half: its beginning is not in the archive, only {place}"]


def test_records_whose_time_is_over_are_not_missed(archive: ArchiveBench) -> None:
    writer = archive.writer()
    begun = archive.begin("expired")
    begun["dynamodb"]["NewImage"]["ttl"] = {"N": "1"}
    append(writer, [begun, archive.change(begun)])
    archive.delete(begun)
    verified(archive)


def test_records_under_way_are_not_missed(archive: ArchiveBench) -> None:
    archive.on(TODAY, hour=datetime.now(UTC).hour)
    archive.clock.skew_seconds = 0
    archive.begin("young")
    lines = verified(archive, DAY1, TODAY)
    assert lines[0] == "note: 1 records begun or closed in the last 30 minutes may be on their way to the archive"


def test_a_late_end_is_under_way_for_as_long_as_any(empty_archive: ArchiveBench) -> None:
    """A record that waited for its reconciler is closed, and the stream has not yet delivered that."""
    empty_archive.on(DAY1)
    names = ("late", "lost", "to come", "another")
    begun = [empty_archive.begin(name) for name in names]
    append(empty_archive.writer(), begun)
    empty_archive.change(begun[0], "ABANDONED")
    lines = verified(empty_archive, DAY1, DAY1)
    assert lines[0] == "note: 1 records begun or closed in the last 30 minutes may be on their way to the archive"
    for record, minutes in ((begun[1], -31), (begun[2], 31)):
        moment = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
        empty_archive.change(record, "ABANDONED", closedAt={"S": moment})
    empty_archive.change(begun[3], "ABANDONED", callerArn=SOMEBODY_ELSE)
    assert broken(empty_archive, DAY1, DAY1)[1:] == [
        f"changed record: request {name} differs in the table from {key(DAY1, 1)} line {line}"
        for line, name in enumerate(names[1:], 3)
    ]


def test_records_older_than_the_archive_are_not_missed(empty_archive: ArchiveBench) -> None:
    empty_archive.on(DAY1)
    old = empty_archive.begin("old")
    empty_archive.fill(DAY2)
    append(empty_archive.writer(), [empty_archive.change(old)])
    empty_archive.on(DAY1)
    empty_archive.begin("older")
    lines = verified(empty_archive, DAY1, DAY2)
    assert lines[0] == "note: 1 records are older than the archive, so it does not have them"


def test_a_request_over_midnight_is_found_behind_the_range(archive: ArchiveBench) -> None:
    writer = archive.writer()
    archive.on(DAY3, hour=23)
    begun, late = archive.begin("over"), archive.begin("late")
    append(writer, [begun])
    archive.on(DAY3 + timedelta(days=1), hour=0)
    append(writer, archive.crossings("next"))
    append(writer, [archive.change(begun), late])
    verified(archive)
    verified(archive, DAY3 + timedelta(days=1), DAY3 + timedelta(days=1))


@pytest.mark.parametrize("first", [DAY1, DAY2])
def test_missing_records_are_not_called_older_than_an_archive_whose_beginning_was_rewritten(
    archive: ArchiveBench, first: date
) -> None:
    def begin_later(entries: list[dict[str, Any]]) -> None:
        entries[0]["archivedAt"] = "2099-01-01T00:00:00.000Z"

    archive.begin("unarchived")
    archive.forge(FIRST, rechained(archive.lines(FIRST), begin_later))
    lines = broken(archive, first)
    assert "missing record: request unarchived is in the table, and not in the archive" in lines
    assert any(line.startswith(f"rewritten object: {FIRST}") for line in lines) is (first == DAY1)


# --- Honest archives that look odd ---


def test_an_outcome_long_after_its_record(empty_archive: ArchiveBench) -> None:
    """Stuck until somebody set the reconciler going again."""
    empty_archive.on(DAY1)
    writer = empty_archive.writer()
    stuck = empty_archive.begin("stuck")
    append(writer, [stuck])
    empty_archive.fill(DAY2, DAY3, TODAY - timedelta(days=1), batches=1)
    append(writer, [empty_archive.change(stuck, "ABANDONED")])
    for last in (DAY1, DAY2, TODAY):
        verified(empty_archive, DAY1, last)


def test_writers_at_once(archive: ArchiveBench) -> None:
    archive.on(DAY3 + timedelta(days=1))
    writers = [archive.writer() for _ in range(4)]
    side_by_side(writers, [archive.crossings(f"{n}-a", f"{n}-b") for n in range(4)])
    verified(archive, DAY1, TODAY)


def test_a_batch_delivered_twice(archive: ArchiveBench, faulty_aws: FaultyAws) -> None:
    """Because its writer died between object and head."""
    archive.clock.skew_seconds = 0
    batch = archive.crossings("a", "b")
    append(archive.writer(), archive.crossings("c"))
    faulty_aws.faults["PutItem"] = "AccessDeniedException"
    with pytest.raises(AwsServiceError):
        append(archive.writer(faulty_aws.url), batch)
    verified(archive, DAY1, TODAY)  # the head lags behind
    append(archive.writer(), batch)
    lines = verified(archive, DAY1, TODAY)
    assert lines[0] == "note: 4 changes were delivered twice and are archived twice, which is harmless"


def test_batches_delivered_out_of_order(archive: ArchiveBench) -> None:
    writer = archive.writer()
    begun = archive.begin("a")
    append(writer, [archive.change(begun)])
    append(writer, [begun])
    lines = verified(archive)
    assert lines[0] == "note: 1 records' outcomes were archived before their beginnings, which is harmless"


# --- The command ---


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["env", "2026-11-01"],
        ["env", "2026-11-02", "2026-11-01"],
        ["env", "x", "y"],
        ["env", "2999-01-01", "2999-01-01"],
    ],
)
def test_days_that_make_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_audit.main(arguments) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize("day", ["2026-W48", "20261129"])
def test_what_might_be_another_time_than_a_day_is_none(
    archive: ArchiveBench, capsys: pytest.CaptureFixture[str], day: str
) -> None:
    """A week would be verified by its Monday alone."""
    assert verify_audit.main(["env", str(DAY1), day]) == 2
    assert "days as 2026-11-23" in capsys.readouterr().err


@pytest.mark.parametrize("first", ["0206-11-01", "2019-12-31"])
def test_a_mistyped_year_is_refused(first: str, archive: ArchiveBench, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_audit.main(["env", first, str(DAY3)]) == 2
    assert capsys.readouterr().err == "error: FROM must not be before 2020-01-01: no archive is as old as that\n"


def test_years_before_the_archive_take_no_listing_and_say_how_far_it_is(
    archive: ArchiveBench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify_audit, "_PROGRESS_SECONDS", 0.0)
    folders = []
    versions = ArchiveBucket._versions
    monkeypatch.setattr(ArchiveBucket, "_versions", lambda self, at: folders.append(at) or versions(self, at))
    first = DAY1 - timedelta(days=60)
    assert verify_audit.main(["env", str(first), str(DAY3)]) == 0
    assert len(folders) < 10
    said = capsys.readouterr().err.splitlines()
    assert "compared 0 records of the table, 1 of 63 days" in said


def test_days_to_come_have_nothing_to_list(archive: ArchiveBench) -> None:
    (said,) = verified(archive, DAY3, date.max)
    assert " objects of 3 days, " in said


@pytest.mark.parametrize("service", ["S3", "DYNAMODB"])
def test_what_cannot_be_read_is_not_called_broken(
    archive: ArchiveBench, service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", "http://127.0.0.1:9")
    assert verify_audit.main(["env", str(DAY1), str(DAY1)]) == 2
    assert "error: nothing is proven: Could not connect" in capsys.readouterr().err
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", archive.aws_url)
    outputs = Path(os.environ["INFRASTRUCTURE_OUTPUTS"])
    outputs.write_text(outputs.read_text().replace(archive.bucket, "another"))
    assert verify_audit.main(["env", str(DAY1), str(DAY1)]) == 2
    assert "error: nothing is proven: An error occurred" in capsys.readouterr().err


def test_an_environment_without_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"application_inputs": {"value": {"audit_archive": None}}}))
    monkeypatch.setenv("INFRASTRUCTURE_OUTPUTS", str(tmp_path / "outputs.json"))
    assert verify_audit.main(["env", "2026-11-01", "2026-11-01"]) == 2
    assert "has no archive" in capsys.readouterr().err

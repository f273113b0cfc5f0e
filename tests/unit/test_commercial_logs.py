"""What is read of Commercial's logs, and what of odd files among them; which calls a record can stand for."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from log_reconciliation.coverage import calls_of, covered
from log_reconciliation.log_files import log_files
from log_reconciliation.logs import CLOUDTRAIL, INVOCATION_LOG, Call, CommercialLogs
from log_reconciliation.matching import Reconciliation
from log_reconciliation.records import CROSSED, NOT_SENT, OPEN, REFUSED, Record

CANARY = "XP-CANARY-prompt"
DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRAIL = "AWSLogs/111122223333/CloudTrail/us-east-1"
INVOCATIONS = "AWSLogs/111122223333/BedrockModelInvocationLogs/us-east-1"
Write = Callable[[str, bytes], None]


def event(**changes: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-11-23T12:00:01Z",
        "eventSource": "bedrock.amazonaws.com",
        "eventName": "Converse",
        "eventType": "AwsApiCall",
        "userAgent": "cross-partition-router/1 audit/made-up-audit-id",
        "userIdentity": {"arn": "arn:aws:iam::111122223333:user/router"},
        "requestParameters": {"modelId": "amazon.nova-lite-v1:0"},
        "requestID": "made-up-request-id",
        "eventID": "made-up-event-id",
        **changes,
    }


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "schemaType": "ModelInvocationLog",
        "timestamp": "2026-11-23T12:00:01Z",
        "requestId": "made-up-request-id",
        "operation": "InvokeModel",
        "modelId": "amazon.nova-lite-v1:0",
        "identity": {"arn": "arn:aws:iam::111122223333:user/router"},
        "requestMetadata": {"auditId": "made-up-audit-id"},
        "input": {"inputBodyJson": {"messages": [CANARY]}},
        **changes,
    }


def packed(*documents: Any) -> bytes:
    return gzip.compress("".join(json.dumps(document) + "\n" for document in documents).encode())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, content: bytes) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return put


def read(folder: Path) -> tuple[CommercialLogs, list[Call]]:
    logs = CommercialLogs()
    calls = list(logs.calls(log_files(str(folder), DAY, DAY)))
    assert CANARY not in repr(calls) + repr(logs.unreadable)
    return logs, calls


def test_both_formats_say_the_same_of_a_call(tmp_path: Path, write: Write) -> None:
    write(f"{TRAIL}/2026/11/23/trail.json.gz", packed({"Records": [event(eventName="InvokeModel")]}))
    write(f"{INVOCATIONS}/2026/11/23/12/log.json.gz", packed(entry(), entry(requestId="another")))
    logs, calls = read(tmp_path)
    assert (logs.sources, logs.unreadable, logs.files) == ({CLOUDTRAIL, INVOCATION_LOG}, [], 2)
    from_log, another, from_trail = calls
    assert another.request_id == "another"
    for call in (from_log, from_trail):
        assert (call.request_id, call.audit_id, call.time) == (
            "made-up-request-id",
            "made-up-audit-id",
            NOON.timestamp() + 1,
        )
        assert (call.operation, call.model) == ("InvokeModel", "amazon.nova-lite-v1:0")
        assert call.identity == "arn:aws:iam::111122223333:user/router"


def test_an_export_may_be_plain_and_indented(tmp_path: Path, write: Write) -> None:
    write("event_history.json", json.dumps({"Records": [event(), event(requestID="b")]}, indent=2).encode())
    assert [call.request_id for call in read(tmp_path)[1]] == ["made-up-request-id", "b"]


@pytest.mark.parametrize(
    ("user_agent", "audit_id"),
    [
        ("[cross-partition-router/1 audit/a-1]", "a-1"),
        ("cross-partition-router/1 audit/a-1 more", ""),
        ("audit/a-1", ""),
        ("Boto3/1.28.62", ""),
        (None, ""),
    ],
)
def test_the_audit_id_is_at_the_end_of_the_user_agent(
    tmp_path: Path, write: Write, user_agent: str | None, audit_id: str
) -> None:
    write("trail.json", json.dumps({"Records": [event(userAgent=user_agent)]}).encode())
    assert [call.audit_id for call in read(tmp_path)[1]] == [audit_id]


def test_in_the_metadata_of_converse_an_id_is_the_callers(tmp_path: Path, write: Write) -> None:
    write("log.json", json.dumps(entry(operation="Converse")).encode())
    (call,) = read(tmp_path)[1]
    assert (call.audit_id, call.callers_id) == ("", "made-up-audit-id")


def test_what_is_no_call_of_bedrocks_is_counted(tmp_path: Path, write: Write) -> None:
    others = [event(eventSource="s3.amazonaws.com"), event(eventType="AwsServiceEvent"), event()]
    write("trail.json.gz", packed({"Records": others}))
    write("something-else.json", b'{"Statement": []}')
    write("empty.json", b"")
    logs, calls = read(tmp_path)
    assert (len(calls), logs.others, logs.unreadable, logs.sources) == (1, 4, [], {CLOUDTRAIL})


@pytest.mark.parametrize(
    "name",
    [
        f"{INVOCATIONS}/2026/11/23/12/data/made-up-request-id_input.json.gz",
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/23/digest.json.gz",
        "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/23/insight.json.gz",
        f"{INVOCATIONS}/amazon-bedrock-logs-permission-check",
        f"{TRAIL}/2026/11/22/older.json.gz",
        f"{TRAIL}/2026/11/25/newer.json.gz",
        "notes.txt",
    ],
)
def test_prompts_digests_and_other_days_are_not_even_opened(tmp_path: Path, write: Write, name: str) -> None:
    write(name, b"opening this would be noticed: it is no gzip")
    logs, calls = read(tmp_path)
    assert (logs.files, calls, logs.unreadable, logs.sources) == (0, [], [], set())


def test_a_file_of_the_next_day_may_hold_events_of_this_one(tmp_path: Path, write: Write) -> None:
    write(f"{TRAIL}/2026/11/24/late.json.gz", packed({"Records": [event()]}))
    assert len(read(tmp_path)[1]) == 1


def many() -> bytes:
    return packed(*(entry(requestId=f"made-up-{number * number}") for number in range(5000)))


@pytest.mark.parametrize(
    ("content", "least"),
    [
        (many()[:-2000], 100),  # cut off: what comes before counts
        (b"no gzip", 0),
        (gzip.compress(f"{CANARY}, which is no JSON".encode()), 0),
        (gzip.compress(b"[" * 100_000), 0),
        (gzip.compress(b"[1]\n"), 0),
        (gzip.compress(b'{"Records": [7, null, {"eventSource": "bedrock.amazonaws.com"}]}'), 0),
        (packed(entry(), entry(timestamp="yesterday"), entry(requestMetadata=[CANARY])), 1),
        (packed(entry(), entry(requestId="")), 1),
        (packed(entry()) + gzip.compress(f'{{"schemaType": "ModelInvocationLog", "input": "{CANARY}'.encode()), 1),
        (gzip.compress(f"{CANARY}, which is no JSON\n".encode()) + packed(entry(), entry(requestId="b")), 2),
        (gzip.compress(f'\n{{\n"input": "{CANARY}\n'.encode()) + packed(entry(), entry(requestId="b")), 2),
    ],
    ids=[
        "cut off",
        "no gzip",
        "no JSON",
        "too deep",
        "a list",
        "strange records",
        "strange members",
        "no id",
        "unfinished",
        "first line",
        "first lines",
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_is_read(
    tmp_path: Path, write: Write, content: bytes, least: int
) -> None:
    write("a.json.gz", content)
    write("b.json.gz", packed(entry(requestId="in the next file")))
    logs, calls = read(tmp_path)
    assert len(logs.unreadable) == 1
    assert "a.json.gz" in logs.unreadable[0]
    assert len(calls) > least
    assert calls[-1].request_id == "in the next file"


def test_what_others_chose_cannot_write_to_a_terminal(tmp_path: Path, write: Write) -> None:
    write("log.json", json.dumps(entry(modelId="\x1b[2Jé\n" + "x" * 1000, identity=None)).encode())
    (call,) = read(tmp_path)[1]
    assert call.model == "?[2J??" + "x" * 194
    assert call.identity == ""


def record(**changes: Any) -> Record:
    fields = {
        "audit_id": "made-up-audit-id",
        "time": NOON.timestamp(),
        "operation": "InvokeModel",
        "model": "amazon.nova-lite-v1:0",
        "state": "COMPLETED",
        "status": 200,
        "error": "",
        "attempts": 1,
        "upstream_request_id": "made-up-request-id",
    }
    return Record(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({}, CROSSED),
        ({"upstream_request_id": ""}, CROSSED),
        ({"status": 400}, REFUSED),
        ({"state": "FAILED", "status": 502}, CROSSED),  # answered, though not with what can be believed
        ({"state": "FAILED", "upstream_request_id": "", "error": "UpstreamTimeout"}, OPEN),
        ({"state": "FAILED", "upstream_request_id": "", "error": "UpstreamUnresolvable"}, NOT_SENT),
        ({"state": "FAILED", "upstream_request_id": "", "attempts": 0}, NOT_SENT),
        ({"state": "DENIED", "upstream_request_id": "", "attempts": None, "status": 403}, NOT_SENT),
        ({"state": "DENIED", "attempts": 1, "status": 403}, REFUSED),  # by the first credential; the second was barred
        ({"state": "STARTED", "upstream_request_id": "", "attempts": None}, OPEN),
        ({"state": "ABANDONED", "upstream_request_id": "", "attempts": None}, OPEN),
    ],
)
def test_what_a_record_says_of_its_crossing(changes: dict[str, Any], fate: str) -> None:
    assert record(**changes).fate == fate


def joined(calls: list[Call], records: list[Record], sources: set[str]) -> Reconciliation:
    comparison = Reconciliation(NOON, NOON + timedelta(hours=1), NOON + timedelta(days=1))
    comparison.add_calls(calls)
    comparison.add_records(records)
    comparison.join(covered(sources))
    return comparison


def one_call(request_id: str, seconds: float = 0, **changes: Any) -> Call:
    fields = {"operation": "InvokeModel", "model": "amazon.nova-lite-v1:0", "identity": "", "error": "", "file": ""}
    fields |= {"audit_id": "made-up-audit-id", "callers_id": "", "source": CLOUDTRAIL}
    return Call(request_id=request_id, time=NOON.timestamp() + seconds, **{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, 3),  # one attempt, which is known by its request id
        ({"attempts": 2}, 2),
        ({"upstream_request_id": "", "state": "FAILED"}, 3),
        ({"upstream_request_id": "", "state": "FAILED", "error": "UpstreamTlsError"}, 4),  # its one attempt never left
        ({"upstream_request_id": "", "state": "FAILED", "error": "UpstreamTlsError", "attempts": 2}, 3),
        ({"upstream_request_id": "", "state": "ABANDONED", "attempts": None}, 1),
        ({"operation": "ListModels", "state": "ABANDONED", "upstream_request_id": "", "attempts": None}, 4),
    ],
)
def test_an_audit_id_can_be_used_as_often_as_its_record_can_have_sent_it(changes: dict[str, Any], left: int) -> None:
    calls = [one_call(name, number) for number, name in enumerate(("made-up-request-id", "b", "c", "d"))]
    comparison = joined(calls, [record(**changes)], {CLOUDTRAIL})
    assert len(list(comparison.calls_without_record("*"))) == left


@pytest.mark.parametrize("attempts", [None, 0])
@pytest.mark.parametrize("operation", ["InvokeModel", "ListModels"])
def test_a_call_of_a_denied_request_is_that_and_nothing_else(operation: str, attempts: int | None) -> None:
    """Whoever denied it, something crossed all the same, at whatever time."""
    denied = record(operation=operation, state="DENIED", status=403, attempts=attempts, upstream_request_id="")
    calls = [one_call("a", operation=calls_of(operation)[0]), one_call("b", 900), one_call("c", audit_id="")]
    comparison = joined(calls, [denied], {CLOUDTRAIL})
    assert [row["request_id"] for row in comparison.calls_of_denied_requests("*")] == ["a", "b"]
    assert [row["request_id"] for row in comparison.calls_without_record("*")] == ["c"]
    assert list(comparison.calls_of_denied_requests("somebody else")) == []


@pytest.mark.parametrize("request_id", ["made-up-request-id", ""])
def test_what_the_first_credential_sent_before_the_second_was_denied_is_joined(request_id: str) -> None:
    denied = record(state="DENIED", status=403, upstream_request_id=request_id)
    comparison = joined([one_call("made-up-request-id")], [denied], {CLOUDTRAIL})
    assert list(comparison.calls_of_denied_requests("*")) == list(comparison.calls_without_record("*")) == []


def test_a_call_without_a_request_id_is_no_records() -> None:
    denied = record(state="DENIED", status=403, attempts=None, upstream_request_id="")
    comparison = joined([one_call("", audit_id="")], [denied], {CLOUDTRAIL})
    assert len(list(comparison.calls_without_record("*"))) == 1


def test_an_audit_id_is_of_its_time(tmp_path: Path) -> None:
    lost = record(upstream_request_id="", state="ABANDONED", attempts=None)
    comparison = joined([one_call("a", 590), one_call("b", 610)], [lost], {CLOUDTRAIL})
    assert [row["request_id"] for row in comparison.calls_without_record("*")] == ["b"]


def test_both_sides_of_the_range_are_joined_and_nobody_outside_is_accused() -> None:
    """A record from just before with its call just after the start, and the other way round at the end."""
    comparison = joined(
        [
            one_call("first", 5),
            one_call("last", 3605),
            one_call("outside", -30, audit_id=""),
            one_call("far outside", -3000),
        ],
        [
            record(time=NOON.timestamp() - 20, upstream_request_id="first"),
            record(audit_id="b", time=NOON.timestamp() + 3590, upstream_request_id="last"),
            record(audit_id="c", time=NOON.timestamp() - 20, upstream_request_id="lost"),
        ],
        {CLOUDTRAIL},
    )
    assert list(comparison.calls_without_record("*")) == list(comparison.records_without_call()) == []


def test_one_call_in_both_logs_is_one_and_the_trails_id_counts() -> None:
    lost = record(operation="Converse", upstream_request_id="", state="ABANDONED", attempts=None)
    comparison = joined(
        [
            one_call("a", operation="Converse", audit_id="", source=INVOCATION_LOG),
            one_call("a", 1, operation="Converse"),
        ],
        [lost],
        {CLOUDTRAIL, INVOCATION_LOG},
    )
    (row,) = comparison.call_counts("*")
    assert (row["trail"], row["log"], row["joined"]) == (1, 1, 1)
    assert [row["calls"] for row in comparison.open_records()] == [1]
    assert list(comparison.odd_ids()) == []


def test_only_what_has_no_id_of_the_routers_is_joined_by_time_and_model() -> None:
    profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.made-up"
    records = [
        record(
            audit_id="a", operation="Converse", model="us.anthropic.made-up", state="FAILED", upstream_request_id=""
        ),
        record(audit_id="b", operation="InvokeModel", state="ABANDONED", upstream_request_id="", attempts=None),
    ]
    calls = [
        one_call("fits", operation="Converse", model=profile, audit_id="", source=INVOCATION_LOG),
        one_call("one too many", 1, operation="Converse", model=profile, audit_id="", source=INVOCATION_LOG),
        one_call("another model", operation="Converse", audit_id="", source=INVOCATION_LOG),
        one_call("would have an id", audit_id="", source=INVOCATION_LOG),
    ]
    comparison = joined(calls, records, {INVOCATION_LOG})
    left = {row["request_id"] for row in comparison.calls_without_record("*")}
    assert left == {"one too many", "another model", "would have an id"}

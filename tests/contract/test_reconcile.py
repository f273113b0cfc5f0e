"""The reconciler: a crossing whose outcome never came gets its end, and nothing else is touched."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import handler
from inference_proxy import events, models
from inference_proxy.audit import AuditTrail
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.clock import Clock
from inference_proxy.errors import AuditUnavailableError, ProxyError
from inference_proxy.models import Deadline, RecordKey, timestamp_ms
from inference_proxy.signing import SigV4Signer
from tests.contract.faulty_aws import FaultyAws, OrderlyAws
from tests.contract.router_bench import Context, RouterBench
from tests.contract.test_watch import age, metrics, started
from tests.fakes.commercial import CommercialStandIn

LONGEST_SECONDS = 29 + 60  # RESPONSE_TIMEOUT_SECONDS, and the grace


@pytest.fixture
def reconcile(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Sends the schedule's event to the Lambda handler over a bench: how many records it closed, as it was emitted."""

    def run(bench: RouterBench, seconds: float = 30.0) -> float:
        monkeypatch.setattr(handler, "TASKS", bench.tasks)
        capsys.readouterr()
        answer = handler.lambda_handler({"task": "reconcile"}, Context(seconds))
        emitted = metrics(capsys.readouterr().out)
        assert emitted == answer
        return emitted["AbandonedCrossings"]

    return run


def trail(bench: RouterBench, dynamodb_url: str = "") -> AuditTrail:
    """The writer of another execution environment."""
    settings, clock = bench.settings, Clock()
    signer = SigV4Signer(settings.execution_role_keys, settings.region, "dynamodb", clock)
    url = dynamodb_url or settings.dynamodb_url
    dynamodb = AwsJsonClient(bench.transport, url, signer, clock, "DynamoDB_20120810", "1.0")
    return AuditTrail(dynamodb, bench.table, settings.audit_retention_days, settings.release)


def states(bench: RouterBench) -> dict[str, str]:
    return {record["requestId"]: record["state"] for record in bench.records()}


def test_what_no_environment_will_finish_is_closed_once(
    bench: RouterBench, faulty_aws: FaultyAws, reconcile: Any
) -> None:
    record = started(bench, faulty_aws)
    for seconds in (LONGEST_SECONDS - 15, LONGEST_SECONDS + 1, 3600, 25 * 3600, 20 * 86_400):
        age(bench, record, seconds)
    others = {identity: state for identity, state in states(bench).items() if state != "STARTED"}

    assert reconcile(bench) == 4
    assert reconcile(bench) == 0

    found = {each["requestId"]: each for each in bench.records()}
    assert {identity: found[identity]["state"] for identity in others} == others
    young = f"{record['requestId']}-{LONGEST_SECONDS - 15}"
    assert (found[record["requestId"]]["state"], found[young]["state"]) == ("STARTED", "STARTED")
    closed = [each for each in found.values() if each["state"] == "ABANDONED"]
    assert len(closed) == 4
    for each in closed:
        assert each["outcomeDayShard"].startswith(f"ABANDONED#{each['timestamp'][:10]}#")
        assert (each["success"], each["errorCode"]) == (False, "OutcomeUnknown")
        assert each["closedAt"] > each["timestamp"]
        assert each["modelId"] == record["modelId"]  # what was known stays


def test_an_outcome_that_comes_first_stays(bench: RouterBench, faulty_aws: FaultyAws, reconcile: Any) -> None:
    """The index is behind, or two reconcilers run at once: the record decides, and exactly one write ends it."""
    age(bench, started(bench, faulty_aws), 3600)
    (stale,) = [record for record in bench.records() if record["requestId"].endswith("-3600")]
    key = {name: {"S": stale[name]} for name in ("requestId", "timestamp")}
    bench.dynamodb.update_item(
        TableName=bench.table,
        Key=key,
        UpdateExpression="SET #state = :completed",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":completed": {"S": "COMPLETED"}},
    )
    assert reconcile(bench) == 0
    assert states(bench)[stale["requestId"]] == "COMPLETED"


def test_two_reconcilers_close_a_record_once(bench: RouterBench, faulty_aws: FaultyAws) -> None:
    record = started(bench, faulty_aws)
    key = RecordKey(record["requestId"], record["timestamp"])
    with OrderlyAws(bench.aws_url).running() as server, ThreadPoolExecutor(8) as pool:
        audit = trail(bench, server.url)
        closed = list(pool.map(lambda _: audit.abandon(key, Deadline.after(5)), range(8)))
    assert sorted(closed) == [False] * 7 + [True]


def test_a_late_outcome_does_not_undo_it(
    bench: RouterBench, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment lived after all, for longer than any request may: its outcome is logged, and the record stays."""
    assert bench.invoke().status == 200  # reads the lists
    commercial.inject("slow", delay_seconds=1.5, match="/model/")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(bench.invoke)
        while "STARTED" not in states(bench).values():
            time.sleep(0.02)
        (record,) = [record for record in bench.records() if record["state"] == "STARTED"]
        assert trail(bench).abandon(RecordKey(record["requestId"], record["timestamp"]), Deadline.after(5))
        assert answer.result().status == 200
    assert states(bench)[record["requestId"]] == "ABANDONED"
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    (lost,) = [line for line in lines if line.get("message") == "audit outcome not written"]
    assert lost["errorCode"] == "OutcomeRefused"  # and no outage


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_crossing_under_way_is_left_alone_although_its_environments_clock_is_wrong(
    bench: RouterBench, commercial: CommercialStandIn, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """AWS takes signatures that are up to five minutes off. API Gateway dates the record, another clock judges it."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=minutes)

    assert bench.invoke().status == 200  # reads the lists
    for module in (models, events):
        monkeypatch.setattr(module, "datetime", Wrong)
    commercial.inject("slow", delay_seconds=1.5, match="/model/")
    begun = timestamp_ms(datetime.now(UTC) - timedelta(seconds=1))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(bench.invoke)
        while "STARTED" not in states(bench).values():
            time.sleep(0.02)
        assert bench.tasks["reconcile"]({}, "", Deadline.after(20)) == {"AbandonedCrossings": 0}
        assert answer.result().status == 200
    record = bench.records("InvokeModel")[-1]
    assert record["state"] == "COMPLETED"
    assert begun < record["timestamp"] < timestamp_ms(datetime.now(UTC))
    assert 1500 <= int(record["latency"]) < 60_000


def test_a_lost_outcome_is_in_the_log(
    bench: RouterBench, faulty_aws: FaultyAws, capsys: pytest.CaptureFixture[str]
) -> None:
    record = started(bench, faulty_aws)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    (lost,) = [
        line
        for line in lines
        if line.get("message") == "audit outcome not written" and line["requestId"] == record["requestId"]
    ]
    assert lost["outcome"]["state"] == "COMPLETED"
    assert lost["outcome"]["upstream_request_id"]
    assert lost["outcome"]["output_tokens"] > 0


@pytest.mark.parametrize("fault", [503, "reset", "AccessDeniedException"])
def test_a_table_that_cannot_be_read_or_written_is_an_error_of_the_function(
    bench: RouterBench, faulty_aws: FaultyAws, reconcile: Any, fault: int | str
) -> None:
    """Which has an alarm; the records stay as they are, and the next run closes them."""
    age(bench, started(bench, faulty_aws), 3600)
    for operation in ("Query", "UpdateItem"):
        faulty_aws.faults[operation] = fault
        with pytest.raises(ProxyError):
            reconcile(bench)
        faulty_aws.faults.clear()
        assert set(states(bench).values()) == {"STARTED"}
    assert reconcile(bench) == 1


def test_what_is_closed_is_counted_although_another_write_fails(
    bench: RouterBench,
    faulty_aws: FaultyAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One record cannot be written: the others do not wait for it, nor are they left out of the metric."""
    record = started(bench, faulty_aws)
    for number in range(20):
        age(bench, record, 3600 + number)
    abandon = AuditTrail.abandon

    def failing(audit: AuditTrail, key: RecordKey, deadline: Deadline) -> bool:
        if key.request_id.endswith("-3619"):  # the oldest
            raise AuditUnavailableError("throttled")
        return abandon(audit, key, deadline)

    monkeypatch.setattr(AuditTrail, "abandon", failing)
    monkeypatch.setattr(handler, "TASKS", bench.tasks)
    capsys.readouterr()
    with pytest.raises(AuditUnavailableError, match="throttled"):
        handler.lambda_handler({"task": "reconcile"}, Context())
    assert metrics(capsys.readouterr().out) == {"AbandonedCrossings": 19}
    assert list(states(bench).values()).count("ABANDONED") == 19


def test_a_closing_whose_answer_was_lost_is_counted(bench: RouterBench, faulty_aws: FaultyAws, reconcile: Any) -> None:
    """It is written once more, and finds its own work."""
    age(bench, started(bench, faulty_aws), 3600)
    faulty_aws.faults["UpdateItem"] = "lost"
    assert reconcile(bench) == 1
    assert sorted(states(bench).values()).count("ABANDONED") == 1


def test_a_run_without_time_for_all_closes_the_oldest_and_counts_them(
    bench: RouterBench, faulty_aws: FaultyAws, reconcile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = started(bench, faulty_aws)
    for number in range(60):
        age(bench, record, 3600 + number)
    age(bench, record, 3 * 86_400)
    abandon = AuditTrail.abandon

    def slowly(audit: AuditTrail, key: RecordKey, deadline: Deadline) -> bool:
        time.sleep(0.4)
        return abandon(audit, key, deadline)

    monkeypatch.setattr(AuditTrail, "abandon", slowly)
    number = int(reconcile(bench, seconds=5.0))
    closed = [identity for identity, state in states(bench).items() if state == "ABANDONED"]
    assert 0 < number == len(closed) < 61
    ages = sorted((int(identity.rpartition("-")[2]) for identity in closed), reverse=True)
    assert ages == [3 * 86_400, *range(3659, 3659 - (number - 1), -1)]


def test_many_are_closed_at_once(bench: RouterBench, faulty_aws: FaultyAws, reconcile: Any) -> None:
    record = started(bench, faulty_aws)
    for number in range(60):
        age(bench, record, 3600 + number)
    assert reconcile(bench) == 60
    assert reconcile(bench) == 0

"""The task `usage` over real sockets: cut off anywhere nothing counts twice, late ends are counted, and it goes on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from inference_proxy import usage_table
from inference_proxy.audit_table import AuditTable
from inference_proxy.errors import AuditUnavailableError
from inference_proxy.operations import usage_task
from tests.contract.faulty_aws import FaultyAws
from tests.contract.router_bench import RouterBench
from tests.contract.test_usage import AUDITED, ask, run_task, some
from tests.contract.usage_oracle import OWN_ARN, Made, check, expected, put

LABELS = {"callerArn": OWN_ARN, "modelId": "amazon.nova-lite-v1:0"}


class CutOff(FaultyAws):
    """moto that is gone after a number of calls, as it is for a function that is killed."""

    left: int | None = None

    def forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                return 503, b"{}"
        return super().forward(headers, body)


@pytest.fixture
def cut_off(aws_url: str) -> Iterator[CutOff]:
    """moto behind a server that can be cut off."""
    with CutOff(aws_url).running() as server:
        yield server


@pytest.fixture
def audited(bench: RouterBench, monkeypatch: pytest.MonkeyPatch) -> RouterBench:
    """A bench whose caller is an auditor, with records kept for a day. For the task time stands still: a slice that
    becomes due while a test runs would be one more."""
    now = datetime.now(UTC)
    monkeypatch.setattr(usage_task, "datetime", SimpleNamespace(now=lambda _zone: now))
    bench.put_policy(AUDITED)
    bench.restart(AUDIT_RETENTION_DAYS="1")
    return bench


def check_all(bench: RouterBench, records: list[Made], hours: float = 20) -> dict[str, Any]:
    """The answer about all records is the oracle's; returns it."""
    now = datetime.now(UTC)
    start = now - timedelta(hours=hours)
    answer = ask(bench, from_=start.isoformat(), to=now.isoformat()).json
    assert answer["complete"] is True
    check(answer, expected(records, start, now, "model", priced=True), "model")
    return dict(answer["totals"])


def slices(bench: RouterBench) -> list[str]:
    """The slices that are in the table."""
    items = bench.dynamodb.scan(TableName=bench.usage_table)["Items"]
    return sorted(f"{item['day']['S']}T{item['slice']['S']}" for item in items if item["day"]["S"][0] == "2")


def test_wherever_it_is_cut_off_nothing_counts_twice(
    audited: RouterBench, cut_off: CutOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every run that was cut off, each a few calls later than the one before, the figures are those of the
    records; so they are when the next run has gone to its end. Each slice takes several writes."""
    monkeypatch.setattr(usage_table, "_GROUPS_AN_ITEM", 1)
    audited.restart(AWS_ENDPOINT_URL_DYNAMODB=cut_off.url)
    records = some(datetime.now(UTC), 60, hours=20)
    put(audited, records)
    check_all(audited, records)
    calls, written = 0, set[int]()
    while True:
        calls += 7
        cut_off.left = calls
        try:
            outcome = run_task(audited)
        except AuditUnavailableError:
            outcome = None
        cut_off.left = None
        check_all(audited, records)
        written.add(len(slices(audited)))
        if outcome:
            break
    assert outcome["upToDate"] is True
    assert len(written) > 3  # it was cut off before, between and behind writes
    check_all(audited, records)
    assert run_task(audited) == {"slices": 0, "upToDate": True}


def test_what_is_written_is_not_read_again(audited: RouterBench, faulty_aws: FaultyAws) -> None:
    """Two runs have the same numbers; an answer reads the index for the newest slices only."""
    audited.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    records = some(datetime.now(UTC) - timedelta(hours=1), 50, hours=18)
    put(audited, records)
    assert run_task(audited)["slices"] > 0
    faulty_aws.calls.clear()
    assert run_task(audited)["slices"] == 0
    assert "PutItem" not in faulty_aws.calls
    faulty_aws.calls.clear()
    check_all(audited, records)
    # The days that are done, two days' slices, and the 20 partitions of a day of the index, of two around midnight.
    assert faulty_aws.calls.count("Query") <= 1 + 2 + 2 * 20
    assert set(faulty_aws.calls) <= {"Query", "GetItem"}  # that is the policy


def test_a_crossing_that_ends_late_is_counted_as_what_it_became(audited: RouterBench) -> None:
    """Older than any request may be, it is written as under way, and once more when it has an end."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    first, second = Made(1, moment, "STARTED", LABELS, {"requestSize": 10}), Made(2, moment, "SUCCESS", LABELS)
    put(audited, [first, second])
    assert run_task(audited)["upToDate"] is True
    assert check_all(audited, [first, second])["inProgress"] == 1
    assert run_task(audited)["slices"] == 0
    ended = first.ended("SUCCESS", latency=900, inputTokens=7)
    put(audited, [ended])
    assert run_task(audited)["slices"] == 1
    totals = check_all(audited, [ended, second])
    assert (totals["inProgress"], totals["inputTokens"]) == (0, 7)
    assert run_task(audited)["slices"] == 0


def test_a_record_that_shows_late_is_counted_an_hour_later(
    audited: RouterBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice is added up once more, and then no more."""
    now = datetime.now(UTC)
    first, late = (Made(at, now - timedelta(minutes=30), "SUCCESS", LABELS) for at in (1, 2))
    put(audited, [first])
    assert run_task(audited)["upToDate"] is True
    put(audited, [late])
    assert run_task(audited) == {"slices": 0, "upToDate": True}
    check_all(audited, [first])
    monkeypatch.setattr(usage_task, "datetime", SimpleNamespace(now=lambda _zone: now + timedelta(minutes=61)))
    assert run_task(audited)["slices"] > 0
    check_all(audited, [first, late])
    assert run_task(audited) == {"slices": 0, "upToDate": True}


def test_a_slice_waits_for_what_may_still_be_under_way(audited: RouterBench) -> None:
    """Neither a slice that is too young is written, nor one whose crossings the reconciler has not closed yet."""
    now = datetime.now(UTC).replace(microsecond=0)
    young = Made(1, now - timedelta(minutes=3), "SUCCESS", LABELS)
    waiting = Made(2, now - timedelta(minutes=15, seconds=20), "STARTED", LABELS)
    put(audited, [young, waiting])
    assert run_task(audited)["upToDate"] is True
    waiting_slice, young_slice = (made.moment.strftime("%Y-%m-%dT%H:%M")[:-1] + "0" for made in (waiting, young))
    assert {waiting_slice, young_slice}.isdisjoint(slices(audited))
    check_all(audited, [young, waiting])
    ended = waiting.ended("ABANDONED")
    put(audited, [ended])
    assert run_task(audited)["upToDate"] is True
    assert waiting_slice in slices(audited)
    assert check_all(audited, [young, ended])["abandoned"] == 1


def test_a_slice_of_any_size_is_done_over_several_runs(audited: RouterBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has been read is kept. What ends meanwhile may be behind what was read, so the slice begins anew then."""
    moment = datetime.now(UTC).replace(minute=5, second=0, microsecond=0) - timedelta(hours=3)
    records = [Made(at, moment + timedelta(seconds=at), "SUCCESS", LABELS, {"latency": at}) for at in range(40)]
    records.append(Made(99, moment, "STARTED", LABELS))
    put(audited, records)
    query = AuditTable.query
    monkeypatch.setattr(
        AuditTable, "query", lambda table, arguments, deadline: query(table, {**arguments, "Limit": 3}, deadline)
    )
    monkeypatch.setattr(usage_task, "_MOST_AT_ONCE", 4)
    monkeypatch.setattr(usage_task, "_WITHOUT_BOUND", 4)  # a page of each partition, then the time is over
    begun = []
    while run_task(audited)["upToDate"] is False:
        items = audited.dynamodb.scan(TableName=audited.usage_table)["Items"]
        (progress,) = (item for item in items if item["day"]["S"] == "progress")
        begun.append(progress["inProgress"]["N"])
        if len(begun) == 3:
            records[-1] = records[-1].ended("ERROR", latency=12)
            put(audited, records[-1:])
        assert check_all(audited, records)["requests"] == 41
    assert begun[:3] == ["1"] * 3
    assert 2 <= begun.count("0") < 10
    assert check_all(audited, records)["errors"] == 1
    assert moment.strftime("%Y-%m-%dT%H:00") in slices(audited)

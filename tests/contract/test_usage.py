"""GET /dashboard/usage over real sockets: its figures are those of the records, stored or not; who sees what; CSV."""

import csv
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inference_proxy.models import Deadline
from inference_proxy.operations import usage, usage_rows
from inference_proxy.usage_index import UsageIndex
from tests.contract.faulty_aws import FaultyAws
from tests.contract.policies import policy
from tests.contract.router_bench import Answer, RouterBench
from tests.contract.usage_oracle import ADDED, OTHER_ARN, OWN_ARN, PRICES, Made, check, expected, put

AUDITED = policy(auditors=[OWN_ARN], prices=PRICES)
GROUPINGS = ("model", "caller", "classification", "hour", "day")
MODELS: tuple[dict[str, str], ...] = (
    {"foundationModelId": "amazon.nova-lite-v1:0", "resolvedModelId": "us.amazon.nova-lite-v1:0", "modelId": "lite"},
    {"foundationModelId": "amazon.nova-lite-v1:0", "modelId": "amazon.nova-lite-v1:0"},
    {"resolvedModelId": "us.meta.llama-made-up", "modelId": "llama"},
    {"foundationModelId": "meta.llama-made-up", "modelId": "us.meta.llama-made-up"},
    {"modelId": "writer.made-up"},
    {"modelId": "no.such-model"},
    {},
)
TOKENS = {name: st.integers(0, 5_000) for name in ADDED if name.endswith("Tokens")}
SIZES = {name: st.integers(0, 100_000) for name in ADDED if name.endswith("Size")}


def records_at(moments: st.SearchStrategy[float]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Lists of what a record may be: hours ago, outcome, caller, model, classification, figures, operation."""
    labels = st.tuples(
        st.sampled_from([OWN_ARN, OTHER_ARN]), st.sampled_from(MODELS), st.sampled_from(["public", "internal", None])
    )
    figures = st.fixed_dictionaries({}, optional={**TOKENS, **SIZES, "latency": st.integers(0, 120_000)})
    outcomes = st.sampled_from(["SUCCESS", "SUCCESS", "ERROR", "DENIED", "ABANDONED", "STARTED"])
    operations = st.sampled_from(["Converse", "Converse", "Converse", "CountTokens", "ListModels"])
    return st.lists(st.tuples(moments, outcomes, labels, figures, operations), min_size=6, max_size=24)


def made(generated: list[tuple[Any, ...]], now: datetime) -> list[Made]:
    """Records of what was generated."""
    found = []
    for number, (hours_ago, outcome, (caller, model, classification), figures, operation) in enumerate(generated):
        labels = {"callerArn": caller, **model, **({"classification": classification} if classification else {})}
        moment = now - timedelta(hours=hours_ago)
        found.append(
            Made(
                number,
                moment.replace(microsecond=moment.microsecond // 1000 * 1000),
                outcome,
                labels,
                figures,
                operation,
            )
        )
    return found


def ask(bench: RouterBench, **query: str) -> Answer:
    """One question; ``from_`` is `from`."""
    return bench.call("GET", "/dashboard/usage", query={name.rstrip("_"): value for name, value in query.items()})


def run_task(bench: RouterBench, seconds: float = 60.0) -> dict[str, Any]:
    """One run of the task."""
    return dict(bench.tasks["usage"]({"task": "usage"}, "invocation", Deadline.after(seconds)))


@pytest.fixture
def audited(bench: RouterBench) -> RouterBench:
    """A bench whose caller is an auditor, with records kept for two days."""
    bench.put_policy(AUDITED)
    bench.restart(AUDIT_RETENTION_DAYS="2")
    return bench


@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records_at(st.floats(0, 40)), st.floats(0, 40), st.floats(0.01, 40), st.data())
def test_figures_are_those_of_the_records(
    make_bench: Callable[..., RouterBench],
    generated: list[tuple[Any, ...]],
    from_hours_ago: float,
    length_hours: float,
    data: st.DataObject,
) -> None:
    """Whatever the records, the period, the grouping and the filters; before and after the task has run."""
    bench = make_bench(None)
    bench.put_policy(AUDITED)
    bench.restart(AUDIT_RETENTION_DAYS="2")
    now = datetime.now(UTC)
    records = made(generated, now)
    put(bench, records)
    start = now - timedelta(hours=from_hours_ago)
    end = start + timedelta(hours=length_hours)
    equal = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "caller": st.sampled_from([OWN_ARN, OTHER_ARN]),
                "model": st.sampled_from(
                    ["amazon.nova-lite-v1:0", "us.meta.llama-made-up", "lite", "(none)", "nobody's"]
                ),
                "classification": st.sampled_from(["public", "(none)"]),
            },
        )
    )
    for stage in ("from the index", "from the table"):
        for group_by in data.draw(st.permutations(GROUPINGS))[:2]:
            answer = ask(bench, from_=start.isoformat(), to=end.isoformat(), groupBy=group_by, **equal)
            assert answer.status == 200, answer.text
            assert answer.json["complete"] is True
            check(answer.json, expected(records, start, end, group_by, priced=True, **equal), group_by)
        if stage == "from the index":
            assert run_task(bench)["upToDate"] is True
    bench.close()


def test_without_records_there_are_zeros_and_no_gaps(audited: RouterBench) -> None:
    answer = ask(audited, from_="2026-11-20T04:55:00Z", to="2026-11-20T07:01:00Z", groupBy="hour").json
    assert [each["key"] for each in answer["usage"]] == [f"2026-11-20T0{hour}:00Z" for hour in (4, 5, 6, 7)]
    assert all(each["requests"] == 0 and each["latencyMs"] == {"p50": None, "p95": None} for each in answer["usage"])
    assert answer["filters"] == {
        "caller": "all",
        "groupBy": "hour",
        "timeRange": "",
        "from": "2026-11-20T04:50:00.000Z",
        "to": "2026-11-20T07:10:00.000Z",
    }
    assert len(ask(audited, timeRange="7d", groupBy="day").json["usage"]) == 8
    empty = ask(audited).json
    assert (empty["usage"], empty["totals"]["requests"], empty["complete"]) == ([], 0, True)
    assert empty["filters"]["timeRange"] == "24h"


def some(now: datetime, number: int, seed: int = 1, hours: float = 30) -> list[Made]:
    """Records of all kinds, the same for the same seed."""
    random = Random(seed)  # noqa: S311 - repeatable, no secret
    return [
        Made(
            at,
            (now - timedelta(seconds=random.randrange(int(hours * 3600)))).replace(microsecond=0),
            random.choice(["SUCCESS", "SUCCESS", "SUCCESS", "ERROR", "DENIED"]),
            {"callerArn": random.choice([OWN_ARN, OTHER_ARN]), **random.choice(MODELS)},
            {"latency": random.randrange(9_000), "inputTokens": random.randrange(900), "requestSize": 10},
        )
        for at in range(number)
    ]


def test_everybody_sees_their_own_and_auditors_see_all(bench: RouterBench) -> None:
    bench.restart(AUDIT_RETENTION_DAYS="2")
    now = datetime.now(UTC)
    records = some(now, 60)
    put(bench, records)
    start = now - timedelta(hours=31)
    wanted = expected(records, start, now, "caller", priced=False, caller=OWN_ARN)
    period = {"from_": start.isoformat(), "to": now.isoformat(), "groupBy": "caller"}
    for stage in ("from the index", "from the table"):
        for caller in ({}, {"caller": OWN_ARN}):
            answer = ask(bench, **period, **caller).json
            check(answer, wanted, "caller")
            assert answer["filters"]["caller"] == OWN_ARN
            assert OTHER_ARN not in str(answer)
        denied = ask(bench, **period, caller=OTHER_ARN)
        assert (denied.status, denied.error["code"]) == (403, "PolicyDenied")
        assert "leave `caller` out" in denied.error["message"]
        if stage == "from the index":
            assert run_task(bench)["upToDate"] is True
    bench.under(policy(auditors=["arn:aws-us-gov:iam::*:role/dev*"]))
    check(ask(bench, **period).json, expected(records, start, now, "caller", priced=False), "caller")
    one = ask(bench, **period, caller=OTHER_ARN).json
    assert [each["key"] for each in one["usage"]] == [OTHER_ARN]
    bench.under("no policy")
    assert [each["key"] for each in ask(bench, **period).json["usage"]] == [OWN_ARN]
    assert ask(bench, **period, caller=OTHER_ARN).status == 403


def test_prices_are_those_of_now(audited: RouterBench) -> None:
    """What was stored has no prices in it: a new price is for the past as well."""
    now = datetime.now(UTC)
    records = some(now, 40)
    put(audited, records)
    assert run_task(audited)["upToDate"] is True
    start = now - timedelta(hours=31)
    period = {"from_": start.isoformat(), "to": now.isoformat()}
    with_prices = ask(audited, **period).json
    check(with_prices, expected(records, start, now, "model", priced=True), "model")
    assert with_prices["totals"]["estimatedCostUsd"] > 0
    audited.under(policy(auditors=[OWN_ARN]))
    without = ask(audited, **period).json
    check(without, expected(records, start, now, "model", priced=False), "model")
    assert (without["totals"]["estimatedCostUsd"], without["totals"]["unpricedRequests"]) == (0, 40)


def test_what_the_cost_does_not_cover_is_said(audited: RouterBench) -> None:
    """Tokens of a cache whose price nobody has said, and answers without token counts; not what is free."""
    now = datetime.now(UTC)
    writer, lite = ({"callerArn": OWN_ARN, "modelId": name} for name in ("writer.made-up", "amazon.nova-lite-v1:0"))
    cached = {"inputTokens": 10, "outputTokens": 0, "cacheReadInputTokens": 1_000_000}
    kinds: list[tuple[dict[str, str], dict[str, int], str]] = [
        (writer, cached, "Converse"),
        (writer, {**cached, "cacheReadInputTokens": 0}, "Converse"),
        (writer, {"requestSize": 9}, "Converse"),
        (writer, {}, "CountTokens"),
        (lite, cached, "Converse"),
    ]
    records = [Made(at, now, "SUCCESS", *kind) for at, kind in enumerate(kinds)]
    put(audited, [*records, Made(9, now, "ERROR", writer)])
    rows = {each["key"]: each for each in ask(audited).json["usage"]}
    assert (rows["writer.made-up"]["unpricedRequests"], rows["writer.made-up"]["requests"]) == (2, 5)
    assert rows["amazon.nova-lite-v1:0"]["unpricedRequests"] == 0
    assert rows["amazon.nova-lite-v1:0"]["estimatedCostUsd"] == pytest.approx(0.30003)


def test_the_routers_own_crossings_are_no_requests(bench: RouterBench) -> None:
    """The first call reads Bedrock's lists on its way: a crossing with a record, but not the caller's."""
    assert bench.invoke().status == 200
    assert [each["operation"] for each in bench.records()] == ["ListModels", "InvokeModel"]
    assert bench.call("GET", "/dashboard/requests").json["totalCount"] == 2
    totals = ask(bench).json["totals"]
    (own,) = bench.records("InvokeModel")
    assert totals["requests"] == 1
    assert totals["latencyMs"]["p95"] == pytest.approx(int(own["latency"]), rel=0.05)


@pytest.mark.parametrize("name", ["model", "classification"])
def test_none_is_the_same_as_for_the_records(audited: RouterBench, name: str) -> None:
    """The key of a row, taken as a filter, finds that row's records; a label that is really called so is another."""
    now = datetime.now(UTC)
    attribute = {"model": "modelId"}.get(name, name)
    labels = [{"callerArn": OWN_ARN}, *({"callerArn": OWN_ARN, attribute: text} for text in ("none", "none", "others"))]
    put(audited, [Made(at, now, labels=each) for at, each in enumerate(labels)])
    found = {each["key"]: each["requests"] for each in ask(audited, groupBy=name).json["usage"]}
    assert found == {"none": 2, "(none)": 1, "others": 1}
    for success in ({}, {"success": "true"}):
        for caller in ({}, {"caller": OWN_ARN}):
            for key, number in found.items():
                query = {name: key, **success, **caller}
                page = audited.call("GET", "/dashboard/requests", query=query).json
                assert (len(page["requests"]), page["totalCount"]) == (number, number)
                assert ask(audited, **{name: key}).json["totals"]["requests"] == number


def test_csv_has_the_rows(audited: RouterBench) -> None:
    now = datetime.now(UTC)
    put(audited, [*some(now, 30), Made(99, now, labels={"callerArn": OWN_ARN, "modelId": "=cmd()"})])
    rows = ask(audited, timeRange="7d").json["usage"]
    answer = audited.call("GET", "/dashboard/usage", query={"timeRange": "7d"}, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="usage.csv"'
    assert answer.headers["X-Complete"] == "true"
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert tuple(found[0]) == usage_rows.COLUMNS
    assert len(found) == len(rows)
    for cells, each in zip(found, rows, strict=True):
        p50, p95 = (each["latencyMs"][share] for share in ("p50", "p95"))
        each |= {"latencyMsP50": p50, "latencyMsP95": p95, "key": each["key"].replace("=cmd()", "'=cmd()")}
        assert cells == {name: "" if each[name] is None else str(each[name]) for name in usage_rows.COLUMNS}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"groupBy": "month"}, "`groupBy` must be one of model, caller, classification, hour, day"),
        ({"groupBy": ""}, "`groupBy` must be one of model, caller, classification, hour, day"),
        ({"timeRange": "2h"}, "`timeRange` must be one of 1h, 24h, 7d, 30d"),
        ({"timeRange": "1h", "to": "2026-11-20T00:00:00Z"}, "either `timeRange` or `from` and `to`"),
        ({"from": "yesterday"}, "`from` must be a time such as"),
        ({"from": "2026-11-20T00:00:00Z", "to": "2026-11-19T00:00:00Z"}, "`from` must not be later than `to`"),
        ({"from": "2020-01-01", "to": "2022-01-01"}, "at most 366 days"),
        ({"model": "a", "modelId": "b"}, "either `model` or `modelId`"),
        ({"classification": ""}, "`classification` must be 1 to"),
        ({"cursor": "x"}, "unknown query parameter; this operation takes from, to, timeRange"),
    ],
)
def test_wrong_parameters_are_named(audited: RouterBench, query: dict[str, str], words: str) -> None:
    answer = audited.call("GET", "/dashboard/usage", query=query)
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
    assert words in answer.error["message"]


def test_an_answer_that_could_not_read_everything_says_so(
    audited: RouterBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is on what is not yet in the table; once the task has run it is not reached."""
    now = datetime.now(UTC)
    records = some(now - timedelta(hours=1), 120, hours=24)
    put(audited, records)
    monkeypatch.setattr(usage, "_MOST_ON_THE_FLY", 20)
    partly = ask(audited, timeRange="30d").json
    assert partly["complete"] is False
    assert 0 < partly["totals"]["requests"] < 120
    as_csv = audited.call("GET", "/dashboard/usage", query={"timeRange": "30d"}, headers={"Accept": "text/csv"})
    assert as_csv.headers["X-Complete"] == "false"
    in_no_time = audited.call("GET", "/dashboard/usage", query={"timeRange": "30d"}, seconds=3.5).json
    assert in_no_time["complete"] is False
    assert run_task(audited)["upToDate"] is True
    whole = ask(audited, timeRange="30d").json
    assert (whole["complete"], whole["totals"]["requests"]) == (True, 120)


def test_an_answer_that_takes_too_long_to_add_up_goes_out_in_time(
    audited: RouterBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is looked at before each slice, and not before each eight days."""
    put(audited, some(datetime.now(UTC) - timedelta(hours=2), 60, hours=20))
    assert run_task(audited)["upToDate"] is True
    add = usage_rows.UsageRows.add

    def slowly(rows: usage_rows.UsageRows, *arguments: Any) -> None:
        time.sleep(0.3)
        add(rows, *arguments)

    monkeypatch.setattr(usage_rows.UsageRows, "add", slowly)
    begun = time.monotonic()
    answer = audited.call("GET", "/dashboard/usage", seconds=6.0).json
    assert time.monotonic() - begun < 5.5
    assert answer["complete"] is False
    assert 0 < answer["totals"]["requests"] < 60


def test_a_crossing_that_ends_while_the_index_is_read_counts_once(
    audited: RouterBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read as STARTED, and met again among those that have ended: it counts as what it has become."""
    now = datetime.now(UTC)
    under_way = Made(1, now, "STARTED", {"callerArn": OWN_ARN, "modelId": "lite"})
    put(audited, [under_way])
    started = UsageIndex.started

    def ends_then(index: UsageIndex, *arguments: Any) -> Any:
        found = started(index, *arguments)
        put(audited, [under_way.ended("SUCCESS", latency=5)])
        return found

    monkeypatch.setattr(UsageIndex, "started", ends_then)
    totals = ask(audited).json["totals"]
    assert (totals["requests"], totals["inProgress"], totals["latencyMs"]["p50"]) == (1, 0, 5)


def test_rows_beyond_the_most_are_one(audited: RouterBench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    labels = [{"callerArn": OWN_ARN, "modelId": f"invented-{number}"} for number in range(6)]
    put(audited, [Made(at, now, labels=labels[at % 6]) for at in range(15)])
    monkeypatch.setattr(usage_rows, "_MOST_ROWS", 4)
    answer = ask(audited).json
    assert [(each["key"], each["requests"]) for each in answer["usage"]] == [
        *((f"invented-{number}", requests) for number, requests in enumerate((3, 3, 3, 2))),
        ("(others)", 4),
    ]
    assert answer["totals"]["requests"] == 15
    monkeypatch.setattr(usage_rows, "_MOST_FIGURES", 3)  # what is added up at all
    answer = ask(audited).json
    assert sum(each["requests"] for each in answer["usage"]) == answer["totals"]["requests"] == 15
    assert [each["key"] for each in answer["usage"]][-1] == "(others)"
    assert len(answer["usage"]) == 4
    hours = ask(audited, groupBy="hour").json["usage"]
    assert sum(each["requests"] for each in hours) == 15
    assert "(others)" not in [each["key"] for each in hours]


@pytest.mark.parametrize("fault", [503, "AccessDeniedException", "reset"])
def test_a_table_that_cannot_be_read_is_an_error_and_not_zero(
    audited: RouterBench, faulty_aws: FaultyAws, fault: int | str
) -> None:
    audited.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    assert ask(audited).status == 200
    faulty_aws.faults["Query"] = fault
    answer = ask(audited)
    assert (answer.status, answer.error["code"]) == (503, "AuditUnavailable")
    assert "XP-CANARY" not in answer.text

"""Limits through the whole router: however many environments and threads ask at once, on every path.

The counters by themselves are tested in test_limits.py.
"""

import copy
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any

import pytest

from inference_proxy import assembly
from inference_proxy.transport import Transport
from tests.contract.conftest import MakeBench, posts
from tests.contract.crossings import MODEL_WAYS, WAYS, Way
from tests.contract.faulty_aws import OrderlyAws, seconds_of
from tests.contract.policies import entry, policy
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, Answer, RouterBench
from tests.contract.test_inference_profiles import wrongly_on_demand
from tests.contract.test_limits import StoppedClock
from tests.contract.test_policy_store import metrics
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

SECOND = 17  # of the minute that it is
INVOKE, CONVERSE, COUNT, ASYNC, CHAT, GUARDRAIL = WAYS[1], WAYS[3], WAYS[5], WAYS[6], WAYS[7], WAYS[10]
PRINCIPAL = "arn:aws-us-gov:iam::123456789012:role/developer"
REQUESTS, TOKENS = {"requests_per_minute": 100}, {"tokens_per_day": 10**6}
DEADLINE_SECONDS = 29


class Tables(OrderlyAws):
    """Notes which operations are called on which table. ``fates`` are what happens to the calls of the limits' one:
    None for nothing, a status, "AccessDeniedException" or "hang"."""

    def __init__(self, target_url: str) -> None:
        self.on_tables: list[tuple[str, str]] = []
        self.fates: Iterator[int | str | None] = repeat(None)
        super().__init__(target_url)

    def forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        operation, table = headers["X-Amz-Target"].rpartition(".")[2], json.loads(body)["TableName"]
        kind = table.rpartition("-")[2] if table.endswith(("-limits", "-policy")) else "audit"
        self.on_tables.append((operation, kind))
        fate = next(self.fates) if kind == "limits" else None
        if fate == "hang":
            self.stopping.wait(DEADLINE_SECONDS)
        if fate is None:
            return super().forward(headers, body)
        code = fate if isinstance(fate, str) else "InternalServerError"
        return (fate if isinstance(fate, int) else 400), json.dumps({"__type": code}).encode()


class Limited:
    """Routers that share their tables, and a clock that stands still."""

    def __init__(self, bench: RouterBench, tables: Tables, clock: StoppedClock) -> None:
        self.bench = bench
        self.tables = tables
        self.clock = clock

    def under(self, of_each: dict[str, int] | None, **sections: Any) -> None:
        """Let every caller have limits, and the router be warm."""
        self.bench.under(policy(callers=[entry(limits=of_each)], **sections))
        assert GUARDRAIL.send(self.bench, "", "hello").status in (200, 400, 404)
        assert self.bench.call("GET", "/bedrock/models").status == 200
        table = self.bench.limits_table
        for item in self.bench.dynamodb.scan(TableName=table)["Items"]:
            self.bench.dynamodb.delete_item(TableName=table, Key={"id": item["id"]})
        self.tables.on_tables.clear()

    def environments(self, number: int, ends: ExitStack) -> list[RouterBench]:
        """More environments, warm."""
        benches = [copy.copy(self.bench) for _ in range(number)]
        for bench in benches:
            bench.transport = Transport()
            bench.restart()
            ends.callback(bench.close)
        return benches

    def counted(self, principal: str = PRINCIPAL) -> dict[str, int]:
        """What is counted today and this minute."""
        key = {"id": {"S": f"{principal}#{self.clock.moment:%Y-%m-%d}"}}
        item = self.bench.dynamodb.get_item(TableName=self.bench.limits_table, Key=key).get("Item", {})
        minute = f"{self.clock.moment:%H%M}"
        names = {"requests": "requests", "tokens": "tokens", f"r{minute}": "requests", f"t{minute}": "tokens"}
        counted = {name: int(item[name]["N"]) for name in names if name in item}
        by_kind: dict[str, set[int]] = {}
        for name, number in counted.items():
            by_kind.setdefault(names[name], set()).add(number)
        assert all(len(numbers) == 1 for numbers in by_kind.values())  # of the minute as of the day
        return {kind: numbers.pop() for kind, numbers in by_kind.items()}


@pytest.fixture
def limited(make_bench: MakeBench, aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Limited]:
    clock = StoppedClock(datetime.now(UTC).replace(second=SECOND, microsecond=0))
    monkeypatch.setattr(assembly, "Clock", lambda: clock)
    with Tables(aws_url).running() as tables:
        bench = make_bench({"bedrock_api_key": API_KEY})
        bench.restart(AWS_ENDPOINT_URL_DYNAMODB=tables.url)
        yield Limited(bench, tables, clock)


def converse(bench: RouterBench, **options: Any) -> Answer:
    return CONVERSE.send(bench, ON_DEMAND_MODEL, "hello", **options)


# Exactness


@pytest.mark.parametrize("limit", ["requests_per_minute", "requests_per_day"])
def test_environments_together_let_exactly_the_limit_through(
    limited: Limited, commercial: CommercialStandIn, limit: str
) -> None:
    limited.under({limit: 15})
    commercial.log.clear()

    def ask(bench: RouterBench) -> list[int]:
        return [converse(bench).status for _ in range(5)]

    with ExitStack() as ends, ThreadPoolExecutor(8) as pool:
        benches = limited.environments(4, ends) * 2
        statuses = [status for statuses in pool.map(ask, benches) for status in statuses]

    assert {status: statuses.count(status) for status in statuses} == {200: 15, 429: 25}
    assert posts(commercial) == 15
    assert limited.counted() == {"requests": 15}
    states = [record["state"] for record in limited.bench.records("Converse")]
    assert (states.count("COMPLETED"), states.count("DENIED")) == (15, 25)


@pytest.mark.parametrize("limit", ["tokens_per_minute", "tokens_per_day"])
def test_tokens_go_beyond_a_limit_by_what_was_under_way(
    limited: Limited, commercial: CommercialStandIn, limit: str
) -> None:
    threads, most = 6, 100
    limited.under({limit: most})
    commercial.log.clear()
    commercial.inject("slow", count=threads, match="/model/", delay_seconds=0.2)

    def ask(bench: RouterBench) -> int:
        served = 0
        while converse(bench).status == 200:
            served += 1
        return served

    with ExitStack() as ends, ThreadPoolExecutor(threads) as pool:
        served = sum(pool.map(ask, limited.environments(3, ends) * 2))

    records = [record for record in limited.bench.records("Converse") if record["state"] == "COMPLETED"]
    of_each = {int(record["inputTokens"]) + int(record["outputTokens"]) for record in records}
    assert len(of_each) == 1
    tokens = limited.counted()["tokens"]
    assert tokens == served * min(of_each) == posts(commercial) * min(of_each)
    assert most <= tokens < most + threads * min(of_each)


# The answer


def waits(moment: datetime) -> dict[str, int]:
    """By limit: seconds until its counter begins again."""
    minute, day = 60 - SECOND, 86_400 - (moment.hour * 3600 + moment.minute * 60 + SECOND)
    return {
        f"{what}_per_{span}": wait
        for what in ("requests", "tokens")
        for span, wait in (("minute", minute), ("day", day))
    }


def code_of(way: Way, answer: Answer) -> str:
    """The code of an error, in the form of its path."""
    document = answer.json
    if way.path.startswith("/anthropic"):
        assert (document["type"], document["error"]["type"]) == ("error", "rate_limit_error")
        return str(document["error"]["message"]).partition(":")[0]
    if way.path.startswith(("/bedrock", "/openai")):
        return str(document["error"]["code"])
    assert answer.headers["x-amzn-errortype"] == "ThrottlingException"
    return str(document["message"]).partition(":")[0]


@pytest.mark.parametrize("limit", ["requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_day"])
def test_every_path_says_which_limit_and_when_to_come_again(
    limited: Limited, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    limited.under({limit: 1})
    assert converse(limited.bench).status == 200
    commercial.log.clear()
    capsys.readouterr()
    rule = f"callers.everyone.limits.{limit}"
    for way in WAYS:
        answer = way.send(limited.bench, ON_DEMAND_MODEL, "hello")
        assert (answer.status, code_of(way, answer)) == (429, "LimitExceeded"), answer.text
        assert answer.headers["Retry-After"] == str(waits(limited.clock.moment)[limit])
        assert f"(rule {rule})" in answer.text
        record = limited.bench.records(way.operation)[-1]
        assert (record["state"], record["decision"], record["decisionRule"]) == ("DENIED", "DENY", rule)
        assert (record["statusCode"], record["errorCode"]) == ("429", "LimitExceeded")
    assert posts(commercial) == 0
    counted = metrics(capsys.readouterr().out)
    assert counted["LimitedRequests"] == len(WAYS)
    assert "DeniedCrossings" not in counted  # whose alarm is for what is not allowed, and not for what comes too often


def test_a_new_minute_lets_requests_through_again(limited: Limited) -> None:
    limited.under({"requests_per_minute": 1, "requests_per_day": 2})
    assert [converse(limited.bench).status for _ in range(2)] == [200, 429]
    is_last = f"{limited.clock.moment:%H%M}" == "2359"  # of the day, which has to stay the same
    limited.clock.moment += timedelta(minutes=-1 if is_last else 1)
    assert [converse(limited.bench).status for _ in range(2)] == [200, 429]
    assert limited.bench.records("Converse")[-1]["decisionRule"] == "callers.everyone.limits.requests_per_day"


# What it costs


@pytest.mark.parametrize(
    ("limits", "writes"),
    [(None, 0), ({}, 0), (REQUESTS, 1), (TOKENS, 2), (REQUESTS | TOKENS, 2)],
    ids=["none", "an empty object", "requests", "tokens", "both"],
)
def test_a_request_costs_one_write_more_and_one_for_its_tokens(
    limited: Limited, limits: dict[str, int] | None, writes: int
) -> None:
    limited.under(limits)
    for way in (CONVERSE, INVOKE, WAYS[0]):
        limited.tables.on_tables.clear()
        assert way.send(limited.bench, ON_DEMAND_MODEL, "hello").status == 200
        assert sorted(limited.tables.on_tables) == sorted(
            [("PutItem", "audit"), ("UpdateItem", "audit"), *[("UpdateItem", "limits")] * writes]
        )


def test_a_request_beyond_a_limit_costs_two_writes(limited: Limited) -> None:
    limited.under({"requests_per_day": 1})
    assert converse(limited.bench).status == 200
    limited.tables.on_tables.clear()
    assert converse(limited.bench).status == 429
    assert limited.tables.on_tables == [("UpdateItem", "limits"), ("PutItem", "audit")]


# What counts


def tokens_of(record: dict[str, Any]) -> int:
    return sum(int(record.get(name, 0)) for name in ("inputTokens", "outputTokens", "cacheWriteInputTokens"))


@pytest.mark.parametrize("way", [*WAYS[:5]], ids=[way.operation for way in WAYS[:5]])
def test_the_tokens_that_bedrock_reports_are_counted(limited: Limited, way: Way) -> None:
    limited.under(TOKENS)
    assert way.send(limited.bench, ON_DEMAND_MODEL, "hello " * 50).status == 200
    assert limited.counted() == {"requests": 1, "tokens": tokens_of(limited.bench.records(way.operation)[-1])}


def test_tokens_from_a_cache_are_not_counted_and_those_for_it_are(limited: Limited) -> None:
    limited.under(TOKENS)
    assert CONVERSE.send(limited.bench, ON_DEMAND_MODEL, "hello " * 50, system=[{"cachePoint": {}}]).status == 200
    record = limited.bench.records("Converse")[-1]
    assert int(record["cacheReadInputTokens"]) > int(record["cacheWriteInputTokens"]) > 0
    assert limited.counted()["tokens"] == tokens_of(record)


def test_tokens_from_a_cache_are_not_counted_where_openais_count_has_them_within_it(limited: Limited) -> None:
    """Each kind of answer counts by the same rule, and no part of a prompt twice."""
    limited.under(TOKENS)
    answer = CHAT.send(limited.bench, "openai.gpt-oss-20b-1:0", "hello " * 50, prompt_cache_key="made-up")
    usage, record = answer.json["usage"], limited.bench.records("ChatCompletions")[-1]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    assert cached == int(record["cacheReadInputTokens"]) > 0
    assert int(record["inputTokens"]) + cached == usage["prompt_tokens"]
    assert limited.counted()["tokens"] == tokens_of(record)


@pytest.mark.parametrize(
    ("way", "model_id", "members"),
    [
        (ASYNC, "amazon.twin-made-up-video-v1:0", {}),
        (CHAT, "openai.gpt-oss-20b-1:0", {"stream": True}),  # without `stream_options`
    ],
)
def test_what_bedrock_does_not_report_counts_by_its_size(
    limited: Limited, way: Way, model_id: str, members: dict[str, Any]
) -> None:
    limited.under(TOKENS)
    assert way.send(limited.bench, model_id, "hello " * 50, **members).status == 200
    record = limited.bench.records(way.operation)[-1]
    assert "inputTokens" not in record
    size = int(record["requestSize"]) + int(record["responseSize"])
    assert limited.counted() == {"requests": 1, "tokens": math.ceil(size / 4)}


@pytest.mark.parametrize("fault", ["half_json", "truncate", "reset_before_response", "large_response"])
def test_an_answer_that_got_lost_counts_by_the_size_of_its_request(
    limited: Limited, commercial: CommercialStandIn, fault: str
) -> None:
    """The model may have run."""
    limited.under(TOKENS)
    commercial.inject(fault, count=2, match="/model/")
    assert CONVERSE.send(limited.bench, ON_DEMAND_MODEL, "hello " * 50).status >= 400
    record = limited.bench.records("Converse")[-1]
    assert record["state"] == "FAILED"
    assert limited.counted()["tokens"] >= math.ceil(int(record["requestSize"]) / 4)


@pytest.mark.parametrize("fault", ["throttle", "service_unavailable"])
def test_a_request_that_bedrock_refuses_uses_no_tokens(
    limited: Limited, commercial: CommercialStandIn, fault: str
) -> None:
    limited.under(REQUESTS | TOKENS)
    commercial.inject(fault, count=1, match="/model/")
    assert converse(limited.bench).status in (429, 503)
    assert limited.counted() == {"requests": 1}


@pytest.mark.parametrize("way", [COUNT, GUARDRAIL], ids=[COUNT.operation, GUARDRAIL.operation])
def test_where_no_model_runs_no_tokens_are_used(limited: Limited, way: Way) -> None:
    limited.under(REQUESTS | TOKENS)
    assert way.send(limited.bench, ON_DEMAND_MODEL, "hello").status in (200, 404)
    assert limited.counted() == {"requests": 1}


def test_what_is_denied_or_refused_or_rehearsed_counts_for_nothing(limited: Limited) -> None:
    limited.under(REQUESTS | TOKENS, models={"allow": ["*"], "deny": ["anthropic.*"]})
    bench = limited.bench
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello")
    for way in MODEL_WAYS:
        assert way.send(bench, PROFILE_ONLY_MODEL, "hello").status == 403
    for way in WAYS:
        assert way.send(bench, ON_DEMAND_MODEL, "SECRET//NOFORN").status == 403
        assert way.send(bench, ON_DEMAND_MODEL, "hello", {"X-Data-Classification": "internal"}).status == 403
        assert bench.call("POST", way.request(ON_DEMAND_MODEL, "")[0], b"").status == 400
    refused = [
        bench.call("POST", "/openai/v1/chat/completions", {"messages": []}),
        bench.call("POST", "/model/no%20id/converse", body),
        bench.call("POST", f"/model/{ON_DEMAND_MODEL}/no-such-operation", body),
        INVOKE.send(bench, ON_DEMAND_MODEL, "hello", {"X-Amzn-Bedrock-Request-Metadata": "no JSON"}),
        bench.call("POST", path, body, headers={"Accept": "caf\u00e9"}),
    ]
    assert {answer.status for answer in refused} == {400, 404}
    for _ in range(3):
        assert bench.call("POST", "/bedrock/explain", {"path": path, "body": body}).json["wouldCross"]
    assert bench.call("GET", "/bedrock/models").status == 200
    assert limited.counted() == {}
    assert ("UpdateItem", "limits") not in limited.tables.on_tables


def test_a_second_crossing_for_the_same_request_counts_once(limited: Limited, commercial: CommercialStandIn) -> None:
    wrongly_on_demand(commercial, PROFILE_ONLY_MODEL)
    limited.under({"requests_per_day": 2, "tokens_per_day": 10**6})
    assert CONVERSE.send(limited.bench, PROFILE_ONLY_MODEL, "hello").status == 200
    refused, served = limited.bench.records("Converse")
    assert (refused["statusCode"], served["statusCode"]) == ("400", "200")
    assert limited.counted() == {"requests": 1, "tokens": tokens_of(served)}


# Counters that are down

DOWN: list[int | str] = [500, "AccessDeniedException", "hang"]


@pytest.mark.parametrize("fault", DOWN)
def test_counters_that_are_down_let_nothing_through(
    limited: Limited, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str], fault: int | str
) -> None:
    limited.under(REQUESTS)
    commercial.log.clear()
    capsys.readouterr()
    limited.tables.fates = repeat(fault)
    begun = time.monotonic()
    answer = converse(limited.bench)
    assert seconds_of(begun) < 4
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json["message"].startswith("LimitsUnavailable: ")
    assert "(rule limits.unavailable)" in answer.text
    record = limited.bench.records("Converse")[-1]
    assert (record["state"], record["decisionRule"], record["statusCode"]) == ("DENIED", "limits.unavailable", "503")
    assert posts(commercial) == 0
    assert metrics(capsys.readouterr().out)["LimitFailures"] == 1


@pytest.mark.parametrize("fault", DOWN)
def test_unless_the_policy_says_so(
    limited: Limited, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str], fault: int | str
) -> None:
    limited.under(REQUESTS, limits={"when_unavailable": "allow"})
    commercial.log.clear()
    capsys.readouterr()
    limited.tables.fates = repeat(fault)
    assert converse(limited.bench).status == 200
    record = limited.bench.records("Converse")[-1]
    assert (record["state"], record["decision"], record["decisionRule"]) == ("COMPLETED", "ALLOW", "callers.everyone")
    assert posts(commercial) == 1
    assert metrics(capsys.readouterr().out)["LimitFailures"] == 1


def test_who_has_no_limits_does_not_mind(limited: Limited) -> None:
    limited.under(None)
    limited.tables.fates = repeat("hang")
    assert converse(limited.bench).status == 200


@pytest.mark.parametrize("fault", DOWN)
def test_an_answer_goes_out_although_its_tokens_cannot_be_counted(
    limited: Limited, capsys: pytest.CaptureFixture[str], fault: int | str
) -> None:
    limited.under(TOKENS)
    capsys.readouterr()
    limited.tables.fates = chain([None], repeat(fault))
    begun = time.monotonic()
    assert converse(limited.bench).status == 200
    assert seconds_of(begun) < 4
    record = limited.bench.records("Converse")[-1]
    assert (record["state"], record["statusCode"]) == ("COMPLETED", "200")
    limited.tables.fates = repeat(None)
    assert limited.counted() == {"requests": 1}
    assert metrics(capsys.readouterr().out)["LimitFailures"] == 1


def test_a_call_that_is_given_up_counts_as_what_it_may_become(limited: Limited, commercial: CommercialStandIn) -> None:
    """The model goes on, and Bedrock bills it: a caller of answers that take too long is limited all the same."""
    limited.under(TOKENS)
    commercial.inject("reset_before_response", count=1, match="/model/")
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello", inferenceConfig={"maxTokens": 64_000})
    answer = limited.bench.call("POST", path, body)
    assert answer.status == 502, answer.text
    sent_bytes = int(limited.bench.records("Converse")[-1]["requestSize"])
    assert limited.counted() == {"requests": 1, "tokens": math.ceil(sent_bytes / 4 + 64_000)}


@pytest.mark.parametrize(
    ("bounds", "most"),
    [
        ('"maxTokens":1e300,"maxTokens":64', 64),  # of what DynamoDB has no number for, and the call would be free
        ('"maxTokens":64000,"maxTokens":1e30', 64_000),  # by which one call would use up any day
        ('"maxTokens":64000,"maxTokens":64', 64_000),  # who knows which of them Bedrock reads
        ('"maxTokens":64,"maxTokens":-1,"maxTokens":NaN,"maxTokens":true,"maxTokens":"9000"', 64),
        (f'"maxTokens":{"9" * 5_000}', 0),
        ('"maxTokens":10000001', 0),
        ('"maxTokens":10000000', 10_000_000),
        ('"maxTokens":0', 0),
    ],
)
def test_a_bound_that_no_model_has_counts_as_none(
    limited: Limited, commercial: CommercialStandIn, bounds: str, most: int
) -> None:
    limited.under(TOKENS)
    commercial.inject("reset_before_response", count=1, match="/model/")
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello")
    text = f'{json.dumps(body)[:-1]},"inferenceConfig":{{{bounds}}}}}'
    answer = limited.bench.call("POST", path, text.encode())
    assert answer.status == 502, answer.text
    sent_bytes = int(limited.bench.records("Converse")[-1]["requestSize"])
    assert limited.counted() == {"requests": 1, "tokens": math.ceil(sent_bytes / 4 + most)}


def test_asking_about_one_model_is_a_request(limited: Limited) -> None:
    """It crosses each time; what is answered from lists does not."""
    limited.under({"requests_per_day": 1})
    path = f"/bedrock/models/{ON_DEMAND_MODEL}"
    assert [limited.bench.call("GET", path).status for _ in range(2)] == [200, 429]
    assert limited.bench.call("GET", "/bedrock/models").status == 200

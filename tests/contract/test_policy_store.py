"""The policy's life: read from its table, renewed while requests go on, and never opened by a bad one."""

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest

from inference_proxy.models import Deadline
from tests.contract.conftest import MakeBench, posts
from tests.contract.faulty_aws import FaultyAws
from tests.contract.policies import POLICY, entry, policy
from tests.contract.router_bench import ON_DEMAND_MODEL, Context, RouterBench
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

NOBODY = policy(callers=[])
BAD: dict[str, str] = {
    "no JSON": "{",
    "a list": "[]",
    "nothing": "{}",
    "another version": json.dumps(policy(version=2)),
    "an unknown member": json.dumps({**POLICY, "modles": {"allow": ["*"]}}),
    "a member twice": json.dumps(POLICY)[:-1] + ',"callers":[]}',
    "a misspelt expiry": json.dumps(policy(callers=[entry(expires="2020-01-01")])),
    "cut off": json.dumps(POLICY)[:-30],
}


def metrics(output: str) -> dict[str, float]:
    """What the log lines in a test's output add up to, by metric."""
    found: dict[str, float] = {}
    for line in output.splitlines():
        document = json.loads(line) if line.startswith("{") else {}
        for metric in document.get("_aws", {}).get("CloudWatchMetrics", [{}])[0].get("Metrics", []):
            value = document[metric["Name"]]
            found[metric["Name"]] = found.get(metric["Name"], 0) + sum(value if isinstance(value, list) else [value])
    return found


def test_every_record_names_the_policy(bench: RouterBench) -> None:
    version = bench.under(POLICY)
    assert bench.invoke().status == 200
    records = bench.records()
    assert len(records) == 2  # the lists and the call
    assert {record["policyVersion"] for record in records} == {version}


def test_a_change_takes_effect_within_a_minute(warm: RouterBench, monkeypatch: pytest.MonkeyPatch) -> None:
    version = warm.put_policy(NOBODY)
    assert warm.invoke().status == 200  # still the one that was read a moment ago
    warm.age_policy(monkeypatch, seconds=25)

    answer = warm.invoke()

    assert (answer.status, answer.error["code"]) == (403, "PolicyDenied")
    assert "rule callers.unknown" in answer.error["message"]
    assert warm.records("InvokeModel")[-1]["policyVersion"] == version


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_bad_policy_leaves_the_last_good_one(
    bench: RouterBench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    good = bench.under(POLICY)
    assert bench.invoke().status == 200
    bench.put_policy(text)
    bench.age_policy(monkeypatch, seconds=25)
    capsys.readouterr()

    assert bench.invoke().status == 200
    assert bench.records("InvokeModel")[-1]["policyVersion"] == good
    assert metrics(capsys.readouterr().out)["PolicyFailures"] == 1
    bench.age_policy(monkeypatch, seconds=25 + 6)
    assert bench.invoke().status == 200
    assert metrics(capsys.readouterr().out)["PolicyFailures"] == 1  # as long as it lasts
    bench.put_policy(NOBODY)
    bench.age_policy(monkeypatch, seconds=25 + 12)
    assert bench.invoke().status == 403


@pytest.mark.parametrize("text", [*BAD.values(), None], ids=[*BAD.keys(), "no policy at all"])
def test_a_cold_start_with_a_bad_policy_denies_everything(
    bench: RouterBench, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    if text is None:
        bench.dynamodb.delete_item(TableName=bench.policy_table, Key={"name": {"S": "boundary"}})
        bench.restart()
    else:
        bench.under(text)

    answers = [
        bench.invoke(),
        bench.call("POST", f"/model/{ON_DEMAND_MODEL}/converse", {"messages": []}),
        bench.call("POST", "/openai/v1/chat/completions", {"model": ON_DEMAND_MODEL, "messages": []}),
        bench.call("POST", "/anthropic/v1/messages", {"model": ON_DEMAND_MODEL, "messages": []}),
        bench.call("POST", "/guardrail/a/version/1/apply", {"source": "INPUT", "content": []}),
        bench.call("GET", "/bedrock/models"),
        bench.call("GET", f"/bedrock/models/{ON_DEMAND_MODEL}"),
        bench.call("GET", "/foundation-models"),
    ]

    assert [answer.status for answer in answers] == [503] * len(answers)
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    assert answers[0].error["code"] == "PolicyUnavailable"
    assert commercial.requests == []
    assert {(record["state"], record["decisionRule"]) for record in bench.records()} == {("DENIED", "policy.unusable")}
    assert len(bench.records()) == len(answers)
    assert metrics(capsys.readouterr().out)["PolicyFailures"] >= 1
    health = bench.call("GET", "/health")
    assert (health.status, health.json["checks"]["policy"], health.json["policyVersion"]) == (
        503,
        "PolicyInvalid",
        None,
    )


def test_what_is_wrong_is_in_the_log(bench: RouterBench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.under(json.dumps(policy(models={"allow": ["*"], "denny": []}, callers=[entry(name="Bad Name")])))
    bench.invoke()
    (line,) = {
        line["errorCode"]: line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "problems" in line
    }.values()
    assert line["problems"] == [
        "models: has unknown members: denny; known are allow, deny",
        "callers[0].name: must be up to 48 lower-case letters, digits and -",
    ]


def test_a_table_that_is_down_leaves_the_policy_in_force(
    make_bench: MakeBench,
    faulty_aws: FaultyAws,
    commercial: CommercialStandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    assert bench.invoke().status == 200
    bench.age_policy(monkeypatch, seconds=25)
    faulty_aws.faults["GetItem"] = 500
    capsys.readouterr()

    assert bench.invoke().status == 200
    assert metrics(capsys.readouterr().out)["PolicyFailures"] == 1

    bench.restart()
    assert bench.invoke().error["code"] == "PolicyUnavailable"
    assert posts(commercial) == 2


def test_a_large_policy_comes_compressed(bench: RouterBench) -> None:
    callers = [
        entry(name=f"team-{number}", principals=[f"arn:aws-us-gov:iam::123456789012:role/t{number}"])
        for number in range(10_000)
    ]
    text = json.dumps(policy(callers=[*callers, entry()]))
    packed = gzip.compress(text.encode(), mtime=0)
    assert len(base64.b64encode(packed)) < 390_000 < len(text)
    item = {"name": {"S": "boundary"}, "document": {"B": packed}}
    bench.dynamodb.put_item(TableName=bench.policy_table, Item=item)
    bench.restart()
    assert bench.invoke().status == 200
    assert bench.records("InvokeModel")[-1]["policyVersion"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "document",
    [{"B": b"no gzip"}, {"B": gzip.compress(b"{}")[:-4]}, {"N": "1"}, {"B": gzip.compress(b"0" * 20_000_000)}],
)
def test_what_cannot_be_unpacked_is_no_policy(bench: RouterBench, document: dict[str, Any]) -> None:
    bench.dynamodb.put_item(TableName=bench.policy_table, Item={"name": {"S": "boundary"}, "document": document})
    bench.restart()
    assert bench.invoke().error["code"] == "PolicyUnavailable"


def test_an_idle_deployment_says_so_too(bench: RouterBench, capsys: pytest.CaptureFixture[str]) -> None:
    """The scheduled check reads the policy, so an alarm does not wait for a request."""
    bench.under("{}")
    bench.tasks["watch"]({}, Context().aws_request_id, Deadline.after(20))
    assert metrics(capsys.readouterr().out)["PolicyFailures"] == 1

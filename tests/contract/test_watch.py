"""The scheduled check: what it counts, what it says of the credential, and that a broken check breaks nothing else.

And what a request counts on its way.
"""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import handler
from inference_proxy.models import timestamp_ms
from tests.contract.conftest import MakeBench
from tests.contract.faulty_aws import FaultyAws, seconds_of
from tests.contract.router_bench import ON_DEMAND_MODEL, Context, RouterBench, api_event
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

EVENT = json.loads((Path(__file__).resolve().parents[1] / "events/invoke_model.json").read_text())
LONGEST_SECONDS = 29 + 600  # RESPONSE_TIMEOUT_SECONDS, and the grace of the check


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Sends the schedule's event to the Lambda handler over a bench: its answer and the metrics it printed."""

    def run(bench: RouterBench, seconds: float = 30.0) -> tuple[dict[str, float], dict[str, float]]:
        monkeypatch.setattr(handler, "TASKS", bench.tasks)
        capsys.readouterr()
        answer = handler.lambda_handler({"task": "watch"}, Context(seconds))
        return answer, metrics(capsys.readouterr().out)

    return run


def metrics(printed: str) -> dict[str, float]:
    """What CloudWatch would take from the only line of metrics; the check has the dimension service alone."""
    (line,) = [document for document in map(json.loads, printed.splitlines()) if "_aws" in document]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
    return {metric["Name"]: line[metric["Name"]][0] for metric in directive["Metrics"]}


def age(bench: RouterBench, record: dict[str, Any], seconds: float) -> None:
    """Put a copy of a record that was written ``seconds`` ago, with the keys it would have had."""
    item = bench.dynamodb.get_item(
        TableName=bench.table,
        Key={"requestId": {"S": record["requestId"]}, "timestamp": {"S": record["timestamp"]}},
    )["Item"]
    timestamp = timestamp_ms(datetime.now(UTC) - timedelta(seconds=seconds))
    identity = f"{record['requestId']}-{int(seconds)}"
    keys = {
        "requestId": identity,
        "timestamp": timestamp,
        "timeKey": f"{timestamp}#{identity}",
        "dayShard": f"{timestamp[:10]}#{item['dayShard']['S'][-1]}",
        "outcomeDayShard": f"STARTED#{timestamp[:10]}#{item['dayShard']['S'][-1]}",
    }
    bench.dynamodb.put_item(TableName=bench.table, Item=item | {name: {"S": value} for name, value in keys.items()})


def started(bench: RouterBench, faulty_aws: FaultyAws) -> dict[str, Any]:
    """A crossing whose outcome could not be written, as the router itself leaves it."""
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    faulty_aws.faults["UpdateItem"] = 503
    assert bench.invoke().status == 200
    faulty_aws.faults.clear()
    record = bench.records("InvokeModel")[0]
    assert record["state"] == "STARTED"
    return record


def test_nothing_stuck_is_zero_and_not_silence(bench: RouterBench, watch: Any) -> None:
    """Zero is emitted as well, so that an alarm goes back to OK; nothing is said of an expiry nobody knows."""
    assert bench.invoke().status == 200
    answer, emitted = watch(bench)
    assert answer == {"StuckCrossings": 0}
    assert emitted == {"StuckCrossings": 0, "WatchFailures": 0}


def test_a_crossing_without_an_outcome_is_counted_once_no_request_lives_that_long(
    bench: RouterBench, faulty_aws: FaultyAws, watch: Any
) -> None:
    record = started(bench, faulty_aws)
    age(bench, record, LONGEST_SECONDS - 15)
    assert watch(bench)[1]["StuckCrossings"] == 0  # fresh: its request may be under way

    for seconds in (LONGEST_SECONDS + 1, 3600, 23.9 * 3600):  # over midnight, wherever it lies
        age(bench, record, seconds)
    age(bench, record, 26 * 3600)  # reported for a day already
    assert watch(bench)[1]["StuckCrossings"] == 3


def test_the_age_follows_the_longest_request(bench: RouterBench, faulty_aws: FaultyAws, watch: Any) -> None:
    age(bench, started(bench, faulty_aws), LONGEST_SECONDS + 30)
    bench.restart(RESPONSE_TIMEOUT_SECONDS="300")
    assert watch(bench)[1]["StuckCrossings"] == 0


def test_what_happens_to_a_crossing_is_counted(bench: RouterBench, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the dimension service alone: what alarms watch. The finer sets say nothing of the caller's choosing."""
    assert bench.invoke("XP-CANARY.no-such-model").status == 400
    assert bench.invoke().status == 200
    assert bench.invoke("global.anthropic.claude-haiku-4-5-20251001-v1:0").status == 403
    assert bench.call("GET", "/XP-CANARY").status == 404
    lines = [document for document in map(json.loads, capsys.readouterr().out.splitlines()) if "_aws" in document]
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"][0] == ["service"]
        names = ["operation", "account", *(["model"] if line["operation"] != "unrouted" else [])]
        assert directive["Dimensions"][1:] == [["service", name, "outcome"] for name in names]
        assert line["account"] == "123456789012"
    invented, served, denied, unknown = lines
    models = [line.get("model") for line in lines]
    # A denial by a model's name comes before Bedrock's lists are asked whether there is such a model.
    assert models == ["others", ON_DEMAND_MODEL, "others", None]
    assert (served["InputTokens"], served["OutputTokens"]) != ([0], [0])
    assert (served["Requests"], served["ServerErrors"], denied["DeniedCrossings"]) == ([1], [0], [1])
    assert "DeniedCrossings" not in served
    assert [(line["operation"], line["outcome"]) for line in lines] == [
        ("invoke_model", "4xx"),
        ("invoke_model", "2xx"),
        ("invoke_model", "4xx"),
        ("unrouted", "4xx"),
    ]
    assert "XP-CANARY" not in json.dumps([invented, unknown])


def test_it_sends_nothing_to_commercial_and_writes_no_record(
    bench: RouterBench, commercial: CommercialStandIn, watch: Any
) -> None:
    watch(bench)
    assert commercial.requests == []
    assert bench.records() == []


@pytest.mark.parametrize("fault", [503, "reset", "hang", "AccessDeniedException"])
def test_a_table_that_cannot_be_read_is_a_failed_check_and_not_an_error(
    make_bench: MakeBench,
    faulty_aws: FaultyAws,
    watch: Any,
    capsys: pytest.CaptureFixture[str],
    fault: int | str,
) -> None:
    """No number is better than a wrong one, and the other check still reports. Lambda has nothing to retry."""
    bench = make_bench({"bedrock_api_key": API_KEY, "expires_at": "2999-01-01T00:00:00Z"})
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    faulty_aws.faults["Query"] = fault
    begun = time.monotonic()

    answer, emitted = watch(bench)

    assert seconds_of(begun) < 7.0
    assert answer.keys() == {"CredentialDaysToExpiry"}
    assert emitted.keys() == {"CredentialDaysToExpiry", "WatchFailures"}
    assert emitted["WatchFailures"] == 1


def test_a_check_without_time_left_does_not_report_zero(bench: RouterBench, watch: Any) -> None:
    answer, emitted = watch(bench, seconds=2.0)
    assert answer == {}
    assert emitted == {"WatchFailures": 1}


def test_a_defect_in_one_check_does_not_hide_the_other(
    bench: RouterBench, watch: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("inference_proxy.credentials.CredentialStore.get", lambda *_: 1 / 0)
    answer, emitted = watch(bench)
    assert (answer, emitted) == ({"StuckCrossings": 0}, {"StuckCrossings": 0, "WatchFailures": 1})


@pytest.mark.parametrize(
    ("expires_in", "least", "most"),
    [
        (timedelta(days=30), 29.9, 30.0),
        (timedelta(hours=6), 0.2, 0.25),
        (timedelta(0), -0.01, 0.0),
        (timedelta(days=-3), -3.01, -3.0),  # expired: the number goes on, and below every threshold
    ],
)
def test_days_until_the_credential_expires(
    make_bench: MakeBench, watch: Any, expires_in: timedelta, least: float, most: float
) -> None:
    expires_at = datetime.now(UTC) + expires_in
    for text in (timestamp_ms(expires_at), expires_at.isoformat()):
        bench = make_bench({"bedrock_api_key": API_KEY, "expires_at": text})
        assert least <= watch(bench)[1]["CredentialDaysToExpiry"] <= most
    assert bench.invoke().status == 200  # whether it still works is for Bedrock to say


def test_aws_keys_may_name_an_expiry_too(make_bench: MakeBench, watch: Any) -> None:
    keys = {"aws_access_key_id": "AKIAMADEUP", "aws_secret_access_key": "made-up"}
    bench = make_bench(keys | {"expires_at": "2999-01-01T00:00:00+02:00"})
    assert watch(bench)[1]["CredentialDaysToExpiry"] > 300_000


@pytest.mark.parametrize(
    "expires_at", ["XP-CANARY", "2027-01-31", "2027-01-31T00:00:00", "20270131", 1801353600, True, ["XP-CANARY"], {}]
)
def test_a_malformed_expiry_is_named_and_not_shown(
    make_bench: MakeBench, watch: Any, capsys: pytest.CaptureFixture[str], expires_at: object
) -> None:
    """It fails the credential and so both the crossing and the check: whoever stores it learns at once."""
    bench = make_bench(json.dumps({"bedrock_api_key": API_KEY, "expires_at": expires_at}))
    answer = bench.invoke()
    assert (answer.status, answer.error["code"]) == (503, "CredentialsMalformed")
    assert "`expires_at`" in answer.error["message"]
    printed = capsys.readouterr().out
    assert watch(bench)[1] == {"StuckCrossings": 0, "WatchFailures": 1}
    assert "XP-CANARY" not in answer.text + printed


def test_an_empty_expiry_is_none(make_bench: MakeBench, watch: Any) -> None:
    for empty in ("", None):
        bench = make_bench(json.dumps({"bedrock_api_key": API_KEY, "expires_at": empty}))
        assert watch(bench)[1] == {"StuckCrossings": 0, "WatchFailures": 0}


def test_a_secret_that_is_gone_is_a_failed_check(make_bench: MakeBench, watch: Any) -> None:
    assert watch(make_bench(None))[1] == {"StuckCrossings": 0, "WatchFailures": 1}


def short_term_key(expires_seconds: int) -> str:
    """A short-term API key as AWS makes them: the base64 of a presigned URL without its scheme."""
    request = AWSRequest("POST", "https://bedrock.amazonaws.com/", params={"Action": "CallWithBearerToken"})
    keys = Credentials("ASIAMADEUP", "made-up", "made-up-token")
    SigV4QueryAuth(keys, "bedrock", "us-east-1", expires=expires_seconds).add_auth(request)
    url = f"{request.url.removeprefix('https://')}&Version=1"
    return f"bedrock-api-key-{base64.b64encode(url.encode()).decode()}"


def test_a_short_term_key_says_itself_when_it_ends(make_bench: MakeBench, watch: Any) -> None:
    key = short_term_key(12 * 3600)
    assert 0.49 < watch(make_bench({"bedrock_api_key": key}))[1]["CredentialDaysToExpiry"] <= 0.5
    named = {"bedrock_api_key": key, "expires_at": "2999-01-01T00:00:00Z"}  # what somebody wrote down comes first
    assert watch(make_bench(named))[1]["CredentialDaysToExpiry"] > 300_000


@pytest.mark.parametrize(
    "url",
    [
        "",
        "not a url",
        "bedrock.amazonaws.com/?X-Amz-Date=20261122T120000Z",
        "h/?X-Amz-Date=now&X-Amz-Expires=60",
        "h/?X-Amz-Date=20261122T120000Z&X-Amz-Expires=soon",
        "h/?X-Amz-Date=99991231T235959Z&X-Amz-Expires=99999999999999",
    ],
)
def test_a_key_that_only_looks_short_term_goes_out_as_it_is(make_bench: MakeBench, watch: Any, url: str) -> None:
    """What cannot be understood of a key is Bedrock's to judge."""
    for key in (
        f"bedrock-api-key-{base64.b64encode(url.encode()).decode()}",
        f"bedrock-api-key-{url[:3]}%%%".replace(" ", ""),
    ):
        assert watch(make_bench({"bedrock_api_key": key}))[1] == {"StuckCrossings": 0, "WatchFailures": 0}


@pytest.mark.parametrize("task", ["XP-CANARY", "", None, 7, ["watch"], {"watch": 1}])
def test_an_unknown_task_is_refused(task: object) -> None:
    """As an error of the function, which has an alarm. The value is not repeated."""
    known = "watch, reconcile, usage, prove_credential"
    with pytest.raises(ValueError, match=rf"unknown task; this release knows {known}$"):
        handler.lambda_handler({"task": task}, Context())


def test_no_caller_can_name_a_task(bench: RouterBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a caller sends is inside the members that API Gateway gives an event; none of them is `task`."""
    assert "task" not in EVENT
    assert api_event("GET", "/").keys() <= EVENT.keys()
    monkeypatch.setattr(handler, "APP", bench.app)
    monkeypatch.setattr(handler, "TASKS", {})
    event = api_event("POST", "/bedrock/invoke-model", {"task": "watch"}, {"task": "watch"})
    event["headers"]["task"] = "watch"
    answer = handler.lambda_handler(event | {"pathParameters": {"task": "watch"}}, Context())
    assert json.loads(answer["body"])["error"]["code"] == "InvalidParameter"

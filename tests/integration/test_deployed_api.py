"""The deployed API: real signatures, real IAM decisions, the packaged artifact behind API Gateway."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from deployment import REPOSITORY
from tests.deployed import Deployment

NOVA = "amazon.nova-lite-v1:0"
CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA_BODY = {"messages": [{"role": "user", "content": [{"text": "XP-CANARY-prompt"}]}]}
CLAUDE_BODY = {"max_tokens": 16, "messages": [{"role": "user", "content": "XP-CANARY-prompt"}]}


def assert_envelope(answer: requests.Response, status: int) -> dict[str, str]:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "requestId"}
    assert answer.headers["X-Request-ID"] == error["requestId"]
    return error


def test_models_and_both_kinds_of_model(deployment: Deployment) -> None:
    models = deployment.call("GET", "/bedrock/models")
    assert models.status_code == 200
    assert models.json()["totalModels"] > 5

    for model_id, body, path in (
        (NOVA, NOVA_BODY, "/model/amazon.nova-lite-v1%3A0/invoke"),
        (CLAUDE, CLAUDE_BODY, f"/model/us.{CLAUDE.replace(':', '%3A')}/invoke"),
    ):
        answer = deployment.invoke(model_id, body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Source-Partition"] == "govcloud"
        assert json.loads(answer.json()["body"])
        assert deployment.upstream("GET", "requests")["requests"][-1]["path"] == path


def test_the_health_of_a_release(deployment: Deployment) -> None:
    answer = deployment.call("GET", "/health")
    assert answer.status_code == 200
    assert len(answer.json()["release"]) == 12


@pytest.mark.parametrize(
    "refused",
    ["unsigned", "bearer", "wrong secret", "unknown key", "wrong service", "wrong region"],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/bedrock/invoke-model"), ("GET", "/dashboard/requests")])
def test_nothing_is_served_without_a_right_signature(
    deployment: Deployment, refused: str, method: str, path: str
) -> None:
    """[1] [3] [29]: the original was an open proxy, and its tests went round the authorization."""
    before = len(deployment.upstream("GET", "requests")["requests"])
    signatures = {
        "wrong secret": lambda: deployment.signature(secret_access_key="wrong"),
        "unknown key": lambda: deployment.signature(access_key_id="AKIAUNKNOWN"),
        "wrong service": lambda: deployment.signature("bedrock"),
    }
    options: dict[str, object] = {"auth": signatures[refused]()} if refused in signatures else {"auth": None}
    if refused == "bearer":
        options["headers"] = {"Authorization": "Bearer made-up"}
    if refused == "wrong region":
        signature = deployment.signature()
        signature.regenerate_signing_key(region="us-east-1")
        options["auth"] = signature

    answer = deployment.call(method, path, {"modelId": NOVA, "body": NOVA_BODY}, **options)

    if refused != "wrong region":  # the emulator serves every region; real API Gateway refuses this one, too
        assert_envelope(answer, 403)
        assert len(deployment.upstream("GET", "requests")["requests"]) == before


def test_a_user_without_the_policy_is_denied(deployment: Deployment) -> None:
    stranger = deployment.create_user("stranger", None)

    error = assert_envelope(deployment.call("GET", "/bedrock/models", auth=stranger), 403)

    assert error["code"] == "AccessDenied"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "RouteNotFound"),
        ("DELETE", "/bedrock/models", 405, "MethodNotAllowed"),
        ("PUT", "/bedrock/invoke-model", 405, "MethodNotAllowed"),
    ],
)
def test_unknown_paths_and_methods_reach_the_router(
    deployment: Deployment, method: str, path: str, status: int, code: str
) -> None:
    answer = deployment.call(method, path)
    assert assert_envelope(answer, status)["code"] == code
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [(b"{", 400, "InvalidJson"), (b"", 400, "MissingBody"), (b'{"body":{"a":1}}', 400, "InvalidParameter")],
)
def test_bad_input_is_named(deployment: Deployment, data: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = deployment.call("POST", "/bedrock/invoke-model", data=data, headers=headers)
    assert assert_envelope(answer, status)["code"] == code


def test_too_large_a_body_is_413(deployment: Deployment) -> None:
    data = b'{"modelId":"%s","body":"%s"}' % (NOVA.encode(), b"x" * 4_600_000)
    answer = deployment.call("POST", "/bedrock/invoke-model", data=data, headers={"Content-Type": "application/json"})
    assert assert_envelope(answer, 413)["code"] == "RequestTooLarge"


@pytest.mark.parametrize(
    "model_id", ["../../foundation-models", "a?b", "a#b", "%2e%2e/x", "a\r\nX-Evil: 1", "x" * 10_000]
)
def test_hostile_model_ids_never_reach_bedrock(deployment: Deployment, model_id: str) -> None:
    before = len(deployment.upstream("GET", "requests")["requests"])
    assert assert_envelope(deployment.invoke(model_id, NOVA_BODY), 400)["code"] == "InvalidParameter"
    assert len(deployment.upstream("GET", "requests")["requests"]) == before


@pytest.mark.parametrize("spell", [lambda arn: arn, lambda arn: quote(arn, safe=""), lambda arn: quote(arn, safe=":")])
def test_an_arn_in_a_path_works_however_it_is_spelled(deployment: Deployment, spell: Callable[[str], str]) -> None:
    """With a slash in it, it comes by the API's catch-all path."""
    listed = deployment.call("GET", "/inference-profiles").json()["inferenceProfileSummaries"]
    arn = next(profile["inferenceProfileArn"] for profile in listed if f"us.{CLAUDE}" == profile["inferenceProfileId"])
    messages = {"messages": [{"role": "user", "content": [{"text": "XP-CANARY-prompt"}]}]}

    answer = deployment.call("POST", f"/model/{spell(arn)}/converse", messages)

    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Resolved-Model-Id"] == arn
    assert deployment.upstream("GET", "requests")["requests"][-1]["path"] == f"/model/{quote(arn, safe='')}/converse"


def test_preflight_answers_without_a_signature_and_without_the_router(deployment: Deployment) -> None:
    """[22]."""
    answer = requests.options(deployment.variables["API_URL"] + "/bedrock/invoke-model", timeout=10)
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_the_dashboard_shows_the_caller_and_pages(deployment: Deployment) -> None:
    for _ in range(3):
        assert deployment.invoke(NOVA, NOVA_BODY).status_code == 200
    first = deployment.call("GET", "/dashboard/requests", params={"timeRange": "1h", "limit": 2, "success": "true"})
    assert first.status_code == 200, first.text
    page = first.json()
    assert len(page["requests"]) == 2
    assert page["totalCount"] >= 3
    assert page["requests"][0]["callerArn"].endswith(":user/application-developer")
    rest = deployment.call(
        "GET",
        "/dashboard/requests",
        params={"timeRange": "1h", "limit": 200, "success": "true", "cursor": page["nextCursor"]},
    ).json()
    ids = [record["requestId"] for record in (*page["requests"], *rest["requests"])]
    assert len(ids) == len(set(ids))
    assert assert_envelope(deployment.call("GET", "/dashboard/requests", params={"timeRange": "2h"}), 400)


def test_every_upstream_request_has_its_record_under_load(deployment: Deployment) -> None:
    """Several execution environments at once."""
    deployment.upstream("DELETE", "requests")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: deployment.invoke(NOVA, NOVA_BODY), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    received = deployment.upstream("GET", "requests")["requests"]
    audit_ids = {request["headers"]["User-Agent"].rpartition("audit/")[2] for request in received}
    table = deployment.client("dynamodb")
    name = next(name for name in table.list_tables()["TableNames"] if name.endswith("-requests"))
    pages = table.get_paginator("scan").paginate(TableName=name)
    records = {item["requestId"]["S"]: item for page in pages for item in page["Items"]}
    assert audit_ids <= records.keys()
    assert all("XP-CANARY" not in json.dumps(item) for item in records.values())
    assert {records[answer.headers["X-Request-ID"]]["state"]["S"] for answer in answers} == {"COMPLETED"}


def test_a_killed_function_leaves_its_intent_on_record(deployment: Deployment) -> None:
    """SIGKILL while Bedrock is thinking: the crossing is known, and the next request is served."""
    deployment.upstream("POST", "faults", {"fault": "slow", "count": 1, "match": "/model/", "delay_seconds": 8.0})
    marker = f"amazon.made-up-{uuid.uuid4().hex[:8]}"
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(deployment.invoke, marker, NOVA_BODY)
        give_up_at = time.monotonic() + 6
        while time.monotonic() < give_up_at:
            seen = deployment.upstream("GET", "requests")["requests"]
            if any(marker in request["path"] for request in seen):
                break
            time.sleep(0.05)
        deployment.kill_functions()
        pending.result()  # the emulator invokes the function once more, where AWS would answer 502
    records = deployment.call("GET", "/dashboard/requests", params={"modelId": marker, "timeRange": "1h"}).json()
    assert "STARTED" in [record["state"] for record in records["requests"]]
    assert deployment.invoke(NOVA, NOVA_BODY).status_code == 200


def test_the_credential_is_in_no_log(deployment: Deployment) -> None:
    deployment.invoke(NOVA, NOVA_BODY)
    secret = deployment.twin.credential()["bedrock_api_key"]
    logs = deployment.client("logs")
    text = ""
    for group in logs.describe_log_groups()["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        text += "\n".join(event["message"] for event in events)
    text += "".join(path.read_text(errors="replace") for path in Path(deployment.twin.folder).glob("*.log"))
    assert '"message":"request"' in text, "the function's log lines are what this test reads"
    assert secret not in text
    assert "XP-CANARY" not in text


def test_call_script(deployment: Deployment) -> None:
    environ = {"PATH": deployment.operator_environ["PATH"], **deployment.variables}
    query = "/dashboard/requests?to=2099-01-01T00:00:00+01:00&from=2098-12-31&limit=1"  # neither ordered nor encoded
    result = subprocess.run(
        ["scripts/call.sh", "GET", query], cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr + result.stdout
    assert json.loads(result.stdout)["filters"]["to"] == "2098-12-31T23:00:00.000Z"
    body = json.dumps({"modelId": NOVA, "body": NOVA_BODY})
    result = subprocess.run(
        ["scripts/call.sh", "POST", "/bedrock/invoke-model", body],
        cwd=REPOSITORY,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr + result.stdout

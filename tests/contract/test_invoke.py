"""POST /bedrock/invoke-model over real sockets: shapes, pass-through and errors. Numbers in brackets are the defects
of the original system that a test would have caught."""

import base64
import json
import time
from typing import Any

import pytest

from inference_proxy.operations.invoke import _with_anthropic_version
from tests.contract.conftest import MakeBench
from tests.contract.policies import GLOBAL_ALLOWED
from tests.contract.router_bench import CALLER_ARN, NOVA_BODY, ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import (
    ACCESS_KEY_ID,
    API_KEY,
    SECRET_ACCESS_KEY,
    SESSION_ACCESS_KEY_ID,
    SESSION_TOKEN,
)

CLAUDE_BODY = {"max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}


def invocations(commercial: CommercialStandIn) -> list[dict[str, Any]]:
    return [
        request | {"headers": {name.lower(): value for name, value in request["headers"].items()}}
        for request in commercial.requests
        if request["method"] == "POST"
    ]


@pytest.mark.parametrize("as_string", [True, False])
def test_answers_in_the_original_envelope(bench: RouterBench, commercial: CommercialStandIn, as_string: bool) -> None:
    body = json.dumps(NOVA_BODY) if as_string else NOVA_BODY

    answer = bench.invoke(body=body)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Source-Partition"] == "govcloud"
    assert answer.headers["X-Destination-Partition"] == "commercial"
    assert set(answer.json) == {"body", "contentType"}
    assert json.loads(answer.json["body"])["usage"]["outputTokens"] > 0
    assert answer.json["contentType"] == "application/json"
    assert invocations(commercial)[0]["path"] == "/model/amazon.nova-lite-v1%3A0/invoke"


def test_a_string_body_goes_out_byte_for_byte(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """[20] the original encoded a string body a second time."""
    text = '{ "messages" : [ {"role":"user","content":[{"text":"\\u00e9 é"}]} ] , "unknown":1.50 }'

    assert bench.invoke(body=text).status == 200

    assert invocations(commercial)[0]["bodyLength"] == len(text.encode())


def test_resolves_a_profile_only_model_by_itself(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """[12] [13] [14]: with the API key, from Bedrock's own lists."""
    answer = bench.invoke(PROFILE_ONLY_MODEL, CLAUDE_BODY)

    assert answer.status == 200
    assert answer.headers["X-Resolved-Model-Id"] == f"us.{PROFILE_ONLY_MODEL}"
    assert invocations(commercial)[0]["path"] == f"/model/us.{PROFILE_ONLY_MODEL.replace(':', '%3A')}/invoke"
    record = bench.records("InvokeModel")[0]
    assert (record["modelId"], record["resolvedModelId"]) == (PROFILE_ONLY_MODEL, f"us.{PROFILE_ONLY_MODEL}")


def test_lists_are_read_once_for_many_calls(bench: RouterBench, commercial: CommercialStandIn) -> None:
    for _ in range(3):
        assert bench.invoke(PROFILE_ONLY_MODEL, CLAUDE_BODY).status == 200

    assert [request["path"] for request in commercial.requests].count("/foundation-models") == 1


def test_a_missing_anthropic_version_is_supplied_and_a_given_one_kept(bench: RouterBench) -> None:
    """[19] the original overwrote it."""
    assert bench.invoke(PROFILE_ONLY_MODEL, CLAUDE_BODY).status == 200
    wrong = bench.invoke(PROFILE_ONLY_MODEL, {"anthropic_version": "wrong", **CLAUDE_BODY})
    assert (wrong.status, wrong.error["code"]) == (400, "ValidationException")


def test_a_global_profile_is_denied_and_recorded(bench: RouterBench, commercial: CommercialStandIn) -> None:
    answer = bench.invoke(f"global.{PROFILE_ONLY_MODEL}", CLAUDE_BODY)

    assert (answer.status, answer.error["code"]) == (403, "PolicyDenied")
    assert "destinations.global_profiles" in answer.error["message"]
    assert invocations(commercial) == []
    record = bench.records("InvokeModel")[0]
    assert (record["state"], record["decision"], record["statusCode"]) == ("DENIED", "DENY", "403")

    bench.under(GLOBAL_ALLOWED)
    assert bench.invoke(f"global.{PROFILE_ONLY_MODEL}", CLAUDE_BODY).status == 200


def test_a_binary_answer_comes_as_base64(bench: RouterBench) -> None:
    """[19] the original died on bodies that are not text."""
    envelope = {
        "modelId": "amazon.twin-made-up-image-v1:0",
        "accept": "image/png",
        "body": {"prompt": "a boundary"},
    }
    answer = bench.call("POST", "/bedrock/invoke-model", envelope)

    assert answer.status == 200, answer.text
    assert (answer.json["contentType"], answer.json["isBase64Encoded"]) == ("image/png", True)
    assert base64.b64decode(answer.json["body"]).startswith(b"\x89PNG")


def test_content_type_and_accept_reach_bedrock(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """[19] the original dropped both."""
    envelope = {"modelId": ON_DEMAND_MODEL, "contentType": "application/json; x=y", "accept": "*/*", "body": NOVA_BODY}

    assert bench.call("POST", "/bedrock/invoke-model", envelope).status == 200

    headers = invocations(commercial)[0]["headers"]
    assert (headers["content-type"], headers["accept"]) == ("application/json; x=y", "*/*")


def test_a_base64_body_is_decoded(bench: RouterBench, commercial: CommercialStandIn) -> None:
    raw = json.dumps(NOVA_BODY).encode()
    envelope = {"modelId": ON_DEMAND_MODEL, "isBase64Encoded": True, "body": base64.b64encode(raw).decode()}

    assert bench.call("POST", "/bedrock/invoke-model", envelope).status == 200
    assert invocations(commercial)[0]["bodyLength"] == len(raw)


def test_caller_headers_are_not_forwarded(bench: RouterBench, commercial: CommercialStandIn) -> None:
    hostile = {"Authorization": "caller", "Cookie": "c=1", "X-Amz-Security-Token": "caller", "Host": "evil.example"}

    assert bench.invoke(headers=hostile).status == 200

    request = invocations(commercial)[0]
    assert set(request["headers"]) == {
        *("accept", "content-length", "content-type", "host", "user-agent", "x-amzn-bedrock-request-metadata")
    }
    assert request["auth"] == "bearer"


def test_the_audit_id_travels_to_bedrock(bench: RouterBench, commercial: CommercialStandIn) -> None:
    request_id = bench.invoke().headers["X-Request-ID"]

    headers = invocations(commercial)[0]["headers"]
    assert json.loads(headers["x-amzn-bedrock-request-metadata"]) == {"auditId": request_id}
    assert headers["user-agent"].endswith(f"audit/{request_id}")


def test_a_complete_record_without_any_text_of_the_request(bench: RouterBench) -> None:
    """[2] [24]: the caller, both sizes, tokens, the fingerprint and the upstream's id are there, the prompt is not."""
    answer = bench.invoke()

    record = bench.records("InvokeModel")[0]
    assert record["requestId"] == answer.headers["X-Request-ID"]
    assert record["state"] == "COMPLETED"
    assert record["success"] is True
    assert record["statusCode"] == "200"
    assert record["userArn"] == CALLER_ARN
    assert record["callerArn"] == "arn:aws-us-gov:iam::123456789012:role/developer"
    assert record["accountId"] == "123456789012"
    assert record["sourceIP"] == "10.0.0.7"
    assert record["sourcePartition"] == "govcloud"
    assert record["destinationPartition"] == "commercial"
    assert record["authMode"] == "api_key"
    assert record["destinationRegion"] == "us-east-1"
    assert record["attempts"] == "1"
    assert record["release"] == "bench"
    assert len(record["payloadSha256"]) == 64
    assert int(record["requestSize"]) == len(json.dumps(NOVA_BODY, separators=(",", ":")))
    assert int(record["responseSize"]) > 0
    assert int(record["inputTokens"]) > 0
    assert int(record["outputTokens"]) > 0
    assert int(record["ttl"]) > 0
    assert record["upstreamRequestId"]
    assert "XP-CANARY" not in json.dumps(record)


ENVELOPE_ERRORS = [
    (b"", 400, "MissingBody"),
    (b"  ", 400, "MissingBody"),
    (b"{not json", 400, "InvalidJson"),
    (b"[]", 400, "InvalidJson"),
    (b'"text"', 400, "InvalidJson"),
    (b'{"modelId":"x","body":NaN}', 400, "InvalidJson"),
    (b"[" * 100_000, 400, "InvalidJson"),
    (b"\xff\xfe\x00", 400, "InvalidJson"),
    (b'{"body":{"a":1}}', 400, "InvalidParameter"),
    (b'{"modelId":7,"body":{"a":1}}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0"}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0","body":""}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0","body":5}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0","body":{"a":1e999}}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0","body":"\\ud800"}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0","body":"a","isBase64Encoded":true}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0","body":{"a":1},"accept":"a\\r\\nX-Evil: 1"}', 400, "InvalidParameter"),
    (b'{"modelId":"amazon.nova-lite-v1:0","body":{"a":1},"contentType":7}', 400, "InvalidParameter"),
]


@pytest.mark.parametrize(("body", "status", "code"), ENVELOPE_ERRORS)
def test_bad_input_is_named_and_nothing_leaves(
    bench: RouterBench, commercial: CommercialStandIn, body: bytes, status: int, code: str
) -> None:
    """[7] [10]: true statuses, and the body is not echoed."""
    answer = bench.call("POST", "/bedrock/invoke-model", body)

    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.error["requestId"] == answer.headers["X-Request-ID"]
    assert "Evil" not in answer.text
    assert commercial.requests == []
    assert bench.records() == []


@pytest.mark.parametrize(
    "media_type",
    [
        "a/b" + (";" + " " * 6) * 30 + "\x00",  # took minutes of CPU with an ambiguous pattern
        "a/b;" + "=" * 200,
        "application/json;\r\n X-Injected=1",
        "application/json;\nX-Evil: 1",
        "application/json;\u2028x=1",
        "application/json; x=é",
        "application/" + "x" * 300,
        "application/json, text/plain",
        "json",
    ],
)
def test_hostile_media_types_are_refused_at_once(
    bench: RouterBench, commercial: CommercialStandIn, media_type: str
) -> None:
    for field in ("accept", "contentType"):
        started = time.monotonic()
        envelope = {"modelId": ON_DEMAND_MODEL, "body": NOVA_BODY, field: media_type}
        answer = bench.call("POST", "/bedrock/invoke-model", envelope)
        assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
        assert field in answer.error["message"]
        assert time.monotonic() - started < 3.0
    assert commercial.requests == []


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (' { "max_tokens": 1.10, "a": 1, "a": 2 }', ' {V, "max_tokens": 1.10, "a": 1, "a": 2 }'),
        ("{}", "{V}"),
        ('{"x":"\\ud800","big":1e999}', '{V,"x":"\\ud800","big":1e999}'),
        ("[1]", "[1]"),
        ("not json", "not json"),
    ],
)
def test_a_supplied_anthropic_version_changes_no_other_byte(sent: str, received: str) -> None:
    version = '"anthropic_version":"bedrock-2023-05-31"'
    assert _with_anthropic_version(sent.encode(), PROFILE_ONLY_MODEL).decode() == received.replace("V", version)


@pytest.mark.parametrize("path", ["dashboard%2Frequests", "%64ashboard/requests", "dashboard/requests/", "health"])
def test_the_catch_all_path_serves_no_operation_under_another_spelling(bench: RouterBench, path: str) -> None:
    """IAM decided about the path as it was written."""
    answer = bench.call("GET", f"/{path}", resource="/{proxy+}", pathParameters={"proxy": path})
    assert (answer.status, answer.error["code"]) == (404, "RouteNotFound")


def test_a_call_without_a_verified_caller_is_refused(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """[1] [29]: should API Gateway's authorization ever be off, nothing crosses."""
    for identity in ({}, {"userArn": None}, None):
        answer = bench.invoke(requestContext={"identity": identity})
        assert (answer.status, answer.error["code"]) == (403, "Unauthenticated")
    assert commercial.requests == []


def test_too_large_a_body_is_413(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.restart(MAX_REQUEST_BYTES="1000")

    answer = bench.invoke(body="x" * 1000)

    assert (answer.status, answer.error["code"]) == (413, "RequestTooLarge")
    assert answer.headers["X-Request-ID"]
    assert commercial.requests == []


def test_the_largest_body_passes(bench: RouterBench, commercial: CommercialStandIn) -> None:
    text = "x" * 4_400_000
    assert bench.invoke(body={"messages": [{"role": "user", "content": [{"text": text}]}]}).status == 200
    assert invocations(commercial)[0]["bodyLength"] > 4_400_000


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("DELETE", "/bedrock/invoke-model", 405, "MethodNotAllowed"),
        ("POST", "/bedrock/models", 405, "MethodNotAllowed"),
        ("GET", "/models", 404, "RouteNotFound"),  # [22] the original routed by 'models' in path
        ("GET", "/bedrock/modelsx", 404, "RouteNotFound"),
        ("GET", "/", 404, "RouteNotFound"),
    ],
)
def test_unknown_paths_and_methods(bench: RouterBench, method: str, path: str, status: int, code: str) -> None:
    answer = bench.call(method, path, resource="/{proxy+}", pathParameters={"proxy": path.lstrip("/")})

    assert (answer.status, answer.error["code"]) == (status, code)
    assert ("Allow" in answer.headers) == (status == 405)


def test_routing_information_names_no_secret_and_no_table(bench: RouterBench) -> None:
    """[8] the original printed both to anybody."""
    answer = bench.call("GET", "/bedrock/invoke-model")

    assert answer.status == 200
    assert answer.json["status"] == "operational"
    assert answer.json["request_info"]["request_id"] == answer.headers["X-Request-ID"]
    assert answer.json["endpoints"]["bedrock_proxy"]
    assert bench.table not in answer.text
    assert bench.secret not in answer.text


@pytest.mark.parametrize("field", ["bedrock_api_key", "bedrock_bearer_token", "bearer_token"])
def test_every_name_of_an_api_key(make_bench: MakeBench, field: str) -> None:
    assert make_bench({field: API_KEY}).invoke().status == 200


def test_aws_keys_are_signed_for_bedrock(make_bench: MakeBench, commercial: CommercialStandIn) -> None:
    bench = make_bench({"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY})

    assert bench.invoke(PROFILE_ONLY_MODEL, CLAUDE_BODY).status == 200
    assert {request["auth"] for request in commercial.requests} == {"sigv4"}
    assert bench.records("InvokeModel")[0]["authMode"] == "aws_keys"


def test_a_session_token_is_sent(make_bench: MakeBench, commercial: CommercialStandIn) -> None:
    """[18] the original never passed it on."""
    keys = {"aws_access_key_id": SESSION_ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY}

    assert make_bench(keys | {"aws_session_token": SESSION_TOKEN}).invoke().status == 200
    assert make_bench(keys).invoke().status == 403


def test_the_region_of_the_secret_is_used(make_bench: MakeBench, commercial: CommercialStandIn) -> None:
    """[18] the original ignored it: a signature for the wrong region is refused by the stand-in."""
    keys = {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY, "region": "us-west-2"}
    bench = make_bench(keys)

    assert bench.invoke().status == 200
    assert bench.records("InvokeModel")[0]["destinationRegion"] == "us-west-2"


def test_bedrocks_errors_keep_status_type_and_words(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """[10] [11]: an unknown model is Bedrock's 400, not a 500 and not a 502."""
    answer = bench.invoke("no.such-model-v1:0")

    assert (answer.status, answer.error["code"]) == (400, "ValidationException")
    assert answer.error["message"] == "The provided model identifier is invalid."
    assert answer.headers["x-amzn-errortype"] == "ValidationException"
    record = bench.records("InvokeModel")[0]
    assert (record["state"], record["success"], record["statusCode"]) == ("COMPLETED", False, "400")
    assert record["errorCode"] == "ValidationException"


def test_throttling_is_bedrocks_429_and_is_not_repeated(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.invoke()
    commercial.inject("throttle", count=5, match="/model/")

    answer = bench.invoke()

    assert (answer.status, answer.error["code"]) == (429, "ThrottlingException")
    assert len(invocations(commercial)) == 2

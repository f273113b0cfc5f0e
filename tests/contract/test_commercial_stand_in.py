"""The Commercial stand-in is right when real clients cannot tell: boto3, requests with AWS4Auth, and bare sockets."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import botocore.auth
import pytest
import requests
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError
from requests_aws4auth import AWS4Auth

from tests.fakes import commercial_auth as made_up
from tests.fakes import commercial_faults
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_sigv4 import MISMATCH

NOVA, HAIKU = "amazon.nova-lite-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"
IMAGE, LLAMA = "amazon.twin-made-up-image-v1:0", "meta.llama4-scout-17b-instruct-v1:0"
PROFILE_ARN = f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.{HAIKU}"
MESSAGES = [{"role": "user", "content": [{"text": "Say nothing of this"}]}]
NOVA_BODY = json.dumps({"messages": MESSAGES}).encode()
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
BEARER = {"Authorization": f"Bearer {made_up.API_KEY}"}


@pytest.fixture(scope="module")
def running() -> Iterator[CommercialStandIn]:
    with CommercialStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def bedrock(running: CommercialStandIn, monkeypatch: pytest.MonkeyPatch) -> CommercialStandIn:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    running.clear()
    running.replace_credentials(made_up.DEFAULT_CREDENTIALS)
    return running


@pytest.fixture(params=["bearer", "sigv4", "session"])
def auth(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def boto(
    bedrock: CommercialStandIn, service: str, auth: str = "sigv4", monkeypatch: pytest.MonkeyPatch | None = None
) -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=2)
    if auth == "bearer":
        assert monkeypatch
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", made_up.API_KEY)
        secure = bedrock.url.replace("http:", "https:")
        client = boto3.client(service, "us-east-1", endpoint_url=secure, config=config)

        # botocore refuses to build a bearer request for plain HTTP: it is built for HTTPS and goes out without.
        def downgrade(request: Any, **_: Any) -> None:
            request.url = request.url.replace("https:", "http:")

        client.meta.events.register("before-send", downgrade)
        return client
    keys = {
        "sigv4": (made_up.ACCESS_KEY_ID, made_up.SECRET_ACCESS_KEY),
        "session": (made_up.SESSION_ACCESS_KEY_ID, made_up.SECRET_ACCESS_KEY, made_up.SESSION_TOKEN),
    }[auth]
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    credentials = dict(zip(names, keys, strict=False))
    return boto3.client(service, "us-east-1", endpoint_url=bedrock.url, config=config, **credentials)


def call(
    bedrock: CommercialStandIn,
    method: str = "POST",
    path: str = f"/model/{NOVA}/invoke",
    body: bytes = NOVA_BODY,
    headers: Mapping[str, str] = BEARER,
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", bedrock.port, timeout=2)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def refusal(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str, str]:
    status, headers, body = answer
    document = json.loads(body)
    return status, headers["x-amzn-errortype"].split(":")[0], document.get("message") or document["Message"]


def sentence(prompt: str) -> str:
    return f"begins with {hashlib.sha256(prompt.encode()).hexdigest()[:8]}."


def signed(
    bedrock: CommercialStandIn, service: str = "bedrock", region: str = "us-east-1", **keys: str
) -> dict[str, str]:
    names = {"key": made_up.ACCESS_KEY_ID, "secret": made_up.SECRET_ACCESS_KEY, "token": None, **keys}
    request = AWSRequest("POST", f"{bedrock.url}/model/{NOVA}/invoke", data=NOVA_BODY)
    signer = botocore.auth.SigV4Auth(Credentials(names["key"], names["secret"], names["token"]), service, region)
    signer.add_auth(request)
    return dict(request.headers)


# Real clients


def test_boto3_discovers_models(bedrock: CommercialStandIn, auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto(bedrock, "bedrock", auth, monkeypatch)
    models = {model["modelId"]: model for model in client.list_foundation_models()["modelSummaries"]}
    assert models[HAIKU]["inferenceTypesSupported"] == ["INFERENCE_PROFILE"]
    opus = models["anthropic.claude-opus-4-1-20250805-v1:0"]["modelLifecycle"]
    assert (opus["status"], opus["endOfLifeTime"]) == ("LEGACY", datetime(2027, 1, 8, tzinfo=UTC))
    images = client.list_foundation_models(byOutputModality="IMAGE", byProvider="amazon")["modelSummaries"]
    assert [model["modelId"] for model in images] == [IMAGE]
    on_demand = client.list_foundation_models(byInferenceType="ON_DEMAND")["modelSummaries"]
    assert {NOVA, IMAGE} < {model["modelId"] for model in on_demand} < set(models)
    assert client.get_foundation_model(modelIdentifier=NOVA)["modelDetails"] == models[NOVA]
    assert client.get_foundation_model_availability(modelId=HAIKU)["authorizationStatus"] == "AUTHORIZED"
    assert {entry["auth"] for entry in bedrock.requests} == {"bearer" if auth == "bearer" else "sigv4"}
    assert {entry["status"] for entry in bedrock.requests} == {200}


def test_boto3_pages_through_inference_profiles(bedrock: CommercialStandIn) -> None:
    client = boto(bedrock, "bedrock")
    pages = list(client.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 3}))
    profiles = {p["inferenceProfileId"]: p for page in pages for p in page["inferenceProfileSummaries"]}
    assert [len(page["inferenceProfileSummaries"]) for page in pages] == [3, 3, 1]
    assert f"us.{HAIKU}" in profiles
    assert f"global.{HAIKU}" in profiles
    assert [name for name in profiles if name.endswith("twin-made-up-global-v1:0")] == [
        "global.anthropic.twin-made-up-global-v1:0"
    ]
    assert [model["modelArn"].split(":")[3] for model in profiles[f"us.{HAIKU}"]["models"]] == [
        "us-east-1",
        "us-east-2",
        "us-west-2",
    ]
    fetched = client.get_inference_profile(inferenceProfileIdentifier=PROFILE_ARN)
    assert {**profiles[f"us.{HAIKU}"], "ResponseMetadata": 0} == {**fetched, "ResponseMetadata": 0}
    assert client.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"] == []
    with pytest.raises(client.exceptions.ValidationException):
        client.list_inference_profiles(nextToken="made-up")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_inference_profile(inferenceProfileIdentifier="us.no-such-model")


@pytest.mark.parametrize("identifier", [f"us.{HAIKU}", f"global.{HAIKU}", PROFILE_ARN])
def test_boto3_invokes_a_profile(
    bedrock: CommercialStandIn, auth: str, identifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto(bedrock, "bedrock-runtime", auth, monkeypatch)
    answer = client.invoke_model(modelId=identifier, body=json.dumps(CLAUDE))
    document = json.loads(answer["body"].read())
    assert document["content"][0]["text"].endswith(sentence("Hi"))
    assert document["usage"]["input_tokens"] == 1
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == "1"
    assert headers["x-amzn-bedrock-output-token-count"] == str(document["usage"]["output_tokens"])
    assert headers["x-amzn-requestid"] == bedrock.requests[0]["requestId"]
    assert bedrock.requests[0]["path"] == f"/model/{quote(identifier, safe='')}/invoke"


def test_boto3_converses_and_counts(bedrock: CommercialStandIn, auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto(bedrock, "bedrock-runtime", auth, monkeypatch)
    answer = client.converse(modelId=NOVA, messages=MESSAGES, requestMetadata={"audit-id": "made-up/1"})
    assert answer["output"]["message"]["content"][0]["text"].endswith(sentence("Say nothing of this"))
    assert answer["stopReason"] == "end_turn"
    counted = client.count_tokens(modelId=NOVA, input={"converse": {"messages": MESSAGES}})["inputTokens"]
    assert counted == answer["usage"]["inputTokens"]
    assert client.count_tokens(modelId=NOVA, input={"invokeModel": {"body": NOVA_BODY}})["inputTokens"] == counted


@pytest.mark.parametrize(
    "path", ["amazon.nova-lite-v1%3A0", NOVA, quote(PROFILE_ARN, safe=""), quote(PROFILE_ARN, safe=":")]
)
def test_requests_with_aws4auth_signs_what_arrives(bedrock: CommercialStandIn, path: str) -> None:
    auth = AWS4Auth(made_up.ACCESS_KEY_ID, made_up.SECRET_ACCESS_KEY, "us-east-1", "bedrock")
    body = CLAUDE if "claude" in path else {"messages": MESSAGES}
    answer = requests.post(f"{bedrock.url}/model/{path}/invoke", json=body, auth=auth, timeout=2)
    assert answer.status_code == 200, answer.text
    query = {"byProvider": "Amazon", "byOutputModality": "TEXT"}
    assert requests.get(f"{bedrock.url}/foundation-models", query, auth=auth, timeout=2).ok


@pytest.mark.parametrize(
    ("model", "body", "keys"),
    [
        (NOVA, {"messages": MESSAGES}, {"output", "stopReason", "usage"}),
        (
            "openai.gpt-oss-20b-1:0",
            {"messages": [{"role": "user", "content": "Hi"}]},
            {"id", "object", "created", "model", "choices", "usage"},
        ),
        (
            f"us.{LLAMA}",
            {"prompt": "Hi"},
            {"generation", "prompt_token_count", "generation_token_count", "stop_reason"},
        ),
        (IMAGE, {"prompt": "Hi"}, {"images"}),
    ],
)
def test_each_family_answers_in_its_own_shape(
    bedrock: CommercialStandIn, model: str, body: Any, keys: set[str]
) -> None:
    status, headers, answer = call(bedrock, path=f"/model/{model}/invoke", body=json.dumps(body).encode())
    assert (status, headers["content-type"], set(json.loads(answer))) == (200, "application/json", keys)


def test_an_image_is_bytes_when_accept_asks(bedrock: CommercialStandIn) -> None:
    headers = {**BEARER, "Accept": "image/png"}
    status, answered, body = call(bedrock, path=f"/model/{IMAGE}/invoke", body=b'{"prompt":"Hi"}', headers=headers)
    assert (status, answered["content-type"], body[:4]) == (200, "image/png", b"\x89PNG")
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert refusal(call(bedrock, headers=headers))[:2] == (400, "ValidationException")


# Refusals


def test_boto3_raises_the_modeled_exceptions(
    bedrock: CommercialStandIn, auth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto(bedrock, "bedrock-runtime", auth, monkeypatch)
    expected = (
        f"Invocation of model ID {HAIKU} with on-demand throughput isn\u2019t supported. Retry your request with the "
        "ID or ARN of an inference profile that contains this model."
    )
    with pytest.raises(client.exceptions.ValidationException) as caught:
        client.invoke_model(modelId=HAIKU, body=json.dumps(CLAUDE))
    assert caught.value.response["Error"]["Message"] == expected
    with pytest.raises(client.exceptions.ValidationException, match="The provided model identifier is invalid"):
        client.converse(modelId="amazon.no-such-model", messages=MESSAGES)
    faults = {"throttle": "ThrottlingException", "service_unavailable": "ServiceUnavailableException"}
    for fault, name in {
        **faults,
        "model_timeout": "ModelTimeoutException",
        "model_error": "ModelErrorException",
    }.items():
        bedrock.inject(fault)
        with pytest.raises(getattr(client.exceptions, name)):
            client.converse(modelId=NOVA, messages=MESSAGES)
    bedrock.replace_credentials({"api_keys": [], "access_keys": []})
    with pytest.raises(ClientError) as refused:
        client.converse(modelId=NOVA, messages=MESSAGES)
    expected_code = "AccessDeniedException" if auth == "bearer" else "UnrecognizedClientException"
    assert refused.value.response["Error"]["Code"] == expected_code


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"service": "execute-api"}, "InvalidSignatureException"),
        ({"region": "us-gov-west-1"}, "InvalidSignatureException"),
        ({"key": "AKIA-UNKNOWN"}, "UnrecognizedClientException"),
        ({"token": "superfluous"}, "UnrecognizedClientException"),
        ({"key": made_up.SESSION_ACCESS_KEY_ID}, "UnrecognizedClientException"),
        ({"key": made_up.SESSION_ACCESS_KEY_ID, "token": "wrong"}, "UnrecognizedClientException"),
    ],
)
def test_a_wrong_signer_is_refused(bedrock: CommercialStandIn, change: dict[str, str], expected: str) -> None:
    assert call(bedrock, headers=signed(bedrock))[0] == 200
    assert refusal(call(bedrock, headers=signed(bedrock, **change)))[:2] == (403, expected)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_wrong_clock_is_refused(bedrock: CommercialStandIn, minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhen = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: elsewhen)
    assert refusal(call(bedrock, headers=signed(bedrock)))[:2] == (403, "InvalidSignatureException")


def test_a_clock_that_is_ahead_refuses_and_says_the_time(bedrock: CommercialStandIn) -> None:
    for offset, expected in ((1200, 403), (-1200, 403), (600, 200), (0, 200)):
        assert control(bedrock, "PUT", "clock", {"offset_seconds": offset})[0] == 200
        assert control(bedrock, "GET", "clock")[1] == {"offset_seconds": offset}
        status, headers, body = call(bedrock, headers=signed(bedrock))
        assert status == expected
        said = parsedate_to_datetime(headers["date"])
        assert abs((said - datetime.now(UTC)).total_seconds() - offset) < 3
        if status == 403:
            assert refusal((status, headers, body))[1] == "InvalidSignatureException"
    assert control(bedrock, "PUT", "clock", {"seconds": 1})[0] == 400


def test_what_changes_after_signing_is_refused(bedrock: CommercialStandIn) -> None:
    headers = signed(bedrock)
    dateless = {name: value for name, value in headers.items() if name != "X-Amz-Date"}
    unsigned = {**headers, "Authorization": headers["Authorization"].split(", Signature")[0]}
    mismatch = (403, "InvalidSignatureException", MISMATCH)
    assert refusal(call(bedrock, headers=headers, body=NOVA_BODY.replace(b"Say", b"Yas"))) == mismatch
    assert refusal(call(bedrock, headers=headers, path="/model/amazon.nova-pro-v1:0/invoke")) == mismatch
    assert refusal(call(bedrock, headers=headers, path=f"/model/{NOVA}/invoke?a=b")) == mismatch
    assert refusal(call(bedrock, headers=dateless))[:2] == (400, "IncompleteSignatureException")
    assert refusal(call(bedrock, headers=unsigned))[:2] == (400, "IncompleteSignatureException")
    assert refusal(call(bedrock, headers={}))[:2] == (403, "MissingAuthenticationTokenException")
    assert refusal(call(bedrock, headers={"Authorization": "Bearer wrong"}))[2].startswith("Authentication failed: ")
    bedrock.inject("throttle")
    assert refusal(call(bedrock, headers={}))[0] == 403, "a fault hid a missing signature"
    assert refusal(call(bedrock))[0] == 429


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        (NOVA, b"{", "Malformed input request, please reformat your input and try again."),
        (NOVA, b"[]", "Malformed input request, please reformat your input and try again."),
        (NOVA, b"{}", "required key [messages] not found"),
        (f"us.{HAIKU}", b"{}", "anthropic_version: Field required"),
        (f"us.{HAIKU}", json.dumps({**CLAUDE, "anthropic_version": "2023-06-01"}).encode(), "Invalid API version"),
        (f"us.{HAIKU}", json.dumps({**CLAUDE, "model": "x"}).encode(), "model: Extra inputs are not permitted"),
        (f"us.{NOVA}", NOVA_BODY, "The provided model identifier is invalid."),
        (quote(PROFILE_ARN.replace("arn:aws", "arn:aws-us-gov"), safe=""), NOVA_BODY, "model identifier is invalid"),
        ("amazon.nova-lite-v1%253A0", NOVA_BODY, "The provided model identifier is invalid."),
    ],
)
def test_a_wrong_request_is_a_validation_error(bedrock: CommercialStandIn, model: str, body: bytes, words: str) -> None:
    status, kind, message = refusal(call(bedrock, path=f"/model/{model}/invoke", body=body))
    assert (status, kind) == (400, "ValidationException")
    assert words in message


@pytest.mark.parametrize(
    ("metadata", "status"),
    [('{"audit-id":"2026/1"}', 200), ("{}", 400), ('{"k":"{"}', 400), ('{"k":1}', 400), ('{"":"v"}', 400), ("x", 400)],
)
def test_request_metadata_is_checked(bedrock: CommercialStandIn, metadata: str, status: int) -> None:
    assert call(bedrock, headers={**BEARER, "X-Amzn-Bedrock-Request-Metadata": metadata})[0] == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/model/{NOVA}/invoke"),
        ("POST", f"/model/{NOVA}/invoke/"),
        ("POST", f"/model/{PROFILE_ARN}/invoke"),
        ("POST", f"/model/{NOVA}/converse-stream"),
        ("POST", "/model//invoke"),
        ("DELETE", "/inference-profiles"),
    ],
)
def test_any_other_path_is_an_unknown_operation(bedrock: CommercialStandIn, method: str, path: str) -> None:
    status, headers, body = call(bedrock, method, path)
    assert refusal((status, headers, body))[:2] == (404, "UnknownOperationException")
    assert len(headers["x-amzn-requestid"]) == 36
    assert headers["date"].endswith("GMT")


def test_a_body_over_the_limit_is_read_and_refused(bedrock: CommercialStandIn) -> None:
    whole = NOVA_BODY + b" " * (25_000_000 - len(NOVA_BODY))
    assert call(bedrock, body=whole)[0] == 200
    assert call(bedrock, body=whole + b" ")[0] == 413
    assert bedrock.requests[1]["bodySha256"] == hashlib.sha256(whole + b" ").hexdigest()


# Faults


def raw(bedrock: CommercialStandIn, path: str = f"/model/{NOVA}/invoke") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", bedrock.port), timeout=2)
    head = [f"POST {path} HTTP/1.1", f"Authorization: {BEARER['Authorization']}", f"Content-Length: {len(NOVA_BODY)}"]
    client.sendall("\r\n".join([*head, "", ""]).encode() + NOVA_BODY)
    return client


def read_to_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65_536), b""))


@pytest.mark.parametrize("fault", ["reset_before_response", "reset_on_accept"])
def test_a_reset_is_a_reset(bedrock: CommercialStandIn, fault: str) -> None:
    bedrock.inject(fault)
    with raw(bedrock) as client, pytest.raises(ConnectionResetError):
        client.recv(1)
    assert [entry["status"] for entry in bedrock.requests] == ([None] if fault == "reset_before_response" else [])
    bedrock.inject(fault)
    with pytest.raises(ConnectionClosedError):
        boto(bedrock, "bedrock-runtime").converse(modelId=NOVA, messages=MESSAGES)
    assert call(bedrock)[0] == 200


def test_an_idle_connection_that_closes_uses_up_no_fault(bedrock: CommercialStandIn) -> None:
    with raw(bedrock) as idle:
        assert idle.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        bedrock.inject("reset_on_accept")
        idle.shutdown(socket.SHUT_WR)
        assert read_to_end(idle) == b""
    with raw(bedrock) as client, pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_close_gives_no_byte(bedrock: CommercialStandIn) -> None:
    bedrock.inject("close_before_response")
    with raw(bedrock) as client:
        assert read_to_end(client) == b""


def test_bodies_that_end_wrongly(bedrock: CommercialStandIn) -> None:
    _, _, right = call(bedrock)
    bedrock.inject("truncate", missing_bytes=7)
    with pytest.raises(http.client.IncompleteRead) as cut:
        call(bedrock)
    assert (cut.value.partial, cut.value.expected) == (right, 7)
    bedrock.inject("half_json")
    _, headers, half = call(bedrock)
    assert right.startswith(half)
    assert int(headers["content-length"]) == len(half) == len(right) // 2
    bedrock.inject("no_content_length")
    status, headers, body = call(bedrock)
    assert (status, body, headers["connection"]) == (200, right, "close")
    assert "content-length" not in headers


def test_answers_that_are_not_bedrocks(bedrock: CommercialStandIn) -> None:
    _, _, right = call(bedrock)
    for fault in ("html", "not_json", "redirect", "gzip"):
        bedrock.inject(fault)
    bedrock.inject("large_response", bytes=1_000_000)
    html, garbage, redirect, packed, large = (call(bedrock) for _ in range(5))
    assert (html[0], html[1]["content-type"][:9], html[2][:9]) == (200, "text/html", b"<!doctype")
    assert (garbage[0], garbage[1]["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"codec|Expecting"):
        json.loads(garbage[2])
    assert (redirect[0], redirect[1]["location"]) == (307, "http://redirect.invalid/elsewhere")
    assert packed[1]["content-encoding"] == "gzip"
    assert zlib.decompress(packed[2], wbits=31) == right
    assert (len(large[2]), list(json.loads(large[2]))) == (1_000_000, ["padding"])
    bedrock.inject("huge_headers")
    with pytest.raises(http.client.HTTPException, match="more than 100 headers"):
        call(bedrock)


def test_any_status_can_be_answered(bedrock: CommercialStandIn) -> None:
    bedrock.inject("status", status=529, errortype="", message="overloaded", headers={"Retry-After": "3"})
    status, headers, body = call(bedrock)
    assert (status, headers["retry-after"], json.loads(body)) == (529, "3", {"message": "overloaded"})
    assert "x-amzn-errortype" not in headers
    bedrock.inject("expired_token")
    assert refusal(call(bedrock))[:2] == (403, "ExpiredTokenException")
    bedrock.inject("revoked_key")
    assert refusal(call(bedrock)) == refusal(call(bedrock, headers={"Authorization": "Bearer wrong"}))


def test_slow_and_dripping_answers_arrive_in_the_end(bedrock: CommercialStandIn) -> None:
    bedrock.inject("slow", delay_seconds=0.2)
    bedrock.inject("drip", bytes_per_write=100, interval_seconds=0.05)
    for _ in range(2):
        started = time.monotonic()
        assert call(bedrock)[0] == 200
        assert 0.2 <= time.monotonic() - started < 1.5


def test_a_hang_ends_with_the_client_or_the_stand_in() -> None:
    with CommercialStandIn() as stand_in:
        stand_in.inject("hang", count=2)
        with raw(stand_in) as client:
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.recv(1)
        stuck = raw(stand_in)
        while len(stand_in.requests) < 2:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    with stuck:
        assert stuck.recv(1) == b""


def test_a_fault_strikes_as_often_and_where_it_was_told_to(bedrock: CommercialStandIn) -> None:
    bedrock.inject("throttle", count=2, match="/model/")
    answers = [call(bedrock, "GET", "/foundation-models")[0], *(call(bedrock)[0] for _ in range(3))]
    assert answers == [200, 429, 429, 200]
    assert [entry["fault"] for entry in bedrock.requests] == [None, "throttle", "throttle", None]


# The control API and the process


def control(bedrock: CommercialStandIn, method: str, name: str, document: Any = None) -> tuple[int, Any]:
    body = b"" if document is None else json.dumps(document).encode()
    status, _, answer = call(bedrock, method, f"/_twin/{name}", body, {})
    return status, json.loads(answer)


def test_the_request_log_tells_everything_but_the_credential(bedrock: CommercialStandIn) -> None:
    token = {"key": made_up.SESSION_ACCESS_KEY_ID, "token": made_up.SESSION_TOKEN}
    started = time.time()
    call(bedrock, headers={**BEARER, "X-Audit": "kept"})
    call(bedrock, headers=signed(bedrock, **token))
    call(bedrock, "GET", f"/foundation-models?X-Amz-Security-Token={made_up.SESSION_TOKEN}&a=1", b"", {})
    _, log = control(bedrock, "GET", "requests")
    text = json.dumps(log)
    for secret in (made_up.API_KEY, made_up.SESSION_TOKEN, made_up.SESSION_ACCESS_KEY_ID, "Signature", "Bearer"):
        assert secret not in text
    bearer, sigv4, nobody = log["requests"]
    assert (bearer["auth"], bearer["headers"]["X-Audit"]) == ("bearer", "kept")
    assert (bearer["bodySha256"], bearer["bodyLength"]) == (hashlib.sha256(NOVA_BODY).hexdigest(), len(NOVA_BODY))
    assert (sigv4["auth"], sigv4["authHint"], sigv4["status"]) == ("sigv4", "TWIN", 200)
    assert (sigv4["credential"], sigv4["principal"]) == ("TWIN", None)
    assert (nobody["auth"], nobody["status"]) == ("none", 403)
    assert started <= bearer["arrivedAt"] <= sigv4["arrivedAt"] <= nobody["arrivedAt"] <= time.time()
    assert nobody["path"] == "/foundation-models?X-Amz-Security-Token=REDACTED&a=1"
    assert control(bedrock, "DELETE", "requests")[0] == 200
    assert control(bedrock, "GET", "requests")[1] == {"requests": []}


def test_credentials_rotate_and_expire_while_it_runs(bedrock: CommercialStandIn) -> None:
    key = {"access_key_id": "AKIA-ROTATED", "secret_access_key": "made-up-too"}
    document = {"api_keys": ["ABSK-rotated"], "access_keys": [{**key, "expires_at": "2199-01-01T00:00:00Z"}]}
    assert control(bedrock, "PUT", "credentials", document)[0] == 200
    rotated = {"key": "AKIA-ROTATED", "secret": "made-up-too"}
    assert [call(bedrock)[0], call(bedrock, headers={"Authorization": "Bearer ABSK-rotated"})[0]] == [403, 200]
    assert call(bedrock, headers=signed(bedrock, **rotated))[0] == 200
    document["access_keys"] = [{**key, "expires_at": "2026-01-01T00:00:00Z"}]
    control(bedrock, "PUT", "credentials", document)
    assert refusal(call(bedrock, headers=signed(bedrock, **rotated)))[:2] == (403, "ExpiredTokenException")


def test_control_calls_that_make_no_sense_are_400(bedrock: CommercialStandIn) -> None:
    faults = [{"fault": "no-such"}, {"fault": "slow", "delay": 1}, {"fault": "hang", "count": 0}]
    assert [control(bedrock, "POST", "faults", document)[0] for document in faults] == [400] * 3
    credentials = [{"keys": []}, {"api_keys": "x"}, {"access_keys": [{"id": 1}]}]
    assert [control(bedrock, "PUT", "credentials", document)[0] for document in credentials] == [400] * 3
    assert control(bedrock, "POST", "faults", {"fault": "html", "match": "/model/"})[0] == 200
    pending = [{"fault": "html", "count": 1, "match": "/model/"}]
    assert control(bedrock, "GET", "health")[1]["faults"] == pending
    assert control(bedrock, "DELETE", "faults")[0] == 200
    assert control(bedrock, "GET", "faults")[1] == {"faults": []}
    assert bedrock.requests == []


def test_every_fault_is_tested_here() -> None:
    names = {*commercial_faults.SPOILED, *commercial_faults.BROKEN, commercial_faults.RESET_ON_ACCEPT}
    assert [name for name in sorted(names) if f'"{name}"' not in Path(__file__).read_text()] == []


def test_keep_alive_chunked_bodies_and_speed(bedrock: CommercialStandIn) -> None:
    before = bedrock.connections
    with requests.Session() as session:
        url = f"{bedrock.url}/model/{NOVA}/invoke"
        assert (
            session.post(url, data=iter([NOVA_BODY[:9], NOVA_BODY[9:]]), headers=BEARER, timeout=2).status_code == 200
        )
    connection = http.client.HTTPConnection("127.0.0.1", bedrock.port, timeout=2)
    spent = []
    for _ in range(200):
        started = time.perf_counter()
        connection.request("POST", f"/model/{NOVA}/invoke", NOVA_BODY, BEARER)
        assert connection.getresponse().read()
        spent.append(time.perf_counter() - started)
    connection.close()
    assert bedrock.connections - before == 2
    assert sorted(spent)[100] < 0.005  # measured well below a millisecond, client included; slack for a busy machine


def test_the_process_writes_its_port_and_stops_at_once(tmp_path: Path) -> None:
    credentials, port_file = tmp_path / "credentials.json", tmp_path / "port"
    credentials.write_text('{"api_keys": ["ABSK-from-a-file"]}')
    script = str(Path(__file__).parents[1] / "fakes" / "commercial.py")
    options = ["--port", "0", "--port-file", str(port_file), "--credentials", str(credentials)]
    with subprocess.Popen([sys.executable, script, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        assert int(port_file.read_text()) == port
        bearer = {"Authorization": "Bearer ABSK-from-a-file"}
        answer = requests.get(f"http://127.0.0.1:{port}/foundation-models", headers=bearer, timeout=2)
        assert answer.ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=1) == 0

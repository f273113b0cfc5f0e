"""InvokeModel, Converse and CountTokens of the Commercial stand-in, with boto3 and plain HTTP."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from tests.contract.commercial_clients import (
    AUTHS,
    BEARER,
    CHAT,
    CLAUDE,
    EMBEDDING,
    GPT_OSS,
    HAIKU,
    IMAGE,
    LLAMA,
    MESSAGES,
    NOVA,
    NOVA_BODY,
    PROFILE_ARN,
    VIDEO,
    boto,
    call,
    refusal,
    sentence,
)
from tests.fakes.commercial import CommercialStandIn


@pytest.mark.parametrize("identifier", [f"us.{HAIKU}", f"global.{HAIKU}", PROFILE_ARN])
@pytest.mark.parametrize("auth", AUTHS)
def test_boto3_invokes_a_profile(commercial: CommercialStandIn, auth: str, identifier: str) -> None:
    client = boto(commercial, "bedrock-runtime", auth)
    answer = client.invoke_model(modelId=identifier, body=json.dumps(CLAUDE))
    document = json.loads(answer["body"].read())
    assert document["content"][0]["text"].endswith(sentence("Hi"))
    assert document["usage"]["input_tokens"] == 1
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == "1"
    assert headers["x-amzn-bedrock-output-token-count"] == str(document["usage"]["output_tokens"])
    assert headers["x-amzn-requestid"] == commercial.requests[0]["requestId"]
    assert commercial.requests[0]["path"] == f"/model/{quote(identifier, safe='')}/invoke"


@pytest.mark.parametrize("auth", AUTHS)
def test_boto3_converses_and_counts(commercial: CommercialStandIn, auth: str) -> None:
    client = boto(commercial, "bedrock-runtime", auth)
    answer = client.converse(modelId=NOVA, messages=MESSAGES, requestMetadata={"audit-id": "made-up/1"})
    assert answer["output"]["message"]["content"][0]["text"].endswith(sentence("Say nothing of this"))
    assert answer["stopReason"] == "end_turn"
    counted = client.count_tokens(modelId=NOVA, input={"converse": {"messages": MESSAGES}})["inputTokens"]
    assert counted == answer["usage"]["inputTokens"]
    assert client.count_tokens(modelId=NOVA, input={"invokeModel": {"body": NOVA_BODY}})["inputTokens"] == counted


@pytest.mark.parametrize("identifier", [HAIKU, f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"])
def test_a_profile_only_model_is_counted_by_its_own_id(commercial: CommercialStandIn, identifier: str) -> None:
    client = boto(commercial, "bedrock-runtime")
    counted = client.count_tokens(modelId=identifier, input={"converse": {"messages": MESSAGES}})
    assert counted["inputTokens"] == len("Say nothing of this") // 4


@pytest.mark.parametrize("identifier", [f"us.{HAIKU}", f"global.{HAIKU}", PROFILE_ARN, IMAGE, EMBEDDING])
def test_profiles_and_what_reads_no_conversation_are_not_counted(
    commercial: CommercialStandIn, identifier: str
) -> None:
    client = boto(commercial, "bedrock-runtime")
    with pytest.raises(client.exceptions.ValidationException) as caught:
        client.count_tokens(modelId=identifier, input={"converse": {"messages": MESSAGES}})
    expected = "The provided model doesn't support counting tokens."
    assert caught.value.response["Error"]["Message"] == expected


def test_a_cache_marker_is_seen_in_every_count_of_tokens(commercial: CommercialStandIn) -> None:
    """100 tokens of prompt: as if half of it had been read from the cache, and a quarter were written to it."""
    client = boto(commercial, "bedrock-runtime")
    prompt = "p" * 400
    marked = [{"role": "user", "content": [{"text": prompt}, {"cachePoint": {"type": "default"}}]}]
    usage = client.converse(modelId=NOVA, messages=marked)["usage"]
    produced = usage["outputTokens"]
    expected = {"inputTokens": 25, "totalTokens": 100 + produced}
    cached = {"cacheReadInputTokens": 50, "cacheWriteInputTokens": 25}
    assert usage == {**expected, **cached, "outputTokens": produced}
    block = {"type": "text", "text": prompt, "cache_control": {"type": "ephemeral"}}
    body = {**CLAUDE, "messages": [{"role": "user", "content": [block]}]}
    _, headers, answer = call(commercial, path=f"/model/us.{HAIKU}/invoke", body=body)
    counts = {"input": "25", "output": str(produced), "cache-read-input": "50", "cache-write-input": "25"}
    assert {kind: headers[f"x-amzn-bedrock-{kind}-token-count"] for kind in counts} == counts
    assert json.loads(answer)["usage"]["cache_read_input_tokens"] == 50


def test_only_invoke_model_counts_in_headers(commercial: CommercialStandIn) -> None:
    _, headers, _ = call(commercial, path=f"/model/{NOVA}/converse")
    assert [name for name in headers if name.endswith("token-count")] == []


def test_the_service_tier_asked_for_is_the_one_given(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    assert client.invoke_model(modelId=NOVA, body=NOVA_BODY, serviceTier="flex")["serviceTier"] == "flex"
    assert client.converse(modelId=NOVA, messages=MESSAGES, serviceTier={"type": "flex"})["serviceTier"] == {
        "type": "flex"
    }
    assert call(commercial, headers={**BEARER, "X-Amzn-Bedrock-Service-Tier": "best"})[0] == 400


@pytest.mark.parametrize(
    ("model", "body", "keys"),
    [
        (NOVA, {"messages": MESSAGES}, {"output", "stopReason", "usage"}),
        (
            GPT_OSS,
            {"messages": CHAT},
            {"id", "object", "created", "model", "choices", "usage"},
        ),
        (
            f"us.{LLAMA}",
            {"prompt": "Hi"},
            {"generation", "prompt_token_count", "generation_token_count", "stop_reason"},
        ),
        (IMAGE, {"prompt": "Hi"}, {"images"}),
        (EMBEDDING, {"inputText": "Hi"}, {"embedding", "embeddingsByType", "inputTextTokenCount"}),
    ],
)
def test_each_family_answers_in_its_own_shape(
    commercial: CommercialStandIn, model: str, body: Any, keys: set[str]
) -> None:
    status, headers, answer = call(commercial, path=f"/model/{model}/invoke", body=json.dumps(body).encode())
    assert (status, headers["content-type"], set(json.loads(answer))) == (200, "application/json", keys)


def test_an_image_is_bytes_when_accept_asks(commercial: CommercialStandIn) -> None:
    headers = {**BEARER, "Accept": "image/png"}
    status, answered, body = call(commercial, path=f"/model/{IMAGE}/invoke", body=b'{"prompt":"Hi"}', headers=headers)
    assert (status, answered["content-type"], body[:4]) == (200, "image/png", b"\x89PNG")
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert refusal(call(commercial, headers=headers))[:2] == (400, "ValidationException")


@pytest.mark.parametrize("auth", AUTHS)
def test_boto3_raises_the_modeled_exceptions(commercial: CommercialStandIn, auth: str) -> None:
    client = boto(commercial, "bedrock-runtime", auth)
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
        commercial.inject(fault)
        with pytest.raises(getattr(client.exceptions, name)):
            client.converse(modelId=NOVA, messages=MESSAGES)
    commercial.replace_credentials({"api_keys": [], "access_keys": []})
    with pytest.raises(ClientError) as refused:
        client.converse(modelId=NOVA, messages=MESSAGES)
    expected_code = "AccessDeniedException" if auth == "bearer" else "UnrecognizedClientException"
    assert refused.value.response["Error"]["Code"] == expected_code


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        (NOVA, b"{", "Malformed input request, please reformat your input and try again."),
        (NOVA, b"[]", "Malformed input request, please reformat your input and try again."),
        (NOVA, b"{}", "required key [messages] not found"),
        (EMBEDDING, NOVA_BODY, "required key [inputText] not found"),
        (VIDEO, NOVA_BODY, "This action doesn't support the model"),
        (f"us.{HAIKU}", b"{}", "anthropic_version: Field required"),
        (f"us.{HAIKU}", json.dumps({**CLAUDE, "anthropic_version": "2023-06-01"}).encode(), "Invalid API version"),
        (f"us.{HAIKU}", json.dumps({**CLAUDE, "model": "x"}).encode(), "model: Extra inputs are not permitted"),
        (f"us.{NOVA}", NOVA_BODY, "The provided model identifier is invalid."),
        (quote(PROFILE_ARN.replace("arn:aws", "arn:aws-us-gov"), safe=""), NOVA_BODY, "model identifier is invalid"),
        ("amazon.nova-lite-v1%253A0", NOVA_BODY, "The provided model identifier is invalid."),
    ],
)
def test_a_wrong_request_is_a_validation_error(
    commercial: CommercialStandIn, model: str, body: bytes, words: str
) -> None:
    status, kind, message = refusal(call(commercial, path=f"/model/{model}/invoke", body=body))
    assert (status, kind) == (400, "ValidationException")
    assert words in message


@pytest.mark.parametrize(
    ("metadata", "status"),
    [('{"audit-id":"2026/1"}', 200), ("{}", 400), ('{"k":"{"}', 400), ('{"k":1}', 400), ('{"":"v"}', 400), ("x", 400)],
)
def test_request_metadata_is_checked(commercial: CommercialStandIn, metadata: str, status: int) -> None:
    assert call(commercial, headers={**BEARER, "X-Amzn-Bedrock-Request-Metadata": metadata})[0] == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/model/{NOVA}/invoke"),
        ("POST", f"/model/{NOVA}/invoke/"),
        ("POST", f"/model/{PROFILE_ARN}/invoke"),
        ("POST", f"/model/{NOVA}/invoke-with-bidirectional-stream"),
        ("POST", "/model//invoke"),
        ("DELETE", "/inference-profiles"),
    ],
)
def test_any_other_path_is_an_unknown_operation(commercial: CommercialStandIn, method: str, path: str) -> None:
    status, headers, body = call(commercial, method, path)
    assert refusal((status, headers, body))[:2] == (404, "UnknownOperationException")
    assert len(headers["x-amzn-requestid"]) == 36
    assert headers["date"].endswith("GMT")


def test_a_body_over_the_limit_is_read_and_refused(commercial: CommercialStandIn) -> None:
    whole = NOVA_BODY + b" " * (25_000_000 - len(NOVA_BODY))
    assert call(commercial, body=whole)[0] == 200
    assert call(commercial, body=whole + b" ")[0] == 413
    assert commercial.requests[1]["bodySha256"] == hashlib.sha256(whole + b" ").hexdigest()

"""OpenAI's and Anthropic's paths of the Commercial stand-in: whole answers, server-sent events, and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.commercial_clients import (
    ARN,
    BEARER,
    CHAT,
    GPT,
    GPT_OSS,
    HAIKU,
    NOVA,
    Answer,
    boto,
    call,
    sentence,
)
from tests.fakes.commercial import CommercialStandIn

COMPLETIONS, RESPONSES, MESSAGES = "/openai/v1/chat/completions", "/openai/v1/responses", "/anthropic/v1/messages"
VERSION = {**BEARER, "anthropic-version": "2023-06-01"}
CHAT_BODY = {"model": GPT_OSS, "messages": CHAT}
RESPONSES_BODY = {"model": f"us.{GPT}", "input": "Hi"}
MESSAGES_BODY = {"model": f"us.{HAIKU}", "max_tokens": 9, "messages": CHAT}
EACH = [(COMPLETIONS, CHAT_BODY), (RESPONSES, RESPONSES_BODY), (MESSAGES, MESSAGES_BODY)]


def ask(commercial: CommercialStandIn, path: str, body: dict[str, Any]) -> Answer:
    return call(commercial, path=path, body=body, headers=VERSION)


def document_of(answer: Answer) -> dict[str, Any]:
    status, headers, body = answer
    assert (status, headers["content-type"]) == (200, "application/json")
    document = json.loads(body)
    assert isinstance(document, dict)
    return document


def events_of(answer: Answer) -> list[tuple[str | None, Any]]:
    """Name and data of each server-sent event; data that is no JSON as text."""
    status, headers, body = answer
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    assert headers["transfer-encoding"] == "chunked"
    found: list[tuple[str | None, Any]] = []
    for block in body.decode().removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        found.append((fields.get("event"), json.loads(data) if data.startswith("{") else data))
    return found


def error_of(answer: Answer) -> tuple[int, str, str]:
    """Status, type and message of an error in a vendor's shape."""
    status, headers, body = answer
    assert "x-amzn-errortype" not in headers
    error = json.loads(body)["error"]
    return status, error["type"], error["message"]


def test_a_chat_completion_has_its_usage(commercial: CommercialStandIn) -> None:
    body = {**CHAT_BODY, "messages": [{"role": "user", "content": "p" * 400}]}
    answer = document_of(ask(commercial, COMPLETIONS, body))
    assert answer["model"] == GPT_OSS
    assert answer["choices"][0]["message"]["content"].endswith(sentence("p" * 400))
    expected = {"prompt_tokens": 100, "completion_tokens": 11, "total_tokens": 111}
    assert answer["usage"] == {**expected, "prompt_tokens_details": {"cached_tokens": 0}}
    cached = document_of(ask(commercial, COMPLETIONS, {**body, "prompt_cache_key": "made-up"}))
    assert cached["usage"] == {**expected, "prompt_tokens_details": {"cached_tokens": 50}}


@pytest.mark.parametrize("include", [False, True])
def test_a_chat_stream_has_usage_if_it_is_asked_for(commercial: CommercialStandIn, include: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if include else {}
    events = events_of(ask(commercial, COMPLETIONS, {**CHAT_BODY, "stream": True, **options}))
    assert {name for name, _ in events} == {None}
    *chunks, (_, last) = events
    assert last == "[DONE]"
    deltas = [choice["delta"].get("content", "") for _, chunk in chunks for choice in chunk["choices"]]
    assert "".join(deltas).endswith(sentence("Hi"))
    whole = document_of(ask(commercial, COMPLETIONS, CHAT_BODY))
    usages = [chunk["usage"] for _, chunk in chunks if chunk.get("usage")]
    assert usages == ([whole["usage"]] if include else [])
    assert (chunks[-1][1]["choices"] == []) is include


def test_a_response_has_its_usage_whole_and_streamed(commercial: CommercialStandIn) -> None:
    whole = document_of(ask(commercial, RESPONSES, RESPONSES_BODY))
    assert whole["output"][0]["content"][0]["text"].endswith(sentence("Hi"))
    assert (whole["object"], whole["status"], whole["model"]) == ("response", "completed", f"us.{GPT}")
    assert whole["usage"]["total_tokens"] == whole["usage"]["input_tokens"] + whole["usage"]["output_tokens"]
    events = events_of(ask(commercial, RESPONSES, {**RESPONSES_BODY, "stream": True}))
    assert [name for name, _ in events[:2]] == ["response.created", "response.in_progress"]
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert all(name == data["type"] for name, data in events)
    deltas = [data["delta"] for name, data in events if name == "response.output_text.delta"]
    assert len(deltas) > 5
    assert "".join(deltas) == whole["output"][0]["content"][0]["text"]
    name, last = events[-1]
    assert (name, last["response"]["usage"]) == ("response.completed", whole["usage"])


def test_a_message_has_its_usage_whole_and_streamed(commercial: CommercialStandIn) -> None:
    whole = document_of(ask(commercial, MESSAGES, MESSAGES_BODY))
    assert whole["content"][0]["text"].endswith(sentence("Hi"))
    answer = ask(commercial, f"{MESSAGES}?beta=true", {**MESSAGES_BODY, "stream": True})
    assert answer[1]["request-id"].startswith("req_")
    events = events_of(answer)
    names = [name for name, _ in events]
    assert names[:4] == ["message_start", "content_block_start", "ping", "content_block_delta"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[0][1]["message"]["usage"]["input_tokens"] == whole["usage"]["input_tokens"]
    assert events[-2][1]["usage"] == {"output_tokens": whole["usage"]["output_tokens"]}
    deltas = [data["delta"]["text"] for name, data in events if name == "content_block_delta"]
    assert "".join(deltas) == whole["content"][0]["text"]
    assert commercial.requests[-1]["path"] == f"{MESSAGES}?beta=true"


@pytest.mark.parametrize(("path", "body"), EACH)
def test_an_application_profile_is_for_all_but_responses(
    commercial: CommercialStandIn, path: str, body: dict[str, Any]
) -> None:
    source = f"{ARN}:inference-profile/us.{HAIKU if path == MESSAGES else GPT}"
    made = boto(commercial, "bedrock").create_inference_profile(
        inferenceProfileName="one", modelSource={"copyFrom": source}
    )
    answer = ask(commercial, path, {**body, "model": made["inferenceProfileArn"]})
    if path == RESPONSES:
        assert error_of(answer)[:2] == (400, "invalid_request_error")
    else:
        assert answer[0] == 200


@pytest.mark.parametrize(("path", "body"), EACH)
@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("of-the-path", "on-demand throughput isn\u2019t supported"),
        (NOVA, "does not support the '/v1/"),
        ("no.such-model", "The provided model identifier is invalid."),
        (None, "model: Field required"),
    ],
)
def test_a_wrong_model_is_refused_in_the_vendors_shape(
    commercial: CommercialStandIn, path: str, body: dict[str, Any], model: str | None, words: str
) -> None:
    profile_only = HAIKU if path == MESSAGES else GPT
    status, kind, message = error_of(
        ask(commercial, path, {**body, "model": profile_only if model == "of-the-path" else model})
    )
    assert (status, kind) == (400, "invalid_request_error")
    assert words in message


def test_the_vendors_shapes_differ(commercial: CommercialStandIn) -> None:
    _, _, openai = ask(commercial, COMPLETIONS, {**CHAT_BODY, "messages": []})
    expected = {"message": "messages: Field required", "type": "invalid_request_error"}
    assert json.loads(openai) == {"error": {**expected, "param": None, "code": "validation_error"}}
    status, headers, anthropic = call(commercial, path=MESSAGES, body=MESSAGES_BODY)
    error = {"type": "invalid_request_error", "message": "anthropic-version: header is required"}
    assert status == 400
    assert json.loads(anthropic) == {"type": "error", "error": error, "request_id": headers["request-id"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (COMPLETIONS, b"{"),
        (RESPONSES, json.dumps({**RESPONSES_BODY, "background": True}).encode()),
        (MESSAGES, json.dumps({**MESSAGES_BODY, "anthropic_version": "bedrock-2023-05-31"}).encode()),
        (MESSAGES, json.dumps({"model": f"us.{HAIKU}", "max_tokens": 9}).encode()),
        (MESSAGES, json.dumps({**MESSAGES_BODY, "messages": []}).encode()),
    ],
)
def test_a_wrong_body_is_refused(commercial: CommercialStandIn, path: str, body: bytes) -> None:
    assert error_of(call(commercial, path=path, body=body, headers=VERSION))[:2] == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("path", "body", "types"),
    [
        (COMPLETIONS, CHAT_BODY, ["rate_limit_error", "server_error", "permission_error", "server_error"]),
        (MESSAGES, MESSAGES_BODY, ["rate_limit_error", "api_error", "permission_error", "overloaded_error"]),
    ],
)
def test_faults_and_refusals_take_the_vendors_shape_too(
    commercial: CommercialStandIn, path: str, body: dict[str, Any], types: list[str]
) -> None:
    commercial.inject("throttle")
    commercial.inject("service_unavailable")
    commercial.inject("revoked_key")
    commercial.inject("status", status=529, errortype="OverloadedException")
    faults = [error_of(ask(commercial, path, body))[:2] for _ in range(4)]
    assert faults == list(zip((429, 503, 403, 529), types, strict=True))
    unknown_key = call(commercial, path=path, body=body, headers={**VERSION, "Authorization": "Bearer unknown"})
    assert error_of(unknown_key)[:2] == (403, "permission_error")
    commercial.inject("gzip")
    assert ask(commercial, path, {"model": "no.such"})[0] == 400


@pytest.mark.parametrize(
    ("path", "body", "named"), [(COMPLETIONS, CHAT_BODY, None), (RESPONSES, RESPONSES_BODY, "error")]
)
def test_an_openai_stream_fails_in_band(
    commercial: CommercialStandIn, path: str, body: dict[str, Any], named: str | None
) -> None:
    commercial.inject("failing_stream", after=3, message="Made up.")
    events = events_of(ask(commercial, path, {**body, "stream": True}))
    name, data = events[-1]
    assert (len(events), name) == (4, named)
    assert data.get("error", data)["message"] == "Made up."


@pytest.mark.parametrize(
    ("exception", "kind"),
    [("serviceUnavailableException", "overloaded_error"), ("modelStreamErrorException", "api_error")],
)
def test_an_anthropic_stream_fails_in_band(commercial: CommercialStandIn, exception: str, kind: str) -> None:
    commercial.inject("failing_stream", after=3, exception=exception, message="Made up.")
    events = events_of(ask(commercial, MESSAGES, {**MESSAGES_BODY, "stream": True}))
    assert len(events) == 4
    assert events[-1] == ("error", {"type": "error", "error": {"type": kind, "message": "Made up."}})


def test_an_unknown_path_of_a_vendor_is_not_found(commercial: CommercialStandIn) -> None:
    assert error_of(ask(commercial, "/openai/v1/embeddings", CHAT_BODY))[:2] == (404, "not_found_error")

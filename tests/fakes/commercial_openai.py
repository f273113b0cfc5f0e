"""OpenAI's APIs at the Commercial stand-in: the shape of chat completions, and the two paths below /openai/v1.

Documented ("Endpoints supported by Amazon Bedrock", OpenAI's API reference): POST /openai/v1/chat/completions and
/openai/v1/responses on bedrock-runtime, `model` in the body, the members of answers, chunks and events; a chat stream
has usage only if `stream_options.include_usage` asks for it, and ends with [DONE]; a Responses stream has usage in
response.completed. From public reports: a refusal is {"error": {"code": "validation_error", "type":
"invalid_request_error", ...}}, and the Responses API refuses application inference profiles. Assumed: `model` comes
back as it was sent, `background` is refused, and a profile-only model is refused with InvokeModel's sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.fakes.commercial_models import Model
from tests.fakes.commercial_reply import Reply, reply_to
from tests.fakes.commercial_streams import SERVER_SENT_EVENTS, server_sent
from tests.fakes.commercial_wire import Request, Response, ValidationError, json_response

PREFIX = "/openai/"
DONE = b"data: [DONE]\n\n"
CREATED = 1_767_225_600  # always the same second, so that two answers can be compared


def chat_completions(model: Model, body: dict[str, Any], _request: Request) -> Response:
    _check(model, body, "/v1/chat/completions", "messages")
    reply, name = reply_to(model, body), body["model"]
    if body.get("stream") is not True:
        return json_response(completion(reply, name))
    options = body.get("stream_options")
    chunks = completion_chunks(reply, name)
    if isinstance(options, dict) and options.get("include_usage") is True:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**chunks[0], "choices": [], "usage": _chat_usage(reply)})
    whole = Response(200, b"", {}, SERVER_SENT_EVENTS, fail_in_band=_chat_failure)
    return whole.with_parts((*(server_sent(chunk) for chunk in chunks), DONE))


def responses(model: Model, body: dict[str, Any], _request: Request) -> Response:
    _check(model, body, "/v1/responses", "input")
    if ":application-inference-profile/" in body["model"]:
        raise ValidationError("Application inference profiles are not supported by the Responses API.")
    if body.get("background") is True:
        raise ValidationError("background: not supported by this endpoint")
    reply = reply_to(model, body)
    answer = _response(reply, body["model"])
    if body.get("stream") is not True:
        return json_response(answer)
    whole = Response(200, b"", {}, SERVER_SENT_EVENTS, fail_in_band=_response_failure)
    numbered = ({**document, "sequence_number": number} for number, document in enumerate(_events(reply, answer)))
    return whole.with_parts(tuple(server_sent(document, document["type"]) for document in numbered))


def completion(reply: Reply, model: str) -> dict[str, Any]:
    choice = {"finish_reason": "stop", "index": 0, "message": {"content": reply.text, "role": "assistant"}}
    return {**_head(reply, model, "chat.completion"), "choices": [choice], "usage": _chat_usage(reply)}


def completion_chunks(reply: Reply, model: str) -> list[dict[str, Any]]:
    """What a stream of the completion consists of, without usage."""
    head = _head(reply, model, "chat.completion.chunk")
    deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in reply.pieces), {}]
    return [
        {**head, "choices": [{"delta": delta, "finish_reason": None if delta else "stop", "index": 0}]}
        for delta in deltas
    ]


def _check(model: Model, body: dict[str, Any], api: str, required: str) -> None:
    if model.family != "openai":
        raise ValidationError(f"The model '{body['model']}' does not support the '{api}' API")
    if not body.get(required):
        raise ValidationError(f"{required}: Field required")


def _head(reply: Reply, model: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{reply.tag}", "object": kind, "created": CREATED, "model": model}


def _chat_usage(reply: Reply) -> dict[str, Any]:
    return {
        "completion_tokens": reply.usage.output,
        "prompt_tokens": reply.usage.prompt,
        "prompt_tokens_details": {"cached_tokens": reply.usage.cache_read},
        "total_tokens": reply.usage.total,
    }


def _response(reply: Reply, model: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": reply.text, "annotations": []}
    item = {"type": "message", "id": f"msg_{reply.tag}", "status": "completed", "role": "assistant", "content": [part]}
    return {
        "id": f"resp_{reply.tag}",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "model": model,
        "output": [item],
        "usage": {
            "input_tokens": reply.usage.prompt,
            "input_tokens_details": {"cached_tokens": reply.usage.cache_read},
            "output_tokens": reply.usage.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": reply.usage.total,
        },
    }


def _events(reply: Reply, answer: dict[str, Any]) -> Iterable[dict[str, Any]]:
    item = answer["output"][0]
    part = item["content"][0]
    begun = {**answer, "status": "in_progress", "output": [], "usage": None}
    in_item = {"output_index": 0, "item_id": item["id"], "content_index": 0}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    opened = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
    yield {"type": "response.content_part.added", **in_item, "part": {**part, "text": ""}}
    for piece in reply.pieces:
        yield {"type": "response.output_text.delta", **in_item, "delta": piece}
    yield {"type": "response.output_text.done", **in_item, "text": reply.text}
    yield {"type": "response.content_part.done", **in_item, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": answer}


def _chat_failure(name: str, message: str) -> bytes:
    return server_sent({"error": {"message": message, "type": "server_error", "param": None, "code": name}})


def _response_failure(name: str, message: str) -> bytes:
    return server_sent({"type": "error", "code": name, "message": message, "param": None}, "error")

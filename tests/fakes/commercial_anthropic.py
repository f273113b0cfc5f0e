"""Anthropic's Messages at the Commercial stand-in: the shape of Claude's answers, and POST /anthropic/v1/messages.

Documented ("Inference using Anthropic Messages API", "Endpoints supported by Amazon Bedrock", Anthropic's "Messages"
and "Streaming messages"): the path on bedrock-runtime, `model` in the body, the header anthropic-version, the members
of messages, events and errors. Assumed, because no page says it of bedrock-runtime: `?beta=true` is taken as by
Anthropic's own API, `model` comes back without prefix, the answer has a header request-id, and a model that is profile
only is refused with InvokeModel's sentence. The header x-api-key is not taken here.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.commercial_models import Model
from tests.fakes.commercial_reply import Reply, reply_to
from tests.fakes.commercial_streams import SERVER_SENT_EVENTS, server_sent
from tests.fakes.commercial_wire import Request, Response, ValidationError, json_response

PATH = "/anthropic/v1/messages"
# What an in-band exception of Bedrock's is called here; any other is an api_error.
_IN_BAND = {"throttlingException": "rate_limit_error", "serviceUnavailableException": "overloaded_error"}


def messages(model: Model, body: dict[str, Any], request: Request) -> Response:
    if request.header("anthropic-version") is None:
        raise ValidationError("anthropic-version: header is required")
    if model.family != "claude":
        raise ValidationError(f"The model '{body['model']}' does not support the '/v1/messages' API")
    check_messages(body, required=("max_tokens", "messages"), refused=("anthropic_version",))
    reply = reply_to(model, body)
    headers = {"request-id": request_id_of(request)}
    if body.get("stream") is not True:
        return json_response(message(reply), headers=headers)
    parts = [server_sent(document, document["type"]) for document in events(reply)]
    parts.insert(2, server_sent({"type": "ping"}, "ping"))
    return Response(200, b"", headers, SERVER_SENT_EVENTS, fail_in_band=_failure).with_parts(tuple(parts))


def request_id_of(request: Request) -> str:
    """The id Anthropic gives a request, here made of Bedrock's."""
    return f"req_{request.request_id.replace('-', '')[:24]}"


def check_messages(body: dict[str, Any], *, required: tuple[str, ...], refused: tuple[str, ...]) -> None:
    """Claude names one missing field at a time, and refuses what it does not know where it is."""
    for name in required:
        if name not in body:
            raise ValidationError(f"{name}: Field required")
    for name in refused:
        if name in body:
            raise ValidationError(f"{name}: Extra inputs are not permitted")
    if not (isinstance(body["messages"], list) and body["messages"]):
        raise ValidationError("messages: at least one message is required")


def message(reply: Reply) -> dict[str, Any]:
    return {
        "id": f"msg_bdrk_{reply.tag}",
        "type": "message",
        "role": "assistant",
        "model": reply.model.id.removeprefix("anthropic.").removesuffix("-v1:0"),
        "content": [{"type": "text", "text": reply.text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {**_input_usage(reply), "output_tokens": reply.usage.output},
    }


def events(reply: Reply) -> list[dict[str, Any]]:
    """What a stream of the message consists of, in order."""
    usage = {**_input_usage(reply), "output_tokens": 1}
    beginning = {**message(reply), "content": [], "stop_reason": None, "usage": usage}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        for piece in reply.pieces
    ]
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": beginning},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ending, "usage": {"output_tokens": reply.usage.output}},
        {"type": "message_stop"},
    ]


def _input_usage(reply: Reply) -> dict[str, int]:
    return {
        "input_tokens": reply.usage.input,
        "cache_creation_input_tokens": reply.usage.cache_write,
        "cache_read_input_tokens": reply.usage.cache_read,
    }


def _failure(name: str, message: str) -> bytes:
    error = {"type": _IN_BAND.get(name, "api_error"), "message": message}
    return server_sent({"type": "error", "error": error}, "error")

"""Bedrock Runtime of the Commercial stand-in: InvokeModel, Converse, their streams, and CountTokens.

What a model says is in commercial_reply.py, the shapes of its families are in commercial_families.py. The service tier
a request asks for is the one it gets. Guardrails named by a request, and latency settings, change nothing here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from tests.fakes import commercial_families as families
from tests.fakes.commercial_constraints import check_choice, check_present, invalid
from tests.fakes.commercial_models import Model
from tests.fakes.commercial_reply import Reply, count_tokens, prompt_of, reply_to
from tests.fakes.commercial_streams import event_stream, padded_event
from tests.fakes.commercial_wire import (
    BODY_LIMIT,
    MALFORMED,
    BedrockError,
    Request,
    Response,
    ValidationError,
    json_of,
    json_response,
)

# Lengths from botocore's Converse.requestMetadata; the header of InvokeModel is held to the same.
_METADATA_KEY = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,-.]{1,256}")
_METADATA_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}")
_TIERS = ("priority", "default", "flex", "reserved")
_TIER_HEADER = "X-Amzn-Bedrock-Service-Tier"


def invoke(model: Model, request: Request) -> Response:
    body, content_type = _read_invocation(model, request, request.header("accept"))
    reply = reply_to(model, body)
    if content_type == "image/png":
        response = Response(200, families.picture(reply), content_type=content_type)
    else:
        response = json_response(families.document(reply))
    counts = {**_counts(reply), "X-Amzn-Bedrock-Invocation-Latency": str(reply.latency_ms)}
    return response.with_headers({**counts, **_tier_header(request)})


def invoke_stream(model: Model, request: Request) -> Response:
    """The chunks are the family's documents; token counts are in the last one, not in headers."""
    body, content_type = _read_invocation(model, request, request.header("x-amzn-bedrock-accept"))
    if not model.streaming:
        raise ValidationError("The model is unsupported for streaming")
    documents = families.chunks(reply_to(model, body))
    encoded = (base64.b64encode(json_response(document).body).decode() for document in documents)
    headers = {"X-Amzn-Bedrock-Content-Type": content_type, **_tier_header(request)}
    return event_stream((padded_event("chunk", {"bytes": chunk}) for chunk in encoded), headers)


def converse(model: Model, request: Request) -> Response:
    body = _read_conversation(model, request)
    reply = reply_to(model, body)
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": reply.text}]}},
        "stopReason": "end_turn",
        "usage": families.bedrock_usage(reply),
        "metrics": {"latencyMs": reply.latency_ms},
    }
    return json_response({**answer, **_tier_member(body)})


def converse_stream(model: Model, request: Request) -> Response:
    body = _read_conversation(model, request)
    reply = reply_to(model, body)
    *events, (last, metadata) = families.converse_events(reply)
    metadata = {**metadata, "metrics": {"latencyMs": reply.latency_ms}, **_tier_member(body)}
    return event_stream(padded_event(kind, document) for kind, document in [*events, (last, metadata)])


def count(request: Request) -> Response:
    """CountTokens takes either a Converse request or the bytes of an InvokeModel body."""
    check_size(request)
    match json_of(request.body).get("input"):
        case {"converse": {"messages": _} as body}:
            return json_response({"inputTokens": count_tokens(prompt_of(body))})
        case {"invokeModel": {"body": str(encoded)}}:
            return json_response({"inputTokens": count_tokens(prompt_of(json_of(_decode(encoded))))})
        case _:
            raise ValidationError(MALFORMED)


def check_size(request: Request) -> None:
    if request.body_length > BODY_LIMIT:
        sentence = f"HTTP content length exceeded {BODY_LIMIT} bytes."
        raise BedrockError(413, "RequestEntityTooLargeException", sentence)


def _read_invocation(model: Model, request: Request, accept: str | None) -> tuple[dict[str, Any], str]:
    """The body of an InvokeModel request, checked, and the content type of its answer."""
    check_size(request)
    if (request.header("content-type") or "application/json").partition(";")[0] != "application/json":
        raise ValidationError("The provided Content Type is invalid or not supported for this model")
    content_type = _negotiate(accept, model)
    if (metadata := request.header("x-amzn-bedrock-request-metadata")) is not None:
        _check_metadata(json_of(metadata.encode("latin-1")))
    body = json_of(request.body)
    if model.family == "video":
        raise ValidationError(
            "This action doesn't support the model that you provided. Try again with StartAsyncInvoke."
        )
    families.check_body(model, body)
    return body, content_type


def _read_conversation(model: Model, request: Request) -> dict[str, Any]:
    """The body of a Converse request, checked."""
    check_size(request)
    body = json_of(request.body)
    if not model.speaks:
        raise ValidationError(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model."
        )
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not _is_from_user(messages[0]):
        sentence = (
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
        )
        raise ValidationError(sentence + "message.")
    if "requestMetadata" in body:
        _check_metadata(body["requestMetadata"])
    return body


def _counts(reply: Reply) -> dict[str, str]:
    counts = {"Input": reply.usage.input}
    if reply.model.family != "embedding":
        counts["Output"] = reply.usage.output
    if reply.model.family in ("claude", "nova"):
        counts.update({"Cache-Read-Input": reply.usage.cache_read, "Cache-Write-Input": reply.usage.cache_write})
    return {f"X-Amzn-Bedrock-{kind}-Token-Count": str(number) for kind, number in counts.items()}


def _tier_header(request: Request) -> dict[str, str]:
    tier = request.header(_TIER_HEADER)
    asked = {} if tier is None else {_TIER_HEADER: tier}
    check_choice(asked, _TIER_HEADER, _TIERS)
    return asked


def _tier_member(body: Mapping[str, Any]) -> dict[str, Any]:
    if "serviceTier" not in body:
        return {}
    check_present(body, "serviceTier", dict)
    check_choice(body["serviceTier"], "type", _TIERS)
    return {"serviceTier": body["serviceTier"]}


def _is_from_user(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "user"


def _check_metadata(metadata: Any) -> None:
    name = "requestMetadata"
    if not isinstance(metadata, dict) or not 1 <= len(metadata) <= 16:
        raise invalid(name, "Member must be a map with between 1 and 16 entries")
    for key, value in metadata.items():
        if not _METADATA_KEY.fullmatch(key):
            raise invalid(name, f"Map keys must satisfy regex pattern: {_METADATA_KEY.pattern}")
        if not isinstance(value, str) or not _METADATA_VALUE.fullmatch(value):
            raise invalid(name, f"Map value must satisfy regex pattern: {_METADATA_VALUE.pattern}")


def _negotiate(accept: str | None, model: Model) -> str:
    offered = ["application/json", *(["image/png"] if model.family == "image" else [])]
    for media in (part.partition(";")[0].strip() for part in (accept or "*/*").split(",")):
        if media in offered:
            return media
        if media in ("*/*", "application/*"):
            return offered[0]
    raise ValidationError("The provided Accept Type is invalid or not supported for this model")


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise ValidationError(MALFORMED) from error

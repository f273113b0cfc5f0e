"""Bedrock Runtime of the Commercial stand-in: InvokeModel, Converse and CountTokens, without a model behind them.

An answer has the shape its model family has in the "Inference request parameters and response fields" pages of the
Bedrock User Guide. Its text is one sentence with the start of the prompt's SHA-256: enough to tell which prompt
arrived, and no prompt ever comes back, so a caller that logs answers does not leak through the stand-in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import zlib
from collections.abc import Mapping
from typing import Any

from tests.fakes.commercial_models import Model
from tests.fakes.commercial_wire import BODY_LIMIT, BedrockError, Request, Response, ValidationError, json_response

MALFORMED = "Malformed input request, please reformat your input and try again."
ANTHROPIC_VERSION = "bedrock-2023-05-31"
# Lengths from botocore's Converse.requestMetadata; the header of InvokeModel is held to the same.
_METADATA_KEY = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,-.]{1,256}")
_METADATA_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}")


def invoke(model: Model, request: Request) -> Response:
    started = time.perf_counter()
    _check_size(request)
    if (request.header("content-type") or "application/json").partition(";")[0] != "application/json":
        raise ValidationError("The provided Content Type is invalid or not supported for this model")
    content_type = _negotiate(request.header("accept"), model)
    if (metadata := request.header("x-amzn-bedrock-request-metadata")) is not None:
        _check_metadata(_parse(metadata.encode("latin-1")))
    body = _parse(request.body)
    _check_body(model, body)
    prompt = prompt_of(body)
    spent, produced = count_tokens(prompt), len(sentence_about(prompt).split())
    if content_type == "image/png":
        response = Response(200, _picture(prompt), content_type=content_type)
    else:
        response = json_response(_document(model, prompt, spent, produced))
    return response.with_headers(
        {
            "X-Amzn-Bedrock-Input-Token-Count": str(spent),
            "X-Amzn-Bedrock-Output-Token-Count": str(produced),
            "X-Amzn-Bedrock-Invocation-Latency": _milliseconds_since(started),
        }
    )


def converse(model: Model, request: Request) -> Response:
    started = time.perf_counter()
    _check_size(request)
    body = _parse(request.body)
    if model.family == "image":
        raise ValidationError(
            "This action doesn't support the model that you provided. Try again with a supported model"
        )
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not _is_from_user(messages[0]):
        sentence = (
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
        )
        raise ValidationError(sentence + "message.")
    if "requestMetadata" in body:
        _check_metadata(body["requestMetadata"])
    prompt = prompt_of(body)
    spent, produced = count_tokens(prompt), len(sentence_about(prompt).split())
    return json_response(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": sentence_about(prompt)}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": spent, "outputTokens": produced, "totalTokens": spent + produced},
            "metrics": {"latencyMs": int(_milliseconds_since(started))},
        }
    )


def count(request: Request) -> Response:
    """CountTokens takes either a Converse request or the bytes of an InvokeModel body."""
    _check_size(request)
    match _parse(request.body).get("input"):
        case {"converse": {"messages": _} as body}:
            return json_response({"inputTokens": count_tokens(prompt_of(body))})
        case {"invokeModel": {"body": str(encoded)}}:
            return json_response({"inputTokens": count_tokens(prompt_of(_parse(_decode(encoded))))})
        case _:
            raise ValidationError(MALFORMED)


def _is_from_user(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "user"


def sentence_about(prompt: str) -> str:
    return f"The offline twin read a prompt whose SHA-256 begins with {_digest(prompt)[:8]}."


def count_tokens(prompt: str) -> int:
    """Four characters to a token, the rule of thumb: stable, and never zero."""
    return max(1, len(prompt) // 4)


def prompt_of(body: Mapping[str, Any]) -> str:
    """Every text of the conversation, one per line, whichever family's spelling it has."""
    if isinstance(body.get("prompt"), str):
        return str(body["prompt"])
    messages = body.get("messages")
    texts: list[str] = []
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        parts = content if isinstance(content, list) else [{"text": content}]
        texts += [str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part]
    return "\n".join(texts)


def _document(model: Model, prompt: str, spent: int, produced: int) -> dict[str, Any]:
    text, tag = sentence_about(prompt), _digest(model.id + prompt)[:24]
    match model.family:
        case "claude":
            return {
                "id": f"msg_bdrk_{tag}",
                "type": "message",
                "role": "assistant",
                "model": model.id.removeprefix("anthropic.").removesuffix("-v1:0"),
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {
                    "input_tokens": spent,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "output_tokens": produced,
                },
            }
        case "nova":
            return {
                "output": {"message": {"content": [{"text": text}], "role": "assistant"}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": spent, "outputTokens": produced, "totalTokens": spent + produced},
            }
        case "openai":
            choice = {"finish_reason": "stop", "index": 0, "message": {"content": text, "role": "assistant"}}
            usage = {"completion_tokens": produced, "prompt_tokens": spent, "total_tokens": spent + produced}
            name = model.id.removeprefix("openai.")
            answer = {"id": f"chatcmpl-{tag}", "object": "chat.completion", "created": int(time.time()), "model": name}
            return {**answer, "choices": [choice], "usage": usage}
        case "llama":
            counts = {"prompt_token_count": spent, "generation_token_count": produced}
            return {"generation": text, **counts, "stop_reason": "stop"}
        case "image":
            return {"images": [base64.b64encode(_picture(prompt)).decode()]}


def _check_body(model: Model, body: dict[str, Any]) -> None:
    if model.family == "claude":
        # Claude on Bedrock names one missing field at a time; what Bedrock takes from the URL is refused.
        for name in ("anthropic_version", "max_tokens", "messages"):
            if name not in body:
                raise ValidationError(f"{name}: Field required")
        for name in ("model", "stream"):
            if name in body:
                raise ValidationError(f"{name}: Extra inputs are not permitted")
        if body["anthropic_version"] != ANTHROPIC_VERSION:
            raise ValidationError(f"Invalid API version: {body['anthropic_version']}")
    elif (name := "prompt" if model.family in ("llama", "image") else "messages") not in body:
        sentence = f"Malformed input request: #: required key [{name}] not found"
        raise ValidationError(f"{sentence}, please reformat your input and try again.")
    if "messages" in body and not (isinstance(body["messages"], list) and body["messages"]):
        raise ValidationError("messages: at least one message is required")


def _check_size(request: Request) -> None:
    if request.body_length > BODY_LIMIT:
        sentence = f"HTTP content length exceeded {BODY_LIMIT} bytes."
        raise BedrockError(413, "RequestEntityTooLargeException", sentence)


def _check_metadata(metadata: Any) -> None:
    constraint = "1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: "
    if not isinstance(metadata, dict) or not 1 <= len(metadata) <= 16:
        raise ValidationError(constraint + "Member must be a map with between 1 and 16 entries")
    for key, value in metadata.items():
        if not _METADATA_KEY.fullmatch(key):
            raise ValidationError(f"{constraint}Map keys must satisfy regex pattern: {_METADATA_KEY.pattern}")
        if not isinstance(value, str) or not _METADATA_VALUE.fullmatch(value):
            raise ValidationError(f"{constraint}Map value must satisfy regex pattern: {_METADATA_VALUE.pattern}")


def _negotiate(accept: str | None, model: Model) -> str:
    offered = ["application/json", *(["image/png"] if model.family == "image" else [])]
    for media in (part.partition(";")[0].strip() for part in (accept or "*/*").split(",")):
        if media in offered:
            return media
        if media in ("*/*", "application/*"):
            return offered[0]
    raise ValidationError("The provided Accept Type is invalid or not supported for this model")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValidationError(MALFORMED) from error
    if not isinstance(document, dict):
        raise ValidationError(MALFORMED)
    return document


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise ValidationError(MALFORMED) from error


def _picture(prompt: str) -> bytes:
    """A PNG of one grey pixel, its shade taken from the prompt: bytes that are no text in any encoding."""
    shade = bytes.fromhex(_digest(prompt)[:2])
    chunks = [(b"IHDR", bytes((0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0))), (b"IDAT", zlib.compress(b"\0" + shade))]
    picture = b"\x89PNG\r\n\x1a\n"
    for kind, data in [*chunks, (b"IEND", b"")]:
        picture += len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    return picture


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _milliseconds_since(started: float) -> str:
    return str(max(1, round((time.perf_counter() - started) * 1000)))

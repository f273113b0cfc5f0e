"""InvokeModel's answers in the shape each model family has, whole and as the chunks of a stream.

Follows "Inference request parameters and response fields" of the Bedrock User Guide. The last chunk of any family has
`amazon-bedrock-invocationMetrics`.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

from tests.fakes import commercial_anthropic as anthropic
from tests.fakes import commercial_openai as openai
from tests.fakes.commercial_models import Family, Model
from tests.fakes.commercial_reply import Reply
from tests.fakes.commercial_wire import ValidationError

# The second is what Anthropic's own SDK sends since its version 2; that Bedrock takes it is its word alone.
ANTHROPIC_VERSIONS = ("bedrock-2023-05-31", "2026-10-21")
# The member that a request of the family cannot be without.
_REQUIRED: dict[Family, str] = {
    **dict.fromkeys(("nova", "openai"), "messages"),
    **dict.fromkeys(("llama", "image"), "prompt"),
    "embedding": "inputText",
}


def check_body(model: Model, body: dict[str, Any]) -> None:
    """Raise what Bedrock answers to a body that is not the family's."""
    if model.family == "claude":
        # What Bedrock takes from the URL is refused in the body.
        required = ("anthropic_version", "max_tokens", "messages")
        anthropic.check_messages(body, required=required, refused=("model", "stream"))
        if body["anthropic_version"] not in ANTHROPIC_VERSIONS:
            raise ValidationError(f"Invalid API version: {body['anthropic_version']}")
    elif (name := _REQUIRED[model.family]) not in body:
        sentence = f"Malformed input request: #: required key [{name}] not found"
        raise ValidationError(f"{sentence}, please reformat your input and try again.")
    if "messages" in body and not (isinstance(body["messages"], list) and body["messages"]):
        raise ValidationError("messages: at least one message is required")


def document(reply: Reply) -> dict[str, Any]:
    """The whole answer."""
    usage = reply.usage
    match reply.model.family:
        case "claude":
            return anthropic.message(reply)
        case "nova":
            message = {"content": [{"text": reply.text}], "role": "assistant"}
            return {"output": {"message": message}, "stopReason": "end_turn", "usage": bedrock_usage(reply)}
        case "openai":
            return openai.completion(reply, reply.model.id.removeprefix("openai."))
        case "llama":
            counts = {"prompt_token_count": usage.prompt, "generation_token_count": usage.output}
            return {"generation": reply.text, **counts, "stop_reason": "stop"}
        case "embedding":
            numbers = [byte / 255 for byte in bytes.fromhex(reply.prompt_sha256)[:8]]
            by_type = {"float": numbers}
            return {"embedding": numbers, "embeddingsByType": by_type, "inputTextTokenCount": usage.prompt}
        case "image":
            return {"images": [base64.b64encode(picture(reply)).decode()]}
        case "video":
            raise ValidationError("This model only supports asynchronous invocation.")


def chunks(reply: Reply) -> list[dict[str, Any]]:
    """The documents that make a stream of the answer."""
    parts = _chunks(reply)
    usage = reply.usage
    parts[-1]["amazon-bedrock-invocationMetrics"] = {
        "inputTokenCount": usage.input,
        "outputTokenCount": usage.output,
        "invocationLatency": reply.latency_ms,
        "firstByteLatency": reply.latency_ms,
        "cacheReadInputTokenCount": usage.cache_read,
        "cacheWriteInputTokenCount": usage.cache_write,
    }
    return parts


def _chunks(reply: Reply) -> list[dict[str, Any]]:
    match reply.model.family:
        case "claude":
            return anthropic.events(reply)
        case "nova":
            return [{kind: content} for kind, content in converse_events(reply)]
        case "openai":
            return openai.completion_chunks(reply, reply.model.id.removeprefix("openai."))
        case _:  # Llama; the others do not stream
            counted: list[dict[str, Any]] = [
                {"generation": piece, "prompt_token_count": None, "generation_token_count": number, "stop_reason": None}
                for number, piece in enumerate(reply.pieces, 1)
            ]
            counted[0]["prompt_token_count"] = reply.usage.prompt
            counted[-1]["stop_reason"] = "stop"
            return counted


def converse_events(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    """The events of ConverseStream, which Nova's own stream has too; a block of text has no contentBlockStart."""
    return [
        ("messageStart", {"role": "assistant"}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}) for piece in reply.pieces),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": bedrock_usage(reply), "metrics": {}}),
    ]


def bedrock_usage(reply: Reply) -> dict[str, int]:
    return {
        "inputTokens": reply.usage.input,
        "outputTokens": reply.usage.output,
        "totalTokens": reply.usage.total,
        "cacheReadInputTokens": reply.usage.cache_read,
        "cacheWriteInputTokens": reply.usage.cache_write,
    }


def picture(reply: Reply) -> bytes:
    """A PNG of one grey pixel, its shade taken from the prompt: bytes that are no text in any encoding."""
    shade = bytes.fromhex(reply.prompt_sha256[:2])
    kinds = [(b"IHDR", bytes((0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0))), (b"IDAT", zlib.compress(b"\0" + shade))]
    whole = b"\x89PNG\r\n\x1a\n"
    for kind, data in [*kinds, (b"IEND", b"")]:
        whole += len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    return whole

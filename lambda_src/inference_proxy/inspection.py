"""Looks into an answer: may it be believed, what did it use, did it fail half-way. The bytes stay as they are.

Token counts are named as in the Converse and InvokeModel pages of the Amazon Bedrock API Reference (event streams
included), and in OpenAI's and Anthropic's API references.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inference_proxy.errors import UpstreamProtocolError
from inference_proxy.eventstream import MEDIA_TYPE, EventStreamDecoder, EventStreamError, Frame
from inference_proxy.models import Outcome, UpstreamAnswer

# By field of Outcome: how the families of models call it, and in which of their objects.
_TOKEN_HEADERS = {
    "input_tokens": "x-amzn-bedrock-input-token-count",
    "output_tokens": "x-amzn-bedrock-output-token-count",
    "cache_read_input_tokens": "x-amzn-bedrock-cache-read-input-token-count",
    "cache_write_input_tokens": "x-amzn-bedrock-cache-write-input-token-count",
}
_TOKEN_MEMBERS = {
    "input_tokens": ("inputTokens", "input_tokens", "prompt_tokens", "inputTokenCount"),
    "output_tokens": ("outputTokens", "output_tokens", "completion_tokens", "outputTokenCount"),
    "cache_read_input_tokens": (
        *("cacheReadInputTokens", "cache_read_input_tokens", "cacheReadInputTokenCount"),
        "cached_tokens",
    ),
    "cache_write_input_tokens": (
        *("cacheWriteInputTokens", "cache_creation_input_tokens", "cacheWriteInputTokenCount"),
        "cache_write_tokens",
    ),
}
_DETAILS = ("prompt_tokens_details", "input_tokens_details")
_ERROR_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # and no sentence, which may quote the request
_MOST_TOKENS = 10**15  # DynamoDB and CloudWatch take no more; no answer does


def note_headers(answer: UpstreamAnswer, outcome: Outcome) -> None:
    """Note what the answer's head says of its end: status, error, token counts."""
    outcome.state = "COMPLETED"
    outcome.status_code = answer.status
    outcome.error_code = None if answer.ok else (answer.error_type or f"Http{answer.status}")
    for field, header in _TOKEN_HEADERS.items():
        value = answer.headers.get(header, "")
        if value.isascii() and value.isdecimal() and int(value) < _MOST_TOKENS:
            setattr(outcome, field, int(value))


def inspect(answer: UpstreamAnswer, acceptable: str, outcome: Outcome) -> None:
    """Refuse what only looks like an answer, and note what its body says of tokens and of a failure on the way.

    ``acceptable`` is what a success may be, as in an Accept header. Raises UpstreamProtocolError for a redirect, an
    encoding that was not asked for, and a success that is garbled, truncated or of another type.
    """
    if 300 <= answer.status < 400:
        raise UpstreamProtocolError(f"Commercial Bedrock answered with a redirect ({answer.status}); none is followed")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise UpstreamProtocolError("Commercial Bedrock answered in a content encoding that was not asked for")
    media_type = answer.media_type
    if not answer.ok:
        # OpenAI's and Anthropic's errors have their names in the body.
        outcome.error_code = answer.error_type or _error_name(_json_or_none(answer.body)) or outcome.error_code
    elif media_type == "application/json" or media_type.endswith("+json"):
        _note_usage([_json(answer.body)], outcome)
    elif not _accepts(acceptable, media_type):
        raise UpstreamProtocolError("the answer's content type is not the one that was asked for")
    elif media_type == MEDIA_TYPE:
        _note_usage(_framed_documents(answer.body, outcome), outcome)
    elif media_type == "text/event-stream":
        _note_usage(_sent_documents(answer.body, outcome), outcome)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UpstreamProtocolError("Commercial Bedrock announced JSON, but the body is not") from None


def _accepts(acceptable: str, media_type: str) -> bool:
    family = media_type.partition("/")[0]
    wanted = {part.partition(";")[0].strip().lower() for part in acceptable.split(",")}
    return media_type != "text/html" and bool(wanted & {media_type, f"{family}/*", "*/*"})


def _framed_documents(body: bytes, outcome: Outcome) -> Iterator[Any]:
    """What the frames of an event stream hold. InvokeModelWithResponseStream packs the model's own JSON as base64."""
    decoder = EventStreamDecoder()
    try:
        for frame in decoder.feed(body):
            _note_exception(frame, outcome)
            document = _json_or_none(frame.payload)
            if frame.headers.get(":event-type") == "chunk" and isinstance(document, dict):
                document = _json_or_none(base64.b64decode(str(document.get("bytes", ""))))
            yield document
    except (EventStreamError, ValueError):
        raise UpstreamProtocolError("the event stream from Commercial Bedrock is garbled") from None
    if not decoder.between_frames:
        raise UpstreamProtocolError("the event stream from Commercial Bedrock broke off within a frame")


def _note_exception(frame: Frame, outcome: Outcome) -> None:
    kind = frame.headers.get(":message-type")
    if kind == "exception":
        name = frame.headers.get(":exception-type", "exception")
        outcome.error_code = name[:1].upper() + name[1:]
    elif kind == "error":
        outcome.error_code = frame.headers.get(":error-code", "error")


def _sent_documents(body: bytes, outcome: Outcome) -> Iterator[Any]:
    """What server-sent events hold ("Server-sent events" in the HTML standard); each of theirs is one line of data."""
    for line in body.splitlines():
        if line.startswith(b"data:"):
            document = _json_or_none(line[5:])
            error = _error_name(document)
            if error:
                outcome.error_code = error
            yield document


def _error_name(document: Any) -> str | None:
    """The name of the error in a document of OpenAI's or Anthropic's, if it is one."""
    if not isinstance(document, dict):
        return None
    response = document.get("response")
    error = document.get("error") or (response.get("error") if isinstance(response, dict) else None)
    found = [error.get("code"), error.get("type")] if isinstance(error, dict) else []
    found += [document.get("code"), "error"] if document.get("type") == "error" else []
    return next((name for name in found if isinstance(name, str) and _ERROR_NAME.fullmatch(name)), None)


def _json_or_none(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None  # such as [DONE]; the client gets it as it is


def _note_usage(documents: Iterable[Any], outcome: Outcome) -> None:
    """Note token counts, the last ones of a stream; what a header said comes first."""
    found: dict[str, int] = {}
    for document in documents:
        for usage in _usages(document):
            for field, members in _TOKEN_MEMBERS.items():
                for member in members:
                    value = usage.get(member)
                    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS:
                        found[field] = value
    for field, value in found.items():
        if getattr(outcome, field) is None:
            setattr(outcome, field, value)


def _usages(document: Any) -> Iterator[Mapping[str, Any]]:
    """The objects that hold token counts: ``usage``, at the top or within what a stream's event is about."""
    if not isinstance(document, dict):
        return
    for holder in (document, document.get("message"), document.get("response")):
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(usage, dict):
            yield usage
            for details in (usage.get(name) for name in _DETAILS):
                if isinstance(details, dict):
                    yield details
    metrics = document.get("amazon-bedrock-invocationMetrics")
    if isinstance(metrics, dict):
        yield metrics

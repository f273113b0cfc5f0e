"""Looks into an answer: may it be believed, what did it use, did it fail half-way. The bytes stay as they are.

Token counts are named as in the Converse and InvokeModel pages of the Amazon Bedrock API Reference (event streams
included), and in OpenAI's and Anthropic's API references.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inference_proxy.eventstream import MEDIA_TYPE, EventStreamDecoder, EventStreamError, Frame
from inference_proxy.models import Outcome, UpstreamAnswer, error_name
from inference_proxy.upstream_errors import UpstreamProtocolError

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
# Of OpenAI's: what its two counts of the prompt have within them. All other families count the cache apart.
_WITHIN_PROMPT = ("cached_tokens", "cache_write_tokens")
_PROMPT = ("prompt_tokens", "input_tokens")
_DETAILS = ("prompt_tokens_details", "input_tokens_details")
_MOST_DIGITS = 15  # DynamoDB and CloudWatch take no longer numbers; no answer has so many tokens
# What comes last in a stream: of Converse; of Anthropic's and OpenAI's server-sent events, by their type.
_LAST_FRAME = "messageStop"
_LAST_EVENTS = ("message_stop", "response.completed", "response.failed", "response.incomplete", "response.cancelled")
_DONE = b"[DONE]"  # of OpenAI's chat


def note_headers(answer: UpstreamAnswer, outcome: Outcome) -> None:
    """Note what the answer's head says of its end: status, error, token counts."""
    outcome.state = "COMPLETED"
    outcome.status_code = answer.status
    outcome.error_code = None if answer.ok else (answer.error_type or f"Http{answer.status}")
    for field, header in _TOKEN_HEADERS.items():
        value = answer.headers.get(header, "")
        if value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS:
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
        outcome.error_code = answer.error_type or _named_error(_json_or_none(answer.body)) or outcome.error_code
    elif acceptable != MEDIA_TYPE and (media_type == "application/json" or media_type.endswith("+json")):
        _note([_json(answer.body)], outcome)
    elif not _accepts(acceptable, media_type):
        raise UpstreamProtocolError("the answer's content type is not the one that was asked for")
    elif media_type == MEDIA_TYPE:
        _note(_framed_documents(answer.body, outcome), outcome)
    elif media_type == "text/event-stream":
        _note(_sent_documents(answer.body), outcome)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_int=_int)
    except (ValueError, RecursionError):
        raise UpstreamProtocolError("Commercial Bedrock announced JSON, but the body is not") from None


def _json_or_none(text: bytes) -> Any:
    try:
        return json.loads(text, parse_int=_int)
    except (ValueError, RecursionError):
        return None  # the client gets it as it is


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _accepts(acceptable: str, media_type: str) -> bool:
    family = media_type.partition("/")[0]
    wanted = {part.partition(";")[0].strip().lower() for part in acceptable.split(",")}
    return media_type != "text/html" and bool(wanted & {media_type, f"{family}/*", "*/*"})


def _framed_documents(body: bytes, outcome: Outcome) -> Iterator[Any]:
    """What the frames of an event stream hold. InvokeModelWithResponseStream packs the model's own JSON as base64."""
    decoder = EventStreamDecoder()
    complete = False
    try:
        for frame in decoder.feed(body):
            kind = frame.headers.get(":event-type")
            failure = _failure(frame)
            # A stream of chunks has no last one that all models know.
            complete = complete or failure is not None or kind in (_LAST_FRAME, "chunk")
            outcome.error_code = failure or outcome.error_code
            document = _json_or_none(frame.payload)
            if kind == "chunk" and isinstance(document, dict):
                document = _json_or_none(base64.b64decode(str(document.get("bytes", "")), validate=True))
            yield document
    except (EventStreamError, ValueError):
        raise UpstreamProtocolError("the event stream from Commercial Bedrock is garbled") from None
    if not complete or not decoder.between_frames:
        raise UpstreamProtocolError("the event stream from Commercial Bedrock broke off")


def _failure(frame: Frame) -> str | None:
    """The name of the error that a frame is about."""
    kind = frame.headers.get(":message-type")
    if kind == "exception":
        name = frame.headers.get(":exception-type", "")
        return error_name(name[:1].upper() + name[1:]) or "exception"
    return (error_name(frame.headers.get(":error-code")) or "error") if kind == "error" else None


def _sent_documents(body: bytes) -> Iterator[Any]:
    """What server-sent events hold ("Server-sent events" in the HTML standard)."""
    data: list[bytes] = []
    complete = False
    for line in [*body.splitlines(), b""]:
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            event, data = b"\n".join(data), []
            document = _json_or_none(event)
            complete = complete or event == _DONE or _is_last(document)
            yield document
    if not complete:
        raise UpstreamProtocolError("the server-sent events from Commercial Bedrock broke off")


def _is_last(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    choices = document.get("choices")
    finished = isinstance(choices, list) and any(isinstance(one, dict) and one.get("finish_reason") for one in choices)
    return finished or document.get("type") in _LAST_EVENTS or _named_error(document) is not None


def _named_error(document: Any) -> str | None:
    """The name of the error in a document of OpenAI's or Anthropic's, if it is about one."""
    if not isinstance(document, dict):
        return None
    response = document.get("response")
    error = document.get("error") or (response.get("error") if isinstance(response, dict) else None)
    if isinstance(error, dict):
        return error_name(error.get("code")) or error_name(error.get("type")) or "error"
    return error_name(document.get("code")) or "error" if document.get("type") == "error" else None


def _note(documents: Iterable[Any], outcome: Outcome) -> None:
    """Note errors and token counts, the last ones of a stream; what a header said of tokens comes first."""
    found: dict[str, int] = {}
    by_member: dict[str, int] = {}
    for document in documents:
        outcome.error_code = _named_error(document) or outcome.error_code
        for usage in _usages(document):
            for field, members in _TOKEN_MEMBERS.items():
                for member in members:
                    value = usage.get(member)
                    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                        found[field] = by_member[member] = value
    for field, value in found.items():
        if getattr(outcome, field) is None:
            setattr(outcome, field, value)
    # Whoever else says the same as OpenAI's count, a header or Bedrock's metrics, says it of the whole prompt.
    if outcome.input_tokens in [by_member[member] for member in _PROMPT if member in by_member]:
        within = sum(by_member.get(member, 0) for member in _WITHIN_PROMPT)
        outcome.input_tokens = max(0, outcome.input_tokens - within)


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

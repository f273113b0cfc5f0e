"""How the Commercial stand-in writes a stream: Bedrock's event stream frames, and server-sent events.

A frame follows "Event stream encoding" (application/vnd.amazon.eventstream) as AWS SDKs read it: total length, length
of the headers, CRC-32 of these eight bytes, headers, payload, CRC-32 of everything before.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from tests.fakes.commercial_wire import Response

EVENT_STREAM = "application/vnd.amazon.eventstream"
SERVER_SENT_EVENTS = "text/event-stream; charset=utf-8"
PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_STRING = 7


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of an event stream, all of its headers strings."""
    packed = b"".join(
        bytes((len(name),)) + name.encode() + bytes((_STRING,)) + len(value).to_bytes(2, "big") + value.encode()
        for name, value in headers.items()
    )
    prelude = (len(packed) + len(payload) + 16).to_bytes(4, "big") + len(packed).to_bytes(4, "big")
    checked = prelude + zlib.crc32(prelude).to_bytes(4, "big") + packed + payload
    return checked + zlib.crc32(checked).to_bytes(4, "big")


def event(kind: str, document: Mapping[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, _compact(document))


def padded_event(kind: str, document: Mapping[str, Any]) -> bytes:
    """With `p`, by which Bedrock hides the length of each piece of text."""
    length = zlib.crc32(_compact(document)) % len(PADDING) + 1
    return event(kind, {**document, "p": PADDING[:length]})


def exception(name: str, message: str) -> bytes:
    document: dict[str, Any] = {"message": message}
    if name == "modelStreamErrorException":
        document.update({"originalStatusCode": 500, "originalMessage": message})
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, _compact(document))


def event_stream(frames: Iterable[bytes], headers: Mapping[str, str] | None = None) -> Response:
    whole = Response(200, b"", headers or {}, EVENT_STREAM, fail_in_band=exception)
    return whole.with_parts(tuple(frames))


def server_sent(document: Mapping[str, Any], name: str | None = None) -> bytes:
    """One server-sent event; Anthropic and OpenAI's Responses name theirs, OpenAI's chat does not."""
    named = f"event: {name}\n".encode() if name else b""
    return named + b"data: " + _compact(document) + b"\n\n"


def _compact(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

"""What the Commercial stand-in is asked and answers: requests, responses whole or in parts, and Bedrock's errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

BODY_LIMIT = 25_000_000  # botocore's service model: InvokeModel body, max
MALFORMED = "Malformed input request, please reformat your input and try again."
# Bedrock appends the namespace to the type it names in x-amzn-errortype; a caller must cut it off, as SDKs do.
BEDROCK = "http://internal.amazon.com/coral/com.amazon.bedrock/"
FRONT_DOOR = "http://internal.amazon.com/coral/com.amazon.coral.service/"


@dataclass(frozen=True)
class Request:
    """A request as it arrived: nothing decoded, nothing reordered. `body` is empty when it was over BODY_LIMIT."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    body_sha256: str
    body_length: int
    keep_alive: bool
    received_at: datetime
    request_id: str
    clock_offset: timedelta = timedelta()

    def now(self) -> datetime:
        """The time, as far as this request's server knows."""
        return datetime.now(UTC) + self.clock_offset

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """All values of a header joined as HTTP and SigV4 join them, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ",".join(values) if values else None


@dataclass(frozen=True)
class Response:
    """An answer. One with `parts` is a stream: each part is a chunk and a write of its own, and `body` is their sum."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    parts: tuple[bytes, ...] = ()
    # How this stream says, after it began, that it fails: an exception's name and message -> the part that says so.
    fail_in_band: Callable[[str, str], bytes] | None = None

    def with_parts(self, parts: tuple[bytes, ...]) -> Response:
        return replace(self, body=b"".join(parts), parts=parts)

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        return replace(self, headers={**self.headers, **headers})

    def head(self, request: Request, *, length: int | None, close: bool, chunked: bool = False) -> bytes:
        """Status line and headers; `length` is what Content-Length claims, None leaves it out."""
        known = self.status in HTTPStatus.__members__.values()
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase if known else 'Unknown'}",
            f"Date: {format_datetime(request.now(), usegmt=True)}",
            f"Content-Type: {self.content_type}",
            f"x-amzn-requestid: {request.request_id}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        if close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class BedrockError(Exception):
    """An error Bedrock answers. `message_key` is "Message" where the front door, not Bedrock, wrote the body."""

    def __init__(
        self, status: int, error_type: str, message: str, *, namespace: str = BEDROCK, message_key: str = "message"
    ) -> None:
        super().__init__(message)
        self.response = json_response(
            {message_key: message}, status=status, headers={"x-amzn-errortype": f"{error_type}:{namespace}"}
        )


class ValidationError(BedrockError):
    def __init__(self, message: str) -> None:
        super().__init__(400, "ValidationException", message)


def segments_of(request: Request) -> tuple[str, ...]:
    """The path in parts, each decoded once: "%2F" inside a model id is part of the id, a raw "/" is not."""
    return tuple(unquote(segment) for segment in request.path.split("/")[1:])


def json_of(body: bytes) -> dict[str, Any]:
    """The JSON object that a request's body is; what Bedrock answers to anything else is an error."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValidationError(MALFORMED) from error
    if not isinstance(document, dict):
        raise ValidationError(MALFORMED)
    return document


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, headers or {})

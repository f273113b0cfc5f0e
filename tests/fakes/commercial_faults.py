"""What can go wrong between a caller and Commercial Bedrock, on demand.

Every function below is one fault: its name is the name to ask for, its keyword arguments are its parameters.
`SPOILED` ones change the answer, which then travels whole; `BROKEN` ones do something to the connection. A fault
strikes only requests that authenticate, so that it never hides a wrong signature; `reset_on_accept` alone comes
earlier, when nothing has been read, and leaves no entry in the request log.
"""

from __future__ import annotations

import gzip as compression
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tests.fakes.commercial_wire import BEDROCK, FRONT_DOOR, BedrockError, Connection, Request, Response, json_response

RESET_ON_ACCEPT = "reset_on_accept"
TOO_MANY = "Too many requests, please wait before trying again."
TIMED_OUT = "The request took too long to process. Processing time exceeded the model timeout length."
Headers = Mapping[str, str] | None


def throttle(_: Response, *, message: str = TOO_MANY, headers: Headers = None) -> Response:
    return BedrockError(429, "ThrottlingException", message).response.with_headers(headers or {})


def expired_token(_: Response) -> Response:
    return BedrockError(403, "ExpiredTokenException", "The security token included in the request is expired").response


def revoked_key(_: Response) -> Response:
    """What a Bedrock API key gets that was deleted, deactivated or has expired."""
    sentence = "Authentication failed: Please make sure your API Key is valid."
    return BedrockError(403, "AccessDeniedException", sentence, namespace=FRONT_DOOR, message_key="Message").response


def service_unavailable(_: Response, *, headers: Headers = None) -> Response:
    sentence = "Bedrock is unable to process your request."
    return BedrockError(503, "ServiceUnavailableException", sentence).response.with_headers(headers or {})


def model_timeout(_: Response) -> Response:
    return BedrockError(408, "ModelTimeoutException", TIMED_OUT).response


def model_error(_: Response, *, original_status: int = 500) -> Response:
    document = {
        "message": "The model returned the following errors: made up by the offline twin",
        "originalStatusCode": original_status,
        "resourceName": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
    }
    return json_response(document, 424, {"x-amzn-errortype": f"ModelErrorException:{BEDROCK}"})


def status(
    _: Response,
    *,
    status: int = 500,
    errortype: str = "InternalServerException",
    message: str = "The offline twin was told to fail.",
    headers: Headers = None,
) -> Response:
    """Any status; x-amzn-errortype is exactly `errortype`, and absent when that is empty (a 529, a load balancer)."""
    named = {"x-amzn-errortype": errortype} if errortype else {}
    return json_response({"message": message}, status, {**named, **(headers or {})})


def half_json(response: Response) -> Response:
    """The first half of the right answer, with a Content-Length that agrees."""
    return Response(200, response.body[: len(response.body) // 2], response.headers, response.content_type)


def html(_: Response) -> Response:
    """A captive portal: 200, and not from Bedrock at all."""
    page = b"<!doctype html><title>Sign in</title><form action=/login>Sign in to this network</form>"
    return Response(200, page, content_type="text/html; charset=utf-8")


def not_json(_: Response) -> Response:
    return Response(200, b"\x00\xff{]garbage the Content-Type calls JSON\x00")


def huge_headers(response: Response, *, count: int = 200, bytes_each: int = 64) -> Response:
    return response.with_headers({f"X-Made-Up-{number}": "h" * bytes_each for number in range(count)})


def redirect(_: Response, *, status: int = 307, location: str = "http://redirect.invalid/elsewhere") -> Response:
    return Response(status, b"", {"Location": location})


def large_response(response: Response, *, bytes: int = 7_000_000) -> Response:  # noqa: A002 (the parameter's name)
    """A JSON document of exactly that many bytes."""
    return Response(200, b'{"padding":"' + b"p" * (bytes - 14) + b'"}', response.headers)


def gzip(response: Response) -> Response:
    """Compressed although nobody asked."""
    packed = compression.compress(response.body, compresslevel=1)
    return Response(response.status, packed, {**response.headers, "Content-Encoding": "gzip"}, response.content_type)


def reset_before_response(connection: Connection, _request: Request, _: Response) -> None:
    """The request was read to its end: a caller cannot know whether the model ran."""
    connection.reset()


def close_before_response(connection: Connection, _request: Request, _: Response) -> None:
    connection.close()


def truncate(connection: Connection, request: Request, response: Response, *, missing_bytes: int = 100) -> None:
    """A complete-looking body, a Content-Length that promises more, and then the end."""
    head = response.head(request, length=len(response.body) + missing_bytes, close=False)
    connection.socket.sendall(head + response.body)
    connection.close()


def no_content_length(connection: Connection, request: Request, response: Response) -> None:
    """The body ends where the connection does; a cut one cannot be told from a whole one."""
    connection.socket.sendall(response.head(request, length=None, close=True) + response.body)
    connection.close()


def slow(connection: Connection, request: Request, response: Response, *, delay_seconds: float = 1.0) -> None:
    if connection.pause(delay_seconds):
        connection.send(request, response)


def hang(connection: Connection, _request: Request, _: Response) -> None:
    connection.pause(None)
    connection.close()


def drip(
    connection: Connection,
    request: Request,
    response: Response,
    *,
    bytes_per_write: int = 1,
    interval_seconds: float = 0.1,
) -> None:
    """Slow loris from the status line on: every read succeeds, so only a total deadline ends it."""
    whole = response.head(request, length=len(response.body), close=not request.keep_alive) + response.body
    for start in range(0, len(whole), bytes_per_write):
        connection.socket.sendall(whole[start : start + bytes_per_write])
        if not connection.pause(interval_seconds):
            return


_SPOILING: tuple[Callable[..., Response], ...] = (
    *(throttle, expired_token, revoked_key, service_unavailable, model_timeout, model_error, status),
    *(half_json, html, not_json, huge_headers, redirect, large_response, gzip),
)
_BREAKING = (reset_before_response, close_before_response, truncate, no_content_length, slow, hang, drip)
SPOILED: dict[str, Callable[..., Response]] = {function.__name__: function for function in _SPOILING}
BROKEN: dict[str, Callable[..., None]] = {function.__name__: function for function in _BREAKING}
# After these no answer was given, so the request log has no status for the request.
UNANSWERED = frozenset({"reset_before_response", "close_before_response", "hang"})


@dataclass
class Fault:
    name: str
    remaining: int = 1
    match: str = ""
    params: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """ValueError or TypeError for what would only fail later, in the middle of someone's test."""
        function = SPOILED.get(self.name) or BROKEN.get(self.name)
        if function is None and self.name != RESET_ON_ACCEPT:
            raise ValueError(f"no fault {self.name!r}; there are {sorted([*SPOILED, *BROKEN, RESET_ON_ACCEPT])}")
        known = inspect.signature(function).parameters if function else {}
        for name, value in self.params.items():
            parameter = known.get(name)
            if parameter is None or parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                raise ValueError(f"fault {self.name!r} takes no {name!r}")
            kind = dict if parameter.default is None else type(parameter.default)
            if not isinstance(value, (int, float) if kind is float else kind):
                raise TypeError(f"{name!r} of fault {self.name!r} must be of type {kind.__name__}")
        if not isinstance(self.remaining, int) or self.remaining < 1:
            raise ValueError("count must be a positive integer")
        if not isinstance(self.match, str):
            raise TypeError("match must be the start of a path")


class FaultBook:
    """The faults waiting to happen, oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def pending(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"fault": fault.name, "count": fault.remaining, "match": fault.match} for fault in self._faults]

    def take(self, path: str, *, before_reading: bool = False) -> Fault | None:
        """The fault that strikes this request, used up by one."""
        with self._lock:
            for fault in self._faults:
                if (fault.name == RESET_ON_ACCEPT) == before_reading and path.startswith(fault.match):
                    fault.remaining -= 1
                    if not fault.remaining:
                        self._faults.remove(fault)
                    return fault
        return None


def documented() -> str:
    """One line a fault, for --help."""
    lines = [f"  {RESET_ON_ACCEPT}"]
    for name, function in {**SPOILED, **BROKEN}.items():
        parameters = inspect.signature(function).parameters.values()
        lines.append(" ".join([f"  {name}", *(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)]))
    return "\n".join(lines)

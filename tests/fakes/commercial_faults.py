"""What can go wrong between a caller and Commercial Bedrock, on demand.

Every function below is one fault: its name is the name to ask for, its keyword arguments are its parameters.
`SPOILED` ones change the answer, which then travels whole; `BROKEN` ones do something to the connection. A fault
strikes only requests that authenticate, so that it never hides a wrong signature; `reset_on_accept` alone comes
earlier, when nothing has been read, and leaves no entry in the request log.
"""

from __future__ import annotations

import gzip as compression
from collections.abc import Callable, Mapping

from tests.fakes.commercial_connection import Connection
from tests.fakes.commercial_wire import BEDROCK, FRONT_DOOR, BedrockError, Request, Response, json_response

RESET_ON_ACCEPT = "reset_on_accept"
TOO_MANY = "Too many requests, please wait before trying again."
TIMED_OUT = "The request took too long to process. Processing time exceeded the model timeout length."
BROKE_OFF = "The model stream broke off: made up by the offline twin."
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


def extra_headers(response: Response, *, headers: Headers = None) -> Response:
    """The right answer with more headers, such as a vendor's rate limits."""
    return response.with_headers(headers or {})


def redirect(_: Response, *, status: int = 307, location: str = "http://redirect.invalid/elsewhere") -> Response:
    return Response(status, b"", {"Location": location})


def large_response(response: Response, *, bytes: int = 7_000_000) -> Response:  # noqa: A002 (the parameter's name)
    """A JSON document of exactly that many bytes."""
    return Response(200, b'{"padding":"' + b"p" * (bytes - 14) + b'"}', response.headers)


def gzip(response: Response) -> Response:
    """Compressed although nobody asked."""
    packed = compression.compress(response.body, compresslevel=1)
    return Response(response.status, packed, {**response.headers, "Content-Encoding": "gzip"}, response.content_type)


def garbled_stream(response: Response, *, after: int = 2) -> Response:
    """A stream with a flipped bit after that many parts: in an event stream, a wrong checksum. Only for streams."""
    parts = list(response.parts)
    for spoiled in parts[after : after + 1]:
        middle = len(spoiled) // 2
        parts[after] = spoiled[:middle] + bytes((spoiled[middle] ^ 1,)) + spoiled[middle + 1 :]
    return response.with_parts(tuple(parts)) if parts else response


def cut_stream(response: Response, *, after: int = 2) -> Response:
    """A stream that ends in the middle of the next part, complete as far as HTTP can tell. Only for streams."""
    parts = response.parts
    cut = (part[: len(part) // 2] for part in parts[after : after + 1])
    return response.with_parts((*parts[:after], *cut)) if parts else response


def failing_stream(
    response: Response, *, after: int = 2, exception: str = "modelStreamErrorException", message: str = BROKE_OFF
) -> Response:
    """A stream that says after some parts, in its own way, that it failed, and ends. Only for streams."""
    if response.fail_in_band is None:
        return response
    return response.with_parts((*response.parts[:after], response.fail_in_band(exception, message)))


def reset_before_response(connection: Connection, _request: Request, _: Response) -> None:
    """The request was read to its end: a caller cannot know whether the model ran."""
    connection.reset()


def close_before_response(connection: Connection, _request: Request, _: Response) -> None:
    connection.close()


def truncate(connection: Connection, request: Request, response: Response, *, missing_bytes: int = 100) -> None:
    """A complete-looking body, a Content-Length that promises more, and then the end; a stream lacks its last chunk."""
    if response.parts:
        connection.send_parts(request, response)
    else:
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
    *(half_json, html, not_json, huge_headers, extra_headers, redirect, large_response, gzip),
    *(garbled_stream, cut_stream, failing_stream),
)
_BREAKING = (reset_before_response, close_before_response, truncate, no_content_length, slow, hang, drip)
SPOILED: dict[str, Callable[..., Response]] = {function.__name__: function for function in _SPOILING}
BROKEN: dict[str, Callable[..., None]] = {function.__name__: function for function in _BREAKING}
# After these no answer was given, so the request log has no status for the request.
UNANSWERED = frozenset({"reset_before_response", "close_before_response", "hang"})

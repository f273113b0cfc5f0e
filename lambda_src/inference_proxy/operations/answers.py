"""The forms of answers: ours on ``/bedrock/*`` and ``/dashboard/*``, Bedrock's own on ``/model/*``."""

import json
from collections.abc import Mapping
from typing import Any

from inference_proxy.errors import UpstreamResponseTooLargeError
from inference_proxy.models import Response

_JSON = {"Content-Type": "application/json"}
_MAX_ANSWER_BYTES = 5_900_000  # of Lambda's 6 MB, escaped as JSON once more by the runtime
# The exceptions that AWS's models of Bedrock know, by the status of our own errors; an SDK goes by the name.
_BEDROCK_EXCEPTIONS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    405: "ValidationException",
    413: "ValidationException",
    429: "ThrottlingException",
    500: "InternalServerException",
    502: "ServiceUnavailableException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}


def json_answer(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, {**_JSON, **(headers or {})}, body)


def error_answer(
    status: int, code: str, message: str, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The error envelope: ``{"error": {"code", "message", "requestId"}}``."""
    answer = json_answer({"error": {"code": code, "message": message, "requestId": request_id}}, status, headers)
    return Response(answer.status, answer.headers, answer.body, error_code=code)


def bedrock_error_answer(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """One of our own errors in Bedrock's form, so that SDKs raise an exception they know; our code leads the text."""
    named = {"x-amzn-errortype": _BEDROCK_EXCEPTIONS[status], **(headers or {})}
    answer = json_answer({"message": f"{code}: {message}"}, status, named)
    return Response(answer.status, answer.headers, answer.body, error_code=code)


def check_size(response: Response) -> Response:
    """The response, if Lambda can return it; raises UpstreamResponseTooLargeError otherwise."""
    body = response.body
    try:
        body.decode()
        size_bytes = len(body) + body.count(b'"') + body.count(b"\\")
    except UnicodeDecodeError:
        size_bytes = len(body) * 4 // 3  # as base64
    if size_bytes > _MAX_ANSWER_BYTES:
        raise UpstreamResponseTooLargeError(f"Bedrock's answer does not fit into {_MAX_ANSWER_BYTES} bytes")
    return response

"""The forms of answers: ours, Bedrock's, OpenAI's and Anthropic's. Each family of paths has errors its clients know."""

import json
from collections.abc import Mapping
from typing import Any

from inference_proxy.errors import ProxyError
from inference_proxy.models import Response
from inference_proxy.path_families import ANTHROPIC, BEDROCK, OPENAI, path_family
from inference_proxy.upstream_errors import UpstreamResponseTooLargeError, UpstreamTimeoutError

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
    504: "ServiceUnavailableException",
}
# Where a model may have run: Bedrock's own statuses for that. After a 5xx SDKs send the call once more, and it would be
# billed again.
_MODEL_EXCEPTIONS = {
    UpstreamTimeoutError.code: (408, "ModelTimeoutException"),
    UpstreamResponseTooLargeError.code: (424, "ModelErrorException"),
}
_WITHOUT_SERVICE_UNAVAILABLE = (
    "async-invoke",
    "foundation-models",
    "foundation-model-availability",
    "inference-profiles",
)
# "Errors" in Anthropic's API reference, by status.
_ANTHROPIC_TYPES = {
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}


def json_answer(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    return Response(status, {**_JSON, **(headers or {})}, body)


def error_answer(
    status: int, code: str, message: str, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The error envelope: ``{"error": {"code", "message", "requestId"}}``."""
    answer = json_answer({"error": {"code": code, "message": message, "requestId": request_id}}, status, headers)
    return Response(answer.status, answer.headers, answer.body, error_code=code)


def failure_answer(error: ProxyError, request_id: str, path: str) -> Response:
    """One of our own errors, in the form that clients of this path know; our code is always in it."""
    family = path_family(path)
    headers = error.headers
    document: dict[str, Any]
    status = error.status
    if error.code in _MODEL_EXCEPTIONS:
        headers = {"x-should-retry": "false", **headers}  # OpenAI's and Anthropic's SDKs go by it
    if family in BEDROCK:
        status, exception = _bedrock_exception(error, path, family)
        headers = {"x-amzn-errortype": exception, **headers}
        document = {"message": f"{error.code}: {error.message}"}
    elif family == OPENAI:
        kind = "server_error" if error.status >= 500 else "invalid_request_error"
        document = {"error": {"message": error.message, "type": kind, "param": None, "code": error.code}}
    elif family == ANTHROPIC:
        kind = _ANTHROPIC_TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")
        described = {"type": kind, "message": f"{error.code}: {error.message}"}
        document = {"type": "error", "error": described, "request_id": request_id}
    else:
        return error_answer(error.status, error.code, error.message, request_id, headers)
    answer = json_answer(document, status, headers)
    return Response(answer.status, answer.headers, answer.body, error_code=error.code)


def _bedrock_exception(error: ProxyError, path: str, family: str) -> tuple[int, str]:
    """Status and exception for one of our own errors, of those that the operation's model has."""
    if family == "model" and not path.endswith("/count-tokens") and error.code in _MODEL_EXCEPTIONS:
        return _MODEL_EXCEPTIONS[error.code]
    if family in _WITHOUT_SERVICE_UNAVAILABLE and error.status >= 500:
        return error.status, "InternalServerException"
    return error.status, _BEDROCK_EXCEPTIONS[error.status]


def check_size(response: Response) -> Response:
    """The response, if Lambda can return it; raises UpstreamResponseTooLargeError otherwise."""
    if _as_returned_bytes(response.body) > _MAX_ANSWER_BYTES:
        raise UpstreamResponseTooLargeError(f"Bedrock's answer does not fit into {_MAX_ANSWER_BYTES} bytes")
    return response


def _as_returned_bytes(body: bytes) -> int:
    """How large a body is within the function's JSON: text is escaped, to the six-fold at worst, other bytes base64."""
    if len(body) * 6 <= _MAX_ANSWER_BYTES:
        return len(body) * 6
    try:
        return len(json.dumps(body.decode(), ensure_ascii=False).encode())
    except UnicodeDecodeError:
        return len(body) * 4 // 3

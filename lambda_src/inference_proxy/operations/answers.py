"""The forms of the answers on ``/bedrock/*`` and ``/dashboard/*``."""

import json
from collections.abc import Mapping
from typing import Any

from inference_proxy.models import Response

_JSON = {"Content-Type": "application/json"}


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

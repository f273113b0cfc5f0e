"""Errors of the Commercial stand-in on the paths that are not Bedrock's: OpenAI's and Anthropic's shapes.

The shapes are the vendors' ("Error codes" of OpenAI, "Errors" of Anthropic). On bedrock-runtime only OpenAI's refusal
of a request is known, from public reports; the other names by status, and that there is no x-amzn-errortype, are
assumed.
"""

from __future__ import annotations

import json
from dataclasses import replace

from tests.fakes import commercial_anthropic as anthropic
from tests.fakes import commercial_openai as openai
from tests.fakes.commercial_wire import Request, Response, json_response

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_OPENAI_NAMES = {  # status -> type, code
    400: ("invalid_request_error", "validation_error"),
    403: ("permission_error", "access_denied"),
    404: ("not_found_error", "model_not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}


def as_the_path_has_it(request: Request, response: Response) -> Response:
    """The same answer, but an error of Bedrock's on a vendor's path in the vendor's shape."""
    from_anthropic = request.path == anthropic.PATH
    if "x-amzn-errortype" not in response.headers or not (from_anthropic or request.path.startswith(openai.PREFIX)):
        return response
    said = json.loads(response.body)
    message = said.get("message") or said.get("Message")
    headers = {name: value for name, value in response.headers.items() if name != "x-amzn-errortype"}
    if from_anthropic:
        request_id = anthropic.request_id_of(request)
        error = {"type": _ANTHROPIC_TYPES.get(response.status, "api_error"), "message": message}
        document = {"type": "error", "error": error, "request_id": request_id}
        headers["request-id"] = request_id
    else:
        kind, code = _OPENAI_NAMES.get(response.status, ("server_error", "internal_error"))
        document = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return replace(json_response(document, response.status), headers=headers)

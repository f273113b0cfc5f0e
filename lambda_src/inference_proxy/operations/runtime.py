"""Bedrock Runtime's own paths, for clients that speak to Amazon Bedrock already: the body crosses byte for byte.

InvokeModel and Converse of the Amazon Bedrock Runtime API Reference.
"""

import json
import re
from collections.abc import Callable

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.errors import InvalidParameterError, MissingBodyError
from inference_proxy.models import Crossing, Request, Response, UpstreamAnswer, UpstreamCall
from inference_proxy.operations.answers import check_size
from inference_proxy.policy import Policy
from inference_proxy.profiles import checked_model_id, path_segment

_METADATA = "x-amzn-bedrock-request-metadata"
_MEDIA_TYPES = ("Content-Type", "Accept")
_HEADER_NAME = re.compile(r"[a-z0-9-]{1,128}")
_ANSWER_HEADERS = ("content-type", "retry-after", "x-amzn-requestid", "x-amzn-errortype")
_BEDROCK_HEADERS = "x-amzn-bedrock-"


class Runtime:
    """Calls a model by the path that Bedrock itself has for it."""

    def __init__(self, boundary: Boundary, policy: Policy, resolve: Callable[[Request, str], str]) -> None:
        self._boundary = boundary
        self._policy = policy
        self._resolve = resolve

    def invoke(self, request: Request) -> Response:
        """InvokeModel. Bedrock copies the audit id in the request metadata into its model invocation log."""
        return self._forward(request, "InvokeModel", "invoke", with_metadata=True)

    def converse(self, request: Request) -> Response:
        """Converse. Its metadata is in the body, and so the caller's word alone: the audit id is in the user agent."""
        return self._forward(request, "Converse", "converse", with_metadata=False)

    def _forward(self, request: Request, operation: str, verb: str, *, with_metadata: bool) -> Response:
        model_id = checked_model_id(request.path_parameters.get("modelId"), "modelId")
        if not request.body:
            raise MissingBodyError(f"send the body of {operation}, as the Amazon Bedrock API Reference describes it")
        resolved = self._resolve(request, model_id)
        crossing = Crossing(
            request=request,
            operation=operation,
            decision=self._policy.decide(resolved),
            payload_sha256=sha256_hex(request.body),
            request_bytes=len(request.body),
            model_id=model_id,
            resolved_model_id=resolved,
        )
        headers = _request_headers(request)
        if with_metadata:
            headers[_METADATA] = _metadata(request, crossing.audit_id)
        call = UpstreamCall("bedrock-runtime", "POST", f"/model/{path_segment(resolved)}/{verb}", headers, request.body)
        with self._boundary.passage(crossing) as passage:
            answer = passage.send(call)
            return check_size(_answer(answer, resolved))


def _request_headers(request: Request) -> dict[str, str]:
    """What a caller may say to Bedrock: the types of both bodies and Bedrock's own headers, nothing else."""
    headers = {name: request.headers.get(name.lower(), "application/json") for name in _MEDIA_TYPES}
    headers |= {
        name: value
        for name, value in request.headers.items()
        if name.startswith(_BEDROCK_HEADERS) and name != _METADATA
    }
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name.lower()) or not (value.isascii() and value.isprintable()):
            raise InvalidParameterError(f"the header {name[:64]!a} must be printable ASCII")
    return headers


def _metadata(request: Request, audit_id: str) -> str:
    """The caller's request metadata with the audit id; a caller cannot set that one."""
    try:
        metadata = json.loads(request.headers.get(_METADATA, "{}"))
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise InvalidParameterError("the header X-Amzn-Bedrock-Request-Metadata must be a JSON object")
    return json.dumps({**metadata, "auditId": audit_id})


def _answer(answer: UpstreamAnswer, resolved_model_id: str) -> Response:
    headers = {"content-type": "application/octet-stream", "X-Resolved-Model-Id": resolved_model_id}
    headers |= {
        name: value
        for name, value in answer.headers.items()
        if name in _ANSWER_HEADERS or name.startswith(_BEDROCK_HEADERS)
    }
    error_code = None if answer.ok else (answer.error_type or "UpstreamError")
    return Response(answer.status, headers, answer.body, error_code)

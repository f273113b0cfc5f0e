"""Bedrock's own operations, for clients that speak to Amazon Bedrock already: routes.py says which, and how.

Path, query, body and answer cross byte for byte. Of the headers those cross that are named here or in the row: never
the caller's credentials, cookies or host. Follows the Amazon Bedrock API Reference, and "Endpoints" in the Amazon
Bedrock User Guide for OpenAI's and Anthropic's paths.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote, urlencode

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.errors import InvalidParameterError, MissingBodyError
from inference_proxy.gate import Clearance, Gate
from inference_proxy.json_member import find_member
from inference_proxy.model_calls import ModelCall, ModelCalls
from inference_proxy.models import Crossing, Request, Response, UpstreamAnswer, UpstreamCall
from inference_proxy.operations.answers import check_size
from inference_proxy.policy import Asked
from inference_proxy.profiles import Resolution, checked_id, path_segment
from inference_proxy.routes import Route, Upstream

_METADATA = "x-amzn-bedrock-request-metadata"
_BEDROCK_HEADERS = "x-amzn-bedrock-"
_MEDIA_TYPES = ("content-type", "accept")
_HEADER_NAME = re.compile(r"[a-z0-9-]{1,128}")
_ANSWER_HEADERS = ("content-type", "retry-after", "x-amzn-requestid", "x-amzn-errortype", "request-id")
_ANSWER_PREFIXES = (_BEDROCK_HEADERS, "anthropic-", "openai-", "x-ratelimit-")
_MEDIA_RANGES = re.compile(r"[a-z*]{1,16}/[a-z0-9.+*-]{1,64}(, ?[a-z*]{1,16}/[a-z0-9.+*-]{1,64}){0,3}")
_MOST_PARAMETER = 2_048  # characters, as many as a nextToken of Bedrock's has
_PARAMETER = re.compile(r"\{(\w+)\}")
_MOST_METADATA = 16  # entries that Bedrock takes


class Forward:
    """Sends requests on to the same path of Commercial Bedrock."""

    def __init__(self, boundary: Boundary, gate: Gate, model_calls: ModelCalls) -> None:
        self._boundary = boundary
        self._gate = gate
        self._model_calls = model_calls

    def operation(self, route: Route) -> Callable[[Request], Response]:
        """The operation of a row that has an Upstream."""
        if route.upstream is None:
            raise ValueError(f"{route.operation} is no operation of Bedrock's")
        return partial(self._forward, route, route.upstream)

    def _forward(self, route: Route, upstream: Upstream, request: Request) -> Response:
        parameters = {name: checked_id(value, name) for name, value in request.path_parameters.items()}
        body = request.body if route.method == "POST" else b""
        if route.method == "POST" and not body:
            raise MissingBodyError(f"send the body of {route.operation}, as its API reference describes it")
        member = find_member(body, upstream.model_member) if upstream.model_member else None
        headers = _request_headers(request, upstream)
        if route.method == "GET":
            _check_reading(request, upstream)
        beside = _texts_beside(request, headers)
        metadata = _metadata(request) if upstream.request_metadata else None
        acceptable = ", ".join(upstream.answers) or headers.get("accept", "application/json")

        def build(resolution: Resolution | None, audit_id: str, body: bytes) -> UpstreamCall:
            named, sent = parameters, body
            if resolution and member and resolution.called_id != member.value:
                current = member if body is request.body else find_member(body, upstream.model_member)
                sent = current.replaced(resolution.called_id)
            elif resolution and upstream.model_parameter:
                named = {**parameters, upstream.model_parameter: resolution.called_id}
            joined = {} if metadata is None else {_METADATA: _with_audit_id(metadata, audit_id)}
            target = _target(route.path, named, request.query)
            return UpstreamCall(upstream.service, route.method, target, {**headers, **joined}, sent, acceptable)

        if member:
            model_id = checked_id(member.value, upstream.model_member)
        else:
            model_id = parameters.get(upstream.model_parameter, "")
        if model_id:
            call = ModelCall(
                route.operation, model_id, body, build, _answer, upstream.model_as, upstream.guardrail_as, beside
            )
            return self._model_calls.send(request, call)
        admission = self._gate.admit(request, Asked(body, beside))
        clearance = self._gate.clear(request, admission, admission.decision)
        return self._send(request, route.operation, clearance, build(None, request.request_id, clearance.body))

    def _send(self, request: Request, operation: str, clearance: Clearance, call: UpstreamCall) -> Response:
        """An operation that runs no model."""
        crossing = Crossing(
            request=request,
            operation=operation,
            decision=clearance.decision,
            payload_sha256=sha256_hex(call.body),
            request_bytes=len(call.body),
            body=call.body,
            guardrail_action=clearance.guardrail_action,
            guardrail_latency_ms=clearance.guardrail_latency_ms,
        )
        with self._boundary.passage(crossing) as passage:
            return _answer(passage.send(call), {})


def _target(template: str, parameters: Mapping[str, str], query: Mapping[str, tuple[str, ...]]) -> str:
    """The path, each parameter as one segment of it, and the caller's query."""
    path = _PARAMETER.sub(lambda parameter: path_segment(parameters[parameter[1]]), template)
    pairs = [(name, value) for name, values in query.items() for value in values]
    return f"{path}?{urlencode(pairs, quote_via=quote, safe='-._~', errors='replace')}" if pairs else path


def _check_reading(request: Request, upstream: Upstream) -> None:
    """A request that only reads carries no data, and so needs no label: it has the operation's own parameters."""
    unknown = sorted(request.query.keys() - set(upstream.query))
    if unknown:
        known = f"this operation takes {', '.join(upstream.query)}" if upstream.query else "this operation takes none"
        raise InvalidParameterError(f"unknown query parameter {unknown[0][:64]!a}; {known}")
    if any(len(value) > _MOST_PARAMETER for values in request.query.values() for value in values):
        raise InvalidParameterError(f"a query parameter may have {_MOST_PARAMETER} characters")


def _request_headers(request: Request, upstream: Upstream) -> dict[str, str]:
    """What a caller may say to Bedrock: the types of both bodies, Bedrock's own headers, and those of the row.

    Where there is no body there is nothing to say of it.
    """
    if request.method == "GET":
        accept = request.headers.get("accept", "")
        return {"accept": accept} if _MEDIA_RANGES.fullmatch(accept) else {}
    named = {*_MEDIA_TYPES, *upstream.headers}
    headers = {
        name: value
        for name, value in request.headers.items()
        if name in named or (name.startswith(_BEDROCK_HEADERS) and name != _METADATA)
    }
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
            raise InvalidParameterError(f"the header {name[:64]!a} must be printable ASCII")
    return headers


def _texts_beside(request: Request, headers: Mapping[str, str]) -> tuple[str, ...]:
    """What crosses of the caller's words beside the body."""
    said = () if request.method == "GET" else (*headers.values(), request.headers.get(_METADATA, ""))
    query = (text for name, values in request.query.items() for text in (name, *values))
    return (*said, *query, *request.path_parameters.values())


def _metadata(request: Request) -> dict[str, str]:
    """The caller's request metadata, which Bedrock copies into its model invocation log. It takes texts only."""
    try:
        metadata = json.loads(request.headers.get(_METADATA, "{}"))
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise InvalidParameterError("the header X-Amzn-Bedrock-Request-Metadata must be a JSON object of texts")
    return metadata


def _with_audit_id(metadata: Mapping[str, str], audit_id: str) -> str:
    """Metadata with the audit id, which a caller cannot set: by it both partitions' logs join.

    Where 16 entries of the caller's leave no room for it, the user agent still has it.
    """
    has_room = "auditId" in metadata or len(metadata) < _MOST_METADATA
    return json.dumps({**metadata, "auditId": audit_id} if has_room else metadata)


def _answer(answer: UpstreamAnswer, names: Mapping[str, str]) -> Response:
    headers = {"content-type": "application/octet-stream", **names}
    headers |= {
        name: value
        for name, value in answer.headers.items()
        if name in _ANSWER_HEADERS or name.startswith(_ANSWER_PREFIXES)
    }
    error_code = None if answer.ok else (answer.error_type or "UpstreamError")
    return check_size(Response(answer.status, headers, answer.body, error_code))

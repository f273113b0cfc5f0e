"""POST /bedrock/invoke-model: the original system's envelope around Bedrock's InvokeModel; and its GET.

InvokeModel is in the Amazon Bedrock Runtime API Reference; the envelope is described in ../../README.md.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference_proxy.errors import InvalidJsonError, InvalidParameterError, MissingBodyError
from inference_proxy.model_calls import ModelCall, ModelCalls
from inference_proxy.models import Request, Response, UpstreamAnswer, UpstreamCall, timestamp_ms
from inference_proxy.operations.answers import check_size, error_answer, json_answer
from inference_proxy.profiles import Resolution, checked_id, path_segment

# RFC 9110's media-type with parameters. No two parts of it share a character, so matching takes linear time.
_NAME = r"[A-Za-z0-9!#$&^_.+*-]+"
_MEDIA_TYPE = re.compile(rf'{_NAME}/{_NAME}([ \t]*;[ \t]*{_NAME}=({_NAME}|"[A-Za-z0-9 !#-\[\]-~]*"))*')
_MEDIA_TYPE_LENGTH = 256
_ANTHROPIC_VERSION = "bedrock-2023-05-31"
_ERROR_TEXT_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class _Invocation:
    """The checked envelope of one call."""

    model_id: str
    content_type: str
    accept: str
    body: bytes


class Invoke:
    """Invokes a model in Commercial Bedrock."""

    def __init__(self, model_calls: ModelCalls, region: str) -> None:
        self._model_calls = model_calls
        self._region = region

    def invoke_model(self, request: Request) -> Response:
        """Invoke the model the envelope names; a profile-only model goes through its inference profile."""
        invocation = _parse(request.body)

        def build(resolution: Resolution, audit_id: str, body: bytes) -> UpstreamCall:
            return UpstreamCall(
                service="bedrock-runtime",
                method="POST",
                target=f"/model/{path_segment(resolution.called_id)}/invoke",
                headers={
                    "Content-Type": invocation.content_type,
                    "Accept": invocation.accept,
                    # Bedrock copies it into its model invocation log, so that both partitions' logs join.
                    "X-Amzn-Bedrock-Request-Metadata": json.dumps({"auditId": audit_id}),
                },
                body=_with_anthropic_version(body, resolution.model_id),
                acceptable=invocation.accept,
            )

        def render(answer: UpstreamAnswer, names: Mapping[str, str]) -> Response:
            return _answer(answer, request.request_id, names)

        beside = (invocation.content_type, invocation.accept)
        call = ModelCall(
            "InvokeModel", invocation.model_id, invocation.body, build, render, guardrail_as="headers", beside=beside
        )
        return self._model_calls.send(request, call)

    def routing_information(self, request: Request) -> Response:
        """What this endpoint does, in the original's shape; names of tables and secrets are not part of it."""
        region = self._region
        return json_answer(
            {
                "message": "Cross-partition inference: AWS GovCloud to Amazon Bedrock in the Commercial partition",
                "status": "operational",
                "routing": {
                    "source": {"partition": "govcloud", "region": region, "service": "Amazon API Gateway"},
                    "destination": {"partition": "commercial", "service": "Amazon Bedrock"},
                    "flow": "API Gateway -> Lambda -> Commercial Bedrock (FIPS endpoint)",
                },
                "request_info": {
                    "request_id": request.request_id,
                    "source_ip": request.caller.source_ip,
                    "user_agent": request.caller.user_agent,
                    "timestamp": timestamp_ms(request.received_at),
                    "current_region": region,
                },
                "endpoints": {"bedrock_proxy": "/bedrock/invoke-model", "methods": ["POST", "GET"]},
            }
        )


def _parse(body: bytes) -> _Invocation:
    if not body.strip():
        raise MissingBodyError("send a JSON object with `modelId` and `body`")
    try:
        envelope = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidJsonError("the request body is not JSON; send an object with `modelId` and `body`") from None
    if not isinstance(envelope, dict):
        raise InvalidJsonError("the request body is not a JSON object; send one with `modelId` and `body`")
    return _Invocation(
        model_id=checked_id(envelope.get("modelId"), "modelId"),
        content_type=_media_type(envelope, "contentType"),
        accept=_media_type(envelope, "accept"),
        body=_payload(envelope),
    )


def _refuse_constant(_name: str) -> None:
    raise ValueError


def _media_type(envelope: Mapping[str, Any], field: str) -> str:
    value = envelope.get(field)
    if value is None:
        return "application/json"
    if not isinstance(value, str) or len(value) > _MEDIA_TYPE_LENGTH or not _MEDIA_TYPE.fullmatch(value):
        raise InvalidParameterError(f"`{field}` must be one media type such as application/json")
    return value


def _payload(envelope: Mapping[str, Any]) -> bytes:
    """The model's own request: a string goes out as it is, an object as JSON, binary comes as base64."""
    body = envelope.get("body")
    is_base64 = envelope.get("isBase64Encoded", False)
    if not isinstance(is_base64, bool):
        raise InvalidParameterError("`isBase64Encoded` must be true or false")
    if body in (None, "", {}):
        raise InvalidParameterError("`body` is required: the model's request, as a JSON object or a string")
    try:
        if isinstance(body, str):
            return base64.b64decode(body, validate=True) if is_base64 else body.encode()
        if isinstance(body, dict) and not is_base64:
            return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, binascii.Error):
        raise InvalidParameterError("`body` holds text that is not valid UTF-8, base64 or JSON numbers") from None
    raise InvalidParameterError("`body` must be a JSON object or a string; base64 must be a string")


def _with_anthropic_version(body: bytes, model_id: str) -> bytes:
    """The body with the ``anthropic_version`` that Bedrock demands, if an Anthropic request lacks it.

    The member is put in front of the others; every other byte stays as the caller sent it.
    """
    if "anthropic." not in model_id:
        return body
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return body  # Bedrock says what is wrong with it
    if not isinstance(message, dict) or "anthropic_version" in message:
        return body
    brace = body.index(b"{") + 1
    member = b'"anthropic_version":"%s"' % _ANTHROPIC_VERSION.encode()
    return body[:brace] + member + (b"," if message else b"") + body[brace:]


def _answer(answer: UpstreamAnswer, request_id: str, names: Mapping[str, str]) -> Response:
    headers = {**names}
    headers |= {name: value for name, value in answer.headers.items() if name.startswith("x-amzn-bedrock-")}
    if "retry-after" in answer.headers:
        headers["Retry-After"] = answer.headers["retry-after"]
    if not answer.ok:
        code = answer.error_type or "UpstreamError"
        headers["x-amzn-errortype"] = code
        return error_answer(answer.status, code, _error_message(answer), request_id, headers)
    content_type = answer.headers.get("content-type", "application/octet-stream")
    try:
        envelope: dict[str, str | bool] = {"body": answer.body.decode(), "contentType": content_type}
    except UnicodeDecodeError:
        encoded = base64.b64encode(answer.body).decode()
        envelope = {"body": encoded, "contentType": content_type, "isBase64Encoded": True}
    return check_size(json_answer(envelope, headers=headers))


def _error_message(answer: UpstreamAnswer) -> str:
    """Bedrock's own words; the caller may read them, logs and records may not."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    message = (document.get("message") or document.get("Message")) if isinstance(document, dict) else None
    return str(message or f"Commercial Bedrock answered with status {answer.status}")[:_ERROR_TEXT_LIMIT]

"""API Gateway's REST proxy event to a Request, and a Response back to the proxy's answer.

The only file that knows API Gateway. It follows "Lambda proxy integrations in API Gateway" and "Working with binary
media types for REST APIs": the API declares ``*/*`` as binary, so bodies come base64-encoded and exact.
"""

import base64
import binascii
import re
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import unquote

from inference_proxy.errors import InvalidParameterError, RequestTooLargeError
from inference_proxy.models import UNKNOWN, Caller, Deadline, Request, Response

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_PARAMETER = re.compile(r"\{(\w+)\+?\}")
# Letters, digits and -._~ percent-encoded, an empty segment: nobody's client does that, but a rule of IAM may not see
# through it.
_ODD_SPELLING = re.compile(r"//|%(?:[46][1-9A-Fa-f]|[57][0-9Aa]|3[0-9]|2[DdEe]|5[Ff]|7[Ee])")
_ANSWER_MARGIN_SECONDS = 0.5  # for Lambda and API Gateway to carry the answer out
_MOST_SKEW_SECONDS = 900.0  # of an environment's clock against API Gateway's; beyond, an event was replayed by hand
_CLOCK_TOLERANCE_SECONDS = 10.0  # an older "received at" is another clock, or an event replayed by hand


class LambdaContext(Protocol):
    """What the router uses of Lambda's context object."""

    aws_request_id: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ...


def invoked_alias(context: LambdaContext) -> str:
    """The alias or version through which the function was invoked, by Lambda's word; "" if through none."""
    return context.invoked_function_arn.partition(":function:")[2].partition(":")[2]


def request_id(event: Mapping[str, Any]) -> str:
    """API Gateway's request id, so that its access log and the audit record join; a fresh UUID if there is none."""
    given = _mapping(event, "requestContext").get("requestId")
    return given if isinstance(given, str) and _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def path(event: Mapping[str, Any]) -> str:
    """The path of the call, decoded once: API Gateway hands it on encoded or decoded, never encoded twice."""
    return _decoded(_path(event))


def parse(event: Mapping[str, Any], context: LambdaContext, response_timeout_seconds: int, max_bytes: int) -> Request:
    """The Request in an event.

    The deadline counts from when API Gateway received the call: a cold start uses up the caller's time as well.
    Raises RequestTooLargeError above ``max_bytes`` of body, InvalidParameterError if its base64 is broken.
    """
    gateway = _mapping(event, "requestContext")
    identity = _mapping(gateway, "identity")
    headers = _headers(event)
    spelled = _path(event)
    # Every form in which API Gateway hands the path on; some of them may be as the caller wrote it.
    spellings = (spelled, str(event.get("path")), str(gateway.get("path")))
    return Request(
        request_id=request_id(event),
        invocation_id=context.aws_request_id,
        method=str(event.get("httpMethod") or "").upper(),
        path=_decoded(spelled),
        caller=Caller(
            user_arn=str(identity.get("userArn") or UNKNOWN),
            account_id=str(identity.get("accountId") or UNKNOWN),
            source_ip=str(identity.get("sourceIp") or UNKNOWN),
            user_agent=str(identity.get("userAgent") or headers.get("user-agent") or UNKNOWN),
        ),
        deadline=_deadline(gateway, context, response_timeout_seconds),
        query=_query(event),
        headers=headers,
        body=_body(event, max_bytes),
        received_at=_received_at(gateway),
        catch_all=str(event.get("resource") or "").startswith("/{"),
        spelled_path=spelled.rstrip("/"),
        plainly_spelled=all(map(plainly_spelled, spellings)),
    )


def render(response: Response) -> dict[str, Any]:
    """The proxy's answer: text as it is, anything else as base64 (which API Gateway decodes again)."""
    try:
        body, is_base64 = response.body.decode("utf-8"), False
    except UnicodeDecodeError:
        body, is_base64 = base64.b64encode(response.body).decode("ascii"), True
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def plainly_spelled(path: str) -> bool:
    """Whether a path, as it was written, has nothing percent-encoded that needs not be, and no empty segment."""
    return not _ODD_SPELLING.search(path)


def without_signature(query: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A query without the signature of a presigned URL, which was for API Gateway alone."""
    return {name: values for name, values in query.items() if not name.lower().startswith("x-amz-")}


def _path(event: Mapping[str, Any]) -> str:
    # `path` starts with a custom domain's base path; `resource` and the path parameters are free of it.
    resource = str(event.get("resource") or "")
    parameters = _mapping(event, "pathParameters")
    if not resource or any(name not in parameters for name in _PARAMETER.findall(resource)):
        return str(event.get("path") or "/")
    return _PARAMETER.sub(lambda parameter: str(parameters.get(parameter[1], "")), resource)


def _decoded(spelled: str) -> str:
    return unquote(spelled, errors="replace").rstrip("/") or "/"


def _query(event: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    lists = _mapping(event, "multiValueQueryStringParameters")
    single = _mapping(event, "queryStringParameters")
    query = {str(name): tuple(map(str, values)) for name, values in lists.items() if isinstance(values, list)}
    return without_signature(query or {str(name): (str(value),) for name, value in single.items()})


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """By lower-case name; what came several times is one list ("Field Lines and Combined Field Value" in RFC 9110).

    API Gateway keeps names as they were written: ``X-A`` and ``x-a`` are two members, and one header.
    """
    fields = [(str(name).lower(), [value]) for name, value in _mapping(event, "headers").items()]
    repeated = _mapping(event, "multiValueHeaders").items()
    complete = [(str(name).lower(), values) for name, values in repeated if isinstance(values, list) and values]
    named = {name for name, _ in complete}
    headers: dict[str, list[str]] = {}
    for name, values in [*complete, *(field for field in fields if field[0] not in named)]:
        headers.setdefault(name, []).extend(map(str, values))
    return {name: ", ".join(values) for name, values in headers.items()}


def _body(event: Mapping[str, Any], max_bytes: int) -> bytes:
    text = event.get("body") or ""
    try:
        if not isinstance(text, str):
            body = b""
        elif event.get("isBase64Encoded"):
            body = base64.b64decode(text, validate=True)
        else:
            body = text.encode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidParameterError("the request body is not valid base64 or UTF-8") from None
    if len(body) > max_bytes:
        raise RequestTooLargeError(f"the request body has {len(body)} bytes; at most {max_bytes} can cross")
    return body


def _deadline(gateway: Mapping[str, Any], context: LambdaContext, response_timeout_seconds: int) -> Deadline:
    received_at = gateway.get("requestTimeEpoch")
    spent = time.time() - received_at / 1000 if isinstance(received_at, (int, float)) else 0.0
    if not 0.0 <= spent <= _CLOCK_TOLERANCE_SECONDS:
        spent = 0.0
    lambda_seconds = context.get_remaining_time_in_millis() / 1000
    return Deadline.after(min(response_timeout_seconds - spent, lambda_seconds) - _ANSWER_MARGIN_SECONDS)


def _received_at(gateway: Mapping[str, Any]) -> datetime:
    """When API Gateway received the call, by its clock; by the environment's where that is not plausible."""
    now, received_at = datetime.now(UTC), gateway.get("requestTimeEpoch")
    if isinstance(received_at, (int, float)) and abs(now.timestamp() - received_at / 1000) <= _MOST_SKEW_SECONDS:
        return datetime.fromtimestamp(received_at / 1000, UTC)
    return now


def _mapping(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, Mapping) else {}

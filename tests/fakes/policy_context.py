"""What IAM policies see of a request in both accounts of the twin, where ministack 1.5.33 shows them less than AWS.

1. Loopback counts as secure transport: the twin speaks plain HTTP, and policies demand `aws:SecureTransport`.
2. `kms:CallerAccount` in key policies is the caller's account; the ARN of a log group ends in `:*`, that of a function
   in the alias or version that the call names; ApplyGuardrail has the ARN of its guardrail. `aws:PrincipalArn` of a
   role's session is the role's.
3. An upload to S3 has the condition key `s3:if-none-match`, if it has that header.
4. An action has the condition keys that the modules beside this one add to `REQUEST_KEYS`.

Imported for its effect by govcloud.py and commercial_account.py.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam

Parameters = Mapping[str, Any]

# IAM action -> the condition keys of a request with these parameters.
REQUEST_KEYS: dict[str, Callable[[Parameters], dict[str, Any]]] = {}

condition_key = iam_evaluator._resolve_condition_key
pin_origin = app.pin_request_origin
resource_arn = iam_actions.extract_resource_arn
s3_keys = iam_actions.s3_service_context
tag_keys = iam_actions.request_tag_context


def parameters_of(body: bytes, query: Parameters) -> dict[str, list[str]]:
    """The parameters of a Query request, as the emulator reads them for IAM: what is in the URL wins."""
    return {**parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True), **query}


def caller_condition_key(key: str, context: Any) -> Any:
    """A condition key of a policy, those that describe the caller as AWS has them."""
    if key.lower() == "kms:calleraccount":
        return context.principal_account
    if key.lower() == "aws:principalarn" and context.principal_type == "AssumedRole":
        name = context.principal_arn.split("/")[1]
        return (iam._roles.get_scoped(context.principal_account, None, name) or {}).get("Arn")
    return condition_key(key, context)


def request_keys(service: str, action: str, body: bytes, params: Parameters) -> dict[str, Any]:
    """The condition keys of a request: of its tags, and those registered for its action."""
    own = REQUEST_KEYS[action](params) if action in REQUEST_KEYS else {}
    return {**tag_keys(service, action, body, params), **own}


def s3_request_keys(action: str, query: Parameters, path: str = "", headers: Parameters | None = None) -> dict:
    """S3's condition keys of a request."""
    condition = (headers or {}).get("if-none-match") if action == "s3:PutObject" else None
    return s3_keys(action, query, path, headers) | ({"s3:if-none-match": condition} if condition else {})


def exact_resource_arn(
    service: str, method: str, path: str, headers: dict, body: bytes, query: Parameters, *place: str
) -> str:
    """The ARN that policies are matched with, as exact as AWS's: of log streams, an alias, a guardrail."""
    arn = resource_arn(service, method, path, headers, body, query, *place)
    if service == "logs" and ":log-group:" in arn:
        return f"{arn}:*"
    asked = re.fullmatch(r"/guardrail/([^/]+)/version/[^/]+/apply", path)
    if service == "bedrock-runtime" and asked:
        region, account = place
        return f"arn:aws:bedrock:{region}:{account}:guardrail/{asked[1]}"
    qualifier = query.get("Qualifier")
    if service == "lambda" and ":function:" in arn and qualifier:
        return f"{arn}:{qualifier if isinstance(qualifier, str) else qualifier[0]}"
    return arn


app.pin_request_origin = lambda source_ip, _secure_transport: pin_origin(source_ip, True)
iam_evaluator._resolve_condition_key = caller_condition_key
iam_actions.extract_resource_arn = exact_resource_arn
iam_actions.request_tag_context = request_keys
iam_actions.s3_service_context = s3_request_keys

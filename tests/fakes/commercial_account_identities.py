"""Whose credential it is and what IAM allows: what the stand-in for Bedrock asks the twin's Commercial account.

    POST /_twin/identify   {"api_key": "..."} or {"access_key_id": "..."}, and optionally
                           {"permissions": [{"action": "...", "resource": "..."}], "conditions": {"<key>": "..."},
                            "region": "us-east-1"}
    -> {"account_id", "known", "status": "Active|Inactive|Expired", "principal_arn", "credential_id",
        "secret_access_key", "session_token", "expires_at", "denied": {"action", "resource", "explicit"} or null}
    POST /_twin/expire     {"credential_id": "ACCA..."}: the API key has just expired

Answered on loopback only, and only with the header X-Twin-Token as TWIN_IDENTIFY_TOKEN says: the answer has secrets.
The policies of the user and its groups, or of the role, with boundaries and session policies, are evaluated by
ministack's evaluator. An API key's `bedrock:bearerTokenType` is LONG_TERM; otherwise it is what the caller says.

Imported for its effect by commercial_account.py.
"""

import hmac
import json
import os
import time
from datetime import UTC, datetime
from typing import Any

from commercial_account_api_keys import ApiKey, api_keys, find_by_secret
from ministack import app
from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import CredentialResolutionError, EvalContext, PrincipalInfo, ResolvedCredential
from ministack.core.responses import get_account_id, get_request_client_ip, json_response
from ministack.services import iam, sts

Answer = tuple[int, dict[str, str], bytes]

LOOPBACK = frozenset({"127.0.0.1", "::1"})
TOKEN = os.environ.get("TWIN_IDENTIFY_TOKEN", "")

handle_post_body = app._handle_post_body_shortcuts


async def handle(method: str, path: str, headers: dict, body: bytes, *rest: Any) -> Answer | None:
    """The internal calls; then the emulator's own."""
    if not path.startswith("/_twin/"):
        return await handle_post_body(method, path, headers, body, *rest)
    given = headers.get("x-twin-token", "").encode()
    if not TOKEN or get_request_client_ip() not in LOOPBACK or not hmac.compare_digest(given, TOKEN.encode()):
        return json_response({"message": "not for you"}, 403)
    document = json.loads(body)
    match (method, path):
        case ("POST", "/_twin/identify"):
            return json_response({"account_id": get_account_id(), **identify(document)})
        case ("POST", "/_twin/expire") if document.get("credential_id") in api_keys:
            api_keys[document["credential_id"]].expires_at = time.time() - 1
            return json_response({})
        case _:
            return json_response({"message": f"no internal call {method} {path}"}, 404)


def identify(document: dict[str, Any]) -> dict[str, Any]:
    """What there is to know about a credential, and the first of the permissions that IAM denies it."""
    conditions = document.get("conditions", {})
    if "api_key" in document:
        key = find_by_secret(document["api_key"])
        if key is None:
            return {"known": False}
        status, credential = key.status, user_of(key)
        conditions = {**conditions, "bedrock:bearerTokenType": "LONG_TERM"}
        secrets: dict[str, Any] = {"expires_at": epoch_to_iso(key.expires_at)}
    else:
        status, credential = resolved(document.get("access_key_id", ""))
        if credential is None:
            return {"known": status != "Unknown", "status": status}
        secrets = {
            "secret_access_key": credential.secret_access_key,
            "session_token": credential.session_token,
            "expires_at": epoch_to_iso(credential.expiration),
        }
    principal = iam_evaluator.resolve_principal(credential.access_key_id, credential.account_id, credential)
    denied = first_denied(principal, document.get("permissions", []), conditions, document.get("region", ""))
    who = {"principal_arn": principal.arn, "credential_id": credential.access_key_id}
    return {"known": True, "status": status, **who, **secrets, "denied": denied}


def user_of(key: ApiKey) -> ResolvedCredential:
    """The API key as a credential of its user."""
    user = iam._users[key.user_name]
    return ResolvedCredential(
        access_key_id=key.key_id,
        secret_access_key="",
        account_id=get_account_id(),
        principal_arn=user["Arn"],
        principal_id=user["UserId"],
        principal_type="User",
        principal_name=key.user_name,
    )


def resolved(access_key_id: str) -> tuple[str, ResolvedCredential | None]:
    """The status of an access key, and the credential if it is Active. Of root keys only the account's own is known."""
    if iam_evaluator.is_root_access_key(access_key_id) and access_key_id != os.environ["AWS_ACCESS_KEY_ID"]:
        return "Unknown", None
    credential = iam_evaluator.resolve_credential(access_key_id)
    if not isinstance(credential, CredentialResolutionError):
        return "Active", credential
    if access_key_id in sts._sessions:
        return "Expired", None
    return ("Inactive" if access_key_id in iam._access_keys else "Unknown"), None


def first_denied(
    principal: PrincipalInfo, permissions: list[dict[str, str]], conditions: dict[str, Any], region: str
) -> dict[str, Any] | None:
    if principal.policies is None:  # root
        return None
    for permission in permissions:
        context = EvalContext(
            principal_arn=principal.arn,
            principal_type=principal.type,
            principal_account=principal.account,
            action=permission["action"],
            resource_arn=permission["resource"],
            region=region,
            source_ip=conditions.get("aws:SourceIp", "127.0.0.1"),
            secure_transport=True,
            service_context={name.lower(): value for name, value in conditions.items()},
            principal_keys=principal.keys,
        )
        decision = iam_evaluator.evaluate(context, principal.policies, *principal.limits).decision
        if decision != "Allow":
            return {**permission, "explicit": decision == "Deny"}
    return None


def epoch_to_iso(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC).isoformat()


app._handle_post_body_shortcuts = handle

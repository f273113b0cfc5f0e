"""Outbound identity federation of the twin's GovCloud account: JSON Web Tokens that anybody can verify.

ministack 1.5.33 has none of its IAM actions, and its GetWebIdentityToken answers a stub of the account's root.

1. IAM: EnableOutboundWebIdentityFederation, GetOutboundWebIdentityFederationInfo, DisableOutboundWebIdentityFederation.
2. STS: GetWebIdentityToken for who really calls, signed with keys made at start. IAM evaluates
   `sts:IdentityTokenAudience`, `sts:DurationSeconds` and `sts:SigningAlgorithm`, and sts:TagGetWebIdentityToken.
3. The issuer's documents, for which loopback stands in: `https://<issuer host>/.well-known/...` is served, to anybody,
   at `/_aws/oidc/<issuer host>/.well-known/...`.

A token's `sub` is the role's ARN as IAM answers it, on AWS and here; the emulator calls every partition `aws`.

Follows the IAM User Guide, "Understanding token claims", "Controlling access with IAM policies" (of outbound identity
federation), the API references of the four actions, and a public copy of an issuer's openid-configuration. Without:
claims of an organization and of the compute service (`lambda_source_function_arn`), and the limit of a token's size.
Imported for its effect by govcloud.py.
"""

import json
import time
import uuid
from typing import Any
from xml.sax.saxutils import escape

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, json_response
from ministack.core.router import extract_access_key_id
from ministack.services import iam, sts
from policy_context import REQUEST_KEYS, Parameters, parameters_of

Answer = tuple[int, dict[str, str], bytes]

HOST = f"{uuid.uuid4()}.tokens.sts.twin.invalid"
ISSUER = f"https://{HOST}"
CLAIMS_OF_STS = "https://sts.amazonaws.com/"
DEFAULT_SECONDS = 300
KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
}
KEY_IDS = {algorithm: f"{algorithm}_{uuid.uuid4().hex[:12]}" for algorithm in KEYS}

enabled_accounts: set[str] = set()
handle_sts = sts.handle_request
handle_pre_body = app._handle_pre_body_request


def enable(_: Parameters) -> Answer:
    """EnableOutboundWebIdentityFederation; the issuer is the same after each time."""
    if get_account_id() in enabled_accounts:
        return iam._error(409, "FeatureEnabled", "Outbound web identity federation is already enabled.")
    enabled_accounts.add(get_account_id())
    return iam_answer("EnableOutboundWebIdentityFederation", f"<IssuerIdentifier>{ISSUER}</IssuerIdentifier>")


def describe(_: Parameters) -> Answer:
    """GetOutboundWebIdentityFederationInfo."""
    if get_account_id() not in enabled_accounts:
        return disabled()
    issuer = f"<IssuerIdentifier>{ISSUER}</IssuerIdentifier><JwtVendingEnabled>true</JwtVendingEnabled>"
    return iam_answer("GetOutboundWebIdentityFederationInfo", issuer)


def disable(_: Parameters) -> Answer:
    """DisableOutboundWebIdentityFederation: no new tokens; those that exist are good until they expire."""
    if get_account_id() not in enabled_accounts:
        return disabled()
    enabled_accounts.remove(get_account_id())
    return iam._xml(200, "DisableOutboundWebIdentityFederationResponse", "")


def disabled() -> Answer:
    return iam._error(404, "FeatureDisabled", "Outbound web identity federation is disabled.")


def iam_answer(action: str, content: str) -> Answer:
    return iam._xml(200, f"{action}Response", f"<{action}Result>{content}</{action}Result>")


async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Answer:
    """STS with real identity tokens. Only the Query protocol, like AWS: IAM would not see the members of JSON."""
    params = parameters_of(body, query)
    if "amz-json" in headers.get("content-type", ""):
        return iam._error(400, "InvalidAction", "Could not find operation", ns="sts")
    answer = await handle_sts(method, path, headers, body, query)
    if sts._p(params, "Action") != "GetWebIdentityToken" or answer[0] != 200:  # the emulator checks the parameters
        return answer
    return get_web_identity_token(headers, body, query, params)


def get_web_identity_token(headers: dict, body: bytes, query: dict, params: Parameters) -> Answer:
    if get_account_id() not in enabled_accounts:
        sentence = "Outbound web identity federation is not enabled for this account."
        return iam._error(403, "OutboundWebIdentityFederationDisabledException", sentence, ns="sts")
    access_key_id = extract_access_key_id(headers, query)
    tags, invalid = sts._session_tags(params)
    if invalid:
        return invalid
    if tags and (refusal := tagging_refused(access_key_id, body, params)):
        return refusal
    now = int(time.time())
    expiration = now + int(sts._p(params, "DurationSeconds") or DEFAULT_SECONDS)
    session = sts._sessions.get(access_key_id, {})
    if expiration > session.get("Expiration", expiration):
        sentence = "The requested token duration would extend the session beyond its original expiration time."
        return iam._error(403, "SessionDurationEscalationException", sentence, ns="sts")
    token = signed(access_key_id, params, {tag["Key"]: tag["Value"] for tag in tags}, now, expiration)
    content = f"<WebIdentityToken>{token}</WebIdentityToken><Expiration>{iso(expiration)}</Expiration>"
    result = f"<GetWebIdentityTokenResult>{content}</GetWebIdentityTokenResult>"
    return iam._xml(200, "GetWebIdentityTokenResponse", result, ns="sts")


def signed(access_key_id: str, params: Parameters, request_tags: dict, issued_at: int, expiration: int) -> str:
    """The token of this caller."""
    subject, principal_tags = principal(access_key_id)
    audiences = audiences_of(params)
    of_sts: dict[str, Any] = {"aws_account": get_account_id(), "source_region": get_region()}
    of_sts |= {"principal_tags": principal_tags} if principal_tags else {}
    of_sts |= {"request_tags": request_tags} if request_tags else {}
    claims = {
        "iss": ISSUER,
        "aud": audiences[0] if len(audiences) == 1 else audiences,
        "sub": subject,
        "iat": issued_at,
        "exp": expiration,
        "jti": str(uuid.uuid4()),
        CLAIMS_OF_STS: of_sts,
    }
    algorithm = sts._p(params, "SigningAlgorithm")
    return jwt.encode(claims, KEYS[algorithm], algorithm, {"kid": KEY_IDS[algorithm]})


def principal(access_key_id: str) -> tuple[str, dict[str, str]]:
    """The ARN of who calls, which for a session is that of its role, and the principal's tags."""
    credential = iam_evaluator.resolve_credential(access_key_id)
    arn, entity = credential.principal_arn, None
    if credential.principal_type == "AssumedRole":
        entity = iam._roles[iam_evaluator._role_name_from_assumed_arn(arn)]
        arn = entity["Arn"]
    elif credential.principal_type == "User":
        entity = iam._users[credential.principal_name]
    return arn, {tag["Key"]: tag["Value"] for tag in (entity or {}).get("Tags") or []}


def tagging_refused(access_key_id: str, body: bytes, params: Parameters) -> Answer | None:
    keys = iam_actions.request_tag_context("sts", "sts:GetWebIdentityToken", body, params)
    action = "sts:TagGetWebIdentityToken"
    denied = iam_evaluator.enforce(access_key_id, action, "sts", get_region(), service_context=keys)
    return denied and iam_actions.access_denied_response("sts", action, denied.principal_arn, str(uuid.uuid4()))


def audiences_of(params: Parameters) -> list[str]:
    return [sts._p(params, name) for name in params if name.startswith("Audience.member.")]


def token_keys(params: Parameters) -> dict[str, Any]:
    """The condition keys of a token. A single audience is one value, so that StringEquals alone works as well."""
    audiences = audiences_of(params)
    return {
        "sts:IdentityTokenAudience": audiences[0] if len(audiences) == 1 else audiences,
        "sts:DurationSeconds": sts._p(params, "DurationSeconds") or str(DEFAULT_SECONDS),
        "sts:SigningAlgorithm": sts._p(params, "SigningAlgorithm"),
    }


async def handle_documents(method: str, path: str, *rest: Any) -> Answer | None:
    """What the issuer publishes, to anybody; then the emulator's own paths."""
    if not path.startswith("/_aws/oidc/"):
        return await handle_pre_body(method, path, *rest)
    documents = {
        f"/_aws/oidc/{HOST}/.well-known/openid-configuration": {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(KEYS),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "jti", CLAIMS_OF_STS],
        },
        f"/_aws/oidc/{HOST}/.well-known/jwks.json": {"keys": [published(algorithm) for algorithm in KEYS]},
    }
    if method != "GET" or path not in documents:
        return 404, {"Content-Type": "text/plain"}, escape(f"no {path}").encode()
    return json_response(documents[path])


def published(algorithm: str) -> dict[str, str]:
    """A public key as a JSON Web Key."""
    encoder = jwt.get_algorithm_by_name(algorithm)
    key = json.loads(encoder.to_jwk(KEYS[algorithm].public_key()))
    key.pop("key_ops", None)
    return {**key, "kid": KEY_IDS[algorithm], "use": "sig", "alg": algorithm}


def iso(epoch: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


iam._IAM_HANDLERS |= {
    "EnableOutboundWebIdentityFederation": enable,
    "GetOutboundWebIdentityFederationInfo": describe,
    "DisableOutboundWebIdentityFederation": disable,
}
REQUEST_KEYS["sts:GetWebIdentityToken"] = token_keys
sts.handle_request = handle
app._handle_pre_body_request = handle_documents

"""AssumeRoleWithWebIdentity of the twin's Commercial account, believing a token only after it has verified it.

ministack 1.5.33 decides by what a token says, whoever signed it. Here the token's issuer must be an OpenID Connect
provider of the account, its signature must be right by the keys which that issuer publishes, it must be of the present,
and for one audience, which the provider lists. Then the emulator evaluates the role's trust policy (`<host>:aud` and
`<host>:sub`) and issues the session.

AWS refuses tokens that its own partition issued. Here the two partitions are two processes, each with its own issuers,
and the Commercial one issues no tokens, so there is nothing to refuse.

Follows the STS API reference, the IAM User Guide "Setting up cross-partition identity federation", and messages in
public bug reports. Without: the provider's thumbprints (there is no TLS), PackedPolicySize and source identity.
Imported for its effect by commercial_account.py.
"""

import asyncio
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import jwt
from ministack.services import iam, sts
from policy_context import Parameters, parameters_of

Answer = tuple[int, dict[str, str], bytes]

ACTION = "AssumeRoleWithWebIdentity"
ALGORITHMS = frozenset({"RS256", "ES384"})
CACHE_SECONDS = 30
NO_KEY = (
    "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity "
    "documentation for requirements"
)
SHORTEST_SECONDS, DEFAULT_SECONDS = 900, 3600

handle_sts = sts.handle_request
# Straight to loopback, whatever proxy this machine has.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Issuer -> when its keys were fetched, and the keys by their id.
cached_keys: dict[str, tuple[float, dict[str, jwt.PyJWK]]] = {}


class RefusedError(Exception):
    """An error that STS answers."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = sts._error(status, code, escape(message), ns="sts")


class InvalidTokenError(RefusedError):
    def __init__(self, message: str) -> None:
        super().__init__(400, "InvalidIdentityToken", message)


async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Answer:
    """STS that verifies tokens. Only the Query protocol, like AWS."""
    if "amz-json" in headers.get("content-type", ""):
        return sts._error(400, "InvalidAction", "Could not find operation", ns="sts")
    params = parameters_of(body, query)
    if sts._p(params, "Action") != ACTION:
        return await handle_sts(method, path, headers, body, query)
    try:
        check_parameters(params)
        provider, claims = await asyncio.to_thread(verified, sts._p(params, "WebIdentityToken"))
        check_role(params)
    except RefusedError as refused:
        return refused.answer
    limits, invalid = sts._session_policies(params)
    if invalid:
        return invalid
    # Once more in one place, so that the emulator reads the token that was verified here.
    status, answer_headers, answer = await handle_sts(method, path, headers, urlencode(params, doseq=True).encode(), {})
    if status == 200:
        text = answer.decode()
        if any(limits.values()):
            sts._sessions[re.search(r"<AccessKeyId>(\w+)<", text)[1]]["SessionPolicies"] = limits
        truth = {
            "SubjectFromWebIdentityToken": claims["sub"],
            "Audience": audiences_of(claims)[0],
            "Provider": provider["Arn"],
        }
        for name, value in truth.items():
            text = re.sub(f"<{name}>.*?</{name}>", lambda _, n=name, v=value: f"<{n}>{escape(v)}</{n}>", text)
        answer = text.encode()
    return status, answer_headers, answer


def check_parameters(params: Parameters) -> None:
    for name, pattern in {"RoleArn": r".{20,2048}", "RoleSessionName": r"[\w+=,.@-]{2,64}"}.items():
        value = sts._p(params, name)
        if not re.fullmatch(pattern, value, re.ASCII):
            refuse_value(name, value, f"Member must satisfy regular expression pattern: {pattern}")
    seconds = sts._p(params, "DurationSeconds") or str(DEFAULT_SECONDS)
    if not seconds.isdecimal() or int(seconds) < SHORTEST_SECONDS:
        limit = f"Member must have value greater than or equal to {SHORTEST_SECONDS}"
        refuse_value("DurationSeconds", seconds, limit)


def refuse_value(name: str, value: str, constraint: str) -> None:
    sentence = f"1 validation error detected: Value '{value}' at '{name[0].lower() + name[1:]}' failed to satisfy "
    raise RefusedError(400, "ValidationError", f"{sentence}constraint: {constraint}")


def check_role(params: Parameters) -> None:
    """The role must trust the token, and allow a session as long as asked for."""
    role_arn = sts._p(params, "RoleArn")
    if len(role_arn.split(":")) < 6 or sts._web_identity_trust_denied(role_arn, params, False):
        raise RefusedError(403, "AccessDenied", f"Not authorized to perform sts:{ACTION}")
    longest = iam._roles[role_arn.rpartition("/")[2]]["MaxSessionDuration"]
    if int(sts._p(params, "DurationSeconds") or DEFAULT_SECONDS) > longest:
        sentence = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise RefusedError(400, "ValidationError", sentence)


def verified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The provider whose token this is, and its claims."""
    try:
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False, "verify_exp": False}).get("iss")
    except jwt.InvalidTokenError as error:
        raise InvalidTokenError(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        ) from error
    provider = provider_of(issuer)
    if header.get("alg") not in ALGORITHMS:
        raise InvalidTokenError(f"Unsupported signing algorithm: {header.get('alg')}")
    key = key_of(issuer, header.get("kid"))
    if key.algorithm_name != header["alg"]:
        raise InvalidTokenError("Token signature invalid")
    claims = checked_claims(token, key)
    audiences = audiences_of(claims)
    if len(audiences) != 1 or audiences[0] not in provider["ClientIDList"]:
        raise InvalidTokenError("Incorrect token audience")
    return provider, claims


def provider_of(issuer: Any) -> dict[str, Any]:
    for provider in iam._oidc_providers.values():
        if isinstance(issuer, str) and issuer == f"https://{without_scheme(provider['Url'])}":
            return provider
    raise InvalidTokenError(f"No OpenIDConnect provider found in your account for {issuer}")


def checked_claims(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    """The claims, once signature and times are right; the audience is not looked at."""
    required = {"require": ["aud", "exp", "iat", "iss", "sub"], "verify_aud": False}
    try:
        return jwt.decode(token, key, algorithms=[key.algorithm_name], options=required)
    except jwt.ExpiredSignatureError as error:
        expiry = jwt.decode(token, options={"verify_signature": False})["exp"]
        now, end = (f"{datetime.fromtimestamp(when, UTC):%Y%m%dT%H%M%SZ}" for when in (time.time(), int(expiry)))
        sentence = f"Token expired: current date/time {now} must be before the expiration date/time {end}"
        raise RefusedError(400, "ExpiredTokenException", sentence) from error
    except jwt.InvalidSignatureError as error:
        raise InvalidTokenError("Token signature invalid") from error
    except jwt.InvalidTokenError as error:  # not yet valid, or without a claim
        raise InvalidTokenError(str(error)) from error


def audiences_of(claims: dict[str, Any]) -> list[str]:
    return claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]


def key_of(issuer: str, key_id: Any) -> jwt.PyJWK:
    """The issuer's key of this id, fetched anew if the ones of a while ago do not have it."""
    fetched_at, keys = cached_keys.get(issuer, (0.0, {}))
    if key_id not in keys or time.monotonic() - fetched_at > CACHE_SECONDS:
        configuration = fetch(f"{issuer}/.well-known/openid-configuration")
        if configuration.get("issuer") != issuer:
            raise InvalidTokenError(NO_KEY)
        try:
            keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(fetch(str(configuration.get("jwks_uri")))).keys}
        except jwt.PyJWTError as error:
            raise InvalidTokenError(NO_KEY) from error
        cached_keys[issuer] = time.monotonic(), keys
    if key_id not in keys:
        raise InvalidTokenError(NO_KEY)
    return keys[key_id]


def fetch(url: str) -> dict[str, Any]:
    """A document of an issuer, from where its host stands on this machine."""
    address = f"{os.environ['OIDC_KEYS_URL']}/{without_scheme(url)}"
    try:
        with opener.open(address, timeout=5) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        error.close()
        raise InvalidTokenError(NO_KEY) from error
    except (OSError, http.client.HTTPException) as error:
        raise RefusedError(400, "IDPCommunicationError", "Error communicating to IdP") from error
    except ValueError as error:
        raise InvalidTokenError(NO_KEY) from error


def without_scheme(url: str) -> str:
    return url.removeprefix("https://").rstrip("/")


sts.handle_request = handle

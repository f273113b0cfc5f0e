"""Who may call the Commercial stand-in: its own credentials, and those of the Commercial account if there is one.

Its own may do everything. The account is asked at each request, so that a key that was deactivated fails at once, and
its credentials may do what its IAM says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.fakes.commercial_iam import Identity, refuse_denied
from tests.fakes.commercial_sigv4 import ALGORITHM, Claim, refusal
from tests.fakes.commercial_wire import FRONT_DOOR, BedrockError, Request

# Made up, and not of the form of real ones, so that no secret scanner mistakes them.
API_KEY = "ABSK-made-up-key-for-the-offline-twin"
ACCESS_KEY_ID = "AKIA-MADE-UP-TWIN"
SECRET_ACCESS_KEY = "made-up-secret-for-the-offline-twin"
SESSION_ACCESS_KEY_ID = "ASIA-MADE-UP-TWIN"
SESSION_TOKEN = "made-up-session-token-for-the-offline-twin"
DEFAULT_CREDENTIALS = {
    "api_keys": [API_KEY],
    "access_keys": [
        {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY},
        {
            "access_key_id": SESSION_ACCESS_KEY_ID,
            "secret_access_key": SECRET_ACCESS_KEY,
            "session_token": SESSION_TOKEN,
        },
    ],
}

# A credential and the Region of the request -> what the account says.
Ask = Callable[[Mapping[str, str], str], Identity]


@dataclass(frozen=True)
class AccessKey:
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Credentials:
    """What the stand-in accepts. Replaced as a whole, never changed: a rotation is one assignment."""

    api_keys: frozenset[str]
    access_keys: Mapping[str, AccessKey]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Credentials:
        """From {"api_keys": [...], "access_keys": [{...}]}; ValueError names what is wrong with it."""
        if extra := set(document) - {"api_keys", "access_keys"}:
            raise ValueError(f"unknown credential kinds: {sorted(extra)}")
        api_keys = document.get("api_keys", [])
        if not isinstance(api_keys, list) or not all(isinstance(key, str) and key for key in api_keys):
            raise ValueError("api_keys must be a list of strings")
        access_keys: dict[str, AccessKey] = {}
        for entry in document.get("access_keys", []):
            expires = entry.get("expires_at")
            try:
                key = AccessKey(**{**entry, "expires_at": datetime.fromisoformat(expires) if expires else None})
            except TypeError as error:
                raise ValueError(f"an access key has wrong fields: {error}") from error
            if key.expires_at and key.expires_at.tzinfo is None:
                raise ValueError("expires_at needs a time zone, for example 2026-11-22T12:00:00Z")
            access_keys[key.access_key_id] = key
        return cls(frozenset(api_keys), access_keys)


def verify(
    request: Request, credentials: Credentials, regions: Collection[str], now: datetime, ask: Ask | None = None
) -> None:
    """Return when the request may pass, else raise the error Bedrock answers."""
    header = request.header("authorization") or ""
    if header.startswith("Bearer "):
        _verify_api_key(header[7:], credentials, next(iter(regions)), ask)
    elif header.startswith(ALGORITHM):
        _verify_signature(Claim.parse(header, request), request, credentials, regions, now, ask)
    else:
        raise refusal("MissingAuthenticationTokenException", "Missing Authentication Token")


def principal_of(request: Request, account: str) -> str:
    """The ARN that logs would have for the stand-in's own credentials."""
    if request.header("x-amz-security-token"):
        return f"arn:aws:sts::{account}:assumed-role/router/twin"
    return f"arn:aws:iam::{account}:user/router"


def _verify_api_key(api_key: str, credentials: Credentials, region: str, ask: Ask | None) -> None:
    if api_key in credentials.api_keys:
        return
    identity = ask({"api_key": api_key}, region) if ask else None
    if identity is None or identity.status != "Active":
        sentence = "Authentication failed: Please make sure your API Key is valid."
        raise BedrockError(403, "AccessDeniedException", sentence, namespace=FRONT_DOOR, message_key="Message")
    refuse_denied(identity)


def _verify_signature(
    claim: Claim,
    request: Request,
    credentials: Credentials,
    regions: Collection[str],
    now: datetime,
    ask: Ask | None,
) -> None:
    claim.check_scope(regions)
    key, identity = credentials.access_keys.get(claim.access_key_id), None
    if key is None and ask:
        identity = ask({"access_key_id": claim.access_key_id}, claim.region)
        key = _access_key_of(identity, claim.access_key_id)
    # A missing, a wrong and a superfluous session token are one error at AWS: it does not say which part it disliked.
    if key is None or request.header("x-amz-security-token") != key.session_token:
        raise refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    if key.expires_at and key.expires_at <= now:
        raise _expired()
    claim.check_clock(now)
    claim.check_signature(key.secret_access_key, request)
    if identity:
        refuse_denied(identity)


def _access_key_of(identity: Identity, access_key_id: str) -> AccessKey | None:
    if identity.status == "Expired":
        raise _expired()
    if identity.status != "Active":
        return None
    return AccessKey(access_key_id, identity.secret_access_key, identity.session_token, identity.expires_at)


def _expired() -> BedrockError:
    return refusal("ExpiredTokenException", "The security token included in the request is expired")

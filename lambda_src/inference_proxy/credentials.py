"""The Commercial credential: read from Secrets Manager, cached with a maximum age, never shown.

The secret is one JSON object, ``{"bedrock_api_key": ..., "region"?: ...}`` (or the field names of earlier versions,
``bedrock_bearer_token`` and ``bearer_token``), or ``{"aws_access_key_id", "aws_secret_access_key",
"aws_session_token"?, "region"?}``; either may hold ``expires_at``. Keys go out exactly as they are stored.
"""

import base64
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from inference_proxy.aws_json import AwsJsonClient, AwsServiceError
from inference_proxy.errors import CredentialsMalformedError, CredentialsUnavailableError
from inference_proxy.models import Deadline
from inference_proxy.settings import COMMERCIAL_REGIONS, AwsKeys
from inference_proxy.signing import BearerSigner, Signer, SigV4Signer

_API_KEY_FIELDS = ("bedrock_api_key", "bedrock_bearer_token", "bearer_token")
_AWS_KEY_FIELDS = ("aws_access_key_id", "aws_secret_access_key")
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_READ_SECONDS = 2.5  # a hanging Secrets Manager costs this much, not the invocation
_RETRY_AFTER_SECONDS = 5  # how soon a failed read, or a forced one, is tried again
# An access key's id and secret joined: an old guide stored them so, and sent the secret out as a bearer token.
_JOINED_KEYS = re.compile(r"A[KS]IA[A-Z0-9]{16}:")
_SHORT_TERM_KEY = "bedrock-api-key-"  # before the base64 of a presigned URL


@dataclass(frozen=True, slots=True)
class Credential:
    """What signs a call to Commercial Bedrock. ``version`` is the secret's version id: safe to record."""

    signer: Signer
    auth_mode: str  # "api_key" or "aws_keys"
    region: str
    version: str
    expires_at: datetime | None = None  # None: nobody has said


class CredentialStore:
    """The current credential of one execution environment."""

    def __init__(self, secrets: AwsJsonClient, secret_id: str, default_region: str, max_age_seconds: float) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._default_region = default_region
        self._max_age_seconds = max_age_seconds
        self._cached: Credential | None = None
        self._cached_at = 0.0
        self._tried_at = float("-inf")
        self._outage_at = float("-inf")
        self.stale = False  # whether the last ``get`` had to fall back on an overdue credential

    def get(self, deadline: Deadline) -> Credential:
        """The credential, read again when it is older than the maximum age.

        While Secrets Manager is down an overdue credential still serves. Raises CredentialsUnavailableError when there
        is none, or when Secrets Manager says no: deleting the secret or denying it to the role is how an operator stops
        the crossing. Raises CredentialsMalformedError when the secret is not usable.
        """
        now = time.time()  # not the monotonic clock, which may stand still while Lambda is frozen
        if self._cached and now - self._cached_at < self._max_age_seconds:
            self.stale = False
            return self._cached
        if self._cached and now - self._outage_at < _RETRY_AFTER_SECONDS:
            self.stale = True
            return self._cached
        cached, self.stale = self._cached, False
        try:
            return self._read(deadline)
        except CredentialsUnavailableError as error:
            if not cached or not error.outage:
                raise
            self.stale = True
            return cached

    def replacement(self, refused: Credential, deadline: Deadline) -> Credential | None:
        """A newer credential than the one Commercial just refused, or None; reads at most every few seconds."""
        if self._cached and self._cached.version != refused.version:
            return self._cached
        if time.time() - self._tried_at < _RETRY_AFTER_SECONDS:
            return None
        try:
            credential = self._read(deadline)
        except (CredentialsUnavailableError, CredentialsMalformedError):
            return None
        return credential if credential.version != refused.version else None

    def _read(self, deadline: Deadline) -> Credential:
        self._tried_at = time.time()
        previous, self._cached = self._cached, None
        try:
            answer = self._secrets.call("GetSecretValue", {"SecretId": self._secret_id}, deadline.within(_READ_SECONDS))
        except AwsServiceError as error:
            if error.outage:
                self._cached, self._outage_at = previous, time.time()
            raise CredentialsUnavailableError(
                f"the Commercial credential cannot be read from Secrets Manager ({error.code}); "
                "store it with `make credential`, or check the execution role and the network",
                {"Retry-After": str(_RETRY_AFTER_SECONDS)},
                outage=error.outage,
            ) from None
        self._cached = parse_secret(
            str(answer.get("SecretString", "")), self._default_region, str(answer.get("VersionId", ""))
        )
        self._cached_at = time.time()
        return self._cached


def parse_secret(text: str, default_region: str, version: str) -> Credential:
    """The credential in a secret's value; raises CredentialsMalformedError, which quotes nothing of it."""
    try:
        secret = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("the secret's value is not JSON") from None
    if not isinstance(secret, dict):
        raise _malformed("the secret's value is not a JSON object")
    region = secret.get("region") or default_region
    if region not in COMMERCIAL_REGIONS:
        raise _malformed(f"`region` is not one of {', '.join(COMMERCIAL_REGIONS)}")
    expires_at = _expiry(secret)
    api_keys = [name for name in _API_KEY_FIELDS if secret.get(name)]
    if api_keys:
        api_key = _field(secret, api_keys[0])
        if _JOINED_KEYS.match(api_key) or _JOINED_KEYS.match(_decoded(api_key)):
            raise _malformed(f"`{api_keys[0]}` holds AWS access keys; store them as {' and '.join(_AWS_KEY_FIELDS)}")
        return Credential(BearerSigner(api_key), "api_key", region, version, expires_at or _end_of_short_term(api_key))
    if any(secret.get(name) for name in _AWS_KEY_FIELDS):
        token = _field(secret, "aws_session_token") if secret.get("aws_session_token") else None
        access_key_id, secret_access_key = (_field(secret, name) for name in _AWS_KEY_FIELDS)
        keys = AwsKeys(access_key_id, secret_access_key, token)
        return Credential(SigV4Signer(keys, region, "bedrock"), "aws_keys", region, version, expires_at)
    raise _malformed(f"it has neither {_API_KEY_FIELDS[0]} nor {' and '.join(_AWS_KEY_FIELDS)}")


def _expiry(secret: Mapping[str, object]) -> datetime | None:
    """The moment in ``expires_at``, None without one. It must name its time zone: some hours off are an outage."""
    value = secret.get("expires_at")
    if value in (None, ""):
        return None
    with suppress(ValueError):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment and moment.tzinfo:
            return moment
    raise _malformed("`expires_at` is not an ISO 8601 time with its time zone, such as 2027-01-31T00:00:00Z")


def _end_of_short_term(api_key: str) -> datetime | None:
    """When a short-term API key ends at the latest, as it says itself; the session that made it may end sooner."""
    if not api_key.startswith(_SHORT_TERM_KEY):
        return None
    query = parse_qs(_decoded(api_key.removeprefix(_SHORT_TERM_KEY)).partition("?")[2])
    with suppress(KeyError, ValueError, OverflowError):
        signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed_at + timedelta(seconds=int(query["X-Amz-Expires"][0]))
    return None


def _field(secret: Mapping[str, object], name: str) -> str:
    value = secret.get(name)
    if not isinstance(value, str) or not value:
        raise _malformed(f"`{name}` is missing or not text")
    if not _HEADER_SAFE.fullmatch(value):
        raise _malformed(f"`{name}` holds white space or characters that a header cannot carry")
    return value


def _decoded(text: str) -> str:
    """What base64 may hide, only to look at it: keys go out as they are stored."""
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except ValueError:
        return ""


def _malformed(problem: str) -> CredentialsMalformedError:
    return CredentialsMalformedError(f"the Commercial credential is malformed: {problem}")

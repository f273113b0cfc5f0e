"""The Commercial credential in Secrets Manager.

The secret is one JSON object, ``{"bedrock_api_key": ..., "region"?: ...}`` (or the field names of earlier versions,
``bedrock_bearer_token`` and ``bearer_token``), or ``{"aws_access_key_id", "aws_secret_access_key",
"aws_session_token"?, "region"?}``, or both in one; either may hold ``expires_at``. Keys go out exactly as they are
stored.
"""

import base64
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.clock import Clock
from inference_proxy.credentials import RETRY_AFTER_SECONDS, Credential
from inference_proxy.errors import CredentialsMalformedError, CredentialsUnavailableError
from inference_proxy.models import Deadline
from inference_proxy.settings import COMMERCIAL_REGIONS, AwsKeys
from inference_proxy.signing import BearerSigner, SigV4Signer

_API_KEY_FIELDS = ("bedrock_api_key", "bedrock_bearer_token", "bearer_token")
_AWS_KEY_FIELDS = ("aws_access_key_id", "aws_secret_access_key")
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_READ_SECONDS = 2.5  # a hanging Secrets Manager costs this much, not the invocation
# An access key's id and secret joined: an old guide stored them so, and sent the secret out as a bearer token.
_JOINED_KEYS = re.compile(r"A[KS]IA[A-Z0-9]{16}:")
_SHORT_TERM_KEY = "bedrock-api-key-"  # before the base64 of a presigned URL


class SecretSource:
    """Reads the secret. ``mode`` says which kind is meant where it holds both.

    A secret with one kind is taken as it is: in whatever order mode and secret change, there is no gap.
    """

    def __init__(
        self, secrets: AwsJsonClient, secret_id: str, mode: str, region: str, max_age_seconds: float, clock: Clock
    ) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._mode = mode
        self._region = region
        self._max_age_seconds = max_age_seconds
        self._clock = clock

    def read(self, deadline: Deadline) -> Credential:
        """The current version of the secret."""
        return self._read({"VersionStage": "AWSCURRENT"}, deadline)

    def read_version(self, version_id: str, deadline: Deadline) -> Credential:
        """A version of the secret by its id, whatever its stage."""
        return self._read({"VersionId": version_id}, deadline)

    def read_other(self, refused: Credential, deadline: Deadline) -> Credential | None:
        """The current version if it is a new one, else the pending one if there is one."""
        current = self.read(deadline)
        if current.version != refused.version:
            return current
        with suppress(CredentialsUnavailableError, CredentialsMalformedError):  # mostly there is none
            pending = self._read({"VersionStage": "AWSPENDING"}, deadline)
            return pending if pending.version != refused.version else None
        return None

    def _read(self, which: Mapping[str, str], deadline: Deadline) -> Credential:
        try:
            answer = self._secrets.call(
                "GetSecretValue", {"SecretId": self._secret_id, **which}, deadline.within(_READ_SECONDS)
            )
        except AwsServiceError as error:
            raise CredentialsUnavailableError(
                f"the Commercial credential cannot be read from Secrets Manager ({error.code}); "
                "store it with `make credential`, or check the execution role and the network",
                {"Retry-After": str(RETRY_AFTER_SECONDS)},
                outage=error.outage,
            ) from None
        version, text = str(answer.get("VersionId", "")), str(answer.get("SecretString", ""))
        return parse_secret(text, self._region, self._mode, version, self._max_age_seconds, self._clock)


def parse_secret(
    text: str, default_region: str, mode: str, version: str, max_age_seconds: float, clock: Clock
) -> Credential:
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
    read_at = time.time()
    renew_at = read_at + max_age_seconds
    api_key_fields = [name for name in _API_KEY_FIELDS if secret.get(name)]
    aws_key_fields = [name for name in _AWS_KEY_FIELDS if secret.get(name)]
    if aws_key_fields and (mode == "aws_keys" or not api_key_fields):
        token = _field(secret, "aws_session_token") if secret.get("aws_session_token") else None
        access_key_id, secret_access_key = (_field(secret, name) for name in _AWS_KEY_FIELDS)
        keys = AwsKeys(access_key_id, secret_access_key, token)
        aws_signer = SigV4Signer(keys, region, "bedrock", clock)
        return Credential(aws_signer, "aws_keys", region, version, read_at, renew_at, expires_at=expires_at)
    if not api_key_fields:
        raise _malformed(f"it has neither {_API_KEY_FIELDS[0]} nor {' and '.join(_AWS_KEY_FIELDS)}")
    api_key = _field(secret, api_key_fields[0])
    if _JOINED_KEYS.match(api_key) or _JOINED_KEYS.match(_decoded(api_key)):
        raise _malformed(f"`{api_key_fields[0]}` holds AWS access keys; store them as {' and '.join(_AWS_KEY_FIELDS)}")
    expires_at = expires_at or _end_of_short_term(api_key)
    return Credential(BearerSigner(api_key), "api_key", region, version, read_at, renew_at, expires_at=expires_at)


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

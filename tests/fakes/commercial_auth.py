"""Who is calling the Commercial stand-in: Bedrock API keys, and SigV4 recomputed from the raw request.

Written from the AWS pages "Create a signed AWS API request" and "Troubleshoot Signature Version 4 requests" (IAM User
Guide) and not from a signing library, so that a mistake in the signer under test cannot hide in the verifier as well.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote, unquote_plus

from tests.fakes.commercial_wire import FRONT_DOOR, BedrockError, Request

ALGORITHM = "AWS4-HMAC-SHA256"
CLOCK_SKEW = timedelta(minutes=15)
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


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
_CREDENTIAL_IN_QUERY = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&]*", re.IGNORECASE)


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


@dataclass(frozen=True)
class Caller:
    """Kind of authentication and a hint that tells two keys apart without giving either away."""

    kind: Literal["bearer", "sigv4", "none"]
    hint: str | None = None


def identify(request: Request) -> Caller:
    """What the caller claims to be, for the request log; nothing is verified here."""
    header = request.header("authorization") or ""
    if header.startswith("Bearer "):
        return Caller("bearer", hashlib.sha256(header[7:].encode("latin-1")).hexdigest()[:8])
    if header.startswith(ALGORITHM):
        return Caller("sigv4", (re.findall(r"Credential=([^/,]*)", header) or [""])[0][-4:])
    return Caller("none")


def redact(target: str) -> str:
    """A request target fit for a log: presigned URLs are refused here, but they arrive with their credential."""
    return _CREDENTIAL_IN_QUERY.sub(r"\1REDACTED", target)


def verify(request: Request, credentials: Credentials, regions: Collection[str], now: datetime) -> None:
    """Return when the request may pass, else raise the error Bedrock answers."""
    header = request.header("authorization") or ""
    if header.startswith("Bearer "):
        if header[7:] not in credentials.api_keys:
            sentence = "Authentication failed: Please make sure your API Key is valid."
            raise BedrockError(403, "AccessDeniedException", sentence, namespace=FRONT_DOOR, message_key="Message")
        return
    if not header.startswith(ALGORITHM):
        raise _refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    claim = _Claim.parse(header, request)
    claim.check_scope(regions)
    key = _access_key(claim.access_key_id, request, credentials, now)
    claim.check_clock(now)
    expected = claim.signature_with(key.secret_access_key, request)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode("latin-1")):
        raise _refusal("InvalidSignatureException", MISMATCH)


def _access_key(key_id: str, request: Request, credentials: Credentials, now: datetime) -> AccessKey:
    key = credentials.access_keys.get(key_id)
    # A missing, a wrong and a superfluous session token are one error at AWS: it does not say which part it disliked.
    if key is None or request.header("x-amz-security-token") != key.session_token:
        raise _refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
    if key.expires_at and key.expires_at <= now:
        raise _refusal("ExpiredTokenException", "The security token included in the request is expired")
    return key


@dataclass(frozen=True)
class _Claim:
    """The Authorization header of SigV4, taken apart."""

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str

    @classmethod
    def parse(cls, header: str, request: Request) -> _Claim:
        fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", header[len(ALGORITHM) :]))
        for name in ("Credential", "SignedHeaders", "Signature"):
            if name not in fields:
                raise _incomplete(f"Authorization header requires '{name}' parameter.")
        scope = fields["Credential"].split("/")
        if len(scope) != 5:
            raise _incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"
            )
        timestamp = request.header("x-amz-date") or ""
        if not re.fullmatch(r"\d{8}T\d{6}Z", timestamp):
            raise _incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        signed = tuple(fields["SignedHeaders"].split(";"))
        for name in ("host", "x-amz-date", "x-amz-security-token"):
            if request.header(name) is not None and name not in signed:
                raise _refusal(
                    "InvalidSignatureException", f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
                )
        key_id, date, region, service, terminator = scope
        return cls(key_id, date, region, service, terminator, signed, fields["Signature"], timestamp)

    def check_scope(self, regions: Collection[str]) -> None:
        if self.region not in regions:
            sentence = f"Credential should be scoped to a valid region, not '{self.region}'. "
        elif self.service != "bedrock":
            sentence = "Credential should be scoped to correct service: 'bedrock'. "
        elif self.terminator != "aws4_request":
            sentence = "Credential should be scoped with a valid terminator: 'aws4_request'. "
        elif self.date != self.timestamp[:8]:
            sentence = (
                f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {self.timestamp}"
            )
        else:
            return
        raise _refusal("InvalidSignatureException", sentence)

    def check_clock(self, now: datetime) -> None:
        try:
            signed_at = datetime.strptime(self.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:  # digits in the right places, but no such day or hour
            raise _incomplete(f"Date must be in ISO-8601 'basic format'. Got '{self.timestamp}'.") from error
        early, late = (f"{now + sign * CLOCK_SKEW:%Y%m%dT%H%M%SZ}" for sign in (-1, 1))
        stamp = f"{now:%Y%m%dT%H%M%SZ}"
        if now - signed_at > CLOCK_SKEW:
            sentence = f"Signature expired: {self.timestamp} is now earlier than {early} ({stamp} - 15 min.)"
            raise _refusal("InvalidSignatureException", sentence)
        if signed_at - now > CLOCK_SKEW:
            sentence = f"Signature not yet current: {self.timestamp} is still later than {late} ({stamp} + 15 min.)"
            raise _refusal("InvalidSignatureException", sentence)

    def signature_with(self, secret: str, request: Request) -> str:
        scope = f"{self.date}/{self.region}/{self.service}/{self.terminator}"
        canonical = hashlib.sha256(canonical_request(request, self.signed_headers).encode()).hexdigest()
        key = f"AWS4{secret}".encode()
        for part in (self.date, self.region, self.service, self.terminator):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"{ALGORITHM}\n{self.timestamp}\n{scope}\n{canonical}"
        return hmac.new(key, text.encode(), "sha256").hexdigest()


def canonical_request(request: Request, signed_headers: Collection[str]) -> str:
    """The body's own hash goes in, whatever x-amz-content-sha256 says: that is how a changed body is noticed."""
    pairs = (pair.partition("=") for pair in request.query.split("&") if pair)
    encoded = sorted((quote(unquote_plus(k), safe="-_.~"), quote(unquote_plus(v), safe="-_.~")) for k, _, v in pairs)
    headers = "".join(f"{name}:{' '.join((request.header(name) or '').split())}\n" for name in signed_headers)
    return "\n".join(
        (
            request.method,
            canonical_path(request.path),
            "&".join(f"{key}={value}" for key, value in encoded),
            headers,
            ";".join(signed_headers),
            request.body_sha256,
        )
    )


def canonical_path(path: str) -> str:
    """Every service but S3 normalises the path and encodes it once more: "%3A" as sent becomes "%253A"."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    tail = "/" if kept and path.endswith("/") else ""
    return quote("/" + "/".join(kept) + tail, safe="/-_.~")


def _refusal(error_type: str, message: str) -> BedrockError:
    return BedrockError(403, error_type, message, namespace=FRONT_DOOR)


def _incomplete(message: str) -> BedrockError:
    return BedrockError(400, "IncompleteSignatureException", message, namespace=FRONT_DOOR)

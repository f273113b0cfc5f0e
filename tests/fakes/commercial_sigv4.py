"""SigV4 of the Commercial stand-in, recomputed from the raw request.

Written from the AWS pages "Create a signed AWS API request" and "Troubleshoot Signature Version 4 requests" (IAM User
Guide) and not from a signing library, so that a mistake in the signer under test cannot hide in the verifier as well.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_plus

from tests.fakes.commercial_wire import FRONT_DOOR, BedrockError, Request

ALGORITHM = "AWS4-HMAC-SHA256"
CLOCK_SKEW = timedelta(minutes=15)
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True)
class Claim:
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
    def parse(cls, header: str, request: Request) -> Claim:
        fields = dict(re.findall(r"(Credential|SignedHeaders|Signature)=([^,\s]+)", header[len(ALGORITHM) :]))
        for name in ("Credential", "SignedHeaders", "Signature"):
            if name not in fields:
                raise incomplete(f"Authorization header requires '{name}' parameter.")
        scope = fields["Credential"].split("/")
        if len(scope) != 5:
            raise incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"
            )
        timestamp = request.header("x-amz-date") or ""
        if not re.fullmatch(r"\d{8}T\d{6}Z", timestamp):
            raise incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        signed = tuple(fields["SignedHeaders"].split(";"))
        for name in ("host", "x-amz-date", "x-amz-security-token"):
            if request.header(name) is not None and name not in signed:
                raise refusal(
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
        raise refusal("InvalidSignatureException", sentence)

    def check_clock(self, now: datetime) -> None:
        try:
            signed_at = datetime.strptime(self.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:  # digits in the right places, but no such day or hour
            raise incomplete(f"Date must be in ISO-8601 'basic format'. Got '{self.timestamp}'.") from error
        early, late = (f"{now + sign * CLOCK_SKEW:%Y%m%dT%H%M%SZ}" for sign in (-1, 1))
        stamp = f"{now:%Y%m%dT%H%M%SZ}"
        if now - signed_at > CLOCK_SKEW:
            sentence = f"Signature expired: {self.timestamp} is now earlier than {early} ({stamp} - 15 min.)"
            raise refusal("InvalidSignatureException", sentence)
        if signed_at - now > CLOCK_SKEW:
            sentence = f"Signature not yet current: {self.timestamp} is still later than {late} ({stamp} + 15 min.)"
            raise refusal("InvalidSignatureException", sentence)

    def check_signature(self, secret: str, request: Request) -> None:
        if not hmac.compare_digest(self._signature_with(secret, request).encode(), self.signature.encode("latin-1")):
            raise refusal("InvalidSignatureException", MISMATCH)

    def _signature_with(self, secret: str, request: Request) -> str:
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


def refusal(error_type: str, message: str) -> BedrockError:
    return BedrockError(403, error_type, message, namespace=FRONT_DOOR)


def incomplete(message: str) -> BedrockError:
    return BedrockError(400, "IncompleteSignatureException", message, namespace=FRONT_DOOR)

"""Proves who sends a request: a bearer key, or AWS Signature Version 4 through requests-aws4auth. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from requests_aws4auth import AWS4Auth

from inference_proxy.clock import Clock
from inference_proxy.settings import AwsKeys


class Signer(Protocol):
    """Adds the proof of identity to a request's headers."""

    def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers to send; ``url`` must be exactly what is sent."""
        ...


class BearerSigner:
    """A Bedrock API key, sent raw ("Use an Amazon Bedrock API key" in the Bedrock User Guide)."""

    def __init__(self, api_key: str) -> None:
        self._authorization = f"Bearer {api_key}"

    def __repr__(self) -> str:
        return "BearerSigner(***)"

    def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:  # noqa: ARG002
        """The headers with the key."""
        return {**headers, "Authorization": self._authorization}


class SigV4Signer:
    """AWS keys for one service in one region; derives the signing key once a day, not once a request."""

    def __init__(self, keys: AwsKeys, region: str, service: str, clock: Clock) -> None:
        self._clock = clock
        self._auth = AWS4Auth(
            keys.access_key_id, keys.secret_access_key, region, service, session_token=keys.session_token
        )

    def __repr__(self) -> str:
        return "SigV4Signer(***)"

    def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers with date, payload hash, session token and signature."""
        request = _Signable(method, url, dict(headers), body)
        if self._clock.skew_seconds:  # else AWS4Auth takes the local time
            request.headers["x-amz-date"] = self._clock.now().strftime("%Y%m%dT%H%M%SZ")
        self._auth(request)
        return request.headers


@dataclass(slots=True, repr=False)
class _Signable:
    """The four attributes of a prepared request that AWS4Auth reads."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

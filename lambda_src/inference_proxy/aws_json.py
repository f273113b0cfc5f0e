"""Calls GovCloud services that speak AWS JSON 1.0 or 1.1 (DynamoDB, Secrets Manager), without an SDK.

boto3 would add 225 ms to a cold start and 1 ms to each call; these services need a POST, a target header and a
signature. Calls are retried once, within their deadline, so each must be safe to repeat.
"""

import json
from collections.abc import Mapping
from typing import Any

from inference_proxy.connection import DeadlineError, TransportError
from inference_proxy.models import Deadline
from inference_proxy.signing import SigV4Signer
from inference_proxy.transport import Transport

_MAX_RESPONSE_BYTES = 8_000_000  # DynamoDB answers at most 1 MB of items
# Beginnings of the codes that say: not now.
_OUTAGE = (
    "Transport",
    "DeadlineExceeded",
    "Http5",
    "Throttling",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
)


class AwsServiceError(Exception):
    """The service said no, or could not be reached. ``code`` is its exception's name; the message quotes no data."""

    def __init__(self, service: str, operation: str, code: str) -> None:
        super().__init__(f"{service} {operation}: {code}")
        self.code = code

    @property
    def outage(self) -> bool:
        """Whether a second try could help: no answer, a 5xx or a throttle, rather than a refusal."""
        return self.code.startswith(_OUTAGE)


class AwsJsonClient:
    """One service at one endpoint."""

    def __init__(self, transport: Transport, url: str, signer: SigV4Signer, target: str, json_version: str) -> None:
        self.url = url
        self._transport = transport
        self._signer = signer
        self._target = target
        self._content_type = f"application/x-amz-json-{json_version}"

    def call(self, operation: str, arguments: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Call an operation; raises AwsServiceError, after one retry where a second try can help."""
        body = json.dumps(arguments, separators=(",", ":")).encode()
        try:
            return self._attempt(operation, body, deadline)
        except AwsServiceError as error:
            if deadline.remaining_seconds() <= 0 or not error.outage:
                raise
        return self._attempt(operation, body, deadline)

    def _attempt(self, operation: str, body: bytes, deadline: Deadline) -> dict[str, Any]:
        headers = {"X-Amz-Target": f"{self._target}.{operation}", "Content-Type": self._content_type}
        try:
            signed = self._signer.sign("POST", f"{self.url}/", headers, body)
            reply = self._transport.send(self.url, "POST", "/", signed, body, deadline)
            answer = json.loads(reply.read(_MAX_RESPONSE_BYTES) or b"{}")
        except DeadlineError:
            raise self._error(operation, "DeadlineExceeded") from None
        except TransportError as error:
            raise self._error(operation, f"Transport{type(error).__name__}") from error
        except ValueError:
            raise self._error(operation, "TransportNotJson") from None
        if reply.status != 200:
            code = str(answer.get("__type", "")).rpartition("#")[2] if isinstance(answer, dict) else ""
            raise self._error(operation, f"Http{reply.status}" if reply.status >= 500 or not code else code)
        if not isinstance(answer, dict):
            raise self._error(operation, "TransportNotJson")
        return answer

    def _error(self, operation: str, code: str) -> AwsServiceError:
        return AwsServiceError(self._target, operation, code)

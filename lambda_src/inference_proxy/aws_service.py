"""Calls AWS services without an SDK: what their protocols have in common.

boto3 would add 225 ms to a cold start and 1 ms to each call; these services need a POST and a signature. Calls are
retried once, within their deadline, so each must be safe to repeat.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from inference_proxy.clock import Clock
from inference_proxy.connection import DeadlineError, TransportError
from inference_proxy.models import Deadline
from inference_proxy.signing import Signer
from inference_proxy.transport import Reply, Transport

_MAX_RESPONSE_BYTES = 8_000_000  # DynamoDB answers at most 1 MB of items
# Beginnings of the codes that say: not now.
_OUTAGE = (
    "Transport",
    "DeadlineExceeded",
    "Http5",
    "IDPCommunicationError",  # STS could not fetch the issuer's keys
    "Throttling",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
)


class AwsServiceError(Exception):
    """The service said no, or could not be reached. ``code`` is its exception's name; the message quotes no data.

    ``answer`` is what the service said with it, which may hold data: to be read, never to be shown.
    """

    def __init__(self, service: str, operation: str, code: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{service} {operation}: {code}")
        self.code = code
        self.answer = answer or {}

    @property
    def outage(self) -> bool:
        """Whether a second try could help: no answer, a 5xx or a throttle, rather than a refusal."""
        return self.code.startswith(_OUTAGE)


class AwsService(ABC):
    """One service at one endpoint; a subclass knows the protocol. Without a signer calls go out unsigned."""

    def __init__(self, transport: Transport, url: str, name: str, signer: Signer | None, clock: Clock) -> None:
        self.url = url
        self._transport = transport
        self._name = name
        self._signer = signer
        self._clock = clock

    def call(self, operation: str, arguments: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Call an operation; raises AwsServiceError, after one retry where a second try can help."""
        headers, body = self._encode(operation, arguments)
        path = self._path(arguments)
        try:
            return self._attempt(operation, path, headers, body, deadline)
        except _ClockCorrectedError:
            pass
        except AwsServiceError as error:
            if deadline.remaining_seconds() <= 0 or not error.outage:
                raise
        return self._attempt(operation, path, headers, body, deadline)

    def _path(self, arguments: Mapping[str, Any]) -> str:  # noqa: ARG002 - a REST service has resources
        """The path of a call, percent-encoded."""
        return "/"

    @abstractmethod
    def _encode(self, operation: str, arguments: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """The headers and the body of a call."""

    @abstractmethod
    def _decode(self, body: bytes) -> dict[str, Any]:
        """The members of an answer; raises ValueError if it is not of the protocol."""

    @abstractmethod
    def _error_code(self, answer: Mapping[str, Any]) -> str:
        """The exception's name in the answer of a refusal, "" if there is none."""

    def _attempt(
        self, operation: str, path: str, headers: dict[str, str], body: bytes, deadline: Deadline
    ) -> dict[str, Any]:
        try:
            signed = self._signer.sign("POST", self.url + path, headers, body) if self._signer else headers
            reply = self._transport.send(self.url, "POST", path, signed, body, deadline)
            answer = self._decode(reply.read(_MAX_RESPONSE_BYTES))
        except DeadlineError:
            raise AwsServiceError(self._name, operation, "DeadlineExceeded") from None
        except TransportError as error:
            raise AwsServiceError(self._name, operation, f"Transport{type(error).__name__}") from error
        except ValueError:
            raise AwsServiceError(self._name, operation, "TransportGarbled") from None
        if reply.status != 200:
            raise self._refusal(operation, reply, answer)
        return answer

    def _refusal(self, operation: str, reply: Reply, answer: Mapping[str, Any]) -> AwsServiceError:
        code = self._error_code(answer)
        if reply.status >= 500 or not code:
            code = f"Http{reply.status}"
        kind = _ClockCorrectedError if self._clock.learn(code, reply.headers.get("date")) else AwsServiceError
        return kind(self._name, operation, code, answer)


class _ClockCorrectedError(AwsServiceError):
    """Refused for its date, which will be right the next time."""

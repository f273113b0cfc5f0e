"""Commercial Bedrock as the router sees it: where to send, how often to try, and what its failures mean."""

import time
from collections.abc import Callable
from dataclasses import replace

from inference_proxy.clock import Clock
from inference_proxy.connection import (
    ConnectError,
    DeadlineError,
    ReceiveError,
    ResolveError,
    ResponseTooLargeError,
    TlsError,
    TransportError,
)
from inference_proxy.credentials import Credential
from inference_proxy.errors import DeadlineExceededError
from inference_proxy.models import Deadline, Outcome, UpstreamAnswer, UpstreamCall
from inference_proxy.transport import Transport
from inference_proxy.upstream_errors import (
    UpstreamConnectionError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamResponseTooLargeError,
    UpstreamTimeoutError,
    UpstreamTlsError,
    UpstreamUnresolvableError,
)

_MAX_RESPONSE_BYTES = 5_000_000  # Lambda returns 6 MB, and a body grows when it is wrapped in JSON


class Bedrock:
    """Sends calls to Commercial Bedrock's control plane and runtime."""

    def __init__(self, transport: Transport, endpoint: Callable[[str, str], str], release: str, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._endpoint = endpoint  # (service, region) -> base URL
        self._product = f"cross-partition-router/{release}"

    def send(
        self,
        call: UpstreamCall,
        credential: Credential,
        audit_id: str,
        deadline: Deadline,
        outcome: Outcome,
        max_attempts: int = 2,
    ) -> UpstreamAnswer:
        """Send the call and return Bedrock's answer, whatever its status; notes what happened in ``outcome``.

        The audit id travels as part of the user agent, which CloudTrail in the Commercial account keeps.

        A second attempt is made only while nothing can have been acted on: the request was not out completely, it is a
        GET, or it was refused for the date of its signature, which is right the next time. Raises an UpstreamError when
        there is no answer that can be believed.
        """
        url = self._endpoint(call.service, credential.region)
        outcome.endpoint = url.partition("://")[2]
        outcome.destination_region = credential.region
        outcome.auth_mode = credential.auth_mode
        outcome.credential_version = credential.version
        call = replace(call, headers={**call.headers, "User-Agent": f"{self._product} audit/{audit_id}"})
        if deadline.remaining_seconds() <= 0:
            raise DeadlineExceededError("no time was left to send the request; nothing was sent")
        started = time.monotonic()
        try:
            for attempt in range(1, max_attempts + 1):
                outcome.attempts += 1
                try:
                    answer = self._attempt(url, call, credential, deadline)
                    outcome.sent = True
                    if answer.ok or not self._clock.learn(answer.error_type, answer.headers.get("date")):
                        break
                except TransportError as error:
                    outcome.sent = outcome.sent or error.sent
                    repeatable = not error.sent or (call.method == "GET" and isinstance(error, ReceiveError))
                    if attempt == max_attempts or not repeatable or deadline.remaining_seconds() <= 0:
                        raise _upstream_error(error) from error
        finally:
            outcome.clock_skew_seconds = self._clock.skew_seconds or None
            outcome.upstream_latency_ms = (outcome.upstream_latency_ms or 0) + round(
                (time.monotonic() - started) * 1000
            )
        outcome.response_bytes += len(answer.body)
        outcome.upstream_request_id = answer.headers.get("x-amzn-requestid")
        return answer

    def _attempt(self, url: str, call: UpstreamCall, credential: Credential, deadline: Deadline) -> UpstreamAnswer:
        headers = credential.signer.sign(call.method, url + call.target, call.headers, call.body)
        reply = self._transport.send(url, call.method, call.target, headers, call.body, deadline)
        return UpstreamAnswer(reply.status, reply.headers, reply.read(_MAX_RESPONSE_BYTES))


def _upstream_error(error: TransportError) -> UpstreamError:
    match error:
        case DeadlineError():
            return UpstreamTimeoutError("Commercial Bedrock did not answer in the time API Gateway leaves")
        case ResolveError():
            return UpstreamUnresolvableError("the host name of Commercial Bedrock does not resolve; check DNS")
        case TlsError():
            return UpstreamTlsError("the TLS handshake with Commercial Bedrock failed; it is never skipped")
        case ConnectError():
            return UpstreamConnectionError("Commercial Bedrock cannot be reached; check the egress path")
        case ResponseTooLargeError():
            return UpstreamResponseTooLargeError(f"Bedrock's answer is larger than {_MAX_RESPONSE_BYTES} bytes")
        case ReceiveError():
            return UpstreamConnectionError(
                "the connection broke before the whole answer had come; the call may have been served and billed"
            )
    return UpstreamProtocolError("what came back from Commercial Bedrock is not a valid HTTP answer")

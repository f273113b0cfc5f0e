"""Takes a crossing over the boundary: intent, credential, send, outcome (steps 4 to 7 of a request's walk)."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from inference_proxy.audit import AuditTrail
from inference_proxy.bedrock import Bedrock, check_believable
from inference_proxy.credentials import Credential, CredentialStore
from inference_proxy.errors import AuditUnavailableError, PolicyDeniedError, ProxyError
from inference_proxy.models import Crossing, Outcome, UpstreamAnswer, UpstreamCall
from inference_proxy.telemetry import Telemetry

_FINISH_SECONDS = 1.0  # kept free at the end of a request for writing its outcome
_REFUSED = (401, 403)
_TOKEN_HEADERS = {
    "input_tokens": "x-amzn-bedrock-input-token-count",
    "output_tokens": "x-amzn-bedrock-output-token-count",
    "cache_read_input_tokens": "x-amzn-bedrock-cache-read-input-token-count",
    "cache_write_input_tokens": "x-amzn-bedrock-cache-write-input-token-count",
}


def sha256_hex(body: bytes) -> str:
    """The fingerprint of a payload, as the audit record keeps it."""
    return hashlib.sha256(body).hexdigest()


class Passage:
    """An open crossing whose intent is recorded; what is sent through it adds up in its outcome."""

    def __init__(
        self, crossing: Crossing, credentials: CredentialStore, bedrock: Bedrock, telemetry: Telemetry
    ) -> None:
        self.outcome = Outcome()
        self._crossing = crossing
        self._credentials = credentials
        self._bedrock = bedrock
        self._telemetry = telemetry

    def send(self, call: UpstreamCall) -> UpstreamAnswer:
        """Sign and send one call; return Bedrock's answer, whatever its status.

        A 401 or 403 is followed by one second try if there is another credential: nothing was served.
        Raises a BoundaryError (nothing sent) or an UpstreamError.
        """
        deadline = self._crossing.request.deadline.earlier(_FINISH_SECONDS)
        credential = self._credentials.get(deadline)
        if self._credentials.stale:
            self._telemetry.count("StaleCredentials")
        answer = self._bedrock.send(call, credential, self._crossing.audit_id, deadline, self.outcome)
        if answer.status in _REFUSED:
            other = self._credentials.other(credential, deadline)
            if other:
                answer = self._bedrock.send(
                    call, other, self._crossing.audit_id, deadline, self.outcome, max_attempts=1
                )
                if answer.status not in _REFUSED:
                    self._credentials.keep(other)
        return self._believed(call, answer)

    def send_with(self, credential: Credential, call: UpstreamCall) -> UpstreamAnswer:
        """The same with one credential and no other."""
        deadline = self._crossing.request.deadline.earlier(_FINISH_SECONDS)
        answer = self._bedrock.send(call, credential, self._crossing.audit_id, deadline, self.outcome)
        return self._believed(call, answer)

    def _believed(self, call: UpstreamCall, answer: UpstreamAnswer) -> UpstreamAnswer:
        self._note(answer)  # first: what cannot be believed may have been billed all the same
        check_believable(answer, call.headers.get("Accept", "application/json"))
        return answer

    def _note(self, answer: UpstreamAnswer) -> None:
        outcome = self.outcome
        outcome.state = "COMPLETED"
        outcome.status_code = answer.status
        outcome.error_code = None if answer.ok else (answer.error_type or f"Http{answer.status}")
        for field, header in _TOKEN_HEADERS.items():
            value = answer.headers.get(header, "")
            if value.isdecimal() and len(value) < 16:
                setattr(outcome, field, int(value))


class Boundary:
    """The only way out: nothing reaches Commercial Bedrock but through a passage, and each has its record."""

    def __init__(self, audit: AuditTrail, credentials: CredentialStore, bedrock: Bedrock, telemetry: Telemetry) -> None:
        self._audit = audit
        self._credentials = credentials
        self._bedrock = bedrock
        self._telemetry = telemetry

    @contextmanager
    def passage(self, crossing: Crossing) -> Iterator[Passage]:
        """Record the intent, let the body of the ``with`` send, record the outcome.

        Raises PolicyDeniedError, with the denial on record, and AuditUnavailableError; nothing is sent then. What the
        body raises is recorded as the outcome and raised again.
        """
        deadline = crossing.request.deadline
        if not crossing.decision.allowed:
            self._telemetry.count("DeniedCrossings")
            self._record(lambda: self._audit.deny(crossing, PolicyDeniedError.status, PolicyDeniedError.code, deadline))
            raise PolicyDeniedError(f"{crossing.decision.reason} (rule {crossing.decision.rule})")
        self._record(lambda: self._audit.begin(crossing, deadline.earlier(_FINISH_SECONDS)))
        passage = Passage(crossing, self._credentials, self._bedrock, self._telemetry)
        try:
            yield passage
        except ProxyError as error:
            self._fail(passage.outcome, error.code, error.status)
            raise
        except BaseException:
            self._fail(passage.outcome, "InternalError", 500)
            raise
        finally:
            self._finish(crossing, passage.outcome)

    def _record(self, write: Callable[[], None]) -> None:
        try:
            write()
        except AuditUnavailableError:
            self._telemetry.count("AuditWriteFailures")
            raise

    @staticmethod
    def _fail(outcome: Outcome, code: str, status: int) -> None:
        outcome.state, outcome.error_code, outcome.status_code = "FAILED", code, status

    def _finish(self, crossing: Crossing, outcome: Outcome) -> None:
        self._telemetry.tokens(outcome.input_tokens, outcome.output_tokens)
        since = crossing.started_at if crossing.crossing_id else crossing.request.received_at
        latency_ms = round((datetime.now(UTC) - since).total_seconds() * 1000)
        try:
            self._audit.finish(crossing, outcome, latency_ms, crossing.request.deadline)
        except AuditUnavailableError as error:
            # The answer still goes out: it has been paid for, and the STARTED record stays as evidence.
            self._telemetry.count("AuditWriteFailures")
            self._telemetry.warning("audit outcome not written", crossing.audit_id, error.code)

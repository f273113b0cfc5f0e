"""Takes a crossing over the boundary: intent, credential, send, outcome (steps 4 to 7 of a request's walk)."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from inference_proxy.audit import AuditTrail
from inference_proxy.bedrock import Bedrock
from inference_proxy.credentials import Credential, CredentialStore
from inference_proxy.errors import AuditUnavailableError, PolicyDeniedError, ProxyError
from inference_proxy.inspection import inspect, note_headers
from inference_proxy.models import Crossing, Deadline, Outcome, UpstreamAnswer, UpstreamCall
from inference_proxy.telemetry import Telemetry

_FINISH_SECONDS = 1.0  # kept free at the end of a request for writing its outcome
_REFUSED = (401, 403)
_SIDE_BY_SIDE = 8


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
        return self._exchange(call, self._deadline, self.outcome)

    def send_all(self, calls: Sequence[UpstreamCall], seconds: float) -> list[UpstreamAnswer | None]:
        """Send calls that ask for little and carry nothing side by side; None where no answer came within ``seconds``.

        The first goes ahead of the others, so that they need not find the credential out. The outcome is that of the
        worst, with all attempts, bytes and the longest time.
        """
        deadline = self._deadline.within(seconds)

        def one(call: UpstreamCall) -> tuple[UpstreamAnswer | None, Outcome]:
            outcome = Outcome()
            try:
                return self._exchange(call, deadline, outcome), outcome
            except ProxyError as error:
                outcome.state, outcome.error_code, outcome.status_code = "FAILED", error.code, error.status
                return None, outcome

        results = [one(calls[0])]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            results += pool.map(one, calls[1:])
        outcomes = [outcome for _, outcome in results]
        self.outcome = replace(
            max(outcomes, key=lambda outcome: (outcome.state == "FAILED", outcome.status_code or 0)),
            attempts=sum(outcome.attempts for outcome in outcomes),
            response_bytes=sum(outcome.response_bytes for outcome in outcomes),
            upstream_latency_ms=max(outcome.upstream_latency_ms or 0 for outcome in outcomes),
        )
        return [answer for answer, _ in results]

    def send_with(self, credential: Credential, call: UpstreamCall) -> UpstreamAnswer:
        """The same as ``send`` with one credential and no other."""
        answer = self._bedrock.send(call, credential, self._crossing.audit_id, self._deadline, self.outcome)
        return _believed(call, answer, self.outcome)

    @property
    def _deadline(self) -> Deadline:
        return self._crossing.request.deadline.earlier(_FINISH_SECONDS)

    def _exchange(self, call: UpstreamCall, deadline: Deadline, outcome: Outcome) -> UpstreamAnswer:
        credential = self._credentials.get(deadline)
        if self._credentials.stale:
            self._telemetry.count("StaleCredentials")
        answer = self._bedrock.send(call, credential, self._crossing.audit_id, deadline, outcome)
        if answer.status in _REFUSED:
            other = self._credentials.other(credential, deadline)
            if other:
                answer = self._bedrock.send(call, other, self._crossing.audit_id, deadline, outcome, max_attempts=1)
                if answer.status not in _REFUSED:
                    self._credentials.keep(other)
        return _believed(call, answer, outcome)


def _believed(call: UpstreamCall, answer: UpstreamAnswer, outcome: Outcome) -> UpstreamAnswer:
    note_headers(answer, outcome)  # first: what cannot be believed may have been billed all the same
    inspect(answer, call.acceptable, outcome)
    return answer


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

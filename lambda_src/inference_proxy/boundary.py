"""Takes a crossing over the boundary: intent, credential, send, outcome (steps 4 to 7 of a request's walk)."""

import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from inference_proxy.audit import AuditTrail
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.bedrock import Bedrock
from inference_proxy.credentials import CredentialStore
from inference_proxy.decisions import Decision
from inference_proxy.errors import (
    AuditUnavailableError,
    GuardrailUnavailableError,
    LimitExceededError,
    LimitsUnavailableError,
    PolicyDeniedError,
    PolicyUnavailableError,
    ProxyError,
)
from inference_proxy.estimate import most_output_tokens
from inference_proxy.limits import LimitCounters
from inference_proxy.models import Crossing, Outcome
from inference_proxy.passage import BARRED_REGION, FINISH_SECONDS, Passage, why_barred
from inference_proxy.telemetry import Telemetry

_SETTLE_SECONDS = 3.0
_BYTES_PER_TOKEN = 4  # about; where Bedrock does not say how many there were
# What is the boundary's own fault rather than the request's, by rule.
_UNAVAILABLE = {
    "policy.unusable": PolicyUnavailableError,
    "limits.unavailable": LimitsUnavailableError,
    "guardrails.unavailable": GuardrailUnavailableError,
}


def sha256_hex(body: bytes) -> str:
    """The fingerprint of a payload, as the audit record keeps it."""
    return hashlib.sha256(body).hexdigest()


def refusal(decision: Decision) -> ProxyError:
    """The error that a denial is answered with: its rule, and what to change."""
    message = f"{decision.reason} (rule {decision.rule})"
    if decision.retry_after_seconds is not None:
        return LimitExceededError(message, {"Retry-After": str(decision.retry_after_seconds)})
    unavailable = _UNAVAILABLE.get(decision.rule)
    return unavailable(message, {"Retry-After": "5"}) if unavailable else PolicyDeniedError(message)


class DryRunError(Exception):
    """What would have crossed, in place of crossing."""

    def __init__(self, crossing: Crossing) -> None:
        super().__init__(crossing.audit_id)
        self.crossing = crossing


class Boundary:
    """The only way out: nothing reaches Commercial Bedrock but through a passage, and each has its record."""

    def __init__(
        self,
        audit: AuditTrail,
        credentials: CredentialStore,
        bedrock: Bedrock,
        counters: LimitCounters,
        telemetry: Telemetry,
    ) -> None:
        self._audit = audit
        self._counters = counters
        self._credentials = credentials
        self._bedrock = bedrock
        self._telemetry = telemetry

    @contextmanager
    def passage(self, crossing: Crossing) -> Iterator[Passage]:
        """Record the intent, let the body of the ``with`` send, record the outcome.

        Raises the refusal of a decision that denies, with the denial on record, and AuditUnavailableError; nothing is
        sent then, nor in a dry run, which raises DryRunError. What the body raises is recorded as the outcome and
        raised again.
        """
        deadline = crossing.request.deadline
        if crossing.request.dry_run:
            raise DryRunError(self._rehearsed(crossing))
        if crossing.decision.marking:
            self._telemetry.count("MarkingsFound")
        if not crossing.decision.allowed:
            denial = refusal(crossing.decision)
            if not isinstance(denial, LimitExceededError):  # LimitedRequests: allowed, but too often
                self._telemetry.count("DeniedCrossings")
            self._telemetry.model(crossing, served=False)
            self._record(lambda: self._audit.deny(crossing, denial.status, denial.code, deadline))
            raise denial
        self._record(lambda: self._audit.begin(crossing, deadline.earlier(FINISH_SECONDS)))
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

    def _rehearsed(self, crossing: Crossing) -> Crossing:
        """The crossing with what is only decided once the credential is known."""
        decision = crossing.decision
        barred = decision.allowed and why_barred(decision, self._credentials.get(crossing.request.deadline).region)
        if not barred:
            return crossing
        return replace(crossing, decision=replace(decision, allowed=False, rule=BARRED_REGION, reason=barred))

    def _record(self, write: Callable[[], None]) -> None:
        try:
            write()
        except AuditUnavailableError:
            self._telemetry.count("AuditWriteFailures")
            raise

    @staticmethod
    def _fail(outcome: Outcome, code: str, status: int) -> None:
        outcome.state = "DENIED" if outcome.denied_by else "FAILED"
        outcome.error_code, outcome.status_code = code, status

    def _finish(self, crossing: Crossing, outcome: Outcome) -> None:
        self._telemetry.model(crossing, served=outcome.success)
        self._telemetry.tokens(outcome.input_tokens, outcome.output_tokens)
        settling = self._settling(crossing, outcome)
        since = crossing.begun if crossing.crossing_id else crossing.request.arrived
        latency_ms = round((time.monotonic() - since) * 1000)
        try:
            self._audit.finish(crossing, outcome, latency_ms, crossing.request.deadline)
        except AuditUnavailableError as error:
            # The answer still goes out: it has been paid for. The STARTED record stays as evidence, until the
            # reconciler closes it.
            self._telemetry.count("AuditWriteFailures")
            self._telemetry.outcome_lost(crossing.audit_id, outcome, error.code)
        if settling:
            settling.join()

    def _settling(self, crossing: Crossing, outcome: Outcome) -> threading.Thread | None:
        """Counts the tokens of a crossing beside the writing of its outcome."""
        tokens = _tokens(crossing, outcome) if crossing.counts_tokens else 0
        if not tokens:
            return None

        def settle() -> None:
            try:
                deadline = crossing.request.deadline.within(_SETTLE_SECONDS)
                self._counters.settle(crossing.request.caller.principal_arn, tokens, deadline)
            except AwsServiceError as error:
                self._telemetry.count("LimitFailures")
                self._telemetry.warning("tokens not counted", crossing.audit_id, error.code)

        settling = threading.Thread(target=settle, name="settle-tokens")
        settling.start()
        return settling


def _tokens(crossing: Crossing, outcome: Outcome) -> int:
    """How many tokens a crossing used. Where Bedrock does not say, and may have run the model, by bytes and bound."""
    known = (outcome.input_tokens, outcome.output_tokens, outcome.cache_write_input_tokens)
    if any(tokens is not None for tokens in known):
        return sum(tokens or 0 for tokens in known)
    refused = outcome.state == "COMPLETED" and (outcome.status_code or 0) >= 400
    if refused or not outcome.sent:
        return 0
    answered = outcome.response_bytes / _BYTES_PER_TOKEN
    # An answer that was broken off, or waited for in vain, may have become as long as it was allowed to.
    most = most_output_tokens(crossing.body) or 0 if outcome.state == "FAILED" else 0
    return math.ceil(crossing.request_bytes / _BYTES_PER_TOKEN + max(answered, most))

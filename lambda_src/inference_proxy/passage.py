"""An open crossing: the credential, the call, what came back (steps 5 and 6 of a request's walk)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from inference_proxy.bedrock import Bedrock
from inference_proxy.credentials import Credential, CredentialStore
from inference_proxy.decisions import Decision
from inference_proxy.errors import PolicyDeniedError, ProxyError
from inference_proxy.inspection import inspect, note_headers
from inference_proxy.models import Crossing, Deadline, Outcome, UpstreamAnswer, UpstreamCall
from inference_proxy.patterns import Patterns
from inference_proxy.telemetry import Telemetry

FINISH_SECONDS = 1.0  # kept free at the end of a request for writing its outcome
_REFUSED = (401, 403)
_SIDE_BY_SIDE = 8
BARRED_REGION = "destinations.regions"


def why_barred(decision: Decision, region: str) -> str | None:
    """Why the policy lets nothing go to a region's endpoint; None if it does."""
    if Patterns(decision.regions).matches(region):
        return None
    return f"the credential is for {region}, which the policy bars"


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
        self._check_region(credential, self.outcome)
        answer = self._bedrock.send(call, credential, self._crossing.audit_id, self._deadline, self.outcome)
        return _believed(call, answer, self.outcome)

    @property
    def _deadline(self) -> Deadline:
        return self._crossing.request.deadline.earlier(FINISH_SECONDS)

    def _exchange(self, call: UpstreamCall, deadline: Deadline, outcome: Outcome) -> UpstreamAnswer:
        credential = self._credentials.get(deadline)
        self._check_region(credential, outcome)
        if self._credentials.stale:
            self._telemetry.count("StaleCredentials")
        answer = self._bedrock.send(call, credential, self._crossing.audit_id, deadline, outcome)
        if answer.status in _REFUSED:
            other = self._credentials.other(credential, deadline)
            if other:
                self._check_region(other, outcome)
                answer = self._bedrock.send(call, other, self._crossing.audit_id, deadline, outcome, max_attempts=1)
                if answer.status not in _REFUSED:
                    self._credentials.keep(other)
        return _believed(call, answer, outcome)

    def _check_region(self, credential: Credential, outcome: Outcome) -> None:
        barred = why_barred(self._crossing.decision, credential.region)
        if barred:
            outcome.denied_by = BARRED_REGION
            raise PolicyDeniedError(f"{barred} (rule {BARRED_REGION})")


def _believed(call: UpstreamCall, answer: UpstreamAnswer, outcome: Outcome) -> UpstreamAnswer:
    note_headers(answer, outcome)  # first: what cannot be believed may have been billed all the same
    inspect(answer, call.acceptable, outcome)
    return answer

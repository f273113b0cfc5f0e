"""What a request passes before its intent is recorded: the policy, the caller's limits, the guardrail before egress."""

from dataclasses import dataclass, replace

from inference_proxy.aws_service import AwsServiceError
from inference_proxy.decisions import NO_LIMITS, Decision
from inference_proxy.guardrail import GuardrailClient, GuardrailError, TooMuchTextError
from inference_proxy.limits import Exceeded, LimitCounters
from inference_proxy.masking import masked
from inference_proxy.models import Request
from inference_proxy.policy import Admission, Asked
from inference_proxy.policy_document import CallerRule, Guardrail
from inference_proxy.policy_store import PolicyStore
from inference_proxy.telemetry import Telemetry

_COUNT_SECONDS = 2.0
_SCREEN_SECONDS = 10.0
_RECORD_SECONDS = 2.0  # kept free: a denial has to go on record


@dataclass(frozen=True, slots=True)
class Clearance:
    """The decision once everything was asked, and the body as it may cross."""

    decision: Decision
    body: bytes
    commercial_guardrail: Guardrail | None = None  # that the call has to carry
    counts_tokens: bool = False  # what Bedrock says of tokens is to be counted
    guardrail_action: str | None = None  # NONE, MASKED or BLOCKED
    guardrail_latency_ms: int | None = None


class Gate:
    """Lets requests pass, or not. What it denies goes on record with whoever asked, like every crossing."""

    def __init__(
        self, policies: PolicyStore, counters: LimitCounters, guardrail: GuardrailClient, telemetry: Telemetry
    ) -> None:
        self._policies = policies
        self._counters = counters
        self._guardrail = guardrail
        self._telemetry = telemetry

    def admit(self, request: Request, asked: Asked) -> Admission:
        """The first half of the decision: by what the request itself says."""
        return self._policies.admit(request, asked)

    def clear(self, request: Request, admission: Admission, decision: Decision) -> Clearance:
        """Count an allowed request against the limits of its caller, and have its text screened if that is wanted.

        ``decision`` is the whole one, model included. A dry run is neither counted nor screened.
        """
        clearance = Clearance(decision, admission.asked.body)
        rule, policy = admission.rule, admission.policy
        if rule is None or policy is None or not decision.allowed:
            return clearance
        clearance = replace(clearance, commercial_guardrail=policy.commercial_guardrail(admission.asked))
        if request.dry_run:
            return clearance
        limits = rule.limits
        decision = self._counted(request, rule, decision, policy.document.limits_when_unavailable)
        has_token_limit = limits.tokens_per_minute is not None or limits.tokens_per_day is not None
        counts_tokens = has_token_limit and admission.asked.runs_a_model
        clearance = replace(clearance, decision=decision, counts_tokens=counts_tokens)
        guardrail = policy.document.guardrail_before_egress
        if decision.allowed and guardrail:
            return self._screened(request, clearance, admission, guardrail)
        return clearance

    def _counted(self, request: Request, rule: CallerRule, decision: Decision, when_unavailable: str) -> Decision:
        if rule.limits == NO_LIMITS:
            return decision
        deadline = request.deadline.within(_COUNT_SECONDS)
        try:
            exceeded = self._counters.admit(request.caller.principal_arn, rule.limits, deadline)
        except AwsServiceError as error:
            self._telemetry.count("LimitFailures")
            self._telemetry.warning("limits not counted", request.request_id, error.code)
            return uncounted(decision, when_unavailable)
        if exceeded is None:
            return decision
        self._telemetry.count("LimitedRequests")
        return over_limit(decision, rule.name, exceeded)

    def _screened(
        self, request: Request, clearance: Clearance, admission: Admission, guardrail: Guardrail
    ) -> Clearance:
        decision, body = clearance.decision, clearance.body
        # What has no place that a mask could be put back into.
        fixed = ["\n".join(admission.asked.beside), admission.content.long_numbers() if admission.content else ""]
        texts = [*fixed, *(admission.content.texts() if admission.content else ())]
        texts = list(dict.fromkeys(text for text in texts if text.strip()))
        if not texts:
            return clearance  # it only reads
        deadline = request.deadline.earlier(_RECORD_SECONDS).within(_SCREEN_SECONDS)
        try:
            screening = self._guardrail.screen(guardrail.identifier, guardrail.version, texts, deadline)
        except TooMuchTextError:
            reason = f"the guardrail cannot screen this much text in {_SCREEN_SECONDS:.0f} s; send less of it at once"
            return replace(clearance, decision=_denied(decision, "guardrails.before_egress", reason))
        except GuardrailError as error:
            self._telemetry.count("GuardrailFailures")
            self._telemetry.warning("guardrail gave no verdict", request.request_id, error.code)
            reason = "the guardrail that screens requests before they cross gives no verdict; try again later"
            return replace(clearance, decision=_denied(decision, "guardrails.unavailable", reason))
        self._telemetry.guardrail_latency(screening.latency_ms)
        action, sent = screening.action, body
        if action == "MASKED":
            masks = dict(zip(texts, screening.texts, strict=True))
            can_mask = guardrail.mode == "mask" and all(masks.pop(text, text) == text for text in fixed)
            changed = masked(body, masks) if can_mask else None
            action, sent = ("MASKED", changed) if changed is not None else ("BLOCKED", body)
        if action == "BLOCKED":
            reason = "the guardrail that screens requests before they cross objects to this text"
            decision = _denied(decision, "guardrails.before_egress", reason)
        return replace(
            clearance,
            decision=decision,
            body=sent,
            guardrail_action=action,
            guardrail_latency_ms=screening.latency_ms,
        )


def uncounted(decision: Decision, when_unavailable: str) -> Decision:
    """The decision where the counters of the caller's limits cannot be reached."""
    if when_unavailable == "allow":
        return decision
    return _denied(decision, "limits.unavailable", "the counters of your limits cannot be reached; try again")


def over_limit(decision: Decision, rule_name: str, exceeded: Exceeded) -> Decision:
    """The denial of a request that one of its caller's limits stands against."""
    unit, _, period = exceeded.limit.partition("_per_")
    reason = f"you may send {exceeded.most} {unit} a {period}; try again in {exceeded.retry_after_seconds} s"
    denial = _denied(decision, f"callers.{rule_name}.limits.{exceeded.limit}", reason)
    return replace(denial, retry_after_seconds=exceeded.retry_after_seconds)


def _denied(decision: Decision, rule: str, reason: str) -> Decision:
    return replace(decision, allowed=False, rule=rule, reason=reason)

"""Decides whether a request may cross, and says by which rule: deny by default, and no I/O."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from inference_proxy.classification import Classifications
from inference_proxy.commercial_guardrail import check_guardrail
from inference_proxy.content import Content
from inference_proxy.decisions import Decision, Denied, GuardrailAs
from inference_proxy.markings import Markings
from inference_proxy.model_rules import ModelRules
from inference_proxy.models import Request
from inference_proxy.patterns import Patterns
from inference_proxy.policy_document import MOST_REQUEST_BYTES, CallerRule, Guardrail, PolicyDocument, Price
from inference_proxy.profiles import Resolution, named_model

_PARTITIONS = ("aws", "aws-us-gov")
_UNKNOWN = "the policy has no entry for you; its owner can add one"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants of Commercial: to have this body processed, by this model; or only to read, with neither."""

    body: bytes = b""
    beside: tuple[str, ...] = ()  # what crosses beside the body: values of headers, the query
    model_id: str = ""
    guardrail_as: GuardrailAs = "none"  # how the operation takes a guardrail of Commercial's

    @property
    def runs_a_model(self) -> bool:
        """Whether a model works on the body."""
        return bool(self.model_id) and self.guardrail_as != "no model runs"


@dataclass(frozen=True, slots=True)
class Admission:
    """The first half of a decision, made before Bedrock's lists are asked; and what it was made of."""

    policy: "Policy | None"
    asked: Asked
    decision: Decision
    rule: CallerRule | None = None  # the entry that has the caller
    content: Content | None = None  # of the body

    def into(self, resolution: Resolution) -> Decision:
        """The whole decision, now that it is known what the model's id stands for."""
        if self.policy is None or self.rule is None or not self.decision.allowed:
            return self.decision
        try:
            self.policy.models.check(self.asked.model_id, resolution, self.rule)
        except Denied as denied:
            return _denial(self.decision, denied)
        return self.decision


class Policy:
    """The rules of one policy document."""

    def __init__(self, document: PolicyDocument) -> None:
        self.document = document
        self.models = ModelRules(document)
        self._classifications = Classifications(document)
        self._markings = Markings(document.markings)
        principals = [
            (spelling, rule)
            for rule in document.callers
            for principal in rule.principals
            for spelling in _spellings(principal)
        ]
        self._principals = Patterns(spelling for spelling, _ in principals)
        self._rules = [rule for _, rule in principals]
        self._auditors = Patterns(spelling for principal in document.auditors for spelling in _spellings(principal))

    @property
    def version(self) -> str:
        """The SHA-256 of the document, which every record names."""
        return self.document.version

    def caller(self, principal_arn: str) -> CallerRule | None:
        """The first entry that has this principal."""
        position = self._principals.first(_account_last(principal_arn))
        return None if position is None else self._rules[position]

    def audits(self, principal_arn: str) -> bool:
        """Whether this principal sees the audit records of all callers."""
        return self._auditors.matches(_account_last(principal_arn))

    def admit(self, request: Request, asked: Asked) -> Admission:
        """Decide by all that the request itself says: its caller, size, label, text, and the name of its model."""
        rule = self.caller(request.caller.principal_arn)
        decision = Decision(False, "callers.unknown", _UNKNOWN, self.version, self.document.regions)
        if rule is None:
            return Admission(self, asked, decision)
        decision = replace(decision, allowed=True, rule=f"callers.{rule.name}", reason="the caller's entry allows it")
        content = Content(asked.body) if asked.body else None
        try:
            self._check_term(rule)
            if content:
                self._check_size(rule, len(asked.body))
                label, source = self._classifications.label(request.headers, content, rule)
                decision = replace(decision, classification=label, classification_source=source)
            decision = replace(decision, marking=self._marking(asked.beside, content))
            self._check_marking(decision.marking)
            if content and asked.model_id:
                self.models.check_named(asked.model_id, content, rule)
                check_guardrail(self.commercial_guardrail(asked), asked.guardrail_as, request.headers, content)
        except Denied as denied:
            decision = _denial(decision, denied)
        return Admission(self, asked, decision, rule, content)

    def commercial_guardrail(self, asked: Asked) -> Guardrail | None:
        """The guardrail of Commercial's that a call must carry; where no model runs there is nothing to guard."""
        return self.document.commercial_guardrail if asked.runs_a_model else None

    def most_bytes(self, principal_arn: str) -> int:
        """How large the body of a principal's request may be."""
        rule = self.caller(principal_arn)
        return min(self.document.max_request_bytes, (rule and rule.max_request_bytes) or MOST_REQUEST_BYTES)

    def guardrails(self) -> dict[str, dict[str, str]] | None:
        """The guardrails that the policy wants, as callers may know of them."""
        wanted = {
            "beforeEgress": self.document.guardrail_before_egress,
            "commercial": self.document.commercial_guardrail,
        }
        named = {place: asdict(guardrail) for place, guardrail in wanted.items() if guardrail}
        return {place: {name: text for name, text in each.items() if text} for place, each in named.items()} or None

    def price(self, model_id: str) -> Price | None:
        """The first price that is for a model."""
        _, name = named_model(model_id)
        return next((price for price in self.document.prices if Patterns(price.models).matches(name)), None)

    @staticmethod
    def _check_term(rule: CallerRule) -> None:
        if rule.expires_at and datetime.now(UTC) >= rule.expires_at:
            until = rule.expires_at.strftime("%Y-%m-%d %H:%M")
            raise Denied(f"callers.{rule.name}.expired", f"your access ended at {until} UTC; ask for a new term")

    def _check_size(self, rule: CallerRule, size: int) -> None:
        for name, most in (
            (f"callers.{rule.name}.max_request_bytes", rule.max_request_bytes),
            ("max_request_bytes", self.document.max_request_bytes),
        ):
            if most is not None and size > most:
                raise Denied(name, f"the request's body has {size} bytes and may have {most}; send less at once")

    def _check_marking(self, marking: str | None) -> None:
        if marking and self.document.marking_mode == "block":
            reason = f'a line of the request carries the marking "{marking}"; what is marked so may not cross'
            raise Denied("markings", reason)

    def _marking(self, beside: Iterable[str], content: Content | None) -> str | None:
        if self.document.marking_mode == "off":
            return None
        contents = [*(Content(text.encode(errors="replace")) for text in beside), *([content] if content else ())]
        return self._markings.find(chain.from_iterable(each.texts() for each in contents))


def _spellings(principal: str) -> tuple[str, ...]:
    """The patterns of a principal, its account last: a ``*`` for the account must not reach into a user's path."""
    if principal == "*":
        return (principal,)
    partition = principal.split(":")[1]
    return tuple(
        _account_last(principal.replace(":*:", f":{name}:", 1)) if partition == "*" else _account_last(principal)
        for name in (_PARTITIONS if partition == "*" else (partition,))
    )


def _account_last(arn: str) -> str:
    """An ARN as ``<partition>:<service>:<resource>\\n<account>``; no ARN has a line's end in it."""
    _, partition, service, _, account, resource = [*arn.split(":", 5), *[""] * 5][:6]
    return f"{partition}:{service}:{resource}\n{account}"


def _denial(decision: Decision, denied: Denied) -> Decision:
    return replace(decision, allowed=False, rule=denied.rule, reason=denied.reason)

"""The words of a decision: what the policy says of a request, and by which rule."""

from dataclasses import dataclass
from typing import Literal

# How an operation takes a guardrail of Commercial Bedrock's: in its headers, or in a member of the body.
GuardrailAs = Literal["none", "headers", "member", "no model runs"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one principal may send; None: as much as it likes. Tokens are input and output together."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None


NO_LIMITS = Limits()


class Denied(Exception):  # noqa: N818 - no error, but what a rule of the policy says
    """A rule of the policy says no. ``reason`` tells the caller what to change, and nothing of anybody else's rules."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of a crossing, by which rule, and why."""

    allowed: bool
    rule: str
    reason: str
    policy_version: str | None = None  # the SHA-256 of its document
    regions: tuple[str, ...] = ("*",)  # patterns of those whose endpoints may be called
    classification: str | None = None
    classification_source: str | None = None  # "header", "requestMetadata" or "caller"
    marking: str | None = None  # the pattern that a line of the text has
    retry_after_seconds: int | None = None  # a limit is reached, until then

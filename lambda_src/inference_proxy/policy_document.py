"""The parts of the boundary's policy. terraform/application/policies/README.md describes it member by member."""

from dataclasses import dataclass
from datetime import datetime

from inference_proxy.decisions import NO_LIMITS, Limits

MOST_REQUEST_BYTES = 4_500_000  # Lambda takes 6 MB, of which base64 leaves three quarters


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One version of a guardrail; ``mode`` is "screen" or "mask" where it is asked before egress."""

    identifier: str
    version: str
    mode: str = ""


@dataclass(frozen=True, slots=True)
class CallerRule:
    """One entry of ``callers``: who it is for, and what they may do. None: nothing beyond what is for everybody."""

    name: str
    principals: tuple[str, ...]
    classification: str | None = None
    classifications: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    max_request_bytes: int | None = None
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of some models cost, in US dollars; None: nobody has said what those of a cache do."""

    models: tuple[str, ...]
    input_usd: float
    output_usd: float
    cache_read_usd: float | None = None
    cache_write_usd: float | None = None


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """The policy, checked. ``version`` is the SHA-256 of its text."""

    version: str
    classifications: tuple[str, ...]
    classification_header: str | None
    classification_metadata: str | None
    allowed_models: tuple[str, ...]
    denied_models: tuple[str, ...]
    regions: tuple[str, ...]
    global_profiles: bool
    marking_mode: str
    markings: tuple[str, ...]
    max_request_bytes: int
    limits_when_unavailable: str
    guardrail_before_egress: Guardrail | None
    commercial_guardrail: Guardrail | None
    callers: tuple[CallerRule, ...]
    auditors: tuple[str, ...]  # principals who see the records of all callers
    prices: tuple[Price, ...]

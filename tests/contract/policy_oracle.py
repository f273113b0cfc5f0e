"""What a policy says of a request, read off the document's description rule by rule: slow, naive, and nobody's code.

The router decides by other means; tests compare the two.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TAKES_NO_GUARDRAIL = ("StartAsyncInvoke", "Responses", "Messages")
ENDPOINT_REGION = "us-east-1"


@dataclass(frozen=True)
class Named:
    """An id that callers may give, and what it stands for."""

    id: str
    model: str | None = None  # the foundation model; None: the id does not say, and neither do the lists
    regions: tuple[str, ...] = (ENDPOINT_REGION,)  # where it may run
    anywhere: bool = False  # and anywhere else in the world
    is_listed: bool = True  # Bedrock's lists say what it stands for
    says_global: bool = False  # by its own name
    is_untraceable: bool = False  # a prompt or a router: it leads to anything


@dataclass(frozen=True)
class Asked:
    """A request, as far as a policy is concerned with it."""

    principal: str
    operation: str
    named: Named | None  # None: it runs no model
    text: str
    body_bytes: int
    labels: tuple[str, ...] = ()  # every value that declares one, header lines of one name joined
    names_another_model: bool = False


def objections(policy: Mapping[str, Any], asked: Asked, now: datetime) -> set[str]:
    """Every rule that stands against a request; none: it is allowed."""
    entry = caller(policy, asked.principal)
    if entry is None:
        return {"callers.unknown"}
    return {
        *_term(entry, now),
        *_size(policy, entry, asked.body_bytes),
        *_classification(policy, entry, asked.labels),
        *_marking(policy["markings"], asked.text),
        *(_model(policy, entry, asked, asked.named) if asked.named else ()),
    }


def caller(policy: Mapping[str, Any], principal: str) -> Mapping[str, Any] | None:
    """The first entry that has a principal."""
    entries = (entry for entry in policy["callers"] if _any(entry["principals"], principal, any_case=False))
    return next(entries, None)


def marking(markings: Mapping[str, Any], text: str) -> str | None:
    """The first pattern that a line has, of patterns and lines without any decoration."""
    if markings["mode"] == "off":
        return None
    for line in text.splitlines():
        for pattern in markings["patterns"]:
            begins = pattern.endswith("*")
            if line.startswith(pattern[:-1]) if begins else line == pattern:
                return str(pattern)
    return None


def _term(entry: Mapping[str, Any], now: datetime) -> Iterator[str]:
    # Both forms sort as text, and a date before every moment of its day.
    if now.strftime("%Y-%m-%dT%H:%M:%SZ") >= entry.get("expires_at", "9"):
        yield f"callers.{entry['name']}.expired"


def _size(policy: Mapping[str, Any], entry: Mapping[str, Any], size: int) -> Iterator[str]:
    if size > entry.get("max_request_bytes", size):
        yield f"callers.{entry['name']}.max_request_bytes"
    if size > policy.get("max_request_bytes", 4_500_000):
        yield "max_request_bytes"


def _classification(policy: Mapping[str, Any], entry: Mapping[str, Any], values: Sequence[str]) -> Iterator[str]:
    labels = {value.strip(" \t").lower() for value in values if value.isascii()}
    labels = {label for label in labels if _LABEL.fullmatch(label)}
    if any(value.strip(" \t").lower() not in labels for value in values):
        yield "classifications.unreadable"
    labels |= {entry["classification"]} if "classification" in entry else set()
    if not values and not labels:
        yield "classifications.required"
    if not labels <= set(policy["classifications"]["allowed"]):
        yield "classifications.allowed"
    if len(labels) > 1:
        yield "classifications.conflict"
    if not labels <= set(entry.get("classifications", labels)):
        yield f"callers.{entry['name']}.classification"


def _marking(markings: Mapping[str, Any], text: str) -> Iterator[str]:
    if markings["mode"] == "block" and marking(markings, text):
        yield "markings"


def _model(policy: Mapping[str, Any], entry: Mapping[str, Any], asked: Asked, named: Named) -> Iterator[str]:
    denied, destinations = policy["models"].get("deny", []), policy["destinations"]
    if asked.names_another_model:
        yield "models.conflict"
    if named.model and _any(denied, named.model):
        yield "models.deny"
    for rule, patterns in (
        ("models.allow", policy["models"]["allow"]),
        (f"callers.{entry['name']}.models", entry.get("models", ["*"])),
    ):
        # What hides its model might be a denied one.
        allowed = _any(patterns, named.model) if named.model else "*" in patterns and not denied
        if not allowed:
            yield rule
    yield from _destination(destinations, named, counts_only=asked.operation == "CountTokens" and named.is_listed)
    if policy.get("guardrails", {}).get("commercial") and asked.operation in _TAKES_NO_GUARDRAIL:
        yield "guardrails.commercial"


def _destination(destinations: Mapping[str, Any], named: Named, *, counts_only: bool) -> Iterator[str]:
    may_be_anywhere = destinations.get("global_profiles", False)
    # Tokens are counted where the request is sent, by the model itself; but "global" is a word.
    regions = (ENDPOINT_REGION,) if counts_only else named.regions
    if not may_be_anywhere and (named.says_global or (named.anywhere and not counts_only)):
        yield "destinations.global_profiles"
    if not may_be_anywhere and named.is_untraceable:
        yield "destinations.unknown"
    if not all(_any(destinations["regions"], region) for region in regions):
        yield "destinations.regions"


def _any(patterns: Iterable[str], text: str, *, any_case: bool = True) -> bool:
    """Whether one has the text, `*` being any text."""
    flags = re.IGNORECASE if any_case else 0
    return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, flags) for pattern in patterns)

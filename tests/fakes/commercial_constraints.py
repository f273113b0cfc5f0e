"""What Bedrock says of a member or a parameter that is not as its service model has it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.commercial_wire import ValidationError

TAGS_LIMIT = 200
_TAG = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*")


def invalid(name: str, constraint: str, value: str | None = None) -> ValidationError:
    """The error of a member that breaks a constraint; without `value` it does not repeat what it was."""
    said = "Value" if value is None else f"Value '{value}'"
    return ValidationError(
        f"1 validation error detected: {said} at '{name}' failed to satisfy constraint: {constraint}"
    )


def check_choice(given: Mapping[str, Any], name: str, allowed: Sequence[str]) -> None:
    """Raise if a member is there and has no value it may have."""
    if name in given and given[name] not in allowed:
        raise invalid(name, f"Member must satisfy enum value set: [{', '.join(allowed)}]", str(given[name]))


def check_text(given: Mapping[str, Any], name: str, pattern: re.Pattern[str], length: int) -> None:
    """Raise if a member is there and is no text of at most that length which the pattern matches."""
    if name not in given:
        return
    value = given[name]
    if not isinstance(value, str) or len(value) > length or not pattern.fullmatch(value):
        raise invalid(name, f"Member must satisfy regular expression pattern: {pattern.pattern}")


def check_present(given: Mapping[str, Any], name: str, kind: type) -> None:
    """Raise if a member is missing, or of another kind."""
    if not isinstance(given.get(name), kind):
        raise invalid(name, "Member must not be null")


def check_tags(given: Mapping[str, Any]) -> None:
    """Raise if `tags` is there and is no list of at most 200 {"key", "value"} with the characters that tags have."""
    tags = given.get("tags", [])
    if not isinstance(tags, list) or len(tags) > TAGS_LIMIT:
        raise invalid("tags", f"Member must have length less than or equal to {TAGS_LIMIT}")
    for tag in tags:
        if not isinstance(tag, dict) or set(tag) != {"key", "value"} or not tag["key"]:
            raise invalid("tags", "Member must have a key and a value")
        check_text(tag, "key", _TAG, 128)
        check_text(tag, "value", _TAG, 256)

"""Reads a JSON document member by member and collects what is wrong with it, each problem with its path."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
Check = Callable[[Any], T]  # the value as it is meant; raises a Problem


class Problem(ValueError):  # noqa: N818 - what is wrong with a document, not with the router
    """What is wrong with one value; the reader adds where it stands."""


class DocumentError(Exception):
    """The document is no good: every problem at once, ``path: problem``, one a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class DocumentReader:
    """Collects problems while the members are read; ``None`` stands for what is missing or wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def report(self, path: str, problem: str) -> None:
        """Add a problem."""
        self.problems.append(f"{path}: {problem}")

    def raise_if_wrong(self) -> None:
        """Raise DocumentError if there is any problem."""
        if self.problems:
            raise DocumentError(self.problems)

    def members(
        self, value: object, path: str, required: Iterable[str], optional: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The members of an object. What is unknown is a problem, not overlooked; so is null: most members restrict."""
        required, optional = list(required), list(optional)
        known = [*required, *optional]
        if not isinstance(value, dict):
            self.report(path or "policy", "must be an object")
            return {}
        prefix = f"{path}." if path else ""
        unknown = sorted(value.keys() - set(known))
        if unknown:
            self.report(path or "policy", f"has unknown members: {', '.join(unknown)}; known are {', '.join(known)}")
        for name in required:
            if value.get(name) is None:
                self.report(f"{prefix}{name}", "is required")
        for name in optional:
            if name in value and value[name] is None:
                self.report(f"{prefix}{name}", "has no value; leave it out, or give it one")
        return {name: member for name, member in value.items() if name in known and member is not None}

    def items(self, value: object, path: str, *, may_be_empty: bool = False) -> list[tuple[str, Any]]:
        """The items of a list, each with its path."""
        if not isinstance(value, list):
            self.report(path, "must be a list")
            return []
        if not value and not may_be_empty:
            self.report(path, "must not be empty")
        return [(f"{path}[{position}]", item) for position, item in enumerate(value)]

    def value(self, members: Mapping[str, Any], path: str, check: Check[T]) -> T | None:
        """One member by the last part of its path, checked; None if it is missing or wrong."""
        value = members.get(path.rpartition(".")[2])
        return None if value is None else self.checked(value, path, check)

    def values(
        self, members: Mapping[str, Any], path: str, check: Check[T], *, may_be_empty: bool = False
    ) -> tuple[T, ...] | None:
        """One member that is a list, each item checked; None if it is missing."""
        value = members.get(path.rpartition(".")[2])
        if value is None:
            return None
        items = self.items(value, path, may_be_empty=may_be_empty)
        checked = [self.checked(item, item_path, check) for item_path, item in items]
        return tuple(item for item in checked if item is not None)

    def checked(self, value: object, path: str, check: Check[T]) -> T | None:
        """A value, checked; None if it is wrong."""
        try:
            return check(value)
        except Problem as problem:
            self.report(path, str(problem))
            return None


def text(pattern: str, problem: str) -> Check[str]:
    """A check for text of a form."""
    form = re.compile(pattern)

    def check(value: Any) -> str:
        if isinstance(value, str) and form.fullmatch(value):
            return value
        raise Problem(problem)

    return check


def choice(values: Mapping[Any, T], problem: str) -> Check[T]:
    """A check for one of a few values; what each stands for."""

    def check(value: Any) -> T:
        for known, meaning in values.items():
            if type(value) is type(known) and value == known:
                return meaning
        raise Problem(problem)

    return check


def whole_number(least: int, most: int) -> Check[int]:
    """A check for a whole number; 5.0 is one, as JSON knows no difference."""

    def check(value: Any) -> int:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and least <= value <= most and value == int(value):
            return int(value)
        raise Problem(f"must be a whole number from {least} to {most}")

    return check


def parse_json(document: str) -> Any:
    """The value of a JSON text; raises DocumentError where it is none, or an object names a member twice."""

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        if len(found) != len(members):
            raise Problem("an object names a member twice")
        return found

    def refuse(_constant: str) -> NoReturn:
        raise Problem("holds a number that JSON does not have")

    try:
        return json.loads(document, object_pairs_hook=pairs, parse_constant=refuse)
    except Problem as problem:
        raise DocumentError([f"policy: {problem}"]) from None
    except (ValueError, RecursionError):
        raise DocumentError(["policy: is not JSON"]) from None

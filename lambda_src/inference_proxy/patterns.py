"""Patterns as IAM writes them: a ``*`` is any text, everything else itself. Ours, to look thousands up at once."""

from collections.abc import Iterable
from functools import lru_cache


class Patterns:
    """Patterns in an order. A text is looked up by what stands before the first star, not pattern by pattern."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact: dict[str, int] = {}
        # By literal beginning: the position of each pattern, and its parts behind the first star.
        self._starred: dict[str, list[tuple[int, list[str]]]] = {}
        for position, pattern in enumerate(patterns):
            beginning, *parts = pattern.split("*")
            if parts:
                self._starred.setdefault(beginning, []).append((position, parts))
            else:
                self._exact.setdefault(beginning, position)
        self._lengths = sorted({len(beginning) for beginning in self._starred})
        # Callers and models are few: those of a moment ago are known already.
        self._known = lru_cache(maxsize=1024)(self._find)

    def first(self, text: str) -> int | None:
        """The position of the first pattern that matches, None if none does."""
        return self._known(text)

    def _find(self, text: str) -> int | None:
        found = self._exact.get(text)
        for length in self._lengths:
            if length > len(text):
                break
            for position, parts in self._starred.get(text[:length], ()):
                if found is not None and position > found:
                    break
                if _follow(text, length, parts):
                    found = position
                    break
        return found

    def matches(self, text: str) -> bool:
        """Whether any pattern matches."""
        return self.first(text) is not None


def _follow(text: str, start: int, parts: list[str]) -> bool:
    """Whether the parts follow one another in the text, with anything between them, and the last one ends it."""
    *middle, last = parts
    for part in middle:
        found = text.find(part, start)
        if found < 0:
            return False
        start = found + len(part)
    return len(text) - len(last) >= start and text.endswith(last)

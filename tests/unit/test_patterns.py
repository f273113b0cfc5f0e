"""Patterns: the first that matches, found by index, is the first that fnmatch would find one by one."""

import re

from hypothesis import given
from hypothesis import strategies as st

from inference_proxy.patterns import Patterns

PATTERN = st.text(alphabet="ab*", max_size=6)
TEXT = st.text(alphabet="ab", max_size=8)


def one_by_one(patterns: list[str], text: str) -> int | None:
    """The same, as a reader of the policy would do it."""
    for position, pattern in enumerate(patterns):
        if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text):
            return position
    return None


@given(st.lists(PATTERN, max_size=12), TEXT)
def test_the_index_finds_what_a_reader_finds(patterns: list[str], text: str) -> None:
    assert Patterns(patterns).first(text) == one_by_one(patterns, text)


def test_only_the_star_is_special() -> None:
    patterns = Patterns(["a.b", "c[d]?", "(e)*"])
    assert [patterns.first(text) for text in ("a.b", "axb", "c[d]?", "cd", "(e)f", "ef")] == [0, None, 1, None, 2, None]


def test_many_stars_take_no_longer() -> None:
    assert not Patterns(["*a" * 60 + "b"]).matches("a" * 5_000)

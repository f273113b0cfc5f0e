"""Finds classification banners and portion marks at the beginning of lines.

Where they stand and how they are written is in DoD Manual 5200.01, Volume 2, and in 32 CFR 2002.20 with the CUI Marking
Handbook: banners are lines of their own, portion marks come first in their paragraph, both are in capitals, and `//`
parts their elements. Prose that speaks of markings is none.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice

# Capitals of Greek, Cyrillic, Armenian, Cherokee, Lisu and Coptic, and slashes, after "confusables" of Unicode
# Technical Standard 39; and small capitals. What Unicode calls a form of a letter (full width, bold, in a circle) needs
# no row.
# fmt: off
_LOOK_ALIKES = {
    "A": "\u0391\u0410\u13aa\ua4ee\u1d00", "B": "\u0392\u0412\u13f4\ua4d0\u0299\u2c82",
    "C": "\u03f9\u0421\u13df\ua4da\u1d04\u2ca4", "D": "\u13a0\ua4d3\u1d05", "E": "\u0395\u0415\u13ac\ua4f0\u1d07",
    "F": "\u03dc\ua4dd\ua730", "G": "\u050c\u13c0\ua4d6\u0262", "H": "\u0397\u041d\u13bb\ua4e7\u029c\u2c8e",
    "I": "\u0399\u0406\u04c0\ua4f2\u026a\u2c92", "J": "\u037f\u0408\u13ab\ua4d9\u1d0a",
    "K": "\u039a\u041a\u13e6\ua4d7\u1d0b\u2c94", "L": "\u13de\ua4e1\u029f", "M": "\u039c\u041c\u13b7\ua4df\u1d0d\u2c98",
    "N": "\u039d\ua4e0\u0274\u2c9a", "O": "\u039f\u041e\u0555\ua4f3\u1d0f\u2c9e",
    "P": "\u03a1\u0420\u13e2\ua4d1\u1d18\u2ca2", "Q": "\u051a", "R": "\u13a1\u13d2\ua4e3\u0280",
    "S": "\u0405\u054f\u13da\ua4e2\ua731", "T": "\u03a4\u0422\u13a2\ua4d4\u1d1b\u2ca6", "U": "\u054d\ua4f4\u1d1c",
    "V": "\u0474\u13d9\ua4e6\u1d20", "W": "\u051c\u13b3\ua4ea\u1d21", "X": "\u03a7\u0425\ua4eb\u2cac",
    "Y": "\u03a5\u04ae\u13bd\ua4ec\u028f\u2ca8", "Z": "\u0396\u13c3\ua4dc\u1d22",
    "/": "\u2044\u2215\u2571\u27cb\u29f8\u1735\u2041\u2cc6\u3033\u31d3", "//": "\u2afd",
}
# fmt: on
# By category of Unicode, or its first letter: what cannot be seen is nothing, signs and foreign punctuation decorate.
_SEEN_AS = {"Pd": "-", "Zl": "\n", "Zp": "\n", "C": "", "M": "", "Z": " ", "P": "*", "S": "*"}
_MOST_REMEMBERED = 20_000  # characters; no text in earnest has so many
_BATCH_TEXTS = 200  # one search through many short texts costs less than many searches

_ENDS = r"\n\r\v\f\x1c-\x1e"  # of lines, with those that are seen as \n
_ODD = re.compile(rf"[^\t{_ENDS} -~][^\t{_ENDS} -~]*+")
# What quoting, mark-up, lists and comments put in front of a line; `;` and `%` only if a blank follows.
_MARKS = r""" \t>*#_~=|"'`+-"""
_TAG = rf"</?[A-Za-z][^<>{_ENDS}]*+>|&[A-Za-z]{{2,8}};"
_BEFORE = re.compile(rf"(?:[{_MARKS}]++|{_TAG}|<!--|/[/*]++|[;%]++(?=[ \t]))*+")
_BEHIND = rf"(?:[/{_MARKS}]++|{_TAG}|,,++)*+(?=[{_ENDS}]|\Z)"
_NUMBERS = (
    rf"(?:\(?(?:[0-9]{{1,6}}+[.):]?+|(?:[A-Za-z]|[ivx]{{2,4}}+)[.)])[{_MARKS}]*+){{0,6}}"  # of a paragraph or line
)
# What tools that show files put before a line: its number, with a column, and the file's name before that; grep has a
# dash behind each in lines of context. And brackets.
_PLACE = (
    rf"(?:(?:(?:[A-Za-z0-9_./\\() ]{{0,200}}+[:-]){{1,20}}?[0-9]{{1,6}}+[:-]"
    rf"|(?:[A-Za-z0-9_./-]{{1,200}}+:)?[0-9]{{1,6}}+(?=[.):{_MARKS}])[.):]?+){_BEFORE.pattern})?"
    rf"(?:[\[(]{_BEFORE.pattern})?"
)
_INLINE = rf"(?:[*~`]++|__++|{_TAG})*+"  # mark-up between the words of a banner
_BLANKS = rf"(?:[ \t*~`]++|__++|{_TAG})*+"
_GAP = rf"{_INLINE}[ \t]++{_BLANKS}"
# `SECRET // NOFORN` opens a marking, all in capitals up to its end; `SECRET // who may see it` is a line of code.
_OPENING = (
    rf"{_INLINE}(?://|[ \t]++//[ \t]*+(?!(?:TODO|FIXME|XXX|HACK|NOTE|NOSONAR|OK)\b)"
    rf"(?=[A-Z][A-Z0-9](?:{_TAG}|[^a-z<){_ENDS}])*+(?:[){_ENDS}]|\Z)))"
)
_PORTION_OPENING = rf"{_OPENING}(?={_BLANKS}[A-Z]{{2}})"  # `(C//8, H, W)` divides
# In HTML these begin and end lines. The first look tells most other tags at once.
_BLOCK_TAG = re.compile(
    r"<(?=/?[bcdfhlpt])/?(?:body|br|center|div|footer|h[1-6]|header|li|p|table|t[dhr])"
    rf"\b[^<>{_ENDS}]*+>",
    re.IGNORECASE,
)
_BLANK = "&nbsp;"  # by far the most frequent of the next
_CHARACTER = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(sol|ensp|emsp|thinsp|shy|zwnj|zwj));")  # of HTML
_NAMED = {"sol": "/", "ensp": " ", "emsp": " ", "thinsp": " ", "shy": "", "zwnj": "", "zwj": ""}


class Markings:
    """Patterns to look for: literal text in capitals, that a line begins with (``SECRET//*``) or is (``SECRET``)."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises ValueError for a pattern that is nothing but decoration."""
        self._patterns = tuple(patterns)
        self._any = _expression(self._patterns)
        self._words = _expression(pattern for pattern in self._patterns if "//" not in literal_text(pattern))
        # `(S//*` before `S//*`, which may stand in brackets.
        self._in_turn = sorted(self._patterns, key=lambda pattern: not pattern.startswith("("))

    def find(self, texts: Iterable[str]) -> str | None:
        """The first pattern found, portion marks first, as the policy spells it; None if there is none.

        In front of a marking may be what quotes, lists, mark-up and comments put there, and for a portion mark the
        number of its paragraph. Where a marking has ``//``, so that prose looks different, also the number of its line
        and a bracket, and mark-up between its words. Blanks may be longer than in the pattern, and stand around ``//``.
        Characters count as what they look like; those that cannot be seen do not count.
        """
        remaining = iter(texts)
        while batch := list(islice(remaining, _BATCH_TEXTS)):
            seen = "\n" + _as_seen("\n".join(batch))
            found = (self._any if "//" in seen else self._words).search(seen)
            if found:
                return next(one for one in self._in_turn if _expression([one]).match(seen, found.start()))
        return None


def _expression(patterns: Iterable[str]) -> re.Pattern[str]:
    """The regular expression of lines with one of the patterns, from the end of the line before on."""
    literals = {pattern: literal_text(pattern) for pattern in patterns}
    slashed = [pattern for pattern, literal in literals.items() if "//" in literal]
    portions = [pattern for pattern, literal in literals.items() if literal.startswith("(")]
    words = [pattern for pattern in literals if pattern not in slashed and pattern not in portions]
    places = {"": words, _NUMBERS: portions, _PLACE: slashed}
    alternatives = "|".join(place + _one_of(markings) for place, markings in places.items() if markings)
    return re.compile(rf"[{_ENDS}](?![{_ENDS}]){_BEFORE.pattern}(?:{alternatives or '(?!)'})")


def _one_of(patterns: Sequence[str]) -> str:
    """The regular expression of any of these patterns; their first characters tell most other lines at once."""
    first = "".join({re.escape(literal_text(pattern)[0]) for pattern in patterns})
    by_end: dict[str, list[str]] = {}
    for pattern in patterns:
        text, end = _marking(pattern)
        by_end.setdefault(end, []).append(text)
    markings = "|".join(f"(?:{'|'.join(texts)}){end}" for end, texts in by_end.items())
    return f"(?=[{first}])(?:{markings})"


def literal_text(pattern: str) -> str:
    """What a pattern looks for, without decoration; raises ValueError if it is nothing but that."""
    literal = re.sub(" *// *", "//", re.sub(" +", " ", pattern.removesuffix("*")))
    literal = _BEFORE.sub("", literal, count=1)
    if not literal:
        raise ValueError(f"the marking {pattern} is nothing but decoration")
    return literal


def _marking(pattern: str) -> tuple[str, str]:
    """The regular expressions of a pattern: of its text, and of what has to follow."""
    begins = pattern.endswith("*")
    literal = literal_text(pattern)
    opens = begins and literal.endswith("//")
    opening = _PORTION_OPENING if literal.startswith("(") else _OPENING
    end = opening if opens else "" if begins else _BEHIND
    text = re.escape(literal.removesuffix("//") if opens else literal)
    blank, slashes = (_GAP, rf"{_INLINE}[ \t]*+//{_INLINE}[ \t]*+") if "//" in literal else (r"[ \t]++", "")
    return text.replace(r"\ ", blank).replace("//", slashes), end


def _as_seen(text: str) -> str:
    """The text as a reader sees it, in ASCII as far as it looks so."""
    if "&" in text:
        text = _CHARACTER.sub(_character, text.replace(_BLANK, " "))
    text = _ODD.sub(lambda run: run[0].translate(_SEEN), text)
    return _BLOCK_TAG.sub("\n", text) if "<" in text else text


def _character(reference: re.Match[str]) -> str:
    """The character that HTML refers to by number or by name."""
    decimal, hexadecimal, name = reference.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if code <= sys.maxunicode else ""


class _Seen(dict[int, str]):
    """By character: what it looks like."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.decomposition(character):
            seen = "".join(self[ord(part)] for part in unicodedata.normalize("NFKD", character))
        else:
            category = unicodedata.category(character)
            seen = _SEEN_AS.get(category, _SEEN_AS.get(category[0], character))
        if len(self) < _MOST_REMEMBERED:
            self[code] = seen
        return seen


_SEEN = _Seen({code: chr(code) for code in (*range(9, 14), *range(28, 31), *range(32, 127))})
_SEEN.update({ord(other): seen for seen, others in _LOOK_ALIKES.items() for other in others})
_SEEN.update({first + n: chr(65 + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)})  # white on black
_SEEN.update({0x85: "\n", 0x2800: " ", 0x115F: "", 0x1160: ""})  # a blank of Braille, two fillers of Hangul

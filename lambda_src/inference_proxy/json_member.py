"""Finds and replaces one member of a JSON object without touching another byte of it."""

import json
import re
from dataclasses import dataclass

from inference_proxy.errors import InvalidJsonError, InvalidParameterError

# Numbers stay text: what they are worth is nobody's business here, and a long one is no error.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Member:
    """A member's value, and where it stands in the document."""

    value: object
    _text: str
    _start: int
    _end: int

    def replaced(self, value: str) -> bytes:
        """The document with another text in this place."""
        return f"{self._text[: self._start]}{json.dumps(value)}{self._text[self._end :]}".encode()


def find_member(body: bytes, name: str) -> Member:
    """The member ``name`` of the JSON object in ``body``.

    Raises InvalidJsonError for what is not a JSON object. Two members of one name are refused: which of them counts is
    the reader's choice, and there is more than one reader here. So is a missing one.
    """
    try:
        text = body.decode()
        found = [member for key, member in _members(text) if key == name]
    except (ValueError, IndexError, RecursionError):
        raise InvalidJsonError("the request body is not a JSON object in UTF-8") from None
    if len(found) != 1:
        problem = "is required" if not found else "may be given once"
        raise InvalidParameterError(f"the member `{name}` of the request body {problem}")
    return found[0]


def _members(text: str) -> list[tuple[str, Member]]:
    """All members of the object, in order; raises ValueError or IndexError where it is none."""
    members: list[tuple[str, Member]] = []
    position = _after(text, 0, "{")
    while text[position] != "}":
        if members:
            position = _after(text, position, ",")
        key, position = _DECODER.raw_decode(text, _skip(text, position))
        if not isinstance(key, str):
            raise ValueError("a name is no text")  # noqa: TRY004 - the document is wrong, not a caller
        start = _after(text, position, ":")
        value, position = _DECODER.raw_decode(text, start)
        members.append((key, Member(value, text, start, position)))
        position = _skip(text, position)
    if _skip(text, position + 1) != len(text):
        raise ValueError("there is something behind the object")
    return members


def _after(text: str, position: int, mark: str) -> int:
    """Where the next thing stands behind ``mark``, which must come first."""
    position = _skip(text, position)
    if text[position] != mark:
        raise ValueError(f"{mark} is missing")
    return _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position

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
        found = _members(text, name)
    except (ValueError, IndexError, RecursionError):
        raise InvalidJsonError("the request body is not a JSON object in UTF-8") from None
    if len(found) != 1:
        problem = "is required" if not found else "may be given once"
        raise InvalidParameterError(f"the member `{name}` of the request body {problem}")
    return found[0]


def _members(text: str, name: str) -> list[Member]:
    """All members of this name in the object; raises ValueError or IndexError where the text is no object."""
    members: list[Member] = []
    position, is_first = _after(text, 0, "{"), True
    while text[position] != "}":
        position = position if is_first else _after(text, position, ",")
        is_first = False
        key, position = _DECODER.raw_decode(text, _skip(text, position))
        if not isinstance(key, str):
            raise ValueError("a name is no text")  # noqa: TRY004 - the document is wrong, not a caller
        start = _after(text, position, ":")
        value, position = _DECODER.raw_decode(text, start)
        if key == name:
            members.append(Member(value, text, start, position))
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

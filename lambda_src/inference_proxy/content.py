"""What the body of a request carries: its members, and every text in it, for a policy that must not be fooled.

Two readers may read one body differently: two members of one name, another encoding, JSON within JSON, base64. What any
of them could see counts.
"""

import json
import re
from collections.abc import Iterator
from functools import cached_property

from inference_proxy.packed_text import SPACE, STRING, begins_as_json, strings, values_anywhere, with_held

_BETWEEN_STRINGS = re.compile(r"""["'`]|\\[nr]""")
_LONG_NUMBER = re.compile(r"(?<![\d.])\d{7,}")


class JsonObject(tuple[tuple[str, object], ...]):
    """A JSON object's members in their order, two of one name included. Objects within it are JsonObjects too."""

    __slots__ = ()

    def members(self, name: str) -> list[object]:
        """The values of all members of this name, in any case."""
        wanted = name.casefold()
        return [value for key, value in self if key.casefold() == wanted]


# Numbers are no text, and none is too long to be one.
_DECODER = json.JSONDecoder(object_pairs_hook=JsonObject, parse_int=float, strict=False)


class Content:
    """The body of a request. Nothing here raises: what cannot be read as JSON is read as text."""

    def __init__(self, body: bytes) -> None:
        detected = json.detect_encoding(body)
        # Zeros in front look like UTF-16, and the rest may be UTF-8 all the same.
        encodings = [detected] if detected.startswith("utf-8") else [detected, "utf-8"]
        self._texts = [body.decode(encoding, "replace") for encoding in encodings]

    def members(self, name: str) -> list[object]:
        """The values of all members of this name, in any case; none if the body is no JSON object.

        Of an object that is garbled or nests too deep, so that not every reader reads it, those at any depth.
        """
        documents = (document for _, document, _ in self._read if isinstance(document, JsonObject))
        found = [value for document in documents for value in document.members(name)]
        return [*found, *self.unread_members(name)]

    def unread_members(self, name: str) -> list[str | None]:
        """The values of members of this name in JSON that cannot be read; None for what is no string."""
        unread = (text for text, document, _ in self._read if document is None and begins_as_json(text))
        return [value for text in unread for value in values_anywhere(text, name)]

    def texts(self) -> Iterator[str]:
        """Every text that crosses: strings and names of members, and what they hold as JSON or base64 in their turn.

        A body that is no JSON is a text itself; so is JSON that is garbled or nests too deep, beside its strings.
        """
        for text, _, rest in self._read:
            if not begins_as_json(text):
                yield from with_held([text])
                continue
            yield from with_held(strings(text))
            if rest:  # no JSON: a lenient reader may see strings between any quotes
                yield _BETWEEN_STRINGS.sub("\n", rest)

    def long_numbers(self) -> str:
        """The numbers of a JSON body that are as long as those of people and accounts, each in a line of its own."""
        documents = (text for text, document, _ in self._read if document is not None)
        numbers = (number for text in documents for number in _LONG_NUMBER.findall(STRING.sub(" ", text)))
        return "\n".join(dict.fromkeys(numbers))

    @cached_property
    def _read(self) -> list[tuple[str, object, str]]:
        """Each reading: its text, the text as JSON, and what stands behind that, which some readers ignore.

        What is no JSON is None, with all of it behind.
        """
        return [(text, *_document(text.lstrip(SPACE))) for text in self._texts]


def _document(text: str) -> tuple[object, str]:
    try:
        document, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None, text
    return document, text[end:].strip(SPACE)

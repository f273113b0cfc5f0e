"""What a text holds in its turn: JSON and base64.

Bedrock takes base64 for binary members (DocumentSource and InvokeModelTokensRequest in the Amazon Bedrock API
Reference); what a PDF, an Office document or an image says is not read.
"""

import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence

SPACE = " \t\n\r\ufeff"  # what readers skip before JSON, the byte order mark among it
_JSON_STARTS = ("{", "[", '"')
STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"?', re.DOTALL)  # the last quote is optional: nothing is read twice
_BASE64 = re.compile(r"(?:data:[^,]{0,200},)?([\w+/\s-]*+)[=\s]*+", re.ASCII)  # both alphabets, broken into lines
_LEAST_BASE64 = 16  # characters: shorter texts are words
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\v\f\r\x1b"})
_MOST_CONTROLS = 0.05  # of a text's bytes; of what is compressed a tenth are control characters
_MOST_GARBLED = 0.25  # of a text's characters, should it be in Latin-1; of random bytes every other is no UTF-8

# Numbers are no text, and none is too long to be one.
_DECODER = json.JSONDecoder(parse_int=float, strict=False)


def with_held(texts: Iterable[str]) -> Iterator[str]:
    """The texts, each followed by those that it holds.

    This ends soon: JSON within JSON doubles its backslashes with every layer, and base64 adds a third.
    """
    for text in texts:
        yield text
        held = _held(text)
        if held:
            yield from with_held(held)


def _held(text: str) -> Iterable[str]:
    """The texts that a text holds as JSON or base64."""
    if begins_as_json(text):
        return strings(text) if _is_json(text) else ()
    encoded = _BASE64.fullmatch(text) if len(text) >= _LEAST_BASE64 else None
    return _readings(_from_base64(encoded[1])) if encoded else ()


def begins_as_json(text: str) -> bool:
    """Whether a reader of JSON would begin to read."""
    return text.lstrip(SPACE).startswith(_JSON_STARTS)


def _is_json(text: str) -> bool:
    document = text.strip(SPACE)
    try:
        # Trying costs ten times as much as looking at the end.
        return document[-1] in ']}"' and _DECODER.raw_decode(document)[1] == len(document)
    except RecursionError:
        return True  # as deep as one can see
    except ValueError:
        return False


def strings(document: str) -> Iterator[str]:
    """All strings of a JSON document, however deep: names of members, and values."""
    for string in STRING.finditer(document):
        literal = string[1]
        yield unescaped(literal) if "\\" in literal else literal


def unescaped(literal: str) -> str:
    """What stands between the quotes of a JSON string, as it is meant."""
    try:
        return str(_DECODER.decode(f'"{literal}"'))
    except ValueError:
        return literal


def _from_base64(characters: str) -> bytes:
    """What base64 of either alphabet stands for, padded or not."""
    characters = characters.replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(f"{characters}==")  # more padding than needed is skipped, and so are blanks
    except binascii.Error:  # the last character alone is no octet
        return binascii.a2b_base64(f"{characters}A==")


def _readings(octets: bytes) -> Sequence[str]:
    """What bytes may be as text; nothing if they are an image, or an id that looks like base64."""
    detected = json.detect_encoding(octets)
    encodings = [] if detected.startswith("utf-8") else [detected]
    controls = len(octets) - len(octets.translate(None, _CONTROLS))
    if controls <= len(octets) * _MOST_CONTROLS:
        encodings.append("utf-8-sig")  # whatever was detected: a zero in front makes no UTF-16
    texts = [octets.decode(encoding, "replace") for encoding in encodings]
    return [text for text in texts if text.count("\ufffd") <= len(text) * _MOST_GARBLED]

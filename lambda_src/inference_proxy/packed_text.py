"""What a text holds in its turn: JSON, as a whole or somewhere in it, and base64.

Bedrock takes base64 for binary members (DocumentSource and InvokeModelTokensRequest in the Amazon Bedrock API
Reference); what a PDF, an Office document or an image says is not read.
"""

import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

SPACE = " \t\n\r\ufeff"  # what readers skip before JSON, the byte order mark among it
_JSON_STARTS = ("{", "[", '"')
STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"?', re.DOTALL)  # the last quote is optional: nothing is read twice
_COLON = re.compile(r"\s*+:\s*+")
# Somewhere in a text, an object or an array and the strings in it; the last one may be cut off. None goes over lines:
# base64 in them is found as such, and what can be found twice in every layer takes for ever.
_OBJECT = re.compile(r'\{\s*+"(?:[^"\\\n]++|\\.)*+"\s*+:')
_ARRAY = re.compile(r'\[(?<![\w)\]]\[)(?:\s*+[\w.+-]++\s*+,)*+\s*+"')  # behind a name it would be an index
_STRING_WITHIN = re.compile(r'[{\[,:]\s*+"((?:[^"\\\n]++|\\.)*+)(?:"(?=\s*+[,:\]}])|"?+\Z)')
_BASE64 = re.compile(r"(?:data:[^,]{0,200},)?([\w+/\s-]*+)[=\s]*+", re.ASCII)  # both alphabets, broken into lines
_LEAST_BASE64 = 16  # characters: shorter texts are words
_SHORT_BASE64 = re.compile(r"[Q-W][\w+/-]{3,14}={0,2}", re.ASCII)  # so begins what begins with a capital letter
_BASE64_LINE = r"[ \t>]*+[\w+/-]%s={0,2}+[ \t]*+(?=[\r\n]|\Z)"
_BASE64_LINES = re.compile(
    rf"\n({_BASE64_LINE % '{16,}+'}(?:(?<!=)\r?\n{_BASE64_LINE % '++'})*+)", re.ASCII
)  # among others: of a mail's part, between fences
_CONTROLS = bytes({*range(32), 127} - {*b"\t\n\v\f\r\x1b"})
_MOST_CONTROLS = 0.05  # of a text's bytes; of what is compressed a tenth are control characters
_MOST_GARBLED = 0.25  # of a text's characters, should it be in Latin-1; of random bytes every other is no UTF-8
_ASCII_LINE = re.compile(rb"[\n\v\f\r]([\t -~]{6,})")  # the beginning of one: in random bytes no banner is so long

# Numbers are no text, and none is too long to be one.
_DECODER = json.JSONDecoder(parse_int=float, strict=False)


def with_held(texts: Iterable[str]) -> Iterator[str]:
    """The texts, each followed by those that it holds.

    This ends soon: JSON within JSON doubles its backslashes with every layer, and base64 adds a third.
    """
    for text in texts:
        yield text
        yield from _held(text)


def _held(text: str) -> Iterable[str]:
    """The texts that a text holds as JSON or base64, each followed by those that it holds."""
    is_short = len(text) < _LEAST_BASE64
    if is_short and text.isidentifier():  # most are: names of members
        return _short(text)
    if begins_as_json(text) and _is_json(text):
        return with_held(strings(text))
    if is_short:
        return _short(text)
    encoded = _BASE64.fullmatch(text)
    if encoded:
        return _in_base64(encoded[1], [part for _, part in _base64_lines(encoded[1])])
    within = "{" in text or "[" in text or "\n" in text
    return chain(with_held(_strings_within(text)), _base64_within(text)) if within else ()


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


def values_anywhere(document: str, name: str) -> Iterator[str | None]:
    """What stands behind a name, in any case and however deep, in what need not be JSON; None for what is no string."""
    wanted = name.casefold()
    for string in STRING.finditer(document):
        colon = _COLON.match(document, string.end())
        if colon and unescaped(string[1]).casefold() == wanted:
            value = STRING.match(document, colon.end())
            yield unescaped(value[1]) if value else None


def unescaped(literal: str) -> str:
    """What stands between the quotes of a JSON string, as it is meant."""
    try:
        return str(_DECODER.decode(f'"{literal}"'))
    except ValueError:
        return literal


def _strings_within(text: str) -> Iterator[str]:
    """The strings of JSON that is not all of a text: lines of it, a part that was cut off, a block in prose.

    Of single words only what they are as base64: where the text is code, they are names and keys.
    """
    starts = (
        [0] if text.startswith("[") else [one.start() for one in (_OBJECT.search(text), _ARRAY.search(text)) if one]
    )
    if starts:
        for string in _STRING_WITHIN.finditer(text, min(starts)):
            literal = string[1]
            if not literal.isidentifier():
                yield unescaped(literal)
            elif len(literal) >= _LEAST_BASE64 and literal.isascii():
                yield from _readings(_from_base64(literal))


def _base64_within(text: str) -> Iterator[str]:
    """What lines of base64 stand for that are not all of a text."""
    for lines, part in _base64_lines(text):
        yield from _in_base64(lines, [part])


def _base64_lines(text: str) -> Iterator[tuple[str, str]]:
    """Each block of lines of base64, and the part of it from its widest line on: what encoders write begins with that.

    Before it may stand words without blanks between them, a path say.
    """
    if "\n" in text:
        for block in _BASE64_LINES.finditer(f"\n{text}"):
            lines = block[1].split()
            yield block[1], "\n".join(lines[lines.index(max(lines, key=len)) :])


def _in_base64(characters: str, parts: Iterable[str]) -> Iterator[str]:
    """What characters stand for as base64, and what parts of them do, should the rest be words of its alphabet.

    Only what is likelier is looked into, or every layer doubled the work.
    """
    whole = _from_base64(characters)
    octets = [_from_base64(part) for part in parts]
    if octets == [whole]:
        octets = []
    likely, other = ([whole], octets) if not octets or whole.isascii() else (octets, [whole])
    yield from chain.from_iterable(map(_readings, other))
    yield from with_held(chain.from_iterable(map(_readings, likely)))


def _short(text: str) -> Sequence[str]:
    """What a word stands for as base64, if that is a word, too."""
    if not ("Q" <= text[:1] <= "W" and _SHORT_BASE64.fullmatch(text)):
        return ()
    octets = _from_base64(text)
    word = octets.decode("ascii", "replace")
    return (word,) if octets.isascii() and word.strip().isprintable() else ()


def _from_base64(characters: str) -> bytes:
    """What base64 of either alphabet stands for, padded or not."""
    characters = characters.replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(f"{characters}==")  # more padding than needed is skipped, and so are blanks
    except binascii.Error:  # the last character alone is no octet
        return binascii.a2b_base64(f"{characters}A==")


def _readings(octets: bytes) -> Sequence[str]:
    """What bytes may be as text; of an image, or of letters in another encoding, only lines in ASCII."""
    detected = json.detect_encoding(octets)
    readings = [] if detected.startswith("utf-8") else [_as_text(octets, detected)]
    # Whatever was detected: a zero in front makes no UTF-16.
    readings.append(_as_text(octets, "utf-8-sig") if _is_printable(octets) else None)
    if readings[-1] is None:
        lines = _ASCII_LINE.findall(b"\n" + octets.replace(b"\0", b""))  # of UTF-16 every other byte
        readings.append(b"\n".join(lines).decode("ascii"))
    return [reading for reading in readings if reading]


def _is_printable(octets: bytes) -> bool:
    return len(octets) - len(octets.translate(None, _CONTROLS)) <= len(octets) * _MOST_CONTROLS


def _as_text(octets: bytes, encoding: str) -> str | None:
    text = octets.decode(encoding, "replace")
    return text if text.count("\ufffd") <= len(text) * _MOST_GARBLED else None

"""Which texts a guardrail is asked about, how much one call takes, and how texts are divided by that. No I/O.

The least that any region's guardrails take in a call is 25 text units ("maximum input size in text units" in "Amazon
Bedrock endpoints and quotas"); a unit is up to 1,000 characters ("Amazon Bedrock pricing").
"""

import binascii
import re
from collections.abc import Iterable, Iterator, Sequence

_UNIT_CHARACTERS = 1_000
_CALL_UNITS = 25
CALL_CHARACTERS = _CALL_UNITS * _UNIT_CHARACTERS
_OVERLAP_CHARACTERS = 1_000  # what is no longer than this is whole in one of two pieces
_LEAST_FILE = 256  # characters: what is shorter costs little to screen
# As encoders write it: without a break, or in lines of one width (RFC 7468, RFC 2045).
_ENCODED = re.compile(
    r"(?:data:(?:application|audio|image|video)/[\w.+-]{1,80};base64,)?"
    r"([%s]++={0,2}|(?:[%s]{64}\r?\n)+[%s]{1,64}+={0,2}|(?:[%s]{76}\r?\n)+[%s]{1,76}+={0,2})(?:\r?\n)?"
    % (("A-Za-z0-9+/",) * 5),
    re.ASCII,
)
# The images, documents, films and sounds of Converse: PNG, JPEG, GIF, WebP, PDF, ZIP (Office, too), OLE (Office before
# that), MP4 and MOV, Matroska and WebM, FLV, MPEG, WMV, WAV, MP3 with tags, FLAC, Ogg.
_FILE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xdb\xe0-\xef]|GIF8[79]a|RIFF....WEBP|%PDF-[12]|PK\x03\x04"
    rb"|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\x00{3}.ftyp|\x1a\x45\xdf\xa3|FLV\x01|\x00\x00\x01[\xb3\xba]"
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11|RIFF....WAVE|ID3[\x02-\x04]\x00|fLaC\x00|OggS\x00",
    re.DOTALL,
)


def is_file(text: str) -> bool:
    """Whether a text is base64 of an image, a document, a film or a sound, and certainly nothing else.

    Lists look like noise, too: names and numbers without blanks between them, or keys.
    """
    encoded = _ENCODED.fullmatch(text) if len(text) >= _LEAST_FILE else None
    if not encoded:
        return False
    try:
        octets = binascii.a2b_base64("".join(encoded[1].split()), strict_mode=True)
    except binascii.Error:  # its length, or the padding
        return False
    return _FILE.match(octets) is not None


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """The places of the texts that go into each call, as many as have room; one that is too long is on its own.

    Blank ones go nowhere, nor does base64 of a file: a guardrail that reads text finds nothing in it.
    """
    places = (place for place, text in enumerate(texts) if text.strip() and not is_file(text))
    return _grouped(((place, len(texts[place])) for place in places), CALL_CHARACTERS)


def batches_of_units(texts: Sequence[str], places: Iterable[int]) -> Iterator[list[int]]:
    """The same texts in more calls, each text counted in whole units.

    Nobody says whether the service adds up characters or units; this is for where it refuses the former.
    """
    return _grouped(((place, -(-len(texts[place]) // _UNIT_CHARACTERS)) for place in places), _CALL_UNITS)


def _grouped(sizes: Iterable[tuple[int, int]], most: int) -> Iterator[list[int]]:
    batch: list[int] = []
    total = 0
    for place, size in sizes:
        if batch and total + size > most:
            yield batch
            batch, total = [], 0
        batch.append(place)
        total += size
    if batch:
        yield batch


def pieces(text: str) -> Iterator[str]:
    """A text that is too long for a call, in pieces of which each begins within the one before."""
    for start in range(0, len(text) - _OVERLAP_CHARACTERS, CALL_CHARACTERS - _OVERLAP_CHARACTERS):
        yield text[start : start + CALL_CHARACTERS]

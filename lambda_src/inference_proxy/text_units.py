"""How much text one call of a guardrail takes, and how texts are divided by that. No I/O.

The least that any region's guardrails take in a call is 25 text units ("maximum input size in text units" in "Amazon
Bedrock endpoints and quotas"); a unit is up to 1,000 characters ("Amazon Bedrock pricing").
"""

from collections.abc import Iterable, Iterator, Sequence

from inference_proxy.packed_text import is_binary

_UNIT_CHARACTERS = 1_000
_CALL_UNITS = 25
CALL_CHARACTERS = _CALL_UNITS * _UNIT_CHARACTERS
_OVERLAP_CHARACTERS = 1_000  # what is no longer than this is whole in one of two pieces


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """The places of the texts that go into each call, as many as have room; one that is too long is on its own.

    Blank ones go nowhere, nor does base64 of what is no text: a guardrail that reads text finds nothing in it.
    """
    places = (place for place, text in enumerate(texts) if text.strip() and not is_binary(text))
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

"""How much text one call of a guardrail takes, and how texts are divided by that. No I/O.

The least that any region's guardrails take in a call is 25 text units ("maximum input size in text units" in "Amazon
Bedrock endpoints and quotas"); a unit is up to 1,000 characters ("Amazon Bedrock pricing").
"""

from collections.abc import Iterator, Sequence

_UNIT_CHARACTERS = 1_000
_CALL_UNITS = 25
CALL_CHARACTERS = _CALL_UNITS * _UNIT_CHARACTERS
_OVERLAP_CHARACTERS = 1_000  # what is no longer than this is whole in one of two pieces


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """The places of the texts that go into each call; blank ones go nowhere, one that is too long is on its own.

    Each text is counted in whole units, as nobody says whether the service adds up characters or units.
    """
    batch: list[int] = []
    units = 0
    for place, text in enumerate(texts):
        if not text.strip():
            continue
        more = -(-len(text) // _UNIT_CHARACTERS)
        if batch and units + more > _CALL_UNITS:
            yield batch
            batch, units = [], 0
        batch.append(place)
        units += more
    if batch:
        yield batch


def pieces(text: str) -> Iterator[str]:
    """A text that is too long for a call, in pieces of which each begins within the one before."""
    for start in range(0, len(text) - _OVERLAP_CHARACTERS, CALL_CHARACTERS - _OVERLAP_CHARACTERS):
        yield text[start : start + CALL_CHARACTERS]

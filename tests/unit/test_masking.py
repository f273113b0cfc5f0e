"""Masked texts are put back in their places; where that cannot be done the body is given up, and nothing raises."""

import base64
import json

import pytest

from inference_proxy.masking import masked

MASKS = {"call 12345": "call {number}", "other": "other"}


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ('{"a":["call 12345","other"],"call 12345":1}', '{"a":["call {number}","other"],"call {number}":1}'),
        ('{"a":"call 12345","b":"\u00e9"}', '{"a":"call {number}","b":"\u00e9"}'),
        ('"call 12345"', '"call {number}"'),
        ("call 12345", "call {number}"),
        # Half a character, as some clients cut it off: it stays as it is spelled.
        ('{"a":"call 12345","b":"hi \\ud83d"}', '{"a":"call {number}","b":"hi \\ud83d"}'),
    ],
)
def test_masks_are_in_their_places(body: str, changed: str) -> None:
    assert masked(body.encode(), MASKS) == changed.encode()


def test_without_a_mask_no_byte_changes() -> None:
    body = b'{ "a": "other", "b": "\\ud83d" }'
    assert masked(body, {"other": "other"}) is body


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"a": base64.b64encode(b"call 12345").decode()}),
        json.dumps({"a": json.dumps(["call 12345"])}),
        "words, call 12345",
        '{"call 12345":1,"call {number}":2}',
    ],
)
def test_what_cannot_be_taken_out_is_given_up(body: str) -> None:
    assert masked(body.encode(), MASKS) is None


@pytest.mark.parametrize("depth", [400, 600, 900, 2_000, 100_000])
def test_what_nests_too_deep_is_masked_or_given_up(depth: int) -> None:
    body = f'{{"a":"call 12345","b":{"[" * depth}{"]" * depth}}}'
    assert masked(body.encode(), MASKS) in (None, body.replace("12345", "{number}").encode())


def test_a_mask_that_cannot_be_spelled_is_given_up() -> None:
    assert masked(b"words", {"words": "\ud83d"}) is None

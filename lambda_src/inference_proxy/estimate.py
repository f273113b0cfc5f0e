"""Estimates what a request would use and cost, before anything is sent. Bedrock counts, and its bill decides."""

import math
from collections.abc import Iterator
from typing import Any

from inference_proxy.content import Content, JsonObject
from inference_proxy.policy_document import Price

_CHARACTERS_PER_TOKEN = 4  # of English, about
_ENCODED_CHARACTERS = 256  # a text so long without a blank is an image or a document, whose tokens nobody can tell
# How the families of models call the most tokens of an answer, and in which member of the body.
_MOST_TOKENS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_gen_len", "maxTokens", "maxTokenCount")
_SETTINGS = ("inferenceConfig", "textGenerationConfig")
_MOST_BELIEVED = 10_000_000  # no model answers with more tokens: Bedrock does not go by such a bound, nor does this


def estimate(body: bytes, price: Price | None) -> dict[str, Any]:
    """Tokens of the input, the most of the output (None: the model's own), and what both cost in US dollars at most.

    The cost is None without a price, or where the output has no bound.
    """
    content = Content(body)
    texts = [text for text in content.texts() if len(text) < _ENCODED_CHARACTERS or " " in text]
    input_tokens = math.ceil(sum(map(len, texts)) / _CHARACTERS_PER_TOKEN)
    output_tokens = max(_asked_for(content), default=None)
    cost = None
    if price and output_tokens is not None:
        cost = round((input_tokens * price.input_usd + output_tokens * price.output_usd) / 1_000_000, 6)
    return {"inputTokens": input_tokens, "maxOutputTokens": output_tokens, "costUsd": cost}


def most_output_tokens(body: bytes) -> int | None:
    """The most tokens of an answer that a body asks for; None where it says nothing of it that can be believed.

    Of several bounds the greatest counts, as nobody knows which of them Bedrock reads: one more never lowers it.
    """
    return max(_asked_for(Content(body)), default=None)


def _asked_for(content: Content) -> Iterator[int]:
    """What the body says of the most tokens of an answer, as far as a model could have been told so."""
    settings = [value for name in _SETTINGS for value in content.members(name) if isinstance(value, JsonObject)]
    holders: list[Content | JsonObject] = [content, *settings]
    for holder in holders:
        for name in _MOST_TOKENS:
            for value in holder.members(name):
                if isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value <= _MOST_BELIEVED:
                    yield int(value)

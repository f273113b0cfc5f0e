"""What the models of the Commercial stand-in say, before it takes any model family's shape.

The text is one sentence with the start of the prompt's SHA-256: enough to tell which prompt arrived, and no prompt ever
comes back, so a caller that logs answers does not leak through the stand-in. A prompt with a cache marker (Bedrock's
`cachePoint`, Anthropic's `cache_control`, OpenAI's `prompt_cache_key`) is counted as if half of it had been read from
the cache and a quarter were written to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.commercial_models import Model

CACHE_MARKERS = frozenset({"cachePoint", "cache_control", "prompt_cache_key"})


@dataclass(frozen=True)
class Usage:
    """Tokens. `input` are those that no cache had to do with."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0

    @property
    def prompt(self) -> int:
        """All of the prompt: what OpenAI counts."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.prompt + self.output


@dataclass(frozen=True)
class Reply:
    model: Model
    prompt_sha256: str
    usage: Usage

    @property
    def text(self) -> str:
        return f"The offline twin read a prompt whose SHA-256 begins with {self.prompt_sha256[:8]}."

    @property
    def pieces(self) -> list[str]:
        """The text as a stream brings it: a word at a time."""
        return re.findall(r"\S+\s*", self.text)

    @property
    def latency_ms(self) -> int:
        """How long it says it took: the same request gets the same bytes, so that two answers can be compared."""
        return self.usage.output

    @property
    def tag(self) -> str:
        """What makes an id of this answer: the same for the same prompt to the same model."""
        return digest(self.model.id + self.prompt_sha256)[:24]


def reply_to(model: Model, body: Mapping[str, Any]) -> Reply:
    prompt = prompt_of(body)
    tokens = count_tokens(prompt)
    read, written = (tokens // 2, tokens // 4) if _is_cached(body) else (0, 0)
    reply = Reply(model, digest(prompt), Usage(0, 0))
    usage = Usage(tokens - read - written, len(reply.pieces), read, written)
    return Reply(model, reply.prompt_sha256, usage)


def count_tokens(prompt: str) -> int:
    """Four characters to a token, the rule of thumb: stable, and never zero."""
    return max(1, len(prompt) // 4)


def prompt_of(body: Mapping[str, Any]) -> str:
    """Every text of the conversation, one per line, whichever family's or vendor's spelling it has."""
    for member in ("prompt", "inputText", "input"):
        if isinstance(body.get(member), str):
            return str(body[member])
    messages = body.get("messages", body.get("input"))
    texts: list[str] = []
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        parts = content if isinstance(content, list) else [{"text": content}]
        texts += [str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part]
    return "\n".join(texts)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_cached(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not CACHE_MARKERS.isdisjoint(value) or any(_is_cached(inner) for inner in value.values())
    return isinstance(value, list) and any(_is_cached(inner) for inner in value)

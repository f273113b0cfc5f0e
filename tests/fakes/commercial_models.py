"""The models the Commercial stand-in offers.

Real ids are there so that real clients can be pointed at them; ids with "twin" in them are made up, for a case no
present model covers. A model list belongs to Bedrock: nothing outside the tests may rely on this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["claude", "nova", "openai", "llama", "image", "embedding", "video"]


@dataclass(frozen=True)
class Model:
    id: str
    name: str
    provider: str
    family: Family
    inputs: tuple[str, ...] = ("TEXT",)
    outputs: tuple[str, ...] = ("TEXT",)
    streaming: bool = True
    customizations: tuple[str, ...] = ()
    on_demand: bool = False
    # Prefixes of its system-defined inference profiles.
    profiles: tuple[str, ...] = ()
    # Life cycle dates beyond the start; their presence makes a model LEGACY.
    retirement: tuple[tuple[str, str], ...] = ()
    # Whether the account has agreed to the model's terms; without, it may be listed but not invoked.
    agreed: bool = True

    @property
    def speaks(self) -> bool:
        """Whether it holds a conversation: Converse and the vendors' paths are for these."""
        return "TEXT" in self.outputs


EYES = ("TEXT", "IMAGE")
TUNABLE = ("FINE_TUNING",)
_OPUS_4_1_DATES = (
    ("legacyTime", "2026-07-08T00:00:00Z"),
    ("publicExtendedAccessTime", "2026-10-08T00:00:00Z"),
    ("endOfLifeTime", "2027-01-08T00:00:00Z"),
)
# fmt: off
CATALOGUE = (
    Model("amazon.nova-lite-v1:0", "Nova Lite", "Amazon", "nova", EYES, customizations=TUNABLE, on_demand=True),
    Model("amazon.nova-pro-v1:0", "Nova Pro", "Amazon", "nova", EYES, customizations=TUNABLE, on_demand=True),
    Model("openai.gpt-oss-20b-1:0", "gpt-oss-20b", "OpenAI", "openai", on_demand=True),
    Model("amazon.twin-made-up-image-v1:0", "Made-up Image", "Amazon", "image", outputs=("IMAGE",), streaming=False,
          on_demand=True),
    Model("amazon.titan-embed-text-v2:0", "Titan Text Embeddings V2", "Amazon", "embedding", outputs=("EMBEDDING",),
          streaming=False, on_demand=True),
    Model("amazon.twin-made-up-video-v1:0", "Made-up Video", "Amazon", "video", EYES, ("VIDEO",), streaming=False,
          on_demand=True),
    Model("amazon.twin-made-up-gated-v1:0", "Made-up Gated", "Amazon", "nova", on_demand=True, agreed=False),
    Model("anthropic.claude-haiku-4-5-20251001-v1:0", "Claude Haiku 4.5", "Anthropic", "claude", EYES,
          profiles=("us", "global")),
    Model("anthropic.claude-sonnet-4-6", "Claude Sonnet 4.6", "Anthropic", "claude", EYES, profiles=("us", "global")),
    Model("anthropic.claude-opus-4-1-20250805-v1:0", "Claude Opus 4.1", "Anthropic", "claude", EYES, profiles=("us",),
          retirement=_OPUS_4_1_DATES),
    Model("openai.gpt-5.6-luna", "GPT-5.6 Luna", "OpenAI", "openai", EYES, profiles=("us", "global")),
    Model("meta.llama4-scout-17b-instruct-v1:0", "Llama 4 Scout 17B", "Meta", "llama", EYES, profiles=("us",)),
    Model("anthropic.twin-made-up-global-v1:0", "Made-up Global", "Anthropic", "claude", EYES, profiles=("global",)),
)
# fmt: on
MODELS = {model.id: model for model in CATALOGUE}

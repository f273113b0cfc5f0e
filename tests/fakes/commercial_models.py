"""What the Commercial stand-in offers: a few models, their inference profiles, and Bedrock's discovery answers.

Real ids are there so that real clients can be pointed at them; ids with "twin" in them are made up, for a case no
present model covers. A model list belongs to Bedrock: nothing outside the tests may rely on this one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from tests.fakes.commercial_wire import BedrockError, Response, ValidationError, json_response

ACCOUNT = "111122223333"
PAGE_SIZE = 100
CREATED = "2026-01-15T00:00:00Z"

Family = Literal["claude", "nova", "openai", "llama", "image"]


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
    profiles: tuple[str, ...] = ()
    # Life cycle dates beyond the start; their presence makes a model LEGACY.
    retirement: tuple[tuple[str, str], ...] = ()


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
    Model("anthropic.claude-haiku-4-5-20251001-v1:0", "Claude Haiku 4.5", "Anthropic", "claude", EYES,
          profiles=("us", "global")),
    Model("anthropic.claude-sonnet-4-6", "Claude Sonnet 4.6", "Anthropic", "claude", EYES, profiles=("us", "global")),
    Model("anthropic.claude-opus-4-1-20250805-v1:0", "Claude Opus 4.1", "Anthropic", "claude", EYES, profiles=("us",),
          retirement=_OPUS_4_1_DATES),
    Model("meta.llama4-scout-17b-instruct-v1:0", "Llama 4 Scout 17B", "Meta", "llama", EYES, profiles=("us",)),
    Model("anthropic.twin-made-up-global-v1:0", "Made-up Global", "Anthropic", "claude", EYES, profiles=("global",)),
)
# fmt: on
MODELS = {model.id: model for model in CATALOGUE}
PROFILES = {f"{prefix}.{model.id}": model for model in CATALOGUE for prefix in model.profiles}

_ARN = re.compile(r"arn:aws:bedrock:([a-z0-9-]*):(\d*):(foundation-model|inference-profile)/(.+)")
INVALID_ID = "The provided model identifier is invalid."


@dataclass(frozen=True)
class Catalogue:
    """The models as seen from the Regions served; the first is the one ARNs name."""

    regions: Sequence[str]
    account: str = ACCOUNT

    def profile_arn(self, name: str, region: str) -> str:
        return f"arn:aws:bedrock:{region}:{self.account}:inference-profile/{name}"

    def destinations(self, name: str) -> list[str]:
        """The models an inference profile leads to; none if there is no such profile."""
        if name not in PROFILES:
            return []
        # A global profile also routes to "no Region": its ARN has an empty one.
        places = ["us-east-1", "us-east-2", "us-west-2", *([""] if name.startswith("global.") else [])]
        return [f"arn:aws:bedrock:{place}::foundation-model/{PROFILES[name].id}" for place in places]

    def model_behind(self, name: str) -> str:
        """The model of a profile, or the name itself."""
        return PROFILES[name].id if name in PROFILES else name

    def resolve(self, identifier: str) -> Model:
        """The model that an id, a profile id or an ARN of either stands for, if it may be invoked by that name."""
        kind, name = self.split(identifier)
        if kind != "foundation-model" and name in PROFILES:
            return PROFILES[name]
        if kind == "inference-profile" or name not in MODELS:
            raise ValidationError(INVALID_ID)
        if not MODELS[name].on_demand:
            # The apostrophe is a curly one in Bedrock's sentence; matching on a straight one finds nothing.
            raise ValidationError(
                f"Invocation of model ID {name} with on-demand throughput isn\u2019t supported. Retry your request "
                "with the ID or ARN of an inference profile that contains this model."
            )
        return MODELS[name]

    def resolve_for_counting(self, identifier: str) -> None:
        """CountTokens runs no model, so a profile-only model goes by its own id as well."""
        kind, name = self.split(identifier)
        if name not in (PROFILES if kind == "inference-profile" else {**PROFILES, **MODELS}):
            raise ValidationError(INVALID_ID)

    def list_models(self, query: str) -> Response:
        wanted = dict(parse_qsl(query))
        _check(wanted, "byOutputModality", ("TEXT", "IMAGE", "EMBEDDING"))
        _check(wanted, "byInferenceType", ("ON_DEMAND", "PROVISIONED"))
        _check(wanted, "byCustomizationType", ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"))
        provider = wanted.get("byProvider", "").lower()
        found = [
            self._model_summary(model)
            for model in CATALOGUE
            if provider in ("", model.provider.lower())
            and wanted.get("byOutputModality", model.outputs[0]) in model.outputs
            and wanted.get("byCustomizationType", "") in ("", *model.customizations)
            and wanted.get("byInferenceType", "") in ("", *_inference_types(model))
        ]
        return json_response({"modelSummaries": found})

    def get_model(self, identifier: str) -> Response:
        return json_response({"modelDetails": self._model_summary(self._known_model(identifier))})

    def model_availability(self, identifier: str) -> Response:
        return json_response(
            {
                "modelId": self._known_model(identifier).id,
                "agreementAvailability": {"status": "AVAILABLE"},
                "authorizationStatus": "AUTHORIZED",
                "entitlementAvailability": "AVAILABLE",
                "regionAvailability": "AVAILABLE",
            }
        )

    def list_profiles(self, query: str) -> Response:
        wanted = dict(parse_qsl(query))
        _check(wanted, "type", ("SYSTEM_DEFINED", "APPLICATION"))
        size = wanted.get("maxResults", str(PAGE_SIZE))
        if not (size.isdecimal() and 1 <= int(size) <= 1000):
            raise ValidationError(
                f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
                "Member must have value between 1 and 1000, inclusive"
            )
        start = _decode_token(wanted["nextToken"]) if "nextToken" in wanted else 0
        names = [] if wanted.get("type") == "APPLICATION" else list(PROFILES)
        stop = start + int(size)
        page: dict[str, Any] = {
            "inferenceProfileSummaries": [self._profile_summary(name) for name in names[start:stop]]
        }
        if stop < len(names):
            page["nextToken"] = base64.urlsafe_b64encode(f"twin-page-{stop}".encode()).decode()
        return json_response(page)

    def get_profile(self, identifier: str) -> Response:
        kind, name = self.split(identifier)
        if kind == "foundation-model" or name not in PROFILES:
            raise BedrockError(404, "ResourceNotFoundException", "The specified inference profile could not be found.")
        return json_response(self._profile_summary(name))

    def split(self, identifier: str) -> tuple[str, str]:
        """("", id) for a bare id, else the kind and id an ARN names, if it is an ARN of this account and partition."""
        if not identifier.startswith("arn:"):
            return "", identifier
        match = _ARN.fullmatch(identifier)
        if match is None:
            raise ValidationError(INVALID_ID)
        region, account, kind, name = match.groups()
        if region not in self.regions or account != (self.account if kind == "inference-profile" else ""):
            raise ValidationError(INVALID_ID)
        return kind, name

    def _known_model(self, identifier: str) -> Model:
        kind, name = self.split(identifier)
        if kind == "inference-profile" or name not in MODELS:
            sentence = "Could not resolve the foundation model from the provided model identifier."
            raise BedrockError(404, "ResourceNotFoundException", sentence)
        return MODELS[name]

    def _model_summary(self, model: Model) -> dict[str, Any]:
        status = "LEGACY" if model.retirement else "ACTIVE"
        return {
            "modelArn": f"arn:aws:bedrock:{self.regions[0]}::foundation-model/{model.id}",
            "modelId": model.id,
            "modelName": model.name,
            "providerName": model.provider,
            "inputModalities": list(model.inputs),
            "outputModalities": list(model.outputs),
            "responseStreamingSupported": model.streaming,
            "customizationsSupported": list(model.customizations),
            "inferenceTypesSupported": _inference_types(model),
            "modelLifecycle": {"status": status, "startOfLifeTime": CREATED, **dict(model.retirement)},
        }

    def _profile_summary(self, name: str) -> dict[str, Any]:
        model = PROFILES[name]
        scope = name.partition(".")[0]
        return {
            "inferenceProfileName": f"{'US' if scope == 'us' else 'Global'} {model.provider} {model.name}",
            "description": f"Routes requests to {model.provider} {model.name} ({scope}).",
            "createdAt": CREATED,
            "updatedAt": CREATED,
            "inferenceProfileArn": self.profile_arn(name, self.regions[0]),
            "models": [{"modelArn": arn} for arn in self.destinations(name)],
            "inferenceProfileId": name,
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        }


def _inference_types(model: Model) -> list[str]:
    """INFERENCE_PROFILE is what Bedrock sends, although its own service model does not know the word."""
    return [*(["ON_DEMAND"] if model.on_demand else []), *(["INFERENCE_PROFILE"] if model.profiles else [])]


def _check(wanted: dict[str, str], name: str, allowed: Sequence[str]) -> None:
    if name in wanted and wanted[name] not in allowed:
        raise ValidationError(
            f"1 validation error detected: Value '{wanted[name]}' at '{name}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )


def _decode_token(token: str) -> int:
    try:
        prefix, _, number = base64.urlsafe_b64decode(token).decode("ascii").rpartition("-")
    except (binascii.Error, UnicodeDecodeError):
        prefix, number = "", ""
    if prefix != "twin-page" or not number.isdecimal():
        raise ValidationError("The provided nextToken is invalid.")
    return int(number)

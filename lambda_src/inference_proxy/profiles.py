"""Model ids: what callers may send, and what Bedrock has to be called with in their place.

Follows "Inference profiles" in the Amazon Bedrock User Guide, and ListFoundationModels and ListInferenceProfiles in the
Amazon Bedrock API Reference.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from inference_proxy.errors import InvalidParameterError

# The shapes of botocore's InvokeModelIdentifier, but anchored, and without "..": an id never changes the path.
_PLAIN_ID = re.compile(r"(?!arn:)[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")
_ARN = re.compile(
    r"arn:aws[a-z-]*:(bedrock|sagemaker):[a-z0-9-]{0,20}:[0-9]{0,12}:[a-z-]+(/[A-Za-z0-9._:-]{1,256}){1,4}"
)
_FOUNDATION_MODEL_ARN = re.compile(r"arn:aws:bedrock:([a-z0-9-]*)::foundation-model/(.+)")
_PROFILE_ARN = re.compile(r"arn:aws:bedrock:[a-z0-9-]*:[0-9]*:(?:application-)?inference-profile/(.+)")


def checked_id(value: object, field: str) -> str:
    """``value`` as an id or ARN of Bedrock's; raises InvalidParameterError naming ``field``."""
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(f"`{field}` is required: an id or an ARN, as Bedrock's lists have them")
    if ".." in value or not (_PLAIN_ID.fullmatch(value) or _ARN.fullmatch(value)):
        raise InvalidParameterError(f"`{field}` is neither an id nor an ARN of Bedrock's")
    return value


def path_segment(identifier: str) -> str:
    """An id as exactly one segment of a path, as the AWS SDKs encode it."""
    return quote(identifier, safe="-._~")


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a caller's id stands for."""

    called_id: str  # what goes upstream
    model_id: str  # the foundation model behind it, as far as the lists know; else the id itself
    destination_regions: tuple[str, ...] = ()  # of a profile; "" is any region of the world

    @classmethod
    def unresolved(cls, identifier: str) -> "Resolution":
        """The id as it is, about which nothing is known."""
        return cls(identifier, identifier)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Bedrock's own lists at one moment: foundation model summaries and inference profile summaries, of both types."""

    models: Sequence[Mapping[str, Any]]
    profiles: Sequence[Mapping[str, Any]]
    region: str

    def resolve(self, identifier: str) -> Resolution:
        """The id to call: the given one, or for a profile-only model the id of a profile that holds it.

        Ids that are not in the lists are returned as they are: Bedrock knows what to say of them.
        """
        profile = self.profile(identifier)
        if profile:
            return Resolution(identifier, _model_behind(profile), destination_regions(profile))
        model = self.model(identifier)
        if model is None:
            return Resolution.unresolved(identifier)
        if "ON_DEMAND" in model.get("inferenceTypesSupported", ()):
            return Resolution(identifier, str(model["modelId"]))
        return self.through_profile(identifier) or Resolution(identifier, str(model["modelId"]))

    def through_profile(self, identifier: str) -> Resolution | None:
        """The same by a system-defined profile, whatever the lists say of on-demand throughput; None if there is none.

        The geography of the Commercial region comes first (``us.`` in us-east-1), then any other, ``global.`` last.
        """
        geography = self.region.partition("-")[0]
        model_id = foundation_model_id(identifier)

        def preference(profile: Mapping[str, Any]) -> tuple[int, str]:
            profile_id = str(profile["inferenceProfileId"])
            return {geography: 0, "global": 2}.get(profile_id.partition(".")[0], 1), profile_id

        serving = [profile for profile in self.profiles_of(model_id) if profile.get("type") != "APPLICATION"]
        if not serving:
            return None
        profile = min(serving, key=preference)
        return Resolution(str(profile["inferenceProfileId"]), model_id, destination_regions(profile))

    def model(self, identifier: str) -> Mapping[str, Any] | None:
        """The summary of a foundation model, by its id or ARN."""
        name = foundation_model_id(identifier)
        return next((model for model in self.models if model.get("modelId") == name), None)

    def profile(self, identifier: str) -> Mapping[str, Any] | None:
        """The summary of an inference profile, by its id or ARN."""
        arn = _PROFILE_ARN.fullmatch(identifier)
        name = arn[1] if arn else identifier
        found = (profile for profile in self.profiles if profile.get("inferenceProfileId") == name)
        return next((profile for profile in found if not arn or profile.get("inferenceProfileArn") == identifier), None)

    def profiles_of(self, model_id: str) -> list[Mapping[str, Any]]:
        """The active inference profiles, of both types, that hold a foundation model."""
        return [
            profile
            for profile in self.profiles
            if profile.get("status") == "ACTIVE" and _model_behind(profile) == model_id
        ]


def foundation_model_id(identifier: str) -> str:
    """The id in the ARN of a foundation model; any other id as it is."""
    arn = _FOUNDATION_MODEL_ARN.fullmatch(identifier)
    return arn[2] if arn else identifier


def destination_regions(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a profile may have requests processed, in order; "" is any region of the world."""
    arns = [_FOUNDATION_MODEL_ARN.fullmatch(str(model.get("modelArn"))) for model in profile.get("models", ())]
    return tuple(sorted({arn[1] for arn in arns if arn}))


def _model_behind(profile: Mapping[str, Any]) -> str:
    """All models of a profile are one model in several regions."""
    models: Sequence[Mapping[str, Any]] = profile.get("models") or ({},)
    return foundation_model_id(str(models[0].get("modelArn", "")))

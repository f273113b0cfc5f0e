"""Model ids: what callers may send, and what Bedrock has to be called with in their place.

Follows "Inference profiles" in the Amazon Bedrock User Guide, and ListFoundationModels and ListInferenceProfiles in the
Amazon Bedrock API Reference.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from inference_proxy.errors import InvalidParameterError

# The shapes of botocore's InvokeModelIdentifier, but anchored, and without "..": an id never changes the path. Of ARNs
# the Commercial ones: nothing of GovCloud is there to be called.
_PLAIN_ID = re.compile(r"(?!arn:)[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")
_ARN = re.compile(r"arn:aws:(bedrock|sagemaker):[a-z0-9-]{0,20}:[0-9]{0,12}:[a-z-]+(/[A-Za-z0-9._:-]{1,256}){1,4}")
_FOUNDATION_MODEL_ARN = re.compile(r"arn:aws:bedrock:([a-z0-9-]*)::foundation-model/(.+)")
_APPLICATION = ":application-inference-profile/"
_PROFILE_ARN = re.compile(r"arn:aws:bedrock:[a-z0-9-]*:[0-9]*:(?:application-)?inference-profile/(.+)")
_SYSTEM_PROFILE_ARN = re.compile(r"arn:aws:bedrock:[a-z0-9-]*:[0-9]*:inference-profile/(.+)")
# What AWS puts before a model's id in the id of a profile, and the regions that it stands for.
GEOGRAPHIES = {
    "us": ("us-",),
    "us-gov": ("us-gov-",),
    "eu": ("eu-",),
    "apac": ("ap-",),
    "jp": ("ap-northeast-",),
    "au": ("ap-southeast-",),
    "ca": ("ca-",),
    "global": ("",),
}
_GEOGRAPHY = re.compile(rf"({'|'.join(GEOGRAPHIES)})\.(.+)")


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
    # Where a profile may have requests processed, "" being any region of the world. None: the lists do not say.
    destination_regions: tuple[str, ...] | None = None
    is_application_profile: bool = False

    @classmethod
    def unresolved(cls, identifier: str) -> "Resolution":
        """The id as it is, about which the lists say nothing."""
        return cls(identifier, foundation_model_id(identifier), is_application_profile=_APPLICATION in identifier)


@dataclass(frozen=True)
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
            return _by_profile(profile, identifier)
        model = self.model(identifier)
        if model is None:
            return Resolution.unresolved(identifier)
        arn = _FOUNDATION_MODEL_ARN.fullmatch(identifier)
        here = Resolution(identifier, str(model["modelId"]), ((arn and arn[1]) or self.region,))
        if "ON_DEMAND" in model.get("inferenceTypesSupported", ()):
            return here
        return self.through_profile(identifier) or here

    def through_profile(self, identifier: str) -> Resolution | None:
        """The same by a system-defined profile, whatever the lists say of on-demand throughput; None if there is none.

        The geography of the Commercial region comes first (``us.`` in us-east-1), then any other, ``global.`` last.
        """
        geography = self.region.partition("-")[0]
        model_id = foundation_model_id(identifier)

        def preference(profile: Mapping[str, Any]) -> tuple[int, str]:
            profile_id = str(profile["inferenceProfileId"])
            return {geography: 0, "global": 2}.get(profile_id.partition(".")[0], 1), profile_id

        serving = [profile for profile in self.profiles_of(model_id) if not _is_application(profile)]
        return _by_profile(min(serving, key=preference)) if serving else None

    def application_profile(self, model_id: str, *, arn: str = "", name: str = "") -> Resolution | None:
        """The active application profile of a model by its ARN or name; the first, should a name have been given twice.

        None if there is none, or it is another model's.
        """
        found = [
            profile
            for profile in self.profiles_of(model_id)
            if _is_application(profile)
            and arn in ("", profile.get("inferenceProfileArn"))
            and name in ("", profile.get("inferenceProfileName"))
        ]
        first = min(found, key=lambda profile: str(profile.get("inferenceProfileArn")), default=None)
        return _by_profile(first) if first else None

    def arn_of(self, resolution: Resolution) -> str:
        """The ARN of the profile or model that goes upstream; "" if the lists do not have it."""
        profile, model = self.profile(resolution.called_id), self.model(resolution.called_id)
        return str((profile or {}).get("inferenceProfileArn") or (model or {}).get("modelArn") or "")

    def model(self, identifier: str) -> Mapping[str, Any] | None:
        """The summary of a foundation model, by its id or ARN."""
        return self._models_by_id.get(foundation_model_id(identifier))

    def profile(self, identifier: str) -> Mapping[str, Any] | None:
        """The summary of an inference profile, by its id or ARN."""
        arn = _PROFILE_ARN.fullmatch(identifier)
        profile = self._profiles_by_id.get(arn[1] if arn else identifier)
        # The same id in another account or region is another profile.
        return None if arn and profile and profile.get("inferenceProfileArn") != identifier else profile

    def profiles_of(self, model_id: str) -> Sequence[Mapping[str, Any]]:
        """The active inference profiles, of both types, that hold a foundation model."""
        return self._active_profiles_by_model.get(model_id, ())

    @cached_property
    def _models_by_id(self) -> Mapping[str, Mapping[str, Any]]:
        return {str(model.get("modelId")): model for model in self.models}

    @cached_property
    def _profiles_by_id(self) -> Mapping[str, Mapping[str, Any]]:
        return {str(profile.get("inferenceProfileId")): profile for profile in self.profiles}

    @cached_property
    def _active_profiles_by_model(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = {}
        for profile in self.profiles:
            if profile.get("status") == "ACTIVE":
                found.setdefault(_model_behind(profile), []).append(profile)
        return found


def foundation_model_id(identifier: str) -> str:
    """The id in the ARN of a foundation model; any other id as it is."""
    arn = _FOUNDATION_MODEL_ARN.fullmatch(identifier)
    return arn[2] if arn else identifier


def named_model(identifier: str) -> tuple[str, str]:
    """What an id says by itself: the geography of a profile ("" if it is none's) and the foundation model's id.

    An ARN that names no model stays as it is.
    """
    arn = _SYSTEM_PROFILE_ARN.fullmatch(identifier)
    name = arn[1] if arn else foundation_model_id(identifier)
    profile = _GEOGRAPHY.fullmatch(name)
    return (profile[1], profile[2]) if profile else ("", name)


def destination_regions(profile: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a profile may have requests processed, in order; "" is any region of the world."""
    arns = [_FOUNDATION_MODEL_ARN.fullmatch(str(model.get("modelArn"))) for model in profile.get("models", ())]
    return tuple(sorted({arn[1] for arn in arns if arn}))


def _by_profile(profile: Mapping[str, Any], called_id: str = "") -> Resolution:
    """A profile's resolution. Bedrock takes an application profile by its ARN only."""
    is_application = _is_application(profile)
    proper_id = str(profile.get("inferenceProfileArn" if is_application else "inferenceProfileId"))
    called_id = proper_id if is_application or not called_id else called_id
    return Resolution(called_id, _model_behind(profile), destination_regions(profile), is_application)


def _is_application(profile: Mapping[str, Any]) -> bool:
    return profile.get("type") == "APPLICATION"


def _model_behind(profile: Mapping[str, Any]) -> str:
    """All models of a profile are one model in several regions."""
    models: Sequence[Mapping[str, Any]] = profile.get("models") or ({},)
    return foundation_model_id(str(models[0].get("modelArn", "")))

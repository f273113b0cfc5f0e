"""What a name stands for at the Commercial stand-in, and Bedrock's discovery answers about models and profiles.

The lists can be made to lie (`misreport`): what is invoked stays as it is, so that a caller's way out of a stale or
wrong list can be tested.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.commercial_constraints import check_choice
from tests.fakes.commercial_models import CATALOGUE, MODELS, Model
from tests.fakes.commercial_paging import page_of
from tests.fakes.commercial_profiles import ApplicationProfiles, Profile, system_profiles
from tests.fakes.commercial_wire import BedrockError, Request, Response, ValidationError, json_of, json_response

ACCOUNT = "111122223333"
INVALID_ID = "The provided model identifier is invalid."
NO_COUNTING = "The provided model doesn't support counting tokens."
NO_PROFILE = "The specified inference profile could not be found."
_ARN = re.compile(
    r"arn:aws:bedrock:([a-z0-9-]*):(\d*):(foundation-model|inference-profile|application-inference-profile)/(.+)"
)


class Catalogue:
    """The models and profiles as seen from the Regions served; the first is the one ARNs name."""

    def __init__(self, regions: Sequence[str], account: str = ACCOUNT) -> None:
        self.regions = tuple(regions)
        self.account = account
        self.created = ApplicationProfiles()
        self._misreported: Mapping[str, Mapping[str, Any] | None] = {}

    def misreport(self, changes: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Let the discovery answers say these members of a model's or a profile's entry, by id; None leaves it out."""
        for name, change in changes.items():
            if name not in MODELS and self.find_profile(name) is None:
                raise ValueError(f"no model and no profile {name!r}")
            if change is not None and not isinstance(change, Mapping):
                raise TypeError(f"what to say of {name!r} must be an object or null")
        self._misreported = dict(changes)

    # What a name stands for

    def split(self, identifier: str) -> tuple[str, str]:
        """("", id) for a bare id, else the kind and id an ARN names, if it is an ARN of this account and partition."""
        if not identifier.startswith("arn:"):
            return "", identifier
        match = _ARN.fullmatch(identifier)
        if match is None:
            raise ValidationError(INVALID_ID)
        region, account, kind, name = match.groups()
        if region not in self.regions or account != ("" if kind == "foundation-model" else self.account):
            raise ValidationError(INVALID_ID)
        return kind, name

    def find_profile(self, identifier: str, region: str = "") -> Profile | None:
        """The profile of an id or ARN as seen from a Region, if there is one."""
        kind, name = self.split(identifier)
        found = system_profiles(region or self.regions[0], self.account).get(name)
        if kind in ("", "inference-profile") and found:
            return found
        return self.created.get(name) if kind in ("", "application-inference-profile") else None

    def model_behind(self, identifier: str) -> str:
        """The id of the model that an id or ARN leads to; the name itself if nothing has it."""
        profile = self.find_profile(identifier)
        return profile.model.id if profile else self.split(identifier)[1]

    def resolve(self, identifier: str) -> Model:
        """The model that an id, a profile id or an ARN of either stands for, if it may be invoked by that name."""
        kind, name = self.split(identifier)
        profile = self.find_profile(identifier)
        # An application profile is called by its ARN alone.
        if profile and (kind or profile.type == "SYSTEM_DEFINED"):
            return profile.model
        if kind not in ("", "foundation-model") or name not in MODELS:
            raise ValidationError(INVALID_ID)
        if not MODELS[name].agreed:
            sentence = "You don't have access to the model with the specified model ID."
            raise BedrockError(403, "AccessDeniedException", sentence)
        if not MODELS[name].on_demand:
            # The apostrophe is a curly one in Bedrock's sentence; matching on a straight one finds nothing.
            raise ValidationError(
                f"Invocation of model ID {name} with on-demand throughput isn\u2019t supported. Retry your request "
                "with the ID or ARN of an inference profile that contains this model."
            )
        return MODELS[name]

    def resolve_for_counting(self, identifier: str) -> None:
        """CountTokens runs no model: a profile-only model goes by its own id, and no profile goes at all."""
        kind, name = self.split(identifier)
        if self.find_profile(identifier):
            raise ValidationError(NO_COUNTING)
        if kind not in ("", "foundation-model") or name not in MODELS:
            raise ValidationError(INVALID_ID)
        if not MODELS[name].speaks:
            raise ValidationError(NO_COUNTING)

    # Discovery

    def list_models(self, query: str) -> Response:
        wanted = dict(parse_qsl(query))
        check_choice(wanted, "byOutputModality", ("TEXT", "IMAGE", "EMBEDDING"))
        check_choice(wanted, "byInferenceType", ("ON_DEMAND", "PROVISIONED"))
        check_choice(wanted, "byCustomizationType", ("FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"))
        provider = wanted.get("byProvider", "").lower()
        listed = (entry for model in CATALOGUE if (entry := self._reported(model.id, self._model_summary(model))))
        found = [
            entry
            for entry in listed
            if provider in ("", entry["providerName"].lower())
            and wanted.get("byOutputModality", "") in ("", *entry["outputModalities"])
            and wanted.get("byCustomizationType", "") in ("", *entry["customizationsSupported"])
            and wanted.get("byInferenceType", "") in ("", *entry["inferenceTypesSupported"])
        ]
        return json_response({"modelSummaries": found})

    def get_model(self, identifier: str) -> Response:
        model = self._known_model(identifier)
        entry = self._reported(model.id, self._model_summary(model))
        if entry is None:
            raise _no_such_model()
        return json_response({"modelDetails": entry})

    def model_availability(self, identifier: str) -> Response:
        model = self._known_model(identifier)
        available = "AVAILABLE" if model.agreed else "NOT_AVAILABLE"
        return json_response(
            {
                "modelId": model.id,
                "agreementAvailability": {"status": available},
                "authorizationStatus": "AUTHORIZED",
                "entitlementAvailability": available,
                "regionAvailability": "AVAILABLE",
            }
        )

    def list_profiles(self, query: str) -> Response:
        """System-defined ones unless `type` asks for those that callers created."""
        wanted = dict(parse_qsl(query))
        check_choice(wanted, "type", ("SYSTEM_DEFINED", "APPLICATION"))
        profiles = (
            self.created.all()
            if wanted.get("type") == "APPLICATION"
            else list(system_profiles(self.regions[0], self.account).values())
        )
        listed = [entry for profile in profiles if (entry := self._reported(profile.id, profile.summary()))]
        return json_response(page_of(listed, wanted, "inferenceProfileSummaries"))

    def get_profile(self, identifier: str) -> Response:
        profile = self.find_profile(identifier)
        entry = self._reported(profile.id, profile.summary()) if profile else None
        if entry is None:
            raise BedrockError(404, "ResourceNotFoundException", NO_PROFILE)
        return json_response(entry)

    def create_profile(self, request: Request) -> Response:
        body = json_of(request.body)
        match body.get("modelSource"):
            case {"copyFrom": str(source_arn)} if source_arn.startswith("arn:"):
                profile = self.find_profile(source_arn)
            case _:
                raise ValidationError("The provided model source is invalid.")
        if profile and profile.type == "APPLICATION":
            raise ValidationError("The provided model source is invalid.")
        source = profile or self.resolve(source_arn)
        now = request.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        created = self.created.create(body, source, source_arn.split(":")[3], self.account, now)
        return json_response({"inferenceProfileArn": created.arn, "status": "ACTIVE"}, 201)

    def _known_model(self, identifier: str) -> Model:
        kind, name = self.split(identifier)
        if kind not in ("", "foundation-model") or name not in MODELS:
            raise _no_such_model()
        return MODELS[name]

    def _reported(self, name: str, entry: dict[str, Any]) -> dict[str, Any] | None:
        change = self._misreported.get(name, {})
        return None if change is None else {**entry, **change}

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
            "modelLifecycle": {
                "status": status,
                "startOfLifeTime": "2025-08-05T00:00:00Z",
                **dict(model.retirement),
            },
        }


def _inference_types(model: Model) -> list[str]:
    """INFERENCE_PROFILE is what Bedrock sends, although its own service model does not know the word."""
    return [*(["ON_DEMAND"] if model.on_demand else []), *(["INFERENCE_PROFILE"] if model.profiles else [])]


def _no_such_model() -> BedrockError:
    sentence = "Could not resolve the foundation model from the provided model identifier."
    return BedrockError(404, "ResourceNotFoundException", sentence)

"""What callers see of a model: Bedrock's own words for it, what to call it by, and whether it may be called.

Follows ListFoundationModels and GetFoundationModelAvailability of the Amazon Bedrock API Reference.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from inference_proxy.policy import Admission
from inference_proxy.profiles import Catalog, Resolution, destination_regions

_MODEL_FIELDS: Mapping[str, Any] = {
    "modelId": "",
    "modelName": "",
    "providerName": "",
    "inputModalities": [],
    "outputModalities": [],
    "responseStreamingSupported": False,
    "customizationsSupported": [],
    "inferenceTypesSupported": [],
    "modelLifecycle": {},
}
_PROFILE_FIELDS = ("inferenceProfileId", "inferenceProfileArn", "inferenceProfileName", "type", "status")
# What Bedrock says of a model that this account may use, member by member.
_USABLE = {
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}


def described(model: Mapping[str, Any], catalog: Catalog, access: str | None, admission: Admission) -> dict[str, Any]:
    """A model as this caller sees it."""
    model_id = str(model["modelId"])
    called = _callable(catalog.resolve(model_id), model, admission)
    return {
        **{name: model.get(name, empty) for name, empty in _MODEL_FIELDS.items()},
        "callableId": called,
        "callable": called is not None and access != "NOT_AVAILABLE" and not _ended(model),
        "access": access or "UNKNOWN",
        "inferenceProfiles": [
            {
                **{name: profile.get(name, "") for name in _PROFILE_FIELDS},
                "destinationRegions": [region or "any" for region in destination_regions(profile)],
            }
            for profile in catalog.profiles_of(model_id)
        ],
    }


def _callable(resolution: Resolution, model: Mapping[str, Any], admission: Admission) -> str | None:
    by_itself = resolution.called_id == model["modelId"]
    served = not by_itself or "ON_DEMAND" in model.get("inferenceTypesSupported", ())
    return resolution.called_id if served and admission.into(resolution).allowed else None


def access_of(availability: Any) -> str:
    """AVAILABLE, NOT_AVAILABLE, or UNKNOWN for an answer that does not say."""
    if not isinstance(availability, dict) or not _USABLE.keys() <= availability.keys():
        return "UNKNOWN"
    agreement = availability.get("agreementAvailability")
    agreed = not isinstance(agreement, dict) or agreement.get("status") == "AVAILABLE"
    usable = agreed and all(availability[name] == value for name, value in _USABLE.items())
    return "AVAILABLE" if usable else "NOT_AVAILABLE"


def _ended(model: Mapping[str, Any]) -> bool:
    try:
        end = datetime.fromisoformat(str(model.get("modelLifecycle", {}).get("endOfLifeTime")))
    except ValueError:
        return False
    return (end if end.tzinfo else end.replace(tzinfo=UTC)) <= datetime.now(UTC)

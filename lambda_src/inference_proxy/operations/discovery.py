"""GET /bedrock/models and /bedrock/models/{modelId}: what Commercial Bedrock offers, and what to call it by.

The members the original system had, and more. Follows ListFoundationModels and GetFoundationModelAvailability of the
Amazon Bedrock API Reference.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.errors import InvalidParameterError, ModelNotFoundError
from inference_proxy.model_lists import ListsRefusedError, ModelLists
from inference_proxy.models import Crossing, Request, Response, UpstreamAnswer, UpstreamCall, timestamp_ms
from inference_proxy.operations.answers import error_answer, json_answer
from inference_proxy.policy import Policy
from inference_proxy.profiles import Catalog, Resolution, checked_id, destination_regions, path_segment
from inference_proxy.settings import COMMERCIAL_REGIONS

_ACCESS_SECONDS = 8.0  # for asking about all models; those that are left then are UNKNOWN
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
_FLAG_PARAMETERS = ("callable", "legacy", "refresh")
_PARAMETERS = ("provider", "modality", *_FLAG_PARAMETERS)
_FLAGS = {"true": True, "false": False}
# What Bedrock says of a model that this account may use, member by member.
_USABLE = {
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}


class Discovery:
    """Answers what there is to call."""

    def __init__(self, boundary: Boundary, policy: Policy, lists: ModelLists, region: str) -> None:
        self._boundary = boundary
        self._policy = policy
        self._lists = lists
        self._region = region
        self._access: tuple[Catalog | None, Mapping[str, str]] = (None, {})  # of which lists, and by model id

    def list_models(self, request: Request) -> Response:
        """The models, filtered by the query; ``Age`` tells how old the lists are, ``refresh=true`` reads them anew."""
        query, flags = _checked(request.query, _PARAMETERS)
        try:
            catalog = self._lists.read(request, fresh=flags.get("refresh", False))
        except ListsRefusedError as error:
            return _refusal(error.answer, request.request_id)
        access = self._access_by_model(request, catalog)
        described = [self._described(model, catalog, access.get(str(model["modelId"]))) for model in catalog.models]
        models = [model for model in described if _matches(model, query, flags)]
        return json_answer(
            {
                "region": {
                    "region": catalog.region,
                    "partition": "aws",
                    "description": f"{COMMERCIAL_REGIONS[catalog.region]} - Commercial AWS",
                },
                "models": models,
                "totalModels": len(models),
                "timestamp": timestamp_ms(request.received_at),
                "source": {"partition": "AWS GovCloud", "region": self._region, "requestId": request.request_id},
            },
            headers={"Age": str(self._lists.age_seconds)},
        )

    def get_model(self, request: Request) -> Response:
        """One model, by its id, a profile's, or the ARN of either; with what Bedrock says of its availability now."""
        identifier = checked_id(request.path_parameters.get("modelId"), "modelId")
        _, flags = _checked(request.query, ("refresh",))
        try:
            catalog = self._lists.read(request, str(uuid.uuid4()), fresh=flags.get("refresh", False))
        except ListsRefusedError as error:
            return _refusal(error.answer, request.request_id)
        model = catalog.model(catalog.resolve(identifier).model_id)
        if model is None:
            raise ModelNotFoundError("Commercial Bedrock lists no such model; GET /bedrock/models names them all")
        answer = self._availability(request, "GetFoundationModelAvailability", "", [str(model["modelId"])])[0]
        availability = json.loads(answer.body) if answer and answer.ok else None
        described = self._described(model, catalog, _access(availability))
        if availability is not None:
            described["availability"] = availability
        return json_answer(described, headers={"Age": str(self._lists.age_seconds)})

    def _access_by_model(self, request: Request, catalog: Catalog) -> Mapping[str, str]:
        """Whether this account may use each model, as far as Bedrock said so since the lists were read."""
        known_of, known = self._access
        known = known if known_of is catalog else {}
        missing = [str(model["modelId"]) for model in catalog.models if model["modelId"] not in known]
        if missing:
            answers = self._availability(request, "ReadModelAccess", str(uuid.uuid4()), missing)
            found = {
                model_id: _access(json.loads(answer.body))
                for model_id, answer in zip(missing, answers, strict=True)
                if answer and answer.ok
            }
            self._access = (catalog, known := {**known, **found})
        return known

    def _availability(
        self, request: Request, operation: str, crossing_id: str, model_ids: Iterable[str]
    ) -> list[UpstreamAnswer | None]:
        """Bedrock's answers about models, in their order; None where none came in time."""
        crossing = Crossing(
            request=request,
            operation=operation,
            decision=self._policy.discovery(),
            payload_sha256=sha256_hex(b""),
            request_bytes=0,
            crossing_id=crossing_id,
        )
        calls = [
            UpstreamCall("bedrock", "GET", f"/foundation-model-availability/{path_segment(model_id)}")
            for model_id in model_ids
        ]
        with self._boundary.passage(crossing) as passage:
            return passage.send_all(calls, _ACCESS_SECONDS)

    def _described(self, model: Mapping[str, Any], catalog: Catalog, access: str | None) -> dict[str, Any]:
        """A model as callers see it."""
        model_id = str(model["modelId"])
        called = self._callable(catalog.resolve(model_id), model)
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

    def _callable(self, resolution: Resolution, model: Mapping[str, Any]) -> str | None:
        by_itself = resolution.called_id == model["modelId"]
        served = not by_itself or "ON_DEMAND" in model.get("inferenceTypesSupported", ())
        return resolution.called_id if served and self._policy.decide(resolution).allowed else None


def _checked(
    query: Mapping[str, tuple[str, ...]], parameters: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, bool]]:
    """The query's values, and those of them that are true or false."""
    for name, values in query.items():
        if name not in parameters:
            raise InvalidParameterError(f"unknown query parameter; this operation takes {', '.join(parameters)}")
        if len(values) != 1:
            raise InvalidParameterError(f"`{name}` may be given once")
        if name in _FLAG_PARAMETERS and values[0] not in _FLAGS:
            raise InvalidParameterError(f"`{name}` must be true or false")
    single = {name: values[0] for name, values in query.items()}
    return single, {name: _FLAGS[value] for name, value in single.items() if name in _FLAG_PARAMETERS}


def _matches(model: Mapping[str, Any], query: Mapping[str, str], flags: Mapping[str, bool]) -> bool:
    modalities = {*model["inputModalities"], *model["outputModalities"]}
    return (
        ("provider" not in query or query["provider"].lower() == model["providerName"].lower())
        and ("modality" not in query or query["modality"].upper() in modalities)
        and flags.get("callable") in (None, model["callable"])
        and flags.get("legacy") in (None, model["modelLifecycle"].get("status") == "LEGACY")
    )


def _access(availability: Any) -> str:
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


def _refusal(answer: UpstreamAnswer, request_id: str) -> Response:
    code = answer.error_type or "UpstreamError"
    message = "Commercial Bedrock refused to list its models; check the credential's policy"
    headers = {"x-amzn-errortype": code}
    if "retry-after" in answer.headers:
        headers["Retry-After"] = answer.headers["retry-after"]
    return error_answer(answer.status, code, message, request_id, headers)

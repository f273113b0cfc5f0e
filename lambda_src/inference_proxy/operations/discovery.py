"""GET /bedrock/models and /bedrock/models/{modelId}: what Commercial Bedrock offers, and what to call it by.

The members the original system had, and more. Follows ListFoundationModels and GetFoundationModelAvailability of the
Amazon Bedrock API Reference.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.decisions import Decision
from inference_proxy.errors import InvalidParameterError, ModelNotFoundError
from inference_proxy.gate import Gate
from inference_proxy.model_lists import ListsRefusedError, ModelLists
from inference_proxy.models import Crossing, Request, Response, UpstreamAnswer, UpstreamCall, timestamp_ms
from inference_proxy.operations.answers import error_answer, json_answer
from inference_proxy.operations.model_descriptions import access_of, described
from inference_proxy.operations.query_parameters import single_values
from inference_proxy.policy import Admission, Asked
from inference_proxy.profiles import Catalog, checked_id, path_segment
from inference_proxy.settings import COMMERCIAL_REGIONS

_ACCESS_SECONDS = 8.0  # for asking about all models; those that are left then are UNKNOWN
_FLAG_PARAMETERS = ("callable", "legacy", "refresh")
_PARAMETERS = ("provider", "modality", *_FLAG_PARAMETERS)
_FLAGS = {"true": True, "false": False}


class Discovery:
    """Answers what there is to call."""

    def __init__(self, boundary: Boundary, gate: Gate, lists: ModelLists, region: str) -> None:
        self._boundary = boundary
        self._gate = gate
        self._lists = lists
        self._region = region
        self._access: tuple[Catalog | None, Mapping[str, str]] = (None, {})  # of which lists, and by model id

    def list_models(self, request: Request) -> Response:
        """The models, filtered by the query; ``Age`` tells how old the lists are, ``refresh=true`` reads them anew."""
        query, flags = _checked(request.query, _PARAMETERS)
        admission = self._admission(request, "ListModels")
        try:
            catalog = self._lists.read(request, fresh=flags.get("refresh", False))
        except ListsRefusedError as error:
            return _refusal(error.answer, request.request_id)
        access = self._access_by_model(request, catalog, admission.decision)
        models = [described(model, catalog, access.get(str(model["modelId"])), admission) for model in catalog.models]
        models = [model for model in models if _matches(model, query, flags)]
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
        admission = self._admission(request, "GetFoundationModelAvailability", is_counted=True)
        try:
            catalog = self._lists.read(request, str(uuid.uuid4()), fresh=flags.get("refresh", False))
        except ListsRefusedError as error:
            return _refusal(error.answer, request.request_id)
        model = catalog.model(catalog.resolve(identifier).model_id)
        if model is None:
            raise ModelNotFoundError("Commercial Bedrock lists no such model; GET /bedrock/models names them all")
        crossing = Crossing(request, "GetFoundationModelAvailability", admission.decision, sha256_hex(b""), 0)
        answer = self._availability(crossing, [str(model["modelId"])])[0]
        availability = json.loads(answer.body) if answer and answer.ok else None
        answered = described(model, catalog, access_of(availability), admission)
        if availability is not None:
            answered["availability"] = availability
        return json_answer(answered, headers={"Age": str(self._lists.age_seconds)})

    def _admission(self, request: Request, operation: str, *, is_counted: bool = False) -> Admission:
        """What the policy lets this caller do; raises its refusal, which is then on record.

        A request that always crosses counts against the limits of its caller; one that is answered from lists does not.
        """
        admission = self._gate.admit(request, Asked())
        decision = admission.decision
        if is_counted:
            decision = self._gate.clear(request, admission, decision).decision
        if not decision.allowed:
            with self._boundary.passage(Crossing(request, operation, decision, sha256_hex(b""), 0)):
                pass  # a denial opens no passage, but raises
        return admission

    def _access_by_model(self, request: Request, catalog: Catalog, decision: Decision) -> Mapping[str, str]:
        """Whether this account may use each model, as far as Bedrock said so since the lists were read."""
        known_of, known = self._access
        known = known if known_of is catalog else {}
        missing = [str(model["modelId"]) for model in catalog.models if model["modelId"] not in known]
        if missing:
            crossing = Crossing(request, "ReadModelAccess", decision, sha256_hex(b""), 0, crossing_id=str(uuid.uuid4()))
            answers = self._availability(crossing, missing)
            found = {
                model_id: access_of(json.loads(answer.body))
                for model_id, answer in zip(missing, answers, strict=True)
                if answer and answer.ok
            }
            self._access = (catalog, known := {**known, **found})
        return known

    def _availability(self, crossing: Crossing, model_ids: Iterable[str]) -> list[UpstreamAnswer | None]:
        """Bedrock's answers about models, in their order; None where none came in time."""
        calls = [
            UpstreamCall("bedrock", "GET", f"/foundation-model-availability/{path_segment(model_id)}")
            for model_id in model_ids
        ]
        with self._boundary.passage(crossing) as passage:
            return passage.send_all(calls, _ACCESS_SECONDS)


def _checked(
    query: Mapping[str, tuple[str, ...]], parameters: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, bool]]:
    """The query's values, and those of them that are true or false."""
    single = single_values(query, parameters)
    given = {name: value for name, value in single.items() if name in _FLAG_PARAMETERS}
    for name, value in given.items():
        if value not in _FLAGS:
            raise InvalidParameterError(f"`{name}` must be true or false")
    return single, {name: _FLAGS[value] for name, value in given.items()}


def _matches(model: Mapping[str, Any], query: Mapping[str, str], flags: Mapping[str, bool]) -> bool:
    modalities = {*model["inputModalities"], *model["outputModalities"]}
    return (
        ("provider" not in query or query["provider"].lower() == model["providerName"].lower())
        and ("modality" not in query or query["modality"].upper() in modalities)
        and flags.get("callable") in (None, model["callable"])
        and flags.get("legacy") in (None, model["modelLifecycle"].get("status") == "LEGACY")
    )


def _refusal(answer: UpstreamAnswer, request_id: str) -> Response:
    code = answer.error_type or "UpstreamError"
    message = "Commercial Bedrock refused to list its models; check the credential's policy"
    headers = {"x-amzn-errortype": code}
    if "retry-after" in answer.headers:
        headers["Retry-After"] = answer.headers["retry-after"]
    return error_answer(answer.status, code, message, request_id, headers)

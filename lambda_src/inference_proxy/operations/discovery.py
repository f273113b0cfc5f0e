"""GET /bedrock/models, and the lists behind the resolution of inference profiles.

Follows ListFoundationModels (not paged) and ListInferenceProfiles (paged) of the Amazon Bedrock API Reference.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from inference_proxy.boundary import Boundary, Passage, sha256_hex
from inference_proxy.errors import ProxyError, UpstreamProtocolError
from inference_proxy.models import Crossing, Request, Response, UpstreamAnswer, UpstreamCall, timestamp_ms
from inference_proxy.operations.answers import error_answer, json_answer
from inference_proxy.policy import Policy
from inference_proxy.profiles import Catalog, CatalogCache
from inference_proxy.settings import COMMERCIAL_REGIONS
from inference_proxy.telemetry import Telemetry

_PAGES = 50  # of up to 1,000 profiles each: a paging loop that cannot go on for ever
_IMPLICIT_SECONDS = 5.0  # what a lookup on behalf of another operation may take of its time
_MODEL_FIELDS: Mapping[str, Any] = {
    "modelId": "",
    "modelName": "",
    "providerName": "",
    "inputModalities": [],
    "outputModalities": [],
    "responseStreamingSupported": False,
    "customizationsSupported": [],
    "inferenceTypesSupported": [],
}


class _RefusedError(Exception):
    """Bedrock answered one of the lists with an error: a crossing that was completed, but no list."""

    def __init__(self, answer: UpstreamAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Discovery:
    """Knows what Commercial Bedrock offers."""

    def __init__(
        self,
        boundary: Boundary,
        policy: Policy,
        cache: CatalogCache,
        telemetry: Telemetry,
        region: str,
    ) -> None:
        self._boundary = boundary
        self._policy = policy
        self._cache = cache
        self._telemetry = telemetry
        self._region = region

    def list_models(self, request: Request) -> Response:
        """The models of Commercial Bedrock in the original's shape; ``Age`` tells how old the lists are."""
        try:
            catalog = self._cache.get(lambda: self._load(request, ""))
        except _RefusedError as error:
            code = error.answer.error_type or "UpstreamError"
            message = "Commercial Bedrock refused to list its models; check the credential's policy"
            return error_answer(error.answer.status, code, message, request.request_id, {"x-amzn-errortype": code})
        models = [{name: model.get(name, empty) for name, empty in _MODEL_FIELDS.items()} for model in catalog.models]
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
            headers={"Age": str(self._cache.age_seconds)},
        )

    def resolve(self, request: Request, model_id: str) -> str:
        """The id to call upstream for the caller's id. If the lists cannot be read, Bedrock gets the id as it is."""
        if self._cache.failed_lately:
            return model_id
        brief = replace(request, deadline=request.deadline.within(_IMPLICIT_SECONDS))
        try:
            return self._cache.get(lambda: self._load(brief, str(uuid.uuid4()))).resolve(model_id)
        except (_RefusedError, ProxyError) as error:
            self._telemetry.count("DiscoveryFailures")
            self._telemetry.warning("models not listed", request.request_id, getattr(error, "code", "Refused"))
            return model_id

    def _load(self, request: Request, crossing_id: str) -> Catalog:
        crossing = Crossing(
            request=request,
            operation="ListModels",
            decision=self._policy.discovery(),
            payload_sha256=sha256_hex(b""),
            request_bytes=0,
            crossing_id=crossing_id,
        )
        with self._boundary.passage(crossing) as passage:
            lists = self._read(passage)
        if isinstance(lists, UpstreamAnswer):
            raise _RefusedError(lists)
        return lists

    def _read(self, passage: Passage) -> Catalog | UpstreamAnswer:
        """Both lists, or the answer that refused one of them."""
        answer, lists = self._get(passage, "/foundation-models", "modelSummaries")
        models, profiles, token = lists.get("modelSummaries", []), list[Mapping[str, Any]](), ""
        for _ in range(_PAGES):
            if not answer.ok:
                return answer
            target = "/inference-profiles?maxResults=1000"
            if token:
                target += f"&nextToken={quote(token, safe='')}"
            answer, lists = self._get(passage, target, "inferenceProfileSummaries")
            profiles += lists.get("inferenceProfileSummaries", [])
            token = str(lists.get("nextToken") or "")
            if answer.ok and not token:
                break
        return Catalog(models, profiles, str(passage.outcome.destination_region))

    @staticmethod
    def _get(passage: Passage, target: str, member: str) -> tuple[UpstreamAnswer, dict[str, Any]]:
        answer = passage.send(UpstreamCall("bedrock", "GET", target, {"Accept": "application/json"}))
        if not answer.ok:
            return answer, {}
        document = json.loads(answer.body)
        members = document.get(member) if isinstance(document, dict) else None
        if not isinstance(members, list) or not all(isinstance(item, dict) for item in members):
            raise UpstreamProtocolError("Commercial Bedrock's list does not hold what its API reference says")
        return answer, document

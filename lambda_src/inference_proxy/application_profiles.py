"""Application inference profiles: a model under a name of one's own, whose tags say who pays for it.

Follows "Create an application inference profile" in the Amazon Bedrock User Guide. A profile is either there already
and named by its ARN, or created once and found by its name from then on.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.errors import ProxyError
from inference_proxy.models import ApplicationProfile, Crossing, Request, UpstreamCall
from inference_proxy.policy import Policy
from inference_proxy.profiles import Catalog, Resolution, destination_regions
from inference_proxy.telemetry import Telemetry

_RETRY_SECONDS = 60.0  # after a failure; until then the model is called without its profile


class ApplicationProfiles:
    """The application profiles that stand in for models, by foundation model id."""

    def __init__(
        self, wanted: Mapping[str, ApplicationProfile], boundary: Boundary, policy: Policy, telemetry: Telemetry
    ) -> None:
        self._wanted = wanted
        self._boundary = boundary
        self._policy = policy
        self._telemetry = telemetry
        self._created: dict[str, Resolution] = {}
        self._failed_at: dict[str, float] = {}

    def instead_of(self, resolution: Resolution, catalog: Catalog | None, request: Request) -> Resolution:
        """The application profile of the model behind ``resolution``, or ``resolution`` itself if there is none."""
        wanted = self._wanted.get(resolution.model_id)
        if wanted is None or ":application-inference-profile/" in resolution.called_id:
            return resolution
        model_id = resolution.model_id
        if wanted.arn:
            profile = catalog.profile(wanted.arn) if catalog else None
            regions = destination_regions(profile) if profile else resolution.destination_regions
            return Resolution(wanted.arn, model_id, regions)
        if not catalog:
            return resolution
        known = self._created.get(model_id) or _named(catalog, wanted.name, model_id)
        if not known and time.time() - self._failed_at.get(model_id, float("-inf")) >= _RETRY_SECONDS:
            known = self._create(wanted, resolution, catalog, request)
        return known or resolution

    def _create(
        self, wanted: ApplicationProfile, resolution: Resolution, catalog: Catalog, request: Request
    ) -> Resolution | None:
        """Create it; None if that fails. Two environments at once send the same token, and so get the same profile."""
        model_id = resolution.model_id
        source = catalog.profile(resolution.called_id) or catalog.model(model_id) or {}
        document: dict[str, Any] = {
            "inferenceProfileName": wanted.name,
            "modelSource": {"copyFrom": source.get("inferenceProfileArn") or source.get("modelArn")},
            "tags": [{"key": key, "value": value} for key, value in sorted(wanted.tags.items())],
        }
        token = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        body = json.dumps({**document, "clientRequestToken": token}).encode()
        crossing = Crossing(
            request=request,
            operation="CreateInferenceProfile",
            decision=self._policy.configured(),
            payload_sha256=sha256_hex(body),
            request_bytes=len(body),
            model_id=model_id,
            resolved_model_id=resolution.called_id,
            crossing_id=str(uuid.uuid4()),
        )
        call = UpstreamCall("bedrock", "POST", "/inference-profiles", {"Content-Type": "application/json"}, body)
        try:
            with self._boundary.passage(crossing) as passage:
                answer = passage.send(call)
                arn = json.loads(answer.body).get("inferenceProfileArn") if answer.ok else None
        except ProxyError as error:
            code = error.code
        else:
            code = answer.error_type or f"Http{answer.status}"
            if arn:
                self._created[model_id] = Resolution(str(arn), model_id, resolution.destination_regions)
                return self._created[model_id]
        self._failed_at[model_id] = time.time()
        self._telemetry.count("ApplicationProfileFailures")
        self._telemetry.warning("application profile not created", request.request_id, code)
        return None


def _named(catalog: Catalog, name: str, model_id: str) -> Resolution | None:
    """The application profile of this name; the first by ARN, should somebody have made two."""
    found = [
        profile
        for profile in catalog.profiles_of(model_id)
        if profile.get("type") == "APPLICATION" and profile.get("inferenceProfileName") == name
    ]
    if not found:
        return None
    profile = min(found, key=lambda profile: str(profile["inferenceProfileArn"]))
    return Resolution(str(profile["inferenceProfileArn"]), model_id, destination_regions(profile))

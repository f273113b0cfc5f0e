"""Application inference profiles: a model under a name of one's own, whose tags say who pays for it.

Follows "Create an application inference profile" in the Amazon Bedrock User Guide. A profile is either there already
and named by its ARN, or created once and found by its name from then on.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.environment import ApplicationProfile
from inference_proxy.errors import ProxyError
from inference_proxy.model_lists import ModelLists
from inference_proxy.models import Crossing, Request, UpstreamCall
from inference_proxy.policy import Admission
from inference_proxy.policy_store import PolicyStore
from inference_proxy.profiles import Catalog, Resolution
from inference_proxy.telemetry import Telemetry

_CREATE_SECONDS = 4.0  # of the time of the call that it is for
_RETRY_SECONDS = 60.0  # after a failure; until then the model is called without its profile


class ApplicationProfiles:
    """The application profiles that stand in for models, by foundation model id."""

    def __init__(
        self,
        wanted: Mapping[str, ApplicationProfile],
        boundary: Boundary,
        policies: PolicyStore,
        lists: ModelLists,
        telemetry: Telemetry,
    ) -> None:
        self._wanted = wanted
        self._boundary = boundary
        self._policies = policies
        self._lists = lists
        self._telemetry = telemetry
        self._created: dict[str, tuple[Catalog, Resolution]] = {}  # with the lists that do not have it yet
        self._failed_at: dict[str, float] = {}

    def instead_of(
        self, resolution: Resolution, catalog: Catalog | None, request: Request, admission: Admission
    ) -> Resolution:
        """The application profile of the model behind ``resolution``; ``resolution`` itself if there is none to use."""
        model_id = resolution.model_id
        wanted = self._wanted.get(model_id)
        if wanted is None or resolution.is_application_profile:
            return resolution
        if catalog is None:
            # The lists cannot be read: a configured ARN is the operator's word, a name leads nowhere. Where it leads
            # nobody can say then, and the policy may want to know.
            by_arn = replace(resolution, called_id=wanted.arn)
            return by_arn if wanted.arn and admission.into(by_arn).allowed else self._without(resolution, request)
        if wanted.arn:
            return catalog.application_profile(model_id, arn=wanted.arn) or self._without(resolution, request)
        known = catalog.application_profile(model_id, name=wanted.name)
        listed, created = self._created.get(model_id, (None, None))
        if known or (created and listed is catalog):
            return known or created or resolution
        if time.time() - self._failed_at.get(model_id, float("-inf")) < _RETRY_SECONDS:
            return resolution
        if request.dry_run:
            return resolution  # the ARN it would get, nobody can say
        return self._found_or_created(wanted, model_id, request, admission) or self._without(resolution, request)

    def _without(self, resolution: Resolution, request: Request) -> Resolution:
        """Say that the model has to do without its profile."""
        if request.dry_run:
            return resolution
        self._failed_at[resolution.model_id] = time.time()
        self._telemetry.count("ApplicationProfileFailures")
        self._telemetry.warning("called without its application profile", request.request_id, resolution.model_id)
        return resolution

    def _found_or_created(
        self, wanted: ApplicationProfile, model_id: str, request: Request, admission: Admission
    ) -> Resolution | None:
        """The profile by fresh lists, or a new one; None if the policy forbids what it would lead to, or it fails."""
        brief = replace(request, deadline=request.deadline.within(_CREATE_SECONDS))
        catalog = self._lists.on_behalf(brief, fresh=True)
        if catalog is None:
            return None
        known = catalog.application_profile(model_id, name=wanted.name)
        # Of what the model itself resolves to, whatever the first caller has called it.
        source = catalog.resolve(model_id)
        if known or not admission.into(source).allowed:
            return known
        arn = self._create(wanted, source, catalog.arn_of(source), brief)
        if arn is None:
            return None
        created = replace(source, called_id=arn, is_application_profile=True)
        self._created[model_id] = (catalog, created)
        return created

    def _create(self, wanted: ApplicationProfile, source: Resolution, copy_from: str, request: Request) -> str | None:
        """The ARN of the new profile. Environments that create it at once send the same token, and get the same one."""
        tags = [{"key": key, "value": value} for key, value in sorted(wanted.tags.items())]
        document = {"inferenceProfileName": wanted.name, "modelSource": {"copyFrom": copy_from}, "tags": tags}
        token = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        body = json.dumps({**document, "clientRequestToken": token}).encode()
        crossing = Crossing(
            request=request,
            operation="CreateInferenceProfile",
            decision=self._policies.configuring(),
            payload_sha256=sha256_hex(body),
            request_bytes=len(body),
            model_id=source.model_id,
            resolved_model_id=source.called_id,
            crossing_id=str(uuid.uuid4()),
        )
        call = UpstreamCall("bedrock", "POST", "/inference-profiles", {"Content-Type": "application/json"}, body)
        try:
            with self._boundary.passage(crossing) as passage:
                answer = passage.send(call)
        except ProxyError:
            return None  # on record; the caller's own call goes on
        created = json.loads(answer.body) if answer.ok else {}
        arn = created.get("inferenceProfileArn") if isinstance(created, dict) else None
        return arn if isinstance(arn, str) else None

"""Calls a model by whatever id the caller has for it: model id, inference profile id, or the ARN of either."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from inference_proxy.application_profiles import ApplicationProfiles
from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.commercial_guardrail import with_guardrail
from inference_proxy.decisions import GuardrailAs
from inference_proxy.errors import ProxyError
from inference_proxy.gate import Clearance, Gate
from inference_proxy.model_lists import ModelLists
from inference_proxy.models import Crossing, Request, Response, UpstreamAnswer, UpstreamCall
from inference_proxy.policy import Admission, Asked
from inference_proxy.profiles import Catalog, Resolution, named_model
from inference_proxy.routes import ModelAs

Build = Callable[[Resolution, str, bytes], UpstreamCall]
Render = Callable[[UpstreamAnswer, Mapping[str, str]], Response]
# Bedrock's sentence for a model that needs a profile, without its apostrophe, which comes in two forms.
_NEEDS_PROFILE = (b"on-demand throughput", b"inference profile")


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What an operation wants of a model. ``body`` is what would cross. ``build`` makes the upstream's request for a
    resolution, an audit id and the body that may cross, ``render`` the caller's answer from Bedrock's and the headers
    that say which model it was."""

    operation: str
    model_id: str
    body: bytes
    build: Build
    render: Render
    model_as: ModelAs = "application profile"
    guardrail_as: GuardrailAs = "none"
    beside: tuple[str, ...] = ()  # what crosses beside the body, as in Asked


class ModelCalls:
    """Takes calls of models over the boundary."""

    def __init__(
        self, boundary: Boundary, gate: Gate, lists: ModelLists, application_profiles: ApplicationProfiles
    ) -> None:
        self._boundary = boundary
        self._gate = gate
        self._lists = lists
        self._application_profiles = application_profiles
        self._needs_profile: set[str] = set()  # foundation models of which Bedrock said so against its own lists

    def send(self, request: Request, call: ModelCall) -> Response:
        """Decide, resolve the id, decide again, cross. If Bedrock then says that the model needs a profile, cross once
        more with one.

        What is denied by what the request itself says causes no look into Bedrock's lists. The second time is a
        crossing with a record of its own: nothing was served or billed in the first.
        """
        admission = self._gate.admit(request, Asked(call.body, call.beside, call.model_id, call.guardrail_as))
        resolution = Resolution.unresolved(call.model_id)
        if admission.decision.allowed:
            resolution = self._resolve(request, call, admission)
        clearance = self._gate.clear(request, admission, admission.into(resolution))
        answer, response = self._cross(request, call, clearance, resolution)
        if not _says_profile_needed(answer):
            return response
        catalog = self._lists.on_behalf(request, fresh=True)
        profile = _assumed_profile(catalog, resolution.model_id)
        if profile is None or profile.called_id == resolution.called_id:
            return response
        clearance = replace(clearance, decision=admission.into(profile))
        answer, second = self._cross(request, call, clearance, profile, crossing_id=str(uuid.uuid4()))
        if answer.ok:
            self._needs_profile.add(resolution.model_id)
        # A guess that Bedrock does not know says nothing of the caller's model; its first answer does.
        return response if catalog is None and answer.status in (400, 404) else second

    def _resolve(self, request: Request, call: ModelCall, admission: Admission) -> Resolution:
        catalog = self._lists.on_behalf(request)
        resolution = catalog.resolve(call.model_id) if catalog else Resolution.unresolved(call.model_id)
        if call.model_as == "foundation model":
            assumed = resolution.model_id if catalog else named_model(resolution.model_id)[1]
            return Resolution.unresolved(assumed)
        if resolution.is_application_profile and resolution.destination_regions is None:
            catalog = self._lists.on_behalf(request, fresh=True)  # it may be new
            resolution = catalog.resolve(call.model_id) if catalog else resolution
        if resolution.called_id == call.model_id and resolution.model_id in self._needs_profile:
            resolution = _assumed_profile(catalog, resolution.model_id) or resolution
        if call.model_as == "application profile" and admission.into(resolution).allowed:
            return self._application_profiles.instead_of(resolution, catalog, request, admission)
        return resolution

    def _cross(
        self, request: Request, call: ModelCall, clearance: Clearance, resolution: Resolution, crossing_id: str = ""
    ) -> tuple[UpstreamAnswer, Response]:
        upstream = call.build(resolution, crossing_id or request.request_id, clearance.body)
        if clearance.decision.allowed:
            upstream = with_guardrail(upstream, clearance.commercial_guardrail, call.guardrail_as)
        crossing = Crossing(
            request=request,
            operation=call.operation,
            decision=clearance.decision,
            payload_sha256=sha256_hex(upstream.body),
            request_bytes=len(upstream.body),
            model_id=call.model_id,
            resolved_model_id=resolution.called_id,
            foundation_model_id=named_model(resolution.model_id)[1],
            destination_regions=resolution.destination_regions,
            body=upstream.body,
            crossing_id=crossing_id,
            counts_tokens=clearance.counts_tokens,
            guardrail_action=clearance.guardrail_action,
            guardrail_latency_ms=clearance.guardrail_latency_ms,
        )
        names = {"X-Requested-Model-Id": call.model_id, "X-Resolved-Model-Id": resolution.called_id}
        try:
            with self._boundary.passage(crossing) as passage:
                answer = passage.send(upstream)
                response = call.render(answer, names)
                # A stream may have failed on its way.
                return answer, replace(response, error_code=response.error_code or passage.outcome.error_code)
        except ProxyError as error:
            error.headers |= names
            raise


def _says_profile_needed(answer: UpstreamAnswer) -> bool:
    return answer.status == 400 and all(words in answer.body for words in _NEEDS_PROFILE)


def _assumed_profile(catalog: Catalog | None, model_id: str) -> Resolution | None:
    """A profile for a model that needs one: from the lists; without them, by the name that AWS gives such profiles."""
    if catalog:
        return catalog.through_profile(model_id)
    return None if model_id.startswith("arn:") else Resolution(f"us.{model_id}", model_id)

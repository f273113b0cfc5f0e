"""The operations of the Commercial stand-in: which path is which, who answers it, and what it needs of IAM.

A segment of a path is decoded once: "%2F" inside a model id is part of the id, a raw "/" is not. The permissions follow
the Service Authorization Reference of Amazon Bedrock and "Prerequisites for inference profiles": a call by a profile
needs the profile, and the model in each Region that the profile leads to.
"""

from __future__ import annotations

from urllib.parse import unquote

from tests.fakes import commercial_runtime as runtime
from tests.fakes.commercial_iam import Needs
from tests.fakes.commercial_models import Catalogue
from tests.fakes.commercial_wire import BedrockError, Request, Response, ValidationError

LISTS = {
    "foundation-models": "bedrock:ListFoundationModels",
    "inference-profiles": "bedrock:ListInferenceProfiles",
}


def answer(request: Request, catalogue: Catalogue) -> Response:
    try:
        match _route(request):
            case ("POST", "model", identifier, "invoke") if identifier:
                return runtime.invoke(catalogue.resolve(identifier), request)
            case ("POST", "model", identifier, "converse") if identifier:
                return runtime.converse(catalogue.resolve(identifier), request)
            case ("POST", "model", identifier, "count-tokens") if identifier:
                catalogue.resolve_for_counting(identifier)
                return runtime.count(request)
            case ("GET", "foundation-models"):
                return catalogue.list_models(request.query)
            case ("GET", "foundation-models", identifier) if identifier:
                return catalogue.get_model(identifier)
            case ("GET", "foundation-model-availability", identifier) if identifier:
                return catalogue.model_availability(identifier)
            case ("GET", "inference-profiles"):
                return catalogue.list_profiles(request.query)
            case ("GET", "inference-profiles", identifier) if identifier:
                return catalogue.get_profile(identifier)
    except BedrockError as error:
        return error.response
    return BedrockError(404, "UnknownOperationException", "The requested operation is not recognized.").response


def needs_of(request: Request, catalogue: Catalogue, region: str) -> Needs:
    """The permissions of a request; none for one that Bedrock refuses before it looks at a model."""
    try:
        match _route(request):
            case ("POST", "model", identifier, "invoke" | "converse") if identifier:
                return _to_invoke(identifier, catalogue, region)
            case ("POST", "model", identifier, "count-tokens") if identifier:
                return Needs((_on_model("bedrock:CountTokens", identifier, catalogue, region),))
            case ("GET", "foundation-models" | "inference-profiles" as kind):
                return Needs(({"action": LISTS[kind], "resource": "*"},))
            case ("GET", "foundation-models", identifier) if identifier:
                return Needs((_on_model("bedrock:GetFoundationModel", identifier, catalogue, region),))
            case ("GET", "foundation-model-availability", identifier) if identifier:
                return Needs(({"action": "bedrock:GetFoundationModelAvailability", "resource": "*"},))
            case ("GET", "inference-profiles", identifier) if identifier:
                arn = catalogue.profile_arn(catalogue.split(identifier)[1], region)
                return Needs(({"action": "bedrock:GetInferenceProfile", "resource": arn},))
    except ValidationError:  # an ARN of something else
        pass
    return Needs()


def _to_invoke(identifier: str, catalogue: Catalogue, region: str) -> Needs:
    """The model's permission, or the profile's and that of the model in each Region the profile leads to."""
    action = "bedrock:InvokeModel"
    kind, name = catalogue.split(identifier)
    destinations = [] if kind == "foundation-model" else catalogue.destinations(name)
    if not destinations:
        return Needs((_on_model(action, identifier, catalogue, region),))
    profile = catalogue.profile_arn(name, region)
    permissions = tuple({"action": action, "resource": arn} for arn in (profile, *destinations))
    return Needs(permissions, {"bedrock:InferenceProfileArn": profile})


def _on_model(action: str, identifier: str, catalogue: Catalogue, region: str) -> dict[str, str]:
    name = catalogue.model_behind(catalogue.split(identifier)[1])
    return {"action": action, "resource": f"arn:aws:bedrock:{region}::foundation-model/{name}"}


def _route(request: Request) -> tuple[str, ...]:
    return (request.method, *(unquote(segment) for segment in request.path.split("/")[1:]))

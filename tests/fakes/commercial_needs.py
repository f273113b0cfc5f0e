"""What each operation of the Commercial stand-in needs of IAM.

Follows the Service Authorization Reference of Amazon Bedrock and "Prerequisites for inference profiles": a call by a
profile needs the profile, and the model in each Region that the profile leads to. A stream needs
bedrock:InvokeModelWithResponseStream, whichever path it is asked for on. CreateInferenceProfile needs what it copies
and the profile to be, StartAsyncInvoke the model and the invocation to be, and either of them bedrock:TagResource for
its tags; what is to be has no id yet, so a policy must allow all of its kind. The Responses API also needs the default
project (AWS Machine Learning Blog on cross-Region inference with GPT-5.6). That StartAsyncInvoke needs the caller's
s3:PutObject is not looked at.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.commercial_catalogue import Catalogue
from tests.fakes.commercial_guardrails import guardrail_arn
from tests.fakes.commercial_iam import Needs
from tests.fakes.commercial_wire import Request, ValidationError, json_of, segments_of

_LISTS = {
    "foundation-models": "bedrock:ListFoundationModels",
    "inference-profiles": "bedrock:ListInferenceProfiles",
    "async-invoke": "bedrock:ListAsyncInvokes",
}
_INVOKE, _INVOKE_STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"


def needs_of(request: Request, catalogue: Catalogue, region: str) -> Needs:
    """The permissions of a request; none for one that Bedrock refuses before it looks at a model."""
    try:
        match (request.method, *segments_of(request)):
            case ("POST", "model", identifier, "invoke" | "converse") if identifier:
                return _to_invoke(_INVOKE, identifier, catalogue, region)
            case ("POST", "model", identifier, "invoke-with-response-stream" | "converse-stream") if identifier:
                return _to_invoke(_INVOKE_STREAM, identifier, catalogue, region)
            case ("POST", "model", identifier, "count-tokens") if identifier:
                return _one(_on_model("bedrock:CountTokens", identifier, catalogue, region))
            case ("POST", "openai" | "anthropic", "v1", *path):
                return _of_vendor(path, json_of(request.body), catalogue, region)
            case ("POST", "guardrail", identifier, "version", _, "apply") if identifier:
                return _one(_permission("bedrock:ApplyGuardrail", guardrail_arn(identifier, catalogue, region)))
            case ("POST", "guardrail-checks", "invoke"):
                return _one(_permission("bedrock:InvokeGuardrailChecks"))
            case ("POST", "async-invoke"):
                return _to_start(json_of(request.body), catalogue, region)
            case ("GET", "async-invoke", arn) if arn:
                return _one(_permission("bedrock:GetAsyncInvoke", arn))
            case ("GET", "foundation-models" | "inference-profiles" | "async-invoke" as kind):
                return _one(_permission(_LISTS[kind]))
            case ("GET", "foundation-models", identifier) if identifier:
                return _one(_on_model("bedrock:GetFoundationModel", identifier, catalogue, region))
            case ("GET", "foundation-model-availability", identifier) if identifier:
                return _one(_permission("bedrock:GetFoundationModelAvailability"))
            case ("GET", "inference-profiles", identifier) if identifier:
                return _one(_permission("bedrock:GetInferenceProfile", _profile_arn(identifier, catalogue, region)))
            case ("POST", "inference-profiles"):
                return _to_create(json_of(request.body), catalogue, region)
            case ("POST", "listTagsForResource"):
                return _one(_permission("bedrock:ListTagsForResource", _text(json_of(request.body), "resourceARN")))
    except ValidationError:  # an ARN of something else, or no JSON: the operation says so
        pass
    return Needs()


def _of_vendor(path: list[str], body: dict[str, Any], catalogue: Catalogue, region: str) -> Needs:
    action = _INVOKE_STREAM if body.get("stream") is True else _INVOKE
    needs = _to_invoke(action, _text(body, "model"), catalogue, region)
    if path != ["responses"]:
        return needs
    project = _permission(action, f"arn:aws:bedrock:{region}:{catalogue.account}:project/default")
    return Needs((*needs.permissions, project), needs.conditions)


def _to_invoke(action: str, identifier: str, catalogue: Catalogue, region: str) -> Needs:
    """The model's permission, or the profile's and that of the model in each Region the profile leads to."""
    profile = catalogue.find_profile(identifier, region)
    if profile is None:
        return _one(_on_model(action, identifier, catalogue, region))
    permissions = tuple(_permission(action, arn) for arn in (profile.arn, *profile.destinations))
    return Needs(permissions, {"bedrock:InferenceProfileArn": profile.arn})


def _to_create(body: dict[str, Any], catalogue: Catalogue, region: str) -> Needs:
    made = f"arn:aws:bedrock:{region}:{catalogue.account}:application-inference-profile/*"
    copied = _text(body.get("modelSource"), "copyFrom")
    permissions = tuple(_permission("bedrock:CreateInferenceProfile", arn) for arn in (copied, made))
    return Needs((*permissions, *_to_tag(body, made)))


def _to_start(body: dict[str, Any], catalogue: Catalogue, region: str) -> Needs:
    made = f"arn:aws:bedrock:{region}:{catalogue.account}:async-invoke/*"
    needs = _to_invoke(_INVOKE, _text(body, "modelId"), catalogue, region)
    return Needs((*needs.permissions, _permission(_INVOKE, made), *_to_tag(body, made)), needs.conditions)


def _to_tag(body: dict[str, Any], arn: str) -> list[dict[str, str]]:
    return [_permission("bedrock:TagResource", arn)] if body.get("tags") else []


def _on_model(action: str, identifier: str, catalogue: Catalogue, region: str) -> dict[str, str]:
    return _permission(action, f"arn:aws:bedrock:{region}::foundation-model/{catalogue.model_behind(identifier)}")


def _profile_arn(identifier: str, catalogue: Catalogue, region: str) -> str:
    profile = catalogue.find_profile(identifier, region)
    if profile:
        return profile.arn
    return f"arn:aws:bedrock:{region}:{catalogue.account}:inference-profile/{catalogue.split(identifier)[1]}"


def _one(permission: dict[str, str]) -> Needs:
    return Needs((permission,))


def _permission(action: str, resource: str = "*") -> dict[str, str]:
    return {"action": action, "resource": resource}


def _text(document: Any, name: str) -> str:
    """A member without which there is nothing to allow."""
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise ValidationError(f"no {name}")
    return value

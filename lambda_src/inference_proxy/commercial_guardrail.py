"""The guardrail of Commercial Bedrock that a policy may require on every call of a model.

Follows InvokeModel and Converse of the Amazon Bedrock API Reference, and "Include a guardrail in a chat completion" and
"Apply tags to user input to filter content" of the Amazon Bedrock User Guide. That the guardrail is there cannot be
left to the caller, so it is put in here.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from inference_proxy.content import Content, JsonObject
from inference_proxy.decisions import Denied, GuardrailAs
from inference_proxy.errors import InvalidJsonError
from inference_proxy.models import UpstreamCall
from inference_proxy.policy_document import Guardrail

_IDENTIFIER_HEADER = "x-amzn-bedrock-guardrailidentifier"
_VERSION_HEADER = "x-amzn-bedrock-guardrailversion"
_MEMBER = "guardrailConfig"
_RULE = "guardrails.commercial"
# How a caller says which part of the input a guardrail is to look at: the rest would pass it by.
_SELECTED, _PLACES = "guardContent", ("system", "messages")  # of Converse
_SELECTION = "amazon-bedrock-guardrailConfig"  # of the other operations


def check_guardrail(
    guardrail: Guardrail | None, guardrail_as: GuardrailAs, headers: Mapping[str, str], content: Content
) -> None:
    """Raise Denied where a required guardrail cannot be carried, or the caller names another one."""
    if guardrail is None:
        return
    if guardrail_as == "none":
        raise Denied(_RULE, "the policy wants a guardrail on every call, and this operation takes none; use Converse")
    own: list[tuple[str, object]] = [
        (name, headers[header])
        for name, header in (("identifier", _IDENTIFIER_HEADER), ("version", _VERSION_HEADER))
        if header in headers
    ]
    for member in content.members(_MEMBER) if guardrail_as == "member" else ():
        if not isinstance(member, JsonObject):
            raise Denied(_RULE, f"the member `{_MEMBER}` is no object; leave it out, the policy's guardrail is put in")
        own += [("identifier", value) for value in member.members("guardrailIdentifier")]
        own += [("version", value) for value in member.members("guardrailVersion")]
        own += [("mode", value) for value in member.members("streamProcessingMode")]
    wanted = {"identifier": guardrail.identifier, "version": guardrail.version, "mode": "sync"}
    if any(value != wanted[name] for name, value in own):
        raise Denied(_RULE, "the policy wants a guardrail of its own on every call; leave yours out")
    if content.members(_SELECTION) or any(_has(content.members(place), _SELECTED) for place in _PLACES):
        raise Denied(_RULE, f"the policy's guardrail sees all of a request; leave out `{_SELECTED}` and `{_SELECTION}`")


def _has(value: object, name: str) -> bool:
    """Whether there is a member of this name, at any depth."""
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, JsonObject):
            if value.members(name):
                return True
            values += [member for _, member in value]
        elif isinstance(value, list):
            values += value
    return False


def with_guardrail(call: UpstreamCall, guardrail: Guardrail | None, guardrail_as: GuardrailAs) -> UpstreamCall:
    """The call with the guardrail in it. The caller's own parts of it stay, such as ``trace``."""
    if guardrail is None or guardrail_as in ("none", "no model runs"):
        return call
    if guardrail_as == "headers":
        named = {_IDENTIFIER_HEADER: guardrail.identifier, _VERSION_HEADER: guardrail.version}
        return replace(call, headers={**call.headers, **named})
    try:
        document = json.loads(call.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidJsonError("the request body is not a JSON object, so the policy's guardrail cannot be put in")
    config = {"guardrailIdentifier": guardrail.identifier, "guardrailVersion": guardrail.version}
    document[_MEMBER] = {**document.get(_MEMBER, {}), **config}
    # In ASCII, since half of a surrogate pair, as cut text has it, is in no encoding.
    return replace(call, body=json.dumps(document, separators=(",", ":")).encode())

"""Guardrails of the Commercial stand-in: ApplyGuardrail with two made-up guardrails, and InvokeGuardrailChecks.

Shapes are those of botocore's service model `bedrock-runtime`. What is found is simple and the same every time: one
guardrail blocks a word, the other masks e-mail addresses, and checks score only these two things.
"""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.commercial_catalogue import Catalogue
from tests.fakes.commercial_constraints import check_choice, check_present, invalid
from tests.fakes.commercial_wire import BedrockError, Request, Response, ValidationError, json_of, json_response

BLOCKS_A_WORD, MASKS_EMAIL = "twinblocksaword", "twinmasksemail"
VERSIONS = ("DRAFT", "1")
FORBIDDEN_WORD = "twinforbidden"
BLOCKED_MESSAGE = "The offline twin's guardrail blocked this."
CHARACTERS_PER_UNIT = 1000
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_GUARDRAIL_ARN = re.compile(r"arn:aws:bedrock:([a-z0-9-]+):(\d{12}):guardrail/([a-z0-9]+)")
# Units that GuardrailUsage always has; the fake has policies for two of them.
_NO_UNITS = dict.fromkeys(
    (
        *("topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits"),
        *("sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits"),
    ),
    0,
)


def guardrail_arn(identifier: str, catalogue: Catalogue, region: str) -> str:
    return (
        identifier
        if identifier.startswith("arn:")
        else (f"arn:aws:bedrock:{region}:{catalogue.account}:guardrail/{identifier}")
    )


def apply_guardrail(identifier: str, version: str, request: Request, catalogue: Catalogue) -> Response:
    guardrail = _known(identifier, version, catalogue)
    body = json_of(request.body)
    check_present(body, "source", str)
    check_choice(body, "source", ("INPUT", "OUTPUT"))
    texts = [_text_of(block) for block in _listed(body, "content")]
    units = sum(_units(text) for text in texts)
    characters = sum(len(text) for text in texts)
    policy = "wordPolicyUnits" if guardrail == BLOCKS_A_WORD else "sensitiveInformationPolicyUnits"
    assessment, outputs = _block(texts) if guardrail == BLOCKS_A_WORD else _mask(texts)
    done = "blocked" if guardrail == BLOCKS_A_WORD else "masked"
    return json_response(
        {
            "usage": {**_NO_UNITS, policy: units},
            "action": "GUARDRAIL_INTERVENED" if assessment else "NONE",
            "actionReason": f"Guardrail {done}." if assessment else "No action.",
            "outputs": [{"text": text} for text in outputs],
            "assessments": [assessment] if assessment else [],
            "guardrailCoverage": {"textCharacters": {"guarded": characters, "total": characters}},
        }
    )


def invoke_checks(request: Request) -> Response:
    """The checks need no guardrail: the request says which to run."""
    body = json_of(request.body)
    check_present(body, "checks", dict)
    messages, checks = _listed(body, "messages"), body["checks"]
    if not checks:
        raise invalid("checks", "Member must name at least one check")
    texts = [
        (message_index, content_index, _checked_text(block))
        for message_index, message in enumerate(messages)
        for content_index, block in enumerate(_listed(message, "content"))
    ]
    units = sum(_units(text) for _, _, text in texts)
    score = 1.0 if any(FORBIDDEN_WORD in text for _, _, text in texts) else 0.0
    results: dict[str, Any] = {}
    for check in ("contentFilter", "promptAttack"):
        if check in checks:
            categories = [category.get("category") for category in _listed(checks[check], "categories")]
            results[check] = {"results": [{"category": name, "severityScore": score} for name in categories]}
    if "sensitiveInformation" in checks:
        wanted = [entity.get("type") for entity in _listed(checks["sensitiveInformation"], "entities")]
        found = [hit for place in texts for hit in _emails(*place)] if "EMAIL" in wanted else []
        results["sensitiveInformation"] = {"results": found, "truncated": False}
    return json_response({"results": results, "usage": {check: {"textUnits": units} for check in results}})


def _known(identifier: str, version: str, catalogue: Catalogue) -> str:
    name = identifier
    if identifier.startswith("arn:"):
        match = _GUARDRAIL_ARN.fullmatch(identifier)
        if match is None or match[1] not in catalogue.regions or match[2] != catalogue.account:
            raise ValidationError("The provided guardrail identifier is invalid.")
        name = match[3]
    if name not in (BLOCKS_A_WORD, MASKS_EMAIL) or version not in VERSIONS:
        sentence = "The guardrail identifier or version provided in the request does not exist."
        raise BedrockError(404, "ResourceNotFoundException", sentence)
    return name


def _block(texts: list[str]) -> tuple[dict[str, Any] | None, list[str]]:
    if not any(FORBIDDEN_WORD in text for text in texts):
        return None, []
    word = {"match": FORBIDDEN_WORD, "action": "BLOCKED", "detected": True}
    return {"wordPolicy": {"customWords": [word], "managedWordLists": []}}, [BLOCKED_MESSAGE]


def _mask(texts: list[str]) -> tuple[dict[str, Any] | None, list[str]]:
    found = [match for text in texts for match in _EMAIL.findall(text)]
    if not found:
        return None, []
    entities = [{"match": match, "type": "EMAIL", "action": "ANONYMIZED", "detected": True} for match in found]
    masked = [_EMAIL.sub("{EMAIL}", text) for text in texts]
    return {"sensitiveInformationPolicy": {"piiEntities": entities, "regexes": []}}, masked


def _emails(message_index: int, content_index: int, text: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "EMAIL",
            "confidenceScore": 1.0,
            "beginOffset": match.start(),
            "endOffset": match.end(),
            "messageIndex": message_index,
            "contentIndex": content_index,
        }
        for match in _EMAIL.finditer(text)
    ]


def _listed(body: Any, name: str) -> list[dict[str, Any]]:
    """The member that must be a list of objects, and not empty."""
    entries = body.get(name) if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise invalid(name, "Member must be a list of at least 1 structure")
    return entries


def _text_of(block: dict[str, Any]) -> str:
    match block:
        case {"text": {"text": str(text)}}:
            return text
        case {"image": {"format": "png" | "jpeg"}}:
            return ""
        case _:
            raise invalid("content", "Member must be text or image")


def _checked_text(block: dict[str, Any]) -> str:
    if not isinstance(block.get("text"), str):
        raise invalid("content", "Member must be text")
    return str(block["text"])


def _units(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_UNIT)

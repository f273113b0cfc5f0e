"""Guardrails of the Commercial stand-in, with boto3."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.commercial_clients import ARN, boto, call, refusal
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_guardrails import BLOCKED_MESSAGE, BLOCKS_A_WORD, FORBIDDEN_WORD, MASKS_EMAIL


def applied(commercial: CommercialStandIn, guardrail: str, *texts: str, version: str = "1") -> dict[str, Any]:
    content = [{"text": {"text": text}} for text in texts]
    client = boto(commercial, "bedrock-runtime")
    answer = client.apply_guardrail(
        guardrailIdentifier=guardrail, guardrailVersion=version, source="INPUT", content=content
    )
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("identifier", [BLOCKS_A_WORD, f"{ARN}:guardrail/{BLOCKS_A_WORD}"])
def test_a_word_is_blocked(commercial: CommercialStandIn, identifier: str) -> None:
    harmless = applied(commercial, identifier, "fine", version="DRAFT")
    assert (harmless["action"], harmless["outputs"], harmless["assessments"]) == ("NONE", [], [])
    blocked = applied(commercial, identifier, "fine", f"not {FORBIDDEN_WORD}")
    assert (blocked["action"], blocked["outputs"]) == ("GUARDRAIL_INTERVENED", [{"text": BLOCKED_MESSAGE}])
    [word] = blocked["assessments"][0]["wordPolicy"]["customWords"]
    assert word == {"match": FORBIDDEN_WORD, "action": "BLOCKED", "detected": True}
    assert (blocked["usage"]["wordPolicyUnits"], blocked["usage"]["topicPolicyUnits"]) == (2, 0)
    assert blocked["guardrailCoverage"]["textCharacters"] == {"guarded": 21, "total": 21}


def test_an_address_is_masked(commercial: CommercialStandIn) -> None:
    masked = applied(commercial, MASKS_EMAIL, "write to a@example.com", "fine")
    assert masked["outputs"] == [{"text": "write to {EMAIL}"}, {"text": "fine"}]
    [entity] = masked["assessments"][0]["sensitiveInformationPolicy"]["piiEntities"]
    assert (entity["match"], entity["action"]) == ("a@example.com", "ANONYMIZED")


@pytest.mark.parametrize(("identifier", "version"), [("unknown", "1"), (BLOCKS_A_WORD, "7")])
def test_an_unknown_guardrail_is_not_found(commercial: CommercialStandIn, identifier: str, version: str) -> None:
    client = boto(commercial, "bedrock-runtime")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="does not exist"):
        applied(commercial, identifier, "fine", version=version)


def test_a_guardrail_of_another_account_is_invalid(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    foreign = f"arn:aws:bedrock:us-east-1:999999999999:guardrail/{BLOCKS_A_WORD}"
    with pytest.raises(client.exceptions.ValidationException, match="guardrail identifier is invalid"):
        applied(commercial, foreign, "fine")


@pytest.mark.parametrize(
    "body",
    [
        {"source": "MIDDLE", "content": [{"text": {"text": "x"}}]},
        {"content": [{"text": {"text": "x"}}]},
        {"source": "INPUT", "content": []},
        {"source": "INPUT", "content": [{"text": "x"}]},
    ],
)
def test_a_wrong_content_is_refused(commercial: CommercialStandIn, body: dict[str, Any]) -> None:
    path = f"/guardrail/{BLOCKS_A_WORD}/version/1/apply"
    assert refusal(call(commercial, path=path, body=body))[:2] == (400, "ValidationException")


def test_checks_need_no_guardrail(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    answer = client.invoke_guardrail_checks(
        messages=[
            {"role": "system", "content": [{"text": "fine"}]},
            {"role": "user", "content": [{"text": f"{FORBIDDEN_WORD} to a@example.com"}]},
        ],
        checks={
            "contentFilter": {"categories": [{"category": "HATE"}, {"category": "INSULTS"}]},
            "promptAttack": {"categories": [{"category": "JAILBREAK"}]},
            "sensitiveInformation": {"entities": [{"type": "EMAIL"}]},
        },
    )
    results = answer["results"]
    assert [entry["category"] for entry in results["contentFilter"]["results"]] == ["HATE", "INSULTS"]
    assert results["promptAttack"]["results"] == [{"category": "JAILBREAK", "severityScore": 1.0}]
    [found] = results["sensitiveInformation"]["results"]
    assert (found["messageIndex"], found["beginOffset"], found["endOffset"]) == (1, 17, 30)
    assert answer["usage"] == {name: {"textUnits": 2} for name in results}


@pytest.mark.parametrize("checks", [{}, {"contentFilter": {"categories": []}}])
def test_checks_must_say_what_to_check(commercial: CommercialStandIn, checks: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "fine"}]}], "checks": checks}
    assert refusal(call(commercial, path="/guardrail-checks/invoke", body=body))[:2] == (400, "ValidationException")

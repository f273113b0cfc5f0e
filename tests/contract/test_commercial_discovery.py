"""What the Commercial stand-in lists: models, inference profiles and access, and lists that lie."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.contract.commercial_clients import (
    AUTHS,
    CLAUDE,
    EMBEDDING,
    GATED,
    GPT,
    HAIKU,
    IMAGE,
    MESSAGES,
    NOVA,
    PROFILE_ARN,
    VIDEO,
    boto,
    call,
    control,
    refusal,
)
from tests.fakes.commercial import CommercialStandIn


@pytest.mark.parametrize("auth", AUTHS)
def test_boto3_discovers_models(commercial: CommercialStandIn, auth: str) -> None:
    client = boto(commercial, "bedrock", auth)
    models = {model["modelId"]: model for model in client.list_foundation_models()["modelSummaries"]}
    assert models[HAIKU]["inferenceTypesSupported"] == ["INFERENCE_PROFILE"]
    opus = models["anthropic.claude-opus-4-1-20250805-v1:0"]["modelLifecycle"]
    assert (opus["status"], opus["endOfLifeTime"]) == ("LEGACY", datetime(2027, 1, 8, tzinfo=UTC))
    images = client.list_foundation_models(byOutputModality="IMAGE", byProvider="amazon")["modelSummaries"]
    assert [model["modelId"] for model in images] == [IMAGE]
    on_demand = client.list_foundation_models(byInferenceType="ON_DEMAND")["modelSummaries"]
    assert {NOVA, IMAGE} < {model["modelId"] for model in on_demand} < set(models)
    assert client.get_foundation_model(modelIdentifier=NOVA)["modelDetails"] == models[NOVA]
    assert client.get_foundation_model_availability(modelId=HAIKU)["authorizationStatus"] == "AUTHORIZED"
    assert {entry["auth"] for entry in commercial.requests} == {"bearer" if auth == "bearer" else "sigv4"}
    assert {entry["status"] for entry in commercial.requests} == {200}


def test_boto3_pages_through_inference_profiles(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    pages = list(client.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 3}))
    profiles = {p["inferenceProfileId"]: p for page in pages for p in page["inferenceProfileSummaries"]}
    assert [len(page["inferenceProfileSummaries"]) for page in pages] == [3, 3, 3]
    assert f"us.{HAIKU}" in profiles
    assert f"global.{HAIKU}" in profiles
    assert [name for name in profiles if name.endswith("twin-made-up-global-v1:0")] == [
        "global.anthropic.twin-made-up-global-v1:0"
    ]
    assert [model["modelArn"].split(":")[3] for model in profiles[f"us.{HAIKU}"]["models"]] == [
        "us-east-1",
        "us-east-2",
        "us-west-2",
    ]
    fetched = client.get_inference_profile(inferenceProfileIdentifier=PROFILE_ARN)
    assert {**profiles[f"us.{HAIKU}"], "ResponseMetadata": 0} == {**fetched, "ResponseMetadata": 0}
    with pytest.raises(client.exceptions.ValidationException):
        client.list_inference_profiles(nextToken="made-up")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_inference_profile(inferenceProfileIdentifier="us.no-such-model")


def test_what_is_no_conversation_is_listed_with_what_it_makes(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    embedding = client.list_foundation_models(byOutputModality="EMBEDDING")["modelSummaries"]
    assert [(model["modelId"], model["responseStreamingSupported"]) for model in embedding] == [(EMBEDDING, False)]
    assert client.get_foundation_model(modelIdentifier=VIDEO)["modelDetails"]["outputModalities"] == ["VIDEO"]
    profiles = client.list_inference_profiles()["inferenceProfileSummaries"]
    assert {f"us.{GPT}", f"global.{GPT}"} < {profile["inferenceProfileId"] for profile in profiles}


def test_a_model_without_agreement_is_listed_but_not_invoked(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    assert client.get_foundation_model(modelIdentifier=GATED)["modelDetails"]["modelLifecycle"]["status"] == "ACTIVE"
    said = {model: client.get_foundation_model_availability(modelId=model) for model in (GATED, NOVA)}
    states = {name: (of["agreementAvailability"]["status"], of["entitlementAvailability"]) for name, of in said.items()}
    assert states == {GATED: ("NOT_AVAILABLE", "NOT_AVAILABLE"), NOVA: ("AVAILABLE", "AVAILABLE")}
    runtime = boto(commercial, "bedrock-runtime")
    with pytest.raises(runtime.exceptions.AccessDeniedException, match="You don't have access to the model"):
        runtime.converse(modelId=GATED, messages=MESSAGES)


def test_lists_lie_on_demand_and_invocation_does_not(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    lies = {HAIKU: {"inferenceTypesSupported": ["ON_DEMAND"]}, NOVA: None, f"us.{HAIKU}": None}
    assert control(commercial, "PUT", "models", lies)[0] == 200
    listed = {model["modelId"]: model for model in client.list_foundation_models()["modelSummaries"]}
    assert NOVA not in listed
    assert listed[HAIKU]["inferenceTypesSupported"] == ["ON_DEMAND"]
    assert HAIKU in {
        model["modelId"] for model in client.list_foundation_models(byInferenceType="ON_DEMAND")["modelSummaries"]
    }
    for read in (
        lambda: client.get_foundation_model(modelIdentifier=NOVA),
        lambda: client.get_inference_profile(inferenceProfileIdentifier=PROFILE_ARN),
    ):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            read()
    assert refusal(call(commercial, path=f"/model/{HAIKU}/invoke", body=CLAUDE))[2].startswith("Invocation of model ID")
    assert call(commercial, path=f"/model/us.{HAIKU}/invoke", body=CLAUDE)[0] == 200
    assert call(commercial)[0] == 200
    assert control(commercial, "PUT", "models", {})[0] == 200
    assert client.get_foundation_model(modelIdentifier=NOVA)["modelDetails"]["modelId"] == NOVA


def test_a_lie_about_nothing_is_refused(commercial: CommercialStandIn) -> None:
    assert [control(commercial, "PUT", "models", lie)[0] for lie in ({"no.model": {}}, {NOVA: 1}, [])] == [400] * 3

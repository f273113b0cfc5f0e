"""Application inference profiles of the Commercial stand-in: created, found again, tagged and invoked, with boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.commercial_clients import (
    ARN,
    HAIKU,
    MESSAGES,
    MODEL_ARN,
    NOVA,
    NOVA_BODY,
    PROFILE_ARN,
    boto,
    call,
    control,
    refusal,
)
from tests.fakes.commercial import CommercialStandIn

TAGS = [{"key": "team", "value": "made-up"}]


def create(client: Any, source: str = MODEL_ARN, **more: Any) -> str:
    made = client.create_inference_profile(inferenceProfileName="team one", modelSource={"copyFrom": source}, **more)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    return str(made["inferenceProfileArn"])


def application_profiles(client: Any) -> list[dict[str, Any]]:
    found = client.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
    assert isinstance(found, list)
    return found


def test_a_profile_is_created_once_for_a_token(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    first = create(client, clientRequestToken="one-token", tags=TAGS)
    assert first.startswith(f"{ARN}:application-inference-profile/")
    assert create(client, clientRequestToken="one-token", tags=TAGS) == first
    assert [profile["inferenceProfileArn"] for profile in application_profiles(client)] == [first]
    with pytest.raises(client.exceptions.ConflictException):
        create(client, source=PROFILE_ARN, clientRequestToken="one-token")


def test_without_a_token_names_are_not_unique(commercial: CommercialStandIn) -> None:
    body = {"inferenceProfileName": "team one", "modelSource": {"copyFrom": MODEL_ARN}}
    assert [call(commercial, path="/inference-profiles", body=body)[0] for _ in range(2)] == [201, 201]
    found = application_profiles(boto(commercial, "bedrock"))
    assert [profile["inferenceProfileName"] for profile in found] == ["team one"] * 2
    assert len({profile["inferenceProfileArn"] for profile in found}) == 2


def test_only_the_list_of_application_profiles_has_them(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    arn = create(client, description="Of the first team.")
    for kind in ({}, {"typeEquals": "SYSTEM_DEFINED"}):
        listed = client.list_inference_profiles(**kind)["inferenceProfileSummaries"]
        assert {profile["type"] for profile in listed} == {"SYSTEM_DEFINED"}
    [profile] = application_profiles(client)
    assert (profile["type"], profile["status"], profile["description"]) == (
        "APPLICATION",
        "ACTIVE",
        "Of the first team.",
    )
    assert profile["models"] == [{"modelArn": MODEL_ARN}]
    for identifier in (arn, profile["inferenceProfileId"]):
        fetched = client.get_inference_profile(inferenceProfileIdentifier=identifier)
        assert {**fetched, "ResponseMetadata": 0} == {**profile, "ResponseMetadata": 0}


def test_tags_are_told_by_their_own_operation_alone(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    arn = create(client, tags=TAGS)
    assert client.list_tags_for_resource(resourceARN=arn)["tags"] == TAGS
    assert client.list_tags_for_resource(resourceARN=PROFILE_ARN)["tags"] == []
    assert "tags" not in application_profiles(client)[0]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(resourceARN=f"{ARN}:application-inference-profile/unknown")


@pytest.mark.parametrize(("source", "regions"), [(MODEL_ARN, 1), (PROFILE_ARN, 3)])
def test_a_call_by_the_arn_runs_what_was_copied(commercial: CommercialStandIn, source: str, regions: int) -> None:
    arn = create(boto(commercial, "bedrock"), source=source)
    [profile] = application_profiles(boto(commercial, "bedrock"))
    assert len(profile["models"]) == regions
    runtime = boto(commercial, "bedrock-runtime")
    answer = runtime.converse(modelId=arn, messages=MESSAGES)
    assert answer["stopReason"] == "end_turn"
    streamed = runtime.converse_stream(modelId=arn, messages=MESSAGES)["stream"]
    assert [event["messageStop"] for event in streamed if "messageStop" in event] == [{"stopReason": "end_turn"}]
    with pytest.raises(runtime.exceptions.ValidationException, match="identifier is invalid"):
        runtime.converse(modelId=arn.rpartition("/")[2], messages=MESSAGES)
    with pytest.raises(runtime.exceptions.ValidationException, match="doesn't support counting tokens"):
        runtime.count_tokens(modelId=arn, input={"converse": {"messages": MESSAGES}})


def test_an_unknown_profile_is_not_invoked(commercial: CommercialStandIn) -> None:
    runtime = boto(commercial, "bedrock-runtime")
    with pytest.raises(runtime.exceptions.ValidationException):
        runtime.invoke_model(modelId=f"{ARN}:application-inference-profile/unknown", body=NOVA_BODY)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inferenceProfileName": "no/slash"}, "'inferenceProfileName'"),
        ({"inferenceProfileName": None}, "'inferenceProfileName'"),
        ({"clientRequestToken": "not_this"}, "'clientRequestToken'"),
        ({"tags": [{"key": "k"}]}, "'tags'"),
        ({"tags": [{"key": "k", "value": "!"}]}, "'value'"),
        ({"modelSource": {"copyFrom": NOVA}}, "model source is invalid"),
        ({"modelSource": []}, "model source is invalid"),
        ({"modelSource": {"copyFrom": f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"}}, "on-demand"),
        ({"modelSource": {"copyFrom": "arn:aws:bedrock:us-east-1::foundation-model/no.such"}}, "identifier is invalid"),
    ],
)
def test_a_wrong_profile_is_not_created(commercial: CommercialStandIn, change: dict[str, Any], words: str) -> None:
    body = {"inferenceProfileName": "team one", "modelSource": {"copyFrom": MODEL_ARN}, **change}
    status, kind, message = refusal(call(commercial, path="/inference-profiles", body=body))
    assert (status, kind) == (400, "ValidationException")
    assert words in message
    assert application_profiles(boto(commercial, "bedrock")) == []


def test_a_copy_of_a_copy_is_refused(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    with pytest.raises(ClientError, match="model source is invalid"):
        create(client, source=create(client))


def test_what_was_created_is_forgotten_with_the_rest(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock")
    create(client)
    assert control(commercial, "PUT", "models", {application_profiles(client)[0]["inferenceProfileId"]: None})[0] == 200
    assert application_profiles(client) == []
    commercial.clear()
    create(client)
    assert len(application_profiles(client)) == 1

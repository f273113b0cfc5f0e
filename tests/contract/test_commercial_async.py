"""Asynchronous invocations of the Commercial stand-in, with boto3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.commercial_clients import ARN, NOVA, VIDEO, boto, call, control, refusal
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_async import FAILING_BUCKET

OUTPUT = {"s3OutputDataConfig": {"s3Uri": "s3://made-up-bucket/videos"}}
BODY = {"modelId": VIDEO, "modelInput": {"prompt": "Hi"}, "outputDataConfig": OUTPUT}


def start(client: Any, **more: Any) -> str:
    return str(client.start_async_invoke(**{**BODY, **more})["invocationArn"])


def later(commercial: CommercialStandIn, seconds: int) -> None:
    assert control(commercial, "PUT", "clock", {"offset_seconds": seconds})[0] == 200


def test_an_invocation_is_in_progress_and_then_complete(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    arn = start(client, clientRequestToken="one")
    assert arn.startswith(f"{ARN}:async-invoke/")
    begun = client.get_async_invoke(invocationArn=arn)
    assert (begun["status"], begun["clientRequestToken"]) == ("InProgress", "one")
    assert begun["modelArn"].endswith(f":foundation-model/{VIDEO}")
    assert begun["outputDataConfig"] == OUTPUT
    assert "endTime" not in begun
    later(commercial, 60)
    ended = client.get_async_invoke(invocationArn=arn)
    assert (ended["status"], ended["endTime"] - ended["submitTime"]) == ("Completed", timedelta(seconds=60))


def test_an_invocation_fails_without_its_bucket(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    output = {"s3OutputDataConfig": {"s3Uri": f"s3://{FAILING_BUCKET}/videos"}}
    arn = start(client, outputDataConfig=output)
    later(commercial, 60)
    failed = client.get_async_invoke(invocationArn=arn)
    assert (failed["status"], failed["failureMessage"]) == ("Failed", "The specified bucket does not exist.")


def test_a_repeated_token_starts_nothing(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    first = start(client, clientRequestToken="one")
    assert start(client, clientRequestToken="one") == first
    assert start(client) != start(client)
    with pytest.raises(client.exceptions.ConflictException):
        start(client, clientRequestToken="one", modelInput={})
    assert len(client.list_async_invokes()["asyncInvokeSummaries"]) == 3


def test_the_list_is_filtered_sorted_and_paged(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    old = [start(client) for _ in range(3)]
    later(commercial, 61)
    between = datetime.now(UTC) + timedelta(seconds=30)
    new = start(client)

    def listed(**query: Any) -> list[str]:
        found = client.list_async_invokes(**query)["asyncInvokeSummaries"]
        return [invocation["invocationArn"] for invocation in found]

    assert listed() == [new, *reversed(old)]
    assert listed(sortBy="SubmissionTime", sortOrder="Ascending") == [*old, new]
    assert listed(statusEquals="InProgress") == listed(submitTimeAfter=between) == [new]
    assert listed(statusEquals="Completed", sortOrder="Ascending") == old
    assert listed(submitTimeBefore=between, sortOrder="Ascending") == old
    pages = list(client.get_paginator("list_async_invokes").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["asyncInvokeSummaries"]) for page in pages] == [3, 1]


def test_the_tags_of_an_invocation(commercial: CommercialStandIn) -> None:
    arn = start(boto(commercial, "bedrock-runtime"), tags=[{"key": "team", "value": "made-up"}])
    tags = boto(commercial, "bedrock").list_tags_for_resource(resourceARN=arn)["tags"]
    assert tags == [{"key": "team", "value": "made-up"}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modelId": None}, "'modelId'"),
        ({"modelId": NOVA}, "doesn't support asynchronous invocation"),
        ({"modelInput": "text"}, "'modelInput'"),
        ({"outputDataConfig": {}}, "s3Uri"),
        ({"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "https://example.com"}}}, "s3Uri"),
        ({"clientRequestToken": "two words"}, "'clientRequestToken'"),
        ({"tags": "text"}, "'tags'"),
    ],
)
def test_a_wrong_invocation_is_not_started(commercial: CommercialStandIn, change: dict[str, Any], words: str) -> None:
    status, kind, message = refusal(call(commercial, path="/async-invoke", body={**BODY, **change}))
    assert (status, kind) == (400, "ValidationException")
    assert words in message
    assert boto(commercial, "bedrock-runtime").list_async_invokes()["asyncInvokeSummaries"] == []


@pytest.mark.parametrize("query", ["statusEquals=Done", "submitTimeAfter=today", "submitTimeAfter=2026-01-01T00:00:00"])
def test_a_wrong_question_is_refused(commercial: CommercialStandIn, query: str) -> None:
    assert refusal(call(commercial, "GET", f"/async-invoke?{query}", b""))[:2] == (400, "ValidationException")


def test_an_unknown_invocation_is_a_validation_error(commercial: CommercialStandIn) -> None:
    client = boto(commercial, "bedrock-runtime")
    with pytest.raises(ClientError, match="could not be found") as caught:
        client.get_async_invoke(invocationArn=f"{ARN}:async-invoke/unknown12345")
    assert caught.value.response["Error"]["Code"] == "ValidationException"

"""Which of the function's aliases does what: whoever may invoke a function may send it any event."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

import handler
from inference_proxy.models import Deadline
from tests.contract.router_bench import Context, RouterBench, api_event

CHANGES = {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": {"requestId": {"S": "made up"}}}}]}
TASK = {"task": "watch"}


class Archived:
    """In the archive's place: what it was told of."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []

    def append(self, event: Mapping[str, Any], _deadline: Deadline) -> dict[str, object]:
        self.events.append(event)
        return {"archivedChanges": 1}


@pytest.fixture
def archived(bench: RouterBench, monkeypatch: pytest.MonkeyPatch) -> Archived:
    """The router as Terraform configures it: with an alias for tasks and one for the stream."""
    archive = Archived()
    monkeypatch.setattr(handler, "APP", bench.app)
    monkeypatch.setattr(handler, "TASKS", {"watch": lambda *_: {"StuckCrossings": 0}})
    monkeypatch.setattr(handler, "ARCHIVE", archive)
    named = replace(bench.settings, task_alias_name="tasks", stream_alias_name="stream")
    monkeypatch.setattr(handler, "SETTINGS", named)
    return archive


def test_the_alias_for_tasks_does_nothing_else(bench: RouterBench, archived: Archived) -> None:
    """An operator could name any caller in an event of the API's form, and invent records in one of the stream's."""
    tasks, live = Context(alias="tasks"), Context(alias="live")
    forged = api_event("GET", "/bedrock/models")

    assert handler.lambda_handler(TASK, tasks) == {"StuckCrossings": 0}
    for event in (forged, {}, forged | {"task": "XP-CANARY"}, CHANGES, TASK | CHANGES):
        with pytest.raises(ValueError, match=r"this alias|unknown task|through the stream's alias"):
            handler.lambda_handler(event, tasks)
    assert handler.lambda_handler(forged, live)["statusCode"] == 200
    assert bench.records()[0]["callerArn"]
    assert not archived.events


def test_the_alias_of_the_api_answers_requests_only(archived: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes of records are an error there: Lambda would take an answer for a delivery, and not deliver them again."""
    live, unqualified = Context(alias="live"), Context()
    assert handler.lambda_handler(TASK, live)["statusCode"] == 403
    with pytest.raises(ValueError, match="through the stream's alias"):
        handler.lambda_handler(CHANGES, live)
    monkeypatch.setattr(type(unqualified), "invoked_function_arn", "arn:aws-us-gov:lambda:r:1:function:router")
    assert handler.lambda_handler(TASK, unqualified)["statusCode"] == 403
    with pytest.raises(ValueError, match="through the stream's alias"):
        handler.lambda_handler(CHANGES, unqualified)
    assert not archived.events


def test_the_alias_of_the_stream_archives_only(archived: Archived) -> None:
    stream = Context(alias="stream")
    for event in (api_event("GET", "/bedrock/models"), TASK, {}):
        with pytest.raises(ValueError, match="this alias"):
            handler.lambda_handler(event, stream)
    assert handler.lambda_handler(CHANGES, stream) == {"archivedChanges": 1}
    assert archived.events == [CHANGES]


@pytest.mark.parametrize("task_alias", ["", "tasks"])
def test_without_an_alias_of_its_own_the_stream_comes_where_tasks_do(
    bench: RouterBench, archived: Archived, monkeypatch: pytest.MonkeyPatch, task_alias: str
) -> None:
    monkeypatch.setattr(handler, "SETTINGS", replace(bench.settings, task_alias_name=task_alias))
    alias = Context(alias=task_alias or "live")
    assert handler.lambda_handler(CHANGES, alias) == {"archivedChanges": 1}
    assert handler.lambda_handler(TASK, alias) == {"StuckCrossings": 0}
    assert archived.events == [CHANGES]

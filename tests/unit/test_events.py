"""API Gateway events: paths behind a custom domain, encodings, deadlines, hostile members."""

import base64
import json
import math
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_proxy import events
from inference_proxy.errors import InvalidParameterError, ProxyError, RequestTooLargeError
from inference_proxy.models import Response

EVENTS = Path(__file__).resolve().parents[1] / "events"


class Context:
    aws_request_id = "invocation-1"

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


def parse(event: dict[str, Any], seconds: float = 30.0, max_bytes: int = 1000) -> Any:
    return events.parse(event, Context(seconds), 29, max_bytes)


def test_a_recorded_event() -> None:
    request = parse(json.loads((EVENTS / "invoke_model.json").read_text()))
    assert (request.method, request.path) == ("POST", "/bedrock/invoke-model")
    assert request.caller.principal_arn == "arn:aws-us-gov:iam::123456789012:role/developer"
    assert request.caller.source_ip == "10.1.2.3"
    assert request.request_id == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert request.query == {"tag": ("a", "b")}
    assert json.loads(request.body)["modelId"] == "amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"resource": "/bedrock/models", "path": "/base/bedrock/models"}, "/bedrock/models"),
        ({"resource": "/{proxy+}", "path": "/base/x", "pathParameters": {"proxy": "a%2Fb"}}, "/a/b"),
        ({"resource": "/{proxy+}", "path": "/x", "pathParameters": {"proxy": "bedrock/models/"}}, "/bedrock/models"),
        ({"path": "/health"}, "/health"),
        ({"path": "/a%252Fb"}, "/a%2Fb"),
        ({}, "/"),
    ],
)
def test_paths(event: dict[str, Any], path: str) -> None:
    assert parse(event).path == path


def test_the_deadline_counts_from_when_api_gateway_received_the_call() -> None:
    now_ms = time.time() * 1000
    late = parse({"requestContext": {"requestTimeEpoch": now_ms - 4000}}).deadline.remaining_seconds()
    assert 22.0 < late < 24.6
    for odd in (now_ms - 86_400_000, now_ms + 60_000, "text", None):
        assert parse({"requestContext": {"requestTimeEpoch": odd}}).deadline.remaining_seconds() > 28.0
    assert parse({}, seconds=3.0).deadline.remaining_seconds() < 2.6


@pytest.mark.parametrize("minutes", [-14, -4, 4, 14])
def test_a_call_came_in_when_api_gateway_says_whatever_the_local_clock(
    monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr(events, "datetime", Wrong)
    moment = datetime.now(UTC).replace(microsecond=0)
    assert parse({"requestContext": {"requestTimeEpoch": moment.timestamp() * 1000}}).received_at == moment
    for odd in ((moment.timestamp() - 86_400) * 1000, math.nan, "text", None):
        received_at = parse({"requestContext": {"requestTimeEpoch": odd}}).received_at
        assert abs(received_at - Wrong.now(UTC)) < timedelta(seconds=10)


def test_bodies() -> None:
    assert parse({"body": "é"}).body == "é".encode()
    assert parse({"body": base64.b64encode(b"\xff\x00").decode(), "isBase64Encoded": True}).body == b"\xff\x00"
    with pytest.raises(InvalidParameterError):
        parse({"body": "no base64!", "isBase64Encoded": True})
    with pytest.raises(RequestTooLargeError):
        parse({"body": "x" * 1001})


def test_answers() -> None:
    assert events.render(Response(200, {"A": "b"}, b"text"))["body"] == "text"
    binary = events.render(Response(200, {}, b"\xff\x00"))
    assert (binary["isBase64Encoded"], base64.b64decode(binary["body"])) == (True, b"\xff\x00")


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=8), SCALARS, max_size=3)
MEMBERS = (
    *("resource", "path", "httpMethod", "headers", "requestContext", "pathParameters", "body", "isBase64Encoded"),
    *("queryStringParameters", "multiValueQueryStringParameters"),
)


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_no_event_breaks_the_parser(event: dict[str, Any]) -> None:
    try:
        request = parse(event)
    except ProxyError:
        return
    assert request.request_id

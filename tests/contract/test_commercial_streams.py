"""Streams of the Commercial stand-in: boto3 reads every one, and what goes over the wire is what Bedrock sends."""

from __future__ import annotations

import http.client
import json
import zlib
from contextlib import closing
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from botocore.exceptions import EventStreamError

from tests.contract.commercial_clients import (
    BEARER,
    CHAT,
    CLAUDE,
    GPT_OSS,
    HAIKU,
    IMAGE,
    LLAMA,
    MESSAGES,
    NOVA,
    NOVA_BODY,
    boto,
    call,
    raw,
    read_to_end,
    refusal,
    sentence,
)
from tests.fakes.commercial import CommercialStandIn

INVOKE, CONVERSE = f"/model/{NOVA}/invoke-with-response-stream", f"/model/{NOVA}/converse-stream"
FAMILIES = [
    (f"us.{HAIKU}", CLAUDE, lambda chunk: chunk.get("delta", {}).get("text", "")),
    (NOVA, {"messages": MESSAGES}, lambda chunk: chunk.get("contentBlockDelta", {}).get("delta", {}).get("text", "")),
    (GPT_OSS, {"messages": CHAT}, lambda chunk: chunk["choices"][0]["delta"].get("content", "")),
    (f"us.{LLAMA}", {"prompt": "Hi"}, lambda chunk: chunk["generation"]),
]


def frames_of(stream: bytes) -> list[dict[str, Any]]:
    """The headers of each frame of a whole event stream, and its document as "document"."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return [{**event.headers, "document": json.loads(event.payload)} for event in buffer]


@pytest.mark.parametrize(("model", "body", "text_of"), FAMILIES)
def test_boto3_reads_the_chunks_of_each_family(
    commercial: CommercialStandIn, model: str, body: dict[str, Any], text_of: Any
) -> None:
    client = boto(commercial, "bedrock-runtime")
    answer = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
    assert answer["contentType"] == "application/json"
    chunks = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert len(chunks) > 5
    prompt = "Say nothing of this" if model == NOVA else "Hi"
    assert "".join(text_of(chunk) for chunk in chunks).endswith(sentence(prompt))
    metrics = [chunk.get("amazon-bedrock-invocationMetrics") for chunk in chunks]
    assert not any(metrics[:-1])
    assert (metrics[-1]["inputTokenCount"], metrics[-1]["outputTokenCount"]) == (len(prompt) // 4 or 1, 11)


@pytest.mark.parametrize(("model", "_body", "_text_of"), FAMILIES)
def test_boto3_reads_a_streamed_conversation(
    commercial: CommercialStandIn, model: str, _body: dict[str, Any], _text_of: Any
) -> None:
    client = boto(commercial, "bedrock-runtime")
    answer = client.converse_stream(modelId=model, messages=MESSAGES, serviceTier={"type": "flex"})
    events = list(answer["stream"])
    kinds = [next(iter(event)) for event in events]
    assert kinds[:2] == ["messageStart", "contentBlockDelta"]
    assert kinds[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(deltas).endswith(sentence("Say nothing of this"))
    whole = client.converse(modelId=model, messages=MESSAGES)
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    assert events[-1]["metadata"]["serviceTier"] == {"type": "flex"}


@pytest.mark.parametrize(("path", "kind"), [(INVOKE, "chunk"), (CONVERSE, "messageStart")])
def test_a_stream_is_framed_and_chunked_as_bedrock_does_it(commercial: CommercialStandIn, path: str, kind: str) -> None:
    status, headers, body = call(commercial, path=path)
    assert (status, headers["content-type"]) == (200, "application/vnd.amazon.eventstream")
    assert headers["transfer-encoding"] == "chunked"
    assert "content-length" not in headers
    assert headers.get("x-amzn-bedrock-content-type") == ("application/json" if path == INVOKE else None)
    length, headers_length, prelude_crc = (int.from_bytes(body[at : at + 4], "big") for at in (0, 4, 8))
    assert zlib.crc32(body[:8]) == prelude_crc
    assert zlib.crc32(body[: length - 4]) == int.from_bytes(body[length - 4 : length], "big")
    first = frames_of(body)[0]
    expected = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    assert {**expected, "document": 0} == {**first, "document": 0}
    names = (b":event-type", b":content-type", b":message-type")
    assert headers_length == sum(len(name) + 4 for name in names) + len(kind) + len("application/jsonevent")
    assert length == 16 + headers_length + len(body[12 + headers_length : length - 4])


def test_each_frame_is_a_chunk_and_the_connection_goes_on(commercial: CommercialStandIn) -> None:
    with raw(commercial, INVOKE) as client:
        received = b""
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received += client.recv(65_536)
        body = received.partition(b"\r\n\r\n")[2]
        sizes: list[int] = []
        while not sizes or sizes[-1]:
            line, _, body = body.partition(b"\r\n")
            sizes.append(int(line, 16))
            body = body[sizes[-1] + 2 :]
        _, _, whole = call(commercial, path=INVOKE)
        assert (len(sizes) - 1, sum(sizes)) == (len(frames_of(whole)), len(whole))
        client.sendall(b"GET /_twin/health HTTP/1.1\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 OK")


def test_a_stream_is_refused_before_it_begins(commercial: CommercialStandIn) -> None:
    stream = "/model/{}/invoke-with-response-stream"
    image = call(commercial, path=stream.format(IMAGE), body={"prompt": "Hi"})
    assert refusal(image) == (400, "ValidationException", "The model is unsupported for streaming")
    assert refusal(call(commercial, path=stream.format(HAIKU), body=CLAUDE))[2].startswith("Invocation of model ID")
    assert refusal(call(commercial, path=f"/model/{IMAGE}/converse-stream"))[1] == "ValidationException"
    accept = {**BEARER, "X-Amzn-Bedrock-Accept": "text/plain"}
    assert call(commercial, path=INVOKE, headers=accept)[0] == 400
    assert call(commercial, path=INVOKE, headers={**BEARER, "Accept": "text/plain"})[0] == 200
    commercial.inject("throttle")
    assert refusal(call(commercial, path=CONVERSE))[:2] == (429, "ThrottlingException")


def test_a_garbled_frame_is_noticed_by_its_checksum(commercial: CommercialStandIn) -> None:
    commercial.inject("garbled_stream", after=3)
    stream = boto(commercial, "bedrock-runtime").converse_stream(modelId=NOVA, messages=MESSAGES)["stream"]
    with closing(stream):
        events = iter(stream)
        assert len([next(events) for _ in range(3)]) == 3
        with pytest.raises(ChecksumMismatch):
            next(events)


def test_a_stream_cut_in_a_frame_is_complete_for_http(commercial: CommercialStandIn) -> None:
    _, _, whole = call(commercial, path=CONVERSE)
    commercial.inject("cut_stream", after=4)
    status, _, cut = call(commercial, path=CONVERSE)
    assert (status, len(frames_of(cut))) == (200, 4)
    complete = sum(int.from_bytes(cut[at : at + 4], "big") for at in starts_of(cut, 4))
    assert complete < len(cut) < len(whole)


def starts_of(stream: bytes, count: int) -> list[int]:
    starts = [0]
    while len(starts) < count:
        starts.append(starts[-1] + int.from_bytes(stream[starts[-1] : starts[-1] + 4], "big"))
    return starts


def test_a_stream_cut_below_http_lacks_its_last_chunk(commercial: CommercialStandIn) -> None:
    commercial.inject("truncate")
    with pytest.raises(http.client.IncompleteRead) as cut:
        call(commercial, path=CONVERSE)
    assert frames_of(cut.value.partial)[-1][":event-type"] == "metadata"
    commercial.inject("truncate")
    with raw(commercial, CONVERSE) as client:
        assert not read_to_end(client).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("exception", ["modelStreamErrorException", "throttlingException"])
def test_a_stream_fails_in_band(commercial: CommercialStandIn, exception: str) -> None:
    commercial.inject("failing_stream", after=2, exception=exception, message="Made up.")
    stream = boto(commercial, "bedrock-runtime").converse_stream(modelId=NOVA, messages=MESSAGES)["stream"]
    with closing(stream):
        events = iter(stream)
        assert len([next(events) for _ in range(2)]) == 2
        with pytest.raises(EventStreamError, match="Made up") as caught:
            next(events)
    assert caught.value.response["Error"]["Code"] == exception
    commercial.inject("failing_stream", after=0, exception=exception)
    status, _, body = call(commercial, path=INVOKE)
    [failure] = frames_of(body)
    assert (status, failure[":message-type"], failure[":exception-type"]) == (200, "exception", exception)
    assert ("originalStatusCode" in failure["document"]) == (exception == "modelStreamErrorException")


@pytest.mark.parametrize("fault", ["garbled_stream", "cut_stream", "failing_stream"])
def test_faults_of_streams_leave_other_answers_whole(commercial: CommercialStandIn, fault: str) -> None:
    _, _, right = call(commercial, body=NOVA_BODY)
    commercial.inject(fault)
    assert call(commercial, body=NOVA_BODY)[2] == right

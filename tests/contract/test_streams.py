"""Streams, buffered for now: complete, intact, counted; and never a success if they are not."""

import json
import struct
import zlib
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from inference_proxy.eventstream import EventStreamDecoder, EventStreamError
from tests.contract.gateway_front import GatewayFront
from tests.contract.router_bench import NOVA_BODY, ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.contract.sdk_requests import SdkRequest
from tests.contract.test_differential import exchange
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

CLAUDE = f"us.{PROFILE_ONLY_MODEL}"
MESSAGES = {"max_tokens": 8, "messages": [{"role": "user", "content": "XP-CANARY-prompt"}]}
CHAT = {"model": "openai.gpt-oss-20b-1:0", "messages": MESSAGES["messages"], "stream": True}
STREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "ConverseStream": (f"/model/{ON_DEMAND_MODEL}/converse-stream", NOVA_BODY),
    "InvokeModelWithResponseStream": (f"/model/{ON_DEMAND_MODEL}/invoke-with-response-stream", NOVA_BODY),
    "ChatCompletions": ("/openai/v1/chat/completions", CHAT | {"stream_options": {"include_usage": True}}),
    "Responses": ("/openai/v1/responses", {"model": CHAT["model"], "input": "XP-CANARY-prompt", "stream": True}),
    "Messages": ("/anthropic/v1/messages", {**MESSAGES, "model": CLAUDE, "stream": True}),
}
FRAMED = ("ConverseStream", "InvokeModelWithResponseStream")


def stream(url: str, operation: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    path, body = STREAMS[operation]
    given = {"Content-Type": "application/json", "anthropic-version": "2023-06-01", **headers}
    return exchange(url, SdkRequest("POST", path, given, json.dumps(body).encode()))


@pytest.mark.parametrize("operation", STREAMS)
def test_a_stream_arrives_byte_for_byte_and_is_counted(
    bench: RouterBench, commercial: CommercialStandIn, operation: str
) -> None:
    with GatewayFront(bench).running() as api:
        status, headers, body = stream(api.url, operation)
    _, _, direct = stream(commercial.url, operation, Authorization=f"Bearer {API_KEY}")

    assert status == 200, body
    expected = "application/vnd.amazon.eventstream" if operation in FRAMED else "text/event-stream"
    assert headers["content-type"].startswith(expected)
    if operation in FRAMED:
        assert body == direct
        frames = EventStreamBuffer()
        frames.add_data(body)
        assert len(list(frames)) > 3  # botocore has checked every checksum
    record = bench.records(operation)[-1]
    assert (record["state"], record["statusCode"], record.get("errorCode")) == ("COMPLETED", "200", None)
    assert int(record["inputTokens"]) > 0
    assert int(record["outputTokens"]) > 1
    assert int(record["responseSize"]) == len(body)


@pytest.mark.parametrize("fault", ["garbled_stream", "cut_stream"])
@pytest.mark.parametrize("operation", FRAMED)
def test_a_broken_stream_is_no_success(
    bench: RouterBench, commercial: CommercialStandIn, operation: str, fault: str
) -> None:
    commercial.inject(fault, match="/model/")
    with GatewayFront(bench).running() as api:
        status, headers, body = stream(api.url, operation)
    assert (status, headers["x-amzn-errortype"]) == (502, "ServiceUnavailableException")
    assert b"UpstreamProtocolError" in body
    record = bench.records(operation)[-1]
    assert (record["state"], record["errorCode"]) == ("FAILED", "UpstreamProtocolError")


@pytest.mark.parametrize("operation", [*FRAMED, "Messages"])
def test_a_failure_within_a_stream_passes_and_is_on_record(
    bench: RouterBench, commercial: CommercialStandIn, operation: str
) -> None:
    commercial.inject("failing_stream", match=STREAMS[operation][0].partition(":")[0])
    with GatewayFront(bench).running() as api:
        status, _, body = stream(api.url, operation)
    assert status == 200
    assert b"rror" in body
    record = bench.records(operation)[-1]
    assert (record["state"], record["statusCode"], record["success"]) == ("COMPLETED", "200", False)
    assert record["errorCode"] == ("ModelStreamErrorException" if operation in FRAMED else record["errorCode"])
    assert record["errorCode"]


def frame(payload: bytes, headers: bytes = b"") -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    message = prelude + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def header(name: bytes, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name + bytes([kind]) + value


def test_frames_come_out_whatever_the_pieces_they_came_in() -> None:
    headers = header(b"n", 4, b"\0\0\0\1") + header(b"t", 0, b"") + header(b":event-type", 7, b"\0\5chunk")
    data = frame(b"one", headers) + frame(b"") + frame(b"three" * 1000)
    for size in (1, 7, 100, len(data)):
        decoder = EventStreamDecoder()
        found = [out for at in range(0, len(data), size) for out in decoder.feed(data[at : at + size])]
        assert [out.payload for out in found] == [b"one", b"", b"three" * 1000]
        assert found[0].headers == {":event-type": "chunk"}
        assert decoder.between_frames


@pytest.mark.parametrize(
    "data",
    [
        bytes(16),
        frame(b"x")[:8] + b"\0\0\0\0" + frame(b"x")[12:],
        frame(b"x")[:-1] + b"\0",
        frame(b"x", b"\x05abc"),
        frame(b"x", header(b"n", 99, b"")),
        frame(b"x", header(b"n", 7, b"\xff\xffabc")),
        frame(b"x", header(b"n", 7, b"\0\1\xff")),
        struct.pack(">III", 0xFFFFFFFF, 0, zlib.crc32(struct.pack(">II", 0xFFFFFFFF, 0))),
        struct.pack(">III", 12, 0, zlib.crc32(struct.pack(">II", 12, 0))),
    ],
)
def test_what_is_no_frame_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(EventStreamError):
        list(EventStreamDecoder().feed(data))

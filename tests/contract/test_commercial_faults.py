"""Every way the Commercial stand-in can fail on demand, as a client sees it."""

from __future__ import annotations

import http.client
import json
import socket
import time
import zlib
from pathlib import Path

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.contract.commercial_clients import MESSAGES, NOVA, boto, call, raw, read_to_end, refusal
from tests.fakes import commercial_faults
from tests.fakes.commercial import CommercialStandIn


@pytest.mark.parametrize("fault", ["reset_before_response", "reset_on_accept"])
def test_a_reset_is_a_reset(commercial: CommercialStandIn, fault: str) -> None:
    commercial.inject(fault)
    with raw(commercial) as client, pytest.raises(ConnectionResetError):
        client.recv(1)
    assert [entry["status"] for entry in commercial.requests] == ([None] if fault == "reset_before_response" else [])
    commercial.inject(fault)
    with pytest.raises(ConnectionClosedError):
        boto(commercial, "bedrock-runtime").converse(modelId=NOVA, messages=MESSAGES)
    assert call(commercial)[0] == 200


def test_an_idle_connection_that_closes_uses_up_no_fault(commercial: CommercialStandIn) -> None:
    with raw(commercial) as idle:
        assert idle.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        commercial.inject("reset_on_accept")
        idle.shutdown(socket.SHUT_WR)
        assert read_to_end(idle) == b""
    with raw(commercial) as client, pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_close_gives_no_byte(commercial: CommercialStandIn) -> None:
    commercial.inject("close_before_response")
    with raw(commercial) as client:
        assert read_to_end(client) == b""


def test_bodies_that_end_wrongly(commercial: CommercialStandIn) -> None:
    _, _, right = call(commercial)
    commercial.inject("truncate", missing_bytes=7)
    with pytest.raises(http.client.IncompleteRead) as cut:
        call(commercial)
    assert (cut.value.partial, cut.value.expected) == (right, 7)
    commercial.inject("half_json")
    _, headers, half = call(commercial)
    assert right.startswith(half)
    assert int(headers["content-length"]) == len(half) == len(right) // 2
    commercial.inject("no_content_length")
    status, headers, body = call(commercial)
    assert (status, body, headers["connection"]) == (200, right, "close")
    assert "content-length" not in headers


def test_answers_that_are_not_bedrocks(commercial: CommercialStandIn) -> None:
    _, _, right = call(commercial)
    for fault in ("html", "not_json", "redirect", "gzip"):
        commercial.inject(fault)
    commercial.inject("large_response", bytes=1_000_000)
    html, garbage, redirect, packed, large = (call(commercial) for _ in range(5))
    assert (html[0], html[1]["content-type"][:9], html[2][:9]) == (200, "text/html", b"<!doctype")
    assert (garbage[0], garbage[1]["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"codec|Expecting"):
        json.loads(garbage[2])
    assert (redirect[0], redirect[1]["location"]) == (307, "http://redirect.invalid/elsewhere")
    assert packed[1]["content-encoding"] == "gzip"
    assert zlib.decompress(packed[2], wbits=31) == right
    assert (len(large[2]), list(json.loads(large[2]))) == (1_000_000, ["padding"])
    commercial.inject("extra_headers", headers={"X-RateLimit-Remaining-Tokens": "7"})
    status, headers, body = call(commercial)
    assert (status, headers["x-ratelimit-remaining-tokens"], len(body)) == (200, "7", len(right))
    commercial.inject("huge_headers")
    with pytest.raises(http.client.HTTPException, match="more than 100 headers"):
        call(commercial)


def test_any_status_can_be_answered(commercial: CommercialStandIn) -> None:
    commercial.inject("status", status=529, errortype="", message="overloaded", headers={"Retry-After": "3"})
    status, headers, body = call(commercial)
    assert (status, headers["retry-after"], json.loads(body)) == (529, "3", {"message": "overloaded"})
    assert "x-amzn-errortype" not in headers
    commercial.inject("expired_token")
    assert refusal(call(commercial))[:2] == (403, "ExpiredTokenException")
    commercial.inject("revoked_key")
    assert refusal(call(commercial)) == refusal(call(commercial, headers={"Authorization": "Bearer wrong"}))


def test_slow_and_dripping_answers_arrive_in_the_end(commercial: CommercialStandIn) -> None:
    commercial.inject("slow", delay_seconds=0.2)
    commercial.inject("drip", bytes_per_write=100, interval_seconds=0.05)
    for _ in range(2):
        started = time.monotonic()
        assert call(commercial)[0] == 200
        assert 0.2 <= time.monotonic() - started < 5.0


def test_a_hang_ends_with_the_client_or_the_stand_in() -> None:
    with CommercialStandIn() as stand_in:
        stand_in.inject("hang", count=2)
        with raw(stand_in) as client:
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.recv(1)
        stuck = raw(stand_in)
        while len(stand_in.requests) < 2:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 5.0
    with stuck:
        assert stuck.recv(1) == b""


def test_a_fault_strikes_as_often_and_where_it_was_told_to(commercial: CommercialStandIn) -> None:
    commercial.inject("throttle", count=2, match="/model/")
    answers = [call(commercial, "GET", "/foundation-models")[0], *(call(commercial)[0] for _ in range(3))]
    assert answers == [200, 429, 429, 200]
    assert [entry["fault"] for entry in commercial.requests] == [None, "throttle", "throttle", None]
    commercial.inject("throttle", match="/inference-profiles?type=A")
    queries = ("", "?type=SYSTEM_DEFINED", "?type=APPLICATION")
    assert [call(commercial, "GET", f"/inference-profiles{query}", b"")[0] for query in queries] == [200, 200, 429]


def test_every_fault_is_tested() -> None:
    names = {*commercial_faults.SPOILED, *commercial_faults.BROKEN, commercial_faults.RESET_ON_ACCEPT}
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_commercial_*.py"))
    assert [name for name in sorted(names) if f'"{name}"' not in tests] == []

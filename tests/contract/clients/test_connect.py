"""What a client sends and gets through the signing proxy, in front of an API that verifies every signature itself."""

import contextlib
import http.client
import json
import logging
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing_proxy.request import MAX_BODY_BYTES
from signing_proxy.server import SigningProxy
from tests.contract.clients.connect_bench import call, connect, get, post, send, serving
from tests.contract.clients.signed_api import ACCESS_KEY_ID, FIRST, LAST, STAGE, SignedApi

pytestmark = pytest.mark.usefixtures("caller")


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/health",
        "/bedrock/invoke-model/",
        "/model/anthropic.claude-haiku-4-5-20251001-v1:0/converse",
        "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc/invoke",
        "/model/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc/invoke",
        "/model/%2e%2e%2f%2E%2E/invoke",
        "/model/../../other-stage/x",
        "/model/./a//b/%25/%C3%A4/~!$&'()*+,=@/",
        "//example.com/x",
        "/inference-profiles?typeEquals=SYSTEM_DEFINED&maxResults=10",
        "/foundation-models?b=2&a=1&b=1&a=&flag&c=x:y/z?%20%2B~",
        "/dashboard/requests?filters=%7B%22a%22%3A1%7D&&timeRange=1h",
        "/x?",
    ],
)
def test_a_path_and_its_query_arrive_as_the_client_spelled_them(
    api: SignedApi, proxy: SigningProxy, target: str
) -> None:
    answer = send(proxy, get(target))
    assert api.refused == []
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert api.last.target == STAGE + target


@pytest.mark.parametrize(
    ("target", "arrives"), [("/a;b=1/c;d?x=1;2", "/a%3Bb=1/c%3Bd?x=1;2"), ("/a+b?q=a+b%2B", "/a+b?q=a%20b%2B")]
)
def test_two_spellings_give_way_to_their_equals(api: SignedApi, proxy: SigningProxy, target: str, arrives: str) -> None:
    assert send(proxy, get(target)).startswith(b"HTTP/1.1 200 ")
    assert api.last.target == STAGE + arrives


@pytest.mark.parametrize(
    ("query", "arrives"),
    [
        ("?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&x-amz-signature=x", ""),
        ("?a=1&X%2DAmz-Security-Token=x&&b=X-Amz-y", "?a=1&&b=X-Amz-y"),
        ("?X-Amzn=1", "?X-Amzn=1"),
    ],
)
def test_a_presigned_urls_signature_gives_way(api: SignedApi, proxy: SigningProxy, query: str, arrives: str) -> None:
    assert send(proxy, get(f"/x{query}")).startswith(b"HTTP/1.1 200 ")
    assert api.last.target == f"{STAGE}/x{arrives}"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.from_regex(r"/([!-\"$&->@-~]|%[0-9A-Fa-f]{2}){0,40}", fullmatch=True),
    query=st.from_regex(r"[!-\"$&-~]{0,20}", fullmatch=True),
)
def test_no_path_makes_a_wrong_signature(api: SignedApi, proxy: SigningProxy, path: str, query: str) -> None:
    send(proxy, get(f"{path}?{query}"))
    assert api.refused == []
    assert api.last.target == f"{STAGE}{path.replace(';', '%3B')}?{query.replace('+', '%20')}"


@pytest.mark.parametrize("target", ["http://example.com/x", "*", "x", "/a#b", "/\u00e4", "/\x7f", "/\x00"])
def test_what_is_no_path_is_refused(api: SignedApi, proxy: SigningProxy, target: str) -> None:
    assert b"BadPath" in send(proxy, get(target))
    assert api.received == []


def test_headers_arrive_but_those_of_the_clients_own_credentials_and_connection(
    api: SignedApi, proxy: SigningProxy
) -> None:
    headers = ("Anthropic-Version: 2023-06-01", "anthropic-beta: a", "anthropic-beta: b", "User-Agent: made up/1")
    headers += ("X-Amzn-Bedrock-Trace: ENABLED", "Content-Type: application/json;  charset=utf-8", "Accept: */*")
    dropped = ("Authorization: AWS4-HMAC-SHA256 Credential=x", "X-Api-Key: x", "Cookie: x", "X-Amz-Date: x", "Te: x")
    dropped += ("X-Amz-Security-Token: x", "X-Amz-Content-Sha256: x", "Date: x", "X-Hop: x", "Keep-Alive: x")
    dropped += ("Api-Key: x",)
    raw = get("/model/m/invoke", *headers, *dropped, "Connection: X-Hop")
    assert send(proxy, raw).startswith(b"HTTP/1.1 200 ")
    got = api.last.headers
    assert got.pop("authorization").startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/")
    assert re.fullmatch(r"\d{8}T\d{6}Z", got.pop("x-amz-date"))
    assert len(got.pop("x-amz-content-sha256")) == 64
    assert got == {
        "host": api.url.removeprefix("http://"),
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a, b",
        "user-agent": "made up/1",
        "x-amzn-bedrock-trace": "ENABLED",
        "content-type": "application/json;  charset=utf-8",
        "accept": "*/*",
    }


def test_a_content_type_without_a_canonical_form_is_refused(api: SignedApi, proxy: SigningProxy) -> None:
    assert b"BadHeader" in send(proxy, get("/x", 'Content-Type: text/plain; "b c'))
    assert api.received == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_pass(api: SignedApi, proxy: SigningProxy, method: str) -> None:
    response, body = call(proxy, method, "/bedrock/models")
    assert (response.status, body) == (200, b"" if method == "HEAD" else b"{}")
    assert response.getheader("Content-Length") == "2"
    assert api.last.method == method


@pytest.mark.parametrize("body", [b"x", b"\x00\xff" * 70_000, bytes(MAX_BODY_BYTES)], ids=len)
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_arrive_byte_for_byte(api: SignedApi, proxy: SigningProxy, body: bytes, chunked: bool) -> None:
    parts = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    response, _ = call(proxy, "POST", "/model/m/invoke", parts if chunked else body)
    assert response.status == 200
    assert api.last.body == body
    assert api.last.headers["content-length"] == str(len(body))
    assert "transfer-encoding" not in api.last.headers


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413_and_nothing_is_sent(api: SignedApi, proxy: SigningProxy, chunked: bool) -> None:
    body = bytes(MAX_BODY_BYTES + 1)
    response, document = call(proxy, "POST", "/x", iter([body]) if chunked else body)
    assert (response.status, json.loads(document)["error"]["code"]) == (413, "BodyTooLarge")
    assert api.received == []


def test_a_client_that_asks_first_is_told_to_go_on(api: SignedApi, proxy: SigningProxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.server_port), timeout=10) as client:
        client.sendall(post("Expect: 100-continue", "Content-Length: 2", "Connection: close"))
        assert client.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert api.received == []
        client.sendall(b"hi")
        assert client.recv(1024).startswith(b"HTTP/1.1 200 ")
    assert api.last.body == b"hi"
    assert "expect" not in api.last.headers


def test_a_client_that_asks_first_is_told_that_it_is_too_much(proxy: SigningProxy) -> None:
    answer = send(proxy, post("Expect: 100-continue", f"Content-Length: {MAX_BODY_BYTES + 1}"))
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_",
    [
        post("Content-Length: 1", "Content-Length: 2", body=b"xx"),
        post("Content-Length: -1"),
        post("Content-Length: 1, 1", body=b"x"),
        post("Content-Length: 1", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
        post("Transfer-Encoding: chunked", body=b"x\r\n\r\n"),
        post("Transfer-Encoding: chunked", body=b"+1\r\na\r\n0\r\n\r\n"),
        post("Transfer-Encoding: chunked", body=b"1\r\nabc\r\n0\r\n\r\n"),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(api: SignedApi, proxy: SigningProxy, request_: bytes) -> None:
    assert b"MalformedBody" in send(proxy, request_)
    assert api.received == []


def test_extensions_and_trailers_of_chunks_are_no_part_of_the_body(api: SignedApi, proxy: SigningProxy) -> None:
    body = b"3;a=b\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n"
    assert send(proxy, post("Transfer-Encoding: chunked", "Connection: close", body=body)).startswith(b"HTTP/1.1 200 ")
    assert api.last.body == b"abc0123456789"


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"BREW /x HTTP/1.1\r\nHost: localhost\r\n\r\n"]
)
def test_what_is_not_http_is_refused_in_the_same_form(proxy: SigningProxy, noise: bytes) -> None:
    head, _, body = send(proxy, noise + b"\r\n").partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 (400|414|501) ", head)
    assert json.loads(body)["error"]["code"] == "BadRequest"


def test_the_first_part_of_a_stream_arrives_before_the_last_is_sent(api: SignedApi, proxy: SigningProxy) -> None:
    with contextlib.closing(connect(proxy)) as connection:
        connection.request("POST", "/model/m/stream", b"{}")
        response = connection.getresponse()
        assert response.read1() == FIRST
        api.go_on.set()
        assert response.read() == LAST
        connection.request("GET", "/health")  # the connection is kept
        assert connection.getresponse().status == 200


def test_streams_run_side_by_side(api: SignedApi, proxy: SigningProxy) -> None:
    parts = threading.Barrier(17, timeout=10)

    def stream() -> bytes:
        with contextlib.closing(connect(proxy)) as connection:
            connection.request("GET", "/stream")
            response = connection.getresponse()
            first: bytes = response.read1()
            parts.wait()
            return first + response.read()

    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(stream) for _ in range(16)]
        parts.wait()  # all have their first part
        api.go_on.set()
        assert {answer.result() for answer in answers} == {FIRST + LAST}


def test_a_client_that_hangs_up_ends_the_exchange(
    api: SignedApi, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "signing_proxy.server")
    with serving(api.url + STAGE) as proxy:
        with contextlib.closing(connect(proxy)) as connection:
            connection.request("GET", "/flood")
            assert connection.getresponse().read(100_000)
        assert api.hung_up.wait(10)
        with socket.create_connection(("127.0.0.1", proxy.server_port)) as client:
            client.sendall(post("Content-Length: 100", body=b"half"))
        assert call(proxy, "GET", "/health")[0].status == 200
    assert any(message.startswith("GET /flood 200, and the client hung up") for message in caplog.messages)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("target", ["/cut", "/cut-chunk"])
def test_an_answer_that_breaks_off_does_not_look_complete(proxy: SigningProxy, target: str) -> None:
    with contextlib.closing(connect(proxy)) as connection:
        connection.request("GET", target)
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()


def test_an_answer_without_a_length_is_passed_on(proxy: SigningProxy) -> None:
    response, body = call(proxy, "GET", "/until-close")
    assert (body, response.getheader("Transfer-Encoding")) == (FIRST, "chunked")
    older = send(proxy, b"GET /until-close HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert older.endswith(b"\r\n\r\n" + FIRST)
    assert b"Transfer-Encoding" not in older


def test_statuses_and_headers_come_back(api: SignedApi, proxy: SigningProxy) -> None:
    response, body = call(proxy, "POST", "/throttled", b"{}")
    assert (response.status, body) == (429, b'{"message":"slow down"}')
    assert (response.getheader("Retry-After"), response.getheader("x-amzn-requestid")) == ("3", "r1")
    assert len(response.headers.get_all("Date", [])) == 1
    response, body = call(proxy, "DELETE", "/nothing")
    assert (response.status, body) == (204, b"")
    assert (call(proxy, "GET", "/redirect")[0].status, len(api.received)) == (307, 3)


def test_the_clients_of_aws_need_no_setting_but_the_endpoint(api: SignedApi, proxy: SigningProxy) -> None:
    """boto3 signs for bedrock, with keys that mean nothing to the API."""
    keys = {"aws_access_key_id": "other", "aws_secret_access_key": "other", "aws_session_token": "other"}
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("bedrock-runtime", endpoint_url=proxy.url, region_name="us-east-1", config=config, **keys)
    model_id = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    client.converse(modelId=model_id, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    assert api.last.target == f"{STAGE}/model/{model_id.replace(':', '%3A').replace('/', '%2F')}/converse"
    assert "x-amz-security-token" not in api.last.headers

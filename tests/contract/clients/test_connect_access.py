"""Who may use the signing proxy, whose credentials sign, and the way to the API."""

import contextlib
import json
import logging
import os
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from signing_proxy.server import SigningProxy
from tests.contract.background_server import BackgroundServer
from tests.contract.clients.connect_bench import call, send, serving
from tests.contract.clients.signed_api import ACCESS_KEY_ID, SECRET_ACCESS_KEY, STAGE, SignedApi

pytestmark = pytest.mark.usefixtures("caller")


# --- Who may use it ---


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]:8787", "127.8.9.1"])
def test_names_of_this_machine_are_served(proxy: SigningProxy, host: str) -> None:
    assert call(proxy, "GET", "/x", Host=host)[0].status == 200


@pytest.mark.parametrize("host", ["rebound.example.com", "localhost.example.com", "10.0.0.1", "127.0.0.1.x", "", "[x"])
def test_a_foreign_host_is_refused(api: SignedApi, proxy: SigningProxy, host: str) -> None:
    response, body = call(proxy, "POST", "/x", b"{}", Host=host)
    assert (response.status, json.loads(body)["error"]["code"]) == (403, "ForeignHost")
    assert api.received == []


@pytest.mark.parametrize("lines", [[], ["Host: localhost", "Host: example.com"]])
def test_one_host_is_named(api: SignedApi, proxy: SigningProxy, lines: list[str]) -> None:
    assert b"ForeignHost" in send(proxy, "\r\n".join(["GET /x HTTP/1.1", *lines, "", ""]).encode())
    assert api.received == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "http://127.0.0.1.example.com"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_web_page_is_refused(api: SignedApi, proxy: SigningProxy, method: str, headers: dict[str, str]) -> None:
    response, body = call(proxy, method, "/x", **headers)
    assert (response.status, json.loads(body)["error"]["code"]) == (403, "ForeignOrigin")
    assert response.getheader("Access-Control-Allow-Origin") is None
    assert api.received == []


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://localhost:3000", "Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "none"}],
    ids=str,
)
def test_an_application_on_this_machine_is_served(proxy: SigningProxy, headers: dict[str, str]) -> None:
    assert call(proxy, "GET", "/x", **headers)[0].status == 200


def test_only_this_machine_connects(proxy: SigningProxy) -> None:
    assert proxy.server_address[0] == "127.0.0.1"
    assert proxy.verify_request(None, ("127.0.0.1", 1))
    assert not proxy.verify_request(None, ("10.0.0.1", 1))


def test_with_a_key_requests_must_carry_it(api: SignedApi) -> None:
    wrong = ({}, {"x_api_key": "other"}, {"Authorization": "Bearer \xe4"}, {"Authorization": "shared-word"})
    right = ({"x_api_key": "shared-word"}, {"Authorization": "bearer shared-word"})
    with serving(api.url + STAGE, "shared-word") as proxy:
        for headers in wrong:
            response, body = call(proxy, "GET", "/x", **headers)
            assert (response.status, json.loads(body)["error"]["code"]) == (401, "WrongKey")
        assert api.received == []
        for headers in right:
            assert call(proxy, "GET", "/x", **headers)[0].status == 200
    assert "shared-word" not in str(api.received)


def test_the_log_has_a_line_a_request_and_no_query_body_or_credential(
    api: SignedApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "signing_proxy.server")
    with serving(api.url + STAGE) as proxy:
        call(proxy, "POST", "/model/m:0/invoke?q=XP-CANARY", b"XP-CANARY", Authorization="Bearer XP-CANARY")
        call(proxy, "GET", "/x?q=XP-CANARY", Origin="https://XP-CANARY.example.com")
        send(proxy, b"\x1b[2J /x HTTP/1.1\r\n\r\n")
    requests = sorted(re.sub(r" \d\.\d\d s$", "", message) for message in caplog.messages)
    assert requests == ["- - 501 BadRequest", "GET - 403 ForeignOrigin", "POST /model/m:0/invoke 200"]


# --- Whose credentials sign ---


def test_a_session_token_is_signed_and_sent(
    api: SignedApi, proxy: SigningProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "made-up-token")
    assert call(proxy, "GET", "/x")[0].status == 200
    assert api.last.headers["x-amz-security-token"] == "made-up-token"
    assert "x-amz-security-token" in api.last.headers["authorization"]


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says whose credentials there are."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_PROFILE", "caller")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path / "config"


def write_keys(config_file: Path, key_id: str, secret: str) -> None:
    config_file.write_text(f"[profile caller]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n")


def test_keys_that_a_tool_replaces_in_the_file_are_used(api: SignedApi, proxy: SigningProxy, config_file: Path) -> None:
    api.secrets["made-up-second"] = "other"
    write_keys(config_file, ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    assert call(proxy, "GET", "/x")[0].status == 200
    write_keys(config_file, "made-up-second", "other")
    os.utime(config_file, (1, 1))  # whatever the clock's steps, a change
    assert call(proxy, "GET", "/x")[0].status == 200
    assert [request.headers["authorization"].split("/")[0][-6:] for request in api.received] == ["key-id", "second"]


def test_credentials_that_end_are_renewed(
    api: SignedApi, proxy: SigningProxy, config_file: Path, tmp_path: Path
) -> None:
    """A credential_process whose credentials have ended as soon as they are there."""
    document = {"Version": 1, "AccessKeyId": ACCESS_KEY_ID, "SecretAccessKey": SECRET_ACCESS_KEY}
    document |= {"SessionToken": "TOKEN", "Expiration": "EXPIRATION"}
    script = tmp_path / "credentials.sh"
    script.write_text(
        f"#!/bin/sh\necho x >> '{tmp_path}/runs'\n"
        f"echo '{json.dumps(document)}' | sed \"s/TOKEN/token-$(wc -l < '{tmp_path}/runs')/\" |"
        " sed \"s/EXPIRATION/$(cat '" + str(tmp_path) + "/expiration')/\"\n"
    )
    script.chmod(0o755)
    config_file.write_text(f'[profile caller]\ncredential_process = "{script}"\n')
    (tmp_path / "expiration").write_text("2099-01-01T00:00:00Z")
    for _ in range(2):
        assert call(proxy, "GET", "/x")[0].status == 200
    assert {request.headers["x-amz-security-token"].strip() for request in api.received} == {"token-1"}

    (tmp_path / "expiration").write_text("2020-01-01T00:00:00Z")
    os.utime(config_file, (1, 1))
    response, body = call(proxy, "GET", "/x")
    assert response.status == 401
    assert "still expired" in json.loads(body)["message"]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("", "no AWS credentials"),
        ("credential_process = false", "custom-process"),
        ("credential_process = no-such-command-here", "no-such-command-here"),
        ("credential_process = echo hello", "cannot be had"),
        ("sso_start_url = x\nsso_region = us-gov-west-1\nsso_account_id = 1\nsso_role_name = r", "SSO"),
        ("not ini", "Unable to parse"),
    ],
)
def test_without_credentials_the_answer_says_what_to_do(
    api: SignedApi, proxy: SigningProxy, config_file: Path, profile: str, words: str
) -> None:
    config_file.write_text(f"[profile caller]\n{profile}\n")
    response, body = call(proxy, "POST", "/anthropic/v1/messages", b"{}")
    assert (response.status, response.getheader("x-amzn-errortype")) == (401, "NoCredentials")
    message = json.loads(body)["error"]["message"]
    assert words in message
    assert "Log in again" in message
    assert api.received == []
    write_keys(config_file, ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    os.utime(config_file, (1, 1))
    assert call(proxy, "GET", "/x")[0].status == 200


# --- The way to the API ---


def call_api(url: str) -> tuple[int, str]:
    """Status and error message of a call through a signing proxy of its own."""
    with serving(url) as proxy:
        response, body = call(proxy, "GET", "/x")
        return response.status, json.loads(body).get("message", "")


def test_an_api_that_is_down_is_502_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    status, message = call_api(f"http://127.0.0.1:{port}/v1")
    assert status == 502
    assert message.startswith(f"ApiUnreachable: No connection to 127.0.0.1:{port}: ")
    assert "Check the network" in message


def test_an_api_whose_name_does_not_resolve() -> None:
    status, message = call_api("https://api.invalid/v1")
    assert status == 502
    assert "private API resolves only in its networks" in message


def test_an_api_that_says_nothing_was_asked_once(api: SignedApi, proxy: SigningProxy) -> None:
    response, body = call(proxy, "POST", "/silent", b"{}")
    assert (response.status, json.loads(body)["error"]["code"]) == (502, "ApiBrokeOff")
    assert len(api.received) == 1


def test_an_api_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signing_proxy.api._ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        status, message = call_api(f"http://127.0.0.1:{server.getsockname()[1]}")
    assert status == 504
    assert message.startswith("ApiTimeout: ")


HOST = "api.test"


class ForwardProxy(BackgroundServer):
    """A proxy as companies have them: tunnels to one API, whatever the name."""

    def __init__(self, port: int) -> None:
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                outer.asked.append((self.path, self.headers["Proxy-Authorization"]))
                self.send_response(200)
                self.end_headers()
                with socket.create_connection(("127.0.0.1", port)) as inside:
                    back = threading.Thread(target=copy, args=(inside, self.connection))
                    back.start()
                    copy(self.connection, inside)
                    back.join()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_https_goes_through_the_companys_proxy_and_is_verified(
    api: SignedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = api.speak_tls(HOST, tmp_path)
    url = f"https://{HOST}{STAGE}"
    with ForwardProxy(api.port).running() as company:
        monkeypatch.setenv("HTTPS_PROXY", company.url.replace("//", "//user:pass%3Aword@"))
        status, message = call_api(url)
        assert status == 502
        assert "AWS_CA_BUNDLE" in message
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        assert call_api(url)[0] == 200
        assert api.last.headers["host"] == HOST
        assert company.asked == [(f"{HOST}:443", "Basic dXNlcjpwYXNzOndvcmQ=")] * 2
        monkeypatch.setenv("NO_PROXY", HOST)
        assert "resolves only" in call_api(url)[1]
        assert len(company.asked) == 2


def test_the_companys_proxy_is_not_for_loopback(api: SignedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert call_api(api.url + STAGE)[0] == 200


def test_a_proxy_that_speaks_tls_itself_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "https://proxy.test")
    with pytest.raises(SystemExit, match="must be an http:// URL"):
        call_api(f"https://{HOST}{STAGE}")

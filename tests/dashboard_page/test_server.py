"""The page's own server: whom it answers, what it passes on, and what it says of the deployment. No browser needed."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deployment import REPOSITORY
from tests.dashboard_page.conftest import SHELL, dashboard
from tests.dashboard_page.scripted_api import SIGNER, Fault, ScriptedApi

OPENED = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}


def get(url: str, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def document(url: str, path: str) -> Any:
    response, body = get(url, path)
    assert response.status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("path", ["/", "/main.js", "/dashboard.css", "/deployment.json", "/api/health", "/nothing"])
def test_every_answer_limits_what_the_browser_may_do(url: str, path: str) -> None:
    response, _ = get(url, path)
    policy = response.getheader("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.getheader("X-Content-Type-Options") == "nosniff"


def test_no_file_names_another_host() -> None:
    for file in (REPOSITORY / "scripts/dashboard").iterdir():
        text = file.read_text()
        assert set(re.findall(r"https?://[^\"]+", text)) <= {"http://www.w3.org/2000/svg"}, file
        assert not re.search(r"innerHTML|insertAdjacentHTML|style=|\beval\b", text), file


def test_only_reading_the_dashboard_is_passed_on(api: ScriptedApi, url: str) -> None:
    for path in ("/health", "/dashboard/usage?groupBy=hour", "/dashboard/requests?limit=1&model=a%3Ab"):
        assert get(url, f"/api{path}")[0].status == 200
    asked = [(one.path, one.query) for one in api.asked]
    assert asked[1:] == [
        ("/dashboard/usage", {"groupBy": "hour"}),
        ("/dashboard/requests", {"limit": "1", "model": "a:b"}),
    ]
    assert asked[0][0] == "/health"
    assert "/us-gov-west-1/execute-api/" in api.asked[0].headers["authorization"]

    refused = ["/api/bedrock/models", "/api/dashboard/../bedrock/models", "/api//dashboard/usage", "/api/dashboard"]
    refused += ["/api/dashboard/requests/a/b", "/api/dashboard/requests/%2e%2e", "/../connect.py", "/%2e%2e/connect.py"]
    assert [get(url, path)[0].status for path in refused] == [404] * len(refused)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert get(url, "/api/dashboard/requests", method)[0].status == 405
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example.com"},
        {"Host": "rebound.example.com", **OPENED},
        {"Origin": "https://example.com"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/", "/api/dashboard/requests", "/deployment.json"])
def test_foreign_pages_get_nothing(api: ScriptedApi, url: str, path: str, headers: dict[str, str]) -> None:
    assert get(url, path, **headers)[0].status == 403
    assert api.asked == []


def test_a_link_to_the_page_may_stand_anywhere(api: ScriptedApi, url: str) -> None:
    assert get(url, "/", **OPENED)[0].status == 200
    assert get(url, "/api/dashboard/requests", **OPENED)[0].status == 403
    assert api.asked == []


SMUGGLED = b"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize("path", ["/main.js", "/deployment.json"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_not_taken_for_the_next_request(url: str, path: str, method: str, chunked: bool) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    framing = {"Transfer-Encoding": "chunked"} if chunked else {}
    connection.request(method, path, [SMUGGLED] if chunked else SMUGGLED, framing, encode_chunked=chunked)
    response = connection.getresponse()
    response.read()
    assert response.status == 200
    connection.request("GET", "/dashboard.css")
    response = connection.getresponse()
    assert (response.status, response.getheader("Content-Type")) == (200, "text/css; charset=utf-8")
    connection.close()


def test_a_body_that_cannot_be_told_from_the_next_request_ends_the_connection(url: str) -> None:
    head = b"GET /main.js HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=10) as connection:
        connection.sendall(head + b"0\r\n\r\n" + SMUGGLED)
        connection.shutdown(socket.SHUT_WR)
        answered = connection.makefile("rb").read()
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1 ") == 1


def test_what_a_url_alone_does_not_say_is_unknown(api: ScriptedApi, url: str) -> None:
    assert document(url, "/deployment.json") == {
        "environment": None,
        "partition": "aws-us-gov",
        "region": "us-gov-west-1",
        "account": None,
        "apiUrl": api.api_url,
        "profile": None,
        "signer": {"arn": SIGNER, "account": "123456789012"},
        "signerProblem": None,
    }


def test_an_environment_says_where_it_is(api: ScriptedApi, tmp_path: Path) -> None:
    outputs = {
        "api_url": api.api_url,
        "execution_role_arn": "arn:aws-us-gov:iam::210987654321:role/router",
        "application_inputs": {"region": "us-gov-east-1"},
    }
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({name: {"value": value} for name, value in outputs.items()}))
    with dashboard(api, "staging", API_URL="", INFRASTRUCTURE_OUTPUTS=str(file)) as url:
        place = document(url, "/deployment.json")
    expected = ("staging", "210987654321", "aws-us-gov", "us-gov-east-1")
    assert tuple(place[name] for name in ("environment", "account", "partition", "region")) == expected


def test_unknown_credentials_are_said_plainly(api: ScriptedApi, url: str) -> None:
    api.faults = [Fault("sts", 403, b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>")]
    place = document(url, "/deployment.json")
    assert place["signer"] is None
    assert "InvalidClientTokenId" in place["signerProblem"]
    with dashboard(api, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="") as without:
        assert document(without, "/deployment.json")["signerProblem"].startswith("NoCredentials: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_listens_on_loopback_until_a_signal(api: ScriptedApi, number: signal.Signals) -> None:
    command = [sys.executable, "scripts/dashboard.py"]
    environ = SHELL | {"API_URL": api.api_url}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        printed = process.stdout.readline() + process.stdout.readline()
        assert "open http://127.0.0.1:" in printed
        process.send_signal(number)
        assert process.communicate(timeout=10)[0] == "stopped\n"
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"API_URL": ""}, "name the API"),
        ({"PORT": "http"}, "PORT=http is not a port"),
        ({"API_URL": "http://example.com/v1"}, "is not https"),
    ],
)
def test_what_keeps_it_from_starting(api: ScriptedApi, environ: dict[str, str], words: str) -> None:
    command = [sys.executable, "scripts/dashboard.py"]
    shell = {name: value for name, value in (SHELL | {"API_URL": api.api_url} | environ).items() if value}
    ended = subprocess.run(command, cwd=REPOSITORY, env=shell, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert os.linesep.join(ended.stderr.splitlines()[1:]) == ""

"""`make connect` as a process: what it prints, how it ends, and what it refuses to start with."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployment import REPOSITORY
from signing_proxy.target import find_target
from tests.contract.clients.signed_api import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, STAGE, SignedApi

SHELL = {
    "PATH": os.environ["PATH"],
    "HOME": "/",
    "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": REGION,
    "PORT": "0",
}


@contextmanager
def connect(environ: Mapping[str, str], *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, once it listens, and what it printed."""
    command = [sys.executable, "scripts/connect.py", *arguments]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        printed = ""
        while "bedrock/models\n" not in printed:
            line = process.stdout.readline()
            assert line, process.communicate()
            printed += line
        try:
            yield process, printed
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_cleanly(api: SignedApi, number: signal.Signals) -> None:
    with connect(SHELL | {"API_URL": api.url + STAGE + "/"}) as (process, printed):
        url = re.search(r"listening on (\S+);", printed)
        assert url
        with (
            urllib.request.urlopen(f"{url[1]}/health?q=1", timeout=10) as answer,
            socket.create_connection(("127.0.0.1", int(url[1].rpartition(":")[2]))),  # one that stays open
        ):
            assert answer.status == 200
            assert process.stderr
            assert re.fullmatch(r"\d\d:\d\d:\d\d GET /health 200 \d\.\d\d s\n", process.stderr.readline())
            process.send_signal(number)
            out, errors = process.communicate(timeout=10)
    assert (process.returncode, out.strip(), errors) == (0, "stopped", "")
    assert api.last.target == "/v1/health?q=1"


def test_it_prints_what_to_set_for_each_client(api: SignedApi) -> None:
    with connect(SHELL | {"API_URL": api.url + STAGE, "AWS_PROFILE": "work"}) as (_, printed):
        url = re.search(r"listening on (\S+);", printed)
    assert url
    assert f"signing for {api.url}{STAGE} in {REGION} with profile work" in printed
    for setting in (
        f"ANTHROPIC_BASE_URL={url[1]}/anthropic ANTHROPIC_AUTH_TOKEN=unused",
        f"ANTHROPIC_BEDROCK_BASE_URL={url[1]}",
        "CLAUDE_CODE_USE_BEDROCK=1 CLAUDE_CODE_SKIP_BEDROCK_AUTH=1",
        f"OPENAI_BASE_URL={url[1]}/openai/v1 OPENAI_API_KEY=unused",
        f'aws_bedrock_runtime_endpoint="{url[1]}"',
        f"AWS_ENDPOINT_URL_BEDROCK_RUNTIME={url[1]} AWS_ENDPOINT_URL_BEDROCK={url[1]}",
        f"curl {url[1]}/bedrock/models",
    ):
        assert setting in printed


def test_with_a_key_it_prints_what_can_carry_it(api: SignedApi) -> None:
    with connect(SHELL | {"API_URL": api.url + STAGE, "CONNECT_KEY": "shared-word"}) as (_, printed):
        url = re.search(r"listening on (\S+);", printed)
        assert url
        for setting in (
            f"ANTHROPIC_BASE_URL={url[1]}/anthropic ANTHROPIC_AUTH_TOKEN=$CONNECT_KEY",
            f"OPENAI_BASE_URL={url[1]}/openai/v1 OPENAI_API_KEY=$CONNECT_KEY",
            f'api_base="{url[1]}/openai/v1", api_key="$CONNECT_KEY"',
        ):
            assert setting in printed
        for setting in ("BEDROCK_BASE_URL", "AWS_ENDPOINT_URL", "bedrock_runtime_endpoint", "shared-word"):
            assert setting not in printed
        curl = printed.splitlines()[-1].strip().partition(" ")[2].strip()
        answer = subprocess.run(
            ["/bin/sh", "-c", curl + " --silent --fail"],
            env=SHELL | {"CONNECT_KEY": "shared-word"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (answer.returncode, answer.stdout) == (0, "{}")
    assert api.last.target == "/v1/bedrock/models"


def test_it_says_at_once_that_there_are_no_credentials(api: SignedApi) -> None:
    environ = {name: value for name, value in SHELL.items() if "KEY" not in name}
    with connect(environ | {"API_URL": api.url + STAGE}) as (process, _):
        assert process.stderr
        assert process.stderr.readline().startswith("note: There are no AWS credentials. Log in again")


def refusal(environ: Mapping[str, str], *arguments: str) -> str:
    """What it says when it does not start."""
    command = [sys.executable, "scripts/connect.py", *arguments]
    result = subprocess.run(
        command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False, timeout=30
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("port", ["abc", "70000", "-1"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    assert f"PORT={port} is not a port" in refusal(SHELL | {"API_URL": "http://127.0.0.1:9", "PORT": port})


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert f"PORT={port} cannot be used" in refusal(SHELL | {"API_URL": "http://127.0.0.1:9", "PORT": port})


def test_too_many_arguments_show_the_usage() -> None:
    assert "Usage: connect.py [ENV]" in refusal(SHELL, "dev", "prod")


def target(url: str, **environ: str) -> tuple[str, str]:
    found = find_target(None, {"API_URL": url, **environ})
    return found.url, found.region


def test_the_region_is_in_the_host_name_or_in_the_environment() -> None:
    own = "https://abc.execute-api.us-gov-east-1.amazonaws.com/v1"
    assert target(own + "/", AWS_REGION="us-gov-west-1") == (own, "us-gov-east-1")
    endpoint = "https://abc-vpce-0123.execute-api.us-gov-west-1.vpce.amazonaws.com/v1"
    assert target(endpoint) == (endpoint, "us-gov-west-1")
    domain = "https://inference.example.gov"
    assert target(domain, AWS_REGION="us-gov-west-1") == (domain, "us-gov-west-1")
    for loopback in ("http://localhost:1/v1", "http://[::1]:1/_aws/execute-api/x/v1"):
        assert target(loopback, AWS_REGION="us-gov-west-1") == (loopback, "us-gov-west-1")


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(SystemExit, match=r"\(nobody\) could not be found: AWS_PROFILE must name one"):
        target("https://inference.example.gov")


def test_a_region_that_nobody_says_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SystemExit, match=r"inference\.example\.gov does not say its region; set AWS_REGION"):
        target("https://inference.example.gov")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "ENV=name"),
        ("http://abc.execute-api.us-gov-west-1.amazonaws.com/v1", "is not https"),
        ("http://127.0.0.1.example.com/v1", "is not https"),
        ("ftp://127.0.0.1/v1", "is not the URL of an API"),
        ("abc.execute-api.us-gov-west-1.amazonaws.com/v1", "is not the URL of an API"),
        ("https://user@abc.example.gov/v1", "is not the URL of an API"),
        ("https://abc.example.gov/v1?a=b", "is not the URL of an API"),
        ("https://abc.example.gov:x/v1", "is not the URL of an API"),
        ("https:///v1", "is not the URL of an API"),
    ],
)
def test_what_is_no_api_is_refused(url: str, words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        target(url, AWS_REGION=REGION)


def test_an_environment_has_its_api_in_the_outputs(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    url = "https://abc.execute-api.us-gov-west-1.amazonaws.com/v1"
    outputs.write_text(json.dumps({"api_url": {"value": url}}))
    environ = {"INFRASTRUCTURE_OUTPUTS": str(outputs), "API_URL": "https://another.example.gov"}
    assert find_target("dev", environ).url == url
    outputs.write_text("{}")
    with pytest.raises(SystemExit, match="make apply ENV=dev"):
        find_target("dev", environ)

"""The smoke scripts and call.sh, against the twin as against any deployment."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deployment import REPOSITORY
from tests.deployed import Deployment

ARN = "arn:aws:bedrock:us-east-1::foundation-model"
CONVERSE = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]})


def run(deployment: Deployment, script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A script, in a shell with the twin's environment file."""
    shell = {"PATH": os.environ["PATH"], **deployment.variables, **environ}
    command = [f"scripts/{script}", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=shell, capture_output=True, text=True, check=False)


def outcomes(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Of each check: `ok` or `FAILED`."""
    return [line.split()[0] for line in result.stdout.splitlines() if line.startswith(("ok ", "FAILED "))]


@pytest.mark.parametrize(
    ("script", "checks"),
    [("test-cross-partition.sh", 8), ("test-claude.sh", 3), ("test-claude-4-1.sh", 3), ("test-models-endpoint.sh", 11)],
)
def test_a_healthy_deployment_passes_every_check(deployment: Deployment, script: str, checks: int) -> None:
    result = run(deployment, script)
    assert result.returncode == 0, result.stdout + result.stderr
    assert outcomes(result) == ["ok"] * checks, result.stdout
    assert result.stderr == ""


def test_the_claude_scripts_say_what_they_call(deployment: Deployment) -> None:
    result = run(deployment, "test-claude.sh", "anthropic.claude-sonnet-4-6")
    assert "called as us.anthropic.claude-sonnet-4-6\n" in result.stdout
    assert "leaves Bedrock on 2027-01-08" in run(deployment, "test-claude-4-1.sh").stdout


def test_what_cannot_be_called_fails_with_bedrocks_words_and_what_to_do(deployment: Deployment) -> None:
    result = run(deployment, "test-claude.sh", "anthropic.no-such-model-v1:0")
    assert result.returncode == 1
    assert outcomes(result) == ["FAILED"] * 3
    assert result.stdout.count("The provided model identifier is invalid.") == 3
    assert result.stdout.count("test-models-endpoint.sh shows what can be called") == 3


def test_a_model_at_the_end_of_its_life_is_answered_with_what_to_use_instead(deployment: Deployment) -> None:
    gone = "This model version has reached the end of its life."
    fault = {"fault": "status", "count": 9, "status": 404, "errortype": "ResourceNotFoundException", "message": gone}
    deployment.upstream("POST", "faults", {**fault, "match": "/model/us.anthropic.claude-opus-4-1"})
    try:
        result = run(deployment, "test-claude-4-1.sh")
    finally:
        deployment.upstream("DELETE", "faults")
    assert result.returncode == 1
    assert outcomes(result) == ["FAILED", "FAILED", "ok"]
    assert gone in result.stdout
    assert "scripts/test-models-endpoint.sh Anthropic" in result.stdout


def test_one_failed_check_fails_the_script_and_the_others_go_on(deployment: Deployment) -> None:
    result = run(deployment, "test-models-endpoint.sh", "No such provider")
    assert result.returncode == 1
    assert outcomes(result) == ["ok"] * 8 + ["FAILED"]
    result = run(deployment, "test-cross-partition.sh", "amazon.nova-lite-v1:0", "anthropic.no-such-model-v1:0")
    assert result.returncode == 1
    assert outcomes(result) == ["ok"] * 4 + ["FAILED"] + ["ok"] * 3


def test_wrong_keys_are_named_as_the_cause(deployment: Deployment) -> None:
    result = run(deployment, "test-claude.sh", AWS_SECRET_ACCESS_KEY="wrong")
    assert result.returncode == 1
    assert outcomes(result) == ["FAILED"] * 3
    assert "next: AWS keys, AWS_REGION and API_URL" in result.stdout


def test_a_caller_without_a_policy_is_told_to_attach_one(deployment: Deployment) -> None:
    stranger = deployment.create_user("smoke-stranger", None)
    keys = {"AWS_ACCESS_KEY_ID": stranger.access_id, "AWS_SECRET_ACCESS_KEY": stranger.signing_key.secret_key}
    result = run(deployment, "test-claude.sh", **keys)
    assert result.returncode == 1
    assert outcomes(result) == ["FAILED"] * 3
    assert result.stdout.count("next: this caller lacks execute-api:Invoke for that") == 3


def test_a_model_that_the_policy_denies_is_told_as_that(deployment: Deployment) -> None:
    result = run(deployment, "test-claude.sh", "global.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert result.returncode == 1
    assert outcomes(result) == ["FAILED"] * 3
    assert result.stdout.count("next: the rule named above") == 3


@pytest.mark.parametrize("changed", [{"API_URL": "http://127.0.0.1:9/v1"}, {"API_URL": ""}, {"AWS_REGION": ""}])
def test_without_an_answer_a_script_stops_and_says_why(deployment: Deployment, changed: dict[str, str]) -> None:
    result = run(deployment, "test-cross-partition.sh", **changed)
    assert result.returncode == 1
    assert result.stdout.startswith("FAILED no answer: ")
    assert outcomes(result) == ["FAILED"]
    assert "call.sh says what must be set" in result.stdout


def test_no_secret_on_a_command_line(deployment: Deployment, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    for tool in ("curl", "python3"):
        spy = tmp_path / tool
        spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >>"{seen}"\nexec "{shutil.which(tool)}" "$@"\n')
        spy.chmod(0o755)
    result = run(deployment, "test-claude.sh", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert result.returncode == 0, result.stdout
    arguments = seen.read_text()
    assert str(tmp_path / "curl") in arguments
    assert str(tmp_path / "python3") in arguments
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert deployment.variables[name] not in arguments


@pytest.mark.parametrize(
    "path",
    [
        "/model/amazon.nova-lite-v1:0/converse",
        "/model/amazon.nova-lite-v1%3A0/converse",
        f"/model/{ARN}%2Famazon.nova-lite-v1:0/converse",
        f"/model/{ARN}/amazon.nova-lite-v1:0/converse?made=up:&another=%2F",
    ],
)
def test_call_signs_every_path(deployment: Deployment, path: str) -> None:
    result = run(deployment, "call.sh", "POST", path, CONVERSE)
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout)["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("version", "api_url", "url", "request_target"),
    [
        ("7.88.1", "https://made.up/v1", "https://made.up/v1/a%3A%252F?b=1&c=%3A", "/v1/a:%2F?b=1&c=%3A"),
        ("8.13.0", "https://made.up", "https://made.up/a%3A%252F?b=1&c=%3A", "/a:%2F?b=1&c=%3A"),
        ("8.14.0", "https://made.up/v1", "https://made.up/v1/a:%2F?b=1&c=%3A", None),
        ("10.1.0", "https://made.up/v1", "https://made.up/v1/a:%2F?b=1&c=%3A", None),
    ],
)
def test_call_gives_each_curl_what_it_signs_right(
    tmp_path: Path, version: str, api_url: str, url: str, request_target: str | None
) -> None:
    """curl 8.14 was the first to encode the path that it signs."""
    curl = tmp_path / "curl"
    script = f'#!/bin/sh\n[ "$1" = --version ] && echo "curl {version} (made-up)" || {{ cat; echo "$@"; }}\n'
    curl.write_text(script)
    curl.chmod(0o755)
    shell = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "API_URL": api_url, "AWS_REGION": "us-gov-west-1"}
    keys = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up"}
    command = ["scripts/call.sh", "GET", "/a:%2F?c=:&b=1"]
    printed = subprocess.run(
        command, cwd=REPOSITORY, env=shell | keys, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    targets = [line for line in printed if line.startswith("request-target")]
    assert targets == ([f'request-target = "{request_target}"'] if request_target else [])
    assert printed[-2].split()[-1] == url

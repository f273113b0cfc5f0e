"""Real clients against the deployed API, by configuration only: one answer, one stream and one modeled error of each.

The programs in tests/clients know nothing of the API: one shell, set up once as the scripts say, makes them call it.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from deployment import REPOSITORY
from tests.deployed import Deployment
from twin import LOCAL

PROGRAMS = REPOSITORY / "tests/clients"
PYTHON_CLIENTS = LOCAL / "clients-venv/bin"
PROFILE = "bedrock-commercial"
NODE_MODULES = LOCAL / "node-clients/node_modules"
CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"  # only an inference profile serves it
GPT = "openai.gpt-oss-20b-1:0"
UNKNOWN = "anthropic.no-such-model-v1:0"
INVALID = "The provided model identifier is invalid."
TOO_MANY = "Too many requests, please wait before trying again."


@dataclass(frozen=True)
class Client:
    """A client program, and the operations by which the audit records know its answer and its stream, if it has one."""

    command: str
    operations: Sequence[str]
    bad_request: str | None = "ValidationException"
    model_id: str = CLAUDE
    lists: bool = False


CONVERSE = ("Converse", "ConverseStream")
INVOKE = ("InvokeModel", "InvokeModelWithResponseStream")
MESSAGES, CHAT, RESPONSES = (("Messages",) * 2, ("ChatCompletions",) * 2, ("Responses",) * 2)
CLIENTS = {
    "boto3": Client("python boto3_client.py", CONVERSE, lists=True),
    "aws-cli": Client("bash aws_cli.sh", ("Converse",), lists=True),
    "langchain-converse": Client("python langchain_client.py ChatBedrockConverse", CONVERSE),
    "langchain-invoke": Client("python langchain_client.py ChatBedrock", INVOKE),
    "anthropic": Client("python anthropic_client.py Anthropic", MESSAGES, "BadRequestError"),
    "anthropic-bedrock": Client("python anthropic_client.py AnthropicBedrock", INVOKE, "BadRequestError"),
    "openai-chat": Client("python openai_client.py chat.completions", CHAT, "BadRequestError", GPT),
    "openai-responses": Client("python openai_client.py responses", RESPONSES, "BadRequestError", GPT),
    "javascript": Client("node javascript_client.cjs", CONVERSE),
    "curl": Client("bash curl_client.sh", ("Converse", "Messages"), bad_request=None),
}
Run = Callable[[str, str], subprocess.CompletedProcess[str]]  # by name and prompt


@pytest.fixture(scope="module")
def proxy_url(deployment: Deployment) -> Iterator[str]:
    """`make connect`, on a free port."""
    environ = {**os.environ, **deployment.variables, "PORT": "0"}
    command = [sys.executable, "scripts/connect.py"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout
        printed = ""
        while not (listening := re.search(r"listening on (http://[\d.:]+)", printed)):
            line = proxy.stdout.readline()
            assert line, printed
            printed += line
        yield listening[1]
        proxy.terminate()
        proxy.communicate()


@pytest.fixture(scope="module")
def run(deployment: Deployment, proxy_url: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a client program in a shell in which every client is configured; AWS SDKs do not try again."""
    home = tmp_path_factory.mktemp("home")
    variables = deployment.variables
    credentials = home / ".aws/credentials"
    credentials.parent.mkdir()
    keys = [f"{name} = {variables[name.upper()]}\n" for name in ("aws_access_key_id", "aws_secret_access_key")]
    credentials.write_text("".join([f"[{PROFILE}]\n", *keys]))
    shell = {"PATH": f"{PYTHON_CLIENTS}:{os.environ['PATH']}", "HOME": str(home), "NO_PROXY": "127.0.0.1"}
    api = {name: variables[name] for name in ("API_URL", "AWS_REGION")}
    write_profile = [sys.executable, "scripts/client_profile.py"]
    subprocess.run(write_profile, cwd=REPOSITORY, env={**shell, **api, "PROFILE": PROFILE}, check=True)
    shell |= {
        "AWS_PROFILE": PROFILE,
        "AWS_MAX_ATTEMPTS": "1",
        "ANTHROPIC_BASE_URL": f"{proxy_url}/anthropic",
        "ANTHROPIC_AUTH_TOKEN": "unused",
        "ANTHROPIC_BEDROCK_BASE_URL": proxy_url,
        "OPENAI_BASE_URL": f"{proxy_url}/openai/v1",
        "OPENAI_API_KEY": "unused",
        "NODE_PATH": str(NODE_MODULES),
    }
    # The CLI does not read the profile's data_path; call.sh wants keys.
    own = {"aws-cli": {"AWS_DATA_PATH": str(home / ".aws/cross-partition-inference/models")}, "curl": variables}

    def run_client(name: str, prompt: str) -> subprocess.CompletedProcess[str]:
        if name == "javascript" and not NODE_MODULES.exists():
            pytest.skip("no Node 20 or newer with npm on this machine")
        client, environ = CLIENTS[name], shell | own.get(name, {})
        command = [*client.command.split(), client.model_id, UNKNOWN, prompt]
        return subprocess.run(command, cwd=PROGRAMS, env=environ, capture_output=True, text=True, check=False)

    return run_client


@pytest.mark.parametrize("name", CLIENTS)
def test_an_answer_a_stream_and_a_modeled_error(deployment: Deployment, run: Run, name: str) -> None:
    client, started_at = CLIENTS[name], datetime.now(UTC)
    prompt = f"Hello from {name}"
    result = run(name, prompt)
    assert result.returncode == 0, result.stdout + result.stderr
    checks = {check.pop("check"): check for check in map(json.loads, result.stdout.splitlines())}

    digest = hashlib.sha256(prompt.encode()).hexdigest()
    text = f"The offline twin read a prompt whose SHA-256 begins with {digest[:8]}."
    wanted = [(operation, 200) for operation in client.operations] + [(client.operations[0], 400)]
    assert checks["answer"] == {"text": text}
    if len(client.operations) > 1:
        assert len(checks["stream"]["chunks"]) > 1
        assert "".join(checks["stream"]["chunks"]) == text
    assert checks["error"].get("class") == client.bad_request
    assert INVALID in checks["error"]["message"]
    if client.lists:
        assert CLAUDE in checks["list"]["models"]
        wanted.append(("ListFoundationModels", 200))

    records = recorded_since(deployment, started_at)
    assert Counter((record["operation"], record["statusCode"]) for record in records) == Counter(wanted)
    assert {record["callerArn"].rpartition(":")[2] for record in records} == {"user/application-developer"}


@pytest.mark.parametrize(
    ("name", "exception"),
    [
        ("boto3", "errorfactory.ThrottlingException"),
        ("aws-cli", "(ThrottlingException)"),
        ("anthropic", "anthropic.RateLimitError"),
        ("openai-chat", "openai.RateLimitError"),
        ("javascript", "ThrottlingException"),
    ],
)
def test_throttling_is_the_clients_own_exception(deployment: Deployment, run: Run, name: str, exception: str) -> None:
    for prefix in ("/model/", "/anthropic/", "/openai/"):
        deployment.upstream("POST", "faults", {"fault": "throttle", "count": 20, "match": prefix})
    try:
        result = run(name, "Hello")
    finally:
        deployment.upstream("DELETE", "faults")
    assert result.returncode != 0, result.stdout
    assert exception in result.stderr
    assert TOO_MANY in result.stderr


def recorded_since(deployment: Deployment, started_at: datetime) -> list[dict[str, Any]]:
    """The crossings of a client; the router's own reading of Bedrock's lists is none."""
    since = started_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    page = deployment.call("GET", "/dashboard/requests", params={"from": since, "limit": 200}).json()
    assert "nextCursor" not in page
    return [record for record in page["requests"] if record["operation"] != "ListModels"]

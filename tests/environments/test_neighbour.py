"""Two environments in one account: the second one is applied by pytest-terraform, released, rolled back, destroyed."""

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_terraform import terraform

from tests.deployed import Deployment

NOVA_ENVELOPE = {
    "modelId": "amazon.nova-lite-v1:0",
    "body": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
}
NAME = "cross-partition-neighbour"


@pytest.fixture(scope="module", autouse=True)
def operator(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The operator's environ for the Terraform that the fixture runs, and a copy of the artifact to release."""
    artifact = tmp_path_factory.mktemp("artifact") / "router.zip"
    shutil.copyfile(deployment.download_artifact(artifact.parent), artifact)
    environ = deployment.operator_environ | deployment.terraform_cli_environ
    variables = {"TF_VAR_artifact": str(artifact), "TF_VAR_bedrock_url": deployment.variables["TWIN_COMMERCIAL_URL"]}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environ | variables).items():
            patch.setenv(name, value)
        yield artifact


def plan(neighbour: Any) -> subprocess.CompletedProcess[str]:
    runner = neighbour.terraform
    command = [runner.tf_bin, "plan", "-input=false", "-no-color", "-detailed-exitcode", f"-state={runner.state_path}"]
    environ = {**os.environ, "TF_DATA_DIR": runner.work_dir}
    return subprocess.run(command, cwd=runner.module_dir, env=environ, capture_output=True, text=True, check=False)


def call(deployment: Deployment, neighbour: Any, method: str, path: str, document: object = None) -> requests.Response:
    infrastructure = neighbour.outputs["infrastructure"]["value"]
    url = f"{deployment.variables['TWIN_GOVCLOUD_URL']}/_aws/execute-api/{infrastructure['api_id']}/v1{path}"
    environ = deployment.operator_environ
    keys = {name: environ[f"AWS_{name.upper()}"] for name in ("access_key_id", "secret_access_key")}
    return requests.request(method, url, json=document, auth=deployment.signature(**keys), timeout=60)


def versions(neighbour: Any) -> tuple[str, str]:
    return neighbour.outputs["function_version"]["value"], neighbour.outputs["published_version"]["value"]


@terraform("neighbour", scope="module", teardown="ignore")
def test_both_environments_serve_and_keep_apart(deployment: Deployment, neighbour: Any) -> None:
    credential = (deployment.twin.folder / "credential.json").read_text()
    secret_arn = neighbour.outputs["infrastructure"]["value"]["credential_secret_arn"]
    deployment.client("secretsmanager").put_secret_value(SecretId=secret_arn, SecretString=credential)

    answer = call(deployment, neighbour, "POST", "/bedrock/invoke-model", NOVA_ENVELOPE)
    assert answer.status_code == 200, answer.text
    own = call(deployment, neighbour, "GET", "/dashboard/requests?timeRange=1h").json()["requests"]
    assert answer.headers["X-Request-ID"] in [record["requestId"] for record in own]

    assert deployment.call("POST", "/bedrock/invoke-model", NOVA_ENVELOPE).status_code == 200
    others = deployment.call("GET", "/dashboard/requests", params={"timeRange": "1h", "limit": 200}).json()["requests"]
    assert answer.headers["X-Request-ID"] not in [record["requestId"] for record in others]

    caller = requests.get(
        f"{deployment.variables['TWIN_GOVCLOUD_URL']}/_aws/execute-api/"
        f"{neighbour.outputs['infrastructure']['value']['api_id']}/v1/bedrock/models",
        auth=deployment.signature(),
        timeout=30,
    )
    assert caller.status_code == 403, "a caller of one environment is nobody in the other"


@terraform("neighbour", scope="module", teardown="ignore")
def test_the_second_plan_is_empty(neighbour: Any) -> None:
    result = plan(neighbour)
    assert result.returncode == 0, result.stdout + result.stderr


@terraform("neighbour", scope="module", teardown="ignore")
def test_a_gradual_release_and_the_way_back(
    operator: Path, deployment: Deployment, neighbour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias stays, a share of the calls moves; then all of them; then all of them back."""
    before = operator.read_bytes()
    alias = {"FunctionName": f"{NAME}-router", "Name": "live"}
    client = deployment.client("lambda")
    assert versions(neighbour) == ("1", "1")

    with zipfile.ZipFile(operator, "a") as archive:
        archive.writestr("NEIGHBOUR", "a new release")
    monkeypatch.setenv("TF_VAR_release_percent", "20")
    neighbour.update(neighbour.terraform.apply().export())
    assert versions(neighbour) == ("1", "2")
    assert client.get_alias(**alias)["RoutingConfig"]["AdditionalVersionWeights"] == {"2": 0.2}
    assert call(deployment, neighbour, "GET", "/health").status_code == 200

    monkeypatch.delenv("TF_VAR_release_percent")
    neighbour.update(neighbour.terraform.apply().export())
    assert versions(neighbour) == ("2", "2")
    assert "RoutingConfig" not in client.get_alias(**alias)
    released = call(deployment, neighbour, "GET", "/health").json()["release"]

    operator.write_bytes(before)
    neighbour.update(neighbour.terraform.apply().export())
    assert versions(neighbour) == ("3", "3")
    assert call(deployment, neighbour, "GET", "/health").json()["release"] != released
    assert plan(neighbour).returncode == 0


@terraform("neighbour", scope="module", teardown="ignore")
def test_destroy_leaves_nothing_behind(deployment: Deployment, neighbour: Any) -> None:
    """All that carries the environment's name is gone, but for the key, which KMS deletes after its waiting time."""
    assert NAME in json.dumps(deployment.names())

    neighbour.terraform.destroy()

    left = deployment.names()
    assert [name for names in left.values() for name in names if NAME in name] == []
    assert deployment.call("GET", "/health").status_code == 200, "the other environment is untouched"

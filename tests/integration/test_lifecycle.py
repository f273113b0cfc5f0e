"""Two lifecycles on the twin: plans stay empty, a release moves the alias, a rollback moves it back."""

import hashlib
import json
import shutil
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deployed import Deployment
from twin import ACCOUNT_ID, ENVIRONMENT, REGION

ROOTS = ("bootstrap", "infrastructure", "application")


def release(deployment: Deployment) -> str:
    return str(deployment.call("GET", "/health").json()["release"])


@pytest.mark.parametrize("root", ROOTS)
def test_a_second_plan_is_empty_and_shows_no_credential(deployment: Deployment, tmp_path: Path, root: str) -> None:
    """[4] [9]: nor does the plan in full, outputs and state included, nor anything that the deployment printed."""
    plan = deployment.terraform(root, "plan", "-detailed-exitcode", f"-out={tmp_path}/plan")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    whole = deployment.terraform(root, "show", "-json", f"{tmp_path}/plan")
    assert set(json.loads(whole.stdout)) >= {"prior_state", "planned_values", "configuration"}
    seen = plan.stdout + plan.stderr + whole.stdout + (deployment.twin.folder / "deploy.log").read_text()
    assert deployment.twin.credential()["bedrock_api_key"] not in seen


def test_the_states_are_in_the_bucket_and_hold_no_credential(deployment: Deployment) -> None:
    s3 = deployment.client("s3")
    bucket = f"cross-partition-tfstate-{ACCOUNT_ID}-{REGION}"
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {"bootstrap.tfstate", f"{ENVIRONMENT}/infrastructure.tfstate", f"{ENVIRONMENT}/application.tfstate"}
    api_key = deployment.twin.credential()["bedrock_api_key"].encode()
    for key in keys:
        assert api_key not in s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_release_and_a_rollback(deployment: Deployment, tmp_path: Path) -> None:
    s3 = deployment.client("s3")
    bucket = next(bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if "-twin-artifacts-" in bucket["Name"])
    old_key = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"]
    s3.download_file(bucket, old_key, str(tmp_path / "new.zip"))
    with zipfile.ZipFile(tmp_path / "new.zip", "a") as archive:
        archive.writestr("CHANGED", "a new release")
    new_key = f"router/{hashlib.sha256((tmp_path / 'new.zip').read_bytes()).hexdigest()}.zip"
    s3.upload_file(str(tmp_path / "new.zip"), bucket, new_key)
    assert release(deployment) == old_key.removeprefix("router/")[:12]

    # A quarter of the calls first; an apply in between leaves it at that.
    result = deployment.script(sys.executable, "scripts/release.py", ENVIRONMENT, new_key, RELEASE_PERCENT="25")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "25 % of the calls go to" in result.stdout
    function = deployment.outputs()["application_inputs"]["function_name"]
    alias = deployment.client("lambda").get_alias(FunctionName=function, Name="live")
    assert list(alias["RoutingConfig"]["AdditionalVersionWeights"].values()) == [0.25]
    assert deployment.terraform("application", "plan", "-detailed-exitcode").returncode == 0

    for key in (new_key, old_key):
        result = deployment.script(sys.executable, "scripts/release.py", ENVIRONMENT, key)
        assert result.returncode == 0, result.stdout + result.stderr
        assert release(deployment) == key.removeprefix("router/")[:12]

    listed = deployment.script(sys.executable, "scripts/release.py", ENVIRONMENT, "list").stdout
    assert new_key in listed
    assert old_key in listed


def test_a_release_that_was_never_uploaded_is_refused(deployment: Deployment) -> None:
    result = deployment.script(sys.executable, "scripts/release.py", ENVIRONMENT, f"router/{'0' * 64}.zip")
    assert result.returncode != 0
    assert "is not in" in result.stderr


@pytest.mark.parametrize("secret", ["XP-CANARY", '{"bedrock_api_key": "", "other": "XP-CANARY"}', '["XP-CANARY"]'])
def test_a_malformed_credential_is_not_stored(deployment: Deployment, secret: str) -> None:
    result = deployment.script(sys.executable, "scripts/put_credential.py", ENVIRONMENT, stdin=secret)
    assert result.returncode != 0
    assert "nothing was stored" in result.stderr
    assert "XP-CANARY" not in result.stdout + result.stderr
    assert deployment.call("GET", "/health").json()["checks"]["credential"] == "ok"


def test_deploying_again_changes_nothing(deployment: Deployment) -> None:
    result = deployment.terraform("infrastructure", "apply")
    assert result.returncode == 0
    assert "0 added, 0 changed, 0 destroyed" in result.stdout


def test_the_environment_file_is_private(deployment: Deployment) -> None:
    assert stat.S_IMODE(deployment.twin.environment_file.stat().st_mode) == 0o600
    assert deployment.variables["API_URL"].endswith("/v1")
    assert {"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TWIN_GOVCLOUD_URL", "TWIN_COMMERCIAL_URL"} <= (
        deployment.variables.keys()
    )


def test_the_artifact_is_the_same_on_every_build(tmp_path: Path) -> None:
    import package

    first = package.build(tmp_path / "a")
    shutil.rmtree(package.LAMBDA_SOURCES / "__pycache__", ignore_errors=True)
    second = package.build(tmp_path / "b")
    assert first.name == second.name
    assert first.name == f"router-{hashlib.sha256(first.read_bytes()).hexdigest()}.zip"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
    assert "handler.py" in names
    assert not [name for name in names if name.startswith(("boto", "bin/", "tests"))]
    if package.runtime_python():
        assert "__pycache__/handler.cpython-313.pyc" in names

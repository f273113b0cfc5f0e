"""Scripts that need no twin: prerequisites, usage errors, the twin's own checks."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import deployment
import twin
from deployment import REPOSITORY

SHELL_TOOLS = ("bash", "sed", "sort", "head", "dirname", "env")


def run(command: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A PATH on which none of the prerequisites is."""
    for tool in SHELL_TOOLS:
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    return str(tmp_path)


def test_every_missing_prerequisite_is_named_with_what_to_do(bare_path: str) -> None:
    result = run(["scripts/check_prerequisites.sh"], PATH=bare_path, HOME="/")
    assert result.returncode == 1
    for name in ("Python 3.11", "Terraform 1.11", "make", "curl 7.75", "git"):
        assert f"missing: {name}" in result.stderr
    assert result.stderr.count("\n") == 5


@pytest.mark.parametrize(("version", "ok"), [("1.10.5", False), ("1.9.0", False), ("1.11.0", True), ("1.12.1", True)])
def test_an_old_terraform_is_refused(bare_path: str, version: str, ok: bool) -> None:
    fake = Path(bare_path) / "terraform"
    fake.write_text(f"#!/bin/sh\necho 'Terraform v{version}'\n")
    fake.chmod(0o755)
    result = run(["scripts/check_prerequisites.sh", "terraform"], PATH=bare_path, HOME="/")
    assert (result.returncode == 0) is ok
    assert ok or version in result.stderr


def test_prerequisites_of_this_machine_are_complete() -> None:
    result = run(["scripts/check_prerequisites.sh"], PATH=os.environ["PATH"], HOME="/")
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("target", ["plan", "apply", "release", "rollback", "destroy", "bootstrap", "credential"])
def test_targets_ask_for_the_environment(target: str) -> None:
    shown = run(["make", "-n", target], PATH=os.environ["PATH"], HOME="/").stdout
    assert "name the environment" in shown


def test_an_environment_without_a_state_bucket_says_what_to_do() -> None:
    command = ["scripts/terraform.sh", "nowhere", "infrastructure", "plan"]
    result = run(command, PATH=os.environ["PATH"], HOME="/")
    assert result.returncode == 1
    assert "make bootstrap ENV=nowhere" in result.stderr


@pytest.mark.parametrize("name", ["../x", "", "UPPER", "a b", "x" * 40])
def test_a_twin_cannot_be_named_out_of_its_folder(name: str) -> None:
    with pytest.raises(SystemExit, match="name"):
        twin.Twin(name)


@pytest.mark.parametrize("port", ["abc", "99999", "-1", "taken"])
def test_a_port_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("TWIN_GOVCLOUD_PORT", str(server.getsockname()[1]) if port == "taken" else port)
        with pytest.raises(SystemExit, match="TWIN_GOVCLOUD_PORT="):
            twin._port("TWIN_GOVCLOUD_PORT")


IN_SERVICE = {"artifact_key": "router/old.zip", "function_version": "7", "gradual_release": None}


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The outputs of an application that is in service; Terraform is not asked."""
    outputs: dict[str, dict[str, object]] = {
        "infrastructure": {"application_inputs": {"name": "x"}},
        "application": dict(IN_SERVICE),
    }
    monkeypatch.setattr(deployment, "_outputs", lambda _environment, root, _environ: outputs[root])
    return outputs["application"]


def test_without_a_key_the_release_in_service_stays(application: dict[str, object]) -> None:
    application["gradual_release"] = {"from_version": "6", "new_version_percent": 10}
    variables = deployment.application_variables("dev", "apply", {})
    assert variables["artifact_key"] == "router/old.zip"
    assert variables["gradual_release"] == {"from_version": "6", "new_version_percent": 10}


def test_a_release_ends_a_gradual_one_or_goes_on_with_it(application: dict[str, object]) -> None:
    application["gradual_release"] = {"from_version": "6", "new_version_percent": 10}
    given = {"ARTIFACT_KEY": "router/new.zip"}
    assert deployment.application_variables("dev", "apply", given)["gradual_release"] is None
    gradual = deployment.application_variables("dev", "apply", given | {"RELEASE_PERCENT": "50"})["gradual_release"]
    assert gradual == {"from_version": "7", "new_version_percent": 50}


@pytest.mark.parametrize("percent", ["0", "100", "ten", "-5", "2.5"])
def test_a_share_that_makes_no_sense_is_refused(application: dict[str, object], percent: str) -> None:
    with pytest.raises(SystemExit, match="PERCENT must be a whole number from 1 to 99"):
        deployment.application_variables("dev", "apply", {"ARTIFACT_KEY": "x", "RELEASE_PERCENT": percent})


def test_what_takes_all_calls_already_cannot_get_a_share(application: dict[str, object]) -> None:
    given = {"ARTIFACT_KEY": "router/old.zip", "RELEASE_PERCENT": "10"}
    with pytest.raises(SystemExit, match="nothing to share out"):
        deployment.application_variables("dev", "apply", given)
    application["gradual_release"] = {"from_version": "6", "new_version_percent": 10}
    assert deployment.application_variables("dev", "apply", given)["gradual_release"] is not None


def test_a_first_release_takes_all_calls(application: dict[str, object]) -> None:
    application.clear()
    with pytest.raises(SystemExit, match="leave PERCENT out"):
        deployment.application_variables("dev", "apply", {"ARTIFACT_KEY": "x", "RELEASE_PERCENT": "10"})
    with pytest.raises(SystemExit, match="make release ENV=dev"):
        deployment.application_variables("dev", "plan", {})
    assert deployment.application_variables("dev", "destroy", {})["artifact_key"].startswith("router/000")


CREDENTIAL_SCRIPTS = ("rotate_credential.py", "switch_credential.py", "enable_federation.py", "put_credential.py")


@pytest.fixture
def outputs_file(tmp_path: Path) -> Path:
    """What the infrastructure of an environment in mode api_key says of itself."""
    inputs = {
        "name": "cross-partition-dev",
        "region": "us-gov-west-1",
        "function_name": "cross-partition-dev-router",
        "task_alias_name": "tasks",
        "credential": {"mode": "api_key", "secret_arn": "made-up", "federation": None},
    }
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({"application_inputs": {"value": inputs}}))
    return path


def operate(script: str, outputs_file: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    nowhere = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    keys = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_MAX_ATTEMPTS": "1"}
    environ = {"PATH": os.environ["PATH"], **nowhere, **keys, "INFRASTRUCTURE_OUTPUTS": str(outputs_file), **environ}
    return run([sys.executable, f"scripts/{script}", "dev"], **environ)


@pytest.mark.parametrize("script", CREDENTIAL_SCRIPTS)
def test_scripts_of_the_credential_say_how_they_are_used(script: str, outputs_file: Path) -> None:
    result = run([sys.executable, f"scripts/{script}", "one", "two"], PATH=os.environ["PATH"])
    assert result.returncode == 1
    assert f"Usage: {script}" in result.stderr


def test_a_rotation_needs_the_commercial_profile(outputs_file: Path) -> None:
    result = operate("rotate_credential.py", outputs_file)
    assert result.returncode == 1
    assert "COMMERCIAL_AWS_PROFILE must name an AWS profile" in result.stderr
    unknown = operate("rotate_credential.py", outputs_file, COMMERCIAL_AWS_PROFILE="nobody")
    assert unknown.returncode == 1
    assert "nobody" in unknown.stderr
    assert "Traceback" not in unknown.stderr


@pytest.mark.parametrize("mode", ["aws_keys", "federation"])
def test_only_api_keys_are_rotated(outputs_file: Path, mode: str) -> None:
    text = outputs_file.read_text().replace('"mode": "api_key"', f'"mode": "{mode}"')
    outputs_file.write_text(text)
    result = operate("rotate_credential.py", outputs_file)
    assert result.returncode == 1
    assert f"'dev' uses {mode}" in result.stderr


def test_without_a_secret_nothing_is_stored(outputs_file: Path) -> None:
    outputs_file.write_text(outputs_file.read_text().replace('"secret_arn": "made-up"', '"secret_arn": null'))
    result = operate("put_credential.py", outputs_file)
    assert result.returncode == 1
    assert "there is no secret; nothing was stored" in result.stderr


AUDIT_SCRIPTS = {
    "verify_audit.py": ["dev", "2026-11-01", "2026-11-02"],
    "reconcile_audit.py": ["dev", "2026-11-01", "2026-11-02", "logs"],
}


def audit(script: str, outputs: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"scripts/{script}", *AUDIT_SCRIPTS[script]]
    return run(command, PATH=os.environ["PATH"], INFRASTRUCTURE_OUTPUTS=str(outputs))


@pytest.mark.parametrize("script", AUDIT_SCRIPTS)
@pytest.mark.parametrize("text", ["", "[]", "{", '{"application_inputs": 1}', "\xff", None])
def test_a_file_that_holds_no_outputs_is_named_with_what_to_do(script: str, text: str | None, tmp_path: Path) -> None:
    """Exit code 1 would say that the audit was checked, and is broken."""
    outputs = tmp_path / "outputs.json"
    if text is not None:
        outputs.write_text(text, encoding="latin-1")
    result = audit(script, outputs)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: INFRASTRUCTURE_OUTPUTS={outputs} holds no outputs of Terraform (")
    assert result.stderr.endswith(f"): scripts/terraform.sh dev infrastructure output -json >{outputs}\n")


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        *(("verify_audit.py", name) for name in ("region", "audit_table_name", "audit_archive.kms_key_arn")),
        *(("verify_audit.py", name) for name in ("audit_archive.bucket", "audit_archive.retention.days")),
        *(("reconcile_audit.py", name) for name in ("region", "audit_table_name", "audit_retention_days")),
    ],
)
def test_outputs_of_an_older_release_prove_nothing(script: str, missing: str, tmp_path: Path) -> None:
    retention = {"mode": "GOVERNANCE", "days": 913}
    archive = {"bucket": "made-up", "table_name": "made-up", "kms_key_arn": "made-up", "retention": retention}
    inputs = {"region": "us-gov-west-1", "audit_table_name": "made-up", "audit_retention_days": 30}
    whole: dict[str, object] = {**inputs, "audit_archive": archive}
    *folders, name = missing.split(".")
    holder: Any = whole
    for folder in folders:
        holder = holder[folder]
    outputs = tmp_path / "outputs.json"
    for value in (None, []):
        holder[name] = value
        outputs.write_text(json.dumps({"application_inputs": {"value": whole}}))
        result = audit(script, outputs)
        assert (result.returncode, result.stdout) == (2, "")
        said = f"error: the outputs of 'dev' have no application_inputs.{missing}, as those of an older release"
        assert result.stderr == f"{said}: make apply ENV=dev, and write {outputs} anew\n"


def test_a_twin_in_an_unknown_mode_is_refused() -> None:
    result = run([sys.executable, "scripts/twin.py", "up"], PATH=os.environ["PATH"], CREDENTIAL_MODE="magic")
    assert result.returncode == 1
    assert "CREDENTIAL_MODE must be one of api_key, aws_keys, federation" in result.stderr

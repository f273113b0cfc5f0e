"""The offline twin: a GovCloud account and Commercial Bedrock on this machine, with the real deployment between them.

Usage: twin.py up [NAME]      start both sides, deploy with the customer's own scripts, write the environment file
       twin.py down [NAME]    stop what `up` started, by process id

NAME (default: local) lets twins run side by side. `local` writes .local/env, others .local/twins/NAME/env.
TWIN_GOVCLOUD_PORT and TWIN_COMMERCIAL_PORT set the ports; otherwise free ones are taken.

The GovCloud side is ministack with IAM enforced (tests/fakes/govcloud.py), the Commercial side a stand-in that
verifies what arrives (tests/fakes/commercial.py). Terraform applies the unchanged roots: only the endpoints and the
credentials of the provider differ, and the variables that name this machine's endpoint of Bedrock.
"""

import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from deployment import REPOSITORY, infrastructure_outputs

LOCAL = REPOSITORY / ".local"
REGION = "us-gov-west-1"
ACCOUNT_ID = "123456789012"
ENVIRONMENT = "twin"
_START_SECONDS = 60.0
_SIDES = ("commercial", "govcloud")  # in the order they are started
_STOP_SECONDS = 10.0
_SHOWN = ("==>", "Apply complete", "stored", "uploaded", "router/", "The state bucket")
# What the machine's own AWS set-up must not bring into the twin.
# The AWS SDKs want this machine's settings from nowhere, and no proxy between the twin and its callers.
_LOOPBACK_ONLY = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
_FOREIGN_PREFIXES = ("AWS_", "TF_VAR_", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_DATA_DIR")


@dataclass(frozen=True)
class Keys:
    """An IAM user's access key."""

    access_key_id: str
    secret_access_key: str


def isolate() -> None:
    """Keep this machine's AWS set-up and proxies out of this process; its children get an environ of their own."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN_PREFIXES)]:
        del os.environ[name]
    os.environ.update(_LOOPBACK_ONLY)


class Twin:
    """One twin, identified by its name and kept in one folder."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise SystemExit("error: a twin's name has up to 31 lowercase letters, digits and hyphens")
        self.name = name
        self.folder = LOCAL / "twins" / name
        self.environment_file = LOCAL / "env" if name == "local" else self.folder / "env"
        self._processes_file = self.folder / "processes.json"
        self._outputs_file = self.folder / "terraform" / "infrastructure.outputs.json"
        self._root = Keys("twin-root", secrets.token_hex(20))
        self._children: list[subprocess.Popen[bytes]] = []

    def up(self) -> None:
        """Start, deploy and write the environment file; what was started is stopped again if that fails."""
        if self._processes():
            raise SystemExit(
                f"error: twin '{self.name}' is up already; stop it first: make local-down TWIN={self.name}"
            )
        for leftover in ("environments", "tmp", "env", "terraform/bootstrap-copy", "terraform/bootstrap-copy-data"):
            path = self.folder / leftover
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        (self.folder / "tmp").mkdir(parents=True)
        try:
            self._start()
            self._deploy()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop both sides and wait until they are gone."""
        processes = self._processes()
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)  # each was started as the leader of a group: deploy.sh with Terraform
        give_up_at = time.monotonic() + _STOP_SECONDS
        while self._processes() and time.monotonic() < give_up_at:
            time.sleep(0.05)
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        for child in self._children:
            child.wait()
        self._children.clear()
        self._processes_file.unlink(missing_ok=True)
        self.environment_file.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def variables(self) -> dict[str, str]:
        """The variables of the environment file."""
        lines = self.environment_file.read_text().splitlines()
        pairs = (shlex.split(line)[1].partition("=") for line in lines if line.startswith("export "))
        return {name: value for name, _, value in pairs}

    def operator_environ(self) -> dict[str, str]:
        """An environ in which Terraform, boto3 and the scripts act as the operator of the twin's GovCloud account."""
        variables = self.variables()
        keys = Keys(variables["OPERATOR_AWS_ACCESS_KEY_ID"], variables["OPERATOR_AWS_SECRET_ACCESS_KEY"])
        outputs = {"INFRASTRUCTURE_OUTPUTS": str(self._outputs_file)}
        return self._environ(keys, variables["TWIN_GOVCLOUD_URL"]) | outputs

    def commercial_api_key(self) -> str:
        """The API key that the Commercial side knows, which must turn up nowhere else."""
        return str(json.loads((self.folder / "credential.json").read_text())["bedrock_api_key"])

    def _start(self) -> None:
        govcloud_port = _port("TWIN_GOVCLOUD_PORT")
        port_file, credentials_file = self.folder / "commercial.port", self.folder / "commercial-credentials.json"
        port_file.unlink(missing_ok=True)
        self._credential = {"bedrock_api_key": f"ABSK-twin-{secrets.token_hex(16)}", "region": "us-east-1"}
        known = {
            "api_keys": [self._credential["bedrock_api_key"]],
            "access_keys": [{"access_key_id": "AKIA-TWIN", "secret_access_key": secrets.token_hex(20)}],
        }
        _write_private(credentials_file, json.dumps(known))
        commercial_port = str(_port("TWIN_COMMERCIAL_PORT"))
        self._spawn(
            "commercial",
            [
                *(sys.executable, "tests/fakes/commercial.py", "--port", commercial_port),
                *("--port-file", str(port_file), "--credentials", str(credentials_file)),
            ],
            {},
        )
        self._spawn(
            "govcloud",
            [str(LOCAL / "twin-venv/bin/python"), "tests/fakes/govcloud.py"],
            {
                "AUTH": "true",
                "GATEWAY_PORT": str(govcloud_port),
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_REGION": REGION,
                "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
                "AWS_ACCESS_KEY_ID": self._root.access_key_id,
                "AWS_SECRET_ACCESS_KEY": self._root.secret_access_key,
                "LOG_LEVEL": "WARNING",
            },
        )
        self.govcloud_url = f"http://127.0.0.1:{govcloud_port}"
        self._await(lambda: port_file.exists() and port_file.read_text().strip() != "", "commercial")
        # The emulator notes its own pid once it has found the port free: an answer alone may be another twin's.
        own_pid_file = self.folder / "tmp" / f"ministack-{govcloud_port}.pid"
        health_url = f"{self.govcloud_url}/_ministack/health"
        self._await(lambda: own_pid_file.exists() and _answers(health_url), "govcloud")
        self.commercial_url = f"http://127.0.0.1:{port_file.read_text().strip()}"

    def _deploy(self) -> None:
        """What an operator of a real account does, in the same order and with the same scripts."""
        operator = self._create_user("operator", [{"Effect": "Allow", "Action": "*", "Resource": "*"}], self._root)
        environment = self.folder / "environments" / ENVIRONMENT
        environment.mkdir(parents=True)
        shared = {"use_fips_endpoint": False}
        _write_tfvars(environment / "bootstrap.tfvars", shared)
        protection = {"deletion_protection": False, "secret_recovery_window_days": 0}
        policies = {"caller_policies": {"models": {"nova-lite": ["amazon.nova-lite-v1:0"]}}}
        infrastructure = {"environment": ENVIRONMENT, **shared, **protection, **policies}
        _write_tfvars(environment / "infrastructure.tfvars", infrastructure)
        endpoints = {f"{name}_endpoint_url": self.commercial_url for name in ("bedrock", "bedrock_runtime")}
        _write_tfvars(environment / "application.tfvars", {**shared, "router": endpoints})
        _write_private(self.folder / "credential.json", json.dumps(self._credential))
        environ = self._environ(operator, self.govcloud_url)
        self._run_deploy_script({**environ, "CREDENTIAL_FILE": str(self.folder / "credential.json")})
        outputs = infrastructure_outputs(ENVIRONMENT, {"INFRASTRUCTURE_OUTPUTS": str(self._outputs_file)})
        policy = json.loads(outputs["caller_policy_json"])
        caller = self._create_user("application-developer", policy["Statement"], operator)
        variables = {
            "API_URL": f"{self.govcloud_url}/_aws/execute-api/{outputs['api_id']}/{outputs['stage_name']}",
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": caller.access_key_id,
            "AWS_SECRET_ACCESS_KEY": caller.secret_access_key,
            "TWIN_GOVCLOUD_URL": self.govcloud_url,
            "TWIN_COMMERCIAL_URL": self.commercial_url,
            "OPERATOR_AWS_ACCESS_KEY_ID": operator.access_key_id,
            "OPERATOR_AWS_SECRET_ACCESS_KEY": operator.secret_access_key,
        }
        _write_private(
            self.environment_file,
            "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()),
        )

    def _run_deploy_script(self, environ: Mapping[str, str]) -> None:
        """Run deploy.sh; its whole output goes to a file, its steps and results to the screen."""
        log_file = self.folder / "deploy.log"
        command = [str(REPOSITORY / "scripts" / "deploy.sh"), ENVIRONMENT]
        started = time.monotonic()
        with (
            log_file.open("w") as log,
            subprocess.Popen(
                command,
                env=environ,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            self._note(process.pid)
            for line in process.stdout or ():
                log.write(line)
                if line.startswith(_SHOWN):
                    print(f"{time.monotonic() - started:4.0f} s  {line.rstrip()}", flush=True)
        if process.returncode:
            end = "".join(log_file.read_text().splitlines(keepends=True)[-40:])
            raise SystemExit(f"{end}\nerror: the deployment to the twin failed; all of its output is in {log_file}")

    def _create_user(self, name: str, statements: list[dict[str, Any]], administrator: Keys) -> Keys:
        iam = boto3.client(
            "iam",
            region_name=REGION,
            endpoint_url=self.govcloud_url,
            aws_access_key_id=administrator.access_key_id,
            aws_secret_access_key=administrator.secret_access_key,
        )
        iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="twin", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(key["AccessKeyId"], key["SecretAccessKey"])

    def _environ(self, keys: Keys, govcloud_url: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_PREFIXES)}
        return {
            **kept,
            "AWS_ENDPOINT_URL": govcloud_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            **_LOOPBACK_ONLY,
            "AUTO_APPROVE": "1",
            "TF_CLI_ARGS": "-no-color",
            "ENVIRONMENTS_DIR": str(self.folder / "environments"),
            "WORK_DIR": str(self.folder / "terraform"),
        }

    def _spawn(self, side: str, command: list[str], environ: Mapping[str, str]) -> None:
        # A clean environ: the emulator hands its own on to the Lambda processes.
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with (self.folder / f"{side}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**inherited, "TMPDIR": str(self.folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1", **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(process)
        self._note(process.pid)

    def _note(self, pid: int) -> None:
        """Remember a process, for `down`."""
        self._processes_file.write_text(json.dumps({**self._processes(), pid: _started_at(pid)}))

    def _processes(self) -> dict[int, str]:
        """Process ids that `up` noted and that still are the processes it started."""
        try:
            noted = json.loads(self._processes_file.read_text())
        except FileNotFoundError:
            return {}
        return {int(pid): started for pid, started in noted.items() if started and _started_at(int(pid)) == started}

    def _await(self, ready: Any, side: str) -> None:
        give_up_at = time.monotonic() + _START_SECONDS
        process = self._children[_SIDES.index(side)]
        # Whether it lives comes first: on a port that was taken, somebody else would answer.
        while process.poll() is not None or not ready():
            if process.poll() is not None or time.monotonic() > give_up_at:
                log = (self.folder / f"{side}.log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"error: the {side} side of the twin did not start; its log ends with:\n{log}")
            time.sleep(0.05)


def _port(variable: str) -> int:
    """The port that a variable names, if it is free, or any free one."""
    wanted = os.environ.get(variable, "0")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(wanted)))
            return int(probe.getsockname()[1])
    except (ValueError, OverflowError, OSError) as error:
        raise SystemExit(f"error: {variable}={wanted} is not a port that can be used: {error}") from None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def _started_at(pid: int) -> str:
    """When a process started, by ps: a process id alone may have been given to another one since."""
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    state, _, started = (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    )
    return "" if state.startswith("Z") else started.strip()


def _write_tfvars(path: Path, values: Mapping[str, Any]) -> None:
    # A JSON value is also an HCL expression.
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def main(action: str, name: str) -> None:
    """Run one of the two actions."""
    isolate()
    twin = Twin(name)
    if action == "down":
        twin.down()
        print(f"twin '{name}' is down")
        return
    twin.up()
    print(f"\ntwin '{name}' is up. In a shell:\n  . {twin.environment_file.relative_to(REPOSITORY)}")
    print("  scripts/call.sh GET /bedrock/models")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1] not in ("up", "down"):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else "local")

"""The offline twin: a GovCloud account and Commercial Bedrock on this machine, with the real deployment between them.

Usage: twin.py up [NAME]      start both sides, deploy with the customer's own scripts, write the environment file
       twin.py down [NAME]    stop what `up` started, by process id

NAME (default: local) lets twins run side by side. `local` writes .local/env, others .local/twins/NAME/env.
CREDENTIAL_MODE (default: api_key; aws_keys, federation) is how the router proves itself to Commercial.
TWIN_GOVCLOUD_PORT and TWIN_COMMERCIAL_PORT set the ports; otherwise free ones are taken.

The GovCloud side is ministack with IAM enforced (tests/fakes/govcloud.py). The Commercial side is another ministack,
for IAM and STS (tests/fakes/commercial_account.py), and a stand-in for Bedrock that verifies what arrives and asks that
account what is allowed (tests/fakes/commercial.py). Terraform applies the unchanged roots: only the endpoints and the
credentials of the provider differ, and the variables that name this machine's endpoints of Commercial.
"""

import json
import os
import re
import secrets
import shlex
import shutil
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

import twin_commercial
from deployment import REPOSITORY, infrastructure_outputs
from twin_processes import Processes

LOCAL = REPOSITORY / ".local"
REGION = "us-gov-west-1"
ACCOUNT_ID = "123456789012"
ENVIRONMENT = "twin"
_MODES = ("api_key", "aws_keys", "federation")
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

    def __init__(self, name: str, mode: str = "api_key") -> None:
        if mode not in _MODES:
            raise SystemExit(f"error: CREDENTIAL_MODE must be one of {', '.join(_MODES)}")
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            raise SystemExit("error: a twin's name has up to 31 lowercase letters, digits and hyphens")
        self.name = name
        self._mode = mode
        self.folder = LOCAL / "twins" / name
        self.environment_file = LOCAL / "env" if name == "local" else self.folder / "env"
        self._processes = Processes(self.folder)
        self._outputs_file = self.folder / "terraform" / "infrastructure.outputs.json"
        self._aws_config_file = self.folder / "aws-config"
        self._root = Keys("twin-root", secrets.token_hex(20))
        self._commercial_root = Keys("twin-commercial-root", secrets.token_hex(20))

    def up(self) -> None:
        """Start both sides, deploy and write the environment file; what was started is stopped if that fails."""
        self.start()
        try:
            self._deploy()
        except BaseException:
            self.down()
            raise

    def start(self) -> None:
        """Start both sides, with an operator in each account and nothing else."""
        if self._processes.alive():
            raise SystemExit(
                f"error: twin '{self.name}' is up already; stop it first: make local-down TWIN={self.name}"
            )
        copies = [f"{side}/bootstrap-copy{kind}" for side in ("terraform", "commercial") for kind in ("", "-data")]
        for leftover in ("environments", "tmp", "env", "credential.json", "commercial-logs", *copies):
            path = self.folder / leftover
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        (self.folder / "tmp").mkdir(parents=True)
        try:
            self._start_processes()
            self._set_operators_up()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Stop both sides and wait until they are gone."""
        self._processes.stop()
        self.environment_file.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def variables(self) -> dict[str, str]:
        """The variables of the environment file."""
        lines = self.environment_file.read_text().splitlines()
        pairs = (shlex.split(line)[1].partition("=") for line in lines if line.startswith("export "))
        return {name: value for name, _, value in pairs}

    def operator_environ(self) -> dict[str, str]:
        """An environ in which Terraform, boto3 and the scripts act as the operator of the twin's GovCloud account.

        The operator also has AWS profiles for both accounts, `govcloud` and `commercial`.
        """
        variables = self.variables()
        keys = Keys(variables["OPERATOR_AWS_ACCESS_KEY_ID"], variables["OPERATOR_AWS_SECRET_ACCESS_KEY"])
        more = {"INFRASTRUCTURE_OUTPUTS": str(self._outputs_file)}
        more |= {"AWS_CONFIG_FILE": str(self._aws_config_file), "COMMERCIAL_AWS_PROFILE": "commercial"}
        return self._environ(keys, variables["TWIN_GOVCLOUD_URL"], REGION) | more

    def commercial_environ(self) -> dict[str, str]:
        """The same for the operator of the Commercial account."""
        variables = self.variables()
        names = ("COMMERCIAL_AWS_ACCESS_KEY_ID", "COMMERCIAL_AWS_SECRET_ACCESS_KEY")
        keys = Keys(*(variables[name] for name in names))
        return self._environ(keys, variables["TWIN_COMMERCIAL_ACCOUNT_URL"], twin_commercial.REGION, "commercial")

    def commercial_operator(self) -> twin_commercial.CommercialOperator:
        """Who makes keys and roles in the Commercial account."""
        environ = self.commercial_environ()
        return twin_commercial.CommercialOperator(
            ENVIRONMENT, environ["AWS_ENDPOINT_URL"], environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
        )

    def credential(self) -> dict[str, str]:
        """What was stored as the Commercial credential, which must turn up nowhere else; empty with federation."""
        path = self.folder / "credential.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _start_processes(self) -> None:
        port_file = self.folder / "commercial.port"
        port_file.unlink(missing_ok=True)
        govcloud_port, account_port = _port("TWIN_GOVCLOUD_PORT"), _port("TWIN_COMMERCIAL_ACCOUNT_PORT")
        self.govcloud_url, self.account_url = (f"http://127.0.0.1:{port}" for port in (govcloud_port, account_port))
        identify_token = {"TWIN_IDENTIFY_TOKEN": secrets.token_hex(20)}  # what the Commercial Bedrock asks IAM with
        self._spawn_account("govcloud", govcloud_port, REGION, ACCOUNT_ID, self._root, {})
        # The issuer's keys, which Commercial STS finds by DNS on AWS.
        keys = {"OIDC_KEYS_URL": f"{self.govcloud_url}/_aws/oidc"}
        commercial = (twin_commercial.REGION, twin_commercial.ACCOUNT_ID, self._commercial_root)
        self._spawn_account("commercial_account", account_port, *commercial, {**keys, **identify_token})
        bedrock = [sys.executable, "tests/fakes/commercial.py", "--port", str(_port("TWIN_COMMERCIAL_PORT"))]
        bedrock += ["--port-file", str(port_file), "--account-url", self.account_url]
        bedrock += ["--logs-folder", str(self.folder / "commercial-logs")]  # CloudTrail and model invocation logs
        self._processes.start("commercial", bedrock, identify_token)
        self._processes.wait_for(lambda: port_file.exists() and port_file.read_text().strip() != "", "commercial")
        self.commercial_url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        # The emulator notes its own pid once it has found the port free: an answer alone may be another twin's.
        for side, port in (("govcloud", govcloud_port), ("commercial_account", account_port)):
            pid_file = self.folder / "tmp" / f"ministack-{port}.pid"
            health_url = f"http://127.0.0.1:{port}/_ministack/health"
            self._processes.wait_for(lambda file=pid_file, url=health_url: file.exists() and _answers(url), side)  # type: ignore[misc]

    def _set_operators_up(self) -> None:
        """An administrator and an AWS profile for each account; the environment file."""
        operator = self._create_user("operator", [{"Effect": "Allow", "Action": "*", "Resource": "*"}], self._root)
        self._write_aws_config(operator)
        variables = {
            "AWS_REGION": REGION,
            "TWIN_GOVCLOUD_URL": self.govcloud_url,
            "TWIN_COMMERCIAL_URL": self.commercial_url,
            "TWIN_COMMERCIAL_ACCOUNT_URL": self.account_url,
            "OPERATOR_AWS_ACCESS_KEY_ID": operator.access_key_id,
            "OPERATOR_AWS_SECRET_ACCESS_KEY": operator.secret_access_key,
            "COMMERCIAL_AWS_ACCESS_KEY_ID": self._commercial_root.access_key_id,
            "COMMERCIAL_AWS_SECRET_ACCESS_KEY": self._commercial_root.secret_access_key,
        }
        self._write_environment(variables)

    def _spawn_account(
        self, side: str, port: int, region: str, account_id: str, root: Keys, environ: Mapping[str, str]
    ) -> None:
        variables = {
            "AUTH": "true",
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_REGION": region,
            "MINISTACK_ACCOUNT_ID": account_id,
            "AWS_ACCESS_KEY_ID": root.access_key_id,
            "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
            "LOG_LEVEL": "WARNING",
        }
        command = [str(LOCAL / "twin-venv/bin/python"), f"tests/fakes/{side}.py"]
        self._processes.start(side, command, {**variables, **environ})

    def _deploy(self) -> None:
        """What operators of two real accounts do, in the same order and with the same scripts."""
        environment = self.folder / "environments" / ENVIRONMENT
        environment.mkdir(parents=True)
        shared = {"use_fips_endpoint": False}
        _write_tfvars(environment / "bootstrap.tfvars", shared)
        _write_tfvars(environment / "application.tfvars", {**shared, "router": self.router_endpoints()})
        infrastructure = {
            "environment": ENVIRONMENT,
            **shared,
            "deletion_protection": False,
            "secret_recovery_window_days": 0,
            "audit_archive": {"retention": {"mode": "GOVERNANCE", "days": 1}, "batching_window_seconds": 1},
            "caller_policies": {"models": {"nova-lite": ["amazon.nova-lite-v1:0"]}},
            "credential": self._commercial_credential(),
        }
        _write_tfvars(environment / "infrastructure.tfvars", infrastructure)
        credential_file = self.folder / "credential.json"
        stored = {"CREDENTIAL_FILE": str(credential_file)} if self.credential() else {}
        environ = self.operator_environ()
        del environ["INFRASTRUCTURE_OUTPUTS"]  # there are none yet
        self._run_deploy_script(environ | stored)
        outputs = infrastructure_outputs(ENVIRONMENT, {"INFRASTRUCTURE_OUTPUTS": str(self._outputs_file)})
        self.add_caller(outputs)

    def router_endpoints(self) -> dict[str, str]:
        """The application's variable `router`, so that Commercial is this twin's."""
        urls = {"bedrock": self.commercial_url, "bedrock_runtime": self.commercial_url, "sts": self.account_url}
        return {f"{name}_endpoint_url": url for name, url in urls.items()}

    def add_caller(self, outputs: Mapping[str, Any]) -> None:
        """An IAM user who may call the API and nothing else; its keys go to the environment file."""
        variables = self.variables()
        operator = Keys(variables["OPERATOR_AWS_ACCESS_KEY_ID"], variables["OPERATOR_AWS_SECRET_ACCESS_KEY"])
        policy = json.loads(outputs["caller_policy_json"])
        caller = self._create_user("application-developer", policy["Statement"], operator)
        api_url = f"{self.govcloud_url}/_aws/execute-api/{outputs['api_id']}/{outputs['stage_name']}"
        caller_keys = {"AWS_ACCESS_KEY_ID": caller.access_key_id, "AWS_SECRET_ACCESS_KEY": caller.secret_access_key}
        self._write_environment({"API_URL": api_url, **caller_keys, **variables})

    def _commercial_credential(self) -> dict[str, Any]:
        """Set the Commercial side up; the infrastructure's variable `credential`."""
        operator = self.commercial_operator()
        if self._mode != "federation":
            operator.create_user()
            stored = operator.api_key() if self._mode == "api_key" else operator.aws_keys()
            _write_private(self.folder / "credential.json", json.dumps(stored))
            return {"mode": self._mode}
        enable = [sys.executable, "scripts/enable_federation.py"]
        environ = self.operator_environ()
        result = subprocess.run(enable, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=True)
        subject = f"arn:aws:iam::{ACCOUNT_ID}:role/cross-partition-{ENVIRONMENT}-router-{REGION}"
        environments = self.folder / "environments"
        role = operator.federate(environments, self.commercial_environ(), result.stdout.strip(), subject)
        return {"mode": "federation", "federation": role}

    def _write_environment(self, variables: Mapping[str, str]) -> None:
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        _write_private(self.environment_file, "".join(lines))

    def _write_aws_config(self, operator: Keys) -> None:
        profiles = {
            "govcloud": (REGION, self.govcloud_url, operator),
            "commercial": (twin_commercial.REGION, self.account_url, self._commercial_root),
        }
        text = ""
        for name, (region, url, keys) in profiles.items():
            text += f"[profile {name}]\nregion = {region}\nendpoint_url = {url}\n"
            text += f"aws_access_key_id = {keys.access_key_id}\naws_secret_access_key = {keys.secret_access_key}\n"
        _write_private(self._aws_config_file, text)

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
            self._processes.note(process.pid)
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

    def _environ(self, keys: Keys, url: str, region: str, work_dir: str = "terraform") -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_PREFIXES)}
        return {
            **kept,
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            **_LOOPBACK_ONLY,
            "AUTO_APPROVE": "1",
            "TF_CLI_ARGS": "-no-color",
            "ENVIRONMENTS_DIR": str(self.folder / "environments"),
            "WORK_DIR": str(self.folder / work_dir),
        }


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
    mode = os.environ.get("CREDENTIAL_MODE") or "api_key"
    isolate()
    twin = Twin(name, mode)
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

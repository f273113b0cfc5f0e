"""A twin for tests: the unchanged Terraform roots and the packaged artifact, on this machine."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from requests_aws4auth import AWS4Auth

from deployment import REPOSITORY, infrastructure_outputs
from twin import ENVIRONMENT, LOCAL, Twin, isolate


@dataclass
class Deployment:
    """The running twin as its users and its operator see it."""

    twin: Twin
    variables: dict[str, str]

    @property
    def operator_environ(self) -> dict[str, str]:
        return self.twin.operator_environ()

    def signature(self, service: str = "execute-api", **changes: str) -> AWS4Auth:
        """SigV4 of the calling IAM user, or of changed keys."""
        keys = {"access_key_id": self.variables["AWS_ACCESS_KEY_ID"]}
        keys |= {"secret_access_key": self.variables["AWS_SECRET_ACCESS_KEY"]} | changes
        return AWS4Auth(keys["access_key_id"], keys["secret_access_key"], self.variables["AWS_REGION"], service)

    def call(self, method: str, path: str, document: object = None, **options: Any) -> requests.Response:
        """One signed call of the API."""
        options.setdefault("auth", self.signature())
        if document is not None:
            options["json"] = document
        return requests.request(method, self.variables["API_URL"] + path, timeout=60, **options)

    def invoke(self, model_id: str, body: object) -> requests.Response:
        """POST /bedrock/invoke-model."""
        return self.call("POST", "/bedrock/invoke-model", {"modelId": model_id, "body": body})

    def upstream(self, method: str, path: str, document: object = None) -> Any:
        """A control call of the Commercial stand-in."""
        data = None if document is None else json.dumps(document).encode()
        url = f"{self.variables['TWIN_COMMERCIAL_URL']}/_twin/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def client(self, service: str) -> Any:
        """A boto3 client of the operator."""
        environ = self.operator_environ
        return boto3.client(
            service,
            region_name=environ["AWS_REGION"],
            endpoint_url=environ["AWS_ENDPOINT_URL"],
            aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        )

    @property
    def terraform_cli_environ(self) -> dict[str, str]:
        """What lets a bare Terraform find its provider: the file that scripts/provider_mirror.sh writes."""
        configuration = LOCAL / "terraformrc"
        return {"TF_CLI_CONFIG_FILE": str(configuration)} if configuration.exists() else {}

    def outputs(self) -> dict[str, Any]:
        """What the infrastructure root says of itself."""
        return infrastructure_outputs(ENVIRONMENT, self.operator_environ)

    def download_artifact(self, folder: Path) -> Path:
        """The release in service, as a file."""
        s3 = self.client("s3")
        bucket = next(bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if "-twin-artifacts-" in bucket["Name"])
        newest = max(s3.list_objects_v2(Bucket=bucket)["Contents"], key=lambda item: item["LastModified"])
        path = folder / "downloaded.zip"
        s3.download_file(bucket, newest["Key"], str(path))
        return path

    def create_user(self, name: str, policy: str | None) -> AWS4Auth:
        """An IAM user with a policy of its own, and its signature."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policy is not None:
            iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return self.signature(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])

    def names(self) -> dict[str, list[str]]:
        """Names of what the account holds, by service."""
        iam, logs, events = self.client("iam"), self.client("logs"), self.client("events")
        cloudwatch = self.client("cloudwatch")
        return {
            "alarms": [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]],
            "aliases": [alias["AliasName"] for alias in self.client("kms").list_aliases()["Aliases"]],
            "apis": [api["name"] for api in self.client("apigateway").get_rest_apis()["items"]],
            "buckets": [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]],
            "dashboards": [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]],
            "functions": [item["FunctionName"] for item in self.client("lambda").list_functions()["Functions"]],
            "log groups": [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
            "policies": [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]],
            "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
            "rules": [rule["Name"] for rule in events.list_rules()["Rules"]],
            "secrets": [secret["Name"] for secret in self.client("secretsmanager").list_secrets()["SecretList"]],
            "tables": self.client("dynamodb").list_tables()["TableNames"],
            "topics": [topic["TopicArn"] for topic in self.client("sns").list_topics()["Topics"]],
        }

    def script(self, *command: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """One of the project's scripts, run as the operator."""
        return subprocess.run(
            command,
            cwd=REPOSITORY,
            env=self.operator_environ | environ,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def function_workers(self, least_age_seconds: int = 0) -> list[str]:
        """Process ids of the emulator's Lambda workers, its execution environments, that have lived so long."""
        command = ["ps", "-eww", "-o", "pid=,etimes=,args="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        folder = str(self.twin.folder / "tmp")
        workers = [line.split() for line in listed.splitlines() if folder in line and "_worker.py" in line]
        return [process_id for process_id, age_seconds, *_ in workers if int(age_seconds) >= least_age_seconds]

    def kill_functions(self) -> None:
        """SIGKILL for all of them: the next call finds new execution environments."""
        killed = self.function_workers()
        subprocess.run(["kill", "-9", *killed], check=False, capture_output=True)
        while set(killed) & set(self.function_workers()):
            time.sleep(0.01)  # until then the emulator may hand a call to a dying one
        for _ in range(20):  # and for a moment to one that it was just beginning
            if self.call("GET", "/health").status_code != 502:
                break
            time.sleep(0.25)

    def terraform(self, root: str, action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """terraform.sh for the twin's environment."""
        return self.script("scripts/terraform.sh", ENVIRONMENT, root, action, *arguments)


def deployed_twin(name: str) -> Iterator[Deployment]:
    """A twin of one's own, deployed as the README says, taken down at the end."""
    isolate()
    twin = Twin(name)
    twin.down()
    twin.up()
    try:
        yield Deployment(twin, twin.variables())
    finally:
        twin.down()

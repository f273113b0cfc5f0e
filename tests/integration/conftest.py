"""One twin for all integration tests: the unchanged Terraform roots and the packaged artifact, on this machine."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import requests
from requests_aws4auth import AWS4Auth

from deployment import REPOSITORY
from twin import ENVIRONMENT, Twin, isolate


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

    def script(self, *command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """One of the project's scripts, run as the operator."""
        return subprocess.run(
            command,
            cwd=REPOSITORY,
            env=self.operator_environ,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def terraform(self, root: str, action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """terraform.sh for the twin's environment."""
        return self.script("scripts/terraform.sh", ENVIRONMENT, root, action, *arguments)


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """A twin of its own, deployed as the README says, taken down at the end."""
    isolate()
    twin = Twin("test")
    twin.down()
    twin.up()
    try:
        yield Deployment(twin, twin.variables())
    finally:
        twin.down()

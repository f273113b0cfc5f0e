"""The Commercial account of the twin, set up as terraform/commercial/README.md says: by hand for keys, by Terraform for
federation."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from deployment import REPOSITORY

ACCOUNT_ID = "210987654321"
REGION = "us-east-1"
_POLICIES = REPOSITORY / "terraform" / "commercial" / "policies"
_ACCOUNT_IN_POLICIES = "123456789012"


class CommercialOperator:
    """An administrator of the Commercial account."""

    def __init__(self, environment: str, url: str, access_key_id: str, secret_access_key: str) -> None:
        self._environment = environment
        self._user = f"cross-partition-{environment}-bedrock-{REGION}"
        self._iam = boto3.client(
            "iam",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
        )

    def create_user(self) -> None:
        """The user of the keys, with the two policies that the repository has as files."""
        self._iam.create_user(UserName=self._user)
        for name in ("api-key", "invoke"):
            document = (_POLICIES / f"{name}.json").read_text().replace(_ACCOUNT_IN_POLICIES, ACCOUNT_ID)
            self._iam.put_user_policy(UserName=self._user, PolicyName=name, PolicyDocument=document)

    def api_key(self) -> dict[str, str]:
        """A new Bedrock API key of the user, as the secret holds it."""
        answer = self._iam.create_service_specific_credential(
            UserName=self._user, ServiceName="bedrock.amazonaws.com", CredentialAgeDays=90
        )
        key = answer["ServiceSpecificCredential"]
        return {
            "bedrock_api_key": key["ServiceCredentialSecret"],
            "region": REGION,
            "expires_at": key["ExpirationDate"].isoformat(),
        }

    def aws_keys(self) -> dict[str, str]:
        """A new access key of the user, as the secret holds it."""
        key = self._iam.create_access_key(UserName=self._user)["AccessKey"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
            "region": REGION,
        }

    def federate(
        self, environments: Path, environ: Mapping[str, str], issuer_url: str, subject_role_arn: str
    ) -> dict[str, Any]:
        """Apply bootstrap and the root `commercial`; what the GovCloud side has to know of the role."""
        folder = environments / f"{self._environment}-commercial"
        folder.mkdir(exist_ok=True)
        (folder / "bootstrap.tfvars").write_text(
            f'region = "{REGION}"\nuse_fips_endpoint = false\napi_gateway_logging_enabled = false\n'
        )
        federation = {"issuer_url": issuer_url, "subject_role_arn": subject_role_arn}
        (folder / "commercial.tfvars").write_text(
            f'environment = "{self._environment}"\nuse_fips_endpoint = false\napi_key_user_enabled = false\n'
            f"federation = {json.dumps(federation)}\n"
        )
        self._run(environ, "scripts/bootstrap.sh", folder.name)
        self._run(environ, "scripts/terraform.sh", folder.name, "commercial", "apply")
        outputs = json.loads(self._run(environ, "scripts/terraform.sh", folder.name, "commercial", "output", "-json"))
        return {"role_arn": outputs["federation_role_arn"]["value"]}

    @staticmethod
    def _run(environ: Mapping[str, str], *command: str) -> str:
        result = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(f"error: {' '.join(command)} failed:\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
        return result.stdout

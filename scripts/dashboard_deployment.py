"""What the dashboard looks at, and as whom: shown on the page at all times, so that nobody mistakes one for another."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deployment import infrastructure_outputs
from signing_proxy.credentials import CallerCredentials
from signing_proxy.errors import RelayError
from signing_proxy.target import Target, find_target

_STS_SECONDS = 5


@dataclass(frozen=True)
class Deployment:
    """An API and what is known of where it is; None is what nobody has told."""

    target: Target
    environment: str | None
    partition: str | None
    account: str | None
    credentials: CallerCredentials

    def describe(self) -> dict[str, Any]:
        """The page's document: ``signer`` is who signs as of now, or ``signerProblem`` says why nobody knows."""
        return {
            "environment": self.environment,
            "partition": self.partition,
            "region": self.target.region,
            "account": self.account,
            "apiUrl": self.target.url,
            "profile": os.environ.get("AWS_PROFILE"),
            **self._signer(),
        }

    def _signer(self) -> dict[str, Any]:
        try:
            keys = self.credentials.keys()
            sts = boto3.client(
                "sts",
                region_name=self.target.region,
                aws_access_key_id=keys.access_key,
                aws_secret_access_key=keys.secret_key,
                aws_session_token=keys.token,
                config=Config(
                    connect_timeout=_STS_SECONDS, read_timeout=_STS_SECONDS, retries={"total_max_attempts": 1}
                ),
            )
            identity = sts.get_caller_identity()
        except RelayError as error:
            return {"signer": None, "signerProblem": f"{error.code}: {error}"}
        except (BotoCoreError, ClientError) as error:
            return {"signer": None, "signerProblem": f"STS does not say whose credentials these are: {error}"}
        return {"signer": {"arn": identity["Arn"], "account": identity["Account"]}, "signerProblem": None}


def find_deployment(
    environment: str | None, credentials: CallerCredentials, environ: Mapping[str, str] = os.environ
) -> Deployment:
    """An environment by its infrastructure's outputs, or else the API in API_URL; exits if there is none.

    Partition and account are in the outputs' ARNs. Of an API_URL only the region's partition is known.
    """
    if not environment:
        target = find_target(None, environ)
        partition = boto3.Session().get_partition_for_region(target.region) if target.region else None
        return Deployment(target, None, partition, None, credentials)
    outputs = infrastructure_outputs(environment, environ)
    if "api_url" not in outputs:
        raise SystemExit(f"error: the infrastructure of '{environment}' is not applied: make apply ENV={environment}")
    _, partition, _, _, account, _ = str(outputs["execution_role_arn"]).split(":", 5)
    region = str(outputs["application_inputs"]["region"])
    target = find_target(None, {**environ, "API_URL": str(outputs["api_url"]), "AWS_REGION": region})
    return Deployment(target, environment, partition, account, credentials)

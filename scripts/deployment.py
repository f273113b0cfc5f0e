"""Reads what Terraform knows of an environment, for the scripts that talk to AWS themselves.

Usage: deployment.py ENV       print the application root's variable `infrastructure` as a JSON variables file
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parents[1]
TERRAFORM = REPOSITORY / "scripts" / "terraform.sh"


def application_inputs(environment: str) -> dict[str, Any]:
    """The infrastructure's output of that name; exits with Terraform's own words if there is none."""
    outputs = infrastructure_outputs(environment)
    if "application_inputs" not in outputs:
        raise SystemExit(f"error: the infrastructure of '{environment}' is not applied: make apply ENV={environment}")
    return dict(outputs["application_inputs"])


def infrastructure_outputs(environment: str, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Every output of the infrastructure root, from the file in INFRASTRUCTURE_OUTPUTS or from Terraform."""
    known = environ.get("INFRASTRUCTURE_OUTPUTS")
    if known:
        printed = Path(known).read_text()
    else:
        command = [str(TERRAFORM), environment, "infrastructure", "output", "-json"]
        result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(result.stderr.strip())
        printed = result.stdout
    return {name: output["value"] for name, output in json.loads(printed).items()}


def client(service: str, region: str) -> Any:
    """A boto3 client with FIPS endpoints, as Terraform has them here, unless the shell names an endpoint or says no."""
    use_fips = "AWS_ENDPOINT_URL" not in os.environ and os.environ.get("AWS_USE_FIPS_ENDPOINT", "true") == "true"
    return boto3.client(service, region_name=region, config=Config(use_fips_endpoint=use_fips))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(json.dumps({"infrastructure": application_inputs(sys.argv[1])}))

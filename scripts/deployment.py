"""Reads what Terraform knows of an environment, for the scripts that talk to AWS themselves.

Usage: deployment.py ENV ROOT ACTION    print the variables that the root needs beside its tfvars, as a JSON file
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parents[1]
TERRAFORM = REPOSITORY / "scripts" / "terraform.sh"


def application_inputs(environment: str) -> dict[str, Any]:
    """The infrastructure's output of that name; exits with Terraform's own words if there is none."""
    outputs = infrastructure_outputs(environment)
    if not isinstance(outputs.get("application_inputs"), dict):
        raise SystemExit(f"error: the infrastructure of '{environment}' is not applied: make apply ENV={environment}")
    return dict(outputs["application_inputs"])


def require_inputs(environment: str, inputs: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Exit with what to do unless ``application_inputs`` have all that is needed, by name ("archive.bucket")."""
    for name, kind in kinds.items():
        value: Any = inputs
        for member in name.split("."):
            value = value.get(member) if isinstance(value, Mapping) else None
        if not isinstance(value, kind):
            known = os.environ.get("INFRASTRUCTURE_OUTPUTS")
            what = f"the outputs of '{environment}' have no application_inputs.{name}, as those of an older release"
            raise SystemExit(
                f"error: {what}: make apply ENV={environment}" + (f", and write {known} anew" if known else "")
            )


def infrastructure_outputs(environment: str, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Every output of the infrastructure root, from the file in INFRASTRUCTURE_OUTPUTS or from Terraform."""
    known = environ.get("INFRASTRUCTURE_OUTPUTS")
    if not known:
        return _outputs(environment, "infrastructure", environ)
    try:
        return _values(Path(known).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = f"INFRASTRUCTURE_OUTPUTS={known} holds no outputs of Terraform ({error})"
        raise SystemExit(
            f"error: {what}: scripts/terraform.sh {environment} infrastructure output -json >{known}"
        ) from None


def application_variables(environment: str, action: str, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The application root's variables that are not in its tfvars: what to run, on which infrastructure.

    Without ARTIFACT_KEY the release in service stays as it is, a gradual one included. With it, RELEASE_PERCENT (1 to
    99) makes a gradual release out of it. Exits with what to do if nothing was released yet.
    """
    infrastructure = application_inputs(environment)
    in_service = _outputs(environment, "application", environ)
    artifact_key = environ.get("ARTIFACT_KEY")
    if artifact_key:
        gradual_release = _gradual_release(artifact_key, environ.get("RELEASE_PERCENT"), in_service)
        print(f"in service: {in_service.get('artifact_key', 'nothing')}", file=sys.stderr)
    else:
        artifact_key, gradual_release = in_service.get("artifact_key"), in_service.get("gradual_release")
    if not artifact_key:
        if action != "destroy":  # what was never released, or is gone already, must not keep the infrastructure alive
            raise SystemExit(f"error: nothing was released to '{environment}' yet: make release ENV={environment}")
        artifact_key = f"router/{'0' * 64}.zip"
    return {"infrastructure": infrastructure, "artifact_key": artifact_key, "gradual_release": gradual_release}


def infrastructure_variables(environment: str, action: str, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The infrastructure root's variables that are not in its tfvars: what the function in service still needs.

    Its credential modes keep their permissions until it no longer has them: a switch fails no request.
    """
    outputs = {} if action == "destroy" else _outputs(environment, "infrastructure", environ)
    modes = _credential_modes_in_service(outputs["application_inputs"]) if "application_inputs" in outputs else set()
    return {"retained_credential_modes": sorted(modes)}


def _credential_modes_in_service(inputs: Mapping[str, Any]) -> set[str]:
    """The mode of each version that takes calls; none if nothing was released yet."""
    functions = client("lambda", inputs["region"])
    name = inputs["function_name"]
    try:
        alias = functions.get_alias(FunctionName=name, Name=inputs["alias_name"])
    except functions.exceptions.ResourceNotFoundException:
        return set()
    modes = set()
    for version in {alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}:
        modes.add(function_settings(functions, name, version).get("CREDENTIAL_MODE", "api_key"))
    return modes


def function_settings(functions: Any, name: str, qualifier: str) -> dict[str, str]:
    """The environment variables of a function; exits if Lambda keeps them to itself, as it does without kms:Decrypt."""
    environment = functions.get_function_configuration(FunctionName=name, Qualifier=qualifier).get("Environment", {})
    if "Variables" not in environment:
        raise SystemExit(f"error: the variables of {name} cannot be read; that takes kms:Decrypt for its key")
    return dict(environment["Variables"])


def _gradual_release(artifact_key: str, percent: str | None, in_service: Mapping[str, Any]) -> dict[str, Any] | None:
    if not percent:
        return None
    if not re.fullmatch(r"[1-9][0-9]?", percent):
        raise SystemExit("error: PERCENT must be a whole number from 1 to 99; without it the release takes all calls")
    if not in_service:
        raise SystemExit("error: a first release takes all calls; leave PERCENT out")
    if artifact_key == in_service["artifact_key"] and not in_service.get("gradual_release"):
        raise SystemExit(f"error: {artifact_key} takes all calls already; there is nothing to share out")
    return {"from_version": in_service["function_version"], "new_version_percent": int(percent)}


def _outputs(environment: str, root: str, environ: Mapping[str, str]) -> dict[str, Any]:
    command = [str(TERRAFORM), environment, root, "output", "-json"]
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(result.stderr.strip())
    return _values(result.stdout)


def _values(outputs: str) -> dict[str, Any]:
    match json.loads(outputs):
        case dict(known) if all(isinstance(output, dict) and "value" in output for output in known.values()):
            return {name: output["value"] for name, output in known.items()}
    raise ValueError("not what `output -json` writes")


def client(service: str, region: str) -> Any:
    """A boto3 client with FIPS endpoints, as Terraform has them here, unless the shell names an endpoint or says no."""
    use_fips = "AWS_ENDPOINT_URL" not in os.environ and os.environ.get("AWS_USE_FIPS_ENDPOINT", "true") == "true"
    return boto3.client(service, region_name=region, config=Config(use_fips_endpoint=use_fips))


def commercial_client(service: str) -> Any:
    """A boto3 client of the Commercial account, by the profile in COMMERCIAL_AWS_PROFILE; exits if it names none."""
    profile = os.environ.get("COMMERCIAL_AWS_PROFILE")
    if not profile:
        raise SystemExit("error: COMMERCIAL_AWS_PROFILE must name an AWS profile of the Commercial account")
    # AWS_ENDPOINT_URL and AWS_USE_FIPS_ENDPOINT in this shell speak for GovCloud; here the profile does.
    endpoint = botocore.session.Session(profile=profile).get_scoped_config().get("endpoint_url")
    config = Config(use_fips_endpoint=endpoint is None, ignore_configured_endpoint_urls=True)
    session = boto3.Session(profile_name=profile, region_name="us-east-1")
    return session.client(service, endpoint_url=endpoint, config=config)


VARIABLES = {"application": application_variables, "infrastructure": infrastructure_variables}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[2] not in VARIABLES:
        sys.exit(__doc__)
    print(json.dumps(VARIABLES[sys.argv[2]](sys.argv[1], sys.argv[3])))

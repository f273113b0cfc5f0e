"""Put the way across that infrastructure.tfvars names in service, while requests go on.

Usage: switch_credential.py ENV

1. apply the infrastructure: what the new way needs is permitted beside what is in service
2. have the function in service prove the new way with a real call
3. apply the application: the function uses it
4. apply the infrastructure again: what is no longer used is no longer permitted, and a secret nobody uses is deleted

Before step 3 nothing has changed for requests, and after a failure at any step it can be run again. AUTO_APPROVE=1
applies without asking.
"""

import os
import subprocess
import sys

from deployed_router import DeployedRouter
from deployment import TERRAFORM, application_inputs, client

_AGAIN = "then run this again. Requests go on as before."


def main(environment: str) -> None:
    """Take the four steps."""
    os.environ.pop("INFRASTRUCTURE_OUTPUTS", None)  # what a file says of the outputs is about to be out of date
    _apply(environment, "infrastructure")
    inputs = application_inputs(environment)
    router = DeployedRouter(environment, inputs)
    credential = inputs["credential"]
    mode = credential["mode"]
    store_it = f"Store it: make credential ENV={environment};"
    if mode == "federation":
        role = credential["federation"]
        choice = {"mode": mode, "roleArn": role["role_arn"], "audience": role["audience"]}
        what_to_do = "The role, its trust and its policies are in terraform/commercial;"
    else:
        choice = {"mode": mode, "secretId": credential["secret_arn"]}
        what_to_do = store_it
        if not _has_value(credential["secret_arn"], inputs["region"]):
            raise SystemExit(f"error: the secret is there, but empty. {store_it} {_AGAIN}")
    print(f"==> proving {mode}", flush=True)
    found = router.await_proof(print, f"{what_to_do} {_AGAIN}", credential=choice)
    if found["authMode"] != mode:
        raise SystemExit(f"error: the secret holds {found['authMode']}, not {mode}. {store_it} {_AGAIN}")
    _apply(environment, "application")
    _apply(environment, "infrastructure")
    print(f"in service: {mode}")


def _apply(environment: str, root: str) -> None:
    print(f"==> applying {root}", flush=True)
    if subprocess.run([str(TERRAFORM), environment, root, "apply"], check=False).returncode:
        raise SystemExit(f"error: {root} was not applied; what is in service still works. Run this again")


def _has_value(secret_id: str, region: str) -> bool:
    stages = client("secretsmanager", region).describe_secret(SecretId=secret_id).get("VersionIdsToStages", {})
    return any("AWSCURRENT" in labels for labels in stages.values())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

"""Reads what Terraform knows of an environment, for the scripts that talk to AWS themselves."""

import json
import subprocess
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
TERRAFORM = REPOSITORY / "scripts" / "terraform.sh"


def output(environment: str, root: str, name: str) -> Any:
    """One output of a root; exits with Terraform's own words if there is none."""
    command = [str(TERRAFORM), environment, root, "output", "-json", name]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{result.stderr.strip()}\nerror: `{name}` of {root} in '{environment}' cannot be read")
    return json.loads(result.stdout)

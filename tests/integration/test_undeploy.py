"""The end of a deployment, as the Makefile has it. The last file on purpose: nothing is served afterwards."""

import os
import shutil

from tests.deployed import Deployment
from twin import ENVIRONMENT

NAME = f"cross-partition-{ENVIRONMENT}"


def test_make_destroy_leaves_nothing_behind(deployment: Deployment) -> None:
    """All that carries the environment's name is gone; bootstrap's buckets and key, with the states, stay."""
    assert any(NAME in name for names in deployment.names().values() for name in names)
    make = str(shutil.which("make"))

    result = deployment.script(make, "destroy", f"ENV={ENVIRONMENT}", HOME=os.environ["HOME"])

    assert result.returncode == 0, result.stdout + result.stderr
    left = deployment.names()
    assert {kind: [name for name in names if NAME in name] for kind, names in left.items()} == {
        kind: [] for kind in left
    }
    assert {
        "cross-partition-tfstate-123456789012-us-gov-west-1",
        "cross-partition-access-logs-123456789012-us-gov-west-1",
    } <= (set(left["buckets"]))
    again = deployment.script(make, "destroy", f"ENV={ENVIRONMENT}", HOME=os.environ["HOME"])
    assert again.returncode == 0, again.stdout + again.stderr

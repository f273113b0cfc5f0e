"""The Commercial account's side, as terraform/commercial/README.md has it: bootstrap, apply, destroy.

The emulator has one account; the Commercial side lives in another region of it.
"""

import json
import shutil
from collections.abc import Iterator

import pytest

from deployment import REPOSITORY
from tests.deployed import Deployment

ENVIRONMENT = "dev-commercial"
ON_THE_TWIN = "use_fips_endpoint = false\n"


@pytest.fixture(scope="module")
def environment(deployment: Deployment) -> Iterator[str]:
    """A copy of the example, as the README says, and what differs on the twin."""
    folder = deployment.twin.folder / "environments" / ENVIRONMENT
    shutil.copytree(REPOSITORY / "terraform/environments/example-commercial", folder)
    for name in ("bootstrap.tfvars", "commercial.tfvars"):
        with (folder / name).open("a") as file:
            file.write(ON_THE_TWIN)
    yield ENVIRONMENT
    shutil.rmtree(folder)


def test_the_commercial_side_can_be_applied_and_destroyed(deployment: Deployment, environment: str) -> None:
    def script(*command: str) -> str:
        work_dir = str(deployment.twin.folder / "terraform" / environment)
        result = deployment.script(*command, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1", WORK_DIR=work_dir)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def commercial(*arguments: str) -> str:
        return script("scripts/terraform.sh", environment, "commercial", *arguments)

    script("scripts/bootstrap.sh", environment)
    commercial("apply")
    commercial("plan", "-detailed-exitcode")
    outputs = {name: output["value"] for name, output in json.loads(commercial("output", "-json")).items()}
    user = outputs["api_key_user_name"]

    iam = deployment.client("iam")
    (group,) = iam.list_groups_for_user(UserName=user)["Groups"]
    attached = iam.list_attached_group_policies(GroupName=group["GroupName"])["AttachedPolicies"]
    assert outputs["invoke_policy_arn"] in [policy["PolicyArn"] for policy in attached]
    assert iam.list_access_keys(UserName=user)["AccessKeyMetadata"] == []
    buckets = [bucket["Name"] for bucket in deployment.client("s3").list_buckets()["Buckets"]]
    assert "cross-partition-tfstate-123456789012-us-east-1" in buckets

    commercial("destroy")
    assert user not in [item["UserName"] for item in iam.list_users()["Users"]]

"""Second opinions on what Terraform would build and has built: examples, checkov on a plan, parliament on policies."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deployment import REPOSITORY
from tests.deployed import Deployment

TERRAFORM = REPOSITORY / "terraform"
# The interpreter, not its scripts: their first line cannot hold a path with a space.
ANALYSIS_PYTHON = str(REPOSITORY / ".local" / "analysis-venv" / "bin" / "python")
COMPLETE = Path(__file__).parent / "terraform" / "complete"
DIGEST = "0" * 64
# What parliament finds and we keep, with the reason.
ACCEPTED_FINDINGS = {
    # Newer than its data of 2025.
    "UNKNOWN_ACTION": ("bedrock:CallWithBearerToken", "bedrock:CountTokens", "bedrock:InvokeGuardrailChecks"),
    # It demands every type of resource an action can have, all at once, and takes no stream for its label's colons.
    "RESOURCE_MISMATCH": ("bedrock:", "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
}


class Terraform:
    """Terraform as the twin's operator, in a folder that keeps its state to itself."""

    def __init__(self, deployment: Deployment, folder: Path, data: Path) -> None:
        self._folder = folder
        self._data = data
        environ = deployment.operator_environ | deployment.terraform_cli_environ
        self._environ = {**environ, "TF_DATA_DIR": str(data), "TF_IN_AUTOMATION": "1"}

    def run(self, *arguments: str) -> str:
        command = ["terraform", f"-chdir={self._folder}", *arguments]
        result = subprocess.run(command, env=self._environ, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def plan(self, variables: dict[str, object] | None = None) -> dict[str, Any]:
        """The plan as JSON, from nothing."""
        self._data.mkdir(parents=True, exist_ok=True)
        given = self._data / "given.tfvars.json"
        given.write_text(json.dumps(variables or {}))
        self.run("init", "-backend=false", "-input=false")
        plan, state = f"-out={self._data}/plan", f"-state={self._data}/none.tfstate"
        self.run("plan", "-input=false", plan, state, f"-var-file={given}")
        return dict(json.loads(self.run("show", "-json", f"{self._data}/plan")))


def created(plan: dict[str, Any]) -> list[str]:
    return [change["address"] for change in plan["resource_changes"] if change["change"]["actions"] == ["create"]]


@pytest.fixture(scope="module")
def network(deployment: Deployment) -> dict[str, object]:
    """A VPC that the network team made."""
    ec2 = deployment.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"us-gov-west-1{zone}")
        for number, zone in enumerate("ab")
    ]
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    return {
        "vpc_id": vpc_id,
        "subnet_ids": [subnet["Subnet"]["SubnetId"] for subnet in subnets],
        "route_table_ids": [table],
    }


@pytest.fixture(scope="module")
def role_arns(deployment: Deployment) -> dict[str, str]:
    """A role per account; the emulator has one account, so both are in it."""
    iam = deployment.client("iam")
    operator = deployment.client("sts").get_caller_identity()["Arn"]
    trust = {"Effect": "Allow", "Principal": {"AWS": operator}, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    arns = {}
    for name in ("research", "operations"):
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName=f"terraform-{name}", AssumeRolePolicyDocument=document)["Role"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_role_policy(RoleName=f"terraform-{name}", PolicyName="all", PolicyDocument=policy)
        arns[name] = role["Arn"]
    return arns


def test_every_example_can_be_planned(
    deployment: Deployment, network: dict[str, object], role_arns: dict[str, str], tmp_path: Path
) -> None:
    """Those in examples/ and those in the modules' READMEs, all in one root: starting Terraform is slow."""
    artifact = {"bucket": "artifacts", "key": f"router/{DIGEST}.zip"}
    examples: dict[str, dict[str, object]] = {
        "minimal": {"artifact": artifact},
        "existing_vpc": {"artifact": artifact, **network},
        "many_accounts": {
            "artifact_key": artifact["key"],
            "artifact_buckets": {"research": "research-artifacts", "operations": "ops-artifacts"},
            "role_arns": role_arns,
            "use_fips_endpoint": False,
        },
    }
    assert sorted(examples) == sorted(path.name for path in TERRAFORM.glob("examples/*/"))
    modules = sorted(path.parent for path in TERRAFORM.glob("modules/*/versions.tf"))
    root = tmp_path / "root"
    root.mkdir()
    sources = os.path.relpath(TERRAFORM, root)  # Terraform copies what has an absolute path, without its neighbours
    shutil.copyfile(modules[0] / "versions.tf", root / "versions.tf")
    (root / "key.tf").write_text('resource "aws_kms_key" "this" {}\n')
    calls = {name: {"source": f"{sources}/examples/{name}", **inputs} for name, inputs in examples.items()}
    (root / "examples.tf.json").write_text(json.dumps({"module": calls}))
    documented = set(calls)
    for module in modules:
        found = re.findall(r"```hcl\n(module .*?)```", (module / "README.md").read_text(), re.DOTALL)
        assert found, f"{module.name}: README.md has no example"
        for number, code in enumerate(found):
            (root / f"{module.name}_{number}.tf").write_text(code.replace('"../modules/', f'"{sources}/modules/'))
            documented |= set(re.findall(r'^module "(\w+)"', code, re.MULTILINE))

    addresses = created(Terraform(deployment, root, tmp_path / "data").plan())

    creating = {address.split(".")[1] for address in addresses if address.startswith("module.")}
    assert creating == documented - {"policy"}, "that module checks, and its example writes the item itself"
    assert "aws_dynamodb_table_item.policy" in addresses
    functions = [address for address in addresses if address.endswith(".aws_lambda_function.this")]
    assert len([address for address in functions if address.startswith("module.many_accounts.")]) == 2


def fill_in_keys(module: dict[str, Any], unknown: dict[str, Any]) -> None:
    """Say that a KMS key is there where its ARN is known after the apply only: checkov takes it as missing."""

    def merge(values: Any, unknown_values: Any) -> Any:
        if isinstance(unknown_values, list) and isinstance(values, list):
            return [merge(value, inner) for value, inner in zip(values, unknown_values, strict=True)]
        if not isinstance(unknown_values, dict):
            return values
        for name, inner in unknown_values.items():
            if inner is True and name in ("kms_key_id", "kms_key_arn", "kms_master_key_id", "key_id"):
                values[name] = "known after apply"
            elif inner is not True and name in values:
                values[name] = merge(values[name], inner)
        return values

    for resource in module.get("resources", []):
        resource["values"] = merge(resource.get("values", {}), unknown.get(resource["address"]))
    for child in module.get("child_modules", []):
        fill_in_keys(child, unknown)


@pytest.fixture(scope="module")
def complete_plan(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("complete")
    plan = Terraform(deployment, COMPLETE, folder / "data").plan()
    unknown = {change["address"]: change["change"]["after_unknown"] for change in plan["resource_changes"]}
    fill_in_keys(plan["planned_values"]["root_module"], unknown)
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder / "plan.json"


def test_checkov_finds_nothing_in_a_plan_of_everything(complete_plan: Path) -> None:
    command = [ANALYSIS_PYTHON, "-m", "checkov.main", "--config-file", str(REPOSITORY / ".checkov.yaml")]
    command += ["--framework", "terraform_plan", "--file", str(complete_plan), "--output", "json"]
    environ = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    summary = json.loads(result.stdout)
    failed = [(check["check_id"], check["resource"]) for check in summary["results"]["failed_checks"]]
    assert failed == []
    assert summary["summary"]["passed"] > 200
    assert summary["summary"]["resource_count"] > 100


def policies_in(deployment: Deployment) -> dict[str, str]:
    """Every policy document of this project in the account, by what holds it."""
    iam, found = deployment.client("iam"), {}
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        if name.startswith("cross-partition"):
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                found[f"role {name}"] = json.dumps(document)
    for name, document in deployment.outputs()["caller_policies_json"].items():
        found[f"caller policy {name}"] = document
    for name in ("invoke", "api-key"):
        found[f"commercial {name}"] = (TERRAFORM / "commercial" / "policies" / f"{name}.json").read_text()
    return found


def test_parliament_finds_nothing_in_the_iam_policies(deployment: Deployment) -> None:
    policies = policies_in(deployment)
    assert len(policies) >= 6, policies.keys()
    script = (
        "import json, sys, parliament\n"
        "policies = json.load(sys.stdin)\n"
        "print(json.dumps({name: [[f.issue, str(f.detail or f.location)] for f in\n"
        "    parliament.analyze_policy_string(text).findings] for name, text in policies.items()}))\n"
    )
    command = [ANALYSIS_PYTHON, "-W", "ignore", "-c", script]
    result = subprocess.run(command, input=json.dumps(policies), capture_output=True, text=True, check=True)
    found = [
        (name, issue, detail)
        for name, findings in json.loads(result.stdout).items()
        for issue, detail in findings
        if not any(part in detail for part in ACCEPTED_FINDINGS.get(issue, ()))
    ]
    assert found == []

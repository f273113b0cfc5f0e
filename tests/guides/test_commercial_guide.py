"""terraform/commercial/README.md, followed from zero by a stranger, while callers never stop.

Two empty accounts; every `sh` block in order. In between 17 rotations, four of them killed on the way, and each mode
carries the demo. What the callers got is counted: no failed request, and no revoked key in use.
"""

import json
import os
import re
import time
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from requests_aws4auth import AWS4Auth

from demo import Demo
from deployment import REPOSITORY
from tests.guides.load import Load
from tests.guides.stranger import Stranger, blocks
from twin import LOCAL, REGION, Twin, isolate

GUIDE = REPOSITORY / "terraform/commercial/README.md"
ROOTS = (
    ("infrastructure", "dev", "govcloud"),
    ("application", "dev", "govcloud"),
    ("commercial", "dev-commercial", "commercial"),
)
EXECUTION_ROLE = "cross-partition-dev-router-us-gov-west-1"
USER = "cross-partition-dev-bedrock-us-east-1"
ENVELOPE = {
    "modelId": "amazon.nova-lite-v1:0",
    "body": {"messages": [{"role": "user", "content": [{"text": "XP-CANARY-prompt"}]}]},
}
ROTATE = (
    ".local/venv/bin/python scripts/rotate_credential.py dev"  # `make rotate-credential ENV=dev`, without its checks
)
# What a rotation prints once a step is done; it is killed there, and the next run goes on.
STEPS = ("created key", "proven by a real call", "is current", "the old key stays")
CREDENTIAL_MAX_AGE_SECONDS = 1
GRACE_SECONDS = 3  # no request of the twin takes two


class Guide:
    """The two accounts, the stranger, and the callers."""

    def __init__(self, twin: Twin, stranger: Stranger) -> None:
        self.twin = twin
        self.stranger = stranger
        self.blocks = [block for block in blocks(GUIDE) if block.language == "sh"]
        self.retired_at: dict[str, float] = {}  # keys and access keys by when their life ended
        self.rotations = 0

    def follow(self, heading: str, number: int) -> None:
        """Run the blocks under a heading, which must be as many as the test thinks."""
        under = [block for block in self.blocks if block.heading == heading]
        assert len(under) == number, f"{heading}: {len(under)} blocks"
        for block in under:
            self.stranger.run(block.code)

    def client(self, service: str, profile: str) -> Any:
        """A boto3 client of one of the stranger's profiles."""
        variables = self.twin.variables()
        side = {"govcloud": ("OPERATOR", "TWIN_GOVCLOUD_URL", REGION)}.get(
            profile, ("COMMERCIAL", "TWIN_COMMERCIAL_ACCOUNT_URL", "us-east-1")
        )
        return boto3.client(
            service,
            region_name=side[2],
            endpoint_url=variables[side[1]],
            aws_access_key_id=variables[f"{side[0]}_AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables[f"{side[0]}_AWS_SECRET_ACCESS_KEY"],
        )

    def send(self) -> requests.Response:
        """One call of the API."""
        url = f"{self._variables['API_URL']}/bedrock/invoke-model"
        return requests.post(url, json=ENVELOPE, auth=self._signature, timeout=60)

    def open_to_callers(self) -> None:
        """A caller with the policy that the infrastructure has for callers."""
        outputs = self.outputs("infrastructure", "dev", "govcloud")
        self.twin.add_caller(outputs)
        self._variables = self.twin.variables()
        keys = (self._variables[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        self._signature = AWS4Auth(*keys, REGION, "execute-api")

    def outputs(self, root: str, environment: str, profile: str) -> dict[str, Any]:
        """Terraform's outputs of a root."""
        text = self.stranger.run(f"scripts/terraform.sh {environment} {root} output -json", AWS_PROFILE=profile)
        return {name: output["value"] for name, output in json.loads(text).items()}

    def keys(self) -> dict[str, str]:
        """The user's API keys and their states."""
        answer = self.client("iam", "commercial").list_service_specific_credentials(UserName=USER)
        return {key["ServiceSpecificCredentialId"]: key["Status"] for key in answer["ServiceSpecificCredentials"]}

    def employ_operators(self, config_file: Path) -> None:
        """Profiles of people who may do no more than the policies for operating and for rotating allow."""
        infrastructure = self.outputs("infrastructure", "dev", "govcloud")
        outputs_file = config_file.with_name("infrastructure.outputs.json")
        outputs_file.write_text(json.dumps({name: {"value": value} for name, value in infrastructure.items()}))
        policies = {
            "govcloud": infrastructure["caller_policies_json"]["operate"],
            "commercial": self.outputs("commercial", "dev-commercial", "commercial")["rotation_policy_json"],
        }
        text = ""
        for side, policy in policies.items():
            iam = self.client("iam", side)
            iam.create_user(UserName="operator-on-duty")
            iam.put_user_policy(UserName="operator-on-duty", PolicyName="duty", PolicyDocument=policy)
            key = iam.create_access_key(UserName="operator-on-duty")["AccessKey"]
            text += f"[profile {side}]\nregion = {iam.meta.region_name}\nendpoint_url = {iam.meta.endpoint_url}\n"
            text += f"aws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
        config_file.write_text(text)
        self._on_duty = {"AWS_CONFIG_FILE": str(config_file), "INFRASTRUCTURE_OUTPUTS": str(outputs_file)}

    def rotate(self, killed_at: str | None = None) -> None:
        """One rotation, possibly in two runs; then one key works, and it is the one in service."""
        before = {key for key, status in self.keys().items() if status == "Active"}
        if killed_at:
            self.stranger.run_until(ROTATE, killed_at, **self._on_duty)
        assert "rotated" in self.stranger.run(ROTATE, **self._on_duty)
        (active,) = [key for key, status in self.keys().items() if status == "Active"]
        assert active not in before
        self.retired_at |= dict.fromkeys(before, time.time())
        self.rotations += 1
        assert json.loads(self.send().text), "still answering"

    def demo(self, mode: str) -> None:
        """The whole demo in the mode that is in service."""
        demo = Demo(self.twin, "dev")
        demo.run()
        assert demo.report() == [], mode

    def upstream(self) -> list[dict[str, Any]]:
        """What reached Commercial Bedrock."""
        with urllib.request.urlopen(f"{self._variables['TWIN_COMMERCIAL_URL']}/_twin/requests", timeout=30) as answer:
            return list(json.load(answer)["requests"])

    def auth_modes(self) -> set[str]:
        """How the newest crossings were authenticated."""
        url = f"{self._variables['API_URL']}/dashboard/requests?limit=5&state=COMPLETED"
        answer = requests.get(url, auth=self._signature, timeout=60)
        assert answer.status_code == 200, answer.text
        return {record["authMode"] for record in answer.json()["requests"]}


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    """Two empty accounts, and a clone whose example environments know that they are emulated."""
    isolate()
    twin = Twin("guides")
    twin.down()
    twin.start()
    try:
        environ = {name: value for name, value in twin.operator_environ().items() if not name.startswith("AWS_")}
        for name in ("INFRASTRUCTURE_OUTPUTS", "ENVIRONMENTS_DIR", "WORK_DIR", "TF_CLI_CONFIG_FILE"):
            environ.pop(name, None)
        environ |= {
            "PATH": f"{_commands(tmp_path_factory.mktemp('commands'))}:{environ['PATH']}",
            "AWS_CONFIG_FILE": twin.operator_environ()["AWS_CONFIG_FILE"],
            "AWS_PROFILE": "govcloud",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_USE_FIPS_ENDPOINT": "false",
            "COMMERCIAL_AWS_PROFILE": "commercial",
            "GRACE_SECONDS": str(GRACE_SECONDS),
        }
        stranger = Stranger(tmp_path_factory.mktemp("guides") / "a clone", environ)
        _emulated(stranger.clone / "terraform/environments", twin)
        yield Guide(twin, stranger)
    finally:
        twin.down()


def _commands(folder: Path) -> Path:
    """A folder with the AWS CLI. Its own start script does not bear a space in the path."""
    command = folder / "aws"
    command.write_text(f'#!/bin/sh\nexec "{LOCAL}/clients-venv/bin/python" -m awscli "$@"\n')
    command.chmod(0o755)
    return folder


def _emulated(environments: Path, twin: Twin) -> None:
    """What a stranger with real accounts need not set: no FIPS endpoints, and where Commercial is."""
    for name, roots in {
        "example": ("bootstrap", "infrastructure", "application"),
        "example-commercial": ("bootstrap", "commercial"),
    }.items():
        for root in roots:
            with (environments / name / f"{root}.tfvars").open("a") as file:
                file.write("\nuse_fips_endpoint = false\n")
    router = {"credential_max_age_seconds": CREDENTIAL_MAX_AGE_SECONDS, "log_level": "DEBUG"} | twin.router_endpoints()
    application = environments / "example/application.tfvars"
    text = re.sub(r"^router = \{.*?^\}\n", "", application.read_text(), flags=re.MULTILINE | re.DOTALL)
    application.write_text(f"{text}router = {json.dumps(router)}\n")
    with (environments / "example/infrastructure.tfvars").open("a") as file:
        file.write("deletion_protection = false\n")


@pytest.mark.timeout(2700)
def test_every_command_of_the_guide_while_callers_never_stop(guide: Guide, tmp_path: Path) -> None:
    guide.follow("From zero", 3)
    guide.follow("api_key", 1)
    guide.open_to_callers()
    assert guide.send().status_code == 200
    guide.demo("api_key")
    guide.employ_operators(tmp_path / "aws-config")
    load = Load(guide.send)
    with load.running():
        # A key whose value was lost before it was stored is in the way of none.
        guide.client("iam", "commercial").create_service_specific_credential(
            UserName=USER, ServiceName="bedrock.amazonaws.com", CredentialAgeDays=1
        )
        for killed_at in (*STEPS, *[None] * 13):
            guide.rotate(killed_at)
        assert guide.auth_modes() == {"api_key"}

        guide.follow("aws_keys", 2)
        guide.retired_at |= dict.fromkeys(
            [key for key, status in guide.keys().items() if status == "Active"], time.time()
        )
        assert guide.auth_modes() == {"aws_keys"}
        with load.paused():
            guide.demo("aws_keys")

        guide.follow("federation", 2)
        assert guide.auth_modes() == {"federation"}
        with load.paused():
            guide.demo("federation")
        assert guide.client("secretsmanager", "govcloud").list_secrets()["SecretList"] == []
        policy = guide.client("iam", "govcloud").get_role_policy(RoleName=EXECUTION_ROLE, PolicyName="router")
        assert "sts:GetWebIdentityToken" in str(policy)
        assert "secretsmanager" not in str(policy).lower()
        for root, environment, profile in ROOTS:
            guide.stranger.run(
                f"scripts/terraform.sh {environment} {root} plan -detailed-exitcode -out='{tmp_path}/{root}' && "
                f"scripts/terraform.sh {environment} {root} show -json '{tmp_path}/{root}'",
                AWS_PROFILE=profile,
            )

        guide.follow("Switching modes", 1)
        assert guide.auth_modes() == {"aws_keys"}

    assert load.failures == []
    assert load.answered >= 1000
    assert guide.rotations + 3 >= 20
    seen = guide.upstream()
    assert [entry for entry in seen if entry["status"] in (401, 403)] == []
    late = [entry for entry in seen if entry["arrivedAt"] > guide.retired_at.get(entry["credential"], float("inf"))]
    assert late == []
    print(f"{load.answered} requests, {guide.rotations} rotations, 3 switches, {len(seen)} upstream requests")


# Bedrock API keys, identity tokens, session tokens of the emulator, and what the callers' prompts have in them.
SECRET = re.compile(
    r"ABSK[A-Za-z0-9+/=]{24,}|eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|FwoG[A-Za-z0-9+/=]{24,}|XP-CANARY"
)


def unpacked(figures: bytes) -> str:
    """What a slice of usage has packed (usage_figures.py)."""
    return zlib.decompress(figures).decode()


def test_no_secret_of_any_mode_is_shown_anywhere(guide: Guide) -> None:
    """Not in logs (the router's at DEBUG), records, states, plans, on screens, or in what Bedrock's side logs."""
    shown = {"printed, plans and states shown": guide.stranger.printed, "upstream": json.dumps(guide.upstream())}
    for path in guide.twin.folder.glob("*.log"):
        shown[path.name] = path.read_text(errors="replace")
    secrets = guide.client("secretsmanager", "govcloud")
    (secret,) = secrets.list_secrets()["SecretList"]
    stored = json.loads(secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"])
    for profile in ("govcloud", "commercial"):
        logs, s3 = guide.client("logs", profile), guide.client("s3", profile)
        for group in logs.describe_log_groups()["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            shown[group["logGroupName"]] = "".join(event["message"] for page in pages for event in page["events"])
        for bucket in s3.list_buckets()["Buckets"]:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"]):
                for item in page.get("Versions", ()):
                    if item["Key"].endswith("tfstate"):
                        version = {"Bucket": bucket["Name"], "Key": item["Key"], "VersionId": item["VersionId"]}
                        name = f"{item['Key']} {item['VersionId']}"
                        shown[name] = s3.get_object(**version)["Body"].read().decode()
    for table in guide.client("dynamodb", "govcloud").list_tables()["TableNames"]:
        pages = guide.client("dynamodb", "govcloud").get_paginator("scan").paginate(TableName=table)
        shown[table] = "".join(json.dumps(page["Items"], default=unpacked) for page in pages)

    assert '"message":"request"' in shown["/aws/lambda/cross-partition-dev-router"]
    for name, text in shown.items():
        found = SECRET.search(text)
        assert not found, f"{name}: {text[max(0, found.start() - 200) : found.start()]}" if found else ""
        assert stored["aws_secret_access_key"] not in text, name


def test_revoking_in_an_emergency(guide: Guide) -> None:
    """Every block in order: what is in service, AWS keys, ends within the cache's age."""
    under = [block.code for block in guide.blocks if block.heading == "Revoking in an emergency"]
    assert len(under) == 5
    guide.stranger.run(under[0])
    assert set(guide.keys().values()) == {"Inactive"}
    assert guide.send().status_code == 200
    guide.stranger.run(under[1])
    assert guide.send().status_code == 403
    for code in under[2:]:
        guide.stranger.run(code)


@pytest.mark.timeout(600)
def test_destroying_and_doing_it_by_hand(guide: Guide) -> None:
    guide.follow("Destroying", 1)
    users = [user["UserName"] for user in guide.client("iam", "commercial").list_users()["Users"]]
    assert USER not in users
    guide.follow("Without Terraform", 3)
    role = guide.client("iam", "commercial").get_role(RoleName=f"{USER}-router")["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"]


def test_every_block_is_run_or_says_why_not(guide: Guide) -> None:
    run = {"From zero", "api_key", "aws_keys", "federation", "Switching modes", "Revoking in an emergency"}
    run |= {"Destroying", "Without Terraform"}
    assert {block.heading for block in guide.blocks} == run
    assert {block.language for block in blocks(GUIDE)} <= {"sh", "text", "hcl", "ini", "json"}

"""Bedrock API keys of the twin's Commercial account: IAM makes them, its stand-in for Bedrock asks about each call."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.fakes.accounts import COMMERCIAL_ID, REPOSITORY, Accounts, Keys
from tests.fakes.commercial import CommercialStandIn

SERVICE = "bedrock.amazonaws.com"
NOVA, HAIKU = "amazon.nova-lite-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"
POLICIES = REPOSITORY / "terraform/commercial/policies"
MESSAGES = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
REFUSED = (403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.")


class World:
    """The Commercial account, its Bedrock, and a user as terraform/commercial makes it."""

    def __init__(self, accounts: Accounts, bedrock: CommercialStandIn) -> None:
        self.accounts, self.bedrock = accounts, bedrock
        self.iam = accounts.commercial.client("iam")
        self.user("router", policy("invoke"), policy("api-key"))

    def user(self, name: str, *policies: str) -> None:
        """A user with these policies, by a group."""
        self.iam.create_user(UserName=name)
        self.iam.create_group(GroupName=name)
        self.iam.add_user_to_group(GroupName=name, UserName=name)
        for number, document in enumerate(policies):
            created = self.iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=document)
            self.iam.attach_group_policy(GroupName=name, PolicyArn=created["Policy"]["Arn"])

    def new_key(self, user: str = "router", iam: Any = None, **arguments: Any) -> dict[str, Any]:
        create = (iam or self.iam).create_service_specific_credential
        key: dict[str, Any] = create(UserName=user, ServiceName=SERVICE, **arguments)["ServiceSpecificCredential"]
        return key

    def set_status(self, key: dict[str, Any], status: str) -> None:
        key_id = key["ServiceSpecificCredentialId"]
        self.iam.update_service_specific_credential(ServiceSpecificCredentialId=key_id, Status=status)

    def forget_keys(self) -> None:
        listed = self.iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"]
        for key in listed:
            self.iam.delete_service_specific_credential(
                UserName=key["UserName"], ServiceSpecificCredentialId=key["ServiceSpecificCredentialId"]
            )

    def call(self, key: dict[str, Any], path: str = f"/model/{NOVA}/converse", body: Any = MESSAGES) -> tuple[Any, ...]:
        """Status, error type and message (none of a success)."""
        headers = {"Authorization": f"Bearer {key['ServiceCredentialSecret']}"}
        method = "POST" if path.startswith("/model/") else "GET"
        reply = requests.request(method, f"{self.bedrock.url}{path}", json=body, headers=headers, timeout=5)
        if reply.ok:
            return (reply.status_code,)
        return reply.status_code, reply.headers["x-amzn-errortype"].split(":")[0], reply.json()["Message"]


def policy(name: str) -> str:
    return (POLICIES / f"{name}.json").read_text().replace("123456789012", COMMERCIAL_ID)


def statement(effect: str, action: str, **conditions: Any) -> str:
    found = {"Effect": effect, "Action": action, "Resource": "*", "Condition": conditions}
    return json.dumps({"Version": "2012-10-17", "Statement": found})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        Accounts(tmp_path_factory.mktemp("accounts")) as accounts,
        CommercialStandIn(credentials={}, account=accounts.identities) as bedrock,
    ):
        yield World(accounts, bedrock)


@pytest.fixture
def world(running: World) -> World:
    running.forget_keys()
    running.bedrock.clear()
    return running


def refusal(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_user_has_two_keys_and_each_secret_is_shown_once(world: World) -> None:
    first, second = world.new_key(CredentialAgeDays=90), world.new_key()
    assert refusal(world.new_key) == ("LimitExceeded", 409)
    for key, alias in ((first, f"router-at-{COMMERCIAL_ID}"), (second, f"router+1-at-{COMMERCIAL_ID}")):
        assert (key["UserName"], key["ServiceName"], key["Status"]) == ("router", SERVICE, "Active")
        assert key["ServiceSpecificCredentialId"].startswith("ACCA")
        assert key["ServiceCredentialAlias"] == alias
        secret = key["ServiceCredentialSecret"]
        assert secret.startswith("ABSK")
        assert base64.b64decode(secret[4:]).decode().split(":")[0] == alias
    assert "ExpirationDate" not in second
    assert abs(first["ExpirationDate"].timestamp() - time.time() - 90 * 86400) < 60
    listed = world.iam.list_service_specific_credentials(UserName="router")["ServiceSpecificCredentials"]
    shown_later = [{k: v for k, v in key.items() if k != "ServiceCredentialSecret"} for key in (first, second)]
    assert listed == shown_later


def test_what_makes_no_sense_is_refused(world: World) -> None:
    create = world.iam.create_service_specific_credential
    assert refusal(create, UserName="router", ServiceName="codecommit.amazonaws.com") == ("NotSupportedService", 404)
    assert refusal(world.new_key, "nobody") == ("NoSuchEntity", 404)
    key_id = {"ServiceSpecificCredentialId": "ACCA0000000000000000"}
    assert refusal(world.iam.delete_service_specific_credential, **key_id) == ("NoSuchEntity", 404)
    assert refusal(world.iam.reset_service_specific_credential, **key_id) == ("NoSuchEntity", 404)
    assert refusal(world.iam.update_service_specific_credential, **key_id, Status="Active") == ("NoSuchEntity", 404)
    key = world.new_key()
    assert refusal(world.set_status, key, "Expired") == ("ValidationError", 400)
    world.iam.create_user(UserName="leaving")
    world.new_key("leaving")
    assert refusal(world.iam.delete_user, UserName="leaving") == ("DeleteConflict", 409)
    world.forget_keys()
    world.iam.delete_user(UserName="leaving")


def test_a_key_works_until_it_is_inactive_and_the_log_tells_which_it_was(world: World) -> None:
    old, new = world.new_key(), world.new_key()
    assert world.call(old) == world.call(new) == (200,)
    world.set_status(old, "Inactive")
    revoked_at = time.time()
    assert world.call(old) == REFUSED
    assert world.call(new) == (200,)
    log = world.bedrock.requests
    ids = [key["ServiceSpecificCredentialId"] for key in (old, new, old, new)]
    assert [(entry["credential"], entry["status"]) for entry in log] == list(
        zip(ids, (200, 200, 403, 200), strict=True)
    )
    assert {entry["principal"] for entry in log} == {f"arn:aws:iam::{COMMERCIAL_ID}:user/router"}
    assert [entry["arrivedAt"] > revoked_at for entry in log] == [False, False, True, True]
    secrets = [key["ServiceCredentialSecret"] for key in (old, new)]
    assert not any(secret in json.dumps(log) for secret in secrets)
    world.set_status(old, "Active")
    assert world.call(old) == (200,)


def test_a_key_that_is_reset_deleted_or_expired_is_refused_at_once(world: World) -> None:
    key = world.new_key(CredentialAgeDays=1)
    key_id = key["ServiceSpecificCredentialId"]
    reset = world.iam.reset_service_specific_credential(ServiceSpecificCredentialId=key_id)["ServiceSpecificCredential"]
    assert reset["ServiceSpecificCredentialId"] == key_id
    assert (world.call(key), world.call(reset)) == (REFUSED, (200,))
    assert expire(world, key_id, world.accounts.identify_token).ok
    (listed,) = world.iam.list_service_specific_credentials(UserName="router")["ServiceSpecificCredentials"]
    assert listed["Status"] == "Expired"
    assert world.call(reset) == REFUSED
    other = world.new_key()
    world.iam.delete_service_specific_credential(ServiceSpecificCredentialId=other["ServiceSpecificCredentialId"])
    assert world.call(other) == REFUSED
    assert [entry["status"] for entry in world.bedrock.requests] == [403, 200, 403, 403]


def expire(world: World, key_id: str, token: str) -> requests.Response:
    url = f"{world.accounts.commercial.url}/_twin/expire"
    return requests.post(url, json={"credential_id": key_id}, headers={"X-Twin-Token": token}, timeout=5)


def test_the_account_tells_secrets_to_its_bedrock_only(world: World) -> None:
    key_id = world.new_key()["ServiceSpecificCredentialId"]
    assert [expire(world, key_id, token).status_code for token in ("", "wrong")] == [403, 403]
    url, question = f"{world.accounts.commercial.url}/_twin/identify", {"access_key_id": "AKIA"}
    assert requests.post(url, json=question, timeout=5).status_code == 403


def test_the_policies_of_terraform_allow_what_they_should(world: World) -> None:
    key = world.new_key()
    claude = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    assert world.call(key, f"/model/us.{HAIKU}/invoke", claude) == (200,)
    status, kind, message = world.call(key, f"/model/global.{HAIKU}/invoke", claude)
    assert (status, kind) == (403, "AccessDeniedException")
    profile = f"arn:aws:bedrock:us-east-1:{COMMERCIAL_ID}:inference-profile/global.{HAIKU}"
    assert message == (
        f"User: arn:aws:iam::{COMMERCIAL_ID}:user/router is not authorized to perform: bedrock:InvokeModel on "
        f"resource: {profile} because no identity-based policy allows the bedrock:InvokeModel action"
    )
    count = {"input": {"converse": MESSAGES}}
    assert world.call(key, f"/model/{NOVA}/count-tokens", count) == (200,)
    for path in ("/foundation-models", f"/foundation-models/{NOVA}", f"/foundation-model-availability/{NOVA}"):
        assert world.call(key, path, None) == (200,)
    for path in ("/inference-profiles", f"/inference-profiles/us.{HAIKU}"):
        assert world.call(key, path, None) == (200,)
    assert world.call(key, f"/inference-profiles/global.{HAIKU}", None)[0] == 403
    headers = {"Authorization": f"Bearer {key['ServiceCredentialSecret']}"}
    listed = requests.get(f"{world.bedrock.url}/inference-profiles", headers=headers, timeout=5).json()
    arns = [found["inferenceProfileArn"] for found in listed["inferenceProfileSummaries"]]
    assert profile in arns
    assert all(f":{COMMERCIAL_ID}:" in arn for arn in arns)


def test_a_profile_needs_every_model_it_leads_to(world: World) -> None:
    west = "arn:aws:bedrock:us-west-2::foundation-model/*"
    deny = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "bedrock:*", "Resource": west}}
    )
    world.iam.put_user_policy(UserName="router", PolicyName="not-west", PolicyDocument=deny)
    key = world.new_key()
    try:
        message = world.call(key, f"/model/us.{HAIKU}/converse")[2]
        assert world.call(key) == (200,)
    finally:
        world.iam.delete_user_policy(UserName="router", PolicyName="not-west")
    assert f"on resource: {west[:-1]}{HAIKU} with an explicit deny in an identity-based policy" in message


def test_a_key_needs_the_permission_of_its_kind(world: World) -> None:
    short_term = {"StringEquals": {"bedrock:bearerTokenType": "SHORT_TERM"}}
    world.user("no-bearer", policy("invoke"))
    world.user("short", policy("invoke"), statement("Allow", "bedrock:CallWithBearerToken", **short_term))
    elsewhere = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    world.user("elsewhere", policy("invoke"), policy("api-key"), statement("Deny", "bedrock:*", **elsewhere))
    for name in ("no-bearer", "short", "elsewhere"):
        status, kind, message = world.call(world.new_key(name))
        assert (status, kind) == (403, "AccessDeniedException")
        assert "not authorized to perform: bedrock:CallWithBearerToken" in message


def test_who_may_make_keys_is_limited_by_service_and_age(world: World) -> None:
    for_bedrock = {"iam:ServiceSpecificCredentialServiceName": SERVICE}
    ninety = {"iam:ServiceSpecificCredentialAgeDays": "90"}
    limits = {"StringEquals": for_bedrock, "NumericLessThanEquals": ninety}
    world.user("rotation", statement("Allow", "iam:CreateServiceSpecificCredential", **limits))
    made = world.iam.create_access_key(UserName="rotation")["AccessKey"]
    keys: Keys = (made["AccessKeyId"], made["SecretAccessKey"])
    iam = world.accounts.commercial.client("iam", keys)
    assert world.new_key(iam=iam, CredentialAgeDays=90)["Status"] == "Active"
    for arguments in ({"CredentialAgeDays": 91}, {}):
        assert refusal(world.new_key, iam=iam, **arguments) == ("AccessDenied", 403)
    assert refusal(iam.list_service_specific_credentials, UserName="router") == ("AccessDenied", 403)


def test_access_keys_sign_for_bedrock_until_they_are_inactive(world: World) -> None:
    made = world.iam.create_access_key(UserName="router")["AccessKey"]
    bedrock = type(world.accounts.commercial)("", COMMERCIAL_ID, "us-east-1", world.bedrock.port)
    client = bedrock.client("bedrock-runtime", (made["AccessKeyId"], made["SecretAccessKey"]))
    assert client.converse(modelId=NOVA, **MESSAGES)["stopReason"] == "end_turn"
    world.iam.update_access_key(UserName="router", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    assert refusal(client.converse, modelId=NOVA, **MESSAGES) == ("UnrecognizedClientException", 403)
    assert [entry["credential"] for entry in world.bedrock.requests] == [made["AccessKeyId"][-4:]] * 2


def test_the_process_asks_the_account_and_has_no_credentials_of_its_own(world: World, tmp_path: Path) -> None:
    key, port_file = world.new_key(), tmp_path / "port"
    command = [sys.executable, str(REPOSITORY / "tests/fakes/commercial.py"), "--port-file", str(port_file)]
    command += ["--account-url", world.accounts.commercial.url]
    environ = {**os.environ, "TWIN_IDENTIFY_TOKEN": world.accounts.identify_token}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/foundation-models"
        presented = (key["ServiceCredentialSecret"], "ABSK-made-up-key-for-the-offline-twin")
        answers = [
            requests.get(url, headers={"Authorization": f"Bearer {secret}"}, timeout=5).status_code
            for secret in presented
        ]
        process.terminate()
    assert answers == [200, 403]
    assert process.returncode == 0

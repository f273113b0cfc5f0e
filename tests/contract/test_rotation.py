"""A rotation whose answers get lost: the SDK asks again, and what is done already is no error.

Both accounts are the twin's; only the proof of a key, which the deployed function makes, is taken as given.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

import rotate_credential
from tests.fakes.accounts import Accounts

SERVICE = "bedrock.amazonaws.com"
PROVEN = {"proven": True, "region": "us-east-1", "authMode": "api_key", "requestId": "a-record"}


class Secret:
    """The credential's secret and the user's keys, as the operator finds them before a rotation."""

    def __init__(self, accounts: Accounts) -> None:
        self.deployment = f"cross-partition-{uuid.uuid4().hex[:8]}"
        self.user = f"{self.deployment}-bedrock-us-east-1"
        self.secrets = accounts.govcloud.client("secretsmanager")
        self.iam = accounts.commercial.client("iam")
        self.iam.create_user(UserName=self.user)
        self.first_key = self.new_key()
        stored = json.dumps({"bedrock_api_key": self.first_key["ServiceCredentialSecret"]})
        self.secret_id = self.secrets.create_secret(Name=self.deployment, SecretString=stored)["ARN"]

    def new_key(self) -> dict[str, Any]:
        answer = self.iam.create_service_specific_credential(
            UserName=self.user, ServiceName=SERVICE, CredentialAgeDays=90
        )
        return dict(answer["ServiceSpecificCredential"])

    def keys(self) -> dict[str, str]:
        answer = self.iam.list_service_specific_credentials(UserName=self.user, ServiceName=SERVICE)
        return {key["ServiceSpecificCredentialId"]: key["Status"] for key in answer["ServiceSpecificCredentials"]}

    def labels(self) -> dict[str, list[str]]:
        return dict(self.secrets.describe_secret(SecretId=self.secret_id)["VersionIdsToStages"])


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with Accounts(tmp_path_factory.mktemp("accounts")) as accounts:
        yield accounts


@pytest.fixture
def secret(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> Secret:
    secret = Secret(accounts)
    inputs = {
        "name": secret.deployment,
        "region": "us-gov-west-1",
        "credential": {"mode": "api_key", "secret_arn": secret.secret_id},
    }
    settings = {"CREDENTIAL_MAX_AGE_SECONDS": "0", "RESPONSE_TIMEOUT_SECONDS": "29"}
    router = Mock(settings=settings, **{"prove.return_value": PROVEN, "await_proof.return_value": PROVEN})
    for name, made in (
        ("application_inputs", inputs),
        ("DeployedRouter", router),
        ("client", secret.secrets),
        ("commercial_client", secret.iam),
    ):
        monkeypatch.setattr(rotate_credential, name, Mock(return_value=made))
    monkeypatch.setenv("GRACE_SECONDS", "0")
    return secret


def lose_answers(monkeypatch: pytest.MonkeyPatch, client: Any, name: str, lost: int = 1) -> list[int]:
    """The first so many calls of an operation happen twice, as when an answer is lost; returns one item a call."""
    call: Callable[..., Any] = getattr(client, name)
    calls: list[int] = []

    def asked_again(**arguments: Any) -> Any:
        calls.append(1)
        if len(calls) <= lost:
            call(**arguments)
        return call(**arguments)

    monkeypatch.setattr(client, name, asked_again)
    return calls


@pytest.mark.parametrize(
    ("side", "operation"),
    [
        ("iam", "create_service_specific_credential"),
        ("iam", "delete_service_specific_credential"),
        ("iam", "update_service_specific_credential"),
        ("secrets", "put_secret_value"),
        ("secrets", "update_secret_version_stage"),
    ],
)
def test_a_lost_answer_ends_no_rotation(
    secret: Secret, monkeypatch: pytest.MonkeyPatch, side: str, operation: str
) -> None:
    rotate_credential.Rotation("dev").run()
    before = secret.keys()
    time.sleep(1.1)  # AWS's times are whole seconds, and by them a lost key is told
    calls = lose_answers(monkeypatch, getattr(secret, side), operation)
    rotate_credential.Rotation("dev").run()
    assert calls, "an answer was lost"
    (active,) = [key for key, status in secret.keys().items() if status == "Active"]
    assert active not in before
    (current,) = [version for version, labels in secret.labels().items() if "AWSCURRENT" in labels]
    assert active in current
    assert "AWSPENDING" not in secret.labels()[current]


def test_the_answer_to_the_second_label_can_be_lost_too(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_answers(monkeypatch, secret.secrets, "update_secret_version_stage", lost=2)
    rotate_credential.Rotation("dev").run()
    assert "AWSPENDING" not in str(secret.labels())


def test_a_label_that_somebody_else_moved_is_an_error(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every conflict is one's own: a version stored meanwhile is not overruled."""
    create = secret.iam.create_service_specific_credential

    def meanwhile_another_is_stored(**arguments: Any) -> Any:
        secret.secrets.put_secret_value(SecretId=secret.secret_id, SecretString='{"bedrock_api_key": "another"}')
        return create(**arguments)

    monkeypatch.setattr(secret.iam, "create_service_specific_credential", meanwhile_another_is_stored)
    with pytest.raises(secret.secrets.exceptions.InvalidParameterException, match="AWSCURRENT"):
        rotate_credential.Rotation("dev").run()
    assert secret.keys()[secret.first_key["ServiceSpecificCredentialId"]] == "Active", "nothing was retired"


def test_two_keys_of_which_none_can_be_told_are_left_alone(secret: Secret) -> None:
    secret.new_key()
    keys = secret.keys()
    secret.secrets.put_secret_value(SecretId=secret.secret_id, SecretString='{"bedrock_api_key": "by hand"}')
    with pytest.raises(SystemExit, match="which of them is in use cannot be told"):
        rotate_credential.Rotation("dev").run()
    assert secret.keys() == keys

"""What the policy of the archive's bucket (terraform/modules/audit_archive) is good for: nobody but the router writes.

On the GovCloud account of the twin, which evaluates it; its native test proves that Terraform writes these statements.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.accounts import GOVCLOUD_ID, Accounts, Keys

BUCKET = "archive"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"
ROUTER = f"arn:aws:iam::{GOVCLOUD_ID}:role/service/router"
KEY = "records/00000001.jsonl.gz"


def deny(action: str, **condition: dict[str, str]) -> dict[str, object]:
    return {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": OBJECTS, "Condition": condition}


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        deny("s3:PutObject", Null={"s3:if-none-match": "true"}),
        deny("s3:PutObject", ArnNotEquals={"aws:PrincipalArn": ROUTER}),
        deny("s3:DeleteObject"),
    ],
}


class Bucket:
    """A bucket with that policy, and who is allowed everything by IAM: the router's role, another one, a user."""

    def __init__(self, accounts: Accounts) -> None:
        self.govcloud = accounts.govcloud
        self.owner = self.govcloud.client("s3")
        location = {"LocationConstraint": self.govcloud.region}
        self.owner.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location, ObjectLockEnabledForBucket=True)
        self.owner.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
        iam = self.govcloud.client("iam")
        iam.create_user(UserName="administrator")
        everything = self._everything()
        iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=everything)
        key = iam.create_access_key(UserName="administrator")["AccessKey"]
        self.clients = {
            "router": self._session(iam, "router"),
            "another role": self._session(iam, "another"),
            "administrator": self.govcloud.client("s3", (key["AccessKeyId"], key["SecretAccessKey"])),
        }

    @staticmethod
    def _everything() -> str:
        return json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
        )

    def _session(self, iam: Any, name: str) -> Any:
        statement = {"Effect": "Allow", "Principal": {"AWS": GOVCLOUD_ID}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
        role = iam.create_role(RoleName=name, Path="/service/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=self._everything())
        session = self.govcloud.client("sts").assume_role(RoleArn=role, RoleSessionName="a-function")["Credentials"]
        keys: Keys = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        return self.govcloud.client("s3", keys)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with Accounts(tmp_path_factory.mktemp("accounts")) as accounts:
        yield Bucket(accounts)


def outcome(call: Callable[..., Any], **arguments: Any) -> str:
    try:
        call(Bucket=BUCKET, **arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


def test_nobody_but_the_router_writes_an_object(bucket: Bucket) -> None:
    """One foreign object at the next key, and the archive stood still: nobody can delete it."""
    results = {
        name: outcome(client.put_object, Key=f"records/{name}", Body=b"x", IfNoneMatch="*")
        for name, client in bucket.clients.items()
    }
    assert results == {"router": "done", "another role": "AccessDenied", "administrator": "AccessDenied"}


def test_the_router_writes_over_nothing(bucket: Bucket) -> None:
    router = bucket.clients["router"]
    assert outcome(router.put_object, Key=KEY, Body=b"x", IfNoneMatch="*") == "done"
    assert outcome(router.put_object, Key=KEY, Body=b"y", IfNoneMatch="*") == "PreconditionFailed"
    assert outcome(router.put_object, Key=KEY, Body=b"y") == "AccessDenied"


def test_nobody_hides_an_object_behind_a_delete_marker(bucket: Bucket) -> None:
    """After one, the key would count as free, and the next write would pass; its versions are the lock's matter."""
    clients = bucket.clients
    version = clients["router"].put_object(Bucket=BUCKET, Key="records/hidden", Body=b"x", IfNoneMatch="*")["VersionId"]
    assert {outcome(client.delete_object, Key="records/hidden") for client in clients.values()} == {"AccessDenied"}
    assert outcome(clients["administrator"].get_object, Key="records/hidden") == "done"
    # As `terraform destroy` empties a bucket.
    assert outcome(clients["administrator"].delete_object, Key="records/hidden", VersionId=version) == "done"

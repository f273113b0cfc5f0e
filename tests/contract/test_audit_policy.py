"""The policy `audit` (terraform/modules/iam) is all that `make verify-audit` needs: on an account that enforces IAM."""

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import boto3
import pytest

from tests.contract.archive_bench import TODAY, ArchiveBench
from tests.contract.router_bench import REGION
from tests.fakes.accounts import GOVCLOUD_ID, Accounts


@pytest.fixture
def archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[ArchiveBench]:
    """An honest archive; the check runs as an auditor, who has that policy and no other."""
    accounts = Accounts(tmp_path)
    accounts.govcloud.root = ("testing", "testing")  # the bench's
    with accounts, ArchiveBench(accounts.govcloud.url, tmp_path, monkeypatch, capsys).running() as bench:
        for owner, name in ((bench, "on"), (bench.front, "_stored")):  # the emulator dates objects itself
            monkeypatch.setattr(owner, name, Mock())
        bench.fill(TODAY)
        iam = accounts.govcloud.client("iam")
        iam.create_user(UserName="auditor")
        iam.put_user_policy(UserName="auditor", PolicyName="audit", PolicyDocument=policy(bench))
        key = iam.create_access_key(UserName="auditor")["AccessKey"]
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials it had first
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        yield bench


def policy(bench: ArchiveBench) -> str:
    """As modules/iam writes it, by its native test."""
    table, bucket = f"arn:aws:dynamodb:{REGION}:{GOVCLOUD_ID}:table", f"arn:aws:s3:::{bench.bucket}"
    records = f"{table}/{bench.audit_table}"
    allowed = {
        "dynamodb:Query": [records, f"{records}/index/by-time"],
        "dynamodb:BatchGetItem": [records],
        "s3:ListBucket": [bucket],
        "s3:ListBucketVersions": [bucket],
        "s3:GetObject": [f"{bucket}/records/*"],
        "s3:GetObjectRetention": [f"{bucket}/records/*"],
        "s3:GetObjectVersion": [f"{bucket}/records/*"],
        "dynamodb:GetItem": [f"{table}/{bench.head_table}"],
    }
    statements = [{"Effect": "Allow", "Action": action, "Resource": names} for action, names in allowed.items()]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_an_auditor_verifies_the_archive(archive: ArchiveBench) -> None:
    code, said = archive.verify(TODAY, TODAY)
    assert code == 0, said
    assert said[-1].startswith("verified: ")

    # Also of what is not as it should be: looked up in places where an honest archive sends nobody.
    archive.delete(archive.crossings("changed")[0])
    last = archive.keys()[-1]
    archive.remove(last)
    code, said = archive.verify(TODAY, TODAY)
    assert code == 1
    assert any(last in line for line in said), said

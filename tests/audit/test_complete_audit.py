"""Nothing crosses unrecorded: 10,000 requests, faults of Bedrock's all the time, and workers killed at random points.

Afterwards every request that Bedrock received has its record, every record has reached one terminal state, and none
holds anything of a prompt, a completion or a credential. What killed environments could not write, the reconciler did.
"""

import json
import random
import re
import shlex
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.deployed import Deployment
from twin import ENVIRONMENT

REQUESTS, KILLS = 10_000, 20  # at least
WORKERS = 6
KILLS_EVERY_SECONDS = (3.0, 9.0)
BEGUN_SECONDS = 5  # a new execution environment takes some seconds to begin, and kills must leave time for requests
RECONCILED_AFTER_SECONDS = 29 + 60 + 2  # the longest request and the reconciler's grace
CANARY = "XP-CANARY"
NOVA, CLAUDE = "amazon.nova-lite-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"
SAID = {"messages": [{"role": "user", "content": [{"text": f"{CANARY}-prompt"}]}]}
CHAT = {"max_tokens": 64, "messages": [{"role": "user", "content": f"{CANARY}-prompt"}]}
# What is asked, and how often of a hundred.
MIX: list[tuple[int, str, str, object]] = [
    (30, "POST", f"/model/{NOVA}/converse", SAID),
    (20, "POST", "/bedrock/invoke-model", {"modelId": NOVA, "body": SAID}),
    (15, "POST", "/bedrock/invoke-model", {"modelId": CLAUDE, "body": CHAT}),
    (10, "POST", f"/model/{NOVA}/converse-stream", SAID),
    (5, "POST", "/anthropic/v1/messages", {"model": CLAUDE, **CHAT}),
    (5, "POST", "/bedrock/invoke-model", {"modelId": f"{CANARY}.no-such-model", "body": SAID}),
    (5, "POST", f"/model/global.{CLAUDE}/converse", SAID),  # denied by its destination
    (5, "POST", f"/model/{NOVA}/converse", {"messages": [{"content": [{"text": f"SECRET//{CANARY}"}]}]}),  # marked
    (3, "GET", "/foundation-models", None),
    (2, "POST", f"/model/{NOVA}/converse", None),  # no body
]
FAULTS: list[dict[str, Any]] = [
    {"fault": "throttle"},
    {"fault": "status"},
    {"fault": "expired_token"},
    {"fault": "model_error"},
    {"fault": "reset_before_response"},
    {"fault": "truncate"},
    {"fault": "cut_stream", "match": f"/model/{NOVA}/converse-stream"},
    {"fault": "reset_on_accept"},
]
SLOW = {"fault": "slow", "count": WORKERS, "match": "/model/", "delay_seconds": 0.8}  # kills meet requests under way


@pytest.mark.timeout(1500)
def test_ten_thousand_requests_with_faults_and_killed_workers(deployment: Deployment) -> None:
    begun = time.time()
    statuses, kills = load(deployment)
    assert kills >= KILLS
    assert statuses.total() >= REQUESTS
    assert statuses[200] > REQUESTS / 2, statuses
    assert {403, 400} <= statuses.keys(), statuses

    received = [entry for entry in deployment.upstream("GET", "requests")["requests"] if entry["arrivedAt"] >= begun]
    sent = {audit_id(entry) for entry in received}
    assert len(sent) > REQUESTS / 2
    records = {record["requestId"]: record for record in scan(deployment) if time_of(record) >= begun}
    assert sent - records.keys() == set()  # R1: nothing crossed unrecorded

    left = [record for record in records.values() if record["state"] == "STARTED"]
    assert left, "no worker was killed in the middle of a crossing"
    time.sleep(max(0.0, RECONCILED_AFTER_SECONDS - (time.time() - time_of(max(left, key=time_of)))))
    task(deployment, "reconcile")
    records = {record["requestId"]: record for record in scan(deployment) if time_of(record) >= begun}
    states = Counter(record["state"] for record in records.values())
    assert states.keys() == {"COMPLETED", "FAILED", "DENIED", "ABANDONED"}, states
    abandoned = [record for record in records.values() if record["state"] == "ABANDONED"]
    assert {record["requestId"] for record in left} <= {record["requestId"] for record in abandoned}
    assert {record["errorCode"] for record in abandoned} == {"OutcomeUnknown"}
    assert not any(record["success"] for record in abandoned)
    for record in records.values():
        assert record["outcomeDayShard"].startswith(OUTCOMES[record["state"]]), record
    # A caller chose the word canary in a model's name: that is in the record, as it must be.
    told = json.dumps([{**record, "modelId": "", "resolvedModelId": ""} for record in records.values()])
    assert f"{CANARY}-prompt" not in told
    assert not any(value in told for name, value in deployment.twin.credential().items() if "key" in name)
    print(f"{sum(statuses.values())} requests {dict(statuses)}, {kills} kills, {len(sent)} crossings, {dict(states)}")


def test_the_archive_has_all_of_it(deployment: Deployment) -> None:
    """Its writers were killed as well. What was archived twice for that is one record."""
    result = verify(deployment)
    assert result.returncode == 0, result.stdout + result.stderr
    verified = re.search(r"^verified: ([0-9,]+) entries", result.stdout, re.MULTILINE)
    assert verified
    assert int(verified[1].replace(",", "")) > REQUESTS


def test_commercials_own_logs_agree(deployment: Deployment) -> None:
    deployment.upstream("POST", "deliver-logs")
    logs = shlex.quote(str(deployment.twin.folder / "commercial-logs"))
    result = deployment.script("make", "reconcile-audit", f"ENV={ENVIRONMENT}", *days(), f"LOGS={logs}")
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_auditor_needs_the_policy_for_it_and_nothing_else(deployment: Deployment, tmp_path: Path) -> None:
    """Terraform's state is not theirs to read: what it knows of the environment comes as a file."""
    outputs, iam = deployment.outputs(), deployment.client("iam")
    iam.create_user(UserName="auditor")
    policy = outputs["caller_policies_json"]["audit"]
    iam.put_user_policy(UserName="auditor", PolicyName="audit", PolicyDocument=policy)
    key = iam.create_access_key(UserName="auditor")["AccessKey"]
    known = tmp_path / "outputs.json"
    known.write_text(json.dumps({"application_inputs": {"value": outputs["application_inputs"]}}))
    environ = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    environ["INFRASTRUCTURE_OUTPUTS"] = str(known)
    logs = shlex.quote(str(deployment.twin.folder / "commercial-logs"))
    for command in (("verify-audit",), ("reconcile-audit", f"LOGS={logs}")):
        result = deployment.script("make", *command, f"ENV={ENVIRONMENT}", *days(), **environ)
        assert result.returncode == 0, result.stdout + result.stderr


def test_a_changed_record_is_found(deployment: Deployment) -> None:
    """By somebody who may write to the table: the archive knows what the record was."""
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs()["audit_table_name"]
    record = next(record for record in scan(deployment) if record["state"] == "DENIED")
    dynamodb.update_item(
        TableName=table,
        Key={name: {"S": record[name]} for name in ("requestId", "timestamp")},
        UpdateExpression="SET decision = :allow",
        ExpressionAttributeValues={":allow": {"S": "ALLOW"}},
    )
    result = verify(deployment)
    assert result.returncode != 0
    assert f"request {record['requestId']} was changed after its outcome" in result.stdout, result.stdout
    assert "BROKEN: 1 changed record" in result.stdout


def verify(deployment: Deployment) -> subprocess.CompletedProcess[str]:
    return deployment.script("make", "verify-audit", f"ENV={ENVIRONMENT}", *days())


def days() -> tuple[str, str]:
    """Today, and yesterday in case midnight has just come."""
    now = datetime.now(UTC)
    return f"FROM={now - timedelta(days=1):%Y-%m-%d}", f"TO={now:%Y-%m-%d}"


OUTCOMES = {"COMPLETED": ("SUCCESS#", "ERROR#"), "FAILED": "ERROR#", "DENIED": "DENIED#", "ABANDONED": "ABANDONED#"}


def load(deployment: Deployment) -> tuple[Counter[int], int]:
    """Requests from several workers, while faults are caused and workers killed, until there were enough of both.

    Statuses (0: no answer) and kills.
    """
    chosen = random.Random(7)  # noqa: S311 - no secret
    weights = [row[0] for row in MIX]
    statuses: Counter[int] = Counter()
    begun = kills = 0
    lock, done = threading.Lock(), threading.Event()
    signature, api_url = deployment.signature(), deployment.variables["API_URL"]

    def work() -> None:
        nonlocal begun
        with requests.Session() as session:
            while True:
                with lock:
                    if done.is_set() or (begun >= REQUESTS and kills >= KILLS):
                        return
                    begun += 1
                    ((_, method, path, document),) = chosen.choices(MIX, weights)
                try:
                    answer = session.request(method, api_url + path, json=document, auth=signature, timeout=60)
                    status = answer.status_code
                except requests.RequestException:
                    status = 0
                with lock:
                    statuses[status] += 1

    def break_things() -> None:
        nonlocal kills
        try:
            while not done.wait(random.uniform(*KILLS_EVERY_SECONDS)):  # noqa: S311
                deployment.upstream("POST", "faults", random.choice(FAULTS))  # noqa: S311
                deployment.upstream("POST", "faults", SLOW)
                time.sleep(random.uniform(0.0, 1.0))  # noqa: S311 - before, in and behind the slow ones
                kills += kill_one(deployment)
        finally:
            done.set()

    with ThreadPoolExecutor(WORKERS + 1) as pool:
        breaking = pool.submit(break_things)
        for worker in [pool.submit(work) for _ in range(WORKERS)]:
            worker.result()
        done.set()
        breaking.result()
    deployment.upstream("DELETE", "faults")
    return statuses, kills


def kill_one(deployment: Deployment) -> int:
    """SIGKILL for one of the emulator's Lambda workers that has begun, if there is one."""
    workers = deployment.function_workers(BEGUN_SECONDS)
    if workers:
        subprocess.run(["kill", "-9", random.choice(workers)], check=False)  # noqa: S311
    return len(workers[:1])


def task(deployment: Deployment, name: str) -> Any:
    """What the schedule of a task has the function do."""
    function = deployment.outputs()["application_inputs"]["function_name"]
    (target,) = deployment.client("events").list_targets_by_rule(Rule=f"{function}-{name}")["Targets"]
    answer = deployment.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"])
    payload = json.load(answer["Payload"])
    assert "FunctionError" not in answer, payload
    return payload


def scan(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """Every record there is."""
    pages = deployment.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=deployment.outputs()["audit_table_name"]):
        for item in page["Items"]:
            yield {name: next(iter(value.values())) for name, value in item.items()}


def audit_id(entry: dict[str, Any]) -> str:
    return str(entry["headers"]["User-Agent"].rpartition("audit/")[2])


def time_of(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["timestamp"]).timestamp()

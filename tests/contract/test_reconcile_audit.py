"""The audit trail against what Commercial logged: real calls, the stand-in's own logs, the script an operator runs."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest

import reconcile_audit
from deployment import REPOSITORY
from log_reconciliation import matching
from tests.contract.commercial_clients import BEARER, NOVA_BODY, call
from tests.contract.crossings import WAYS
from tests.contract.faulty_aws import FaultyAws
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, REGION, RouterBench
from tests.fakes.commercial import CommercialStandIn

MODELS = {
    "ChatCompletions": "openai.gpt-oss-20b-1:0",
    "Responses": "openai.gpt-5.6-luna",
    "StartAsyncInvoke": "amazon.twin-made-up-video-v1:0",
}
CANARY = "XP-CANARY-prompt"
CONVERSE = f"/model/{ON_DEMAND_MODEL}/converse"
Compare = Callable[..., tuple[int, str]]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Where Commercial delivers its logs."""
    return tmp_path / "logs"


@pytest.fixture
def commercial(logs: Path) -> Iterator[CommercialStandIn]:
    """A stand-in that logs."""
    with CommercialStandIn(logs_folder=logs) as stand_in:
        yield stand_in


@pytest.fixture
def environ(bench: RouterBench, tmp_path: Path) -> dict[str, str]:
    """An operator's shell: GovCloud's table, and no Terraform."""
    inputs = {"region": REGION, "audit_table_name": bench.table, "audit_retention_days": 400}
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"application_inputs": {"value": inputs}}))
    return {"INFRASTRUCTURE_OUTPUTS": str(outputs), "AWS_ENDPOINT_URL": bench.aws_url}


@pytest.fixture
def compare(
    commercial: CommercialStandIn,
    environ: dict[str, str],
    logs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Compare:
    """Compares the last hour: the exit code, and what was printed. Logs are there at once unless the test says no."""

    def run(*locations: object, under_way_seconds: float = 0, **changes: str) -> tuple[int, str]:
        monkeypatch.setattr(matching, "UNDER_WAY_SECONDS", under_way_seconds)
        for name, value in {**environ, **changes}.items():
            monkeypatch.setenv(name, value)
        commercial.deliver_logs()
        capsys.readouterr()
        start = datetime.now(UTC) - timedelta(hours=1)
        code = reconcile_audit.main(["dev", start.isoformat(), "2999-01-01", *map(str, locations or [logs])])
        printed = capsys.readouterr().out
        assert CANARY not in printed
        return code, printed

    return run


def send_everything(bench: RouterBench) -> None:
    """Every way to cross, streams and lists among them."""
    for way in (way for way in WAYS if way.operation != "Messages"):
        answer = way.send(
            bench, MODELS.get(way.operation, ON_DEMAND_MODEL), CANARY, {"anthropic-version": "2023-06-01"}
        )
        assert answer.status == 200 or not way.runs_a_model, answer.text  # there is no such guardrail
    messages = [{"role": "user", "content": CANARY}]
    body = {"max_tokens": 8, "messages": messages}
    assert bench.invoke(PROFILE_ONLY_MODEL, body).status == 200
    version = {"headers": {"anthropic-version": "2023-06-01"}}
    for stream in (False, True):
        message = {"model": PROFILE_ONLY_MODEL, "stream": stream, **body}
        assert bench.call("POST", "/anthropic/v1/messages", message, **version).status == 200
    for path in ("/foundation-models", f"/foundation-models/{ON_DEMAND_MODEL}", "/inference-profiles", "/async-invoke"):
        assert bench.call("GET", path).status == 200
    for path in ("/bedrock/models", f"/bedrock/models/{ON_DEMAND_MODEL}"):
        assert bench.call("GET", path).status == 200


def listed(printed: str, title: str) -> list[str]:
    """The lines below a title."""
    found = re.search(rf"^{title}:\n((?:  .*\n)+)", printed, re.MULTILINE)
    return found[1].splitlines() if found else []


def remove(bench: RouterBench, record: dict[str, Any]) -> None:
    key = {name: {"S": record[name]} for name in ("requestId", "timestamp")}
    bench.dynamodb.delete_item(TableName=bench.table, Key=key)


def test_all_that_crossed_agrees_with_both_logs(bench: RouterBench, compare: Compare, logs: Path) -> None:
    send_everything(bench)
    assert bench.invoke(f"global.{PROFILE_ONLY_MODEL}").status == 403  # denied: not sent
    assert bench.invoke("no.such-model-v1:0").status == 400  # refused by Bedrock
    large = {"messages": [{"role": "user", "content": [{"text": CANARY * 10_000}]}]}
    assert bench.call("POST", CONVERSE, large).status == 200

    code, printed = compare()

    assert code == 0, printed
    assert "agreed" in printed
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    assert re.search(rf"^{day} .* 0 +0$", printed, re.MULTILINE), printed
    # By default a trail has no data events, and an invocation log has no other operations at all.
    assert "need not have: ApplyGuardrail 1, StartAsyncInvoke 1" in printed
    assert list(logs.rglob("data/*_input.json.gz"))  # the large body, which nobody opens
    assert (logs / "AWSLogs").is_dir()


@pytest.mark.parametrize("hours", [14, -12, 0])
def test_moments_of_another_time_zone_are_those_of_utc(
    bench: RouterBench, compare: Compare, logs: Path, capsys: pytest.CaptureFixture[str], hours: int
) -> None:
    """The folders that hold these moments are read, whatever the day is over there, and the heading is in UTC."""
    assert bench.invoke().status == 200
    compare()
    zone, now = timezone(timedelta(hours=hours)), datetime.now(UTC)
    start, end = ((now + timedelta(hours=by)).astimezone(zone) for by in (-1, 3))
    code = reconcile_audit.main(["dev", start.isoformat(), end.isoformat(), str(logs)])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ} to " in printed
    assert ", 2 log files" in printed


@pytest.mark.parametrize("kind", ["CloudTrail", "BedrockModelInvocationLogs"])
def test_each_log_alone_accuses_nobody_of_what_it_does_not_cover(
    bench: RouterBench, compare: Compare, logs: Path, kind: str
) -> None:
    send_everything(bench)
    compare()
    code, printed = compare(next(logs.rglob(kind)))
    assert code == 0, printed
    assert ("ListModels" in printed) is (kind == "BedrockModelInvocationLogs")
    assert listed(printed, "calls without a record") == listed(printed, "records without a call") == []


@pytest.mark.parametrize("kind", ["CloudTrail", "BedrockModelInvocationLogs"])
def test_a_call_beside_the_router_with_its_credential_is_found(
    bench: RouterBench, commercial: CommercialStandIn, compare: Compare, logs: Path, kind: str
) -> None:
    """With no audit id, with one that nobody has, and with the one of a call of the router's."""
    assert bench.invoke().status == 200
    (record,) = bench.records("InvokeModel")
    for audit_id in ("", "made-up-id", record["requestId"]):
        metadata = {"X-Amzn-Bedrock-Request-Metadata": json.dumps({"auditId": audit_id})} if audit_id else {}
        agent = {"User-Agent": f"cross-partition-router/bench audit/{audit_id}"}
        assert call(commercial, headers={**BEARER, **metadata, **agent})[0] == 200
    beside = [entry["requestId"] for entry in commercial.requests[-3:]]
    compare()

    code, printed = compare(next(logs.rglob(kind)))

    assert code == 1
    assert "DIFFERENT: 3 calls without a record, 0 records without a call" in printed
    lines = listed(printed, "calls without a record")
    assert sorted(line.split()[1] for line in lines) == sorted(beside)
    (file,) = (path for path in logs.rglob("*.json.gz") if kind in path.parts)
    assert all("InvokeModel  amazon.nova-lite-v1:0  arn:aws:iam::" in line and file.name in line for line in lines)
    assert sum("claims audit id made-up-id, which no record has" in line for line in lines) == 1
    assert sum(f"{record['requestId']}, whose record does not stand for it" in line for line in lines) == 1


def test_a_call_with_the_audit_id_of_a_denied_request_is_found(
    bench: RouterBench, commercial: CommercialStandIn, compare: Compare
) -> None:
    assert bench.invoke(f"global.{PROFILE_ONLY_MODEL}").status == 403
    (record,) = bench.records("InvokeModel")
    agent = {"User-Agent": f"cross-partition-router/bench audit/{record['requestId']}"}
    assert call(commercial, headers={**BEARER, **agent})[0] == 200
    code, printed = compare()
    assert code == 1
    (line,) = listed(printed, "calls of denied requests")
    assert f"record {record['requestId']} says that this was denied and not sent" in line
    assert "DIFFERENT: 0 calls without a record, 0 records without a call, 1 calls of denied requests" in printed


def test_in_an_account_of_many_others_are_only_counted(
    bench: RouterBench, commercial: CommercialStandIn, compare: Compare
) -> None:
    assert bench.invoke().status == 200
    call(commercial, headers=BEARER)
    assert compare(IDENTITY="arn:aws:iam::*:user/somebody-*")[0] == 0
    assert compare(IDENTITY="arn:aws:iam::*:user/router")[0] == 1


def test_a_removed_record_and_a_removed_log_are_found(bench: RouterBench, compare: Compare, logs: Path) -> None:
    for _ in range(3):
        assert bench.call("POST", CONVERSE, json.loads(NOVA_BODY)).status == 200
    first, second, _ = bench.records("Converse")
    remove(bench, first)
    compare()
    for path in (path for path in logs.rglob("*.json.gz") if "data" not in path.parts):
        lines = gzip.decompress(path.read_bytes()).decode()
        if "CloudTrail" in path.name:
            kept = [event for event in json.loads(lines)["Records"] if second["requestId"] not in event["userAgent"]]
            lines = json.dumps({"Records": kept})
        else:
            lines = "".join(line for line in lines.splitlines(True) if second["upstreamRequestId"] not in line)
        path.write_bytes(gzip.compress(lines.encode()))

    code, printed = compare()

    assert code == 1
    (orphan,) = listed(printed, "calls without a record")
    assert f"{first['upstreamRequestId']}  Converse  {ON_DEMAND_MODEL}" in orphan
    assert f"claims audit id {first['requestId']}, which no record has" in orphan
    (lost,) = listed(printed, "records without a call")
    assert f"{second['requestId']}  Converse" in lost
    assert second["upstreamRequestId"] in lost
    code, printed = compare(under_way_seconds=600)  # unless its log may still come
    assert "DIFFERENT: 1 calls without a record, 0 records without a call" in printed


def test_what_a_caller_writes_into_converse_is_not_believed(bench: RouterBench, compare: Compare, logs: Path) -> None:
    """Bedrock logs a caller's metadata: it may name another's record, and that of a call that never ended."""
    assert bench.invoke().status == 200
    (another,) = bench.records("InvokeModel")
    body = {**json.loads(NOVA_BODY), "requestMetadata": {"auditId": another["requestId"]}}
    assert bench.call("POST", CONVERSE, body).status == 200
    (own,) = bench.records("Converse")
    compare()

    code, printed = compare(next(logs.rglob("BedrockModelInvocationLogs")))

    assert code == 0, printed
    (line,) = listed(printed, "calls that name another audit id than their record's, or none")
    assert f"names {another['requestId']}  is record {own['requestId']}" in line
    remove(bench, own)
    code, printed = compare(next(logs.rglob("BedrockModelInvocationLogs")))
    assert code == 1  # although the record that it names is there


def test_what_nobody_saw_the_end_of_is_a_class_of_its_own(
    bench: RouterBench, commercial: CommercialStandIn, compare: Compare, faulty_aws: FaultyAws, logs: Path
) -> None:
    """Killed after it was sent, timed out, and never connected."""
    assert bench.invoke().status == 200
    commercial.inject("hang", match="/model/")
    assert bench.call("POST", CONVERSE, json.loads(NOVA_BODY), seconds=2.5).status == 408
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    faulty_aws.faults["UpdateItem"] = 503
    assert bench.invoke().status == 200
    faulty_aws.faults.clear()
    bench.restart(AWS_ENDPOINT_URL_BEDROCK_RUNTIME="http://127.0.0.1:9")
    assert bench.invoke().status == 502
    timed_out = bench.records("Converse")[0]["requestId"]
    killed, refused = (record["requestId"] for record in bench.records("InvokeModel")[1:])

    code, printed = compare()

    assert code == 0, printed
    title = "records whose outcome nobody knows"
    found = {line.split()[1]: line for line in listed(printed, title)}
    unfinished = {record["requestId"] for record in bench.records() if record["state"] != "COMPLETED"}
    assert found.keys() == unfinished > {timed_out, killed, refused}  # and the lists for the killed one
    assert "FAILED  UpstreamTimeout  crossed: 1 calls" in found[timed_out]
    assert "STARTED  crossed: 1 calls" in found[killed]
    assert "UpstreamConnectionError  no trace" in found[refused]

    code, printed = compare(next(logs.rglob("BedrockModelInvocationLogs")))  # which has no id of Converse's
    assert code == 0, printed
    (line,) = listed(printed, "calls that name another audit id than their record's, or none")
    assert f"probably record {timed_out}, by operation, model and time" in line
    call(commercial, headers=BEARER)  # beside the router, and no such record is taken for it
    compare()
    assert compare(next(logs.rglob("BedrockModelInvocationLogs")))[0] == 1


def test_logs_in_s3_are_read_with_the_commercial_profile(
    bench: RouterBench, compare: Compare, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.invoke().status == 200
    compare()
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    s3 = boto3.client("s3", "us-east-1", endpoint_url=bench.aws_url, **keys)
    s3.create_bucket(Bucket="commercial-logs")
    for path in logs.rglob("*.json.gz"):
        s3.upload_file(str(path), "commercial-logs", f"logs/{path.relative_to(logs)}")
    stale = "logs/AWSLogs/1/CloudTrail/us-east-1/2020/01/01/1_CloudTrail_us-east-1_20200101T0000Z_x.json.gz"
    s3.put_object(Bucket="commercial-logs", Key=stale, Body=b"not even gzip, but years old")
    config = tmp_path / "config"
    config.write_text("[profile other]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items()))
    with config.open("a") as file:
        file.write(f"endpoint_url = {bench.aws_url}\n")
    profile = {"AWS_CONFIG_FILE": str(config), "COMMERCIAL_AWS_PROFILE": "other"}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")  # speaks for GovCloud
    code, printed = compare("s3://commercial-logs/logs", **profile)
    assert code == 0, printed
    assert ", 2 log files" in printed


def operate(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/reconcile_audit.py", *arguments]
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    environ = {"PATH": os.environ["PATH"], **nowhere, **environ}
    return subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)


def test_the_script_ends_with_what_it_found(
    bench: RouterBench, commercial: CommercialStandIn, environ: dict[str, str], logs: Path
) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert bench.invoke().status == 200
    commercial.deliver_logs()
    result = operate(environ, "dev", yesterday, today, str(logs))
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert "agreed" in result.stdout
    call(commercial, headers=BEARER)
    commercial.deliver_logs()
    assert operate(environ, "dev", yesterday, today, str(logs)).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["dev", "2026-11-01"], "Usage: reconcile_audit.py"),
        (["dev", "2026-11-01", "2026-11-02", ""], "Usage: reconcile_audit.py"),
        (["dev", "2026-11-01", "9999-12-31", "."], "TO must be a day"),
        (["dev", "soon", "2999-01-01", "."], "FROM must be a day"),
        (["dev", "20261101", "2026-11-02", "."], "FROM must be a day (2026-11-23)"),
        (["dev", "2026-11-01", "20261102", "."], "TO must be a day (2026-11-23)"),
        (["dev", "2026-11-01", "2026-W48", "."], "TO must be a day (2026-11-23)"),
        (["dev", "0001-01-01T00:00+14:00", "2026-11-02", "."], "FROM must be a day"),
        (["dev", "2998-01-01", "2999-01-01", "."], "in the past"),
        (["dev", "2001-01-01", "2999-01-01", "."], "no older records"),
        (["dev", "{yesterday}", "2999-01-01", "no-such-folder"], "no-such-folder is no folder"),
        (["dev", "{yesterday}", "2999-01-01", "{empty}"], "none of the 0 files"),
        (["dev", "{yesterday}", "2999-01-01", "s3://commercial-logs/"], "COMMERCIAL_AWS_PROFILE"),
    ],
)
def test_what_was_not_compared_is_no_disagreement(
    environ: dict[str, str], tmp_path: Path, arguments: list[str], named: str
) -> None:
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    empty = tmp_path / "empty"
    empty.mkdir()
    result = operate(environ, *(part.format(yesterday=yesterday, empty=empty) for part in arguments))
    assert result.returncode == 2
    assert named in result.stderr

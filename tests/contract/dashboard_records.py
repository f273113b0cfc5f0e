"""Audit records for the tests of the dashboard, as audit.py writes them, put without a crossing; and who reads them."""

import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from inference_proxy.audit import SHARDS
from inference_proxy.models import timestamp_ms
from tests.contract.policies import policy
from tests.contract.router_bench import Answer, RouterBench, api_event

ACCOUNT = "arn:aws-us-gov:iam::123456789012"
AUDITOR, ALICE, BOB = (f"{ACCOUNT}:role/{name}" for name in ("auditor", "alice", "bob"))
WITH_AUDITOR = policy(auditors=[AUDITOR])
_STATE_OF = {"SUCCESS": "COMPLETED", "ERROR": "COMPLETED"}


def session(principal: str) -> str:
    """The ARN by which API Gateway names a session of a role."""
    return principal.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/session"


def record(number: int, moment: datetime, outcome: str = "SUCCESS", caller: str = ALICE, **more: Any) -> dict[str, Any]:
    """A record; ``more`` are further attributes, or others."""
    timestamp, request_id = timestamp_ms(moment), f"record-{number:05d}"
    day_shard = f"{timestamp[:10]}#{zlib.crc32(request_id.encode()) % SHARDS}"
    attributes = {
        "requestId": request_id,
        "timestamp": timestamp,
        "dayShard": day_shard,
        "callerDayShard": f"{caller}#{day_shard}",
        "outcomeDayShard": f"{outcome}#{day_shard}",
        "timeKey": f"{timestamp}#{request_id}",
        "ttl": int((datetime.now(UTC) + timedelta(days=30)).timestamp()),
        "operation": "InvokeModel",
        "callerArn": caller,
        "userArn": session(caller),
        "userAgent": "bench/1.0",
        "modelId": "amazon.nova-lite-v1:0",
        "classification": "public",
        "decision": "DENY" if outcome == "DENIED" else "ALLOW",
        "state": _STATE_OF.get(outcome, outcome),
        "success": outcome == "SUCCESS" if outcome != "STARTED" else None,
        "statusCode": {"SUCCESS": 200, "ERROR": 400, "DENIED": 403}.get(outcome),
        **more,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def put(bench: RouterBench, records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put records into the table and return them, newest first."""
    records = sorted(records, key=lambda each: str(each["timeKey"]), reverse=True)
    for first in range(0, len(records), 25):
        puts = [{"PutRequest": {"Item": _item(each)}} for each in records[first : first + 25]]
        assert not bench.dynamodb.batch_write_item(RequestItems={bench.table: puts})["UnprocessedItems"]
    return records


def ids(records: Iterable[dict[str, Any]]) -> list[str]:
    return [each["requestId"] for each in records]


def ask(bench: RouterBench, path: str, principal: str, accept: str = "*/*", **query: str) -> Answer:
    """GET a path of the dashboard as somebody."""
    event = api_event("GET", path)
    identity = {**event["requestContext"]["identity"], "userArn": session(principal)}
    changes = {
        "requestContext": {**event["requestContext"], "identity": identity},
        "headers": {"Host": "api.example", "Accept": accept},
    }
    return bench.call("GET", path, query=query, **changes)


def requests(bench: RouterBench, principal: str = AUDITOR, **query: str) -> dict[str, Any]:
    """One page."""
    answer = ask(bench, "/dashboard/requests", principal, **query)
    assert answer.status == 200, answer.text
    document: dict[str, Any] = answer.json
    return document


def pages(bench: RouterBench, principal: str = AUDITOR, **query: str) -> Iterator[dict[str, Any]]:
    """All pages."""
    cursor: dict[str, str] = {}
    while True:
        page = requests(bench, principal, **query, **cursor)
        yield page
        if "nextCursor" not in page:
            return
        assert page["nextCursor"] != cursor.get("cursor")
        cursor = {"cursor": page["nextCursor"]}


def _item(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"BOOL": value}
        if isinstance(value, bool)
        else {"N": str(value)}
        if isinstance(value, int)
        else {"S": value}
        for name, value in attributes.items()
    }

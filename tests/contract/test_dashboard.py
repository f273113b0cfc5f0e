"""GET /dashboard/requests and GET /health over real sockets."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inference_proxy.audit import SHARDS
from tests.contract.conftest import MakeBench
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.fakes.commercial import CommercialStandIn


def test_health_sends_nothing_upstream(bench: RouterBench, commercial: CommercialStandIn) -> None:
    answer = bench.call("GET", "/health")
    assert (answer.status, answer.json["status"], answer.json["release"]) == (200, "ok", "bench")
    assert answer.json["checks"] == {"auditTable": "ok", "credential": "ok"}
    assert commercial.requests == []


def test_health_names_what_is_wrong(make_bench: MakeBench) -> None:
    bench = make_bench("not json")
    bench.restart(AUDIT_TABLE_NAME="no-such-table")
    answer = bench.call("GET", "/health")
    assert answer.status == 503
    assert answer.json["checks"] == {"auditTable": "AuditUnavailable", "credential": "CredentialsMalformed"}


def requests(bench: RouterBench, **query: str) -> dict[str, Any]:
    answer = bench.call("GET", "/dashboard/requests", query=query)
    assert answer.status == 200, answer.text
    return answer.json


def test_dashboard_shows_what_happened_newest_first(bench: RouterBench) -> None:
    """[16] [17] the original advertised it and never built it."""
    bench.invoke()
    bench.invoke("no.such-model-v1:0")

    page = requests(bench)

    assert page["totalCount"] == len(page["requests"]) == 3  # the lists were a crossing as well
    assert [record["modelId"] for record in page["requests"][:2]] == ["no.such-model-v1:0", ON_DEMAND_MODEL]
    newest = page["requests"][0]
    assert newest["sourcePartition"] == "govcloud"
    assert newest["success"] is False
    assert isinstance(newest["latency"], int)
    assert isinstance(newest["requestSize"], int)
    assert page["filters"]["partition"] == "all"
    assert page["filters"]["timeRange"] == "24h"
    assert page["filters"]["success"] == "all"
    assert "XP-CANARY" not in json.dumps(page)


def test_dashboard_filters(bench: RouterBench) -> None:
    bench.invoke()
    bench.invoke("no.such-model-v1:0")
    bench.invoke(f"global.{PROFILE_ONLY_MODEL}")

    def models(**query: str) -> list[str | None]:
        return [record.get("modelId") for record in requests(bench, **query)["requests"]]

    unknown, denied = "no.such-model-v1:0", f"global.{PROFILE_ONLY_MODEL}"
    assert models(success="true") == [ON_DEMAND_MODEL, None]
    assert models(success="false") == [denied, unknown]
    assert models(state="COMPLETED", success="false") == [unknown]
    assert models(state="DENIED") == models(status="denied") == models(status="403") == [denied]
    assert models(status="400") == models(status="error") == [unknown]
    assert models(state="DENIED", success="true") == models(state="STARTED") == []
    assert models(modelId=unknown) == [unknown]
    assert models(partition="govcloud") == []
    assert len(models(partition="commercial")) == 4


def put_records(bench: RouterBench, moments: list[datetime], padding: str = "-") -> list[str]:
    """Finished records at given moments, in all shards; returns their keys, newest first."""
    keys = []
    for number, moment in enumerate(moments):
        timestamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        request_id = f"record-{number:05d}"
        day_shard = f"{timestamp[:10]}#{number % SHARDS}"
        keys.append(f"{timestamp}#{request_id}")
        bench.dynamodb.put_item(
            TableName=bench.table,
            Item={
                "requestId": {"S": request_id},
                "timestamp": {"S": timestamp},
                "dayShard": {"S": day_shard},
                "outcomeDayShard": {"S": f"SUCCESS#{day_shard}"},
                "timeKey": {"S": keys[-1]},
                "ttl": {"N": str(int(datetime.now(UTC).timestamp()) + 1000)},
                "operation": {"S": "InvokeModel"},
                "padding": {"S": padding},
            },
        )
    return sorted(keys, reverse=True)


@pytest.mark.parametrize("success", ["all", "true"])
def test_paging_is_complete_and_stable_while_records_come_in(bench: RouterBench, success: str) -> None:
    now = datetime.now(UTC) - timedelta(seconds=5)
    # Several days, and several records in one millisecond.
    moments = [now - timedelta(hours=7 * (number // 3)) for number in range(60)]
    expected = put_records(bench, moments)
    seen, cursor, pages = [], None, 0
    while True:
        page = requests(bench, timeRange="30d", success=success, limit="7", **({"cursor": cursor} if cursor else {}))
        seen += [f"{record['timestamp']}#{record['requestId']}" for record in page["requests"]]
        pages += 1
        cursor = page.get("nextCursor")
        if not cursor:
            break
        if pages == 1:
            assert page["totalCount"] == 60
            assert page["totalCountIsExact"] is True
            bench.invoke()  # newer than the first page: must not shift the rest
    assert seen == expected
    assert pages == 9


def test_time_range_includes_its_ends(bench: RouterBench) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    put_records(bench, [noon - timedelta(milliseconds=1), noon, noon + timedelta(hours=36)])
    window = {"from": "2026-11-20T12:00:00Z", "to": "2026-11-22T00:00:00.000Z"}
    assert [record["requestId"] for record in requests(bench, **window)["requests"]] == ["record-00002", "record-00001"]
    assert (
        requests(bench, **(window | {"from": "2026-11-20T13:00:00+01:00", "to": "2026-11-20T12:00:00"}))["totalCount"]
        == 1
    )


def test_expired_records_are_not_shown_although_ttl_has_not_deleted_them(bench: RouterBench) -> None:
    bench.restart(AUDIT_RETENTION_DAYS="1")
    bench.invoke()
    for record in bench.records():
        key = {name: {"S": record[name]} for name in ("requestId", "timestamp")}
        bench.dynamodb.update_item(
            TableName=bench.table,
            Key=key,
            UpdateExpression="SET #t = :past",
            ExpressionAttributeNames={"#t": "ttl"},
            ExpressionAttributeValues={":past": {"N": "1"}},
        )
    assert requests(bench)["requests"] == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"timeRange": "2h"}, "1h, 24h, 7d, 30d"),
        ({"timeRange": "1h", "from": "2026-11-20"}, "either"),
        ({"from": "yesterday"}, "`from`"),
        ({"from": "2026-11-21", "to": "2026-11-20"}, "`from`"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "`from`"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "366"),
        ({"to": "0001-01-01T00:00:00Z"}, "`to`"),
        ({"from": "0001-01-01", "to": "2026-01-02"}, "`from`"),
        ({"to": "9999-12-31"}, "`to`"),
        ({"success": "yes"}, "all, true, false"),
        ({"state": "DONE"}, "STARTED, COMPLETED, FAILED, DENIED"),
        ({"status": "99"}, "100 to 599"),
        ({"limit": "0"}, "1 to 200"),
        ({"limit": "201"}, "1 to 200"),
        ({"limit": "٣"}, "1 to 200"),
        ({"cursor": "!"}, "`cursor`"),
        ({"cursor": "é"}, "`cursor`"),
        ({"cursor": "MjAyNi05OS05OVQwMDowMDowMC4wMDBaI3JlY29yZC0wMDAwMQ"}, "`cursor`"),  # the 99th of the 99th month
        ({"partition": "moon"}, "all, commercial, govcloud"),
        ({"colour": "red"}, "timeRange"),
    ],
)
def test_filters_that_make_no_sense_are_named(bench: RouterBench, query: dict[str, str], named: str) -> None:
    answer = bench.call("GET", "/dashboard/requests", query=query)
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
    assert named in answer.error["message"]


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59.999Z#aaaaaaaa|2026-11-22T00:00:00.000Z|2026-11-22T01:00:00.000Z",
        "2026-11-22T00:30:00.000Z#aaaaaaaa|2001-01-01T00:00:00.000Z|2026-11-22T01:00:00.000Z",
        "2026-11-22T00:30:00.000Z#aaaaaaaa|2026-11-22T01:00:00.000Z|2026-11-22T00:00:00.000Z",
        "2026-11-22T00:30:00.000Z#aaaaaaaa|2026-11-22T01:00:00.000|2026-11-22T02:00:00.000Z",
        "2026-11-22T00:30:00.000Z#aaaaaaaa",
    ],
)
def test_a_forged_cursor_is_refused(bench: RouterBench, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode()
    answer = bench.call("GET", "/dashboard/requests", query={"cursor": cursor})
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")


def test_the_total_counts_every_record_once_and_never_less_than_the_page(bench: RouterBench) -> None:
    now = datetime.now(UTC) - timedelta(minutes=5)
    put_records(bench, [now - timedelta(seconds=number) for number in range(230)], padding="x" * 20_000)
    page = requests(bench, timeRange="24h", limit="5")
    assert (page["totalCount"], page["totalCountIsExact"]) == (230, True)  # several 1 MB pages a shard


def test_a_parameter_given_twice_is_refused(bench: RouterBench) -> None:
    twice = {"multiValueQueryStringParameters": {"limit": ["1", "2"]}}
    assert bench.call("GET", "/dashboard/requests", **twice).status == 400

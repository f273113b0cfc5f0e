"""GET /dashboard/requests and /dashboard/requests/{requestId} over real sockets: what they show, how it is filtered."""

import base64
import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from inference_proxy import audit_query
from inference_proxy.operations.dashboard_cursor import question
from tests.contract.conftest import MakeBench
from tests.contract.dashboard_records import ALICE, AUDITOR, BOB, WITH_AUDITOR, ask, ids, pages, put, record, requests
from tests.contract.policies import POLICY
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.fakes.commercial import CommercialStandIn

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LABELS = ("public", "internal")
DEVELOPER = "arn:aws-us-gov:iam::123456789012:role/developer"  # who calls where a test names nobody


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is not cut short where the machine is busy."""
    monkeypatch.setattr(audit_query, "_READING_SECONDS", 25.0)


@pytest.fixture
def audited(bench: RouterBench) -> RouterBench:
    """A router whose policy has an auditor."""
    bench.under(WITH_AUDITOR)
    return bench


def test_health_sends_nothing_upstream(bench: RouterBench, commercial: CommercialStandIn) -> None:
    answer = bench.call("GET", "/health")
    assert (answer.status, answer.json["status"], answer.json["release"]) == (200, "ok", "bench")
    assert answer.json["checks"] == {"auditTable": "ok", "credential": "ok", "policy": "ok"}
    assert answer.json["policyVersion"] == bench.put_policy(POLICY)
    assert commercial.requests == []


def test_health_names_what_is_wrong(make_bench: MakeBench) -> None:
    bench = make_bench("not json")
    bench.restart(AUDIT_TABLE_NAME="no-such-table", POLICY_TABLE_NAME="no-such-table")
    answer = bench.call("GET", "/health")
    assert answer.status == 503
    assert answer.json["checks"] == {
        "auditTable": "AuditUnavailable",
        "credential": "CredentialsMalformed",
        "policy": "ResourceNotFoundException",
    }


def test_dashboard_shows_what_happened_newest_first(bench: RouterBench) -> None:
    """[16] [17] the original advertised it and never built it."""
    bench.invoke()
    bench.invoke("no.such-model-v1:0")

    page = requests(bench, DEVELOPER)

    assert page["totalCount"] == len(page["requests"]) == 3  # the lists were a crossing as well
    assert [each["modelId"] for each in page["requests"][:2]] == ["no.such-model-v1:0", ON_DEMAND_MODEL]
    newest = page["requests"][0]
    assert newest["sourcePartition"] == "govcloud"
    assert newest["success"] is False
    assert isinstance(newest["latency"], int)
    assert isinstance(newest["requestSize"], int)
    assert newest.keys().isdisjoint({"dayShard", "callerDayShard", "outcomeDayShard", "timeKey", "ttl"})
    assert page["filters"]["partition"] == "all"
    assert page["filters"]["timeRange"] == "24h"
    assert page["filters"]["success"] == "all"
    assert page["filters"]["caller"] == DEVELOPER
    assert "XP-CANARY" not in json.dumps(page)
    for shown in page["requests"]:
        assert ask(bench, f"/dashboard/requests/{shown['requestId']}", DEVELOPER).json == {"request": shown}


@pytest.mark.parametrize("sees_all", [True, False])
def test_every_filter_finds_what_really_happened(bench: RouterBench, sees_all: bool) -> None:
    """By the indexes of outcome and time, and by that of the caller."""
    bench.under({**WITH_AUDITOR, "auditors": [DEVELOPER] if sees_all else []})
    bench.invoke()
    bench.invoke("no.such-model-v1:0")
    bench.invoke(f"global.{PROFILE_ONLY_MODEL}")

    def models(**query: str) -> list[str | None]:
        return [each.get("modelId") for each in requests(bench, DEVELOPER, **query)["requests"]]

    unknown, denied = "no.such-model-v1:0", f"global.{PROFILE_ONLY_MODEL}"
    assert models(success="true") == [ON_DEMAND_MODEL, None]
    assert models(success="false") == [denied, unknown]
    assert models(state="COMPLETED") == [unknown, ON_DEMAND_MODEL, None]
    assert models(state="COMPLETED", success="false") == [unknown]
    assert models(state="DENIED") == models(status="denied") == models(status="403") == [denied]
    assert models(decision="DENY") == [denied]
    assert models(decision="ALLOW", success="false") == models(status="400") == models(status="error") == [unknown]
    assert models(state="STARTED") == models(state="ABANDONED") == models(success="true", model=denied) == []
    assert models(status="200") == [ON_DEMAND_MODEL, None]
    assert models(model=unknown) == models(modelId=unknown) == [unknown]
    assert models(model=PROFILE_ONLY_MODEL) == [denied]  # the foundation model behind the profile
    assert models(classification="public") == [denied, unknown, ON_DEMAND_MODEL]
    assert models(classification="internal") == []
    assert models(partition="govcloud") == []
    assert models(caller=DEVELOPER) == models(partition="commercial") == models()
    assert len(models()) == 4


def test_an_auditor_filters_by_caller_and_anything_else_together(audited: RouterBench) -> None:
    kinds = product(("STARTED", "SUCCESS", "ERROR", "DENIED", "ABANDONED"), (ALICE, BOB), ("one", "two"), LABELS)
    records = [
        record(
            number,
            NOON + timedelta(minutes=number),
            outcome,
            caller,
            modelId=f"alias-{number}",
            resolvedModelId=f"us.{model}",
            foundationModelId=model,
            classification=label,
        )
        for number, (outcome, caller, model, label) in enumerate(kinds)
    ]
    put(audited, records)
    day = {"from": "2026-11-20", "to": "2026-11-21"}

    def count(**query: str) -> int:
        page = requests(audited, **day, **query)
        assert page["totalCount"] == len(page["requests"])
        assert page["totalCountIsExact"] is True
        return len(page["requests"])

    assert count() == 40
    assert count(caller=BOB) == 20
    assert count(caller=BOB, model="one") == 10
    assert count(caller=BOB, model="us.one", classification="internal") == 5
    assert count(caller=BOB, model="one", success="false") == 6
    assert count(caller=BOB, state="ABANDONED") == count(caller=BOB, status="abandoned") == 4
    assert count(model="alias-7") == 1
    assert count(state="ABANDONED", classification="public", model="two") == 2
    assert count(success="false") == 24
    assert count(success="true", model="three", caller=ALICE, decision="ALLOW") == 0
    assert count(caller="arn:aws-us-gov:iam::123456789012:role/nobody") == 0


@pytest.mark.parametrize("success", ["all", "true"])
@pytest.mark.parametrize("principal", [AUDITOR, ALICE])
def test_paging_is_complete_and_stable_while_records_come_in(
    audited: RouterBench, success: str, principal: str
) -> None:
    now = datetime.now(UTC) - timedelta(seconds=5)
    # Several days, and several records in one millisecond.
    moments = [now - timedelta(hours=7 * (number // 3)) for number in range(60)]
    expected = ids(put(audited, [record(number, moment) for number, moment in enumerate(moments)]))
    seen: list[str] = []
    for number, page in enumerate(pages(audited, principal, timeRange="30d", success=success, limit="7")):
        seen += ids(page["requests"])
        assert (page["totalCount"], page["totalCountIsExact"]) == (60, True)
        # Newer than the first page: must not shift the rest.
        put(audited, [record(1000 + number, datetime.now(UTC))])
    assert seen == expected
    assert number == 8


def test_a_record_that_ends_while_somebody_pages_is_shown_once_as_it_is_then(audited: RouterBench) -> None:
    put(audited, [record(number, NOON + timedelta(minutes=number), "STARTED") for number in range(9)])
    day = {"from": "2026-11-20", "to": "2026-11-21", "limit": "5"}
    first = requests(audited, **day, state="STARTED")
    # Two of those that the second page is to hold.
    put(audited, [record(number, NOON + timedelta(minutes=number), "ERROR") for number in (1, 2)])
    second = requests(audited, **day, state="STARTED", cursor=first["nextCursor"])
    assert ids(first["requests"] + second["requests"]) == [f"record-0000{number}" for number in (8, 7, 6, 5, 4, 3, 0)]
    now = requests(audited, **{**day, "limit": "9"})["requests"]
    assert [each["state"] for each in now].count("COMPLETED") == 2


def test_time_range_includes_its_ends(audited: RouterBench) -> None:
    moments = [NOON - timedelta(milliseconds=1), NOON, NOON + timedelta(hours=36)]
    put(audited, [record(number, moment) for number, moment in enumerate(moments)])
    window = {"from": "2026-11-20T12:00:00Z", "to": "2026-11-22T00:00:00.000Z"}
    assert ids(requests(audited, **window)["requests"]) == ["record-00002", "record-00001"]
    window |= {"from": "2026-11-20T13:00:00+01:00", "to": "2026-11-20T12:00:00"}
    assert requests(audited, **window)["totalCount"] == 1


def test_expired_records_are_not_shown_although_ttl_has_not_deleted_them(audited: RouterBench) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=1)
    put(audited, [record(1, moment, ttl=1), record(2, moment)])
    for principal in (AUDITOR, ALICE):
        assert ids(requests(audited, principal)["requests"]) == ["record-00002"]
        assert ids(requests(audited, principal, success="true")["requests"]) == ["record-00002"]
        assert ask(audited, "/dashboard/requests/record-00001", principal).status == 404
        assert ask(audited, "/dashboard/requests/record-00002", principal).status == 200


@pytest.mark.parametrize("request_id", ["no-such-record", "x", "%23", "a" * 3000, "récord-00001"])
def test_an_id_without_a_record_is_not_found(audited: RouterBench, request_id: str) -> None:
    put(audited, [record(1, datetime.now(UTC))])
    answer = ask(audited, f"/dashboard/requests/{request_id}", AUDITOR)
    assert (answer.status, answer.error["code"]) in [(404, "RecordNotFound"), (404, "RouteNotFound")]


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
        ({"state": "DONE"}, "STARTED, COMPLETED, FAILED, DENIED, ABANDONED"),
        ({"status": "99"}, "100 to 599, or one of started, success, error, denied, abandoned"),
        ({"status": "0200"}, "100 to 599"),
        ({"success": "true", "state": "STARTED"}, "`success`, `state` contradict each other"),
        ({"success": "false", "state": "STARTED"}, "`success`, `state` contradict each other"),
        ({"status": "success", "state": "DENIED"}, "`state`, `status` contradict each other"),
        ({"status": "200", "state": "DENIED"}, "`state`, `status` contradict each other"),
        ({"success": "true", "decision": "DENY"}, "`success`, `decision` contradict each other"),
        (
            {"state": "DENIED", "decision": "ALLOW", "partition": "govcloud"},
            "`state`, `decision` contradict each other",
        ),
        ({"decision": "maybe"}, "ALLOW, DENY"),
        ({"decision": ""}, "ALLOW, DENY"),
        ({"model": ""}, "`model`"),
        ({"modelId": "x" * 641}, "`modelId`"),
        ({"model": "a", "modelId": "a"}, "either"),
        ({"classification": "a\nb"}, "`classification`"),
        ({"caller": "\ud800"}, "`caller`"),
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
def test_filters_that_make_no_sense_are_named(audited: RouterBench, query: dict[str, str], named: str) -> None:
    answer = ask(audited, "/dashboard/requests", AUDITOR, **query)
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
    assert named in answer.error["message"]


WINDOW = "2026-11-22T00:00:00.000Z|2026-11-22T01:00:00.000Z"
ANYTHING = question({}, None)


@pytest.mark.parametrize(
    "text",
    [
        f"9999-12-31T23:59:59.999Z#aaaaaaaa|{WINDOW}|1|1|exact|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|2001-01-01T00:00:00.000Z|2026-11-22T01:00:00.000Z|1|1|exact|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|2026-11-22T01:00:00.000Z|2026-11-22T00:00:00.000Z|1|1|exact|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|2026-11-22T01:00:00.000|2026-11-22T02:00:00.000Z|1|1|exact|{ANYTHING}",
        f"9999-07-01T00:00:00.000Z#aaaaaaaa|9999-06-01T00:00:00Z|9999-12-31T23:59:59-12:00|1|1|exact|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|2026-11-22T01:00:00.000+01:00|2026-11-22T01:00:00.000Z|1|1|exact|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|2026-11-22|2026-11-23|1|1|exact|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|{WINDOW}|-1|1|exact|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|{WINDOW}|1|1|about|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|{WINDOW}|{ANYTHING}",
        f"2026-11-22T00:30:00.000Z#aaaaaaaa|{WINDOW}|1|1|exact",  # an older release's
    ],
)
def test_a_forged_cursor_is_refused(audited: RouterBench, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode()
    answer = ask(audited, "/dashboard/requests", AUDITOR, cursor=cursor)
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
    assert "leave it out to begin again" in answer.error["message"]


DAY = {"from": "2026-11-20", "to": "2026-11-21"}


@pytest.mark.parametrize(
    "others",
    [
        {"state": "COMPLETED"},
        {"success": "true"},
        {"model": "amazon.nova-lite-v1:0"},
        {"caller": ALICE},
        {"partition": "govcloud"},
        {"to": "2026-11-22"},
        {"classification": "public"},
    ],
    ids=lambda query: next(iter(query)),
)
@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_a_cursor_is_for_the_question_that_it_came_from(
    audited: RouterBench, accept: str, others: dict[str, str]
) -> None:
    """What it says was counted is not what another question would have to count."""
    put(audited, [record(number, NOON + timedelta(minutes=number)) for number in range(4)])
    cursor = {"limit": "1", "cursor": requests(audited, **DAY, limit="2")["nextCursor"]}
    assert ask(audited, "/dashboard/requests", AUDITOR, accept, **DAY, **cursor).status == 200
    answer = ask(audited, "/dashboard/requests", AUDITOR, accept, **{**DAY, **others}, **cursor)
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
    assert "leave it out to begin again" in answer.error["message"]
    assert ask(audited, "/dashboard/requests", ALICE, accept, **DAY, **cursor).status == 400


def test_an_operation_without_parameters_says_so(audited: RouterBench) -> None:
    answer = ask(audited, "/dashboard/requests/record-00001", AUDITOR, x="1")
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
    assert answer.error["message"].endswith("this operation takes none")


def test_a_parameter_given_twice_is_refused(bench: RouterBench) -> None:
    twice: dict[str, Any] = {"multiValueQueryStringParameters": {"limit": ["1", "2"]}}
    assert bench.call("GET", "/dashboard/requests", **twice).status == 400


def test_a_table_that_cannot_be_read_is_no_empty_answer(audited: RouterBench) -> None:
    audited.restart(AUDIT_TABLE_NAME="no-such-table")
    for path in ("/dashboard/requests", "/dashboard/requests/record-00001"):
        answer = ask(audited, path, AUDITOR)
        assert (answer.status, answer.error["code"]) == (503, "AuditUnavailable")
        assert answer.headers["Retry-After"] == "5"

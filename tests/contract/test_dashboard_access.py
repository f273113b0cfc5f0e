"""Who sees what of the audit trail: nobody but an auditor sees another's record, whatever is asked and however."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from inference_proxy import audit_query
from inference_proxy.operations.dashboard_cursor import question
from tests.contract.dashboard_records import (
    ACCOUNT,
    ALICE,
    AUDITOR,
    BOB,
    WITH_AUDITOR,
    ask,
    ids,
    pages,
    put,
    record,
    requests,
)
from tests.contract.router_bench import RouterBench
from tests.fakes.commercial_auth import API_KEY

MORNING = datetime(2026, 11, 20, 8, tzinfo=UTC)
CALLERS = (ALICE, BOB, f"{ALICE}#2026-11-20", f"{ACCOUNT}:role/alic", AUDITOR)
OUTCOMES = ("STARTED", "SUCCESS", "ERROR", "DENIED", "ABANDONED")
MODELS, LABELS = ("one", "two"), ("public", "internal")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is not cut short where the machine is busy."""
    monkeypatch.setattr(audit_query, "_READING_SECONDS", 25.0)


@pytest.fixture(scope="module")
def trail(aws_url: str) -> Iterator[tuple[RouterBench, list[dict[str, Any]]]]:
    """A router with an auditor, and 120 records of several callers, interleaved over three days."""
    bench = RouterBench(aws_url, "http://127.0.0.1:9", {"bedrock_api_key": API_KEY, "region": "us-east-1"})
    bench.under(WITH_AUDITOR)
    chance = Random(7)  # noqa: S311 - test data
    drawn = [
        record(
            number,
            MORNING + timedelta(minutes=30 * (number // 2)),
            chance.choice(OUTCOMES),
            chance.choice(CALLERS),
            modelId=chance.choice(MODELS),
            classification=chance.choice(LABELS),
        )
        for number in range(120)
    ]
    yield bench, put(bench, drawn)
    bench.close()


def drawn_query(chance: Random, records: list[dict[str, Any]], asking: str) -> dict[str, str]:
    """Any filters; a cursor may be made up from a record of somebody else's."""
    start = MORNING + timedelta(hours=chance.randint(-5, 40))
    known = chance.choice(records)
    all_filters = {
        "success": chance.choice(("all", "true", "false")),
        "state": chance.choice(("STARTED", "COMPLETED", "FAILED", "DENIED", "ABANDONED")),
        "status": chance.choice(("200", "400", "403", "started", "success", "error", "denied", "abandoned")),
        "partition": chance.choice(("all", "commercial", "govcloud")),
        "model": chance.choice(MODELS),
        "classification": chance.choice(LABELS),
        "decision": chance.choice(("ALLOW", "DENY")),
        "caller": chance.choice(CALLERS),
        "limit": str(chance.choice((1, 3, 50, 200))),
        "cursor": "",
    }
    chosen = chance.sample(sorted(all_filters), chance.choice((0, 1, 2, 2, 3)))
    chosen += ["caller"] * (chance.random() < 1 / 3)
    period = {"from": start.isoformat(), "to": (start + timedelta(hours=chance.choice((1, 12, 72)))).isoformat()}
    query = {**period, **{name: all_filters[name] for name in chosen}}
    if "cursor" in query:
        forged = f"{known['timeKey']}|2026-11-20T00:00:00.000Z|2026-11-24T00:00:00.000Z|1|1|least"
        forged += f"|{question(query, asking)}"
        query["cursor"] = base64.urlsafe_b64encode(forged.encode()).decode().rstrip("=")
    return query


def test_no_parameter_cursor_or_format_shows_another_callers_record(
    trail: tuple[RouterBench, list[dict[str, Any]]],
) -> None:
    bench, records = trail
    owner_of = {each["requestId"]: each["callerArn"] for each in records}
    shown, refused = 0, 0

    @settings(max_examples=100, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(st.randoms(use_true_random=True))
    def look(chance: Random) -> None:
        nonlocal shown, refused
        asking = chance.choice([caller for caller in CALLERS if caller != AUDITOR])
        query = drawn_query(chance, records, asking)
        accept = chance.choice(("application/json", "text/csv"))
        answer = ask(bench, "/dashboard/requests", asking, accept, **query)
        if query.get("caller", asking) != asking:
            assert (answer.status, answer.error["code"]) == (403, "PolicyDenied")
            assert "auditors" in answer.error["message"]
            refused += 1
            return
        assert answer.status in (200, 400), answer.text  # 400: filters that contradict each other
        following = answer.headers.get("X-Next-Cursor", "")
        if accept == "application/json" and answer.status == 200:
            following = answer.json.get("nextCursor", "")
            assert answer.json["totalCount"] <= sum(owner == asking for owner in owner_of.values())
        place = base64.urlsafe_b64decode(following + "=" * (-len(following) % 4)).decode()
        for request_id, owner in owner_of.items():
            if owner == asking:
                shown += request_id in answer.text
            else:
                assert request_id not in answer.text, (asking, query)
                assert request_id not in place, (asking, query)

    look()
    assert min(shown, refused) > 10


def test_what_is_shown_is_complete(trail: tuple[RouterBench, list[dict[str, Any]]]) -> None:
    bench, records = trail
    period = {"from": "2026-11-20", "to": "2026-11-24"}
    everything = [request_id for page in pages(bench, AUDITOR, **period) for request_id in ids(page["requests"])]
    assert everything == ids(records)
    for caller in CALLERS:
        own = [each for each in records if each["callerArn"] == caller]
        if caller != AUDITOR:
            assert ids(each for page in pages(bench, caller, **period) for each in page["requests"]) == ids(own)
        by_auditor = pages(bench, AUDITOR, caller=caller, **period)
        assert ids(each for page in by_auditor for each in page["requests"]) == ids(own)


def test_an_id_opens_only_ones_own_record_and_tells_nothing_of_others(
    trail: tuple[RouterBench, list[dict[str, Any]]],
) -> None:
    bench, records = trail
    unknown = ask(bench, "/dashboard/requests/no-such-record", ALICE)
    for each in records[:30]:
        path = f"/dashboard/requests/{each['requestId']}"
        assert ask(bench, path, AUDITOR).json["request"]["callerArn"] == each["callerArn"]
        answer = ask(bench, path, ALICE)
        if each["callerArn"] == ALICE:
            assert answer.json["request"]["requestId"] == each["requestId"]
        else:
            assert (answer.status, answer.error["code"]) == (404, "RecordNotFound")
            assert answer.error["message"] == unknown.error["message"]
            assert answer.headers.keys() == unknown.headers.keys()


def test_without_a_policy_everybody_sees_their_own_only(bench: RouterBench) -> None:
    put(bench, [record(1, MORNING, caller=AUDITOR), record(2, MORNING, caller=ALICE)])
    bench.dynamodb.delete_item(TableName=bench.policy_table, Key={"name": {"S": "boundary"}})
    bench.restart()
    day = {"from": "2026-11-20", "to": "2026-11-21"}
    assert ids(requests(bench, AUDITOR, **day)["requests"]) == ["record-00001"]
    assert ask(bench, "/dashboard/requests", AUDITOR, caller=ALICE).status == 403
    assert ask(bench, "/dashboard/requests/record-00002", AUDITOR).status == 404


def test_who_is_no_auditor_any_more_sees_no_others(bench: RouterBench) -> None:
    put(bench, [record(1, MORNING, caller=AUDITOR), record(2, MORNING, caller=ALICE)])
    day = {"from": "2026-11-20", "to": "2026-11-21", "limit": "1"}
    bench.under(WITH_AUDITOR)
    first = requests(bench, AUDITOR, **day)
    assert ids(first["requests"]) == ["record-00002"]
    bench.under({**WITH_AUDITOR, "auditors": []})
    assert ask(bench, "/dashboard/requests", AUDITOR, **day, cursor=first["nextCursor"]).status == 400
    now = requests(bench, AUDITOR, **day)
    assert {each["callerArn"] for each in now["requests"]} == {AUDITOR}
    assert "record-00002" not in json.dumps(now)

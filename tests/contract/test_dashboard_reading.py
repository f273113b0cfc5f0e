"""What the dashboard reads for a page: no more than it says, and still every record once, whatever the filter."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from inference_proxy import audit_query
from inference_proxy.audit import SHARDS
from tests.contract.dashboard_records import ALICE, AUDITOR, BOB, WITH_AUDITOR, ask, ids, pages, put, record, requests
from tests.contract.faulty_aws import FaultyAws
from tests.contract.router_bench import RouterBench
from tests.fakes.commercial_auth import API_KEY

MORNING = datetime(2026, 11, 20, 8, tzinfo=UTC)
PERIOD = {"from": "2026-11-19", "to": "2026-11-24"}
BOUND = 24  # index items: two for each partition of three outcomes
OUTCOMES = ("STARTED", "SUCCESS", "ERROR", "DENIED", "ABANDONED")


class MeasuredAws(FaultyAws):
    """Counts the items that queries read, and reads at most so many keys of a batch."""

    def __init__(self, target_url: str) -> None:
        super().__init__(target_url)
        self.items_read = 0
        self.batch_keys = 100

    def forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body)
        unread: dict[str, Any] = {}
        if "RequestItems" in asked:
            for table, wanted in asked["RequestItems"].items():
                if len(wanted["Keys"]) > self.batch_keys:
                    unread[table] = {**wanted, "Keys": wanted["Keys"][self.batch_keys :]}
                wanted["Keys"] = wanted["Keys"][: self.batch_keys]
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
            if not self.batch_keys:
                return 200, json.dumps({"Responses": {}, "UnprocessedKeys": unread}).encode()
        status, answer = super().forward(headers, json.dumps(asked).encode() if unread else body)
        document = json.loads(answer)
        self.items_read += document.get("ScannedCount", 0)
        return status, json.dumps({**document, "UnprocessedKeys": unread}).encode() if unread else answer


@pytest.fixture(scope="module")
def measured(aws_url: str) -> Iterator[MeasuredAws]:
    with MeasuredAws(aws_url).running() as server:
        yield server


@pytest.fixture(scope="module")
def trail(aws_url: str, measured: MeasuredAws) -> Iterator[tuple[RouterBench, list[dict[str, Any]]]]:
    """A router with an auditor, and records of all kinds: few a day, and many in an hour."""
    bench = RouterBench(aws_url, "http://127.0.0.1:9", {"bedrock_api_key": API_KEY, "region": "us-east-1"})
    bench.under(WITH_AUDITOR)
    bench.restart(AWS_ENDPOINT_URL=measured.url)
    chance = Random(3)  # noqa: S311 - test data
    moments = [MORNING + timedelta(hours=10 * number) for number in range(8)]
    moments += [MORNING + timedelta(hours=50, seconds=30 * (number // 2)) for number in range(52)]
    drawn = [
        record(
            number,
            moment,
            chance.choice((*OUTCOMES, "SUCCESS", "SUCCESS")),
            chance.choice((ALICE, ALICE, BOB)),
            modelId=chance.choice(("one", "one", "one", "two")),
            classification=chance.choice(("public", "internal")),
        )
        for number, moment in enumerate(moments)
    ]
    yield bench, put(bench, drawn)
    bench.close()


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that these few records reach."""
    for name in ("_MOST_ITEMS", "_MOST_ITEMS_WITH_RECORDS", "_MOST_ITEMS_COUNTED"):
        monkeypatch.setattr(audit_query, name, BOUND)


# By parameter: its values, and what they mean for a record.
FILTERS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any], str], bool]]] = {
    "success": (("true", "false"), lambda each, value: str(each.get("success", "")).lower() == value),
    "state": (
        ("STARTED", "COMPLETED", "DENIED", "ABANDONED", "FAILED"),
        lambda each, value: bool(each["state"] == value),
    ),
    "status": (("200", "400", "403", "418"), lambda each, value: bool(each.get("statusCode") == int(value))),
    "model": (("one", "two", "three"), lambda each, value: bool(each["modelId"] == value)),
    "classification": (("public", "internal", "secret"), lambda each, value: bool(each["classification"] == value)),
    "decision": (("ALLOW", "DENY"), lambda each, value: bool(each["decision"] == value)),
    "caller": ((ALICE, BOB), lambda each, value: bool(each["callerArn"] == value)),
}


@pytest.mark.usefixtures("bounded")
def test_every_page_is_bounded_and_all_of_them_are_complete(
    trail: tuple[RouterBench, list[dict[str, Any]]], measured: MeasuredAws
) -> None:
    bench, records = trail
    early = 0

    @settings(max_examples=15, deadline=None, phases=(Phase.reuse, Phase.generate))
    @given(st.randoms(use_true_random=True))
    def look(chance: Random) -> None:
        nonlocal early
        names = chance.sample(sorted(FILTERS), chance.choice((0, 1, 1, 2, 3)))
        query = {name: chance.choice(FILTERS[name][0]) for name in names}
        limit = chance.choice((7, 200))
        expected = [each for each in records if all(FILTERS[name][1](each, value) for name, value in query.items())]
        first = ask(bench, "/dashboard/requests", AUDITOR, **PERIOD, **query)
        if first.status == 400:
            assert "contradict each other" in first.error["message"]
            assert expected == [], query
            return
        found: list[str] = []
        measured.items_read = 0
        for number, page in enumerate(pages(bench, AUDITOR, **PERIOD, **query, limit=str(limit))):
            counted = BOUND if number == 0 and len(page["requests"]) == limit else 0
            assert measured.items_read <= BOUND + counted, query
            measured.items_read = 0
            found += ids(page["requests"])
            early += "nextCursor" in page and len(page["requests"]) < limit
            assert len(found) <= page["totalCount"] <= len(expected) or page["totalCountIsExact"]
            if page["totalCountIsExact"]:
                assert page["totalCount"] == len(expected), query
        assert found == ids(expected), query
        assert page["totalCountIsExact"] is True

    look()
    assert early > 5  # or the bound was never reached


def test_a_page_whose_time_is_over_goes_out_and_the_next_one_goes_on(
    trail: tuple[RouterBench, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, records = trail
    monkeypatch.setattr(audit_query, "_READING_SECONDS", 0.0)
    seen = list(pages(bench, AUDITOR, **{**PERIOD, "from": "2026-11-01"}, classification="internal", limit="5"))
    expected = [each for each in records if each["classification"] == "internal"]
    assert ids(each for page in seen for each in page["requests"]) == ids(expected)
    assert any(not page["requests"] for page in seen[:-1])
    assert [page["totalCountIsExact"] for page in seen][-1] is True


def test_a_count_that_had_to_stop_is_a_minimum(
    trail: tuple[RouterBench, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _ = trail
    assert requests(bench, AUDITOR, **PERIOD, limit="9")["totalCount"] == 60
    monkeypatch.setattr(audit_query, "_MOST_ITEMS_COUNTED", 20)
    page = requests(bench, AUDITOR, **PERIOD, limit="9")
    assert 9 <= page["totalCount"] <= 20
    assert page["totalCountIsExact"] is False


def test_many_days_without_records_are_one_page(
    trail: tuple[RouterBench, list[dict[str, Any]]], measured: MeasuredAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _ = trail
    monkeypatch.setattr(audit_query, "_READING_SECONDS", 20.0)
    measured.items_read = 0
    measured.calls.clear()
    page = requests(bench, AUDITOR, **{"from": "2025-01-01", "to": "2025-02-09"})
    assert (page["requests"], page["totalCountIsExact"], "nextCursor" in page) == ([], True, False)
    assert measured.calls.count("Query") == 40 * SHARDS
    assert measured.items_read == 0


def test_keys_that_a_batch_left_unread_are_asked_for_again(
    trail: tuple[RouterBench, list[dict[str, Any]]], measured: MeasuredAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, records = trail
    monkeypatch.setattr(measured, "batch_keys", 25)
    assert ids(requests(bench, AUDITOR, **PERIOD, limit="60")["requests"]) == ids(records)
    monkeypatch.setattr(measured, "batch_keys", 0)
    answer = ask(bench, "/dashboard/requests", AUDITOR, **PERIOD)
    assert (answer.status, answer.error["code"]) == (503, "AuditUnavailable")
    assert "UnprocessedKeys" in answer.error["message"]

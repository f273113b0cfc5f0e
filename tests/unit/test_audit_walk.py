"""The walk back through an index: whatever is in its partitions, nothing is left out, nothing comes twice."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_proxy.audit import SHARDS
from inference_proxy.audit_filter import AuditFilter
from inference_proxy.audit_table import IndexPage, Record
from inference_proxy.audit_walk import AuditWalk
from inference_proxy.models import Deadline, timestamp_ms

START = datetime(2026, 11, 18, tzinfo=UTC)
END = datetime(2026, 11, 21, 23, tzinfo=UTC)
LONG = Deadline.after(3600)
OVER = Deadline.after(-1)


class Partitions:
    """Stands in for the table: partitions with items, of which a filter lets some through."""

    def __init__(self, items: list[tuple[int, int, bool]]) -> None:
        """``items``: minutes after the start, shard, and whether the filter lets it through."""
        self._partitions: dict[str, list[Record]] = {}
        self.expected: list[str] = []
        for number, (minutes, shard, matches) in enumerate(items):
            timestamp = timestamp_ms(START + timedelta(minutes=minutes))
            item: Record = {"timeKey": f"{timestamp}#record-{number:05d}", "matches": matches}
            self._partitions.setdefault(f"{timestamp[:10]}#{shard}", []).append(item)
            self.expected += [str(item["timeKey"])] * matches
        self.expected.sort(reverse=True)

    def query(self, arguments: Mapping[str, Any], _deadline: Deadline) -> IndexPage:
        values = {name: value.get("S") for name, value in arguments["ExpressionAttributeValues"].items()}
        before = arguments.get("ExclusiveStartKey", {}).get("timeKey", {}).get("S", "~")
        items = sorted(self._partitions.get(values[":partition"], ()), key=lambda item: str(item["timeKey"]))
        left = [each for each in items[::-1] if values[":oldest"] <= str(each["timeKey"]) <= values[":newest"]]
        left = [each for each in left if str(each["timeKey"]) < before]
        read = left[: arguments["Limit"]]
        found = [each for each in read if each["matches"]]
        last_key = {"timeKey": {"S": read[-1]["timeKey"]}} if len(read) == arguments["Limit"] else None
        return IndexPage(found, len(found), len(read), last_key)


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def walk(
    table: Any, executor: ThreadPoolExecutor, most: int, reading: Deadline, before: str | None = None
) -> AuditWalk:
    return AuditWalk(table, AuditFilter(START, END, before=before), executor, most, reading, LONG)


ITEMS = st.lists(st.tuples(st.integers(0, 95 * 60 - 1), st.integers(0, SHARDS - 1), st.booleans()), max_size=60)


@settings(max_examples=300, deadline=None)
@given(ITEMS, st.integers(1, 5), st.integers(12, 40), st.sampled_from((LONG, OVER)))
def test_walks_one_after_the_other_find_everything_once(
    executor: ThreadPoolExecutor, items: list[tuple[int, int, bool]], first: int, most: int, reading: Deadline
) -> None:
    table = Partitions(items)
    found: list[str] = []
    before = None
    for _ in range(200):
        step = walk(table, executor, most, reading, before)
        for settled, matched in step.rounds(first + 1):  # one more: the last record of the walk before is found again
            assert matched <= most
            found += [str(item["timeKey"]) for item in settled if item["timeKey"] != before]
            assert step.frontier is None or all(time_key >= step.frontier for time_key in found)
        assert step.read <= most
        if step.frontier is None:
            break
        assert before is None or step.frontier < before
        before = step.frontier
    assert step.frontier is None
    assert found == table.expected


def test_thin_days_are_read_side_by_side(executor: ThreadPoolExecutor) -> None:
    start = END - timedelta(days=365)
    year = AuditWalk(Partitions([]), AuditFilter(start, END), executor, 1000, LONG, LONG)  # type: ignore[arg-type]
    assert len(list(year.rounds(10))) < 366 / 7
    assert (year.frontier, year.read) == (None, 0)


def test_full_days_are_read_one_after_the_other(executor: ThreadPoolExecutor) -> None:
    """Or most of what was read would not be settled when the bound is reached."""
    table = Partitions([(minutes, minutes % SHARDS, True) for minutes in range(95 * 60)])
    step = walk(table, executor, 800, LONG)
    settled = sum(len(items) for items, _ in step.rounds(10))
    assert step.read == 800
    assert settled > 700

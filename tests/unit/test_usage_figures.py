"""The arithmetic of usage: percentiles from buckets, adding up, what is stored, and slices of time."""

import json
import math
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_proxy import usage_groups
from inference_proxy.usage_figures import COUNTERS, Figures, bucket_of
from inference_proxy.usage_groups import Group, Sums, pack, unpack
from inference_proxy.usage_slices import runs, slice_of, slices, slices_of_day

GROUP = Group("arn:caller", "model", "us.model", "alias", "public")
LATENCIES = st.lists(st.integers(0, 900_000), min_size=1, max_size=80)


def counted(latencies: list[int]) -> Figures:
    figures = Figures()
    for latency in latencies:
        figures.count("SUCCESS", {"latency": latency})
    return figures


@given(LATENCIES, st.sampled_from([0.5, 0.95]))
def test_percentiles_are_within_five_percent(latencies: list[int], share: float) -> None:
    exact = sorted(latencies)[math.ceil(share * len(latencies)) - 1]
    found = counted(latencies).percentile(share)
    assert found is not None
    assert abs(found - exact) <= 0.05 * exact


@given(st.lists(LATENCIES, min_size=1, max_size=5))
def test_adding_up_parts_gives_the_same_as_counting_at_once(parts: list[list[int]]) -> None:
    whole = Figures()
    for part in map(counted, parts):
        whole.add(part.counts, part.latencies.items())
    at_once = counted([latency for part in parts for latency in part])
    assert (whole.counts, whole.latencies) == (at_once.counts, at_once.latencies)


def test_buckets_are_few_and_exact_where_latencies_are_small() -> None:
    assert [bucket_of(latency) for latency in range(32)] == list(range(32))
    assert bucket_of(-5) == 0  # clocks differ
    assert len({bucket_of(latency) for latency in range(0, 900_000, 7)}) < 300


def test_no_latency_has_no_percentile() -> None:
    assert Figures().percentile(0.5) is None


def test_what_is_stored_comes_back() -> None:
    sums = Sums()
    sums.count("ERROR", {"callerArn": "arn:caller", "modelId": "m", "latency": 40, "inputTokens": 3, "requestSize": 9})
    sums.count("DENIED", {"callerArn": "arn:caller"})
    back = Sums()
    back.add(unpack(pack(sums.rows())))
    assert {group: (f.counts, f.latencies) for group, f in back.groups.items()} == {
        group: (f.counts, f.latencies) for group, f in sums.groups.items()
    }
    (error, denial) = back.groups.values()
    assert {name: error[name] for name in COUNTERS if error[name]} == {
        "requests": 1,
        "errors": 1,
        "inputTokens": 3,
        "requestBytes": 9,
        "withTokens": 1,
    }
    assert (denial["requests"], denial["denials"], denial["errors"]) == (1, 1, 0)


def test_counters_of_a_later_release_are_zero_in_what_was_stored_before() -> None:
    packed = zlib.compress(json.dumps([[GROUP, [2, 1], [[40, 2]]]]).encode())
    ((group, counts, latencies),) = unpack(packed)
    assert (group, counts[:3], len(counts)) == (GROUP, [2, 1, 0], len(COUNTERS))
    assert latencies == [[40, 2]]


def test_counters_of_a_later_release_are_left_out_after_a_rollback() -> None:
    packed = zlib.compress(json.dumps([[GROUP, [1] * (len(COUNTERS) + 2), []]]).encode())
    sums = Sums()
    sums.add(unpack(packed))
    assert sums.groups[GROUP].counts == [1] * len(COUNTERS)


def test_models_that_served_a_caller_nothing_are_few_in_a_slice() -> None:
    """Their names may be inventions. What was served keeps its name, and so do other callers' errors."""
    sums = Sums()
    for number in range(100):
        sums.count("DENIED" if number % 2 else "ERROR", {"callerArn": "arn:one", "modelId": f"invented-{number}"})
        sums.count("SUCCESS", {"callerArn": "arn:one", "modelId": f"served-{number}"})
    sums.count("ERROR", {"callerArn": "arn:one", "modelId": "served-99"})
    sums.count("ERROR", {"callerArn": "arn:two", "modelId": "served-99"})
    back = Sums()
    back.add(unpack(pack(sums.rows())))
    for each in (sums, back):
        names = [group.model for group in each.groups if group.caller == "arn:one"]
        assert sum(name.startswith("invented") for name in names) == 20
        assert sum(name.startswith("served") for name in names) == 100
        assert (each.groups[Group("arn:one", "(others)", "", "", "")]["requests"], len(names)) == (80, 121)
        assert each.groups[Group("arn:one", "", "", "served-99", "")]["errors"] == 1
        assert each.groups[Group("arn:two", "", "", "served-99", "")]["errors"] == 1


def test_names_that_callers_invent_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The totals, and those of each caller, are not touched by it."""
    monkeypatch.setattr(usage_groups, "_MOST_GROUPS", 10)
    sums = Sums()
    for number in range(100):
        sums.count("DENIED", {"callerArn": f"arn:{number % 2}", "modelId": f"invented-{number}"})
    assert len(sums.groups) == 12
    for caller in ("arn:0", "arn:1"):
        assert sum(f["requests"] for group, f in sums.groups.items() if group.caller == caller) == 50
    assert {group.model for group in list(sums.groups)[10:]} == {"(others)"}


def test_slices() -> None:
    start = datetime(2026, 11, 22, 23, 47, 31, tzinfo=UTC)
    assert slice_of("2026-11-22T23:47:31.123Z#id") == "2026-11-22T23:40"
    assert slices(start, start + timedelta(minutes=13)) == ["2026-11-22T23:40", "2026-11-22T23:50", "2026-11-23T00:00"]
    assert slices(start, start.replace(minute=50, second=0)) == ["2026-11-22T23:40"]
    assert len(slices_of_day("2026-11-22")) == 144


def test_runs_end_at_gaps_and_at_midnight() -> None:
    names = ["2026-11-22T23:30", "2026-11-22T23:50", "2026-11-23T00:00", "2026-11-23T00:10"]
    assert runs(names) == [names[:1], names[1:2], names[2:]]
    assert runs([]) == []

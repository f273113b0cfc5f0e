"""The rows of GET /dashboard/usage: figures of many slices, added up by what was asked for, with what they cost."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from inference_proxy.operations.dashboard_query import NONE
from inference_proxy.policy_document import Price
from inference_proxy.usage_figures import Figures
from inference_proxy.usage_groups import OTHERS, Group, Row
from inference_proxy.usage_slices import slices

# Callers choose what they call a model: the rest becomes one row, and beyond the second bound, on what is added up at
# all, those that come last are among the rest, whatever their number.
_MOST_ROWS = 1_000
_MOST_FIGURES = 10_000
_MILLION = 1_000_000
_BEFORE_LATENCY = ("requests", "errors", "denials", "abandoned", "inProgress")
_AFTER_LATENCY = (
    *("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
    *("requestBytes", "responseBytes"),
)
_KEYS: Mapping[str, Callable[[str, Group], str]] = {
    "model": lambda _slice, group: group.model or NONE,
    "caller": lambda _slice, group: group.caller or NONE,
    "classification": lambda _slice, group: group.classification or NONE,
    "hour": lambda slice_, _group: f"{slice_[:13]}:00Z",
    "day": lambda slice_, _group: slice_[:10],
}
GROUPINGS = tuple(_KEYS)
_BY_TIME = ("hour", "day")
COLUMNS = (
    *("key", *_BEFORE_LATENCY, "latencyMsP50", "latencyMsP95", *_AFTER_LATENCY),
    *("estimatedCostUsd", "unpricedRequests"),
)


class UsageRows:
    """Adds up by one grouping. Cost is by model, so the figures of a row are kept by model as well."""

    def __init__(self, group_by: str, price: Callable[[str], Price | None]) -> None:
        self._group_by = group_by
        self._price = price
        self._figures: dict[str, dict[str, Figures]] = {}
        self._number = 0

    def expect(self, start: datetime, end: datetime) -> None:
        """Have a row for each hour or day of a period, so that charts have no gaps."""
        if self._group_by in _BY_TIME:
            for name in slices(start, end):
                self._figures.setdefault(_KEYS[self._group_by](name, Group(*[""] * len(Group._fields))), {})

    def add(self, name: str, rows: Iterable[Row], wanted: Callable[[Group], bool]) -> None:
        """Add the figures of a slice, of the groups that are wanted."""
        key_of = _KEYS[self._group_by]
        for group, counts, latencies in rows:
            if wanted(group):
                key, model = key_of(name, group), group.model
                if self._number >= _MOST_FIGURES and model not in self._figures.get(key, ()):
                    key, model = OTHERS if self._group_by == "model" else key, OTHERS
                by_model = self._figures.setdefault(key, {})
                if model not in by_model:
                    by_model[model] = Figures()
                    self._number += 1
                by_model[model].add(counts, latencies)

    def rows(self) -> list[dict[str, Any]]:
        """A row each, times in order, others by their requests, most first; the rest in one row at the end."""
        if self._group_by in _BY_TIME:
            return [{"key": key} | self._row([self._figures[key]]) for key in sorted(self._figures)]
        busiest = sorted(self._figures.keys() - {OTHERS}, key=lambda key: (-_requests(self._figures[key]), key))
        found = [{"key": key} | self._row([self._figures[key]]) for key in busiest[:_MOST_ROWS]]
        rest = [self._figures[key] for key in (*busiest[_MOST_ROWS:], OTHERS) if key in self._figures]
        return [*found, {"key": OTHERS} | self._row(rest)] if rest else found

    def totals(self) -> dict[str, Any]:
        """All rows in one, without a key."""
        return self._row(list(self._figures.values()))

    def _row(self, parts: Iterable[Mapping[str, Figures]]) -> dict[str, Any]:
        whole, cost, unpriced = Figures(), 0.0, 0
        for model, figures in (each for by_model in parts for each in by_model.items()):
            whole.add(figures.counts, figures.latencies.items())
            price = self._price(model)
            cost += _cost(figures, price) if price else 0.0
            unpriced += _unpriced(figures, price)
        return {
            **{counter: whole[counter] for counter in _BEFORE_LATENCY},
            "latencyMs": {"p50": whole.percentile(0.5), "p95": whole.percentile(0.95)},
            **{counter: whole[counter] for counter in _AFTER_LATENCY},
            "estimatedCostUsd": round(cost / _MILLION, 6),
            "unpricedRequests": unpriced,
        }


def as_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with a column for each percentile."""
    latency = row["latencyMs"]
    return {**row, "latencyMsP50": latency["p50"], "latencyMsP95": latency["p95"]}


def _cost(figures: Figures, price: Price) -> float:
    """In millionths of a dollar; tokens of a cache without a price are left out, and ``_unpriced`` says so."""
    return (
        figures["inputTokens"] * price.input_usd
        + figures["outputTokens"] * price.output_usd
        + figures["cacheReadInputTokens"] * (price.cache_read_usd or 0.0)
        + figures["cacheWriteInputTokens"] * (price.cache_write_usd or 0.0)
    )


def _unpriced(figures: Figures, price: Price | None) -> int:
    """How many requests the cost does not cover, or not with all their tokens."""
    unknown = figures["withoutTokens"]
    if not price:
        return unknown + figures["withTokens"]
    reads = figures["withCacheReads"] if price.cache_read_usd is None else 0
    writes = figures["withCacheWrites"] if price.cache_write_usd is None else 0
    return unknown + reads + writes - (figures["withCacheBoth"] if reads and writes else 0)


def _requests(by_model: Mapping[str, Figures]) -> int:
    return sum(figures["requests"] for figures in by_model.values())

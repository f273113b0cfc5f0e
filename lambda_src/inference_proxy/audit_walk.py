"""Walks an index back in time: all partitions of a day side by side, and no further than it may.

A partition that has been read further back than another is ahead of it; what is settled is as far as the last of them
has come. So a page can end anywhere without leaving a record out, and the next one goes on from there.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

from inference_proxy.audit_filter import AuditFilter
from inference_proxy.audit_table import AuditTable, IndexPage, Record
from inference_proxy.models import Deadline

MOST_AT_ONCE = 2_000  # items of one query: a page of 1 MB has about 1,500
_GROWTH = 8  # a filter that lets little through is asked for more each time
_FEW = 100  # items in a day: then several days are read at once
_MOST_DAYS_AT_ONCE = 8


class AuditWalk:
    """One walk. ``read`` counts the index items it has read, and ``frontier`` is the timeKey it has come to.

    It ends after ``most_items``, or when ``reading`` is over, with a frontier; without one where everything is read.
    """

    def __init__(
        self,
        table: AuditTable,
        wanted: AuditFilter,
        executor: Executor,
        most_items: int,
        reading: Deadline,
        deadline: Deadline,
        options: Mapping[str, object] | None = None,
    ) -> None:
        """``deadline`` is that of each query; ``options`` are further arguments for them."""
        self._table = table
        self._wanted = wanted
        self._executor = executor
        self._most_items = most_items
        self._reading = reading
        self._deadline = deadline
        self._options = options or {}
        self.frontier: str | None = None
        self.read = 0

    def rounds(self, first_items: int) -> Iterator[tuple[list[Record], int]]:
        """After each round of queries: the items that are settled now, newest first, and how many matched in it.

        The first round reads at most ``first_items`` a partition, each further one of the same day more.
        """
        days, together, rounds = self._wanted.days(), 1, 0
        while days:
            group, days = days[:together], days[together:]
            before = self.read
            partitions = [partition for day in group for partition in self._wanted.partitions(day)]
            side_by_side = _SideBySide(partitions, f"{group[0]}T23:59:59.999Z#~")
            items = first_items
            while side_by_side.open:
                self.frontier = side_by_side.frontier()
                items = min(items, MOST_AT_ONCE, (self._most_items - self.read) // len(side_by_side.open))
                if items < 1 or (rounds and self._reading.remaining_seconds() <= 0):
                    return
                rounds += 1
                pages = dict(zip(side_by_side.open, self._pages(side_by_side.open, items), strict=True))
                self.read += sum(page.read for page in pages.values())
                side_by_side.take(pages)
                self.frontier = side_by_side.frontier()
                yield side_by_side.settled(), sum(page.matched for page in pages.values())
                items *= _GROWTH
            thin = self.read - before < _FEW * len(group)
            together = min(2 * together, _MOST_DAYS_AT_ONCE) if thin else 1
        self.frontier = None

    def _pages(self, partitions: Mapping[str, Mapping[str, Any] | None], items: int) -> Iterator[IndexPage]:
        def page(partition: str, start: Mapping[str, Any] | None) -> IndexPage:
            arguments = {**self._wanted.query(partition), **self._options, "Limit": items}
            return self._table.query({**arguments, **({"ExclusiveStartKey": start} if start else {})}, self._deadline)

        return self._executor.map(page, partitions.keys(), partitions.values())


class _SideBySide:
    """Partitions that are read together."""

    def __init__(self, partitions: list[str], newest: str) -> None:
        self.open: dict[str, Mapping[str, Any] | None] = dict.fromkeys(partitions)  # where each goes on
        self._newest = newest
        self._found: dict[str, Record] = {}

    def take(self, pages: Mapping[str, IndexPage]) -> None:
        """Add what a round of queries found."""
        for partition, page in pages.items():
            self._found |= {str(item["timeKey"]): item for item in page.items}
            if page.last_key is None:
                del self.open[partition]
            else:
                self.open[partition] = page.last_key

    def frontier(self) -> str | None:
        """The timeKey down to which all are read, itself included; None if all are at their ends."""
        reached = (last_key["timeKey"]["S"] if last_key else self._newest for last_key in self.open.values())
        return max(reached, default=None)

    def settled(self) -> list[Record]:
        """What is found down to the frontier and was not returned before, newest first."""
        frontier = self.frontier() or ""
        settled = sorted((time_key for time_key in self._found if time_key >= frontier), reverse=True)
        return [self._found.pop(time_key) for time_key in settled]

"""Adds up the records of a period from the index ``by-outcome``, all outcomes and shards at once, page by page.

A record's place in the index changes once, when its crossing ends. What is STARTED is therefore read first, and counted
as what it has become where it is met again: nothing counts twice.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from inference_proxy.audit import SHARDS
from inference_proxy.audit_table import AuditTable, Record
from inference_proxy.models import Deadline, timestamp_ms
from inference_proxy.usage_groups import RECORD_ATTRIBUTES, Sums
from inference_proxy.usage_slices import LENGTH, slice_of, start_of

_ENDED = ("SUCCESS", "ERROR", "DENIED", "ABANDONED")
_PAGE_RECORDS = 500  # few enough to be there soon: time and bounds are looked at between pages
_RESERVE_SECONDS = 1.5  # for the page under way; with less left, reading stops

_READ = {"#time": "timeKey"} | {f"#{number}": name for number, name in enumerate(RECORD_ATTRIBUTES)}

Position = Mapping[str, Any]  # the LastEvaluatedKey to go on behind; empty: from the beginning


@dataclass(frozen=True, slots=True)
class Period:
    """Slices that follow one another within a day, from the first to the last."""

    first: str
    last: str

    @property
    def day(self) -> str:
        """The day that they are of."""
        return self.first[:10]


@dataclass(slots=True)
class Started:
    """Records that are STARTED, by their timeKey; ``whole``: these are all of the period."""

    records: dict[str, Record] = field(default_factory=dict)
    whole: bool = True

    def of(self, name: str) -> "Started":
        """Those of one slice."""
        return Started({key: record for key, record in self.records.items() if slice_of(key) == name}, self.whole)


@dataclass(slots=True)
class Reading:
    """What has been added up of a period, by slice, and where to go on in those of its partitions that have more."""

    positions: dict[str, Position]
    slices: dict[str, Sums] = field(default_factory=dict)
    records: int = 0

    @classmethod
    def of_all(cls, period: Period) -> "Reading":
        """One that begins at the beginning."""
        return cls({f"{outcome}#{period.day}#{shard}": {} for outcome in _ENDED for shard in range(SHARDS)})

    @property
    def whole(self) -> bool:
        """Whether the period has been read to its end."""
        return not self.positions

    def of(self, name: str) -> Sums:
        """The sums of a slice."""
        return self.slices.setdefault(name, Sums())


class UsageIndex:
    """Reads the index; raises AuditUnavailableError where it cannot be read.

    Reading stops at the deadline, or once ``most`` records have been read: about so many, as pages are read whole and
    every outcome has this bound of its own.
    """

    def __init__(self, table: AuditTable) -> None:
        self._table = table

    def started(self, period: Period, most: int, deadline: Deadline) -> Started:
        """The records that are STARTED."""
        found = Started()
        partitions = [f"STARTED#{period.day}#{shard}" for shard in range(SHARDS)]
        with ThreadPoolExecutor(SHARDS) as pool:
            for part in pool.map(lambda name: self._started(name, period, most // SHARDS, deadline), partitions):
                found.records |= part.records
                found.whole &= part.whole
        return found

    def add(self, reading: Reading, period: Period, started: Started, most: int, deadline: Deadline) -> None:
        """Go on with a reading: count what has ended, and drop from ``started`` what has meanwhile."""
        unread, known = list(reading.positions.items()), frozenset(started.records)
        with ThreadPoolExecutor(SHARDS) as pool:
            parts = pool.map(lambda at: self._ended(at[0], at[1], period, known, most // SHARDS, deadline), unread)
            for (partition, _), (part, met) in zip(unread, parts, strict=True):
                del reading.positions[partition]
                reading.positions |= part.positions
                reading.records += part.records
                for name, sums in part.slices.items():
                    reading.of(name).add(sums.rows())
                for time_key in met:
                    del started.records[time_key]

    def _started(self, partition: str, period: Period, most: int, deadline: Deadline) -> Started:
        found = Started(whole=False)
        for records, position in self._pages(partition, {}, period, deadline):
            found.records |= {str(record["timeKey"]): record for record in records}
            found.whole = not position
            if len(found.records) >= most:
                break
        return found

    def _ended(
        self, partition: str, after: Position, period: Period, started: Container[str], most: int, deadline: Deadline
    ) -> tuple[Reading, list[str]]:
        """What a partition adds from a position on, and which of the STARTED records it has."""
        outcome = partition.partition("#")[0]
        part, met = Reading({partition: after}), list[str]()
        for records, position in self._pages(partition, after, period, deadline):
            for record in records:
                time_key = str(record["timeKey"])
                part.of(slice_of(time_key)).count(outcome, record)
                if time_key in started:
                    met.append(time_key)
            part.records += len(records)
            part.positions = {partition: position} if position else {}
            if part.records >= most:
                break
        return part, met

    def _pages(
        self, partition: str, after: Position, period: Period, deadline: Deadline
    ) -> Iterator[tuple[Sequence[Record], Position]]:
        """Records in time order, and the position behind them, which is empty at the end; none more at the deadline."""
        arguments = {
            "IndexName": "by-outcome",
            "KeyConditionExpression": "#partition = :partition AND #time BETWEEN :start AND :end",
            "ExpressionAttributeValues": {
                ":partition": {"S": partition},
                ":start": {"S": timestamp_ms(start_of(period.first))},
                # A timeKey goes on behind its timestamp, so that none of this very moment is included.
                ":end": {"S": timestamp_ms(start_of(period.last) + LENGTH)},
            },
            "Limit": _PAGE_RECORDS,
            "ProjectionExpression": ", ".join(_READ),
            "ExpressionAttributeNames": {"#partition": "outcomeDayShard", **_READ},
        }
        while deadline.remaining_seconds() > _RESERVE_SECONDS:
            page = self._table.query(arguments | ({"ExclusiveStartKey": after} if after else {}), deadline)
            after = page.last_key or {}
            yield page.items, after
            if not after:
                return

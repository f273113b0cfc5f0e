"""The scheduled task that adds up what crossed, in slices of ten minutes, for GET /dashboard/usage.

It takes the newest day first and goes back as far as records are kept. A slice is added up once none of its crossings
can be under way any more; where one has no end even so, the slice is written all the same, and again when that changes.
An hour later it is added up a second and last time, for records that the index showed late, or whose clock was slow.
Wherever a run is cut off, nothing is counted twice, as a slice is replaced as a whole.

Each time a slice costs 16 queries and one write, and a query more for every 500 records. One that does not fit a run is
gone on with by the next one from where it ended.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from inference_proxy.models import Deadline, timestamp_ms
from inference_proxy.usage_groups import Sums
from inference_proxy.usage_index import Period, Reading, Started, UsageIndex
from inference_proxy.usage_slices import LENGTH, runs, slice_of, slices_of_day, start_of
from inference_proxy.usage_table import StoredSlice, UsageTable, Written

# Beyond the longest request: until the reconciler has closed what has no outcome, and how long it may be late.
_CLOSED = timedelta(minutes=4)
_LATE = timedelta(minutes=15)
_AGAIN = timedelta(hours=1)  # when it is added up for the last time
_MOST_STARTED = 20_000
_MOST_AT_ONCE = 5_000  # records of several slices, which are read in one go if there are no more
_WITHOUT_BOUND = 2**40
_WRITE_SECONDS = 3.0  # kept free for writing down how far a slice has been read
_WRITERS = 8


class UsageTask:
    """Keeps the usage table up to date."""

    def __init__(self, index: UsageIndex, table: UsageTable, response_timeout_seconds: float) -> None:
        self._index = index
        self._table = table
        self._longest = timedelta(seconds=response_timeout_seconds)

    def run(self, _event: Mapping[str, object], _invocation_id: str, deadline: Deadline) -> dict[str, int | bool]:
        """How many slices were written, and whether that is all that could be; if not, the next run goes on.

        Raises AuditUnavailableError, which Lambda counts among the function's errors; what was written stays.
        """
        run = _Run(self._index, self._table, datetime.now(UTC) - self._longest, deadline)
        up_to_date = run.all_days()
        return {"slices": run.slices, "upToDate": up_to_date}


class _Run:
    """One run. ``ended``: crossings that began before this moment are no longer under way."""

    def __init__(self, index: UsageIndex, table: UsageTable, ended: datetime, deadline: Deadline) -> None:
        self._index = index
        self._table = table
        self._ended = ended
        self._as_of = timestamp_ms(ended)
        self._deadline = deadline
        self._reading_ends = deadline.earlier(_WRITE_SECONDS)
        self.slices = 0

    def all_days(self) -> bool:
        """Bring every day up to date that is not done; False where the time did not suffice."""
        newest, oldest = datetime.now(UTC).date(), self._table.oldest().date()
        days = [str(newest - timedelta(days=back)) for back in range((newest - oldest).days + 1)]
        done = self._table.complete_days(days[-1], days[0], self._deadline)
        return all(self._day(day) for day in days if day not in done)

    def _day(self, day: str) -> bool:
        """Write the slices of a day that are due; False where the time did not suffice."""
        every = slices_of_day(day)
        due = [name for name in every if start_of(name) + LENGTH + _CLOSED <= self._ended]
        is_over = self._is_last(every[-1], self._as_of)
        stored = self._table.written(day, self._deadline)
        unsure = [name for name in due if not self._is_settled(name, stored.get(name))]
        without_end = Counter[str]()
        if unsure:
            started = self._index.started(Period(unsure[0], unsure[-1]), _MOST_STARTED, self._reading_ends)
            if not started.whole:
                return False
            without_end.update(map(slice_of, started.records))
            ready = [name for name in unsure if self._is_ready(name, stored.get(name), without_end[name])]
            if not all(self._write(run, started, is_over=is_over) for run in reversed(runs(ready))):
                return False
        if is_over and not any(without_end[name] for name in unsure):
            self._table.put_complete(day, self._deadline)
        return True

    def _is_settled(self, name: str, stored: Written | None) -> bool:
        """Whether there is nothing to look at in a slice, by what the table has of it."""
        return stored is not None and not stored.in_progress and not self._is_due_again(name, stored.as_of)

    def _is_ready(self, name: str, stored: Written | None, without_end: int) -> bool:
        """Whether a slice is to be written, by what the table has of it and how many of its crossings have no end."""
        if stored is not None:
            return without_end != stored.in_progress or self._is_due_again(name, stored.as_of)
        return not without_end or start_of(name) + LENGTH + _LATE <= self._ended

    def _is_due_again(self, name: str, as_of: str) -> bool:
        return self._is_last(name, self._as_of) and not self._is_last(name, as_of)

    @staticmethod
    def _is_last(name: str, as_of: str) -> bool:
        """Whether a slice that is added up as of a moment is so for the last time."""
        return as_of >= timestamp_ms(start_of(name) + LENGTH + _AGAIN)

    def _write(self, names: Sequence[str], started: Started, *, is_over: bool) -> bool:
        """Write slices, all in one go if they have few records; False where the time did not suffice."""
        period = Period(names[0], names[-1])
        if len(names) > 1:
            reading = Reading.of_all(period)
            self._index.add(reading, period, started, _MOST_AT_ONCE, self._reading_ends)
            if reading.whole:
                # Of a day that is over the others need no item: that it is done will say that they had no crossings.
                written = [name for name in names if not is_over or name in reading.slices or started.of(name).records]
                with ThreadPoolExecutor(_WRITERS) as pool:
                    list(pool.map(lambda name: self._put(name, reading.of(name), started.of(name)), written))
                self.slices += len(written)
                return True
        begun = self._table.progress(period.first, period.last, self._deadline)
        return all(self._write_one(name, started.of(name), begun.get(name)) for name in reversed(names))

    def _write_one(self, name: str, started: Started, begun: StoredSlice | None) -> bool:
        """Write a slice of any size, or how far it has been read; False where the time did not suffice."""
        without_end = len(started.records)
        reading = Reading.of_all(Period(name, name))
        # Otherwise something has ended since, behind what was read, or an hour has gone by.
        if begun and begun.in_progress == without_end and not self._is_due_again(name, begun.as_of):
            reading.positions = dict(begun.positions)
            reading.of(name).add(begun.rows())
        self._index.add(reading, Period(name, name), started, _WITHOUT_BOUND, self._reading_ends)
        if reading.whole:
            self._put(name, reading.of(name), started)
            self.slices += 1
        elif reading.records:
            rows = reading.of(name).rows()
            written = Written(without_end, self._as_of)
            self._table.put_progress(name, rows, written, reading.positions, self._deadline)
        return reading.whole

    def _put(self, name: str, sums: Sums, started: Started) -> None:
        for record in started.records.values():
            sums.count("STARTED", record)
        self._table.put(name, sums.rows(), Written(len(started.records), self._as_of), self._deadline)

"""GET /dashboard/usage: what crossed, added up by model, caller, classification, hour or day, as JSON or CSV.

Slices of ten minutes come from the usage table as the task wrote them; those that it has not written yet are added up
here, of as many records as an answer has time for. Where these are not all, the answer says so.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from inference_proxy.errors import AuditUnavailableError
from inference_proxy.models import Deadline, Request, Response, timestamp_ms
from inference_proxy.operations.answers import json_answer
from inference_proxy.operations.dashboard_access import visible_caller
from inference_proxy.operations.dashboard_csv import csv_answer, wants_csv
from inference_proxy.operations.dashboard_query import RANGE_PARAMETERS, label, model, one_of, time_range
from inference_proxy.operations.query_parameters import single_values
from inference_proxy.operations.usage_rows import COLUMNS, GROUPINGS, UsageRows, as_cells
from inference_proxy.policy_document import Price
from inference_proxy.policy_store import PolicyStore
from inference_proxy.usage_groups import Group
from inference_proxy.usage_index import Period, Reading, UsageIndex
from inference_proxy.usage_slices import LENGTH, runs, slice_of, slices, start_of
from inference_proxy.usage_table import StoredSlice, UsageTable

_FILTERS = ("model", "modelId", "caller", "classification")
_PARAMETERS = (*RANGE_PARAMETERS, *_FILTERS, "groupBy")
_MOST_ON_THE_FLY = 20_000  # records
_RESERVE_SECONDS = 3.0  # kept free for the answer: with less left, what was found goes out
_READERS = 8


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The groups that have all of these labels: None is any label, "" is none."""

    model: str | None
    caller: str | None
    classification: str | None

    def __call__(self, group: Group) -> bool:
        models = [name for name in (group.foundation_model, group.resolved_model, group.requested_model) if name]
        return (
            self.caller in (None, group.caller)
            and (self.model is None or self.model in (models or [""]))
            and self.classification in (None, group.classification)
        )


class Usage:
    """Adds up what crossed: for everybody their own, for auditors all."""

    def __init__(self, index: UsageIndex, table: UsageTable, policies: PolicyStore) -> None:
        self._index = index
        self._table = table
        self._policies = policies

    def usage(self, request: Request) -> Response:
        """The rows, their totals, whether they are complete, and the filters that were applied; or the rows as CSV."""
        query = single_values(request.query, _PARAMETERS)
        group_by = one_of(query, "groupBy", GROUPINGS, "model")
        period = time_range(query, request.received_at)
        start, end = _floor(period.start), _floor(period.end + LENGTH - timedelta(microseconds=1))
        caller = visible_caller(request, query, self._policies)
        wanted = _Wanted(model(query), caller, label(query, "classification"))
        rows = UsageRows(group_by, self._price(request.deadline))
        rows.expect(start, end)
        complete = self._add(rows, start, min(end, request.received_at + LENGTH), wanted, request.deadline)
        if wants_csv(request.headers):
            return csv_answer(COLUMNS, map(as_cells, rows.rows()), "usage", {"X-Complete": str(complete).lower()})
        return json_answer(
            {
                "usage": rows.rows(),
                "totals": rows.totals(),
                "complete": complete,
                "filters": {
                    **{name: query[name] for name in _FILTERS if name in query},
                    "caller": caller or "all",
                    "groupBy": group_by,
                    "timeRange": period.name,
                    "from": timestamp_ms(start),
                    "to": timestamp_ms(end),
                },
            }
        )

    def _add(self, rows: UsageRows, start: datetime, end: datetime, wanted: _Wanted, deadline: Deadline) -> bool:
        """Add the slices of a period; False if some are missing, or some of their records."""
        days: dict[str, list[str]] = {}
        for name in reversed(slices(max(start, self._table.oldest()), end)):
            days.setdefault(name[:10], []).insert(0, name)
        if not days:
            return True
        done = self._table.complete_days(min(days), max(days), deadline)
        reading_ends, missing = deadline.earlier(_RESERVE_SECONDS), list[str]()
        with ThreadPoolExecutor(_READERS) as pool:
            newest_first = list(days)
            for at in range(0, len(newest_first), _READERS):
                if reading_ends.remaining_seconds() <= 0:
                    return False
                some = newest_first[at : at + _READERS]
                found = pool.map(lambda day: self._stored(day, days[day], reading_ends), some)
                for day, stored in zip(some, found, strict=True):
                    if stored is None:
                        return False
                    for name, slice_ in stored.items():
                        if reading_ends.remaining_seconds() <= 0:
                            return False
                        rows.add(name, slice_.rows(), wanted)
                    missing += [name for name in days[day] if name not in stored and day not in done]
        return self._add_from_index(rows, sorted(missing), wanted, reading_ends)

    def _stored(self, day: str, names: list[str], reading_ends: Deadline) -> dict[str, StoredSlice] | None:
        """What the table has of a day; None where the time did not suffice."""
        try:
            return self._table.day(day, names[0], names[-1], reading_ends)
        except AuditUnavailableError:
            if reading_ends.remaining_seconds() > 0:
                raise
            return None

    def _add_from_index(self, rows: UsageRows, names: list[str], wanted: _Wanted, deadline: Deadline) -> bool:
        """Add slices that are not in the table, newest first, as far as the bound and the time go."""
        whole, left = True, _MOST_ON_THE_FLY
        for run in reversed(runs(names)):
            if left <= 0 or deadline.remaining_seconds() <= 0:
                return False
            period = Period(run[0], run[-1])
            started = self._index.started(period, left, deadline)
            reading = Reading.of_all(period)
            self._index.add(reading, period, started, left, deadline)
            for time_key, record in started.records.items():
                reading.of(slice_of(time_key)).count("STARTED", record)
            for name, sums in reading.slices.items():
                rows.add(name, sums.rows(), wanted)
            whole = whole and started.whole and reading.whole
            left -= reading.records + len(started.records)
        return whole

    def _price(self, deadline: Deadline) -> Callable[[str], Price | None]:
        policy = self._policies.get(deadline)
        return lambda name: policy.price(name) if policy and name else None


def _floor(moment: datetime) -> datetime:
    return start_of(slice_of(timestamp_ms(moment)))

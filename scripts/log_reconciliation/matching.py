"""Joins the audit records of the boundary with the calls that Commercial saw, in a database that nobody else can open.

A call is a record's
1. by the request id, which Bedrock gives and the record keeps as ``upstreamRequestId``;
2. else by the audit id that the router sent, as far as the record can have caused one more call at that time: another
   attempt, another page, or one whose answer never came. Whoever has the credential can send any audit id. The router
   sends nothing for a request that it denies, so a call that names one is joined with no record: it is named by itself;
3. else, where a log has no id of the router's (all but InvokeModel in an invocation log), if its operation, model and
   time fit a record whose outcome nobody knows. Such a call is said to be probable.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from log_reconciliation import queries
from log_reconciliation.coverage import calls_of, most_calls
from log_reconciliation.logs import CLOUDTRAIL, INVOCATION_LOG, Call, plain
from log_reconciliation.records import CROSSED, NEVER_OUT, NOT_SENT, OPEN, Record

EDGE_SECONDS = 600  # clocks differ, and a call may end five minutes after its record began
UNDER_WAY_SECONDS = 1800  # logs come "within an average of about 5 minutes", which AWS does not guarantee

BY_REQUEST_ID, BY_AUDIT_ID, PROBABLE = "request id", "audit id", "probable"


class Reconciliation:
    """Add calls and records, ``join`` them, and ask what is left."""

    def __init__(self, start: datetime, end: datetime, now: datetime) -> None:
        """Of the range from ``start`` to before ``end``; what is added from around it only serves as the other side."""
        self.start, self.end = start, end
        self._range = (start.timestamp(), end.timestamp())
        self._settled_until = now.timestamp() - UNDER_WAY_SECONDS
        self._database = sqlite3.connect("")  # on disk once it outgrows its cache; deleted when closed
        self._database.row_factory = sqlite3.Row
        self._database.executescript(queries.SCHEMA)

    def add_calls(self, calls: Iterable[Call]) -> None:
        """Those in and near the range. A call that both sources have is one."""
        earliest, latest = self._range[0] - EDGE_SECONDS, self._range[1] + EDGE_SECONDS
        near = (call for call in calls if earliest <= call.time <= latest)
        self._database.executemany(queries.ADD_CALL, map(_call_row, near))

    def add_records(self, records: Iterable[Record]) -> None:
        """Those of the range and its edges."""
        self._database.executemany(queries.ADD_RECORD, map(_record_row, records))

    def join(self, covered: set[str]) -> None:
        """Find the record of each call. ``covered`` are the operations that the given logs must have."""
        self._database.executescript(queries.INDEXES)
        self._database.executemany("INSERT INTO covered VALUES (?)", ((operation,) for operation in covered))
        self._database.execute(queries.BY_REQUEST_ID)
        self._database.execute("UPDATE calls SET way = ? WHERE record IS NOT NULL", (BY_REQUEST_ID,))
        for way, found in ((BY_AUDIT_ID, self._by_audit_id), (PROBABLE, self._by_time_and_model)):
            settled = [(record, way, request_id) for record, request_id in found()]
            self._database.executemany("UPDATE calls SET record = ?, way = ? WHERE request_id = ?", settled)
        self._database.execute(queries.COUNT_CALLS)
        self._database.execute(queries.JUDGE, (NOT_SENT, self._settled_until, CROSSED))

    def _by_audit_id(self) -> Iterator[tuple[str, str]]:
        used: Counter[str] = Counter()
        for row in self._database.execute(queries.BY_AUDIT_ID, (EDGE_SECONDS,)):
            audit_id, operation = row["audit_id"], row["operation"]
            most = most_calls(operation, row["attempts"])
            # One attempt is known by its request id, or never got out.
            others = used[audit_id] + (1 if row["upstream_request_id"] or row["error"] in NEVER_OUT else 0)
            if row["called"] in calls_of(operation) and (most is None or others < most):
                used[audit_id] += 1
                yield audit_id, row["request_id"]

    def _by_time_and_model(self) -> Iterator[tuple[str, str]]:
        taken: set[str] = set()
        for call in self._database.execute(queries.WITHOUT_AN_ID):
            window = (call["time"] - EDGE_SECONDS, call["time"] + EDGE_SECONDS)
            for record in self._database.execute(queries.OPEN_RECORDS, (OPEN, *window, _model_name(call["model"]))):
                if record["audit_id"] not in taken and call["operation"] in calls_of(record["operation"]):
                    taken.add(record["audit_id"])
                    yield record["audit_id"], call["request_id"]
                    break

    def calls_without_record(self, identity: str) -> Iterator[sqlite3.Row]:
        """Calls that no record stands for, by an identity whose ARN fits a pattern (``*`` for any)."""
        return self._database.execute(queries.CALLS_WITHOUT_RECORD, (False, identity, *self._range))

    def calls_of_denied_requests(self, identity: str) -> Iterator[sqlite3.Row]:
        """Calls with the audit id of a request that the router says it denied, and sent nothing for."""
        return self._database.execute(queries.CALLS_WITHOUT_RECORD, (True, identity, *self._range))

    def records_without_call(self) -> Iterator[sqlite3.Row]:
        """Records of what certainly crossed, long enough ago, by a covered operation, of which there is no call."""
        return self._records("verdict", "without a call")

    def open_records(self) -> Iterator[sqlite3.Row]:
        """Records of what may have crossed; ``verdict`` says whether it did."""
        return self._records("fate", OPEN)

    def odd_ids(self) -> Iterator[sqlite3.Row]:
        """Joined calls with another audit id than their record's, none where the router sends one, or probable only."""
        return self._database.execute(queries.ODD_IDS, (*self._range, PROBABLE))

    def call_counts(self, identity: str) -> Iterator[sqlite3.Row]:
        """By day: calls in each source, joined ones, those without a record, and such of others than ``identity``."""
        return self._database.execute(queries.CALL_COUNTS, (identity, *self._range))

    def record_counts(self) -> Iterator[sqlite3.Row]:
        """How many records, by day, verdict and operation."""
        return self._database.execute(queries.RECORD_COUNTS, self._range)

    def _records(self, column: str, value: str) -> Iterator[sqlite3.Row]:
        query = "SELECT * FROM records WHERE {} = ? AND time >= ? AND time < ? ORDER BY time"
        return self._database.execute(query.format(column), (value, *self._range))


def _call_row(call: Call) -> tuple[object, ...]:
    return (
        call.request_id,
        call.time,
        call.operation,
        call.model,
        call.identity,
        call.error,
        call.audit_id,
        call.callers_id,
        call.source == CLOUDTRAIL,
        call.source == INVOCATION_LOG,
        call.file,
    )


def _record_row(record: Record) -> tuple[object, ...]:
    return (
        record.audit_id,
        record.time,
        record.operation,
        _model_name(plain(record.model)),
        record.state,
        record.error,
        record.attempts,
        record.upstream_request_id,
        record.fate,
    )


def _model_name(model: str) -> str:
    """A log may have the ARN where the record has the id, or the other way round."""
    return model.rpartition("/")[2]

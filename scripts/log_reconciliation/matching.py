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

from log_reconciliation.coverage import calls_of, most_calls
from log_reconciliation.logs import CLOUDTRAIL, INVOCATION_LOG, Call, plain
from log_reconciliation.records import CROSSED, NOT_SENT, OPEN, Record

EDGE_SECONDS = 600  # clocks differ, and a call may end five minutes after its record began
UNDER_WAY_SECONDS = 1800  # logs come "within an average of about 5 minutes", which AWS does not guarantee

BY_REQUEST_ID, BY_AUDIT_ID, PROBABLE = "request id", "audit id", "probable"

_SCHEMA = """
PRAGMA cache_size = -250000;  -- KB; a day of a million calls is about twice that
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE calls (
    request_id TEXT PRIMARY KEY, time REAL, operation TEXT, model TEXT, identity TEXT, error TEXT, audit_id TEXT,
    callers_id TEXT, in_trail INTEGER, in_log INTEGER, file TEXT, record TEXT, way TEXT
);
CREATE TABLE records (
    audit_id TEXT, time REAL, operation TEXT, model TEXT, state TEXT, error TEXT, attempts INTEGER,
    upstream_request_id TEXT, fate TEXT, calls INTEGER, verdict TEXT
);
CREATE TABLE covered (operation TEXT PRIMARY KEY);
"""
_INDEXES = """
CREATE INDEX by_audit_id ON records (audit_id);
CREATE INDEX by_upstream ON records (upstream_request_id);
CREATE INDEX by_fate ON records (fate, time);
CREATE INDEX by_record ON calls (record, time);
"""
_ADD_CALL = """
INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)
ON CONFLICT (request_id) DO UPDATE SET
    in_trail = in_trail OR excluded.in_trail, in_log = in_log OR excluded.in_log,
    model = coalesce(nullif(model, ''), excluded.model),
    identity = coalesce(nullif(identity, ''), excluded.identity),
    audit_id = coalesce(nullif(audit_id, ''), excluded.audit_id),
    callers_id = coalesce(nullif(callers_id, ''), excluded.callers_id)
"""
_ADD_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)"
# Without the condition a call without an id would be that of any record without one.
_BY_REQUEST_ID = """
UPDATE calls SET record = (SELECT audit_id FROM records WHERE upstream_request_id = calls.request_id)
WHERE request_id != ''
"""
_BY_AUDIT_ID = """
SELECT calls.request_id, calls.operation AS called, records.* FROM calls JOIN records USING (audit_id)
WHERE record IS NULL AND NOT (state = 'DENIED' AND fate = ?) AND abs(calls.time - records.time) <= ?
ORDER BY calls.time
"""
_WITHOUT_AN_ID = "SELECT * FROM calls WHERE record IS NULL AND audit_id = '' AND NOT in_trail ORDER BY time"
_OPEN_RECORDS = """
SELECT audit_id, operation FROM records WHERE fate = ? AND time BETWEEN ? AND ? AND model = ?
AND operation NOT IN ('InvokeModel', 'InvokeModelWithResponseStream')
AND NOT EXISTS (SELECT 1 FROM calls WHERE record = records.audit_id) ORDER BY time
"""
_COUNT_CALLS = "UPDATE records SET calls = (SELECT count(*) FROM calls WHERE record = records.audit_id)"
_JUDGE = """
UPDATE records SET verdict = CASE
    WHEN calls THEN 'crossed' WHEN fate = ? THEN 'not sent' WHEN time >= ? THEN 'under way'
    WHEN operation NOT IN (SELECT operation FROM covered) THEN 'not covered'
    WHEN fate = ? THEN 'without a call' ELSE 'no trace' END
"""
# Whether those of denied requests or all others, a pattern of identities, then the range.
_CALLS_WITHOUT_RECORD = """
SELECT *, EXISTS (SELECT 1 FROM records WHERE audit_id = calls.audit_id) AS claims_a_record FROM calls
WHERE record IS NULL
AND EXISTS (SELECT 1 FROM records WHERE audit_id = calls.audit_id AND state = 'DENIED' AND fate = ?) = ?
AND identity GLOB ? AND time >= ? AND time < ? ORDER BY time
"""
_ODD_IDS = """
SELECT * FROM calls WHERE record IS NOT NULL AND time >= ? AND time < ? AND (
    way = ? OR audit_id NOT IN ('', record) OR callers_id NOT IN ('', record)
    OR audit_id = '' AND (in_trail OR EXISTS (
        SELECT 1 FROM records WHERE audit_id = calls.record
        AND operation IN ('InvokeModel', 'InvokeModelWithResponseStream')
    ))
) ORDER BY time
"""
_CALL_COUNTS = """
SELECT date(time, 'unixepoch') AS day, sum(in_trail) AS trail, sum(in_log) AS log, count(record) AS joined,
    sum(record IS NULL AND identity GLOB ?1) AS without, sum(record IS NULL AND NOT identity GLOB ?1) AS others
FROM calls WHERE time >= ?2 AND time < ?3 GROUP BY day ORDER BY day
"""
_RECORD_COUNTS = """
SELECT date(time, 'unixepoch') AS day, verdict, operation, count(*) AS records FROM records
WHERE time >= ? AND time < ? GROUP BY day, verdict, operation ORDER BY day, verdict, operation
"""


class Reconciliation:
    """Add calls and records, ``join`` them, and ask what is left."""

    def __init__(self, start: datetime, end: datetime, now: datetime) -> None:
        """Of the range from ``start`` to before ``end``; what is added from around it only serves as the other side."""
        self.start, self.end = start, end
        self._range = (start.timestamp(), end.timestamp())
        self._settled_until = now.timestamp() - UNDER_WAY_SECONDS
        self._database = sqlite3.connect("")  # on disk once it outgrows its cache; deleted when closed
        self._database.row_factory = sqlite3.Row
        self._database.executescript(_SCHEMA)

    def add_calls(self, calls: Iterable[Call]) -> None:
        """Those in and near the range. A call that both sources have is one."""
        earliest, latest = self._range[0] - EDGE_SECONDS, self._range[1] + EDGE_SECONDS
        near = (call for call in calls if earliest <= call.time <= latest)
        self._database.executemany(_ADD_CALL, map(_call_row, near))

    def add_records(self, records: Iterable[Record]) -> None:
        """Those of the range and its edges."""
        self._database.executemany(_ADD_RECORD, map(_record_row, records))

    def join(self, covered: set[str]) -> None:
        """Find the record of each call. ``covered`` are the operations that the given logs must have."""
        self._database.executescript(_INDEXES)
        self._database.executemany("INSERT INTO covered VALUES (?)", ((operation,) for operation in covered))
        self._database.execute(_BY_REQUEST_ID)
        self._database.execute("UPDATE calls SET way = ? WHERE record IS NOT NULL", (BY_REQUEST_ID,))
        for way, found in ((BY_AUDIT_ID, self._by_audit_id), (PROBABLE, self._by_time_and_model)):
            settled = [(record, way, request_id) for record, request_id in found()]
            self._database.executemany("UPDATE calls SET record = ?, way = ? WHERE request_id = ?", settled)
        self._database.execute(_COUNT_CALLS)
        self._database.execute(_JUDGE, (NOT_SENT, self._settled_until, CROSSED))

    def _by_audit_id(self) -> Iterator[tuple[str, str]]:
        used: Counter[str] = Counter()
        for row in self._database.execute(_BY_AUDIT_ID, (NOT_SENT, EDGE_SECONDS)):
            audit_id, operation = row["audit_id"], row["operation"]
            most = most_calls(operation, row["attempts"])
            others = used[audit_id] + (1 if row["upstream_request_id"] else 0)
            if row["called"] in calls_of(operation) and (most is None or others < most):
                used[audit_id] += 1
                yield audit_id, row["request_id"]

    def _by_time_and_model(self) -> Iterator[tuple[str, str]]:
        taken: set[str] = set()
        for call in self._database.execute(_WITHOUT_AN_ID):
            window = (call["time"] - EDGE_SECONDS, call["time"] + EDGE_SECONDS)
            for record in self._database.execute(_OPEN_RECORDS, (OPEN, *window, _model_name(call["model"]))):
                if record["audit_id"] not in taken and call["operation"] in calls_of(record["operation"]):
                    taken.add(record["audit_id"])
                    yield record["audit_id"], call["request_id"]
                    break

    def calls_without_record(self, identity: str) -> Iterator[sqlite3.Row]:
        """Calls that no record stands for, by an identity whose ARN fits a pattern (``*`` for any)."""
        return self._database.execute(_CALLS_WITHOUT_RECORD, (NOT_SENT, False, identity, *self._range))

    def calls_of_denied_requests(self, identity: str) -> Iterator[sqlite3.Row]:
        """Calls with the audit id of a request that the router says it denied, and sent nothing for."""
        return self._database.execute(_CALLS_WITHOUT_RECORD, (NOT_SENT, True, identity, *self._range))

    def records_without_call(self) -> Iterator[sqlite3.Row]:
        """Records of what certainly crossed, long enough ago, by a covered operation, of which there is no call."""
        return self._records("verdict", "without a call")

    def open_records(self) -> Iterator[sqlite3.Row]:
        """Records of what may have crossed; ``verdict`` says whether it did."""
        return self._records("fate", OPEN)

    def odd_ids(self) -> Iterator[sqlite3.Row]:
        """Joined calls with another audit id than their record's, none where the router sends one, or probable only."""
        return self._database.execute(_ODD_IDS, (*self._range, PROBABLE))

    def call_counts(self, identity: str) -> Iterator[sqlite3.Row]:
        """By day: calls in each source, joined ones, those without a record, and such of others than ``identity``."""
        return self._database.execute(_CALL_COUNTS, (identity, *self._range))

    def record_counts(self) -> Iterator[sqlite3.Row]:
        """How many records, by day, verdict and operation."""
        return self._database.execute(_RECORD_COUNTS, self._range)

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

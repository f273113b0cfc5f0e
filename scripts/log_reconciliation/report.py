"""Says what a reconciliation found: what only one side has, what nobody can tell, and the sums of each day."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from log_reconciliation.logs import CommercialLogs
from log_reconciliation.matching import PROBABLE, UNDER_WAY_SECONDS, Reconciliation

_VERDICTS = ("crossed", "not sent", "no trace", "not covered", "under way", "without a call")


def report(comparison: Reconciliation, logs: CommercialLogs, identity: str) -> bool:
    """Print it, and return whether both sides agree. ``identity`` is the pattern of the router's ARNs."""
    calls = _listed("calls without a record", comparison.calls_without_record(identity), _call)
    denied = _listed("calls of denied requests", comparison.calls_of_denied_requests(identity), _denied_call)
    records = _listed("records without a call", comparison.records_without_call(), _record)
    _listed("records whose outcome nobody knows", comparison.open_records(), _open_record)
    _listed("calls that name another audit id than their record's, or none", comparison.odd_ids(), _odd_id)
    _listed("logs that cannot be read", logs.unreadable, str)
    print(f"{comparison.start:%Y-%m-%dT%H:%M:%SZ} to {comparison.end:%Y-%m-%dT%H:%M:%SZ}, {logs.files} log files")
    _sum_up_calls(comparison, identity)
    _sum_up_records(comparison, logs)
    if logs.unreadable:
        print(f"NOT CERTAIN: {len(logs.unreadable)} logs cannot be read to their end")
    if calls or records or denied:
        others = f", {denied} calls of denied requests" if denied else ""
        print(f"DIFFERENT: {calls} calls without a record, {records} records without a call{others}")
    elif not logs.unreadable:
        print("agreed: every call has its record, and every record of a covered crossing its call")
    return not (calls or records or denied or logs.unreadable)


def _listed(title: str, rows: Iterable[Any], line: Callable[[Any], str]) -> int:
    """Print the rows, if there are any, and return how many there were."""
    number = 0
    for number, row in enumerate(rows, 1):
        if number == 1:
            print(f"{title}:")
        print(f"  {line(row)}")
    if number:
        print()
    return number


def _call(row: sqlite3.Row) -> str:
    notes = [row["error"]]
    if row["claims_a_record"]:
        notes.append(f"claims audit id {row['audit_id']}, whose record does not stand for it")
    elif row["audit_id"]:
        notes.append(f"claims audit id {row['audit_id']}, which no record has")
    return _line(row, row["request_id"], row["operation"], row["model"], row["identity"], row["file"], *notes)


def _denied_call(row: sqlite3.Row) -> str:
    note = f"record {row['audit_id']} says that this was denied and not sent"
    return _line(row, row["request_id"], row["operation"], row["model"], row["identity"], row["file"], note)


def _record(row: sqlite3.Row) -> str:
    return _line(
        row, row["audit_id"], row["operation"], row["model"], f"request id {row['upstream_request_id'] or '-'}"
    )


def _open_record(row: sqlite3.Row) -> str:
    trace = f"crossed: {row['calls']} calls" if row["calls"] else f"{row['verdict']}: no call in these logs"
    return _line(row, row["audit_id"], row["operation"], row["model"], row["state"], row["error"], trace)


def _odd_id(row: sqlite3.Row) -> str:
    named = [audit_id for audit_id in (row["audit_id"], row["callers_id"]) if audit_id not in ("", row["record"])]
    if row["way"] == PROBABLE:
        note = f"probably record {row['record']}, by operation, model and time"
    else:
        note = f"is record {row['record']}"
    return _line(row, row["request_id"], row["operation"], f"names {named[0] if named else 'none'}", note)


def _line(row: sqlite3.Row, *parts: str) -> str:
    moment = datetime.fromtimestamp(row["time"], UTC)
    return "  ".join([f"{moment:%Y-%m-%dT%H:%M:%SZ}", *filter(None, parts)])


def _sum_up_calls(comparison: Reconciliation, identity: str) -> None:
    print(f"{'calls':12}{'CloudTrail':>16}{'invocation log':>16}{'joined':>16}{'without record':>16}{'of others':>16}")
    for row in comparison.call_counts(identity):
        print(f"{row['day']:12}" + "".join(f"{row[column]:>16}" for column in row.keys()[1:]))


def _sum_up_records(comparison: Reconciliation, logs: CommercialLogs) -> None:
    days: dict[str, Counter[str]] = {}
    not_covered: Counter[str] = Counter()
    for row in comparison.record_counts():
        days.setdefault(row["day"], Counter())[row["verdict"]] += row["records"]
        if row["verdict"] == "not covered":
            not_covered[row["operation"]] += row["records"]
    print("records     " + "".join(f"{verdict:>16}" for verdict in _VERDICTS))
    for day, verdicts in days.items():
        print(f"{day:12}" + "".join(f"{verdicts[verdict]:>16}" for verdict in _VERDICTS))
    if not_covered:
        operations = ", ".join(f"{operation} {number}" for operation, number in sorted(not_covered.items()))
        print(f"what {' and '.join(sorted(logs.sources))} need not have: {operations}")
    if any(verdicts["under way"] for verdicts in days.values()):
        print(f"under way: of the last {UNDER_WAY_SECONDS // 60} minutes, whose logs may not be delivered yet")

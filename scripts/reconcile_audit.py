"""Compare the audit records of an environment with what Commercial saw, and name what only one of both has.

Usage: reconcile_audit.py ENV FROM TO LOGS [LOGS ...]

FROM and TO are days (2026-11-23) or times (2026-11-23T05:00Z), in UTC unless they say otherwise; TO is included if it
is a day, else excluded. LOGS are folders or s3://bucket/prefix locations of model invocation logs, of CloudTrail's log
files, or of both, of every Region the router calls.

Environment:
  COMMERCIAL_AWS_PROFILE  AWS profile of the Commercial account, for logs in S3: s3:ListBucket, s3:GetObject
  IDENTITY                in an account that others use as well: a pattern of the router's ARNs there, such as
                          arn:aws:iam::*:user/cross-partition-dev-*; calls of others without a record are only counted

Exits 0 if both agree, 1 if they do not or a log cannot be read, 2 if nothing was compared.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from deployment import application_inputs, client, require_inputs
from log_reconciliation.coverage import covered
from log_reconciliation.log_files import log_files
from log_reconciliation.logs import CommercialLogs
from log_reconciliation.matching import EDGE_SECONDS, Reconciliation
from log_reconciliation.records import read_records
from log_reconciliation.report import report

_Item = TypeVar("_Item")
_EDGE = timedelta(seconds=EDGE_SECONDS)
# Of ISO 8601's forms the two that say what they are: 2026-W48 might be a day or a week.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ].+)?")
_PROGRESS_SECONDS = 10
_NEEDED = {"region": str, "audit_table_name": str, "audit_retention_days": int}
_DISAGREE, _NOT_COMPARED = 1, 2


def main(arguments: Sequence[str]) -> int:
    """Read both sides, join them, report; the exit code."""
    if len(arguments) < 4 or not all(arguments):
        raise SystemExit(__doc__)
    environment, first, last, *locations = arguments
    now = datetime.now(UTC)
    start, end = _moment("FROM", first), min(_moment("TO", last, to_the_end=True), now)
    if start >= end:
        raise SystemExit("error: FROM must be before TO, and in the past")
    inputs = application_inputs(environment)
    require_inputs(environment, inputs, _NEEDED)
    oldest = now - timedelta(days=inputs["audit_retention_days"])
    if start < oldest:
        raise SystemExit(f"error: FROM must be after {oldest:%Y-%m-%dT%H:%MZ}: the table has no older records")
    logs = CommercialLogs()
    days = ((start - _EDGE).date(), (end + _EDGE).date())
    files = chain.from_iterable(log_files(location, *days) for location in locations)
    comparison = Reconciliation(start, end, now)
    comparison.add_calls(_with_progress(logs.calls(files), lambda: f"calls from {logs.files} log files"))
    if not logs.sources:
        none = f"error: none of the {logs.files} files of these days in LOGS is a log of Bedrock"
        raise SystemExit("\n".join([*logs.unreadable, none]))
    # Records last: each was there before its call was.
    dynamodb = client("dynamodb", inputs["region"])
    records = read_records(dynamodb, inputs["audit_table_name"], start - _EDGE, end + _EDGE)
    comparison.add_records(_with_progress(records, lambda: "records from the table"))
    comparison.join(covered(logs.sources))
    agree = report(comparison, logs, os.environ.get("IDENTITY") or "*")
    return 0 if agree else _DISAGREE


def _moment(name: str, text: str, *, to_the_end: bool = False) -> datetime:
    refusal = SystemExit(f"error: {name} must be a day (2026-11-23) or a time (2026-11-23T05:00Z)")
    form = _MOMENT.fullmatch(text)
    if not form:
        raise refusal
    try:
        moment = datetime.fromisoformat(text)
        if to_the_end and not form["time"]:
            moment += timedelta(days=1)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise refusal from None


def _with_progress(items: Iterable[_Item], what: Callable[[], str]) -> Iterator[_Item]:
    """The same items; now and then how many there were so far goes to standard error."""
    said_at = time.monotonic()
    for number, item in enumerate(items, 1):
        if time.monotonic() - said_at > _PROGRESS_SECONDS:
            said_at = time.monotonic()
            print(f"read: {number} {what()}", file=sys.stderr)
        yield item


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BotoCoreError, ClientError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    except SystemExit as stop:
        if not isinstance(stop.code, str):
            raise
        print(stop.code, file=sys.stderr)
    sys.exit(_NOT_COMPARED)  # 1 would say that they were, and do not agree

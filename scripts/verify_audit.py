"""Prove that the audit archive of some days is complete and unchanged, or say where it breaks.

Usage: verify_audit.py ENV FROM TO        days as 2026-11-23, both included, in UTC

Of the objects that were written on these days, and of the requests that came on them:
  objects  each is there once, none was deleted, replaced or slipped in, to the byte, and each is locked and encrypted
           as configured, since when it says that it was written
  lines    none was changed, removed, added or moved: by numbers and hashes, by the chain from object to object, from
           the one before these days to the one behind them, and to the head, which the router keeps in a table
  records  each has one beginning and at most one outcome, which changed nothing but what outcomes set; nobody changed
           it afterwards, nobody deleted it
  table    what the audit table still has is what the archive says, and the other way round

The last line is "verified: ..." or "BROKEN: ..."; the exit code 0 or 1, and 2 if nothing was proven: the arguments make
no sense, or something that is needed cannot be read.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from archive_check.bucket import ArchiveBucket
from archive_check.comparison import check_table
from archive_check.findings import Findings
from archive_check.head import read_head
from archive_check.histories import Histories
from archive_check.links import Links
from archive_check.storage import Storage
from archive_check.table import AuditTable
from deployment import application_inputs, client, require_inputs

_PROGRESS_SECONDS = 5.0
_NOT_PROVEN = 2
_EARLIEST = date(2020, 1, 1)  # before there was a router: a mistyped year would be queried day by day, for hours
_NEEDED = {
    "region": str,
    "audit_table_name": str,
    "audit_archive.bucket": str,
    "audit_archive.table_name": str,
    "audit_archive.kms_key_arn": str,
    "audit_archive.retention.mode": str,
    "audit_archive.retention.days": int,
}

T = TypeVar("T")


def verify(inputs: Mapping[str, Any], first_day: date, last_day: date) -> int:
    """Check the archive of one environment (its ``application_inputs``), print what was found; the exit code."""
    archive, findings = inputs["audit_archive"], Findings()
    s3, dynamodb = client("s3", inputs["region"]), client("dynamodb", inputs["region"])
    days = [(first_day + timedelta(days=n)).isoformat() for n in range((last_day - first_day).days + 1)]
    bucket = ArchiveBucket(s3, archive["bucket"], findings)
    # From its end to its beginning, because it grows meanwhile: what is listed goes at least as far as what was read.
    head = read_head(dynamodb, archive["table_name"])
    key_after = bucket.first_key_after(days[-1])
    storage = Storage(archive["retention"]["mode"], archive["retention"]["days"], archive["kms_key_arn"], findings)
    links, histories = Links(bucket, storage, head, findings), Histories(findings)

    keys = bucket.keys(days[0], days[-1])
    entries, chain = 0, list[str]()
    for found in _progress(bucket.read(keys), lambda: f"read {len(histories.by_request):,} records' histories"):
        links.follow(found)
        histories.add(found.changes)
        entries += found.last_number - found.first_number + 1 if found.header else 0
        chain += [found.first_hash, found.last_hash]
    links.check_end(key_after)
    histories.check_beginnings(max(links.complete_since, days[0]))
    table = AuditTable(dynamodb, inputs["audit_table_name"], histories.by_request, links.complete_since)
    records = check_table(table, histories, links, findings, days, _progress)

    findings.note(histories.duplicates, "changes were delivered twice and are archived twice, which is harmless")
    findings.note(histories.out_of_order, "records' outcomes were archived before their beginnings, which is harmless")
    for line in (*findings.notes, *findings.lines):
        print(line)
    said = f"{entries:,} entries in {len(keys):,} objects of {len(days):,} days, {records:,} records in the table"
    if findings.summary:
        print(f"BROKEN: {findings.summary}, among {said}")
        return 1
    print(f"verified: {said}" + (f", chain {chain[0][:12]} ... {chain[-1][:12]}" if chain else ""))
    return 0


def _progress(parts: Iterable[T], say: Callable[[], str]) -> Iterator[T]:
    """Hand the parts on, and say now and then how far it is."""
    said_at = time.monotonic()
    for part in parts:
        yield part
        if time.monotonic() - said_at >= _PROGRESS_SECONDS:
            said_at = time.monotonic()
            print(say(), file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run from the command line; the exit code. 1 would say that the archive was checked, and is broken."""
    try:
        return _run(arguments)
    except (BotoCoreError, ClientError, OSError) as error:
        print(f"error: nothing is proven: {error}", file=sys.stderr)
    except SystemExit as stop:
        if not isinstance(stop.code, str):
            raise
        print(stop.code, file=sys.stderr)
    return _NOT_PROVEN


def _run(arguments: list[str]) -> int:
    today = datetime.now(UTC).date()
    try:
        environment, first, last = arguments
        first_day, last_day = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise SystemExit(__doc__) from None
    if [first, last] != [first_day.isoformat(), last_day.isoformat()]:  # 2026-W48 is a week, and would be its Monday
        raise SystemExit(__doc__)
    if first_day > last_day or first_day > today:
        raise SystemExit("error: FROM must not be after TO, nor in the future")
    if first_day < _EARLIEST:
        raise SystemExit(f"error: FROM must not be before {_EARLIEST}: no archive is as old as that")
    inputs = application_inputs(environment)
    if not inputs.get("audit_archive"):
        raise SystemExit(f"error: '{environment}' has no archive; the variable `audit_archive` makes one")
    require_inputs(environment, inputs, _NEEDED)
    return verify(inputs, first_day, min(last_day, today))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

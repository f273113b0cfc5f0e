"""Prove that the audit archive of some days is complete and unchanged, or say where it breaks.

Usage: verify_audit.py ENV FROM TO        days as 2026-11-23, both included, in UTC

Of the objects that were written on these days, and of the requests that came on them:
  objects  each is there once, none was deleted, replaced or slipped in, and each is locked for as long as configured
  lines    none was changed, removed, added or moved: by numbers and hashes, by the chain from object to object, from
           the one before these days to the one behind them, or to the head, which the router keeps in a table
  records  each has one beginning and at most one outcome; nobody changed it afterwards, nobody deleted it
  table    what the audit table still has is what the archive says, and the other way round

The last line is "verified: ..." or "BROKEN: ..."; the exit code 0 or 1, and 2 if the arguments make no sense.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from archive_check.bucket import ArchiveBucket
from archive_check.findings import Findings
from archive_check.histories import Histories
from archive_check.links import FIRST_KEY, Links, read_head
from archive_check.table import UNDER_WAY, AuditTable, Comparison
from deployment import application_inputs, client

_STREAM_KEEPS = timedelta(days=1)  # what DynamoDB's stream holds for Lambda: later than that nothing is archived
_PROGRESS_SECONDS = 5.0
_EXPIRY_MARGIN_SECONDS = 3600  # a record whose time is nearly over may be gone by now

T = TypeVar("T")


def verify(inputs: Mapping[str, Any], first_day: date, last_day: date) -> int:
    """Check the archive of one environment (its ``application_inputs``), print what was found; the exit code."""
    archive, findings = inputs["audit_archive"], Findings()
    retention_days = archive["retention"]["days"]
    s3, dynamodb = client("s3", inputs["region"]), client("dynamodb", inputs["region"])
    days = [(first_day + timedelta(days=n)).isoformat() for n in range((last_day - first_day).days + 1)]
    bucket = ArchiveBucket(s3, archive["bucket"], retention_days, findings)
    # From its end to its beginning, because it grows meanwhile: what is listed goes at least as far as what was read.
    head = read_head(dynamodb, archive["table_name"])
    key_after = bucket.first_key_after(days[-1])
    links, histories = Links(bucket, head, retention_days, findings), Histories(findings)

    keys = bucket.keys(days)
    entries, chain = 0, list[str]()
    for found in _progress(bucket.read(keys), lambda: f"read {len(histories.by_request):,} records' histories"):
        links.follow(found)
        histories.add(found.changes)
        entries += found.last_number - found.first_number + 1 if found.header else 0
        chain += [found.first_hash, found.last_hash]
    links.check_end(key_after)

    archive_since = _begun_at(bucket)
    histories.check_beginnings(max(archive_since, days[0]))
    table = AuditTable(dynamodb, inputs["audit_table_name"])
    compared = Comparison()
    parts = table.compare(days, histories.by_request, archive_since)
    for part in _progress(parts, lambda: f"compared {len(compared.seen):,} records of the table"):
        compared.add(part)
    _check_table(table, compared, histories, links, findings, days)

    minutes = UNDER_WAY.seconds // 60
    findings.note(compared.under_way, f"records younger than {minutes} minutes may be on their way to the archive")
    findings.note(compared.older_than_archive, "records are older than the archive, so it does not have them")
    findings.note(histories.duplicates, "changes were delivered twice and are archived twice, which is harmless")
    findings.note(histories.out_of_order, "records' outcomes were archived before their beginnings, which is harmless")
    for line in (*findings.notes, *findings.lines):
        print(line)
    said = f"{entries:,} entries in {len(keys):,} objects of {len(days):,} days"
    said += f", {len(compared.seen):,} records in the table"
    if findings.summary:
        print(f"BROKEN: {findings.summary}, among {said}")
        return 1
    print(f"verified: {said}" + (f", chain {chain[0][:12]} ... {chain[-1][:12]}" if chain else ""))
    return 0


def _check_table(
    table: AuditTable, compared: Comparison, histories: Histories, links: Links, findings: Findings, days: list[str]
) -> None:
    """Judge what differs: what was archived behind these days is as it should be."""
    differing = dict(compared.differing)
    for found in links.objects_after(_STREAM_KEEPS) if differing else ():
        for change in found.changes:
            if differing.get(change.request_id) == change.digest:
                del differing[change.request_id]
        if not differing:
            break
    for request_id in differing:
        history = histories.by_request.get(request_id)
        if history:
            findings.add("changed record", f"request {request_id} differs in the table from {history.where}")
        else:
            findings.add("missing record", f"request {request_id} is in the table, and not in the archive")
    alive_after = time.time() + _EXPIRY_MARGIN_SECONDS
    gone = {
        request_id: history
        for request_id, history in histories.by_request.items()
        if request_id not in compared.seen and days[0] <= history.timestamp[:10] <= days[-1]
        if history.expires_at > alive_after and not history.removed
    }
    # The index that was read may lag behind; the table says.
    existing = table.existing((request_id, history.timestamp) for request_id, history in gone.items())
    for request_id in gone.keys() - existing:
        text = f"request {request_id} is not in the table, though its time is not over; it was {gone[request_id].where}"
        findings.add("deleted record", text)


def _begun_at(bucket: ArchiveBucket) -> str:
    """When the archive began, as a record's timestamp; "" if that object's retention is over and it is gone."""
    if not bucket.has(FIRST_KEY):
        return ""
    (first,) = bucket.read([FIRST_KEY])
    return str(first.header["archivedAt"]) if first.header else ""


def _progress(parts: Iterable[T], say: Callable[[], str]) -> Iterator[T]:
    """Hand the parts on, and say now and then how far it is."""
    said_at = time.monotonic()
    for part in parts:
        yield part
        if time.monotonic() - said_at >= _PROGRESS_SECONDS:
            said_at = time.monotonic()
            print(say(), file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run from the command line; the exit code."""
    try:
        environment, first_day, last_day = (
            arguments[0],
            date.fromisoformat(arguments[1]),
            date.fromisoformat(arguments[2]),
        )
    except (IndexError, ValueError):
        print(__doc__, file=sys.stderr)
        return 2
    if len(arguments) != 3 or first_day > last_day or first_day > datetime.now(UTC).date():
        print("error: FROM must not be after TO, nor in the future", file=sys.stderr)
        return 2
    inputs = application_inputs(environment)
    if not inputs.get("audit_archive"):
        print(f"error: '{environment}' has no archive; the variable `audit_archive` makes one", file=sys.stderr)
        return 2
    return verify(inputs, first_day, last_day)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

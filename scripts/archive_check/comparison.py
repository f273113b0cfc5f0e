"""Judges what the audit table has of some days by the archive: records that differ, are missing, or were deleted."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from archive_check.findings import Findings
from archive_check.histories import Histories
from archive_check.links import Links
from archive_check.table import SHARDS, UNDER_WAY, AuditTable, Comparison

_EXPIRY_MARGIN_SECONDS = 3600  # a record whose time is nearly over may be gone by now

# Hands items on, and says now and then how far it is.
Progress = Callable[[Iterable[Any], Callable[[], str]], Iterator[Any]]


def check_table(
    table: AuditTable, histories: Histories, links: Links, findings: Findings, days: Sequence[str], progress: Progress
) -> int:
    """Compare, and return how many records the table has of these days."""
    compared = Comparison()

    def how_far() -> str:
        said = f"compared {len(compared.seen):,} records of the table"
        return f"{said}, {compared.partitions // SHARDS:,} of {len(days):,} days"

    for part in progress(table.compare(days), how_far):
        compared.add(part)
    alive_after = time.time() + _EXPIRY_MARGIN_SECONDS
    alive = {
        request_id: history
        for request_id, history in histories.by_request.items()
        if days[0] <= history.timestamp[:10] <= days[-1] and history.expires_at > alive_after and not history.removed
    }
    not_seen = [(request_id, alive[request_id].timestamp) for request_id in alive.keys() - compared.seen]
    for part in table.look_up(not_seen):
        compared.add(part)
    for request_id in alive.keys() - compared.seen:
        text = (
            f"request {request_id} is not in the table, though its time is not over; it was {alive[request_id].where}"
        )
        findings.add("deleted record", text)
    _check_differing(compared.differing, histories, links, findings, progress)
    minutes = UNDER_WAY.seconds // 60
    findings.note(
        compared.under_way, f"records begun or closed in the last {minutes} minutes may be on their way to the archive"
    )
    findings.note(compared.older_than_archive, "records are older than the archive, so it does not have them")
    return len(compared.seen)


def _check_differing(
    differing: dict[str, bytes], histories: Histories, links: Links, findings: Findings, progress: Progress
) -> None:
    """What was archived behind these days is as it should be, however long afterwards: an outcome may come late."""
    left = len(differing)
    behind = progress(links.objects_after(), lambda: f"{left:,} records differ; reading on behind these days")
    for change in chain.from_iterable(found.changes for found in behind) if differing else ():
        if change.request_id not in differing:
            continue
        histories.add([change])
        if differing[change.request_id] == change.digest:
            del differing[change.request_id]
            if not differing:
                return
    for request_id in differing:
        history = histories.by_request.get(request_id)
        if history:
            findings.add("changed record", f"request {request_id} differs in the table from {history.where}")
        else:
            findings.add("missing record", f"request {request_id} is in the table, and not in the archive")

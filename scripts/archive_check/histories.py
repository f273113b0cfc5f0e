"""What the archive says of each audit record: how it began, how it ended, and whether anybody touched it in between."""

from collections.abc import Iterable
from dataclasses import dataclass

from archive_check.findings import Findings
from archive_check.objects import Change, Intent

_FIRST_STATES = ("STARTED", "DENIED")
# How a record may end, and as what the table finds it then.
_ENDS = {
    "COMPLETED": ("SUCCESS", "ERROR"),
    "FAILED": ("ERROR",),
    "DENIED": ("DENIED",),
    "ABANDONED": ("ABANDONED",),
}


@dataclass(slots=True)
class History:
    """One record's life, as far as it is archived."""

    timestamp: str
    where: str  # its newest state in the archive
    digest: bytes
    intent: Intent
    expires_at: int
    inserted: bool = False
    ended: bool = False
    removed: bool = False


class Histories:
    """All records' lives, by request id."""

    def __init__(self, findings: Findings) -> None:
        self.by_request: dict[str, History] = {}
        self.duplicates = 0
        self.out_of_order = 0
        self._findings = findings
        self._seen: set[tuple[str, bytes]] = set()

    def add(self, changes: Iterable[Change]) -> None:
        """Take in an object's changes. One that was delivered twice counts once."""
        for change in changes:
            identity = (change.event_id, change.digest)
            if identity in self._seen:
                self.duplicates += 1
                continue
            self._seen.add(identity)
            self._take(change)

    def check_beginnings(self, since: str) -> None:
        """Every record from a time on must have its beginning in what was added."""
        for request_id, history in self.by_request.items():
            if not history.inserted and history.timestamp >= since:
                self._findings.add(
                    "missing record", f"request {request_id}: its beginning is not in the archive, only {history.where}"
                )

    def _take(self, change: Change) -> None:
        history = self.by_request.get(change.request_id)
        if history is None:
            history = History(change.timestamp, change.where, change.digest, change.intent, change.expires_at)
            self.by_request[change.request_id] = history
        if change.event == "REMOVE":
            history.removed = True
            self._break("deleted record", change, "was deleted from the table by somebody, not for its age")
            return
        ends = change.state != "STARTED"
        if change.event == "INSERT" and history.inserted:
            self._break("changed record", change, "was written anew over an older one")
        elif ends and history.ended:
            self._break("changed record", change, f"was changed after its outcome ({history.where})")
        elif change.event == "INSERT" and change.state not in _FIRST_STATES:
            self._break("changed record", change, f"begins as {change.state}, as the router never writes it")
        elif change.event == "MODIFY" and not ends:
            self._break("changed record", change, "was changed while it was under way")
        elif change.event == "MODIFY" and change.outcome not in _ENDS.get(change.state, ()):
            end = f"{change.state or 'nothing'}, as {change.outcome or 'nothing'} in the table's index"
            self._break("changed record", change, f"ends as {end}, as the router never writes it")
        elif not change.intent.is_kept_in(history.intent):
            text = f"differs from {history.where} in more than an outcome may change"
            self._break("changed record", change, text)
        if change.event == "INSERT":
            history.inserted = True
            self.out_of_order += history.ended and not ends
        if ends or not history.ended:
            history.where, history.digest, history.expires_at = change.where, change.digest, change.expires_at
            history.ended = ends

    def _break(self, kind: str, change: Change, text: str) -> None:
        self._findings.add(kind, f"request {change.request_id} {text}: {change.where}")

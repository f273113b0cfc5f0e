"""What is known of an object of the archive that was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple


class Intent(NamedTuple):
    """What a record says of the time before anything was sent."""

    digest: bytes  # of all that no outcome sets
    decision: str  # and by which rule; "" where it is the outcome that denied

    def is_kept_in(self, other: "Intent") -> bool:
        """Whether beginning and outcome, in whichever order, agree. Only to deny, an outcome decides anew."""
        decided_anew = "" in (self.decision, other.decision)
        return self.digest == other.digest and (decided_anew or self.decision == other.decision)


class Change(NamedTuple):
    """A change of an audit record, as far as the check needs it."""

    where: str  # object and line
    event: str
    event_id: str
    request_id: str
    timestamp: str
    state: str
    outcome: str  # by which the table finds it; "" if not there where its day is
    intent: Intent
    expires_at: int  # epoch seconds
    digest: bytes  # of the whole record, as it is written


class Stored(NamedTuple):
    """What S3 says of an object."""

    at: datetime
    locked_until: datetime | None
    mode: str
    kms_key: str
    delete_marker: bool

    @property
    def locked_for(self) -> timedelta:
        """How long it was locked when it was stored."""
        return self.locked_until - self.at if self.locked_until else timedelta()


@dataclass(slots=True)
class ArchivedObject:
    """An object that was read; without a header nothing is known of what it says it is."""

    key: str
    sha256: str = ""  # of its bytes
    stored: Stored | None = None
    header: Mapping[str, Any] | None = None
    archived_at: datetime | None = None
    first_number: int = 0
    last_number: int = 0
    first_hash: str = ""
    last_hash: str = ""
    changes: Sequence[Change] = ()
    breaks: list[tuple[str, str]] = field(default_factory=list)  # name and text

"""What crossed in one slice of time, added up by groups of crossings that share their labels; how that is stored."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from inference_proxy.usage_figures import COUNTED, COUNTERS, MODELS, Figures, Record, any_served

_LABELS = ("callerArn", *MODELS, "classification")
# What has to be read of a record.
RECORD_ATTRIBUTES = (*_LABELS, *COUNTED)
# Callers choose what they call a model, and must not make a slice grow without end: this many groups of a slice, and of
# each caller this many of which no crossing was served, so that their names may be the caller's invention.
_MOST_GROUPS = 5_000
_MOST_UNSERVED = 20
OTHERS = "(others)"  # the model of what is beyond; no id of a model has brackets
# Crossings of the router's own, which carry nothing of a caller's: they are no requests. A denied one is a caller's.
_OWN = frozenset({"ListModels", "ReadModelAccess", "CreateInferenceProfile", "ProveCredential"})


class Group(NamedTuple):
    """The labels that crossings are added up by; "" where their records have none."""

    caller: str
    foundation_model: str
    resolved_model: str
    requested_model: str
    classification: str

    @property
    def model(self) -> str:
        """The model that it is shown under: the foundation model, else the best that is known of it."""
        return self.foundation_model or self.resolved_model or self.requested_model


class Row(NamedTuple):
    """What was counted of a group: its counters, and pairs of a bucket and how many latencies it has."""

    group: Group
    counts: Sequence[int]
    latencies: Sequence[tuple[int, int]]


class Sums:
    """The figures of each group of one slice."""

    def __init__(self) -> None:
        self.groups: dict[Group, Figures] = {}
        self._unserved: dict[str, int] = {}  # groups by caller

    def count(self, outcome: str, record: Record) -> None:
        """Count one record that stands under this outcome in the index, unless it is the router's own."""
        if outcome != "DENIED" and record.get("operation") in _OWN:
            return
        group = Group(*[record.get(label, "") for label in _LABELS])
        self._of(group, served=outcome not in ("ERROR", "DENIED")).count(outcome, record)

    def add(self, rows: Iterable[Row]) -> None:
        """Add what others counted."""
        for group, counts, latencies in rows:
            self._of(group, served=any_served(counts)).add(counts, latencies)

    def _of(self, group: Group, *, served: bool) -> Figures:
        """The figures of a group. Where there are too many, further ones lose the names of their models."""
        figures = self.groups.get(group)
        if figures is None:
            unserved = self._unserved.get(group.caller, 0)
            if len(self.groups) >= _MOST_GROUPS or (not served and unserved >= _MOST_UNSERVED):
                group = group._replace(foundation_model=OTHERS, resolved_model="", requested_model="")
            elif not served:
                self._unserved[group.caller] = unserved + 1
            figures = self.groups.setdefault(group, Figures())
        return figures

    def rows(self) -> Iterator[Row]:
        """The groups and what was counted of each."""
        for group, figures in self.groups.items():
            yield Row(group, figures.counts, list(figures.latencies.items()))


def pack(rows: Iterable[Row]) -> bytes:
    """Rows as they are stored: JSON, compressed."""
    stored = [[row.group, row.counts, row.latencies] for row in rows]
    return zlib.compress(json.dumps(stored, separators=(",", ":")).encode())


def unpack(packed: bytes) -> Iterator[Row]:
    """The rows that were packed; counters that were not known at that time are 0, those of a later release left out."""
    for group, counts, latencies in json.loads(zlib.decompress(packed)):
        known = [*counts, *[0] * len(COUNTERS)][: len(COUNTERS)]
        yield Row(Group(*group), known, latencies)

"""What crossed, added up: counters and a histogram of latencies for each group of crossings that share their labels.

Latencies of up to 31 ms are kept as they are; above, each doubling has 16 buckets of equal width. A bucket's middle is
within 3.2 % of every latency in it, and so is a percentile that is read from the buckets. Adding groups up loses
nothing: histograms with the same buckets are added bucket by bucket.
"""

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

# Under which outcomes of the index a crossing counts as something else than served.
_COUNTER_OF = {"STARTED": "inProgress", "ERROR": "errors", "DENIED": "denials", "ABANDONED": "abandoned"}
# What is added up of a record, by the attribute that holds it.
_ADDED = {
    "inputTokens": "inputTokens",
    "outputTokens": "outputTokens",
    "cacheReadInputTokens": "cacheReadInputTokens",
    "cacheWriteInputTokens": "cacheWriteInputTokens",
    "requestSize": "requestBytes",
    "responseSize": "responseBytes",
}
# The order in which counters are stored; new ones go to the end. ``withTokens``: crossings for which tokens are known.
COUNTERS = ("requests", *_COUNTER_OF.values(), *_ADDED.values(), "withTokens")
_POSITION = {name: position for position, name in enumerate(COUNTERS)}
_ATTRIBUTES = tuple((attribute, _POSITION[counter]) for attribute, counter in _ADDED.items())
_WITH_TOKENS = _POSITION["withTokens"]
_EXACT_BITS = 5
_MOST_GROUPS = 5_000  # of one slice: callers choose what they call a model, and must not make it grow without end
_OTHERS = "others"

Record = Mapping[str, Any]  # texts and whole numbers by the names of their attributes


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


_LABELS = ("callerArn", "foundationModelId", "resolvedModelId", "modelId", "classification")
# What has to be read of a record.
RECORD_ATTRIBUTES = (*_LABELS, *_ADDED, "latency")


class Figures:
    """The counters, in the order of COUNTERS, and how many latencies are in which bucket, by its lower bound in ms."""

    __slots__ = ("counts", "latencies")

    def __init__(self) -> None:
        self.counts = [0] * len(COUNTERS)
        self.latencies: dict[int, int] = {}

    def __getitem__(self, counter: str) -> int:
        return self.counts[_POSITION[counter]]

    def add(self, counts: Sequence[int], latencies: Iterable[tuple[int, int]]) -> None:
        """Add what others counted."""
        self.counts = [mine + other for mine, other in zip(self.counts, counts, strict=True)]
        for bucket, number in latencies:
            self.latencies[bucket] = self.latencies.get(bucket, 0) + number

    def count(self, outcome: str, record: Record) -> None:
        """Count one record that stands under this outcome in the index."""
        counts = self.counts
        counts[0] += 1
        if outcome in _COUNTER_OF:
            counts[_POSITION[_COUNTER_OF[outcome]]] += 1
        for attribute, position in _ATTRIBUTES:
            if attribute in record:
                counts[position] += record[attribute]
        if "inputTokens" in record or "outputTokens" in record:
            counts[_WITH_TOKENS] += 1
        if "latency" in record:
            bucket = bucket_of(record["latency"])
            self.latencies[bucket] = self.latencies.get(bucket, 0) + 1

    def percentile(self, share: float) -> int | None:
        """The latency in ms that this share of those counted does not exceed (nearest rank); None without any."""
        rank = math.ceil(share * sum(self.latencies.values()))
        for bucket in sorted(self.latencies):
            rank -= self.latencies[bucket]
            if rank <= 0:
                return bucket + _width(bucket) // 2
        return None


class Sums:
    """The figures of each group of one slice."""

    def __init__(self) -> None:
        self.groups: dict[Group, Figures] = {}

    def of(self, group: Group) -> Figures:
        """The figures of a group. Where there are too many, further ones lose the names of their models."""
        figures = self.groups.get(group)
        if figures is None:
            if len(self.groups) >= _MOST_GROUPS:
                group = group._replace(foundation_model=_OTHERS, resolved_model="", requested_model="")
            figures = self.groups.setdefault(group, Figures())
        return figures

    def count(self, outcome: str, record: Record) -> None:
        """Count one record that stands under this outcome in the index."""
        self.of(Group(*[record.get(label, "") for label in _LABELS])).count(outcome, record)

    def add(self, rows: Iterable["Row"]) -> None:
        """Add what others counted."""
        for group, counts, latencies in rows:
            self.of(group).add(counts, latencies)

    def rows(self) -> Iterator["Row"]:
        """The groups and what was counted of each."""
        for group, figures in self.groups.items():
            yield Row(group, figures.counts, list(figures.latencies.items()))


class Row(NamedTuple):
    """What was counted of a group: its counters, and pairs of a bucket and how many latencies it has."""

    group: Group
    counts: Sequence[int]
    latencies: Sequence[tuple[int, int]]


def bucket_of(latency_ms: int) -> int:
    """The lower bound of the bucket that a latency is in."""
    shift = max(0, latency_ms.bit_length() - _EXACT_BITS)
    return max(0, latency_ms) >> shift << shift


def _width(bucket: int) -> int:
    return 1 << max(0, bucket.bit_length() - _EXACT_BITS)


def pack(rows: Iterable[Row]) -> bytes:
    """Rows as they are stored: JSON, compressed."""
    stored = [[row.group, row.counts, row.latencies] for row in rows]
    return zlib.compress(json.dumps(stored, separators=(",", ":")).encode())


def unpack(packed: bytes) -> Iterator[Row]:
    """The rows that were packed; counters that were not known at that time are 0."""
    for group, counts, latencies in json.loads(zlib.decompress(packed)):
        yield Row(Group(*group), [*counts, *[0] * (len(COUNTERS) - len(counts))], latencies)

"""What crossed, added up: counters and a histogram of latencies.

Latencies of up to 31 ms are kept as they are; above, each doubling has 16 buckets of equal width. A bucket's middle is
within 3.2 % of every latency in it, and so is a percentile that is read from the buckets. Adding figures up
loses nothing: histograms with the same buckets are added bucket by bucket.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
_CACHE_TOKENS = ("cacheReadInputTokens", "cacheWriteInputTokens")
_TOKENS = ("inputTokens", "outputTokens", *_CACHE_TOKENS)
MODELS = ("foundationModelId", "resolvedModelId", "modelId")
# What has to be read of a record to count it.
COUNTED = (*_ADDED, "latency", "operation")
# What asks nothing of a model, though it names one, and costs nothing.
_FREE = ("Get", "List", "CountTokens")
# What decides about costs: crossings of which tokens are known, those that were served by a model and did not say, and
# those that read from a cache, wrote to it, or both.
_FOR_COSTS = ("withTokens", "withoutTokens", "withCacheReads", "withCacheWrites", "withCacheBoth")
# The order in which counters are stored; new ones go to the end.
COUNTERS = ("requests", *_COUNTER_OF.values(), *_ADDED.values(), *_FOR_COSTS)
_POSITION = {name: position for position, name in enumerate(COUNTERS)}
_ATTRIBUTES = tuple((attribute, _POSITION[counter]) for attribute, counter in _ADDED.items())
_WITH_TOKENS, _WITHOUT_TOKENS, _WITH_READS, _WITH_WRITES, _WITH_BOTH = (_POSITION[name] for name in _FOR_COSTS)
_EXACT_BITS = 5

Record = Mapping[str, Any]  # texts and whole numbers by the names of their attributes


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
        if any(attribute in record for attribute in _TOKENS):
            counts[_WITH_TOKENS] += 1
        elif outcome == "SUCCESS" and _names_model(record) and not str(record.get("operation")).startswith(_FREE):
            counts[_WITHOUT_TOKENS] += 1
        reads, writes = (bool(record.get(attribute)) for attribute in _CACHE_TOKENS)
        counts[_WITH_READS] += reads
        counts[_WITH_WRITES] += writes
        counts[_WITH_BOTH] += reads and writes
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


def any_served(counts: Sequence[int]) -> bool:
    """Whether any of those counted was neither denied nor an error."""
    return counts[0] > counts[_POSITION["errors"]] + counts[_POSITION["denials"]]


def bucket_of(latency_ms: int) -> int:
    """The lower bound of the bucket that a latency is in."""
    shift = max(0, latency_ms.bit_length() - _EXACT_BITS)
    return max(0, latency_ms) >> shift << shift


def _width(bucket: int) -> int:
    return 1 << max(0, bucket.bit_length() - _EXACT_BITS)


def _names_model(record: Record) -> bool:
    return any(record.get(name) for name in MODELS)

"""Audit records for the tests of usage, and an oracle that adds them up one by one, by rules of its own."""

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from inference_proxy.audit import SHARDS
from tests.contract.router_bench import RouterBench

STATES = {"SUCCESS": "COMPLETED", "ERROR": "FAILED"}
OWN_ARN = "arn:aws-us-gov:iam::123456789012:role/developer"  # the principal behind the bench's caller
OTHER_ARN = "arn:aws-us-gov:iam::123456789012:role/analyst"
COUNTED_AS = {"ERROR": "errors", "DENIED": "denials", "ABANDONED": "abandoned", "STARTED": "inProgress"}
ADDED = {
    "inputTokens": "inputTokens",
    "outputTokens": "outputTokens",
    "cacheReadInputTokens": "cacheReadInputTokens",
    "cacheWriteInputTokens": "cacheWriteInputTokens",
    "requestSize": "requestBytes",
    "responseSize": "responseBytes",
}
PRICES: list[dict[str, Any]] = [
    {
        "models": ["amazon.*"],
        "input_usd_per_million_tokens": 3.0,
        "output_usd_per_million_tokens": 15.0,
        "cache_read_usd_per_million_tokens": 0.3,
        "cache_write_usd_per_million_tokens": 3.75,
    },
    {
        "models": ["meta.llama-made-up"],
        "input_usd_per_million_tokens": 0.25,
        "output_usd_per_million_tokens": 0.5,
        "cache_write_usd_per_million_tokens": 0.0,
    },
    {"models": ["writer.*"], "input_usd_per_million_tokens": 0.6, "output_usd_per_million_tokens": 6.0},
]
PRICE_OF = {
    "inputTokens": "input_usd_per_million_tokens",
    "outputTokens": "output_usd_per_million_tokens",
    "cacheReadInputTokens": "cache_read_usd_per_million_tokens",
    "cacheWriteInputTokens": "cache_write_usd_per_million_tokens",
}
OWN = ("ListModels", "ReadModelAccess")  # crossings of the router's own


@dataclass(frozen=True)
class Made:
    """A record as the trail would have it: how it stands in the index, and what it says."""

    number: int
    moment: datetime
    outcome: str = "SUCCESS"
    labels: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    operation: str = "Converse"

    @property
    def is_request(self) -> bool:
        """Whether it is a caller's: the router's own are no requests, and a denied one was a caller's."""
        return self.operation not in OWN or self.outcome == "DENIED"

    @property
    def model(self) -> str:
        """The model it belongs to."""
        names = (self.labels.get(name) for name in ("foundationModelId", "resolvedModelId", "modelId"))
        return next((name for name in names if name), "(none)")

    def ended(self, outcome: str, **numbers: int) -> "Made":
        """The same record with an end."""
        return replace(self, outcome=outcome, numbers={**self.numbers, **numbers})

    def item(self) -> dict[str, dict[str, str]]:
        """As DynamoDB keeps it."""
        timestamp = self.moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.moment.microsecond // 1000:03d}Z"
        request_id = f"made-up-{self.number:06d}"
        day_shard = f"{timestamp[:10]}#{zlib.crc32(request_id.encode()) % SHARDS}"
        texts = {
            "requestId": request_id,
            "timestamp": timestamp,
            "timeKey": f"{timestamp}#{request_id}",
            "dayShard": day_shard,
            "callerDayShard": f"{self.labels['callerArn']}#{day_shard}",
            "outcomeDayShard": f"{self.outcome}#{day_shard}",
            "state": STATES.get(self.outcome, self.outcome),
            "operation": self.operation,
            "decision": "DENY" if self.outcome == "DENIED" else "ALLOW",
            **self.labels,
        }
        numbers = {"ttl": int(self.moment.timestamp()) + 30 * 86_400, **self.numbers}
        return {name: {"S": text} for name, text in texts.items()} | {
            name: {"N": str(number)} for name, number in numbers.items()
        }


def put(bench: RouterBench, records: Iterable[Made]) -> None:
    """Put records into the bench's table, in place of those with the same number and time."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda made: bench.dynamodb.put_item(TableName=bench.table, Item=made.item()), records))


def key_of(group_by: str, made: Made) -> str:
    """The row that a record belongs to."""
    match group_by:
        case "model":
            return made.model
        case "caller":
            return made.labels["callerArn"]
        case "classification":
            return made.labels.get("classification", "(none)")
        case "hour":
            return made.moment.strftime("%Y-%m-%dT%H:00Z")
    return made.moment.strftime("%Y-%m-%d")


def rounded(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """A period of whole ten minutes around another."""
    first, last = int(start.timestamp()) // 600 * 600, math.ceil(end.timestamp() / 600) * 600
    return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


def row(records: list[Made], *, priced: bool) -> dict[str, Any]:
    """What the records add up to, with exact percentiles."""
    latencies = sorted(made.numbers["latency"] for made in records if "latency" in made.numbers)
    cost, unpriced = 0.0, 0
    for made in records:
        name = made.model.removeprefix("us.")  # prices are for models, wherever they run
        prices = [each for each in PRICES if priced and name.startswith(each["models"][0].rstrip("*"))]
        tokens = {name: made.numbers[name] for name in PRICE_OF if name in made.numbers}
        if tokens and prices:
            cost += sum(number * prices[0].get(PRICE_OF[name], 0.0) / 1e6 for name, number in tokens.items())
            unpriced += any(number and PRICE_OF[name] not in prices[0] for name, number in tokens.items())
        elif tokens or (made.outcome == "SUCCESS" and made.model != "(none)" and made.operation == "Converse"):
            unpriced += 1
    return {
        "requests": len(records),
        **{name: sum(made.outcome == outcome for made in records) for outcome, name in COUNTED_AS.items()},
        "latencyMs": {
            name: latencies[math.ceil(share * len(latencies)) - 1] if latencies else None
            for name, share in (("p50", 0.5), ("p95", 0.95))
        },
        **{name: sum(made.numbers.get(attribute, 0) for made in records) for attribute, name in ADDED.items()},
        "estimatedCostUsd": cost,
        "unpricedRequests": unpriced,
    }


def expected(
    records: Iterable[Made], start: datetime, end: datetime, group_by: str, *, priced: bool, **equal: str
) -> dict[str, Any]:
    """The rows by key, and the totals; ``equal`` are the parameters caller, model and classification."""
    start, end = rounded(start, end)
    wanted: Mapping[str, Callable[[Made, str], bool]] = {
        "caller": lambda made, value: made.labels["callerArn"] == value,
        "classification": lambda made, value: made.labels.get("classification", "(none)") == value,
        "model": lambda made, value: (
            value in (made.model, *(made.labels.get(n) for n in ("modelId", "resolvedModelId", "foundationModelId")))
        ),
    }
    chosen = [
        made
        for made in records
        if made.is_request
        and start <= made.moment < end
        and all(wanted[name](made, value) for name, value in equal.items())
    ]
    keys = {key_of(group_by, made) for made in chosen}
    if group_by in ("hour", "day"):
        steps = range(int((end - start) / timedelta(minutes=10)))
        keys |= {key_of(group_by, Made(0, start + step * timedelta(minutes=10))) for step in steps}
    rows = {key: row([made for made in chosen if key_of(group_by, made) == key], priced=priced) for key in keys}
    return {"rows": rows, "totals": row(chosen, priced=priced)}


def check(answer: Mapping[str, Any], wanted: Mapping[str, Any], group_by: str) -> None:
    """The answer has the oracle's rows in the right order: all figures equal, percentiles within 5 %."""
    found = {each["key"]: {name: value for name, value in each.items() if name != "key"} for each in answer["usage"]}
    assert found.keys() == wanted["rows"].keys()
    for key, figures in found.items():
        check_row(figures, wanted["rows"][key])
    check_row(answer["totals"], wanted["totals"])
    keys = [each["key"] for each in answer["usage"]]
    busiest = sorted(keys, key=lambda key: (-found[key]["requests"], key))
    assert keys == (sorted(keys) if group_by in ("hour", "day") else busiest)


def check_row(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """One row."""
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        if name == "latencyMs":
            for share, exact in value.items():
                near = found[name][share]
                assert (near is None) == (exact is None)
                assert exact is None or abs(near - exact) <= 0.05 * exact
        elif name == "estimatedCostUsd":
            assert math.isclose(found[name], value, abs_tol=1e-6)
        else:
            assert found[name] == value, name

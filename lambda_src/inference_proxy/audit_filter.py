"""Which audit records are wanted: as a query of the index that finds them with the fewest reads, and as a check."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from inference_proxy.audit import SHARDS, AttributeValue, to_attribute
from inference_proxy.audit_table import Record
from inference_proxy.models import timestamp_ms

_MODEL_IDS = ("modelId", "resolvedModelId", "foundationModelId")
_IN_EVERY_INDEX = frozenset({"classification", "decision"})
_PARTITION_KEYS = {"by-time": "dayShard", "by-caller": "callerDayShard", "by-outcome": "outcomeDayShard"}


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Records from ``start`` to ``end``, both included, that have not expired.

    ``outcomes`` are those of the index (STARTED, SUCCESS, ERROR, DENIED, ABANDONED), all if empty; ``model`` is any of
    a record's three ids; ``equals`` are attributes with their values. "" is for records that have none.
    """

    start: datetime
    end: datetime
    outcomes: Sequence[str] = ()
    caller_arn: str | None = None
    model: str | None = None
    equals: Mapping[str, str | int] = field(default_factory=dict)
    before: str | None = None  # a timeKey: only records older than that one

    @property
    def index(self) -> str:
        """The index to query. One caller's records are found among that caller's only, whatever else is asked."""
        if self.caller_arn is not None:
            return "by-caller"
        return "by-outcome" if self.outcomes else "by-time"

    @property
    def needs_records(self) -> bool:
        """Whether the index does not say all that is asked: then every record that it names has to be looked at."""
        return self.index != "by-outcome" and bool(self.outcomes or self.equals.keys() - _IN_EVERY_INDEX)

    def days(self) -> list[date]:
        """The days of the range in UTC, newest first."""
        oldest, newest = self._bounds()
        if newest < oldest:
            return []  # DynamoDB refuses such a range
        first, last = (date.fromisoformat(bound[:10]) for bound in (oldest, newest))
        return [last - timedelta(days=number) for number in range((last - first).days + 1)]

    def partitions(self, day: date) -> list[str]:
        """The index's partitions of one day."""
        shards = [f"{day.isoformat()}#{shard}" for shard in range(SHARDS)]
        if self.index == "by-time":
            return shards
        owners = self.outcomes if self.caller_arn is None else [self.caller_arn]
        return [f"{owner}#{shard}" for owner in owners for shard in shards]

    def query(self, partition: str) -> dict[str, object]:
        """The arguments of a Query, newest first. A range includes its ends, so ``before`` itself is found again."""
        oldest, newest = self._bounds()
        names = {"#partition": _PARTITION_KEYS[self.index], "#time": "timeKey", "#ttl": "ttl"}
        values: dict[str, AttributeValue] = {
            ":partition": {"S": partition},
            ":oldest": {"S": oldest},
            ":newest": {"S": newest},
            ":now": {"N": str(int(time.time()))},
        }
        conditions = ["#ttl > :now"]  # TTL deletes days late
        if self.model is not None:
            names |= {f"#{name}": name for name in _MODEL_IDS}
        if self.model == "":
            conditions += [f"attribute_not_exists(#{name})" for name in _MODEL_IDS]
        elif self.model is not None:
            values[":model"] = to_attribute(self.model)
            conditions.append(f"({' OR '.join(f'#{name} = :model' for name in _MODEL_IDS)})")
        for name, value in self.equals.items():
            if self.index == "by-outcome" or name in _IN_EVERY_INDEX:
                names[f"#{name}"] = name
                conditions.append(f"attribute_not_exists(#{name})" if value == "" else f"#{name} = :{name}")
                values |= {} if value == "" else {f":{name}": to_attribute(value)}
        return {
            "IndexName": self.index,
            "KeyConditionExpression": "#partition = :partition AND #time BETWEEN :oldest AND :newest",
            "FilterExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
        }

    def matches(self, record: Record) -> bool:
        """Whether a whole record is what is wanted, but for its time."""
        return (
            (self.caller_arn is None or record.get("callerArn") == self.caller_arn)
            and (not self.outcomes or str(record["outcomeDayShard"]).partition("#")[0] in self.outcomes)
            and (self.model is None or self.model in ([record[name] for name in _MODEL_IDS if name in record] or [""]))
            and all(record.get(name, "") == value for name, value in self.equals.items())
            and int(record["ttl"]) > time.time()
        )

    def _bounds(self) -> tuple[str, str]:
        # A timeKey ends in "#<id>", and "$" sorts behind "#": the range includes its last millisecond.
        return timestamp_ms(self.start.astimezone(UTC)), self.before or f"{timestamp_ms(self.end)}$"

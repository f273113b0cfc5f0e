"""How much each principal has sent: counters in one DynamoDB item for each principal and day (UTC).

Key ``id`` = ``<principal ARN>#<YYYY-MM-DD>``, TTL attribute ``expiresAt``. ``requests`` and ``tokens`` count the day,
``r<HHMM>`` and ``t<HHMM>`` each minute of it. Counting a request and refusing it is one conditional write, and an
item's writes come one after another ("Condition expressions" in the DynamoDB Developer Guide): however many execution
environments there are, limits of requests are never exceeded, and limits of tokens only by the answers that are still
under way when one is reached.

A write costs by its item's size, so each removes the counters of its kind of the minutes before, 15 of them; but the
minute just past is spared, as another environment's clock may still be in it. What stays is never more than two minutes
in 17: 170 in a day, which with both counters of each, of 9 and 12 bytes ("DynamoDB item sizes and formats"), is 4 KB.
That takes a principal who sends in just those minutes; one who sends all the time has well below 1 KB.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.clock import Clock
from inference_proxy.decisions import Limits
from inference_proxy.models import Deadline

_STALE_MINUTES = range(2, 16)  # before now
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The limit that one request more would exceed, and when to come again."""

    limit: str  # the name of a member of Limits
    most: int
    retry_after_seconds: int


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a limit, and when its counter begins again."""

    most: int
    left: int
    resets_in_seconds: int


class LimitCounters:
    """Counts by the table; keeps nothing itself.

    All of it raises AwsServiceError when the table cannot be reached. A write that is repeated because its answer got
    lost counts twice, or finds the limit reached: the error is on the strict side.
    """

    def __init__(self, dynamodb: AwsJsonClient, table: str, clock: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    def admit(self, principal_arn: str, limits: Limits, deadline: Deadline) -> Exceeded | None:
        """Count a request, or say which limit it would exceed: of several that with the longest wait.

        It is one write in either case; a request that is refused counts for nothing.
        """
        now = self._clock.now()
        most = _that_are_set(limits)
        arguments = self._addition(principal_arn, now, "requests", 1)
        if most:
            counters = {limit: _counter(limit, now) for limit in most}
            arguments["ConditionExpression"] = " AND ".join(
                f"(attribute_not_exists({counter}) OR {counter} < :{limit})" for limit, counter in counters.items()
            )
            arguments["ExpressionAttributeValues"] |= {f":{limit}": {"N": str(value)} for limit, value in most.items()}
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            self._dynamodb.call("UpdateItem", arguments, deadline)
        except AwsServiceError as error:
            reached = exceeded(_left(error.answer.get("Item", {}), most, now))  # a condition that fails shows the item
            if not reached:
                raise
            return reached
        return None

    def settle(self, principal_arn: str, tokens: int, deadline: Deadline) -> None:
        """Count the tokens of an answer, in the minute and the day of now."""
        self._dynamodb.call("UpdateItem", self._addition(principal_arn, self._clock.now(), "tokens", tokens), deadline)

    def left(self, principal_arn: str, limits: Limits, deadline: Deadline) -> dict[str, Left]:
        """What is left now, by the names of the limits that are set. Counts nothing."""
        now = self._clock.now()
        arguments = {"TableName": self._table, "Key": _key(principal_arn, now), "ConsistentRead": True}
        item = self._dynamodb.call("GetItem", arguments, deadline).get("Item", {})
        return _left(item, _that_are_set(limits), now)

    def _addition(self, principal_arn: str, now: datetime, what: str, amount: int) -> dict[str, Any]:
        minute = now.hour * 60 + now.minute
        stale = [minute - before for before in _STALE_MINUTES if before <= minute]
        names = [f"{what[0]}{past // 60:02}{past % 60:02}" for past in stale]
        expires_at = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        return {
            "TableName": self._table,
            "Key": _key(principal_arn, now),
            "UpdateExpression": f"ADD {what} :amount, {what[0]}{now:%H%M} :amount SET expiresAt = :expires_at"
            + (f" REMOVE {', '.join(names)}" if names else ""),
            "ExpressionAttributeValues": {
                ":amount": {"N": str(amount)},
                ":expires_at": {"N": str(int(expires_at.timestamp()))},
            },
        }


def exceeded(left: Mapping[str, Left]) -> Exceeded | None:
    """The limit that one request more would exceed: of several that with the longest wait."""
    reached = [Exceeded(limit, at.most, at.resets_in_seconds) for limit, at in left.items() if not at.left]
    return max(reached, key=lambda each: each.retry_after_seconds, default=None)


def _that_are_set(limits: Limits) -> dict[str, int]:
    return {limit: most for limit, most in asdict(limits).items() if most is not None}


def _key(principal_arn: str, now: datetime) -> dict[str, Any]:
    return {"id": {"S": f"{principal_arn}#{now:%Y-%m-%d}"}}


def _counter(limit: str, now: datetime) -> str:
    """The attribute that counts what a limit is about."""
    what, _, span = limit.partition("_per_")
    return what if span == "day" else f"{what[0]}{now:%H%M}"


def _left(item: Mapping[str, Mapping[str, str]], most: Mapping[str, int], now: datetime) -> dict[str, Left]:
    used = {limit: int(item.get(_counter(limit, now), {}).get("N", 0)) for limit in most}
    return {limit: Left(most[limit], max(0, most[limit] - used[limit]), _wait_seconds(limit, now)) for limit in most}


def _wait_seconds(limit: str, now: datetime) -> int:
    """Whole seconds, rounded up, until a limit's counter begins again."""
    if limit.endswith("_minute"):
        return 60 - now.second
    return _DAY_SECONDS - (now.hour * 3600 + now.minute * 60 + now.second)

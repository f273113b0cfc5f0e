"""Limits of requests and tokens: counted exactly however many count at once, one write for each request."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.clock import Clock
from inference_proxy.decisions import Limits
from inference_proxy.limits import Exceeded, Left, LimitCounters
from inference_proxy.models import Deadline
from inference_proxy.settings import AwsKeys
from inference_proxy.signing import SigV4Signer
from inference_proxy.transport import Transport
from tests.contract.faulty_aws import FaultyAws, OrderlyAws, seconds_of
from tests.contract.router_bench import REGION

PRINCIPAL = "arn:aws-us-gov:iam::123456789012:role/developer"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REFUSED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}'


class StoppedClock(Clock):
    """Shows the moment it is set to."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


class Counting:
    """A table of limits, and execution environments that count in it at a moment of the test's choice."""

    def __init__(self, aws_url: str, server: FaultyAws) -> None:
        self.server = server
        self.table = f"limits-{uuid.uuid4().hex[:8]}"
        self.clock = StoppedClock(NOON)
        self.transports: list[Transport] = []
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        self._dynamodb = boto3.client("dynamodb", region_name=REGION, endpoint_url=aws_url, **keys)
        self._dynamodb.create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        self.counters = self.environment()

    def environment(self, clock: Clock | None = None, table: str | None = None) -> LimitCounters:
        """Counters with connections of their own."""
        self.transports.append(Transport())
        signer = SigV4Signer(AwsKeys("AKIAMADEUP", "made-up"), REGION, "dynamodb", Clock())
        target = "DynamoDB_20120810"
        dynamodb = AwsJsonClient(self.transports[-1], self.server.url, signer, Clock(), target, "1.0")
        return LimitCounters(dynamodb, table or self.table, clock or self.clock)

    def admit(self, limits: Limits, principal: str = PRINCIPAL, seconds: float = 10.0) -> Exceeded | None:
        return self.counters.admit(principal, limits, Deadline.after(seconds))

    def settle(self, tokens: int, seconds: float = 10.0) -> None:
        self.counters.settle(PRINCIPAL, tokens, Deadline.after(seconds))

    def left(self, limits: Limits, seconds: float = 10.0) -> dict[str, Left]:
        return self.counters.left(PRINCIPAL, limits, Deadline.after(seconds))

    def item(self, principal: str = PRINCIPAL) -> dict[str, int]:
        """What is counted on the day the clock shows."""
        key = {"id": {"S": f"{principal}#{self.clock.moment:%Y-%m-%d}"}}
        found = self._dynamodb.get_item(TableName=self.table, Key=key).get("Item", {})
        return {name: int(value["N"]) for name, value in found.items() if "N" in value}


@pytest.fixture
def counting(aws_url: str) -> Iterator[Counting]:
    with OrderlyAws(aws_url).running() as server:
        counting = Counting(aws_url, server)
        yield counting
        for transport in counting.transports:
            transport.close()


@pytest.mark.parametrize("limit", ["requests_per_minute", "requests_per_day"])
def test_environments_that_count_at_once_admit_exactly_the_limit(counting: Counting, limit: str) -> None:
    limits = Limits(**{limit: 50})
    environments = [counting.environment() for _ in range(4)] * 3

    def count(counters: LimitCounters) -> list[Exceeded | None]:
        return [counters.admit(PRINCIPAL, limits, Deadline.after(30)) for _ in range(10)]

    with ThreadPoolExecutor(len(environments)) as pool:
        answers = [answer for answers in pool.map(count, environments) for answer in answers]

    refusals = [answer for answer in answers if answer]
    assert len(answers) - len(refusals) == 50
    assert {(refusal.limit, refusal.most) for refusal in refusals} == {(limit, 50)}
    assert counting.server.calls == ["UpdateItem"] * 120
    assert counting.item()["requests"] == counting.item()["r1200"] == 50


def test_a_refused_request_counts_for_nothing(counting: Counting) -> None:
    limits = Limits(requests_per_minute=2)
    assert [counting.admit(limits) for _ in range(2)] == [None, None]
    before = counting.item()
    assert [bool(counting.admit(limits)) for _ in range(3)] == [True] * 3
    assert counting.item() == before
    assert counting.admit(Limits(requests_per_minute=3)) is None


def test_a_new_minute_begins_anew_and_the_day_goes_on(counting: Counting) -> None:
    limits = Limits(requests_per_minute=2, requests_per_day=3)
    counting.clock.moment = NOON + timedelta(seconds=59.999)
    assert [counting.admit(limits) for _ in range(2)] == [None, None]
    assert counting.admit(limits) == Exceeded("requests_per_minute", 2, 1)

    counting.clock.moment = NOON + timedelta(minutes=1)
    assert counting.admit(limits) is None
    assert counting.admit(limits) == Exceeded("requests_per_day", 3, 12 * 3600 - 60)
    assert counting.server.calls == ["UpdateItem"] * 5


def test_a_new_day_begins_anew(counting: Counting) -> None:
    limits = Limits(requests_per_minute=1, requests_per_day=1, tokens_per_day=10)
    counting.clock.moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    counting.settle(9)
    assert counting.admit(limits) is None
    assert counting.admit(limits) == Exceeded("requests_per_minute", 1, 1)  # both for one more second: the first
    counting.clock.moment += timedelta(microseconds=1)
    assert [counter.left for counter in counting.left(limits).values()] == [1, 1, 10]
    assert counting.admit(limits) is None


@pytest.mark.parametrize(
    ("at", "minute_wait", "day_wait"),
    [
        ("00:00:00", 60, 86_400),
        ("00:00:00.000001", 60, 86_400),
        ("12:34:56.789", 4, 11 * 3600 + 25 * 60 + 4),
        ("23:58:59.5", 1, 61),
    ],
)
def test_the_longest_wait_is_named(counting: Counting, at: str, minute_wait: int, day_wait: int) -> None:
    counting.clock.moment = datetime.fromisoformat(f"2026-11-22T{at}+00:00")
    assert counting.admit(Limits()) is None
    counting.settle(100)
    minute = Limits(requests_per_minute=1, tokens_per_minute=1000, tokens_per_day=1000)
    day = Limits(requests_per_minute=1, tokens_per_minute=100, tokens_per_day=99)
    assert counting.admit(minute) == Exceeded("requests_per_minute", 1, minute_wait)
    assert counting.admit(day) == Exceeded("tokens_per_day", 99, day_wait)


def test_tokens_are_admitted_until_the_limit_is_reached(counting: Counting) -> None:
    limits = Limits(tokens_per_minute=100, tokens_per_day=250)
    counting.settle(99)
    assert counting.admit(limits) is None
    counting.settle(71)  # of a request that was under way
    assert counting.admit(limits) == Exceeded("tokens_per_minute", 100, 60)

    counting.clock.moment = NOON + timedelta(minutes=1)
    assert counting.admit(limits) is None
    counting.settle(80)  # in the minute in which they are known
    assert counting.item()["t1201"] == 80
    assert counting.admit(limits) == Exceeded("tokens_per_day", 250, 12 * 3600 - 60)
    assert counting.server.calls == ["UpdateItem"] * 7


def test_what_is_left_is_read_and_nothing_written(counting: Counting) -> None:
    limits = Limits(requests_per_minute=3, requests_per_day=10, tokens_per_day=100)
    until_midnight = 12 * 3600
    assert counting.left(limits) == {
        "requests_per_minute": Left(3, 3, 60),
        "requests_per_day": Left(10, 10, until_midnight),
        "tokens_per_day": Left(100, 100, until_midnight),
    }
    assert counting.item() == {}
    assert [counting.admit(limits) for _ in range(2)] == [None, None]
    counting.settle(130)
    assert counting.left(limits) == {
        "requests_per_minute": Left(3, 1, 60),
        "requests_per_day": Left(10, 8, until_midnight),
        "tokens_per_day": Left(100, 0, until_midnight),
    }
    assert counting.left(Limits()) == {}
    assert counting.server.calls == ["GetItem", *["UpdateItem"] * 3, "GetItem", "GetItem"]
    assert b'"ConsistentRead":true' in counting.server.last["GetItem"][1]


def test_without_limits_requests_are_counted_all_the_same(counting: Counting) -> None:
    """A limit that the policy gets during the day knows what the day has brought."""
    assert counting.admit(Limits()) is None
    assert counting.admit(Limits(requests_per_day=1)) == Exceeded("requests_per_day", 1, 12 * 3600)


def test_each_principal_has_counters_of_its_own(counting: Counting) -> None:
    limits = Limits(requests_per_day=1)
    assert counting.admit(limits) is None
    assert counting.admit(limits, f"{PRINCIPAL}-2") is None
    assert counting.admit(limits, f"{PRINCIPAL}-2") is not None
    assert counting.item()["requests"] == counting.item(f"{PRINCIPAL}-2")["requests"] == 1


def test_an_item_expires_a_day_after_its_own(counting: Counting) -> None:
    two_midnights_later = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    counting.clock.moment = NOON + timedelta(hours=11)
    counting.settle(1)
    assert counting.item()["expiresAt"] == two_midnights_later
    assert counting.admit(Limits()) is None
    assert counting.item()["expiresAt"] == two_midnights_later


@pytest.mark.parametrize("begin", ["00:00", "11:50"])
def test_counters_of_earlier_minutes_vanish(counting: Counting, begin: str) -> None:
    """All but those of the minute just past; those of up to 15 minutes ago after a pause, too."""
    counting.clock.moment = datetime.fromisoformat(f"2026-11-22T{begin}+00:00")
    for _ in range(14):
        assert counting.admit(Limits(requests_per_minute=1)) is None
        counting.settle(7)
        counting.clock.moment += timedelta(minutes=1)
    before, last = (f"{counting.clock.moment - timedelta(minutes=ago):%H%M}" for ago in (2, 1))
    item = counting.item()
    del item["expiresAt"]
    kept = {f"r{before}": 1, f"r{last}": 1, f"t{before}": 7, f"t{last}": 7}
    assert item == {"requests": 14, "tokens": 98, **kept}

    counting.clock.moment += timedelta(minutes=13)
    assert counting.admit(Limits()) is None
    assert [name for name in counting.item() if name[0] == "r" and name[1:].isdigit()] == [
        f"r{counting.clock.moment:%H%M}"
    ]


def test_the_item_of_the_worst_of_days_has_4_kb(counting: Counting) -> None:
    """An eighth of it: two minutes that no later write removes, again and again. Sizes as DynamoDB counts them."""
    for minute in range(24 * 60 // 8):
        if minute % 17 < 2:
            counting.clock.moment = NOON - timedelta(hours=12) + timedelta(minutes=minute)
            assert counting.admit(Limits()) is None
            counting.settle(99_999_999_999)
    minutes = {name: value for name, value in counting.item().items() if name[1:].isdigit()}
    assert len(minutes) == 2 * 2 * 11  # r and t, of two minutes in each of 11 times 17
    assert sum(len(name) + (len(str(value)) + 1) // 2 + 1 for name, value in minutes.items()) < 4096 / 8


def test_a_minute_is_not_over_for_a_clock_that_is_behind(counting: Counting) -> None:
    limits = Limits(requests_per_minute=1)
    behind = counting.environment(StoppedClock(NOON + timedelta(seconds=59.9)))
    assert behind.admit(PRINCIPAL, limits, Deadline.after(10)) is None
    counting.clock.moment = NOON + timedelta(seconds=60.1)
    assert counting.admit(limits) is None
    assert behind.admit(PRINCIPAL, limits, Deadline.after(10)) == Exceeded("requests_per_minute", 1, 1)


CALLS: list[Callable[[Counting, float], Any]] = [
    lambda counting, seconds: counting.admit(Limits(requests_per_day=9), seconds=seconds),
    lambda counting, seconds: counting.settle(1, seconds),
    lambda counting, seconds: counting.left(Limits(requests_per_day=9), seconds),
]


@pytest.mark.parametrize("call", CALLS, ids=["admit", "settle", "left"])
@pytest.mark.parametrize(
    ("fault", "code", "attempts"),
    [
        (503, "Http503", 2),
        (400, "ThrottlingException", 2),
        ("reset", "TransportReceiveError", 2),
        ("AccessDeniedException", "AccessDeniedException", 1),
        ("hang", "DeadlineExceeded", 1),
    ],
)
def test_counters_that_are_down_raise_in_time(
    counting: Counting, call: Callable[[Counting, float], Any], fault: int | str, code: str, attempts: int
) -> None:
    counting.server.faults = dict.fromkeys(("UpdateItem", "GetItem"), fault)
    begun = time.monotonic()
    with pytest.raises(AwsServiceError) as raised:
        call(counting, 0.5)
    assert raised.value.code == code
    assert seconds_of(begun) < 3.0
    assert len(counting.server.calls) == attempts
    counting.server.faults.clear()
    assert counting.item() == {}


def test_a_table_that_is_not_there_is_not_a_limit(counting: Counting) -> None:
    counting.counters = counting.environment(table="no-such-table")
    with pytest.raises(AwsServiceError, match=r"ResourceNotFoundException$"):
        counting.admit(Limits(requests_per_day=1))


def test_a_lost_answer_errs_on_the_strict_side(counting: Counting) -> None:
    counting.server.faults["UpdateItem"] = "lost"
    assert counting.admit(Limits(requests_per_minute=2)) is None
    assert counting.item()["requests"] == 2

    counting.server.faults["UpdateItem"] = "lost"
    assert counting.admit(Limits(requests_per_minute=3)) == Exceeded("requests_per_minute", 3, 60)
    assert counting.item()["requests"] == 3


def test_a_refusal_that_nothing_explains_is_an_error(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting.server, "forward", lambda *_: (400, REFUSED))
    with pytest.raises(AwsServiceError, match=r"ConditionalCheckFailedException$"):
        counting.admit(Limits(requests_per_day=1))


def test_what_a_refusal_holds_is_not_in_its_words(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = REFUSED[:-1] + b',"Item":{"id":{"S":"XP-CANARY"}}}'
    monkeypatch.setattr(counting.server, "forward", lambda *_: (400, answer))
    with pytest.raises(AwsServiceError) as raised:
        counting.admit(Limits(requests_per_day=1))
    assert raised.value.answer["Item"] == {"id": {"S": "XP-CANARY"}}
    assert "XP-CANARY" not in f"{raised.value!s} {raised.value!r}"

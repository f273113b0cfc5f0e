"""Whatever the policy and whatever the request: what the policy denies does not leave, and what it allows does, once.

What it denies is said by an oracle of its own (policy_oracle.py).
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from tests.contract.crossings import WAYS, Way
from tests.contract.decision_bench import CANARY, Decided, DecisionBench, Sent
from tests.contract.policies import HEADER
from tests.contract.policy_oracle import Asked, Named, caller, marking, objections
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL
from tests.contract.test_application_profiles import create

T = TypeVar("T")
POLICIES = 36  # each is asked about a request of every operation
ACCOUNT_ARN = "arn:aws:bedrock:us-east-1:111122223333"
METADATA_HEADER, METADATA_KEY = "X-Amzn-Bedrock-Request-Metadata", "classification"
US = ("us-east-1", "us-east-2", "us-west-2")
GLOBAL_ONLY = "anthropic.twin-made-up-global-v1:0"
# By the ARN that API Gateway names, the principal behind it.
PRINCIPALS = {
    "arn:aws-us-gov:sts::123456789012:assumed-role/developer/alice": "arn:aws-us-gov:iam::123456789012:role/developer",
    "arn:aws-us-gov:sts::123456789012:assumed-role/developer-b/al": "arn:aws-us-gov:iam::123456789012:role/developer-b",
    "arn:aws-us-gov:sts::123456789012:assumed-role/dev-be/alice": "arn:aws-us-gov:iam::123456789012:role/dev-be",
    "arn:aws-us-gov:sts::210987654321:assumed-role/developer/alice": "arn:aws-us-gov:iam::210987654321:role/developer",
    "arn:aws:sts::123456789012:assumed-role/developer/alice": "arn:aws:iam::123456789012:role/developer",
    **{
        arn: arn
        for arn in (
            "arn:aws-us-gov:iam::123456789012:user/teams/red/carol",
            "arn:aws-us-gov:sts::123456789012:federated-user/dave",
            "arn:aws-us-gov:iam::123456789012:root",
        )
    },
}
PRINCIPAL_PATTERNS = (
    "*",
    "arn:aws-us-gov:iam::123456789012:role/developer",
    "arn:aws-us-gov:iam::123456789012:role/dev*",
    "arn:aws-us-gov:iam::123456789012:role/*-b",
    "arn:aws-us-gov:iam::210987654321:role/*",
    "arn:*:iam::*:role/developer",
    "arn:aws-us-gov:iam::*:user/teams/*",
    "arn:aws-us-gov:sts::123456789012:federated-user/*e",
    "arn:aws-us-gov:iam::123456789012:root",
)
MODEL_PATTERNS = ("*nova*", "amazon.*", "AMAZON.NOVA-LITE*", "anthropic.*", "*haiku*", PROFILE_ONLY_MODEL, "openai.*:0")
LABELS = ("public", "internal", "cui-basic", "a.b_c-9")
MARKINGS = ("TOP SECRET//*", "SECRET//*", "CUI//*", "CUI")
REGIONS = (["*"], ["us-east-*"], ["*-1", "us-west-2"])
GUARDRAIL = {"identifier": "abc123", "version": "1"}
NOW = datetime.now(UTC)
EXPIRIES = (
    "2020-02-29",
    f"{NOW:%Y-%m-%d}",
    f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    "2999-12-31",
)
SIZES = (20, 3_000, 4_500_000)
LIMITS = ("requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_day")
DECLARED = (*LABELS, "PUBLIC", "\tInternal ", "secret", "", "public, public", "pub lic", "\uff50ublic", f"{CANARY}!")
TEXTS = (
    f"what is a harbour? {CANARY}",
    f"read this:\nSECRET//NOFORN {CANARY}",
    f"the SECRET//NOFORN of {CANARY}",
    f"{CANARY}\nCUI\n",
    f"CUI//SP-PRVCY\n{CANARY}",
    f"secret//noforn {CANARY}",
    f"TOP SECRET//SI//NOFORN\n{CANARY}",
    f"{CANARY} " * 300,
)


def named_models(commercial_arns: Mapping[str, str]) -> tuple[Named, ...]:
    """Every kind of id; ``commercial_arns`` are those of application profiles, by what they are copies of."""
    nova, haiku = ON_DEMAND_MODEL, PROFILE_ONLY_MODEL
    foundation, system = "arn:aws:bedrock:us-east-1::foundation-model", f"{ACCOUNT_ARN}:inference-profile"
    unlisted, untraceable = {"is_listed": False}, {"is_listed": False, "regions": (), "is_untraceable": True}
    return (
        Named(nova, nova),
        Named(f"{foundation}/{nova}", nova),
        Named(commercial_arns[nova], nova),
        Named("openai.gpt-oss-20b-1:0", "openai.gpt-oss-20b-1:0"),
        Named(haiku, haiku, US),
        Named(f"us.{haiku}", haiku, US),
        Named(f"{foundation}/{haiku}", haiku, US),
        Named(f"{system}/us.{haiku}", haiku, US),
        Named(commercial_arns[f"us.{haiku}"], haiku, US),
        Named(f"global.{haiku}", haiku, US, anywhere=True, says_global=True),
        Named(f"{system}/global.{haiku}", haiku, US, anywhere=True, says_global=True),
        Named(commercial_arns[f"global.{haiku}"], haiku, US, anywhere=True),
        Named(GLOBAL_ONLY, GLOBAL_ONLY, US, anywhere=True),
        # What no list has: by its name alone, and a profile of a geography leads to any region of it.
        Named(nova.upper(), nova, **unlisted),
        Named("amazon.no-such-model-v1:0", "amazon.no-such-model-v1:0", **unlisted),
        Named(f"eu.{haiku}", haiku, ("eu-no-such-1", "eu-no-such-2"), **unlisted),
        Named("us.anthropic.no-such-v1:0", "anthropic.no-such-v1:0", (*US, "us-no-such-3"), **unlisted),
        Named("made-up-provisioned", **unlisted),
        Named(f"{ACCOUNT_ARN}:provisioned-model/abcdefgh1234", **unlisted),
        Named("arn:aws:bedrock:eu-west-1:111122223333:imported-model/abcdefgh1234", None, ("eu-west-1",), **unlisted),
        Named(f"{ACCOUNT_ARN}:prompt/ABCDEFGHIJ:1", **untraceable),
        Named(f"{ACCOUNT_ARN}:default-prompt-router/made-up", **untraceable),
    )


@dataclass(frozen=True)
class Drawn:
    """A request as it was drawn."""

    way: Way
    named: Named
    caller_arn: str
    text: str
    header_name: str | None
    header_values: tuple[str, ...]
    in_metadata: str | None  # the label in the metadata's header
    in_body: str | None
    metadata_key: str
    other_model: str | None  # what the body says beside

    def sent(self) -> Sent:
        path, body = self.way.request(self.named.id, self.text)
        payload = body["body"] if self.way.path == "/bedrock/invoke-model" else body
        if self.in_body is not None:
            payload["requestMetadata"] = {self.metadata_key: self.in_body}
        if self.other_model:
            payload[self.other_member] = self.other_model
        headers: dict[str, str | list[str]] = {"Content-Type": "application/json", "anthropic-version": "2023-06-01"}
        if self.header_name and self.header_values:
            headers[self.header_name] = list(self.header_values)
        if self.in_metadata is not None:
            headers[METADATA_HEADER] = json.dumps({self.metadata_key: self.in_metadata})
        return Sent("POST", path, json.dumps(body).encode(), headers, None, self.caller_arn)

    @property
    def other_member(self) -> str:
        """One that is not where the operation itself has the model."""
        return "modelId" if self.way.path.startswith(("/openai", "/anthropic")) else "Model"

    def asked(self, policy: Mapping[str, Any]) -> Asked:
        """What the policy is asked about."""
        classifications = policy["classifications"]
        header, key = classifications.get("header"), classifications.get("request_metadata")
        labels = []
        if header and header == self.header_name and self.header_values:
            labels.append(", ".join(self.header_values))
        if key == self.metadata_key:
            labels += [label for label in (self.in_metadata, self.in_body) if label is not None]
        sent = self.sent()
        body = sent.body
        if self.way.path == "/bedrock/invoke-model":
            body = json.dumps(json.loads(body)["body"], separators=(",", ":"), ensure_ascii=False).encode()
        # The id of an application profile says nothing of its model: what a body says beside it is taken for another.
        said = None if ":application-inference-profile/" in self.named.id else self.named.model
        return Asked(
            PRINCIPALS[self.caller_arn],
            self.way.operation,
            self.named if self.way.runs_a_model else None,
            self.text,
            len(body),
            tuple(labels),
            names_another_model=bool(self.other_model and self.other_model != said),
        )


class Drawing:
    """Draws policies and requests. What is unusual is mostly in one section, or everything would be denied."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._focus = chance.choice(("callers", "labels", "models", "models", "texts"))

    def policy(self) -> dict[str, Any]:
        """One that is valid, of any sections and members."""
        allowed = self._odd("labels", LABELS[:2], lambda: self._some(LABELS))
        header = self._odd("labels", HEADER, lambda: self._one(("x-label", None)))
        key = self._odd("labels", METADATA_KEY, lambda: self._one(("Label", None)))
        may_declare = bool(header or key)
        callers = [self._entry(f"team-{letter}-kestrel", allowed, may_declare) for letter in self._part("abc")]
        if self._odd("callers", True, lambda: False):
            label = {} if may_declare else {"classification": allowed[0]}
            callers.append({"name": "everybody", "principals": ["*"], **label})
        models = {
            "allow": self._odd("models", ["*"], lambda: self._some(("*", *MODEL_PATTERNS))),
            "deny": self._odd("models", None, lambda: self._part(MODEL_PATTERNS)),
        }
        destinations = {
            "regions": self._odd("models", ["us-*"], lambda: self._one(REGIONS)),
            "global_profiles": self._one((None, False, True)),
        }
        return _present(
            {
                "version": 1,
                "classifications": _present({"allowed": allowed, "header": header, "request_metadata": key}),
                "models": _present(models),
                "destinations": _present(destinations),
                "markings": {"mode": self._one(("block", "block", "report", "off")), "patterns": self._some(MARKINGS)},
                "max_request_bytes": self._odd("texts", None, lambda: self._one(SIZES)),
                "limits": self._one((None, {}, {"when_unavailable": "allow"})),
                "guardrails": self._odd("models", None, lambda: {"commercial": GUARDRAIL}),
                "callers": callers,
                "prices": self._one((None, [])),
            }
        )

    def request(self, way: Way, models: Sequence[Named]) -> "Drawn":
        """Any request of one operation."""

        def label() -> str:
            return self._odd("labels", "public", lambda: self._one(DECLARED))

        def labels() -> tuple[str, ...]:
            return tuple(label() for _ in range(self._one((0, 1, 2))))

        return Drawn(
            way,
            named=self._odd("models", models[0], lambda: self._one(models)),
            caller_arn=self._odd("callers", next(iter(PRINCIPALS)), lambda: self._one(tuple(PRINCIPALS))),
            text=self._odd("texts", TEXTS[0], lambda: self._one(TEXTS)),
            header_name=self._odd("labels", HEADER, lambda: self._one(("x-label", None))),
            header_values=self._odd("labels", ("public",), labels),
            in_metadata=self._odd("labels", None, label),
            in_body=self._odd("labels", None, label),
            metadata_key=self._odd("labels", METADATA_KEY, lambda: self._one(("Label", "classified"))),
            other_model=self._odd("texts", None, lambda: self._one((PROFILE_ONLY_MODEL, "meta.made-up-v1:0"))),
        )

    def _entry(self, name: str, allowed: Sequence[str], may_declare: bool) -> dict[str, Any]:
        is_fixed = not may_declare or self._odd("labels", False, lambda: True)
        return _present(
            {
                "name": name,
                "principals": self._some(PRINCIPAL_PATTERNS),
                "classification": self._one(allowed) if is_fixed else None,
                "classifications": None if is_fixed else self._odd("labels", None, lambda: self._some(allowed)),
                "models": self._odd("models", None, lambda: self._some(("*", *MODEL_PATTERNS))),
                "expires_at": self._odd("callers", None, lambda: self._one(EXPIRIES)),
                "max_request_bytes": self._odd("texts", None, lambda: self._one(SIZES)),
                "limits": self._odd("callers", None, lambda: dict.fromkeys(self._some(LIMITS), 10**6)),
            }
        )

    def _odd(self, section: str, usual: Any, unusual: Callable[[], Any]) -> Any:
        return unusual() if self._chance.random() < (1 / 2 if section == self._focus else 1 / 40) else usual

    def _one(self, items: Sequence[T]) -> T:
        return self._chance.choice(items)

    def _some(self, items: Sequence[T]) -> list[T]:
        return self._chance.sample(items, self._chance.randint(1, min(3, len(items))))

    def _part(self, items: Sequence[T]) -> list[T]:
        return self._chance.sample(items, self._chance.randint(0, min(3, len(items))))


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in members.items() if member is not None}


@pytest.fixture(scope="module")
def bench(aws_url: str) -> Iterator[DecisionBench]:
    with DecisionBench.running(aws_url) as bench:
        yield bench


@pytest.fixture(scope="module")
def models(bench: DecisionBench) -> tuple[Named, ...]:
    sources = {ON_DEMAND_MODEL: f"arn:aws:bedrock:us-east-1::foundation-model/{ON_DEMAND_MODEL}"}
    for profile in (f"us.{PROFILE_ONLY_MODEL}", f"global.{PROFILE_ONLY_MODEL}"):
        sources[profile] = f"{ACCOUNT_ARN}:inference-profile/{profile}"
    names = ("team-a", "team-b", "team-c")
    pairs = zip(names, sources.items(), strict=True)
    return named_models({source: create(bench.commercial, name, arn) for name, (source, arn) in pairs})


def check(policy: Mapping[str, Any], drawn: Drawn, decided: Decided) -> str:
    """Compare what came of a request with what the oracle says; return the rule."""
    against = objections(policy, drawn.asked(policy), datetime.now(UTC))
    record, entry = decided.record, caller(policy, PRINCIPALS[drawn.caller_arn])
    told = f"{drawn.sent()} {against} {decided.answer.text}"
    assert record is not None, told
    assert record["operation"] == drawn.way.operation
    if against:
        assert decided.rule in against, told
        assert (decided.verdict, decided.answer.status) == ("DENY", 403), told
    else:
        assert entry is not None
        assert (decided.verdict, decided.rule) == ("ALLOW", f"callers.{entry['name']}"), told
        assert record["classification"] in policy["classifications"]["allowed"]
        assert record.get("marking") == marking(policy["markings"], drawn.text), told
    for other in policy["callers"]:
        if other is not entry:
            assert other["name"] not in decided.answer.text
            assert not any(pattern in decided.answer.text for pattern in other["principals"] if pattern != "*")
    return str(decided.rule)


def test_what_the_policy_denies_does_not_leave_and_what_it_allows_does(
    bench: DecisionBench, models: tuple[Named, ...]
) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=POLICIES, phases=(Phase.reuse, Phase.generate))  # in a seed there is nothing to shrink
    @given(st.randoms(use_true_random=True))
    def decide(chance: Random) -> None:
        drawing = Drawing(chance)
        policy = drawing.policy()
        note(json.dumps(policy))
        bench.under(policy)
        asked = [drawing.request(way, models) for way in WAYS]
        for drawn, decided in zip(asked, bench.decide_all([drawn.sent() for drawn in asked]), strict=True):
            seen.update((check(policy, drawn, decided), decided.verdict))

    decide()
    # Nothing is proven where everything is allowed, or denied by a few rules.
    assert min(seen["ALLOW"], seen["DENY"]) > POLICIES * len(WAYS) / 10
    assert len(seen) > 15

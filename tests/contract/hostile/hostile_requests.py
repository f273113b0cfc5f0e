"""Requests that mean to get round the policy, and what becomes of them.

That nothing of them leaves, and that a dry run says what the call says then, the bench checks of each.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.contract.crossings import MODEL_WAYS, WAYS, Way
from tests.contract.decision_bench import CANARY, Decided, DecisionBench, Headers, Sent
from tests.contract.policies import HEADER, entry, policy
from tests.contract.router_bench import ON_DEMAND_MODEL

METADATA_HEADER = "X-Amzn-Bedrock-Request-Metadata"
DECLARED = policy(callers=[entry(classification=None)])
PUBLIC = {HEADER: "public"}
BANNER = f"SECRET//NOFORN {CANARY}"
ENVELOPE, INVOKE, CONVERSE, CHAT, MESSAGES = WAYS[0], WAYS[1], WAYS[3], WAYS[7], WAYS[9]
IN_PATH = [way for way in MODEL_WAYS if "{modelId}" in way.path]


def request(
    way: Way,
    model_id: str = ON_DEMAND_MODEL,
    *,
    text: str = f"hello {CANARY}",
    headers: Headers | None = None,
    members: str = "",
    **changes: Any,
) -> Sent:
    """A request with more ``members``, as JSON text, in front of those that go to the model."""
    path, body = way.request(model_id, text)
    payload = json.dumps(body["body"] if way is ENVELOPE else body)
    if members:
        payload = f"{{{members},{payload[1:]}"
    if way is ENVELOPE:
        payload = json.dumps({"modelId": model_id, "body": payload})
    sent = {"Content-Type": "application/json", "anthropic-version": "2023-06-01", **(headers or {})}
    return Sent("POST", path, payload.encode(), sent, **changes)


def member(name: str, value: object) -> str:
    return json.dumps({name: value})[1:-1]


def denied(decided: Decided, *rules: str) -> None:
    assert decided.rule in rules, decided.answer.text
    assert decided.answer.status == 403


def denied_on(
    bench: DecisionBench, ways: Sequence[Way], make: Callable[[Way], Sent], *rules: str, under: Any = DECLARED
) -> None:
    """The request is denied on each of the paths."""
    bench.under(under)
    for decided in bench.decide_all([make(way) for way in ways]):
        denied(decided, *rules)


def allowed(decided: Decided) -> None:
    assert decided.record is not None, decided.answer.text
    assert decided.record["decision"] == "ALLOW", decided.answer.text

"""What a decision costs, by the size of the policy and of the request; and what a change of the policy costs.

Usage: policy_time.py

A decision is both halves of it: what the request says (caller, size, label, text, model) and what its model's id leads
to. Nothing in it waits for anything, so times are of the processor, whatever else the machine does; compare columns.
"""

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "lambda_src"))

from inference_proxy import policy_parser  # noqa: E402 - found in the line above
from inference_proxy.models import Caller, Deadline, Request  # noqa: E402
from inference_proxy.policy import Asked, Policy  # noqa: E402
from inference_proxy.profiles import Resolution  # noqa: E402

RULES = (10, 1_000, 10_000)
SECONDS_EACH, MOST_RUNS, LEAST_RUNS, FIRST_RUNS = 1.5, 5_000, 20, 7
MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
RESOLUTION = Resolution(f"us.{MODEL}", MODEL, ("us-east-1", "us-east-2", "us-west-2"))
ACCOUNT = "123456789012"
ROLE = f"arn:aws-us-gov:iam::{ACCOUNT}:role"
LABEL_HEADER = "x-data-classification"
# As terraform/application/policies/starting.yaml has them.
MARKINGS = (
    *("TOP SECRET//*", "TOP SECRET", "SECRET//*", "SECRET", "CONFIDENTIAL//*", "CUI//*", "CUI", "CONTROLLED//*"),
    *("(TS//*", "(TS)*", "(S//*", "(C//*", "(CUI//*"),
)
SENTENCE = "The harbour master keeps a list of every ship that came in, its cargo and where it went from there. "
TEXT_BYTES = (2_000, 200_000, 4_000_000)

Members = Callable[[int], Mapping[str, Any]]


def callers(principal: Callable[[int], str]) -> Members:
    """A policy with an entry for each team; the caller's own is the last."""

    def members(number: int) -> Mapping[str, Any]:
        return {"callers": [{"name": f"team-{n}", "principals": [principal(n)]} for n in range(number)]}

    return members


def denied(pattern: Callable[[int], str]) -> Members:
    """A policy that denies other models than the one that is called."""

    def members(number: int) -> Mapping[str, Any]:
        return {"models": {"allow": ["*"], "deny": [pattern(n) for n in range(number)]}}

    return members


# Of the last, what stands before the star is the same for all: none can be passed over.
POLICIES: Mapping[str, Members] = {
    "callers, each a role": callers(lambda n: f"{ROLE}/team-{n}"),
    "callers, role/name-*": callers(lambda n: f"{ROLE}/team-{n}*"),
    "models denied by id": denied(lambda n: f"vendor-{n}.model-v1:0"),
    "models denied, vendor.*": denied(lambda n: f"vendor-{n}.*"),
    "callers, arn:*:role/name": callers(lambda n: f"arn:*:iam::*:role/team-{n}"),
    "models denied, *name*": denied(lambda n: f"*model-{n}-*"),
}


def document(members: Mapping[str, Any]) -> str:
    """A policy's text."""
    return json.dumps(
        {
            "version": 1,
            "classifications": {"allowed": ["public", "internal"], "header": LABEL_HEADER},
            "models": {"allow": ["*"], "deny": ["*opus*"]},
            "destinations": {"regions": ["us-*"]},
            "markings": {"mode": "block", "patterns": MARKINGS},
            "callers": [{"name": "everyone", "principals": ["*"]}],
            **members,
        }
    )


def converse(size: int) -> bytes:
    """A body of Converse of about this many bytes: a system prompt, settings, and turns of 1,000 bytes of prose."""
    texts = [SENTENCE * 10] * (size // 1_000)
    turns = [{"role": ("user", "assistant")[n % 2], "content": [{"text": text}]} for n, text in enumerate(texts)]
    settings = {"system": [{"text": "You answer in one sentence."}], "inferenceConfig": {"maxTokens": 512}}
    return json.dumps({**settings, "messages": turns}).encode()


def request(team: int) -> Request:
    """A request of a member of a team, as the router has it."""
    arn = f"arn:aws-us-gov:sts::{ACCOUNT}:assumed-role/team-{team}/alice"
    headers = {LABEL_HEADER: "internal", "content-type": "application/json", "accept": "application/json"}
    caller = Caller(arn, ACCOUNT, "10.0.0.7", "benchmark")
    return Request("r", "i", "POST", f"/model/{MODEL}/converse", caller, Deadline.after(3_600), headers=headers)


def decision_us(policy: Policy, asked_by: Request, body: bytes) -> float:
    """How long one decision took."""
    asked = Asked(body, model_id=f"us.{MODEL}", guardrail_as="member")
    started = time.thread_time()
    decision = policy.admit(asked_by, asked).into(RESOLUTION)
    taken = time.thread_time() - started
    if not decision.allowed:
        raise SystemExit(f"denied by {decision.rule}")
    return taken * 1e6


def decisions_us(policy: Policy, asked_by: Request, body: bytes) -> list[float]:
    """How long decisions about the same caller and model took, one after another."""
    times: list[float] = []
    until = time.monotonic() + SECONDS_EACH
    while len(times) < LEAST_RUNS or (time.monotonic() < until and len(times) < MOST_RUNS):
        times.append(decision_us(policy, asked_by, body))
    return times


def percentiles(times: Sequence[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"{cuts[49]:>11,.0f} {cuts[98]:>11,.0f}"


def measure(members: Members, number: int, body: bytes) -> tuple[str, float, float]:
    """Decisions in turn; the first one under a policy; and how many milliseconds it took to read that."""
    text, asked_by = document(members(number)), request(number - 1)
    started = time.thread_time()
    parsed = policy_parser.parse(text)
    policy = Policy(parsed)
    read_ms = (time.thread_time() - started) * 1000
    firsts = [decision_us(Policy(parsed), asked_by, body) for _ in range(FIRST_RUNS)]
    return percentiles(decisions_us(policy, asked_by, body)), statistics.median(firsts), read_ms


def main() -> None:
    gc.freeze()
    print(f"Python {sys.version_info.major}.{sys.version_info.minor}; a decision in microseconds, p50 and p99")
    body = converse(TEXT_BYTES[0])
    print(f"\n{f'body of {len(body):,} bytes':<26}" + "".join(f"{f'{number:,} rules':>24}" for number in RULES))
    firsts: dict[str, list[float]] = {}
    read: dict[str, list[float]] = {}
    for name, members in POLICIES.items():
        measured = [measure(members, number, body) for number in RULES]
        print(f"{name:<26} {' '.join(columns for columns, _, _ in measured)}")
        firsts[name] = [first_us for _, first_us, _ in measured]
        read[name] = [read_ms for _, _, read_ms in measured]
    print("\nthe first decision about a caller and a model under a policy, in microseconds")
    for name, times in firsts.items():
        print(f"{name:<26}" + "".join(f"{microseconds:>24,.0f}" for microseconds in times))
    print("\nreading a changed policy and building its rules, in milliseconds")
    for name, times in read.items():
        print(f"{name:<26}" + "".join(f"{milliseconds:>24,.1f}" for milliseconds in times))
    print(f"\n{len(MARKINGS)} markings, by the text to look through")
    policy = Policy(policy_parser.parse(document({})))
    for size in TEXT_BYTES:
        print(f"{f'{size:,} bytes':<26} {percentiles(decisions_us(policy, request(0), converse(size)))}")


if __name__ == "__main__":
    main()

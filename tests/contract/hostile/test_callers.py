"""Callers who look like others, and places where a request may not go.

Each is refused on every path, by the rule that it breaks.
"""

from fnmatch import fnmatchcase

import pytest

from tests.contract.conftest import MakeBench
from tests.contract.crossings import WAYS
from tests.contract.decision_bench import DecisionBench
from tests.contract.hostile.hostile_requests import CONVERSE, allowed, denied, denied_on, request
from tests.contract.policies import entry, policy
from tests.contract.router_bench import CALLER_ARN
from tests.contract.test_credentials import put_version
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

DEVELOPER = "arn:aws-us-gov:iam::123456789012:role/developer"

LOOK_ALIKES = (
    "arn:aws-us-gov:sts::123456789012:assumed-role/developer-evil/alice",
    "arn:aws-us-gov:sts::123456789012:assumed-role/Developer/alice",
    "arn:aws-us-gov:sts::123456789012:assumed-role/xdeveloper/developer",
    "arn:aws-us-gov:sts::123456789012:assumed-role/other/developer",
    "arn:aws-us-gov:sts::210987654321:assumed-role/developer/alice",
    "arn:aws:sts::123456789012:assumed-role/developer/alice",
    "arn:aws-us-gov:iam::123456789012:user/developer",
    "arn:aws-us-gov:iam::123456789012:user/role/developer",
    "arn:aws-us-gov:iam::123456789012:role/developer/x",
    "arn:aws-us-gov:sts::123456789012:federated-user/developer",
    "arn:aws-us-gov:iam::123456789012:root",
)


@pytest.mark.parametrize("caller_arn", LOOK_ALIKES)
def test_who_looks_like_another_is_not(bench: DecisionBench, caller_arn: str) -> None:
    only = policy(callers=[entry(principals=[DEVELOPER])])
    denied_on(bench, WAYS, lambda way: request(way, caller_arn=caller_arn), "callers.unknown", under=only)


@pytest.mark.parametrize("pattern", ["developer", "dev*er", "*eloper", "d*v*l*p*r", "*developer*"])
def test_a_star_is_any_text_and_the_rest_is_as_it_is(bench: DecisionBench, pattern: str) -> None:
    bench.under(policy(callers=[entry(principals=[f"arn:aws-us-gov:iam::123456789012:role/{pattern}"])]))
    allowed(bench.decide(request(CONVERSE)))
    for name in ("developer-evil", "Developer", "develope", "eloperdev"):
        caller_arn = f"arn:aws-us-gov:sts::123456789012:assumed-role/{name}/developer"
        decided = bench.decide(request(CONVERSE, caller_arn=caller_arn))
        assert decided.rule == ("callers.everyone" if fnmatchcase(name, pattern) else "callers.unknown")


@pytest.mark.parametrize(
    ("principal", "caller_arn"),
    [
        ("arn:aws-us-gov:iam::*:role/developer", "arn:aws-us-gov:iam::210987654321:user/a:role/developer"),
        ("arn:*:iam::123456789012:role/dev*", "arn:aws-us-gov:iam::210987654321:user/:iam::123456789012:role/dev"),
        ("arn:*:iam::123456789012:root", "arn:aws-us-gov:iam::210987654321:user/:iam::123456789012:root"),
    ],
)
def test_the_path_of_a_user_makes_it_nobody_else(bench: DecisionBench, principal: str, caller_arn: str) -> None:
    """A path may hold colons: ``Path`` of CreateUser in the IAM API Reference."""
    bench.under(policy(callers=[entry(principals=[principal])]))
    denied(bench.decide(request(CONVERSE, caller_arn=caller_arn)), "callers.unknown")
    bench.under(policy(callers=[entry(principals=["arn:aws-us-gov:iam::210987654321:user/*"])]))
    allowed(bench.decide(request(CONVERSE, caller_arn=caller_arn)))


def test_sessions_of_a_role_share_its_limits(bench: DecisionBench) -> None:
    rule = entry(name="limited", principals=[DEVELOPER], limits={"requests_per_day": 3})
    bench.under(policy(callers=[rule, entry()]))
    names = ("alice", "bob", "alice@example.gov", "developer", "../other", "x" * 64)
    session_arns = [f"{CALLER_ARN.rpartition('/')[0]}/{name}" for name in names]
    decided = [bench.decide(request(CONVERSE, caller_arn=arn)) for arn in session_arns]
    assert [each.answer.status for each in decided] == [200] * 3 + [429] * 3
    assert {each.rule for each in decided[3:]} == {"callers.limited.limits.requests_per_day"}
    allowed(bench.decide(request(CONVERSE, caller_arn=LOOK_ALIKES[0])))


def test_an_endpoint_that_the_policy_bars_is_a_denial_on_record(bench: DecisionBench) -> None:
    denied_on(bench, WAYS, request, "destinations.regions", under=policy(destinations={"regions": ["us-west-2"]}))


def test_a_second_credential_leads_nowhere_else(make_bench: MakeBench, commercial: CommercialStandIn) -> None:
    """A refused credential is followed by another one, which may be for another region."""
    other = make_bench({"bedrock_api_key": API_KEY, "region": "us-east-1"})
    other.under(policy(destinations={"regions": ["us-east-1"]}))
    assert other.invoke().status == 200
    put_version(other, {"bedrock_api_key": "pending-key", "region": "us-west-2"}, "AWSPENDING")
    commercial.replace_credentials({"api_keys": ["pending-key"]})
    assert other.invoke().status == 403
    assert [record["destinationRegion"] for record in other.records("InvokeModel")] == ["us-east-1"] * 2

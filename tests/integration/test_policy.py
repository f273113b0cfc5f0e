"""The policy on the deployed twin: put in service by Terraform, held by every execution environment, never opened."""

import copy
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from deployment import REPOSITORY
from tests.deployed import Deployment
from twin import ENVIRONMENT

NOVA = "amazon.nova-lite-v1:0"
NOVA_BODY = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
CONVERSE = f"/model/{NOVA}/converse"
STARTING = yaml.safe_load((REPOSITORY / "terraform/application/policies/starting.yaml").read_text())
IN_FORCE_SECONDS = 22.0  # after this every execution environment has read it
HARMFUL = "XP-CANARY-harmful"


@pytest.fixture(scope="module")
def inputs(deployment: Deployment) -> dict[str, Any]:
    return dict(deployment.outputs()["application_inputs"])


@pytest.fixture(scope="module", autouse=True)
def as_it_was(deployment: Deployment, inputs: dict[str, Any]) -> Iterator[None]:
    """Afterwards the starting policy is in force again."""
    item = stored(deployment, inputs)
    yield
    deployment.client("dynamodb").put_item(TableName=inputs["policy_table_name"], Item=item)
    deployment.kill_functions()
    answer = deployment.invoke(NOVA, NOVA_BODY)
    assert answer.status_code == 200, answer.text


def stored(deployment: Deployment, inputs: dict[str, Any]) -> dict[str, Any]:
    key = {"name": {"S": "boundary"}}
    return dict(deployment.client("dynamodb").get_item(TableName=inputs["policy_table_name"], Key=key)["Item"])


def put(deployment: Deployment, inputs: dict[str, Any], document: object) -> None:
    """Another policy, as somebody with access to the table would put it there, for new execution environments."""
    text = document if isinstance(document, str) else json.dumps(document)
    item = {"name": {"S": "boundary"}, "document": {"S": text}}
    deployment.client("dynamodb").put_item(TableName=inputs["policy_table_name"], Item=item)
    deployment.kill_functions()


def changed(**sections: Any) -> dict[str, Any]:
    return {**copy.deepcopy(STARTING), **sections}


def everyone(**members: Any) -> list[dict[str, Any]]:
    return [{**STARTING["callers"][0], **members}]


def test_a_policy_changes_without_a_release(deployment: Deployment) -> None:
    """`make policy`: only the item changes, the version of the function stays, and it is in force within a minute."""
    before = deployment.call("GET", "/health").json()
    file = deployment.twin.folder / "environments" / ENVIRONMENT / "policy.yaml"
    file.write_text(yaml.safe_dump(changed(models={"allow": ["amazon.*"], "deny": ["amazon.nova-lite*"]})))
    try:
        result = deployment.script("make", "policy", f"ENV={ENVIRONMENT}", AUTO_APPROVE="1")
        assert result.returncode == 0, result.stdout + result.stderr
        assert "0 added, 1 changed, 0 destroyed" in result.stdout
        applied_at = time.monotonic()
        while deployment.invoke(NOVA, NOVA_BODY).status_code == 200:
            assert time.monotonic() - applied_at < 60
            time.sleep(1)
        answer = deployment.invoke(NOVA, NOVA_BODY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PolicyDenied")
        assert "(rule models.deny)" in answer.json()["error"]["message"]
        after = deployment.call("GET", "/health").json()
        assert (after["release"], after["policyVersion"] != before["policyVersion"]) == (before["release"], True)
        assert after["policyVersion"] in result.stdout
        assert deployment.terraform("application", "plan", "-detailed-exitcode").returncode == 0
    finally:
        file.unlink()
    result = deployment.script("make", "policy", f"ENV={ENVIRONMENT}", AUTO_APPROVE="1")
    assert before["policyVersion"] in result.stdout, result.stderr


def test_a_bad_policy_is_refused_at_plan_with_every_problem(deployment: Deployment) -> None:
    file = deployment.twin.folder / "environments" / ENVIRONMENT / "policy.yaml"
    file.write_text(yaml.safe_dump(changed(models={"allow": [], "denny": []}, callers=everyone(name="No Name"))))
    try:
        plan = deployment.terraform("application", "plan")
    finally:
        file.unlink()
    assert plan.returncode != 0
    for problem in (
        "models: has unknown members: denny; known are allow, deny",
        "models.allow: must not be empty",
        "callers[0].name: must be up to 48 lower-case letters, digits and -",
    ):
        assert problem in plan.stdout + plan.stderr


def test_a_bad_policy_never_opens_the_gate(deployment: Deployment, inputs: dict[str, Any]) -> None:
    """The last good one stays in force; new execution environments, which have none, deny everything."""
    deployment.kill_functions()  # those that are left may hold the policy of the test before
    assert deployment.invoke(NOVA, NOVA_BODY).status_code == 200
    wrong = json.dumps(changed(callers=everyone(expires="2020-01-01")))
    item = {"name": {"S": "boundary"}, "document": {"S": wrong}}
    deployment.client("dynamodb").put_item(TableName=inputs["policy_table_name"], Item=item)
    time.sleep(IN_FORCE_SECONDS)  # everybody has read it by now
    assert deployment.invoke(NOVA, NOVA_BODY).status_code == 200
    health = deployment.call("GET", "/health")
    assert (health.status_code, health.json()["checks"]["policy"]) == (503, "PolicyInvalid")

    put(deployment, inputs, wrong)
    before = len(deployment.upstream("GET", "requests")["requests"])
    for path, body in (("/bedrock/invoke-model", {"modelId": NOVA, "body": NOVA_BODY}), (CONVERSE, NOVA_BODY)):
        answer = deployment.call("POST", path, body)
        assert (answer.status_code, "PolicyUnavailable" in answer.text) == (503, True)
    assert len(deployment.upstream("GET", "requests")["requests"]) == before
    put(deployment, inputs, STARTING)
    assert deployment.invoke(NOVA, NOVA_BODY).status_code == 200


def test_limits_hold_over_all_execution_environments(deployment: Deployment, inputs: dict[str, Any]) -> None:
    put(deployment, inputs, changed(callers=everyone(limits={"requests_per_day": 12, "tokens_per_day": 1_000_000})))
    day = int(time.time() // 86_400)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: deployment.call("POST", CONVERSE, NOVA_BODY), range(32)))

    assert int(time.time() // 86_400) == day, "midnight came in between"
    statuses = [answer.status_code for answer in answers]
    served = statuses.count(200)
    # Never more. A count whose answer came too late for the router, as on a busy machine, is one that nobody used.
    assert 9 <= served <= 12
    assert statuses.count(429) == 32 - served
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["x-amzn-errortype"] == "ThrottlingException"
    assert "callers.everyone-with-access.limits.requests_per_day" in refused.json()["message"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
    said = deployment.call("POST", "/bedrock/explain", {"path": CONVERSE, "body": NOVA_BODY}).json()
    assert (said["wouldCross"], said["limits"]["requests_per_day"]["left"]) == (False, 0)
    assert 0 < 1_000_000 - said["limits"]["tokens_per_day"]["left"] < 100_000


def test_callers_see_their_own_records_and_auditors_all(deployment: Deployment, inputs: dict[str, Any]) -> None:
    """IAM lets both read the dashboard; the policy says whose records they see."""
    put(deployment, inputs, STARTING)
    assert deployment.invoke(NOVA, NOVA_BODY).status_code == 200
    mine = deployment.call("GET", "/dashboard/requests?limit=1").json()["requests"][0]
    read_dashboard = deployment.outputs()["caller_policies_json"]["read-dashboard"]
    auditor = deployment.create_user("auditor", read_dashboard)

    def seen(path: str) -> Any:
        answer = deployment.call("GET", path, auth=auditor)
        if answer.status_code == 200:
            return answer.json()
        assert "error" in answer.json(), answer.text
        return answer.status_code, answer.json()["error"]["code"]

    of_others = f"/dashboard/requests?caller={mine['callerArn']}"
    one = f"/dashboard/requests/{mine['requestId']}"
    assert seen("/dashboard/requests")["requests"] == []
    assert seen("/dashboard/usage")["totals"]["requests"] == 0
    assert seen(one) == (404, "RecordNotFound")
    assert seen(of_others) == (403, "PolicyDenied")

    put(deployment, inputs, changed(auditors=["arn:*:iam::*:user/auditor"]))
    assert mine in seen(of_others)["requests"]
    assert seen(one)["request"] == mine
    assert seen("/dashboard/usage?groupBy=caller")["usage"][0]["key"] == mine["callerArn"]
    csv = deployment.call("GET", "/dashboard/requests", auth=auditor, headers={"Accept": "text/csv"})
    assert (csv.status_code, csv.headers["Content-Type"].partition(";")[0]) == (200, "text/csv")
    assert mine["requestId"] in csv.text


def test_text_is_screened_in_govcloud_by_the_functions_own_role(deployment: Deployment, inputs: dict[str, Any]) -> None:
    guardrail = deployment.client("bedrock").create_guardrail(
        name="before-egress",
        wordPolicyConfig={"wordsConfig": [{"text": HARMFUL}]},
        blockedInputMessaging="no",
        blockedOutputsMessaging="no",
    )
    named = {"identifier": guardrail["guardrailId"], "version": "DRAFT", "mode": "screen"}
    put(deployment, inputs, changed(guardrails={"before_egress": named}))
    # The role may not ask it yet, and without its verdict nothing crosses.
    answer = deployment.invoke(NOVA, NOVA_BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "GuardrailUnavailable")

    arguments = (f"-var=guardrail_arn={guardrail['guardrailArn']}",)
    assert deployment.terraform("infrastructure", "apply", *arguments).returncode == 0
    try:
        assert deployment.invoke(NOVA, NOVA_BODY).status_code == 200
        before = len(deployment.upstream("GET", "requests")["requests"])
        harmful = {"messages": [{"role": "user", "content": [{"text": f"about {HARMFUL}"}]}]}
        answer = deployment.invoke(NOVA, harmful)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PolicyDenied")
        assert "(rule guardrails.before_egress)" in answer.json()["error"]["message"]
        assert len(deployment.upstream("GET", "requests")["requests"]) == before
        (record, *_) = deployment.call("GET", "/dashboard/requests?limit=1").json()["requests"]
        assert (record["decisionRule"], record["guardrailAction"]) == ("guardrails.before_egress", "BLOCKED")
        assert record["guardrailLatencyMs"] >= 0
    finally:
        assert deployment.terraform("infrastructure", "apply").returncode == 0

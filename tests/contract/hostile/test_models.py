"""Denied models by other names: spellings, profiles, ARNs, bodies that name another one.

Each is refused on every path, by the rule that it breaks.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract import gateway_front
from tests.contract.crossings import MODEL_WAYS, Way
from tests.contract.decision_bench import DecisionBench, Sent
from tests.contract.hostile.hostile_requests import (
    CONVERSE,
    ENVELOPE,
    IN_PATH,
    allowed,
    denied,
    denied_on,
    request,
)
from tests.contract.policies import entry, policy
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL
from tests.contract.test_application_profiles import create

ACCOUNT_ARN = "arn:aws:bedrock:us-east-1:111122223333"
NO_CLAUDE = policy(models={"allow": ["*"], "deny": ["anthropic.*"]})
GLOBAL = "destinations.global_profiles"
_profile_names = (f"hostile-{number}" for number in itertools.count())


@pytest.mark.parametrize("lists", ["read before", "read afterwards"])
@pytest.mark.parametrize("name", ["ARN", "id"])
def test_a_denied_model_is_denied_behind_an_application_profile(bench: DecisionBench, lists: str, name: str) -> None:
    for way in MODEL_WAYS:
        bench.put_policy(NO_CLAUDE)
        bench.restart()
        if lists == "read before":
            assert bench.invoke().status == 200
        arn = create(bench.commercial, next(_profile_names), f"{ACCOUNT_ARN}:inference-profile/us.{PROFILE_ONLY_MODEL}")
        # A new one is known once the lists are five seconds old; until then it may lead anywhere.
        rule = "destinations.unknown" if lists == "read before" else "models.deny"
        denied(bench.decide(request(way, arn if name == "ARN" else arn.rpartition("/")[2])), rule, "models.allow")


DISGUISES = (
    PROFILE_ONLY_MODEL.upper(),
    PROFILE_ONLY_MODEL.title(),
    f"US.{PROFILE_ONLY_MODEL}",
    f"us.{PROFILE_ONLY_MODEL.upper()}",
    f"jp.{PROFILE_ONLY_MODEL}",
    f"us-gov.{PROFILE_ONLY_MODEL}",
    f"arn:aws:bedrock:eu-west-1::foundation-model/{PROFILE_ONLY_MODEL}",
    f"arn:aws:bedrock:us-east-1::foundation-model/{PROFILE_ONLY_MODEL.upper()}",
    f"arn:aws:bedrock:us-east-1:999999999999:inference-profile/us.{PROFILE_ONLY_MODEL}",
    f"{ACCOUNT_ARN}:inference-profile/US.{PROFILE_ONLY_MODEL}",
    f"{ACCOUNT_ARN}:foundation-model/{PROFILE_ONLY_MODEL}",
    f"{ACCOUNT_ARN}:custom-model/{PROFILE_ONLY_MODEL}/abcdefgh1234",
)


@pytest.mark.parametrize("model_id", DISGUISES)
def test_a_denied_model_is_denied_in_any_spelling(bench: DecisionBench, model_id: str) -> None:
    denied_on(bench, MODEL_WAYS, lambda way: request(way, model_id), "models.deny", "models.allow", under=NO_CLAUDE)


@pytest.mark.parametrize(
    ("models", "rule"),
    [
        ({"allow": ["*"], "deny": ["AMAZON.Nova-*"]}, "models.deny"),
        ({"allow": ["ANTHROPIC.*"]}, "models.allow"),
        ({"allow": ["Amazon.NOVA-lite*"]}, "callers.everyone"),
    ],
)
def test_a_pattern_counts_in_any_case(bench: DecisionBench, models: dict[str, list[str]], rule: str) -> None:
    bench.under(policy(models=models))
    for decided in bench.decide_all([request(way) for way in MODEL_WAYS]):
        assert decided.rule == rule


HIDDEN = (
    f"{ACCOUNT_ARN}:provisioned-model/abcdefgh1234",
    f"{ACCOUNT_ARN}:imported-model/abcdefgh1234",
    f"{ACCOUNT_ARN}:custom-model-deployment/abcdefgh1234",
    "arn:aws:sagemaker:us-east-1:111122223333:endpoint/made-up",
    "made-up-provisioned",  # a bare name is among what botocore's InvokeModelIdentifier takes
    "abcdefgh1234",
)


@pytest.mark.parametrize("model_id", HIDDEN)
@pytest.mark.parametrize("models", [{"allow": ["*"], "deny": ["anthropic.*"]}, {"allow": ["amazon.*", "*.*"]}])
def test_what_hides_its_model_might_be_a_denied_one(
    bench: DecisionBench, model_id: str, models: dict[str, list[str]]
) -> None:
    denied_on(bench, MODEL_WAYS, lambda way: request(way, model_id), "models.allow", under=policy(models=models))


@pytest.mark.parametrize("model_id", HIDDEN)
def test_it_is_allowed_where_nothing_is_denied_or_by_its_own_name(bench: DecisionBench, model_id: str) -> None:
    bench.under(policy())
    allowed(bench.decide(request(CONVERSE, model_id)))
    if model_id.startswith("arn:"):
        bench.under(policy(models={"allow": [f"{model_id[:-4]}*"], "deny": ["anthropic.*"]}))
        allowed(bench.decide(request(CONVERSE, model_id)))
    bench.under(policy(callers=[entry(models=["amazon.*"])]))
    denied(bench.decide(request(CONVERSE, model_id)), "callers.everyone.models")


ANYWHERE = {"regions": ["*"], "global_profiles": True}


@pytest.mark.parametrize("kind", ["prompt/ABCDEFGHIJ:1", "prompt-router/made-up", "default-prompt-router/meta.llama:1"])
@pytest.mark.parametrize(
    ("sections", "rule"),
    [
        ({"destinations": {"regions": ["*"]}}, "destinations.unknown"),
        ({"destinations": ANYWHERE, "models": {"allow": ["*"], "deny": ["anthropic.*"]}}, "models.allow"),
        ({"destinations": ANYWHERE, "models": {"allow": ["meta.*"]}}, "models.allow"),
    ],
)
def test_prompts_and_routers_may_lead_to_any_model(
    bench: DecisionBench, kind: str, sections: dict[str, Any], rule: str
) -> None:
    denied_on(bench, MODEL_WAYS, lambda way: request(way, f"{ACCOUNT_ARN}:{kind}"), rule, under=policy(**sections))


@pytest.mark.parametrize(
    "model_id",
    [
        f"global.{PROFILE_ONLY_MODEL}",
        f"GLOBAL.{PROFILE_ONLY_MODEL}",
        f"Global.{PROFILE_ONLY_MODEL}",
        f"{ACCOUNT_ARN}:inference-profile/global.{PROFILE_ONLY_MODEL}",
        f"{ACCOUNT_ARN}:inference-profile/Global.{PROFILE_ONLY_MODEL}",
        f"arn:aws:bedrock:us-east-1:999999999999:inference-profile/global.{PROFILE_ONLY_MODEL}",
    ],
)
def test_a_global_profile_is_one_in_any_spelling(bench: DecisionBench, model_id: str) -> None:
    denied_on(bench, MODEL_WAYS, lambda way: request(way, model_id), GLOBAL, under=policy())


def test_a_profile_that_leads_anywhere_is_a_global_one_by_any_name(bench: DecisionBench) -> None:
    bench.put_policy(policy())
    bench.restart()
    source = f"{ACCOUNT_ARN}:inference-profile/global.{PROFILE_ONLY_MODEL}"
    arn = create(bench.commercial, next(_profile_names), source)
    ways = [way for way in MODEL_WAYS if way.operation != "CountTokens"]  # which is about the model, here
    for model_id in (arn, arn.rpartition("/")[2], "anthropic.twin-made-up-global-v1:0"):
        denied_on(bench, ways, lambda way, named=model_id: request(way, named), GLOBAL, under=policy())


@pytest.mark.parametrize(
    "name", ["model", "Model", "MODEL", "modelId", "modelID", "ModelId", "MODELID", "\\u006dodel", "m\\u006fdelId"]
)
@pytest.mark.parametrize("order", ["the good one last", "the good one first"])
def test_a_body_names_no_other_model(bench: DecisionBench, name: str, order: str) -> None:
    """In the very place where the operation has it, twice is no request at all; elsewhere it is a conflict."""
    bench.under(NO_CLAUDE)
    other = f'"{name}":"{PROFILE_ONLY_MODEL}"'

    def named_twice(way: Way) -> Sent:
        sent = request(way, members=other)
        if order == "the good one last":
            return sent
        text = json.loads(sent.body)["body"] if way is ENVELOPE else sent.body.decode()
        text = f"{{{text.removeprefix(f'{{{other},')[:-1]},{other}}}"
        body = json.dumps({"modelId": ON_DEMAND_MODEL, "body": text}) if way is ENVELOPE else text
        return Sent("POST", sent.path, body.encode(), sent.headers)

    decisions = bench.decide_all([named_twice(way) for way in MODEL_WAYS])
    for way, decided in zip(MODEL_WAYS, decisions, strict=True):
        own = {"StartAsyncInvoke": "modelId", "ChatCompletions": "model", "Responses": "model", "Messages": "model"}
        if json.loads(f'"{name}"') == own.get(way.operation):
            assert decided.rule is None
            assert "may be given once" in decided.answer.text
        else:
            denied(decided, "models.conflict")


@pytest.mark.parametrize(
    ("first", "last", "rule"),
    [
        (ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, "models.deny"),
        (PROFILE_ONLY_MODEL, ON_DEMAND_MODEL, "callers.everyone"),
    ],
)
def test_an_envelope_that_names_two_models_is_about_the_last(
    bench: DecisionBench, first: str, last: str, rule: str
) -> None:
    bench.under(NO_CLAUDE)
    body = json.dumps(CONVERSE.body(ON_DEMAND_MODEL, "hello"))
    envelope = f'{{"modelId":"{first}","modelId":"{last}","body":{body}}}'
    decided = bench.decide(Sent("POST", "/bedrock/invoke-model", envelope.encode(), {}))
    assert decided.rule == rule
    assert [post["path"] for post in decided.posts if last not in post["path"].replace("%3A", ":")] == []


SPELLINGS = {
    "an encoded letter": PROFILE_ONLY_MODEL.replace("a", "%61", 1),
    "an encoded dot": PROFILE_ONLY_MODEL.replace(".", "%2E", 1),
    "encoded twice": PROFILE_ONLY_MODEL.replace("a", "%2561", 1),
    "an encoded slash": quote(f"x/{PROFILE_ONLY_MODEL}", safe=""),
    "full width": quote("\uff41nthropic.claude-haiku-4-5-20251001-v1:0"),
    "a step back": f"{ON_DEMAND_MODEL}/../{PROFILE_ONLY_MODEL}",
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("way", IN_PATH, ids=[way.operation for way in IN_PATH])
def test_no_spelling_of_a_path_leads_to_a_denied_model(bench: DecisionBench, spelled: str, way: Way) -> None:
    bench.under(NO_CLAUDE)
    sent = request(way)
    path = way.path.replace("{modelId}", spelled)
    for decodes in (False, True):  # as API Gateway may do
        bench.commercial.log.clear()
        event = gateway_front.event("POST", path, {"Content-Type": "application/json"}, sent.body, decodes)
        rendered = bench.render(event)
        assert rendered["statusCode"] in (400, 403, 404), rendered["body"]
        assert [post for post in bench.commercial.requests if post["method"] == "POST"] == []
    bench.decide(Sent("POST", path, sent.body, sent.headers))


@pytest.mark.parametrize("allow", [["amazon.*", "arn:*"], ["amazon.*", "arn:aws:bedrock:*:111122223333:*"]])
@pytest.mark.parametrize(
    "model_id",
    [
        f"arn:aws:bedrock:us-east-1::foundation-model/{PROFILE_ONLY_MODEL}",
        f"{ACCOUNT_ARN}:inference-profile/us.{PROFILE_ONLY_MODEL}",
    ],
)
def test_an_arn_opens_no_model_that_its_id_does_not(bench: DecisionBench, allow: list[str], model_id: str) -> None:
    """Patterns of ARNs are for what hides its model; else a model is allowed by its id, whatever it is called by."""
    under = policy(models={"allow": allow})
    denied_on(bench, MODEL_WAYS, lambda way: request(way, model_id), "models.allow", under=under)


def test_an_application_profile_that_is_allowed_by_its_arn_counts_as_its_model(bench: DecisionBench) -> None:
    arn = create(bench.commercial, next(_profile_names), f"{ACCOUNT_ARN}:inference-profile/us.{PROFILE_ONLY_MODEL}")
    bench.restart()
    bench.under(policy(models={"allow": ["amazon.*", arn]}))
    denied(bench.decide(request(CONVERSE, arn)), "models.allow")


def test_a_model_can_be_allowed_by_the_arn_of_the_foundation_model(bench: DecisionBench) -> None:
    bench.under(policy(models={"allow": [f"arn:aws:bedrock:us-east-1::foundation-model/{ON_DEMAND_MODEL}"]}))
    allowed(bench.decide(request(CONVERSE, ON_DEMAND_MODEL)))
    denied(bench.decide(request(CONVERSE, PROFILE_ONLY_MODEL)), "models.allow")


@pytest.mark.parametrize("prefix", ["sa.", "us.us.", "mx."])
def test_a_prefix_that_nobody_knows_hides_no_denied_model(bench: DecisionBench, prefix: str) -> None:
    bench.under(NO_CLAUDE)
    denied(bench.decide(request(CONVERSE, f"{prefix}{PROFILE_ONLY_MODEL}")), "models.deny")


MX = f"mx.{PROFILE_ONLY_MODEL}"
CLAUDE_ONLY = {"models": {"allow": ["anthropic.*"]}}
ITS_CLAUDE_ONLY = {"callers": [entry(models=["anthropic.*"])]}


@pytest.fixture
def listed(bench: DecisionBench) -> Iterator[Callable[..., None]]:
    """Puts a profile with a prefix that nobody knows here into Bedrock's lists, to a model in some regions."""

    def put(model_id: str, *regions: str) -> None:
        arns = [f"arn:aws:bedrock:{region}::foundation-model/{model_id}" for region in regions]
        profile = {
            "inferenceProfileId": MX,
            "inferenceProfileArn": f"{ACCOUNT_ARN}:inference-profile/{MX}",
            "models": [{"modelArn": arn} for arn in arns],
        }
        bench.commercial.misreport({f"us.{PROFILE_ONLY_MODEL}": profile})
        bench.restart()

    yield put
    bench.commercial.clear()
    bench.restart()


@pytest.mark.parametrize("name", [MX, f"{ACCOUNT_ARN}:inference-profile/{MX}"])
@pytest.mark.parametrize("sections", [CLAUDE_ONLY, ITS_CLAUDE_ONLY])
def test_a_profile_counts_as_its_model_whatever_its_prefix(
    bench: DecisionBench, listed: Callable[..., None], sections: dict[str, Any], name: str
) -> None:
    bench.under(policy(**sections))
    listed(PROFILE_ONLY_MODEL, "us-east-1")
    for decided in bench.decide_all([request(way, name) for way in MODEL_WAYS]):
        allowed(decided)


@pytest.mark.parametrize(
    ("sections", "rule"), [(CLAUDE_ONLY, "models.allow"), (ITS_CLAUDE_ONLY, "callers.everyone.models")]
)
@pytest.mark.parametrize("lists", ["another model", "no such profile", "unread"])
def test_and_only_if_the_lists_say_so(
    bench: DecisionBench, listed: Callable[..., None], sections: dict[str, Any], rule: str, lists: str
) -> None:
    bench.under(policy(**sections))
    if lists == "another model":
        listed(ON_DEMAND_MODEL, "us-east-1")
    bench.restart()
    if lists == "unread":
        bench.commercial.inject("service_unavailable", count=1_000, match="/foundation-models")
    names = (MX, MX.upper(), f"{ACCOUNT_ARN}:inference-profile/{MX}", f"us.{MX}")
    for decided in bench.decide_all([request(way, name) for way in MODEL_WAYS for name in names]):
        denied(decided, rule)


def test_and_leads_where_the_lists_say(bench: DecisionBench, listed: Callable[..., None]) -> None:
    listed(PROFILE_ONLY_MODEL, "us-east-1", "mx-central-1")
    bench.under(policy(**CLAUDE_ONLY, destinations={"regions": ["us-*"]}))
    denied(bench.decide(request(CONVERSE, MX)), "destinations.regions")


def test_a_denied_model_behind_such_a_profile_is_denied(bench: DecisionBench, listed: Callable[..., None]) -> None:
    listed(PROFILE_ONLY_MODEL, "us-east-1")
    under = policy(models={"allow": ["anthropic.*"], "deny": ["anthropic.claude-haiku-*"]})
    denied_on(bench, MODEL_WAYS, lambda way: request(way, MX), "models.deny", under=under)


def test_a_foundation_model_of_another_region_leads_there(bench: DecisionBench) -> None:
    bench.under(policy(destinations={"regions": ["us-east-1"]}))
    for region, rule in (("us-east-1", None), ("eu-west-1", "destinations.regions")):
        decided = bench.decide(request(CONVERSE, f"arn:aws:bedrock:{region}::foundation-model/{ON_DEMAND_MODEL}"))
        denied(decided, rule) if rule else allowed(decided)


@pytest.mark.parametrize("deep", [f'"deep":{"[" * 2_000}{"]" * 2_000}', '"cut":'])
def test_what_cannot_be_read_hides_no_model(bench: DecisionBench, deep: str) -> None:
    members = f'"model":{json.dumps(PROFILE_ONLY_MODEL)},{deep}'
    denied_on(bench, IN_PATH, lambda way: request(way, members=members), "models.conflict", under=policy())

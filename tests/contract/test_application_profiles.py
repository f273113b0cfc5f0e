"""Application inference profiles: in the place of a model for its cost tags, created once, and never a way round."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.conftest import MakeBench
from tests.contract.policies import GLOBAL_ALLOWED, POLICY
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.contract.sdk_requests import SdkRequest
from tests.contract.test_differential import exchange
from tests.contract.test_inference_profiles import ACCOUNT_ARN, CONVERSE_BODY, US_PROFILE, converse
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

TAGS = {"CostCenter": "42", "Team": "a"}
US_ARN = f"{ACCOUNT_ARN}:inference-profile/{US_PROFILE}"
GLOBAL_ARN = f"{ACCOUNT_ARN}:inference-profile/global.{PROFILE_ONLY_MODEL}"
NAMED = json.dumps({PROFILE_ONLY_MODEL: {"name": "team-a", "tags": TAGS}})


def create(commercial: CommercialStandIn, name: str, source: str) -> str:
    body = json.dumps({"inferenceProfileName": name, "modelSource": {"copyFrom": source}}).encode()
    request = SdkRequest("POST", "/inference-profiles", {"Content-Type": "application/json"}, body)
    status, _, answer = exchange(commercial.url, request, Authorization=f"Bearer {API_KEY}")
    assert status == 201, answer
    return str(json.loads(answer)["inferenceProfileArn"])


def created(commercial: CommercialStandIn) -> list[dict[str, Any]]:
    return [
        request
        for request in commercial.requests
        if (request["method"], request["path"]) == ("POST", "/inference-profiles")
    ]


def listed(commercial: CommercialStandIn) -> list[dict[str, Any]]:
    request = SdkRequest("GET", "/inference-profiles?type=APPLICATION", {}, b"")
    _, _, answer = exchange(commercial.url, request, Authorization=f"Bearer {API_KEY}")
    return list(json.loads(answer)["inferenceProfileSummaries"])


def tags_of(commercial: CommercialStandIn, arn: str) -> dict[str, str]:
    body = json.dumps({"resourceARN": arn}).encode()
    request = SdkRequest("POST", "/listTagsForResource", {"Content-Type": "application/json"}, body)
    _, _, answer = exchange(commercial.url, request, Authorization=f"Bearer {API_KEY}")
    return {tag["key"]: tag["value"] for tag in json.loads(answer)["tags"]}


def without_lists(commercial: CommercialStandIn) -> None:
    commercial.inject("status", count=50, match="/foundation-models", status=403, errortype="AccessDeniedException")


def test_a_callers_application_profile_is_called_as_it_is(bench: RouterBench, commercial: CommercialStandIn) -> None:
    arn = create(commercial, "team-a", US_ARN)

    answer = converse(bench, arn)
    envelope = bench.invoke(arn, {"max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]})

    assert (answer.status, envelope.status) == (200, 200), envelope.text  # the envelope knew that it is Anthropic's
    assert answer.headers["X-Resolved-Model-Id"] == arn
    assert converse(bench, arn.rpartition("/")[2]).headers["X-Resolved-Model-Id"] == arn


@pytest.mark.parametrize("lists", ["read afterwards", "read before", "not readable"])
def test_an_application_profile_that_leads_anywhere_is_denied(
    bench: RouterBench, commercial: CommercialStandIn, monkeypatch: pytest.MonkeyPatch, lists: str
) -> None:
    if lists == "read before":
        assert converse(bench, ON_DEMAND_MODEL).status == 200
        bench.age_lists(monkeypatch, seconds=6)
    arn = create(commercial, "world", GLOBAL_ARN)
    if lists == "not readable":
        without_lists(commercial)

    answer = converse(bench, arn)

    assert answer.status == 403
    assert ("destinations.unknown" if lists == "not readable" else "destinations.global") in answer.json["message"]
    assert answer.headers["X-Resolved-Model-Id"] == arn


@pytest.mark.parametrize("kind", ["prompt/ABCDEFGHIJ:1", "default-prompt-router/anthropic.claude:1", "prompt-router/a"])
def test_what_hides_its_model_is_denied(bench: RouterBench, commercial: CommercialStandIn, kind: str) -> None:
    answer = converse(bench, f"{ACCOUNT_ARN}:{kind}")
    assert answer.status == 403
    assert "destinations.unknown" in answer.json["message"]
    assert not [request for request in commercial.requests if request["method"] == "POST"]


@pytest.mark.parametrize("model_id", [PROFILE_ONLY_MODEL, US_PROFILE])
def test_a_model_is_called_by_its_application_profile(
    bench: RouterBench, commercial: CommercialStandIn, model_id: str
) -> None:
    arn = create(commercial, "team-a", US_ARN)
    other = create(commercial, "team-b", US_ARN)
    bench.restart(APPLICATION_PROFILES=json.dumps({PROFILE_ONLY_MODEL: {"arn": arn}}))

    assert converse(bench, model_id).headers["X-Resolved-Model-Id"] == arn
    assert converse(bench, ON_DEMAND_MODEL).headers["X-Resolved-Model-Id"] == ON_DEMAND_MODEL
    assert converse(bench, other).headers["X-Resolved-Model-Id"] == other  # the caller's own stays
    counted = converse(bench, model_id, "count-tokens", {"input": {"converse": CONVERSE_BODY}})
    assert counted.headers["X-Resolved-Model-Id"] == PROFILE_ONLY_MODEL


@pytest.mark.parametrize("wrong", ["of another model", "inactive", "not there"])
def test_a_profile_that_cannot_stand_in_does_not(
    bench: RouterBench, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    model_arn = f"arn:aws:bedrock:us-east-1::foundation-model/{ON_DEMAND_MODEL}"
    arn = create(commercial, "team-a", model_arn if wrong == "of another model" else US_ARN)
    if wrong == "inactive":
        commercial.misreport({arn.rpartition("/")[2]: {"status": "INACTIVE"}})
    if wrong == "not there":
        arn = f"{ACCOUNT_ARN}:application-inference-profile/abcdefgh1234"
    bench.restart(APPLICATION_PROFILES=json.dumps({PROFILE_ONLY_MODEL: {"arn": arn}}))

    assert converse(bench, PROFILE_ONLY_MODEL).headers["X-Resolved-Model-Id"] == US_PROFILE
    assert "ApplicationProfileFailures" in capsys.readouterr().out


@pytest.mark.parametrize("model_id", [PROFILE_ONLY_MODEL, ON_DEMAND_MODEL])
def test_one_is_created_once_with_its_tags(bench: RouterBench, commercial: CommercialStandIn, model_id: str) -> None:
    wanted = json.dumps({model_id: {"name": "team-a", "tags": TAGS}})
    for _ in range(2):  # two execution environments, one after the other
        bench.restart(APPLICATION_PROFILES=wanted)
        for _ in range(2):
            answer = converse(bench, model_id)
            assert answer.status == 200, answer.text

    profiles = listed(commercial)
    assert len(created(commercial)) == len(profiles) == 1
    arn = profiles[0]["inferenceProfileArn"]
    assert answer.headers["X-Resolved-Model-Id"] == arn
    assert tags_of(commercial, arn) == TAGS
    record = bench.records("CreateInferenceProfile")[-1]
    assert (record["modelId"], record["decisionRule"]) == (model_id, "configuration.allow")


def test_environments_that_race_make_one(make_bench: MakeBench, commercial: CommercialStandIn) -> None:
    benches = [make_bench({"bedrock_api_key": API_KEY}) for _ in range(4)]
    for bench in benches:
        bench.restart(APPLICATION_PROFILES=NAMED)
    commercial.inject("slow", count=4, match="/inference-profiles?maxResults=1000&type=APPLICATION", delay_seconds=0.5)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda bench: converse(bench, PROFILE_ONLY_MODEL), benches))

    assert [answer.status for answer in answers] == [200] * 4
    assert len(created(commercial)) > 1  # they did race
    assert len(listed(commercial)) == 1
    assert len({answer.headers["X-Resolved-Model-Id"] for answer in answers}) == 1


def test_what_the_first_caller_called_it_decides_nothing(make_bench: MakeBench, commercial: CommercialStandIn) -> None:
    ids = (f"global.{PROFILE_ONLY_MODEL}", PROFILE_ONLY_MODEL, US_PROFILE)
    for model_id in ids:
        bench = make_bench({"bedrock_api_key": API_KEY})
        bench.put_policy(GLOBAL_ALLOWED)
        bench.restart(APPLICATION_PROFILES=NAMED)
        assert converse(bench, model_id).status == 200
    (profile,) = listed(commercial)
    assert all("us-" in model["modelArn"] for model in profile["models"])


def test_a_denied_caller_creates_none(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.restart(APPLICATION_PROFILES=NAMED)
    assert converse(bench, f"global.{PROFILE_ONLY_MODEL}").status == 403
    assert created(commercial) == []
    assert converse(bench, PROFILE_ONLY_MODEL).status == 200


@pytest.mark.parametrize("fault", ["hang", "status", "half_json"])
def test_a_model_is_called_without_its_profile_where_that_cannot_be_created(
    bench: RouterBench, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    bench.restart(APPLICATION_PROFILES=json.dumps({ON_DEMAND_MODEL: {"name": "team-a"}}))
    assert bench.call("GET", "/bedrock/models").status == 200
    refusal = {"status": 403, "errortype": "AccessDeniedException"} if fault == "status" else {}
    commercial.inject(fault, match="/inference-profiles", **refusal)

    for _ in range(2):
        answer = converse(bench, ON_DEMAND_MODEL)
        assert (answer.status, answer.headers["X-Resolved-Model-Id"]) == (200, ON_DEMAND_MODEL)

    assert len(created(commercial)) == 1  # and not tried again at once
    assert int(bench.records("Converse")[-1]["latency"]) < 5000
    assert "ApplicationProfileFailures" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["arn", "name"])
def test_without_lists_an_arn_is_called_if_the_policy_lets_it_lead_anywhere(
    bench: RouterBench, commercial: CommercialStandIn, kind: str
) -> None:
    """Else, like a name without lists, it stands in for nothing: an outage of the lists fails no call of the model."""
    arn = create(commercial, "team-a", f"arn:aws:bedrock:us-east-1::foundation-model/{ON_DEMAND_MODEL}")
    without_lists(commercial)
    wanted = {"arn": arn} if kind == "arn" else {"name": "team-a"}
    bench.restart(APPLICATION_PROFILES=json.dumps({ON_DEMAND_MODEL: wanted}))
    for document, called in ((POLICY, ON_DEMAND_MODEL), (GLOBAL_ALLOWED, arn if kind == "arn" else ON_DEMAND_MODEL)):
        bench.under(document)
        answer = converse(bench, ON_DEMAND_MODEL)
        assert (answer.status, answer.headers["X-Resolved-Model-Id"]) == (200, called)

"""GET /bedrock/models and /bedrock/models/{modelId} over real sockets."""

import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.conftest import MakeBench
from tests.contract.gateway_front import GatewayFront
from tests.contract.policies import GLOBAL_ALLOWED
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.contract.sdk_requests import SdkRequest
from tests.contract.test_differential import exchange
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import ACCESS_KEY_ID, API_KEY, SECRET_ACCESS_KEY

ORIGINAL_FIELDS = {
    *("modelId", "modelName", "providerName", "inputModalities", "outputModalities"),
    *("responseStreamingSupported", "customizationsSupported", "inferenceTypesSupported"),
}
ADDED_FIELDS = {"callableId", "callable", "access", "inferenceProfiles", "modelLifecycle"}
KEYS = {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY}
OPUS = "anthropic.claude-opus-4-1-20250805-v1:0"
WORLD = "anthropic.twin-made-up-global-v1:0"
GATED = "amazon.twin-made-up-gated-v1:0"


def models(bench: RouterBench, **query: str) -> dict[str, dict[str, Any]]:
    answer = bench.call("GET", "/bedrock/models", query=query)
    assert answer.status == 200, answer.text
    assert answer.json["totalModels"] == len(answer.json["models"])
    return {model["modelId"]: model for model in answer.json["models"]}


def lists_read(commercial: CommercialStandIn) -> int:
    return sum(request["path"] == "/foundation-models" for request in commercial.requests)


@pytest.mark.parametrize("secret", [{"bedrock_api_key": API_KEY}, KEYS])
def test_models_in_the_originals_shape_with_every_credential(make_bench: MakeBench, secret: dict[str, str]) -> None:
    """[15] the original could not list models with an API key."""
    answer = make_bench(secret).call("GET", "/bedrock/models")

    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json["region"] == {
        "region": "us-east-1",
        "partition": "aws",
        "description": "US East (N. Virginia) - Commercial AWS",
    }
    assert answer.json["totalModels"] == len(answer.json["models"]) > 0
    assert {field for model in answer.json["models"] for field in model} == ORIGINAL_FIELDS | ADDED_FIELDS
    assert answer.json["source"]["requestId"] == answer.headers["X-Request-ID"]


def test_each_model_says_what_to_call_it_by_and_where_that_leads(bench: RouterBench) -> None:
    listed = models(bench)

    assert (listed[ON_DEMAND_MODEL]["callableId"], listed[ON_DEMAND_MODEL]["inferenceProfiles"]) == (
        ON_DEMAND_MODEL,
        [],
    )
    claude = listed[PROFILE_ONLY_MODEL]
    assert (claude["callableId"], claude["callable"], claude["access"]) == (
        f"us.{PROFILE_ONLY_MODEL}",
        True,
        "AVAILABLE",
    )
    regions = {profile["inferenceProfileId"]: profile["destinationRegions"] for profile in claude["inferenceProfiles"]}
    assert regions[f"us.{PROFILE_ONLY_MODEL}"] == ["us-east-1", "us-east-2", "us-west-2"]
    assert "any" in regions[f"global.{PROFILE_ONLY_MODEL}"]
    assert (listed[WORLD]["callableId"], listed[WORLD]["callable"]) == (None, False)  # only a global profile has it
    assert (listed[GATED]["callableId"], listed[GATED]["callable"], listed[GATED]["access"]) == (
        GATED,
        False,
        "NOT_AVAILABLE",
    )
    lifecycle = listed[OPUS]["modelLifecycle"]
    assert (lifecycle["status"], lifecycle["endOfLifeTime"][:10]) == ("LEGACY", "2027-01-08")
    bench.under(GLOBAL_ALLOWED)
    assert models(bench)[WORLD]["callableId"] == f"global.{WORLD}"


def test_what_is_called_callable_can_be_called(bench: RouterBench) -> None:
    for model_id, model in models(bench, callable="true", modality="text").items():
        body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
        if "TEXT" in model["outputModalities"]:
            answer = bench.call("POST", f"/model/{quote(model_id, safe='')}/converse", body)
            assert (answer.status, answer.headers["X-Resolved-Model-Id"]) == (200, model["callableId"])


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"provider": "anthropic"}, lambda model: model["providerName"] == "Anthropic"),
        ({"modality": "EMBEDDING"}, lambda model: "EMBEDDING" in model["outputModalities"]),
        ({"modality": "image"}, lambda model: "IMAGE" in model["inputModalities"] + model["outputModalities"]),
        ({"callable": "true"}, lambda model: model["callable"]),
        ({"callable": "false"}, lambda model: not model["callable"]),
        ({"legacy": "true"}, lambda model: model["modelId"] == OPUS),
        ({"legacy": "false", "provider": "Anthropic"}, lambda model: "anthropic" in model["modelId"]),
        ({"provider": "Nobody"}, lambda _: False),
    ],
)
def test_filters(bench: RouterBench, query: dict[str, str], kept: Any) -> None:
    everything = models(bench)
    found = models(bench, **query)
    expected = {model_id for model_id, model in everything.items() if kept(model)}
    assert found.keys() == expected - ({OPUS} if query.get("legacy") == "false" else set())
    assert len(found) < len(everything)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"callable": "yes"}, "`callable` must be true or false"),
        ({"refresh": ""}, "`refresh`"),
        ({"byProvider": "x"}, "provider, modality, callable, legacy, refresh"),
    ],
)
def test_filters_that_make_no_sense_are_named(bench: RouterBench, query: dict[str, str], named: str) -> None:
    answer = bench.call("GET", "/bedrock/models", query=query)
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")
    assert named in answer.error["message"]


def test_models_are_cached_and_say_how_old_they_are(bench: RouterBench, commercial: CommercialStandIn) -> None:
    for _ in range(2):
        answer = bench.call("GET", "/bedrock/models")
    assert answer.headers["Age"] == "0"
    models_listed = answer.json["totalModels"]
    assert len(commercial.requests) == 3 + models_listed  # three lists and the access to each model, once
    assert {record["operation"]: record["state"] for record in bench.records()} == {
        "ListModels": "COMPLETED",
        "ReadModelAccess": "COMPLETED",
    }
    assert int(bench.records("ReadModelAccess")[0]["attempts"]) == models_listed


def test_fresh_lists_are_to_be_had_but_not_every_moment(
    bench: RouterBench, commercial: CommercialStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    models(bench)
    models(bench, refresh="true")
    assert lists_read(commercial) == 1  # a moment old: fresh
    bench.age_lists(monkeypatch, seconds=6)
    models(bench)
    assert lists_read(commercial) == 1
    models(bench, refresh="true")
    assert lists_read(commercial) == 2


def test_a_refusal_to_list_is_bedrocks_status(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("throttle", match="/foundation-models")

    answer = bench.call("GET", "/bedrock/models")

    assert (answer.status, answer.error["code"]) == (429, "ThrottlingException")
    assert bench.call("GET", "/bedrock/models").status == 200


def test_overdue_lists_serve_while_bedrock_does_not_answer(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.restart(DISCOVERY_MAX_AGE_SECONDS="0")
    assert bench.call("GET", "/bedrock/models").status == 200
    commercial.inject("throttle", match="/foundation-models")
    assert bench.call("GET", "/bedrock/models").status == 200
    assert commercial.faults.pending() == []


def test_access_that_bedrock_does_not_tell_is_unknown(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("throttle", count=100, match="/foundation-model-availability/")
    listed = models(bench)
    assert {model["access"] for model in listed.values()} == {"UNKNOWN"}
    assert listed[ON_DEMAND_MODEL]["callable"]


@pytest.mark.parametrize(
    ("asked", "model_id"),
    [
        (ON_DEMAND_MODEL, ON_DEMAND_MODEL),
        (f"us.{PROFILE_ONLY_MODEL}", PROFILE_ONLY_MODEL),
        (f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.{PROFILE_ONLY_MODEL}", PROFILE_ONLY_MODEL),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{ON_DEMAND_MODEL}", ON_DEMAND_MODEL),
    ],
)
@pytest.mark.parametrize("decodes", [False, True])
def test_one_model_with_its_availability_now(
    bench: RouterBench, commercial: CommercialStandIn, asked: str, model_id: str, decodes: bool
) -> None:
    with GatewayFront(bench, decodes=decodes).running() as api:
        for _ in range(2):
            request = SdkRequest("GET", f"/bedrock/models/{quote(asked, safe='')}", {}, b"")
            status, headers, body = exchange(api.url, request)
    assert status == 200, body
    model = json.loads(body)
    assert (model["modelId"], model["access"], headers["age"]) == (model_id, "AVAILABLE", "0")
    assert model["availability"]["authorizationStatus"] == "AUTHORIZED"
    path = f"/foundation-model-availability/{quote(model_id, safe='')}"
    assert [request["path"] for request in commercial.requests].count(path) == 2  # live


def test_access_that_was_not_told_is_asked_for_again(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("throttle", count=4, match="/foundation-model-availability/")
    assert [model["access"] for model in models(bench).values()].count("UNKNOWN") == 4
    record = bench.records("ReadModelAccess")[-1]
    assert (record["statusCode"], record["errorCode"]) == ("429", "ThrottlingException")
    assert "UNKNOWN" not in {model["access"] for model in models(bench).values()}


def test_a_key_that_changed_since_the_lists_were_read(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("throttle", count=100, match="/foundation-model-availability/")
    models(bench)
    commercial.clear()
    time.sleep(1.1)  # the router looks for another credential at most once a second
    bench.secrets.put_secret_value(SecretId=bench.secret, SecretString=json.dumps({"bedrock_api_key": "XP-CANARY-new"}))
    commercial.replace_credentials({"api_keys": ["XP-CANARY-new"]})
    listed = models(bench)  # the lists are in the cache, and the first to meet the new key are 13 questions at once
    assert {model["access"] for model in listed.values()} == {"AVAILABLE", "NOT_AVAILABLE"}


def test_one_model_takes_refresh_and_no_other_parameter(bench: RouterBench) -> None:
    path = f"/bedrock/models/{quote(ON_DEMAND_MODEL, safe='')}"
    assert bench.call("GET", path, query={"refresh": "true"}).status == 200
    answer = bench.call("GET", path, query={"provider": "Amazon"})
    assert (answer.status, answer.error["code"]) == (400, "InvalidParameter")


def test_an_unknown_model_is_404(bench: RouterBench) -> None:
    answer = bench.call("GET", "/bedrock/models/no.such-model-v1%3A0")
    assert (answer.status, answer.error["code"]) == (404, "ModelNotFound")


def test_availability_that_cannot_be_read_is_left_out(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("throttle", count=3, match="/foundation-model-availability/")
    answer = bench.call("GET", f"/bedrock/models/{quote(ON_DEMAND_MODEL, safe='')}")
    assert (answer.status, answer.json["access"], "availability" in answer.json) == (200, "UNKNOWN", False)

"""POST /bedrock/explain: the decision on any request, by the code that would send it; and nothing is sent."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from inference_proxy.routes import ROUTES, Route
from tests.contract.conftest import MakeBench, posts
from tests.contract.crossings import IDS, WAYS, Way
from tests.contract.faulty_aws import FaultyAws
from tests.contract.policies import HEADER, entry, policy
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, Answer, RouterBench
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

CONVERSE = WAYS[3]
LIMITS = {"requests_per_minute": 2, "tokens_per_day": 1_000}
PRICES = [{"models": ["amazon.nova-lite*"], "input_usd_per_million_tokens": 1, "output_usd_per_million_tokens": 4}]


def explain(bench: RouterBench, path: str, body: object = None, **members: Any) -> dict[str, Any]:
    """What is said of a request."""
    answer = bench.call("POST", "/bedrock/explain", {"path": path, "body": body, **members})
    assert answer.status == 200, answer.text
    return dict(answer.json)


@pytest.mark.parametrize("way", WAYS, ids=IDS)
def test_any_request_can_be_explained(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    version = bench.under(policy(callers=[entry(classification=None)]))
    path, body = way.request(PROFILE_ONLY_MODEL, "hello")

    said = explain(bench, path, body, headers={HEADER: "internal"})

    assert (said["wouldCross"], said["operation"]) == (True, way.operation if way is not WAYS[0] else "invoke_model")
    assert said["decision"] == {"allowed": True, "rule": "callers.everyone", "reason": said["decision"]["reason"]}
    assert (said["policyVersion"], said["marking"], said["limits"], said["guardrails"]) == (version, None, {}, None)
    assert said["classification"] == {"label": "internal", "source": "header"}
    if way.runs_a_model:
        direct = way.operation == "CountTokens"
        assert said["model"] == {
            "requestedModelId": PROFILE_ONLY_MODEL,
            "resolvedModelId": PROFILE_ONLY_MODEL if direct else f"us.{PROFILE_ONLY_MODEL}",
            "foundationModelId": PROFILE_ONLY_MODEL,
        }
        assert said["destinationRegions"] == (None if direct else ["us-east-1", "us-east-2", "us-west-2"])
    assert posts(commercial) == 0
    assert {record["operation"] for record in bench.records()} <= {"ListModels"}  # what crossed carried nothing


@pytest.mark.parametrize("way", WAYS, ids=IDS)
def test_it_says_what_the_call_will_say(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    bench.under(policy(callers=[entry(classification=None)]))
    path, body = way.request(ON_DEMAND_MODEL, "SECRET//NOFORN")

    said = explain(bench, path, body, headers={HEADER: "public"})
    answer = way.send(bench, ON_DEMAND_MODEL, "SECRET//NOFORN", {HEADER: "public"})

    assert (said["wouldCross"], said["marking"]) == (False, "SECRET//*")
    assert said["decision"]["rule"] == bench.records()[-1]["decisionRule"] == "markings"
    assert said["answer"]["status"] == answer.status == 403
    assert json.dumps(said["answer"]["message"])[1:-1] in answer.text
    assert commercial.requests == []


def test_size_hash_tokens_and_cost_are_of_what_would_cross(bench: RouterBench) -> None:
    bench.under(policy(prices=PRICES, max_request_bytes=5_000))
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "word " * 400, inferenceConfig={"maxTokens": 1_000})

    said = explain(bench, path, body)

    CONVERSE.send(bench, ON_DEMAND_MODEL, "word " * 400, inferenceConfig={"maxTokens": 1_000})
    record = bench.records("Converse")[-1]
    sent = json.dumps(body, separators=(",", ":"))
    assert said["request"]["bytes"] == len(sent)
    assert said["request"]["maxBytes"] == 5_000
    assert len(said["request"]["sha256"]) == len(record["payloadSha256"]) == 64
    tokens = said["estimate"]["inputTokens"]
    assert 500 <= tokens <= 540
    assert said["estimate"]["maxOutputTokens"] == 1_000
    assert said["estimate"]["costUsd"] == round((tokens + 4 * 1_000) / 1_000_000, 6)
    text = explain(bench, path, json.dumps(body))
    assert text["request"]["sha256"] == record["payloadSha256"]  # of the same bytes


def test_without_a_price_or_a_bound_the_cost_is_not_made_up(bench: RouterBench) -> None:
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello")
    assert explain(bench, path, body)["estimate"]["costUsd"] is None
    bench.under(policy(prices=PRICES))
    assert explain(bench, path, body)["estimate"] == {"inputTokens": 8, "maxOutputTokens": None, "costUsd": None}


@pytest.mark.parametrize(
    ("bounds", "most"),
    [
        ('"maxTokens":1e308', None),
        ('"maxTokens":1e308,"maxTokens":64', 64),
        ('"maxTokens":64,"maxTokens":1000', 1_000),
        ('"maxTokens":10000001', None),
        ('"maxTokens":10000000', 10_000_000),
        *((f'"maxTokens":{number}', None) for number in ("0", "-1", "0.5", "NaN", "Infinity", "true", '"64"', "null")),
    ],
)
def test_a_bound_that_no_model_has_is_not_believed(bench: RouterBench, bounds: str, most: int | None) -> None:
    bench.under(policy(prices=PRICES))
    said = explain(bench, CONVERSE.request(ON_DEMAND_MODEL, "")[0], f'{{"messages":[],"inferenceConfig":{{{bounds}}}}}')
    cost = None if most is None else 4 * most / 1_000_000
    assert (said["estimate"]["maxOutputTokens"], said["estimate"]["costUsd"]) == (most, pytest.approx(cost, abs=1e-4))


def test_limits_left_are_those_of_the_caller(bench: RouterBench) -> None:
    bench.under(policy(callers=[entry(limits=LIMITS)]))
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello")
    assert {name: said["left"] for name, said in explain(bench, path, body)["limits"].items()} == LIMITS
    assert CONVERSE.send(bench, ON_DEMAND_MODEL, "hello").status == 200

    for _ in range(3):  # asking counts nothing
        said = explain(bench, path, body)
    assert (said["limits"]["requests_per_minute"]["limit"], said["limits"]["requests_per_minute"]["left"]) == (2, 1)
    assert 1 <= said["limits"]["requests_per_minute"]["resetsInSeconds"] <= 60
    assert 0 < said["limits"]["tokens_per_day"]["left"] < 1_000

    assert CONVERSE.send(bench, ON_DEMAND_MODEL, "hello").status == 200
    said = explain(bench, path, body)
    assert (said["wouldCross"], said["answer"]["status"]) == (False, 429)
    assert said["decision"]["rule"] == "callers.everyone.limits.requests_per_minute"


def test_counters_that_are_down_are_said(make_bench: MakeBench, faulty_aws: FaultyAws) -> None:
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.put_policy(policy(callers=[entry(limits=LIMITS)]))
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello")
    assert explain(bench, path, body)["wouldCross"]
    faulty_aws.faults["GetItem"] = 500
    assert explain(bench, path, body)["answer"]["code"] == "LimitsUnavailable"
    bench.under(policy(callers=[entry(limits=LIMITS)], limits={"when_unavailable": "allow"}))
    faulty_aws.faults.clear()
    assert explain(bench, path, body)["limits"]
    faulty_aws.faults["GetItem"] = 500
    assert explain(bench, path, body)["wouldCross"]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"path": "/model/x/no-such", "body": {}}, 404, "RouteNotFound"),
        ({"path": "/model/x/converse", "method": "PUT", "body": {"a": 1}}, 405, "MethodNotAllowed"),
        ({"path": "/model/x/converse", "method": "POST"}, 400, "MissingBody"),
        ({"path": "/openai/v1/responses", "body": {"input": "x"}}, 400, "InvalidParameter"),
        ({"path": "/openai/v1/responses", "body": "no json"}, 400, "InvalidJson"),
        ({"path": "/model/..%2Fx/converse", "body": {"a": 1}}, 400, "InvalidParameter"),
        (
            {"path": f"/model/{ON_DEMAND_MODEL}/invoke-with-bidirectional-stream", "body": {"a": 1}},
            400,
            "UnsupportedOperation",
        ),
    ],
)
def test_what_the_api_would_refuse_is_said(
    bench: RouterBench, commercial: CommercialStandIn, request_: dict[str, Any], status: int, code: str
) -> None:
    answer = bench.call("POST", "/bedrock/explain", request_)
    assert answer.status == 200, answer.text
    assert (answer.json["wouldCross"], answer.json["answer"]["status"], answer.json["answer"]["code"]) == (
        False,
        status,
        code,
    )
    assert commercial.requests == []


# A request to each route: its parameters, and its body where it needs one.
PARAMETERS = {
    "modelId": ON_DEMAND_MODEL,
    "modelIdentifier": ON_DEMAND_MODEL,
    "inferenceProfileIdentifier": f"us.{PROFILE_ONLY_MODEL}",
    "guardrailIdentifier": "abcdefgh1234",
    "guardrailVersion": "1",
    "invocationArn": "arn:aws:bedrock:us-east-1:111122223333:async-invoke/abcdefghijkl",
    "requestId": "abcdefgh-1234",
}
BODIES = {"invoke_model": WAYS[0], **{way.operation: way for way in WAYS[1:]}}
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "allowed": {},
    "in no entry": {"callers": []},
    "expired": {"callers": [entry(expires_at="2020-01-01")]},
    "another region": {"destinations": {"regions": ["eu-*"]}},
    "another model": {"models": {"allow": ["anthropic.*"]}},
    "at a limit": {"callers": [entry(limits={"requests_per_day": 1})]},
}


@pytest.mark.parametrize("sections", POLICIES.values(), ids=POLICIES.keys())
@pytest.mark.parametrize("route", ROUTES, ids=[route.operation for route in ROUTES])
def test_every_route_does_what_is_said_of_it(
    bench: RouterBench, commercial: CommercialStandIn, route: Route, sections: Mapping[str, Any]
) -> None:
    bench.under(policy(**sections))
    if sections == POLICIES["at a limit"]:
        assert CONVERSE.send(bench, ON_DEMAND_MODEL, "hello").status == 200
        bench.restart()
    path = re.sub(r"\{(\w+)\}", lambda name: quote(PARAMETERS[name[1]], safe=""), route.path)
    way = BODIES.get(route.operation)
    body = None if route.method == "GET" else way.request(ON_DEMAND_MODEL, "hello")[1] if way else {"path": "/health"}

    for _ in range(2):  # at first without Bedrock's lists, then with them
        said = explain(bench, path, body, method=route.method)
        commercial.log.clear()
        answer = bench.call(route.method, path, body)

        assert said["operation"] == route.operation
        identity = answer.headers["X-Request-ID"]
        its = [each for each in bench.records() if identity in (each["requestId"], each.get("parentRequestId"))]
        own = [record for record in its if record["decisionRule"] != "discovery.allow"]  # of Bedrock's lists
        if "decision" in said:
            (record,) = own
            assert (said["decision"]["rule"], said["wouldCross"]) == (
                record["decisionRule"],
                record["decision"] == "ALLOW",
            )
            assert said["wouldCross"] == ("answer" not in said) == (record["state"] != "DENIED")
        else:
            assert (said["wouldCross"], posts(commercial)) == (False, 0)
            assert {record["operation"] for record in own} <= {"ListModels"}  # Bedrock's lists may be what is refused
            assert ("note" in said) == ("answer" not in said)
            assert "answer" in said or (own, commercial.requests) == ([], [])
        if "answer" in said:
            assert said["answer"]["status"] == answer.status
            words = json.dumps(said["answer"]["message"])[1:-1]
            assert re.sub(r"\d+ s ", "", words) in re.sub(r"\d+ s ", "", answer.text)  # a second later


def test_what_bedrock_says_in_place_of_its_lists_is_said(bench: RouterBench, commercial: CommercialStandIn) -> None:
    for path in ("/bedrock/models", f"/bedrock/models/{ON_DEMAND_MODEL}"):
        bench.restart()
        commercial.inject("throttle", count=2, match="/foundation-models")
        said, answer = explain(bench, path), bench.call("GET", path)
        assert (said["wouldCross"], said["answer"]["status"]) == (False, answer.status) == (False, 429)
        assert {name: said["answer"][name] for name in ("code", "message")}.items() <= answer.error.items()


def test_a_model_that_nobody_lists_is_said_to_be_none(bench: RouterBench) -> None:
    path = "/bedrock/models/no.such-model-v1:0"
    said, answer = explain(bench, path), bench.call("GET", path)
    assert (said["wouldCross"], said["answer"]["code"]) == (False, answer.error["code"]) == (False, "ModelNotFound")


@pytest.mark.parametrize("path", ["/health", "/dashboard/requests", "/bedrock/invoke-model", "/bedrock/explain"])
def test_what_is_answered_here_is_said_to_be(bench: RouterBench, commercial: CommercialStandIn, path: str) -> None:
    said = explain(bench, path, {"path": "/health"} if path.endswith("explain") else None)
    assert not said["wouldCross"]
    assert "GovCloud" in said["note"]
    assert commercial.requests == []


def test_an_envelope_explains_itself(bench: RouterBench) -> None:
    body = CONVERSE.body(ON_DEMAND_MODEL, "hello")
    answer = bench.call("POST", "/bedrock/explain", {"modelId": f"global.{PROFILE_ONLY_MODEL}", "body": body})
    assert answer.json["decision"]["rule"] == "destinations.global_profiles"


def failing(bench: RouterBench, body: object) -> Answer:
    """The answer to what is no description of a request."""
    answer = bench.call("POST", "/bedrock/explain", body)
    assert answer.status == 400, answer.text
    return answer


def test_a_wrong_description_names_the_field(bench: RouterBench) -> None:
    assert failing(bench, None).error["code"] == "MissingBody"
    assert failing(bench, b"{").error["code"] == "InvalidJson"
    assert failing(bench, [1]).error["code"] == "InvalidJson"
    for body, field in (
        ({}, "path"),
        ({"path": 1}, "path"),
        ({"path": "model/x"}, "path"),
        ({"path": "/health", "headers": "x"}, "headers"),
        ({"path": "/health", "headers": {"a": 1}}, "headers"),
        ({"path": "/health", "query": ["x"]}, "query"),
        ({"path": "/health", "method": 1}, "method"),
        ({"path": "/health", "body": "x", "isBase64Encoded": "yes"}, "isBase64Encoded"),
        ({"path": "/health", "body": "!", "isBase64Encoded": True}, "body"),
        ({"path": "/health", "body": "\u00e9", "isBase64Encoded": True}, "body"),
        ({"path": "/health", "bdoy": "x"}, "bdoy"),
    ):
        assert f"`{field}`" in failing(bench, body).error["message"], body


def test_guardrails_are_named_and_not_asked(bench: RouterBench) -> None:
    guardrails = {
        "before_egress": {"identifier": "abc123", "version": "1", "mode": "screen"},
        "commercial": {"identifier": "def456", "version": "2"},
    }
    bench.under(policy(guardrails=guardrails))
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello")
    said = explain(bench, path, body)
    assert (said["wouldCross"], said["guardrails"]) == (
        True,
        {"beforeEgress": guardrails["before_egress"], "commercial": guardrails["commercial"]},
    )


def test_of_two_limits_the_one_that_lasts_longer_is_said(bench: RouterBench) -> None:
    """As the call itself says it."""
    bench.under(policy(callers=[entry(limits={"requests_per_day": 1, "requests_per_minute": 1})]))
    assert CONVERSE.send(bench, ON_DEMAND_MODEL, "hello").status == 200
    said = explain(bench, *CONVERSE.request(ON_DEMAND_MODEL, "hello"))
    assert said["decision"]["rule"] == "callers.everyone.limits.requests_per_day"
    assert said["decision"]["rule"] in CONVERSE.send(bench, ON_DEMAND_MODEL, "hello").text


def test_who_has_no_limits_needs_no_counters(make_bench: MakeBench, faulty_aws: FaultyAws) -> None:
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.under(policy())
    bench.dynamodb.delete_table(TableName=bench.limits_table)
    assert explain(bench, *CONVERSE.request(ON_DEMAND_MODEL, "hello"))["wouldCross"]
    assert CONVERSE.send(bench, ON_DEMAND_MODEL, "hello").status == 200


def test_a_parameter_without_a_value_is_explained_too(bench: RouterBench) -> None:
    path, body = CONVERSE.request(ON_DEMAND_MODEL, "hello")
    said = explain(bench, f"{path}?SECRET%2F%2FNOFORN=", body)
    assert (said["wouldCross"], said["decision"]["rule"]) == (False, "markings")


@pytest.mark.parametrize("place", ["query", "path"])
def test_a_signature_in_the_query_is_for_api_gateway_alone(bench: RouterBench, place: str) -> None:
    signature = {"X-Amz-Signature": "abc", "x-amz-date": "20260101T000000Z"}
    path = "/foundation-models?X-Amz-Signature=abc&byProvider=" if place == "path" else "/foundation-models"
    said = explain(bench, path, **({"query": signature} if place == "query" else {}))
    assert (said["wouldCross"], said["operation"]) == (True, "ListFoundationModels")
    assert bench.call("GET", "/foundation-models", query=signature).status == 200


def test_who_is_in_no_entry_learns_nothing_of_the_policy(bench: RouterBench) -> None:
    somebody = [entry(principals=["arn:aws-us-gov:iam::123456789012:role/somebody-else"])]
    bench.under(policy(callers=somebody, guardrails={"commercial": {"identifier": "def456", "version": "2"}}))
    said = explain(bench, *CONVERSE.request(ON_DEMAND_MODEL, "hello"))
    assert said["decision"]["rule"] == "callers.unknown"
    assert "def456" not in json.dumps(said)
    assert "maxBytes" not in said["request"]


@pytest.mark.parametrize("description", [{"\ud800": 1, "path": "/x"}, {"method": "\ud800", "path": "/x", "body": "y"}])
def test_half_of_a_surrogate_pair_is_no_defect(bench: RouterBench, description: dict[str, Any]) -> None:
    answer = bench.call("POST", "/bedrock/explain", json.dumps(description).encode())
    assert answer.status in (200, 400), answer.text


def test_no_depth_of_a_description_is_a_defect(bench: RouterBench) -> None:
    """Somewhere in between is the depth at which JSON can just be read, and not be written any more."""
    bench.invoke()
    for depth in range(900, 1_000):
        body = b'{"modelId":"%s","body":{"a":%s%s}}' % (ON_DEMAND_MODEL.encode(), b"[" * depth, b"]" * depth)
        answer = bench.call("POST", "/bedrock/explain", body)
        assert answer.status in (200, 400), (depth, answer.text)

"""Bedrock's own paths: byte for byte, whatever id names the model, errors that SDKs understand."""

import json
import re
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from inference_proxy import errors, upstream_errors
from inference_proxy.operations.answers import failure_answer
from inference_proxy.routes import ROUTES, Route
from tests.contract.gateway_front import GatewayFront
from tests.contract.router_bench import NOVA_BODY, ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, Answer, RouterBench
from tests.fakes.commercial import CommercialStandIn

PROFILE_ARN = f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.{PROFILE_ONLY_MODEL}"
CLAUDE_BODY = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 8,
    "messages": [{"role": "user", "content": "hi"}],
}


def call(bench: RouterBench, model_id: str, verb: str, body: object, **headers: str) -> Answer:
    given = {"Content-Type": "application/json", "Host": "api.example", **headers}
    return bench.call("POST", f"/model/{quote(model_id, safe='')}/{verb}", body, headers=given)


def received(commercial: CommercialStandIn) -> dict[str, Any]:
    request = next(request for request in reversed(commercial.requests) if request["method"] == "POST")
    return request | {"headers": {name.lower(): value for name, value in request["headers"].items()}}


@pytest.mark.parametrize("verb", ["invoke", "converse"])
def test_body_and_answer_cross_byte_for_byte(bench: RouterBench, commercial: CommercialStandIn, verb: str) -> None:
    body = (
        b'{ "messages" : [ {"role":"user","content":[{"text":"\\u00e9 "}]} ] , "inferenceConfig" : {"maxTokens": 8 } }'
    )

    answer = call(bench, ON_DEMAND_MODEL, verb, body)

    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["X-Resolved-Model-Id"] == ON_DEMAND_MODEL
    assert answer.json["usage"]["outputTokens"] > 0
    assert received(commercial)["bodyLength"] == len(body)
    assert received(commercial)["path"] == f"/model/{quote(ON_DEMAND_MODEL, safe='')}/{verb}"
    record = bench.records()[-1]
    assert (record["operation"], record["state"]) == (
        {"invoke": "InvokeModel", "converse": "Converse"}[verb],
        "COMPLETED",
    )
    assert record["apiPath"] == f"/model/{ON_DEMAND_MODEL}/{verb}"


@pytest.mark.parametrize("model_id", [PROFILE_ONLY_MODEL, f"us.{PROFILE_ONLY_MODEL}", PROFILE_ARN])
def test_any_id_that_commercial_serves_works(bench: RouterBench, commercial: CommercialStandIn, model_id: str) -> None:
    answer = call(bench, model_id, "invoke", CLAUDE_BODY)

    assert answer.status == 200, answer.text
    resolved = answer.headers["X-Resolved-Model-Id"]
    assert resolved in (f"us.{PROFILE_ONLY_MODEL}", PROFILE_ARN)
    assert received(commercial)["path"] == f"/model/{quote(resolved, safe='')}/invoke"


def test_only_bedrocks_headers_reach_bedrock(bench: RouterBench, commercial: CommercialStandIn) -> None:
    answer = call(
        bench,
        ON_DEMAND_MODEL,
        "invoke",
        NOVA_BODY,
        **{
            "Authorization": "Bearer made-up",
            "Cookie": "a=b",
            "X-Forwarded-For": "10.0.0.9",
            "X-Amzn-Bedrock-Trace": "ENABLED",
            "X-Amzn-Bedrock-Request-Metadata": '{"team": "a", "auditId": "forged"}',
        },
    )

    assert answer.status == 200, answer.text
    headers = received(commercial)["headers"]
    assert headers["x-amzn-bedrock-trace"] == "ENABLED"
    assert json.loads(headers["x-amzn-bedrock-request-metadata"]) == {
        "team": "a",
        "auditId": answer.headers["X-Request-ID"],
    }
    assert "made-up" not in headers.get("authorization", "")
    assert not {"cookie", "x-forwarded-for"} & headers.keys()


def test_a_header_cannot_forge_the_join_of_converse(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """Where the audit id is not put in, nobody else's may stand."""
    forged = {"X-Amzn-Bedrock-Request-Metadata": '{"auditId": "forged"}'}
    assert call(bench, ON_DEMAND_MODEL, "converse", NOVA_BODY, **forged).status == 200
    assert "x-amzn-bedrock-request-metadata" not in received(commercial)["headers"]


def test_bedrocks_errors_pass_as_they_are(bench: RouterBench) -> None:
    answer = call(bench, "no.such-model-v1:0", "invoke", NOVA_BODY)

    assert (answer.status, answer.headers["x-amzn-errortype"].split(":")[0]) == (400, "ValidationException")
    assert set(answer.json) == {"message"}


@pytest.mark.parametrize(
    ("model_id", "body", "headers", "status", "exception", "code"),
    [
        ("../../x", NOVA_BODY, {}, 400, "ValidationException", "InvalidParameter"),
        (ON_DEMAND_MODEL, None, {}, 400, "ValidationException", "MissingBody"),
        (f"global.{PROFILE_ONLY_MODEL}", CLAUDE_BODY, {}, 403, "AccessDeniedException", "PolicyDenied"),
        (
            ON_DEMAND_MODEL,
            NOVA_BODY,
            {"X-Amzn-Bedrock-Request-Metadata": "[]"},
            400,
            "ValidationException",
            "InvalidParameter",
        ),
        (ON_DEMAND_MODEL, NOVA_BODY, {"Accept": "application/\xe9"}, 400, "ValidationException", "InvalidParameter"),
        (ON_DEMAND_MODEL, NOVA_BODY, {"X-Amzn-Bedrock-Trace": "a\tb"}, 400, "ValidationException", "InvalidParameter"),
        (ON_DEMAND_MODEL, b"x" * 4_500_001, {}, 413, "ValidationException", "RequestTooLarge"),
    ],
)
def test_our_own_errors_have_bedrocks_form(
    bench: RouterBench,
    commercial: CommercialStandIn,
    model_id: str,
    body: object,
    headers: dict[str, str],
    status: int,
    exception: str,
    code: str,
) -> None:
    answer = call(bench, model_id, "invoke", body, **headers)

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, exception)
    assert answer.json["message"].startswith(f"{code}: ")
    assert [request for request in commercial.requests if request["method"] == "POST"] == []


def test_another_method_is_405(bench: RouterBench) -> None:
    answer = bench.call("GET", f"/model/{quote(ON_DEMAND_MODEL, safe='')}/invoke")
    assert (answer.status, answer.headers["Allow"], set(answer.json)) == (405, "POST", {"message"})


def test_a_binary_answer_passes(bench: RouterBench) -> None:
    answer = call(bench, "amazon.twin-made-up-image-v1:0", "invoke", {"prompt": "a boundary"}, Accept="image/png")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")


@pytest.mark.parametrize(
    "error",
    [
        error
        for module in (errors, upstream_errors)
        for error in vars(module).values()
        if isinstance(error, type) and error.__module__ == module.__name__ and hasattr(error, "status")
    ],
)
def test_every_error_of_ours_has_a_form_that_clients_know(error: type[errors.ProxyError]) -> None:
    failure = error("words")
    bedrock = failure_answer(failure, "id-00001", "/model/x/invoke")
    assert bedrock.headers["x-amzn-errortype"].endswith("Exception")
    assert json.loads(bedrock.body) == {"message": f"{error.code}: words"}
    openai = json.loads(failure_answer(failure, "id-00001", "/openai/v1/responses").body)["error"]
    assert (openai["message"], openai["code"]) == ("words", error.code)
    anthropic = json.loads(failure_answer(failure, "id-00001", "/anthropic/v1/messages").body)
    assert (anthropic["type"], anthropic["error"]["message"]) == ("error", f"{error.code}: words")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.upstream and "/v1/" not in route.path])
def test_our_errors_are_exceptions_that_the_operations_model_has(route: Route) -> None:
    assert route.upstream
    model = boto3.client(route.upstream.service, region_name="us-east-1").meta.service_model
    modeled = {shape.name for shape in model.operation_model(route.operation).error_shapes}
    statuses = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in model.error_shapes}
    for error in vars(errors).values():
        # Those that are raised where there is a route.
        if isinstance(error, type) and hasattr(error, "status") and error.status not in (404, 405):
            answer = failure_answer(error("words"), "id-00001", route.path)
            name = answer.headers["x-amzn-errortype"]
            assert name in modeled, (error, name)
            assert answer.status == statuses[name] or answer.status // 100 == statuses[name] // 100


def test_an_sdk_does_not_repeat_a_call_that_may_be_billed(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.restart(RESPONSE_TIMEOUT_SECONDS="4")
    assert bench.invoke().status == 200
    commercial.clear()
    commercial.inject("hang", count=5, match="/model/")
    with GatewayFront(bench).running() as api:
        client = api.boto3_client()
        with pytest.raises(client.exceptions.ModelTimeoutException, match="UpstreamTimeout"):
            client.converse(modelId=ON_DEMAND_MODEL, messages=NOVA_BODY["messages"])
    assert len(commercial.requests) == 1


def test_a_header_that_came_twice_crosses_whole(bench: RouterBench, commercial: CommercialStandIn) -> None:
    body = {"model": f"us.{PROFILE_ONLY_MODEL}", "max_tokens": 8, "messages": CLAUDE_BODY["messages"]}
    several = {"Content-Type": ["application/json"], "anthropic-version": ["2023-06-01"], "anthropic-beta": ["a", "b"]}
    headers = {name: values[-1] for name, values in several.items()}
    answer = bench.call("POST", "/anthropic/v1/messages", body, headers=headers, multiValueHeaders=several)
    assert answer.status == 200, answer.text
    assert received(commercial)["headers"]["anthropic-beta"] == "a, b"


def test_a_signature_in_the_query_stays_here(bench: RouterBench, commercial: CommercialStandIn) -> None:
    query = {"X-Amz-Signature": "made-up", "x-amz-security-token": "made-up", "byProvider": "Amazon"}
    assert bench.call("GET", "/foundation-models", query=query).status == 200
    assert commercial.requests[-1]["path"] == "/foundation-models?byProvider=Amazon"
    assert bench.call("GET", "/bedrock/models", query=query | {"byProvider": ""}).status == 400  # for byProvider
    assert bench.call("GET", "/bedrock/models", query={"X-Amz-Signature": "made-up"}).status == 200


READING = [route for route in ROUTES if route.upstream and route.method == "GET"]


@pytest.mark.parametrize("route", READING, ids=[route.operation for route in READING])
def test_what_only_reads_carries_no_data(bench: RouterBench, commercial: CommercialStandIn, route: Route) -> None:
    """It needs no label, so nothing crosses but the parameters that the operation's model has."""
    path = re.sub(r"\{\w+\}", "amazon.nova-lite-v1%3A0", route.path)
    data = "Patient John Doe"
    answer = bench.call("GET", path, query={"note": data})
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert "unknown query parameter 'note'; this operation takes" in answer.text
    assert commercial.requests == []

    headers = {"Accept": f'application/json; note="{data}"', "Content-Type": data, "X-Amzn-Bedrock-Made-Up": data}
    bench.call("GET", path, headers={**headers, "X-Amzn-Bedrock-Request-Metadata": json.dumps({"note": data})})
    assert data not in json.dumps(commercial.requests)


def test_a_parameter_of_a_read_has_a_bound(bench: RouterBench, commercial: CommercialStandIn) -> None:
    answer = bench.call("GET", "/foundation-models", query={"byProvider": "x" * 2_049})
    assert (answer.status, commercial.requests) == (400, [])
    assert "may have 2048 characters" in answer.text


def test_full_request_metadata_crosses_as_it_is(bench: RouterBench, commercial: CommercialStandIn) -> None:
    full = {f"key{number}": "value" for number in range(16)}
    header = {"X-Amzn-Bedrock-Request-Metadata": json.dumps(full)}
    assert call(bench, ON_DEMAND_MODEL, "invoke", NOVA_BODY, **header).status == 200
    assert json.loads(received(commercial)["headers"]["x-amzn-bedrock-request-metadata"]) == full


@pytest.mark.parametrize("value", ["1", "null", "true", "NaN", '["a"]', '{"b":"c"}', "[]", "{}"])
@pytest.mark.parametrize("verb", ["invoke", "invoke-with-response-stream"])
def test_request_metadata_holds_texts_only(
    bench: RouterBench, commercial: CommercialStandIn, verb: str, value: str
) -> None:
    header = {"X-Amzn-Bedrock-Request-Metadata": f'{{"team":"a","a":{value}}}'}
    answer = call(bench, ON_DEMAND_MODEL, verb, NOVA_BODY, **header)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert "the header X-Amzn-Bedrock-Request-Metadata must" in answer.text
    assert commercial.requests == []


def test_no_depth_of_request_metadata_is_a_defect(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """Somewhere in between is the depth at which JSON can just be read, and not be written any more."""
    bench.invoke()
    commercial.log.clear()
    for depth in range(900, 1_010):
        header = {"X-Amzn-Bedrock-Request-Metadata": f'{{"a":{"[" * depth}{"]" * depth}}}'}
        answer = call(bench, ON_DEMAND_MODEL, "invoke", NOVA_BODY, **header)
        assert answer.status == 400, (depth, answer.text)
        assert "the header X-Amzn-Bedrock-Request-Metadata must" in answer.text
    assert commercial.requests == []


def test_our_own_errors_of_a_model_call_name_the_model(bench: RouterBench) -> None:
    answer = call(bench, f"global.{PROFILE_ONLY_MODEL}", "invoke", CLAUDE_BODY)
    assert answer.status == 403
    assert answer.headers["X-Requested-Model-Id"] == f"global.{PROFILE_ONLY_MODEL}"


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("POST", f"/model/{ON_DEMAND_MODEL}/generate", "the Commercial account's own affair"),
        ("POST", "/model", "own affair"),
        ("POST", "/guardrail/abc", "own affair"),
        ("GET", "/guardrails", "own affair"),
        ("GET", "/openai/v1/models", "GET /bedrock/models"),
        ("GET", "/openai/v1/responses/resp_1", "stored responses do not cross"),
        ("POST", "/anthropic/v1/messages/count_tokens", "POST /model/{modelId}/count-tokens"),
        ("POST", "/anthropic/v1/messages/batches", "POST /anthropic/v1/messages"),
    ],
)
def test_anything_else_is_404_with_the_reason(
    bench: RouterBench, commercial: CommercialStandIn, method: str, path: str, named: str
) -> None:
    answer = bench.call(method, path, None if method == "GET" else NOVA_BODY)
    assert answer.status == 404
    assert named in answer.text
    family = path.split("/")[1]
    if family == "openai":
        assert answer.error["code"] == "RouteNotFound"
    elif family == "anthropic":
        assert answer.json["error"]["type"] == "not_found_error"
    else:
        assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert commercial.requests == []

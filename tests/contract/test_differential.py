"""What Bedrock receives through the system is what it receives directly, and so are the answers.

Also: every operation of AWS's own models of Bedrock is routed, or refused with the reason.
"""

import http.client
import json
import random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from inference_proxy.path_families import UNROUTED_BEDROCK, path_family
from inference_proxy.routes import ROUTES
from tests.contract.gateway_front import GatewayFront, json_body
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.contract.sdk_requests import SdkRequest, SdkRequests
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

REQUESTS_EACH = 25
ROUTED = {route.operation: route for route in ROUTES if route.upstream}
RUNTIME = SdkRequests("bedrock-runtime", 1).operations
CONTROL = SdkRequests("bedrock", 1).operations
REFUSED = {"InvokeModelWithBidirectionalStream"}
VENDOR = {"ChatCompletions": "/openai/v1/chat/completions", "Responses": "/openai/v1/responses"}
VENDOR |= {"Messages": "/anthropic/v1/messages?beta=true"}
CROSSING_HEADERS = ("content-type", "accept", "anthropic-version", "anthropic-beta")
RETURNED_HEADERS = ("content-type", "retry-after", "x-amzn-errortype", "request-id")


def exchange(url: str, request: SdkRequest, **more: str) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are; no client library in between."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(request.method, request.target, request.body or None, {**request.headers, **more})
    with connection.getresponse() as response:
        answer = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    return answer


def arrived(entry: dict[str, Any]) -> dict[str, Any]:
    """What reached Bedrock, as far as a caller decides it."""
    path, _, query = entry["path"].partition("?")
    headers = {name.lower(): value for name, value in entry["headers"].items()}
    metadata = json.loads(headers.pop("x-amzn-bedrock-request-metadata", "{}"))
    metadata.pop("auditId", None)  # ours, documented
    return {
        "method": entry["method"],
        "path": path,
        "query": parse_qsl(query, keep_blank_values=True),
        "body": (entry["bodyLength"], entry["bodySha256"]),
        "headers": {
            name: value
            for name, value in headers.items()
            if name in CROSSING_HEADERS or name.startswith("x-amzn-bedrock-")
        },
        "metadata": metadata,
    }


def comparable(status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
    kept = {
        name: value
        for name, value in headers.items()
        if name in RETURNED_HEADERS or name.startswith(("x-amzn-bedrock-", "anthropic-", "openai-", "x-ratelimit-"))
    }
    if "request-id" in kept:
        kept["request-id"] = "present"
    return status, kept, json_body(body) if kept.get("content-type") == "application/json" else body


def vendor_request(operation: str, chance: random.Random) -> SdkRequest:
    """A body with unknown members, odd spacing and any model, as no SDK would write it."""
    space = " " * chance.randint(0, 3)
    model = chance.choice((f"us.{PROFILE_ONLY_MODEL}", "openai.gpt-oss-20b-1:0", "no.such-model-v1:0"))
    texts = json.dumps([{"role": "user", "content": chance.choice(("hi", "\u00e9\u2028", "\\u0000\n"))}])
    prompt = f'"input":{space}{texts}' if operation == "Responses" else f'"messages":{space}{texts}'
    streams = chance.choice(('"stream":false', '"stream" : true', '"other":{"model":"x"}'))
    body = f'{{{space}"unknown":[1.10,1e3],{prompt},"max_tokens":8,{streams},"model":{space}"{model}"{space}}}'
    headers = {"Content-Type": "application/json", "X-Amzn-Bedrock-Trace": "ENABLED"}
    if operation == "Messages":
        headers |= {"anthropic-version": "2023-06-01", "anthropic-beta": "a,b"}
    return SdkRequest("POST", VENDOR[operation], headers, body.encode())


@pytest.mark.parametrize("operation", sorted(ROUTED))
def test_bedrock_cannot_tell_the_difference(warm: RouterBench, commercial: CommercialStandIn, operation: str) -> None:
    service = ROUTED[operation].upstream.service  # type: ignore[union-attr]
    generated = SdkRequests(service, 7) if operation not in VENDOR else None
    chance = random.Random(7)  # noqa: S311 - the same on every run
    statuses = set()
    with GatewayFront(warm).running() as api:
        for _ in range(REQUESTS_EACH):
            request = generated.make(operation) if generated else vendor_request(operation, chance)
            if request.method == "POST" and not request.body:
                continue  # refused by us: MissingBody
            direct = exchange(commercial.url, request, Authorization=f"Bearer {API_KEY}")
            through = exchange(api.url, request, Authorization="AWS4-HMAC-SHA256 made-up", Cookie="a=b")
            there, here = commercial.requests[-2:]
            assert arrived(here) == arrived(there)
            assert comparable(*through) == comparable(*direct)
            assert through[1]["x-request-id"] in here["headers"]["User-Agent"]
            assert not {"cookie", "x-forwarded-for"} & {name.lower() for name in here["headers"]}
            statuses.add(direct[0])
    assert statuses <= {200, 400, 403, 404}
    if operation in VENDOR:
        assert 200 in statuses


def test_every_operation_of_the_runtime_is_routed_as_its_model_says_or_refused() -> None:
    declared = {name: (model.http["method"], model.http["requestUri"]) for name, model in RUNTIME.items()}
    routed = {route.operation: (route.method, route.path) for route in ROUTES if route.operation in declared}
    assert routed == declared
    assert {route.operation for route in ROUTES if route.refusal} == REFUSED


def test_every_discovery_read_is_routed_as_its_model_says() -> None:
    routed = {name: route for name, route in ROUTED.items() if route.upstream and route.upstream.service == "bedrock"}
    assert {name: (route.method, route.path) for name, route in routed.items()} == {
        name: (CONTROL[name].http["method"], CONTROL[name].http["requestUri"]) for name in routed
    }


def test_a_read_takes_the_parameters_that_its_model_has() -> None:
    for name, route in ROUTED.items():
        if route.upstream and route.method == "GET":
            members = (RUNTIME | CONTROL)[name].input_shape.members.values()
            places = [shape.serialization for shape in members]
            known = {place["name"] for place in places if place.get("location") == "querystring"}
            assert set(route.upstream.query) == known, name


@pytest.mark.parametrize("operation", sorted(set(CONTROL) - set(ROUTED)))
def test_the_rest_of_the_control_plane_is_refused_with_the_reason(
    warm: RouterBench, commercial: CommercialStandIn, operation: str
) -> None:
    before = len(commercial.requests)
    request = SdkRequests("bedrock", 3).make(operation)
    answer = warm.call(request.method, urlsplit(request.target).path)
    assert answer.status in (404, 405)
    assert answer.headers["x-amzn-errortype"] in ("ResourceNotFoundException", "ValidationException")
    assert "the Commercial account's own affair" in answer.json["message"] or answer.headers["Allow"] == "GET"
    assert len(commercial.requests) == before


def test_the_list_of_bedrocks_paths_is_complete() -> None:
    segments = {path_family(model.http["requestUri"]) for model in [*RUNTIME.values(), *CONTROL.values()]}
    routed = {path_family(route.path) for route in ROUTED.values()} - {"openai", "anthropic"}
    assert segments == UNROUTED_BEDROCK | routed


@pytest.mark.parametrize("operation", sorted(REFUSED))
def test_bidirectional_streaming_is_refused_with_the_reason(warm: RouterBench, operation: str) -> None:
    answer = warm.call("POST", f"/model/{ON_DEMAND_MODEL}/invoke-with-bidirectional-stream", b"frames")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert answer.json["message"].startswith("UnsupportedOperation: bidirectional streaming needs HTTP/2")
    modeled = {shape.name for shape in RUNTIME[operation].error_shapes}
    assert answer.headers["x-amzn-errortype"] in modeled


def test_a_boto3_client_reads_streams_through_the_router(warm: RouterBench) -> None:
    with GatewayFront(warm).running() as api:
        client = api.boto3_client()
        messages = [{"role": "user", "content": [{"text": "XP-CANARY-prompt"}]}]
        events = list(client.converse_stream(modelId=ON_DEMAND_MODEL, messages=messages)["stream"])
    assert len([event for event in events if "contentBlockDelta" in event]) > 1
    usage = next(event["metadata"]["usage"] for event in events if "metadata" in event)
    record = warm.records("ConverseStream")[-1]
    assert (int(record["inputTokens"]), int(record["outputTokens"])) == (usage["inputTokens"], usage["outputTokens"])

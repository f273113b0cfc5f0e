"""Whatever id a caller has for a model works: found in Bedrock's lists, else by Bedrock's own error."""

import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.gateway_front import GatewayFront
from tests.contract.policies import GLOBAL_ALLOWED
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, Answer, RouterBench
from tests.contract.sdk_requests import SdkRequest
from tests.contract.test_differential import exchange
from tests.fakes.commercial import CommercialStandIn

US_PROFILE = f"us.{PROFILE_ONLY_MODEL}"
ACCOUNT_ARN = "arn:aws:bedrock:us-east-1:111122223333"
CONVERSE_BODY = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
OPENAI_MODEL = "openai.gpt-5.6-luna"


def converse(bench: RouterBench, model_id: str, verb: str = "converse", body: object = None) -> Answer:
    return bench.call("POST", f"/model/{quote(model_id, safe='')}/{verb}", CONVERSE_BODY if body is None else body)


def crossings(bench: RouterBench, operation: str) -> list[tuple[str, str, str]]:
    return [(record["modelId"], record["resolvedModelId"], record["statusCode"]) for record in bench.records(operation)]


def wrongly_on_demand(commercial: CommercialStandIn, model_id: str) -> None:
    commercial.misreport({model_id: {"inferenceTypesSupported": ["ON_DEMAND"]}})


@pytest.mark.parametrize(
    ("model_id", "called"),
    [
        (PROFILE_ONLY_MODEL, US_PROFILE),
        (US_PROFILE, US_PROFILE),
        (f"{ACCOUNT_ARN}:inference-profile/{US_PROFILE}", f"{ACCOUNT_ARN}:inference-profile/{US_PROFILE}"),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{PROFILE_ONLY_MODEL}", US_PROFILE),
        (ON_DEMAND_MODEL, ON_DEMAND_MODEL),
    ],
)
def test_the_callers_id_and_the_resolved_one_are_on_record_and_in_headers(
    bench: RouterBench, model_id: str, called: str
) -> None:
    answer = converse(bench, model_id)

    assert answer.status == 200, answer.text
    assert answer.headers["X-Requested-Model-Id"] == model_id
    assert answer.headers["X-Resolved-Model-Id"] == called
    assert crossings(bench, "Converse") == [(model_id, called, "200")]


@pytest.mark.parametrize(
    ("path", "body", "model_id"),
    [
        ("/openai/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}, OPENAI_MODEL),
        ("/openai/v1/responses", {"input": "hi"}, OPENAI_MODEL),
        (
            "/anthropic/v1/messages",
            {"max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]},
            PROFILE_ONLY_MODEL,
        ),
    ],
)
def test_a_model_named_in_the_body_is_resolved_there(
    bench: RouterBench, commercial: CommercialStandIn, path: str, body: dict[str, Any], model_id: str
) -> None:
    sent = json.dumps(body)[:-1].encode() + b', "model" : "%s" , "n": 1.0e0}' % model_id.encode()
    headers = {"Content-Type": "application/json", "anthropic-version": "2023-06-01"}

    answer = bench.call("POST", path, sent, headers=headers)

    assert answer.status == 200, answer.text
    assert answer.headers["X-Resolved-Model-Id"] == f"us.{model_id}"
    arrived = next(request for request in commercial.requests if request["method"] == "POST")
    assert arrived["bodyLength"] == len(sent) + len("us.")


@pytest.mark.parametrize("model_id", [US_PROFILE, f"{ACCOUNT_ARN}:inference-profile/{US_PROFILE}", PROFILE_ONLY_MODEL])
def test_tokens_are_counted_by_the_model_behind_a_profile(bench: RouterBench, model_id: str) -> None:
    """Bedrock refuses the ids of profiles here."""
    answer = converse(bench, model_id, "count-tokens", {"input": {"converse": CONVERSE_BODY}})

    assert answer.status == 200, answer.text
    assert answer.json["inputTokens"] > 0
    assert answer.headers["X-Resolved-Model-Id"] == PROFILE_ONLY_MODEL
    assert "inputTokens" not in bench.records("CountTokens")[-1]  # counted, not used


@pytest.mark.parametrize("verb", ["converse", "invoke"])
def test_the_on_demand_error_leads_to_the_profile(bench: RouterBench, commercial: CommercialStandIn, verb: str) -> None:
    wrongly_on_demand(commercial, PROFILE_ONLY_MODEL)
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 8, **CONVERSE_BODY}
    body = body if verb == "invoke" else CONVERSE_BODY

    first = converse(bench, PROFILE_ONLY_MODEL, verb, body)
    second = converse(bench, PROFILE_ONLY_MODEL, verb, body)

    for answer in (first, second):
        assert answer.status == 200, answer.text
        assert answer.headers["X-Resolved-Model-Id"] == US_PROFILE
    operation = {"converse": "Converse", "invoke": "InvokeModel"}[verb]
    assert crossings(bench, operation) == [
        (PROFILE_ONLY_MODEL, PROFILE_ONLY_MODEL, "400"),  # once; then it is known
        (PROFILE_ONLY_MODEL, US_PROFILE, "200"),
        (PROFILE_ONLY_MODEL, US_PROFILE, "200"),
    ]
    refused, served, _ = bench.records(operation)
    assert refused["requestId"] == first.headers["X-Request-ID"] == served["parentRequestId"]


def test_without_lists_the_name_of_the_us_profile_is_tried(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("status", count=50, match="/foundation-models", status=403, errortype="AccessDeniedException")

    assert converse(bench, PROFILE_ONLY_MODEL).headers["X-Resolved-Model-Id"] == US_PROFILE


def test_a_guess_that_fails_leaves_bedrocks_first_word(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("status", count=50, match="/foundation-models", status=403, errortype="AccessDeniedException")

    answer = converse(bench, "anthropic.twin-made-up-global-v1:0")

    assert (answer.status, answer.headers["x-amzn-errortype"].split(":")[0]) == (400, "ValidationException")
    assert "on-demand throughput" in answer.json["message"]


@pytest.mark.parametrize("lists", ["right", "wrong"])
def test_a_global_profile_is_never_what_stands_in(
    bench: RouterBench, commercial: CommercialStandIn, lists: str
) -> None:
    model_id = "anthropic.twin-made-up-global-v1:0"
    if lists == "wrong":
        wrongly_on_demand(commercial, model_id)

    answer = converse(bench, model_id)

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert "destinations.global_profiles" in answer.json["message"]
    assert not any("global." in request["path"] for request in commercial.requests)
    bench.under(GLOBAL_ALLOWED)
    assert converse(bench, model_id).headers["X-Resolved-Model-Id"] == f"global.{model_id}"


def test_overdue_lists_are_renewed_beside_the_request(
    bench: RouterBench, commercial: CommercialStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert converse(bench, ON_DEMAND_MODEL).status == 200
    bench.age_lists(monkeypatch, seconds=400)
    commercial.clear()
    commercial.inject("slow", match="/foundation-models", delay_seconds=0.6)

    converse(bench, ON_DEMAND_MODEL)

    finished = {request["path"].partition("?")[0]: request["arrivedAt"] for request in commercial.requests}
    record = bench.records("Converse")[-1]
    assert int(record["latency"]) < 600  # the call did not wait for the lists
    assert "/inference-profiles" in finished  # but the answer did, or Lambda would have frozen them
    assert bench.records("ListModels")[-1]["state"] == "COMPLETED"


def test_a_failed_guess_says_why_if_that_helps(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("status", count=50, match="/foundation-models", status=403, errortype="AccessDeniedException")
    commercial.inject("throttle", match="/model/us.")
    assert converse(bench, PROFILE_ONLY_MODEL).status == 429


def test_without_lists_tokens_are_counted_by_the_name_in_a_profiles(
    bench: RouterBench, commercial: CommercialStandIn
) -> None:
    commercial.inject("status", count=50, match="/foundation-models", status=403, errortype="AccessDeniedException")
    answer = converse(bench, US_PROFILE, "count-tokens", {"input": {"converse": CONVERSE_BODY}})
    assert (answer.status, answer.headers["X-Resolved-Model-Id"]) == (200, PROFILE_ONLY_MODEL)


def test_lists_that_hang_are_left_alone_for_a_while(bench: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("hang", count=5, match="/foundation-models")
    started = time.monotonic()
    for _ in range(3):
        assert converse(bench, PROFILE_ONLY_MODEL).status == 200
    assert time.monotonic() - started < 8  # once 4 s, not three times, and not again for the fallback
    assert sum(request["path"] == "/foundation-models" for request in commercial.requests) == 1


@pytest.mark.parametrize("decodes", [False, True])
@pytest.mark.parametrize("spelling", ["encoded", "slashes", "colons"])
def test_an_arn_in_a_path_works_however_it_is_spelled(
    bench: RouterBench, commercial: CommercialStandIn, decodes: bool, spelling: str
) -> None:
    """API Gateway may decode a path before it looks for a resource; then an ARN comes by the catch-all path."""
    arn = f"{ACCOUNT_ARN}:inference-profile/{US_PROFILE}"
    spelled = {"encoded": quote(arn, safe=""), "slashes": arn, "colons": quote(arn, safe=":")}[spelling]
    headers = {"Content-Type": "application/json"}
    body = json.dumps(CONVERSE_BODY).encode()
    with GatewayFront(bench, decodes=decodes).running() as api:
        for verb in ("converse", "converse-stream"):
            status, answered, text = exchange(api.url, SdkRequest("POST", f"/model/{spelled}/{verb}", headers, body))
            assert status == 200, text
            assert answered["x-resolved-model-id"] == arn
        status, _, text = exchange(api.url, SdkRequest("GET", f"/inference-profiles/{spelled}", {}, b""))
        assert status == 200, text
    assert {request["path"].partition("?")[0] for request in commercial.requests} >= {
        f"/model/{quote(arn, safe='')}/converse",
        f"/inference-profiles/{quote(arn, safe='')}",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/%6Dodel/{arn}/converse",
        "/model/{arn}/%63onverse",
        "/model%2F{arn}/converse",
        "/model/%61rn:aws:bedrock:us-east-1:111122223333:inference-profile/us.x/converse",
        "/model//{arn}/converse",
        "/model/{arn}/../x/converse",
        "/model/x%2Fconverse",
        "/model/%61nthropic.claude-haiku-4-5-20251001-v1:0/converse",
    ],
)
def test_another_spelling_of_a_path_is_not_served(bench: RouterBench, commercial: CommercialStandIn, path: str) -> None:
    """IAM decided about the path as it was written, and may not have seen through it."""
    arn = f"{ACCOUNT_ARN}:inference-profile/{US_PROFILE}"
    request = SdkRequest("POST", path.format(arn=arn), {}, json.dumps(CONVERSE_BODY).encode())
    with GatewayFront(bench).running() as api:
        status, _, _ = exchange(api.url, request)
    assert status in (400, 404)
    assert commercial.requests == []

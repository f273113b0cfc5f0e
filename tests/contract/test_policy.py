"""The policy, rule by rule and path by path: what it denies never reaches Commercial, and says why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.conftest import posts
from tests.contract.crossings import IDS, MODEL_IDS, MODEL_WAYS, WAYS, Way
from tests.contract.policies import HEADER, entry, policy
from tests.contract.router_bench import CALLER_ARN, ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, Answer, RouterBench
from tests.fakes.commercial import CommercialStandIn

DEVELOPER = "arn:aws-us-gov:iam::123456789012:role/developer"
OTHERS = entry(name="finance-secret-project", principals=["arn:aws-us-gov:iam::123456789012:role/finance"])
DECLARED = policy(callers=[entry(classification=None)])
EVERY_WAY = pytest.mark.parametrize("way", WAYS, ids=IDS)
EVERY_MODEL_WAY = pytest.mark.parametrize("way", MODEL_WAYS, ids=MODEL_IDS)


def check_denied(bench: RouterBench, commercial: CommercialStandIn, answer: Answer, rule: str) -> None:
    """The denial names its rule in the answer and on record, and nothing went out."""
    assert answer.status == 403, answer.text
    assert f"(rule {rule})" in answer.text
    assert "finance" not in answer.text
    assert posts(commercial) == 0
    record = bench.records()[-1]
    assert (record["state"], record["decision"], record["decisionRule"]) == ("DENIED", "DENY", rule)
    assert (record["statusCode"], record["errorCode"]) == ("403", "PolicyDenied")
    assert record["policyVersion"] == bench.policies.current.version


@EVERY_WAY
def test_what_the_policy_allows_crosses(bench: RouterBench, way: Way) -> None:
    version = bench.under(policy(callers=[OTHERS, entry(principals=[DEVELOPER])]))
    answer = way.send(bench, ON_DEMAND_MODEL, "hello")
    record = bench.records(way.operation)[-1]
    assert answer.status not in (403, 429, 503), answer.text
    assert (record["decision"], record["decisionRule"], record["policyVersion"]) == (
        "ALLOW",
        "callers.everyone",
        version,
    )
    assert (record["classification"], record["classificationSource"]) == ("public", "caller")


@EVERY_WAY
def test_whom_no_entry_has_is_denied(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    bench.under(policy(callers=[OTHERS]))
    check_denied(bench, commercial, way.send(bench, ON_DEMAND_MODEL, "hello"), "callers.unknown")
    assert commercial.requests == []  # not even for the lists


@pytest.mark.parametrize("path", ["/bedrock/models", f"/bedrock/models/{ON_DEMAND_MODEL}", "/foundation-models"])
def test_nor_may_they_read_the_lists(bench: RouterBench, commercial: CommercialStandIn, path: str) -> None:
    bench.under(policy(callers=[OTHERS]))
    check_denied(bench, commercial, bench.call("GET", path), "callers.unknown")
    assert commercial.requests == []


@EVERY_WAY
@pytest.mark.parametrize("form", ["date", "moment"])
def test_access_ends(bench: RouterBench, commercial: CommercialStandIn, way: Way, form: str) -> None:
    now = datetime.now(UTC)
    ended, later = (
        (f"{now:%Y-%m-%d}", f"{now + timedelta(days=1):%Y-%m-%d}")
        if form == "date"
        else (f"{now - timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}", f"{now + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}")
    )
    bench.under(policy(callers=[entry(expires_at=ended)]))
    check_denied(bench, commercial, way.send(bench, ON_DEMAND_MODEL, "hello"), "callers.everyone.expired")
    bench.under(policy(callers=[entry(expires_at=later)]))
    assert way.send(bench, ON_DEMAND_MODEL, "hello").status != 403


@EVERY_WAY
def test_a_request_without_a_label_is_denied(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    bench.under(DECLARED)
    answer = way.send(bench, ON_DEMAND_MODEL, "hello")
    check_denied(bench, commercial, answer, "classifications.required")
    assert "x-data-classification" in answer.text
    assert "public, internal" in answer.text


@EVERY_WAY
@pytest.mark.parametrize("label", ["internal", "INTERNAL", " Internal\t"])
def test_a_header_declares_the_label(bench: RouterBench, way: Way, label: str) -> None:
    bench.under(DECLARED)
    answer = way.send(bench, ON_DEMAND_MODEL, "hello", {HEADER: label})
    assert answer.status != 403, answer.text
    record = bench.records(way.operation)[-1]
    assert (record["classification"], record["classificationSource"]) == ("internal", "header")


@EVERY_WAY
def test_the_label_stays_in_govcloud(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    bench.under(DECLARED)
    way.send(bench, ON_DEMAND_MODEL, "hello", {HEADER: "internal"})
    sent = [request for request in commercial.requests if request["method"] == "POST"]
    assert len(sent) == 1
    assert HEADER.lower() not in {name.lower() for name in sent[0]["headers"]}


@pytest.mark.parametrize("where", ["the header of InvokeModel", "the body of Converse"])
def test_bedrocks_request_metadata_declares_the_label(
    bench: RouterBench, commercial: CommercialStandIn, where: str
) -> None:
    bench.under(DECLARED)
    metadata = {"classification": "internal", "team": "red"}
    if where == "the body of Converse":
        answer = WAYS[3].send(bench, ON_DEMAND_MODEL, "hello", requestMetadata=metadata)
    else:
        headers = {"X-Amzn-Bedrock-Request-Metadata": json.dumps(metadata)}
        answer = WAYS[1].send(bench, ON_DEMAND_MODEL, "hello", headers)
    assert answer.status == 200
    record = bench.records()[-1]
    assert (record["classification"], record["classificationSource"]) == ("internal", "requestMetadata")
    assert posts(commercial) == 1


@EVERY_WAY
def test_what_may_not_cross_does_not(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    bench.under(DECLARED)
    answer = way.send(bench, ON_DEMAND_MODEL, "hello", {HEADER: "cui"})
    check_denied(bench, commercial, answer, "classifications.allowed")
    assert "classification" not in bench.records()[-1]  # whatever the caller wrote there is not kept


def test_a_caller_has_labels_of_its_own(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.under(policy(callers=[entry(classification=None, classifications=["public"])]))
    answer = WAYS[3].send(bench, ON_DEMAND_MODEL, "hello", {HEADER: "internal"})
    check_denied(bench, commercial, answer, "callers.everyone.classification")
    bench.under(policy(callers=[entry(classification="public")]))
    answer = WAYS[3].send(bench, ON_DEMAND_MODEL, "hello", {HEADER: "internal"})
    check_denied(bench, commercial, answer, "classifications.conflict")
    assert WAYS[3].send(bench, ON_DEMAND_MODEL, "hello", {HEADER: "public"}).status == 200


@pytest.mark.parametrize("headers", [{}, {HEADER: "cui"}, {HEADER: "project-x"}])
def test_nobody_is_told_the_labels_of_others(
    bench: RouterBench, commercial: CommercialStandIn, headers: dict[str, str]
) -> None:
    labels = {"allowed": ["public", "internal", "project-x"], "header": HEADER}
    other = {"name": "other", "principals": ["arn:aws:iam::123456789012:role/other"], "classification": "project-x"}
    for own in ({"classification": None, "classifications": ["public", "internal"]}, {"classification": "public"}):
        bench.under(policy(classifications=labels, callers=[other, entry(**own)]))
        answer = WAYS[3].send(bench, ON_DEMAND_MODEL, "hello", headers)
        if answer.status == 200:
            assert own == {"classification": "public"}
            continue
        assert posts(commercial) == 0
        assert "public" in answer.text
        assert "project-x" not in answer.text


@EVERY_WAY
def test_marked_text_is_refused_whatever_its_label(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    bench.under(DECLARED)
    answer = way.send(bench, ON_DEMAND_MODEL, "summarise this:\nSECRET//NOFORN\nthe text", {HEADER: "public"})
    check_denied(bench, commercial, answer, "markings")
    record = bench.records()[-1]
    assert record["marking"] == "SECRET//*"
    assert "NOFORN" not in json.dumps(record)
    assert "NOFORN" not in answer.text


@pytest.mark.parametrize(("mode", "marking"), [("report", "SECRET//*"), ("off", None)])
def test_marked_text_can_be_let_through(bench: RouterBench, mode: str, marking: str | None) -> None:
    bench.under(policy(markings={"mode": mode, "patterns": ["SECRET//*"]}))
    assert bench.invoke(body={"messages": [{"role": "user", "content": [{"text": "SECRET//NOFORN"}]}]}).status == 200
    assert bench.records("InvokeModel")[-1].get("marking") == marking


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"max_request_bytes": 60}, "max_request_bytes"),
        ({"callers": [entry(max_request_bytes=60)]}, "callers.everyone.max_request_bytes"),
    ],
)
@EVERY_WAY
def test_large_bodies_are_refused(
    bench: RouterBench, commercial: CommercialStandIn, way: Way, change: dict[str, Any], rule: str
) -> None:
    bench.under(policy(**change))
    check_denied(bench, commercial, way.send(bench, ON_DEMAND_MODEL, "hello" * 20), rule)


@EVERY_MODEL_WAY
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"models": {"allow": ["*"], "deny": ["amazon.nova-lite*"]}}, "models.deny"),
        ({"models": {"allow": ["anthropic.*"]}}, "models.allow"),
        ({"callers": [entry(models=["anthropic.*"])]}, "callers.everyone.models"),
    ],
)
def test_models_are_refused_before_the_lists_are_read(
    bench: RouterBench, commercial: CommercialStandIn, way: Way, change: dict[str, Any], rule: str
) -> None:
    bench.under(policy(**change))
    check_denied(bench, commercial, way.send(bench, ON_DEMAND_MODEL, "hello"), rule)
    assert commercial.requests == []


@EVERY_MODEL_WAY
@pytest.mark.parametrize(
    "model_id",
    [
        PROFILE_ONLY_MODEL,
        PROFILE_ONLY_MODEL.upper(),
        f"us.{PROFILE_ONLY_MODEL}",
        f"eu.{PROFILE_ONLY_MODEL}",
        f"arn:aws:bedrock:us-east-1::foundation-model/{PROFILE_ONLY_MODEL}",
        f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.{PROFILE_ONLY_MODEL}",
    ],
)
def test_a_denied_model_is_denied_by_every_name(
    bench: RouterBench, commercial: CommercialStandIn, way: Way, model_id: str
) -> None:
    bench.under(policy(models={"allow": ["*"], "deny": ["anthropic.claude-haiku*"]}))
    check_denied(bench, commercial, way.send(bench, model_id, "hello"), "models.deny")


@EVERY_MODEL_WAY
def test_destinations_are_what_the_policy_says(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    if way.operation == "CountTokens":
        pytest.skip("counts with the foundation model itself")
    bench.under(policy(destinations={"regions": ["us-east-1"]}))
    answer = way.send(bench, f"us.{PROFILE_ONLY_MODEL}", "hello")  # leads to three regions
    check_denied(bench, commercial, answer, "destinations.regions")
    bench.under(policy(destinations={"regions": ["us-*"]}))
    assert way.send(bench, f"us.{PROFILE_ONLY_MODEL}", "hello").status != 403


@EVERY_MODEL_WAY
def test_a_geography_that_nobody_knows_may_be_anywhere(
    bench: RouterBench, commercial: CommercialStandIn, way: Way
) -> None:
    unlisted = f"mx.{PROFILE_ONLY_MODEL}"
    for model_id in (unlisted, f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/{unlisted}"):
        bench.under(policy(destinations={"regions": ["us-*"]}))
        check_denied(bench, commercial, way.send(bench, model_id, "hello"), "destinations.regions")
    bench.under(policy(destinations={"regions": ["*"]}))
    assert way.send(bench, unlisted, "hello").status != 403


@pytest.mark.parametrize("model_id", ["zai.glm-4.7", "deepseek.v3.2", "moonshotai.kimi-k2.5", "anthropic.claude-v2:1"])
def test_a_dot_in_a_models_name_is_no_geography(bench: RouterBench, model_id: str) -> None:
    bench.under(policy(destinations={"regions": ["us-*"]}))
    answer = bench.call("POST", f"/model/{model_id}/converse", {"messages": []})
    assert answer.status != 403


def test_the_credentials_region_is_a_destination(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.under(policy(destinations={"regions": ["us-west-2"]}))
    answer = bench.invoke()
    assert (answer.status, answer.error["code"]) == (403, "PolicyDenied")
    assert "rule destinations.regions" in answer.error["message"]
    assert commercial.requests == []


@EVERY_MODEL_WAY
def test_a_body_that_names_another_model_is_refused(
    bench: RouterBench, commercial: CommercialStandIn, way: Way
) -> None:
    bench.under(policy())
    other = {"modelId": "amazon.nova-pro-v1:0"} if "{modelId}" in way.path else {"Model": "amazon.nova-pro-v1:0"}
    if way.path == "/bedrock/invoke-model":
        body = {**way.body(ON_DEMAND_MODEL, "hello")["body"], "modelId": "amazon.nova-pro-v1:0"}
        answer = bench.invoke(ON_DEMAND_MODEL, body)
    else:
        answer = way.send(bench, ON_DEMAND_MODEL, "hello", **other)
    check_denied(bench, commercial, answer, "models.conflict")


def test_the_same_model_may_be_named_twice(bench: RouterBench) -> None:
    answer = WAYS[1].send(bench, f"us.{PROFILE_ONLY_MODEL}", "hello", model=PROFILE_ONLY_MODEL)
    assert "models.conflict" not in answer.text


def test_what_is_called_callable_is_what_the_policy_allows(bench: RouterBench) -> None:
    bench.under(policy(models={"allow": ["amazon.*"], "deny": ["*pro*"]}, callers=[entry(models=["*nova*"])]))
    models = {model["modelId"]: model for model in bench.call("GET", "/bedrock/models").json["models"]}
    assert models[ON_DEMAND_MODEL]["callable"]
    assert {model_id.split("-")[0] for model_id, model in models.items() if model["callableId"]} == {"amazon.nova"}
    assert not any("pro" in model_id for model_id, model in models.items() if model["callableId"])


def test_the_first_entry_that_has_the_caller_decides(bench: RouterBench) -> None:
    entries = [
        OTHERS,
        entry(name="first", principals=["arn:aws-us-gov:iam::123456789012:role/dev*"], classification="internal"),
        entry(name="second", principals=[DEVELOPER]),
    ]
    bench.under(policy(callers=entries))
    assert ":assumed-role/developer/" in CALLER_ARN
    assert bench.invoke().status == 200
    record = bench.records("InvokeModel")[-1]
    assert (record["decisionRule"], record["classification"]) == ("callers.first", "internal")

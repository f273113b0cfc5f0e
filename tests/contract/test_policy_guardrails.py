"""The guardrails that a policy wants: in GovCloud before anything crosses, and in Commercial on every call."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.contract.conftest import posts
from tests.contract.crossings import IDS, MODEL_IDS, MODEL_WAYS, WAYS, Way
from tests.contract.policies import policy
from tests.contract.router_bench import ON_DEMAND_MODEL, RouterBench
from tests.contract.scripted_guardrail import BLOCKED_WORD, ScriptedGuardrail
from tests.fakes.commercial import CommercialStandIn

NUMBER = "XP-CANARY-12345"  # is masked
COMMERCIAL = {"identifier": "def456", "version": "2"}
IN_HEADERS = {"x-amzn-bedrock-guardrailidentifier": "def456", "x-amzn-bedrock-guardrailversion": "2"}
EVERY_WAY = pytest.mark.parametrize("way", WAYS, ids=IDS)


@pytest.fixture
def guardrail() -> Iterator[ScriptedGuardrail]:
    with ScriptedGuardrail().running() as server:
        yield server
    assert server.refused == []


def screened(bench: RouterBench, guardrail: ScriptedGuardrail, mode: str) -> RouterBench:
    """The bench under a policy with the guardrail before egress."""
    bench.put_policy(policy(guardrails={"before_egress": {"identifier": "abc123", "version": "1", "mode": mode}}))
    aws = {f"AWS_ENDPOINT_URL_{service}": bench.aws_url for service in ("DYNAMODB", "SECRETSMANAGER")}
    bench.restart(**aws, AWS_ENDPOINT_URL=guardrail.url)
    return bench


def sent(commercial: CommercialStandIn) -> Mapping[str, Any]:
    """The only request with a body that reached Commercial."""
    (request,) = [request for request in commercial.requests if request["method"] == "POST"]
    return request


def fingerprint(body: Mapping[str, Any]) -> str:
    """Of a body as the router writes it where it changes one."""
    return hashlib.sha256(json.dumps(body, separators=(",", ":")).encode()).hexdigest()


@EVERY_WAY
@pytest.mark.parametrize("mode", ["screen", "mask"])
def test_clean_text_crosses_as_it_is(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn, way: Way, mode: str
) -> None:
    screened(bench, guardrail, mode)
    assert way.send(bench, ON_DEMAND_MODEL, "hello").status != 503
    record = bench.records(way.operation)[-1]
    assert record["guardrailAction"] == "NONE"
    assert int(record["guardrailLatencyMs"]) >= 0
    assert any("hello" in texts for texts in guardrail.calls)
    assert guardrail.paths == ["/guardrail/abc123/version/1/apply"]
    assert posts(commercial) == 1


@EVERY_WAY
@pytest.mark.parametrize(("mode", "text"), [("screen", NUMBER), ("screen", BLOCKED_WORD), ("mask", BLOCKED_WORD)])
def test_what_the_guardrail_objects_to_stays(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn, way: Way, mode: str, text: str
) -> None:
    screened(bench, guardrail, mode)

    answer = way.send(bench, ON_DEMAND_MODEL, f"about {text}, please")

    assert answer.status == 403
    assert "(rule guardrails.before_egress)" in answer.text
    assert posts(commercial) == 0
    record = bench.records(way.operation)[-1]
    assert (record["state"], record["decisionRule"]) == ("DENIED", "guardrails.before_egress")
    assert (record["guardrailAction"], "XP-CANARY" in json.dumps(record)) == ("BLOCKED", False)
    assert "XP-CANARY" not in answer.text


@EVERY_WAY
def test_masked_text_crosses_masked(
    bench: RouterBench,
    guardrail: ScriptedGuardrail,
    commercial: CommercialStandIn,
    capsys: pytest.CaptureFixture[str],
    way: Way,
) -> None:
    screened(bench, guardrail, "mask")

    answer = way.send(bench, ON_DEMAND_MODEL, f"call {NUMBER} and {NUMBER}")

    if way.operation == "CountTokens":  # its text stands in base64, where nothing can be taken out
        assert (answer.status, posts(commercial)) == (403, 0)
    else:
        _, body = way.request(ON_DEMAND_MODEL, "call {number} and {number}")
        crossing = body["body"] if way is WAYS[0] else body
        assert sent(commercial)["bodySha256"] == fingerprint(crossing)
        record = bench.records(way.operation)[-1]
        assert (record["state"], record["guardrailAction"]) == ("COMPLETED", "MASKED")
    assert NUMBER not in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["hang", "reset", 500, "AccessDeniedException", "garbled", {"action": "PERHAPS"}])
def test_without_a_verdict_nothing_crosses(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn, fault: Any
) -> None:
    screened(bench, guardrail, "screen")
    guardrail.faults += [fault] * 2
    answer = bench.invoke(seconds=6)
    assert (answer.status, answer.error["code"]) == (503, "GuardrailUnavailable")
    assert posts(commercial) == 0
    record = bench.records("InvokeModel")[-1]
    assert (record["state"], record["decisionRule"]) == ("DENIED", "guardrails.unavailable")
    guardrail.faults.clear()
    assert bench.invoke().status == 200


def test_more_text_than_can_be_screened_is_no_outage(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn
) -> None:
    """Whoever tries again gets no further."""
    screened(bench, guardrail, "screen")
    guardrail.delay_seconds = 0.5
    text = [{"text": character * 25_000} for character in "abcdefghijkl"]
    body = {"messages": [{"role": "user", "content": text}]}
    answer = bench.call("POST", f"/model/{ON_DEMAND_MODEL}/converse", body, seconds=6)
    assert (answer.status, posts(commercial)) == (403, 0)
    assert "send less of it at once (rule guardrails.before_egress)" in answer.text


@pytest.mark.parametrize("mode", ["screen", "mask"])
def test_long_numbers_are_screened_and_no_mask_goes_back_into_them(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn, mode: str
) -> None:
    def converse(number: object) -> int:
        content = [{"toolResult": {"toolUseId": "a", "content": [{"json": {"account": number, "year": 2026}}]}}]
        body = {"messages": [{"role": "user", "content": content}]}
        return bench.call("POST", f"/model/{ON_DEMAND_MODEL}/converse", body).status

    screened(bench, guardrail, mode)
    assert converse(123_456_789) != 403
    assert any("123456789" in texts for texts in guardrail.calls)
    crossed = posts(commercial)
    guardrail.masked_pattern = re.compile("987654321")
    assert (converse(987_654_321), posts(commercial)) == (403, crossed)


@pytest.mark.parametrize("way", MODEL_WAYS, ids=MODEL_IDS)
def test_commercials_guardrail_is_on_every_call(bench: RouterBench, commercial: CommercialStandIn, way: Way) -> None:
    bench.under(policy(guardrails={"commercial": COMMERCIAL}))
    answer = way.send(bench, ON_DEMAND_MODEL, "hello")
    if way.operation in ("StartAsyncInvoke", "Responses", "Messages"):
        assert answer.status == 403
        assert "(rule guardrails.commercial)" in answer.text
        assert posts(commercial) == 0
        return
    headers = {name.lower(): value for name, value in sent(commercial)["headers"].items()}
    if way.operation in ("Converse", "ConverseStream"):
        config = {"guardrailIdentifier": "def456", "guardrailVersion": "2"}
        _, body = way.request(ON_DEMAND_MODEL, "hello", guardrailConfig=config)
        assert sent(commercial)["bodySha256"] == fingerprint(body)
    elif way.operation == "CountTokens":
        assert not IN_HEADERS.keys() & headers.keys()  # no model runs
    else:
        assert {name: headers.get(name) for name in IN_HEADERS} == IN_HEADERS


def test_the_callers_own_guardrail_may_be_the_same(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.under(policy(guardrails={"commercial": COMMERCIAL}))
    config = {"guardrailIdentifier": "def456", "guardrailVersion": "2", "trace": "enabled"}
    assert WAYS[3].send(bench, ON_DEMAND_MODEL, "hello", guardrailConfig=config).status == 200
    _, body = WAYS[3].request(ON_DEMAND_MODEL, "hello", guardrailConfig=config)
    assert sent(commercial)["bodySha256"] == fingerprint(body)


@pytest.mark.parametrize(
    "config",
    [
        {"guardrailIdentifier": "other", "guardrailVersion": "2"},
        {"guardrailIdentifier": "def456", "guardrailVersion": "DRAFT"},
        {"GuardrailIdentifier": "other"},
        None,
        "none",
    ],
)
def test_another_guardrail_is_refused(
    bench: RouterBench, commercial: CommercialStandIn, config: dict[str, str] | str | None
) -> None:
    bench.under(policy(guardrails={"commercial": COMMERCIAL}))
    answer = WAYS[3].send(bench, ON_DEMAND_MODEL, "hello", guardrailConfig=config)
    assert (answer.status, posts(commercial)) == (403, 0)
    assert "(rule guardrails.commercial)" in answer.text
    headers = {**IN_HEADERS, "x-amzn-bedrock-guardrailversion": "DRAFT"}
    assert WAYS[1].send(bench, ON_DEMAND_MODEL, "hello", headers).status == 403


def test_what_is_no_object_can_carry_none(bench: RouterBench, commercial: CommercialStandIn) -> None:
    bench.under(policy(guardrails={"commercial": COMMERCIAL}))
    for body in (b"[]", b"{", b"text"):
        answer = bench.call("POST", f"/model/{ON_DEMAND_MODEL}/converse", body)
        assert (answer.status, posts(commercial)) == (400, 0)


BESIDE = (
    ("invoke", {"headers": {"X-Amzn-Bedrock-Request-Metadata": json.dumps({"note": BLOCKED_WORD})}}),
    ("converse", {"headers": {"X-Amzn-Bedrock-Note": BLOCKED_WORD}}),
    ("converse", {"query": {"note": BLOCKED_WORD}}),
    ("converse", {"headers": {"X-Amzn-Bedrock-Note": NUMBER}}),
)


@pytest.mark.parametrize("mode", ["screen", "mask"])
@pytest.mark.parametrize(("verb", "beside"), BESIDE)
def test_what_crosses_beside_the_body_is_screened_too(
    bench: RouterBench,
    guardrail: ScriptedGuardrail,
    commercial: CommercialStandIn,
    mode: str,
    verb: str,
    beside: dict[str, dict[str, str]],
) -> None:
    """And has no place for a mask."""
    screened(bench, guardrail, mode)
    body = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
    answer = bench.call("POST", f"/model/{ON_DEMAND_MODEL}/{verb}", body, **beside)
    assert (answer.status, posts(commercial)) == (403, 0)
    assert "(rule guardrails.before_egress)" in answer.text


def test_media_types_of_the_envelope_are_screened_too(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn
) -> None:
    screened(bench, guardrail, "screen")
    envelope = {"modelId": ON_DEMAND_MODEL, "body": {"a": "b"}, "contentType": f'text/plain; x="{BLOCKED_WORD}"'}
    answer = bench.call("POST", "/bedrock/invoke-model", envelope)
    assert (answer.status, posts(commercial)) == (403, 0)


def test_the_guardrail_is_asked_about_a_read_that_says_something(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn
) -> None:
    screened(bench, guardrail, "screen")
    assert bench.call("GET", "/foundation-models").status == 200
    assert guardrail.calls == []
    assert bench.call("GET", "/foundation-models", query={"byProvider": BLOCKED_WORD}).status == 403
    assert BLOCKED_WORD not in json.dumps(commercial.requests)


SELECTIONS = (
    ("converse", {"messages": [{"role": "user", "content": [{"guardContent": {"text": {"text": "this only"}}}]}]}),
    ("converse", {"system": [{"GuardContent": {"text": {"text": "this only"}}}]}),
    ("converse-stream", {"guardrailConfig": {"streamProcessingMode": "async"}}),
    ("invoke", {"amazon-bedrock-guardrailConfig": {"tagSuffix": "zz"}}),
    ("invoke-with-response-stream", {"amazon-bedrock-guardrailConfig": {"streamProcessingMode": "ASYNCHRONOUS"}}),
)


@pytest.mark.parametrize(("verb", "members"), SELECTIONS)
def test_a_required_guardrail_sees_all_of_a_request(
    bench: RouterBench, commercial: CommercialStandIn, verb: str, members: dict[str, Any]
) -> None:
    bench.under(policy(guardrails={"commercial": COMMERCIAL}))
    body = {"messages": [{"role": "user", "content": [{"text": "hello"}]}], **members}
    answer = bench.call("POST", f"/model/{ON_DEMAND_MODEL}/{verb}", body)
    assert (answer.status, posts(commercial)) == (403, 0)
    assert "(rule guardrails.commercial)" in answer.text
    bench.under(policy())
    assert "(rule" not in bench.call("POST", f"/model/{ON_DEMAND_MODEL}/{verb}", body).text


def test_a_denial_is_on_record_whatever_the_body_is(
    bench: RouterBench, guardrail: ScriptedGuardrail, commercial: CommercialStandIn
) -> None:
    """A body that no guardrail can be put into is refused for that only where nothing else stands against it."""
    screened(bench, guardrail, "screen")
    both = {"before_egress": {"identifier": "abc123", "version": "1", "mode": "screen"}, "commercial": COMMERCIAL}
    bench.under(policy(guardrails=both))
    answer = bench.call("POST", f"/model/{ON_DEMAND_MODEL}/converse", f"hi {BLOCKED_WORD}".encode())
    assert (answer.status, posts(commercial)) == (403, 0)
    assert bench.records("Converse")[-1]["guardrailAction"] == "BLOCKED"


def test_cut_text_keeps_its_half_of_a_pair(bench: RouterBench, commercial: CommercialStandIn) -> None:
    """Clients cut text within an emoji; JSON can say so, though no encoding can."""
    bench.under(policy(guardrails={"commercial": COMMERCIAL}))
    body = b'{"messages":[{"role":"user","content":[{"text":"hi \\ud83d"}]}]}'
    answer = bench.call("POST", f"/model/{ON_DEMAND_MODEL}/converse", body)
    assert answer.status == 200, answer.text
    written = body[:-1] + b',"guardrailConfig":{"guardrailIdentifier":"def456","guardrailVersion":"2"}}'
    assert sent(commercial)["bodySha256"] == hashlib.sha256(written).hexdigest()

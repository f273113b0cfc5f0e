"""Hostile model ids: none of them changes where a request goes, whether it stands in a path or in a body."""

import json
import random
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest

from tests.contract.gateway_front import GatewayFront
from tests.contract.router_bench import NOVA_BODY, ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, RouterBench
from tests.contract.sdk_requests import SdkRequest
from tests.contract.test_differential import exchange
from tests.fakes.commercial import CommercialStandIn

NUMBER = 500
GENUINE = (
    ON_DEMAND_MODEL,
    f"us.{PROFILE_ONLY_MODEL}",
    f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.{PROFILE_ONLY_MODEL}",
    f"arn:aws:bedrock:us-east-1::foundation-model/{ON_DEMAND_MODEL}",
)
BITS = (
    *(
        "..",
        "/",
        "//",
        "/../",
        "\\",
        "%2e%2e",
        "%2F",
        "%252F",
        "?",
        "#",
        "?x=1",
        "#x",
        "@evil.example",
        ":80",
        ";",
        "&",
    ),
    *("\r\nX-Evil: 1", "\n", "\t", "\x00", "\x7f", " ", "+", "\u2028", "\u202e", "\uff0e\uff0e", "\u2024", "\u0430"),
    *(
        "/invoke",
        "/converse?",
        "http://",
        "arn:",
        "arn:aws:s3:::x",
        "global.",
        "{",
        "}",
        "$context",
        "'",
        '"',
        "*",
        "~",
    ),
)
TARGET = re.compile(r"/model/[^/?#]+/(invoke|converse|count-tokens)")


def hostile_ids() -> Iterator[str]:
    """Genuine ids with hostile bits put in, in front, behind, or in place of them; the same on every run."""
    chance = random.Random(5)  # noqa: S311 - the same on every run
    yield from ("", "x" * 5000, "-", ":" * 10)
    for _ in range(NUMBER - 4):
        text = chance.choice((*GENUINE, ""))
        for _ in range(chance.randint(1, 3)):
            at = chance.randint(0, len(text))
            text = text[:at] + chance.choice(BITS) + text[at + chance.randint(0, 2) :]
        yield text


def model_of(path: str) -> str:
    assert TARGET.fullmatch(path), path
    return unquote(path.split("/")[2])


def test_no_id_in_a_path_leads_elsewhere(bench: RouterBench, commercial: CommercialStandIn) -> None:
    body = json.dumps(NOVA_BODY).encode()
    chance = random.Random(6)  # noqa: S311
    statuses: dict[int, int] = {}
    with GatewayFront(bench).running() as api:
        for hostile in hostile_ids():
            for spelled in {quote(hostile, safe=""), quote(hostile, safe="/:@;&+'*~$")}:
                target = f"/model/{spelled}/{chance.choice(('invoke', 'converse', 'count-tokens'))}"
                status, headers, _ = exchange(api.url, SdkRequest("POST", target, {}, body))
                statuses[status] = statuses.get(status, 0) + 1
                assert status < 500
                assert "X-Evil" not in headers
    assert statuses[400] + statuses[404] > NUMBER
    for request in commercial.requests:
        if request["method"] == "POST":
            assert ".." not in model_of(request["path"])
            assert "X-Evil" not in request["headers"]


@pytest.mark.parametrize(
    ("path", "member"),
    [("/bedrock/invoke-model", "modelId"), ("/openai/v1/chat/completions", "model"), ("/async-invoke", "modelId")],
)
def test_no_id_in_a_body_leads_elsewhere(
    bench: RouterBench, commercial: CommercialStandIn, path: str, member: str
) -> None:
    expected = {"modelId": TARGET, "model": re.compile(re.escape(path))}[member]
    refused = 0
    for hostile in hostile_ids():
        answer = bench.call("POST", path, {member: hostile, "body": NOVA_BODY, **NOVA_BODY})
        assert answer.status in (200, 400, 403, 404), answer.text
        refused += "InvalidParameter" in answer.text
    assert refused > NUMBER // 2
    for request in commercial.requests:
        if request["method"] == "POST" and path != "/async-invoke":
            assert expected.fullmatch(request["path"])
        elif request["method"] == "POST":
            assert request["path"] == path


@pytest.mark.parametrize("model_id", [ON_DEMAND_MODEL, f"us.{PROFILE_ONLY_MODEL}"])
@pytest.mark.parametrize("spell", [lambda text: text, lambda text: quote(text, safe="")])
def test_a_colon_in_a_path_is_good_raw_and_encoded(
    bench: RouterBench, commercial: CommercialStandIn, model_id: str, spell: object
) -> None:
    spelled = spell(model_id)  # type: ignore[operator]
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}).encode()
    headers = {"Content-Type": "application/json"}
    with GatewayFront(bench).running() as api:
        status, _, _ = exchange(api.url, SdkRequest("POST", f"/model/{spelled}/converse", headers, body))
    assert status == 200
    assert commercial.requests[-1]["path"] == f"/model/{quote(model_id, safe='')}/converse"

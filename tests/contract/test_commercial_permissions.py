"""What the Commercial stand-in asks of IAM for each operation, and what it answers when IAM denies it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import quote

import pytest

from tests.contract.background_server import BackgroundServer
from tests.contract.commercial_clients import (
    ARN,
    CHAT,
    GPT,
    GPT_OSS,
    HAIKU,
    MODEL_ARN,
    NOVA,
    PROFILE_ARN,
    VIDEO,
    call,
    refusal,
)
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_iam import CALL_WITH_BEARER_TOKEN, CommercialAccount

MODELS = "arn:aws:bedrock:us-east-1::foundation-model"
INVOKE, STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
PLACES = ("us-east-1", "us-east-2", "us-west-2")
US_HAIKU = [PROFILE_ARN, *(f"arn:aws:bedrock:{place}::foundation-model/{HAIKU}" for place in PLACES)]
GLOBAL_GPT = [
    f"{ARN}:inference-profile/global.{GPT}",
    *(f"arn:aws:bedrock:{place}::foundation-model/{GPT}" for place in (*PLACES, "")),
]
CREATE = {"inferenceProfileName": "one", "modelSource": {"copyFrom": PROFILE_ARN}}
START = {
    "modelId": VIDEO,
    "modelInput": {},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://made-up-bucket"}},
}
TAGS = {"tags": [{"key": "k", "value": "v"}]}
TO_CREATE = [("bedrock:CreateInferenceProfile", arn) for arn in (PROFILE_ARN, f"{ARN}:application-inference-profile/*")]
TO_START = [(INVOKE, arn) for arn in (f"{MODELS}/{VIDEO}", f"{ARN}:async-invoke/*")]
GPT_BODY, GUARDRAIL = {"model": f"global.{GPT}", "input": "Hi"}, f"{ARN}:guardrail/twinblocksaword"
# Method, path and body of a call -> the actions and resources that IAM must allow.
Case = tuple[str, str, dict[str, Any], list[tuple[str, str]]]
CASES: list[Case] = [
    ("POST", f"/model/{NOVA}/invoke", {}, [(INVOKE, MODEL_ARN)]),
    ("POST", f"/model/us.{HAIKU}/converse", {}, [(INVOKE, arn) for arn in US_HAIKU]),
    ("POST", f"/model/{NOVA}/invoke-with-response-stream", {}, [(STREAM, MODEL_ARN)]),
    ("POST", f"/model/{quote(PROFILE_ARN, safe='')}/converse-stream", {}, [(STREAM, arn) for arn in US_HAIKU]),
    ("POST", f"/model/{NOVA}/count-tokens", {}, [("bedrock:CountTokens", MODEL_ARN)]),
    ("POST", "/openai/v1/chat/completions", {"model": GPT_OSS}, [(INVOKE, f"{MODELS}/{GPT_OSS}")]),
    ("POST", "/openai/v1/responses", GPT_BODY, [(INVOKE, arn) for arn in (*GLOBAL_GPT, f"{ARN}:project/default")]),
    (
        "POST",
        "/openai/v1/responses",
        {**GPT_BODY, "stream": True},
        [(STREAM, arn) for arn in (*GLOBAL_GPT, f"{ARN}:project/default")],
    ),
    ("POST", "/anthropic/v1/messages?beta=true", {"model": f"us.{HAIKU}"}, [(INVOKE, arn) for arn in US_HAIKU]),
    (
        "POST",
        "/anthropic/v1/messages",
        {"model": f"us.{HAIKU}", "stream": True},
        [(STREAM, arn) for arn in US_HAIKU],
    ),
    ("POST", "/guardrail/twinblocksaword/version/1/apply", {}, [("bedrock:ApplyGuardrail", GUARDRAIL)]),
    ("POST", f"/guardrail/{quote(GUARDRAIL, safe='')}/version/1/apply", {}, [("bedrock:ApplyGuardrail", GUARDRAIL)]),
    ("POST", "/guardrail-checks/invoke", {}, [("bedrock:InvokeGuardrailChecks", "*")]),
    ("POST", "/async-invoke", START, TO_START),
    ("POST", "/async-invoke", {**START, **TAGS}, [*TO_START, ("bedrock:TagResource", f"{ARN}:async-invoke/*")]),
    ("GET", "/async-invoke?maxResults=1", {}, [("bedrock:ListAsyncInvokes", "*")]),
    (
        "GET",
        f"/async-invoke/{quote(ARN, safe='')}%3Aasync-invoke%2Fone",
        {},
        [("bedrock:GetAsyncInvoke", f"{ARN}:async-invoke/one")],
    ),
    ("GET", "/foundation-models", {}, [("bedrock:ListFoundationModels", "*")]),
    ("GET", f"/foundation-models/{NOVA}", {}, [("bedrock:GetFoundationModel", MODEL_ARN)]),
    ("GET", f"/foundation-model-availability/{NOVA}", {}, [("bedrock:GetFoundationModelAvailability", "*")]),
    ("GET", "/inference-profiles", {}, [("bedrock:ListInferenceProfiles", "*")]),
    ("GET", f"/inference-profiles/us.{HAIKU}", {}, [("bedrock:GetInferenceProfile", PROFILE_ARN)]),
    ("POST", "/inference-profiles", CREATE, TO_CREATE),
    (
        "POST",
        "/inference-profiles",
        {**CREATE, **TAGS},
        [*TO_CREATE, ("bedrock:TagResource", f"{ARN}:application-inference-profile/*")],
    ),
    ("POST", "/listTagsForResource", {"resourceARN": PROFILE_ARN}, [("bedrock:ListTagsForResource", PROFILE_ARN)]),
]


class AskedAccount(BackgroundServer):
    """An account that knows every key, allows everything but `denied_action`, and remembers its questions."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []
        self.denied_action = ""
        account = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                answer = json.dumps(account.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        permissions = question.get("permissions", [])
        if permissions:
            self.questions.append(question)
        refused = [{**one, "explicit": False} for one in permissions if one["action"] == self.denied_action]
        who = {"principal_arn": "arn:aws:iam::111122223333:user/made-up", "credential_id": "made-up"}
        known = {"known": True, "status": "Active", "denied": refused[0] if refused else None}
        return {"account_id": "111122223333", **who, **known}


@pytest.fixture
def account() -> Iterator[AskedAccount]:
    with AskedAccount().running() as server:
        yield server


@pytest.fixture
def guarded(account: AskedAccount) -> Iterator[CommercialStandIn]:
    """A stand-in that has no credentials of its own."""
    with CommercialStandIn(credentials={}, account=CommercialAccount(account.url, "made-up")) as stand_in:
        yield stand_in


@pytest.mark.parametrize(("method", "path", "body", "expected"), CASES)
def test_each_operation_needs_its_own_permissions(
    guarded: CommercialStandIn,
    account: AskedAccount,
    method: str,
    path: str,
    body: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    call(guarded, method, path, body)
    [question] = account.questions
    bearer, *needed = question["permissions"]
    assert bearer == CALL_WITH_BEARER_TOKEN
    assert [(one["action"], one["resource"]) for one in needed] == expected
    profiles = [arn for _, arn in expected if ":inference-profile/" in arn]
    by_profile = profiles and expected[0][0] in (INVOKE, STREAM)
    assert question["conditions"].get("bedrock:InferenceProfileArn") == (profiles[0] if by_profile else None)


def test_an_application_profile_needs_itself_and_its_models(guarded: CommercialStandIn, account: AskedAccount) -> None:
    arn = json.loads(call(guarded, path="/inference-profiles", body=CREATE)[2])["inferenceProfileArn"]
    assert call(guarded, path=f"/model/{quote(arn, safe='')}/converse-stream")[0] == 200
    _, *needed = account.questions[-1]["permissions"]
    assert [one["resource"] for one in needed] == [arn, *US_HAIKU[1:]]
    assert {one["action"] for one in needed} == {STREAM}
    assert account.questions[-1]["conditions"]["bedrock:InferenceProfileArn"] == arn
    call(guarded, "GET", f"/inference-profiles/{quote(arn, safe='')}", b"")
    assert account.questions[-1]["permissions"][1] == {"action": "bedrock:GetInferenceProfile", "resource": arn}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/model/arn%3Aaws%3As3%3A%3A%3Abucket/invoke", b"{}"),
        ("/openai/v1/chat/completions", b"{"),
        ("/async-invoke", b"{}"),
        ("/inference-profiles", b'{"modelSource":1}'),
        ("/no-such-operation", b"{}"),
    ],
)
def test_what_names_nothing_needs_only_the_key(
    guarded: CommercialStandIn, account: AskedAccount, path: str, body: bytes
) -> None:
    assert call(guarded, path=path, body=body)[0] in (400, 404)
    assert [question["permissions"] for question in account.questions] == [[CALL_WITH_BEARER_TOKEN]]


def test_a_denied_action_is_refused_in_the_shape_of_the_path(guarded: CommercialStandIn, account: AskedAccount) -> None:
    account.denied_action = STREAM
    refused = call(guarded, path=f"/model/{NOVA}/converse-stream")
    sentence = f"is not authorized to perform: {STREAM} on resource: {MODEL_ARN}"
    assert refusal(refused)[:2] == (403, "AccessDeniedException")
    assert sentence in refusal(refused)[2]
    assert call(guarded, path=f"/model/{NOVA}/converse")[0] == 200
    body = {"model": GPT_OSS, "messages": CHAT, "stream": True}
    status, _, answer = call(guarded, path="/openai/v1/chat/completions", body=body)
    assert (status, json.loads(answer)["error"]["type"]) == (403, "permission_error")

"""Marked text that hides: in other encodings, places, headers, or behind what is no JSON.

Each is refused on every path, by the rule that it breaks.
"""

import base64
import json
from typing import Any

import pytest

from tests.contract.crossings import WAYS, Way
from tests.contract.decision_bench import DecisionBench, Sent
from tests.contract.hostile.hostile_requests import (
    BANNER,
    CHAT,
    CONVERSE,
    DECLARED,
    ENVELOPE,
    IN_PATH,
    INVOKE,
    MESSAGES,
    METADATA_HEADER,
    PUBLIC,
    allowed,
    denied,
    denied_on,
    member,
    request,
)
from tests.contract.policies import policy
from tests.contract.router_bench import ON_DEMAND_MODEL, PROFILE_ONLY_MODEL


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def said(*content: object) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


ARGUMENTS = json.dumps({"query": f"find\n{BANNER}"})
PLACES = {
    "system prompt": member("system", [{"text": f"You know:\n{BANNER}"}]),
    "second message": member("messages", [*said({"text": "hi"}), *said({"text": BANNER})]),
    "tool result": member("messages", said({"toolResult": {"content": [{"json": {"page": BANNER}}]}})),
    "tool arguments": member("messages", [{"tool_calls": [{"function": {"arguments": ARGUMENTS}}]}]),
    "arguments within arguments": member("arguments", json.dumps({"inner": ARGUMENTS})),
    "description of a tool": member("tools", [{"name": "lookup", "description": BANNER}]),
    "name of a member": member("properties", {BANNER: {"type": "string"}}),
    "document": member("messages", said({"document": {"source": {"text": BANNER}}})),
    "document in base64": member("messages", said({"document": {"source": {"bytes": encoded(BANNER)}}})),
    "base64 of UTF-16": member("data", base64.b64encode(BANNER.encode("utf-16")).decode()),
    "lines of base64": member("data", base64.encodebytes(f"{BANNER}\n".encode() * 9).decode()),
    "base64 without its padding": member("data", encoded(BANNER).rstrip("=")),
    "URL of data": member("file_data", f"data:text/plain;base64,{encoded(BANNER)}"),
    "body of CountTokens": member("input", {"invokeModel": {"body": encoded(json.dumps({"prompt": BANNER}))}}),
    "request metadata": member("requestMetadata", {"note": BANNER}),
    "member that comes twice": f"{member('note', BANNER)},{member('note', 'nothing')}",
    "escaped characters": '"note":"\\u0053ECRET\\u002f\\/NOFORN"',
    "full width": member("note", "\uff33\uff25\uff23\uff32\uff25\uff34//NOFORN"),
    "Cyrillic": member("note", "SE\u0421RET//NOFORN"),
    "zero-width": member("note", "SEC\u200bRET//NOFORN"),
    "JSON cut off": member("note", json.dumps({"page": f"Title\n{BANNER}"})[:-2]),
    "lines of JSON": member("data", encoded(f'{{"a": 1}}\n{json.dumps({"page": BANNER})}\n')),
    "numbered lines": member("note", f"     1\tTitle\n     2\t{BANNER}"),
    "mark-up within": member("note", BANNER.replace("SECRET", "<b>SECRET</b>")),
    "document in Cyrillic": member("data", base64.b64encode(f"{BANNER}\n{chr(0x42D) * 40}".encode("cp1251")).decode()),
    "short document": member("data", encoded("SECRET//X")),
    "deep": '"note":' + "[" * 300 + json.dumps(BANNER) + "]" * 300,
}


@pytest.mark.parametrize("members", PLACES.values(), ids=PLACES.keys())
def test_a_marking_is_found_wherever_it_is(bench: DecisionBench, members: str) -> None:
    denied_on(bench, WAYS, lambda way: request(way, headers=PUBLIC, members=members), "markings")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_marking_is_found_in_any_encoding(bench: DecisionBench, encoding: str) -> None:
    bench.under(DECLARED)

    def spelled(way: Way, text: str) -> Sent:
        sent = request(way, text=text, headers=PUBLIC)
        return Sent("POST", sent.path, sent.body.decode().encode(encoding), sent.headers)

    marked, clean = (bench.decide_all([spelled(way, text) for way in WAYS]) for text in (BANNER, "hello"))
    for way, decided, other in zip(WAYS, marked, clean, strict=True):
        if way in IN_PATH or not way.runs_a_model:
            denied(decided, "markings")
            allowed(other)
        else:  # the model is to be found in the body, which has to be plain for it
            assert decided.rule in ("markings", None)


# What no strict reader takes for JSON; a lenient one might read the text.
NO_JSON = {
    "text": BANNER,
    "lines": f"hello\n\n  {BANNER}\n",
    "behind a comma": f'{{"messages":[{{"text":"{BANNER}"}},]}}',
    "behind a comment": f'{{/*"*/"text":"{BANNER}"}}',
    "single quotes": f"{{'text':'{BANNER}'}}",
    "second document": f'{{"messages":[]}}\n{{"text":"{BANNER}"}}',
    "cut off": f'{{"messages":[{{"text":"{BANNER}',
    "behind a zero": f"x\0\n{BANNER}",
    "a form": f"model=x&text=\n{BANNER}",
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_no_json_hides_no_marking(bench: DecisionBench, body: str) -> None:
    bench.under(DECLARED)
    whole = {way: json.dumps({"modelId": ON_DEMAND_MODEL, "body": body}) if way is ENVELOPE else body for way in WAYS}
    decisions = bench.decide_all([Sent("POST", request(way).path, whole[way].encode(), PUBLIC) for way in WAYS])
    for way, decided in zip(WAYS, decisions, strict=True):
        assert decided.posts == [], way.path
        assert (decided.rule is None) == (way.runs_a_model and way not in (ENVELOPE, *IN_PATH))


CROSSING_HEADERS = {
    "Accept": (CONVERSE, BANNER),
    "Content-Type": (CONVERSE, BANNER),
    "X-Amzn-Bedrock-Trace": (INVOKE, BANNER),
    "X-Amzn-Bedrock-Made-Up": (CHAT, f"{BANNER}, more"),
    METADATA_HEADER: (INVOKE, json.dumps({"note": f"for\n{BANNER}"})),
    "anthropic-beta": (MESSAGES, BANNER),
    "anthropic-version": (MESSAGES, BANNER),
}


@pytest.mark.parametrize("name", CROSSING_HEADERS)
def test_a_marking_is_found_in_every_header_that_crosses(bench: DecisionBench, name: str) -> None:
    way, value = CROSSING_HEADERS[name]
    denied_on(bench, [way], lambda way: request(way, headers={**PUBLIC, name: value}), "markings")


@pytest.mark.parametrize("query", [{"note": BANNER}, {BANNER: ""}, {"note": ARGUMENTS}])
def test_a_marking_is_found_in_the_query(bench: DecisionBench, query: dict[str, str]) -> None:
    denied_on(bench, WAYS[1:], lambda way: request(way, headers=PUBLIC, query=query), "markings")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/foundation-models", "byProvider"),
        ("/async-invoke", "nextToken"),
        (f"/inference-profiles/us.{PROFILE_ONLY_MODEL}", "projectIdentifier"),
    ],
)
def test_nor_does_it_cross_with_what_only_reads(bench: DecisionBench, path: str, parameter: str) -> None:
    bench.under(policy())
    denied(bench.decide(Sent("GET", path, b"", {}, {parameter: BANNER})), "markings")

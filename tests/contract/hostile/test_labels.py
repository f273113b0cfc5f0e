"""Labels that say one thing here and another there, or only look like a label.

Each is refused on every path, by the rule that it breaks.
"""

import json

import pytest

from tests.contract.crossings import WAYS
from tests.contract.decision_bench import DecisionBench
from tests.contract.hostile.hostile_requests import (
    BANNER,
    DECLARED,
    IN_PATH,
    METADATA_HEADER,
    allowed,
    denied_on,
    member,
    request,
)
from tests.contract.policies import HEADER, entry, policy


@pytest.mark.parametrize("label", ["PUBLIC", "pUbLiC", "  public\t"])
def test_a_label_counts_in_any_case(bench: DecisionBench, label: str) -> None:
    bench.under(DECLARED)
    for decided in bench.decide_all([request(way, headers={HEADER: label}) for way in WAYS]):
        allowed(decided)
        assert decided.record
        assert decided.record["classification"] == "public"


UNREADABLE = {
    "Cyrillic": "\u0440ublic",
    "full width": "\uff50\uff55\uff42\uff4c\uff49\uff43",
    "dotless i": "publ\u0131c",
    "dotted capital I": "PUBL\u0130C",
    "long s": "\u017fecret",
    "Kelvin sign": "\u212aey",
    "zero-width space": "pub\u200blic",
    "zero-width joiner": "public\u200d",
    "no-break space": "public\u00a0",
    "soft hyphen": "pub\u00adlic",
    "combining dot": "public\u0307",
    "right to left": "\u202ecilbup",
    "list": "public, public",
    "list that ends": "public,",
    "two words": "public internal",
    "quoted": '"public"',
    "NUL": "public\x00",
    "line break": "public\n",
    "header break": "public\r\nX-Data-Classification: internal",
    "vertical tab": "\vpublic",
    "empty": "",
    "blank": " \t ",
    "10 kB": "public" * 1_700,
    "marked": BANNER,
}


@pytest.mark.parametrize("label", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_only_looks_like_a_label_is_none(bench: DecisionBench, label: str) -> None:
    denied_on(bench, WAYS, lambda way: request(way, headers={HEADER: label}), "classifications.unreadable")


REPEATED: dict[str, dict[str, str | list[str]]] = {
    "twice the same": {HEADER: ["public", "public"]},
    "two, the good one first": {HEADER: ["public", "internal"]},
    "two, the good one last": {HEADER: ["cui", "public"]},
    "an empty one": {HEADER: ["public", ""]},
    "in two cases, the same": {HEADER: "public", HEADER.lower(): "public"},
    "in two cases, the good one first": {HEADER: "public", HEADER.lower(): "cui"},
    "in two cases, the good one last": {HEADER.upper(): "cui", HEADER: "public"},
}


@pytest.mark.parametrize("headers", REPEATED.values(), ids=REPEATED.keys())
def test_a_header_that_comes_twice_declares_nothing(bench: DecisionBench, headers: dict[str, str | list[str]]) -> None:
    denied_on(bench, WAYS, lambda way: request(way, headers=headers), "classifications.unreadable")


@pytest.mark.parametrize(
    ("header", "metadata", "rule"),
    [
        ("public", "internal", "classifications.conflict"),
        ("internal", "public", "classifications.conflict"),
        ("public", "cui", "classifications.allowed"),
        ("cui", "public", "classifications.allowed"),
        ("public", "", "classifications.unreadable"),
        ("", "public", "classifications.unreadable"),
    ],
)
@pytest.mark.parametrize("place", ["header", "body"])
def test_two_places_must_say_the_same(bench: DecisionBench, header: str, metadata: str, rule: str, place: str) -> None:
    document = {"team": "red", "classification": metadata}
    headers = {HEADER: header, **({METADATA_HEADER: json.dumps(document)} if place == "header" else {})}
    members = member("requestMetadata", document) if place == "body" else ""
    denied_on(bench, WAYS, lambda way: request(way, headers=headers, members=members), rule)


@pytest.mark.parametrize("place", ["header", "metadata's header", "metadata in the body"])
def test_who_has_a_label_declares_no_other(bench: DecisionBench, place: str) -> None:
    metadata = {"classification": "internal"}
    headers = {
        "header": {HEADER: "internal"},
        "metadata's header": {METADATA_HEADER: json.dumps(metadata)},
    }.get(place, {})
    members = member("requestMetadata", metadata) if place == "metadata in the body" else ""
    denied_on(
        bench,
        WAYS,
        lambda way: request(way, headers=headers, members=members),
        "classifications.conflict",
        under=policy(callers=[entry(classification="public")]),
    )


def test_three_places_may_say_the_same(bench: DecisionBench) -> None:
    metadata = {"classification": "Public"}
    headers = {HEADER: "PUBLIC", METADATA_HEADER: json.dumps(metadata)}
    bench.under(DECLARED)
    members = member("requestMetadata", metadata)
    for decided in bench.decide_all([request(way, headers=headers, members=members) for way in WAYS]):
        allowed(decided)


# Objects of metadata, and the rule that each breaks on its own.
METADATA = {
    "two of one key": ('{"classification":"public","classification":"internal"}', "classifications.conflict"),
    "two of one key, one not allowed": (
        '{"classification":"cui","classification":"public"}',
        "classifications.allowed",
    ),
    "the key in two cases": ('{"classification":"public","Classification":"internal"}', "classifications.conflict"),
    "an escaped key": ('{"classification":"public","\\u0063lassification":"internal"}', "classifications.conflict"),
    "nested": ('{"classification":{"classification":"public"}}', "classifications.unreadable"),
    "within another": ('{"team":{"classification":"public"}}', "classifications.required"),
    "a list": ('{"classification":["public"]}', "classifications.unreadable"),
    "null": ('{"classification":null}', "classifications.unreadable"),
    "true": ('{"classification":true}', "classifications.unreadable"),
    "a look-alike": ('{"classification":"publ\\u0131c"}', "classifications.unreadable"),
    "a key that looks alike": ('{"cl\\u0430ssification":"public"}', "classifications.required"),
}


@pytest.mark.parametrize(("metadata", "rule"), METADATA.values(), ids=METADATA.keys())
def test_odd_metadata(bench: DecisionBench, metadata: str, rule: str) -> None:
    denied_on(bench, WAYS, lambda way: request(way, members=f'"requestMetadata":{metadata}'), rule)
    # InvokeModel takes a header of texts and no other, whatever the policy says.
    is_flat = all(isinstance(value, str) for value in json.loads(metadata).values())
    ways = [way for way in WAYS if is_flat or way not in IN_PATH[:2]]
    denied_on(bench, ways, lambda way: request(way, headers={METADATA_HEADER: metadata}), rule)
    bench.under(DECLARED)
    for decided in bench.decide_all([request(way, headers={METADATA_HEADER: metadata}) for way in IN_PATH[:2]]):
        assert decided.posts == []


@pytest.mark.parametrize("metadata", ['["classification"]', '"public"', "public", "1", "", '{"label":"public"'])
def test_metadata_that_is_no_object_declares_nothing(bench: DecisionBench, metadata: str) -> None:
    bench.under(DECLARED)
    decisions = bench.decide_all([request(way, headers={METADATA_HEADER: metadata}) for way in WAYS])
    for way, decided in zip(WAYS, decisions, strict=True):
        assert decided.posts == []
        # InvokeModel takes no such header, whatever the policy says.
        assert decided.rule in (["classifications.required"] if way not in IN_PATH[:2] else [None])
    for members in ('"requestMetadata":["classification"]', '"requestMetadata":"public"'):
        denied_on(bench, WAYS, lambda way, text=members: request(way, members=text), "classifications.required")


@pytest.mark.parametrize("name", ["requestMetadata", "RequestMetadata", "\\u0072equestMetadata"])
def test_metadata_that_comes_twice_counts_twice(bench: DecisionBench, name: str) -> None:
    members = f'"requestMetadata":{{"classification":"public"}},"{name}":{{"classification":"internal"}}'
    denied_on(bench, WAYS, lambda way: request(way, members=members), "classifications.conflict")


DEPTHS = pytest.mark.parametrize("depth", [300, 2_000])


@DEPTHS
@pytest.mark.parametrize("place", ["before", "behind"])
def test_depth_hides_no_label(bench: DecisionBench, depth: int, place: str) -> None:
    metadata = '"requestMetadata":{"classification":"internal"}'
    deep = f'"deep":{"[" * depth}{"]" * depth}'
    members = ",".join([metadata, deep] if place == "before" else [deep, metadata])
    denied_on(
        bench,
        IN_PATH,
        lambda way: request(way, headers={HEADER: "public"}, members=members),
        "classifications.conflict",
    )


def test_nor_does_what_is_no_json(bench: DecisionBench) -> None:
    metadata = '"requestMetadata":{"classification":"internal"},'
    denied_on(
        bench,
        IN_PATH,
        lambda way: request(way, headers={HEADER: "public"}, members=metadata),
        "classifications.conflict",
    )

"""The policy document: every problem is named with its path, all at once, and nothing wrong gets through."""

import contextlib
import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inference_proxy import policy_parser
from inference_proxy.decisions import Limits
from inference_proxy.document_reader import DocumentError
from inference_proxy.policy_document import CallerRule, Guardrail, Price

POLICIES = Path(__file__).resolve().parents[2] / "terraform/application/policies"
COMPLETE: dict[str, Any] = {
    "version": 1,
    "classifications": {"allowed": ["public", "internal"], "header": "X-Label", "request_metadata": "label"},
    "models": {"allow": ["amazon.nova-*"], "deny": ["*pro*"]},
    "destinations": {"regions": ["us-*"], "global_profiles": False},
    "markings": {"mode": "report", "patterns": ["SECRET//*", "CUI"]},
    "max_request_bytes": 1000,
    "limits": {"when_unavailable": "allow"},
    "guardrails": {
        "before_egress": {"identifier": "abc", "version": "1", "mode": "mask"},
        "commercial": {"identifier": "arn:aws:bedrock:us-east-1:111122223333:guardrail/def", "version": "DRAFT"},
    },
    "callers": [
        {
            "name": "analytics",
            "principals": ["arn:aws-us-gov:iam::123456789012:role/analytics-*"],
            "classifications": ["public"],
            "models": ["*lite*"],
            "expires_at": "2027-07-01",
            "max_request_bytes": 10,
            "limits": {"requests_per_minute": 1, "requests_per_day": 2, "tokens_per_minute": 3, "tokens_per_day": 4},
        },
        {"name": "rest", "principals": ["*"], "classification": "public", "expires_at": "2027-07-01T12:30:00Z"},
    ],
    "auditors": ["arn:aws-us-gov:iam::123456789012:role/auditor"],
    "prices": [{"models": ["*"], "input_usd_per_million_tokens": 0.5, "output_usd_per_million_tokens": 2}],
}
MISSING = object()
NO_VALUE = "has no value; leave it out, or give it one"
# Without a value they would restrict nothing.
MAY_BE_LEFT_OUT = (
    *("callers[0].classifications", "callers[0].models", "callers[0].expires_at", "callers[0].max_request_bytes"),
    *("callers[0].limits", "callers[0].limits.tokens_per_day", "callers[1].classification", "models.deny", "limits"),
    *("limits.when_unavailable", "guardrails", "guardrails.commercial", "max_request_bytes", "auditors", "prices"),
)
UNKNOWN = "has unknown members: x; known are"
WHOLE = "must be a whole number from 1 to"
# Where, what stands there, and what is said of it.
WRONG: list[tuple[str, object, str]] = [
    ("version", 2, "version: must be 1"),
    ("version", True, "version: must be 1"),
    ("version", MISSING, "version: is required"),
    ("version", None, "version: is required"),
    ("x", 1, f"policy: {UNKNOWN} version, classifications, models, destinations, markings, callers"),
    ("classifications", MISSING, "classifications: is required"),
    ("classifications", ["public"], "classifications: must be an object"),
    ("classifications.x", 1, f"classifications: {UNKNOWN} allowed, header, request_metadata"),
    ("classifications.allowed", [], "classifications.allowed: must not be empty"),
    ("classifications.allowed", "public", "classifications.allowed: must be a list"),
    ("classifications.allowed[1]", "Internal", "classifications.allowed[1]: must be a label"),
    ("classifications.allowed[1]", "a" * 65, "classifications.allowed[1]: must be a label"),
    ("classifications.allowed[1]", "intern\u0430l", "classifications.allowed[1]: must be a label"),
    *(
        ("classifications.header", name, "classifications.header: must be the name of a header of your own")
        for name in ("X-Amz-Label", "anthropic-beta", "Accept", "content-Type", "HOST", "Authorization")
    ),
    ("classifications.header", "x label", "classifications.header: must be the name of a header"),
    ("classifications.request_metadata", "auditId", "classifications.request_metadata: must be up to 64 letters"),
    ("models", MISSING, "models: is required"),
    ("models.allow", MISSING, "models.allow: is required"),
    ("models.allow", [], "models.allow: must not be empty"),
    ("models.denny", [], "models: has unknown members: denny; known are allow, deny"),
    ("models.deny[0]", "a b", "models.deny[0]: must be a pattern of model ids"),
    ("models.deny[0]", 5, "models.deny[0]: must be a pattern of model ids"),
    ("destinations", MISSING, "destinations: is required"),
    ("destinations.regions[0]", "US", "destinations.regions[0]: must be a pattern of regions"),
    ("destinations.global_profiles", "true", "destinations.global_profiles: must be true or false"),
    ("destinations.global_profiles", 0, "destinations.global_profiles: must be true or false"),
    ("markings", MISSING, "markings: is required"),
    ("markings.mode", MISSING, "markings.mode: is required"),
    ("markings.mode", "on", "markings.mode: must be off, report or block"),
    ("markings.mode", True, "markings.mode: must be off, report or block"),
    ("markings.patterns", MISSING, "markings.patterns: is required"),
    ("markings.patterns", [], "markings.patterns: must not be empty"),
    ("markings.patterns[0]", "secret//*", "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", "SE*RET", "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", " SECRET", "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", "*", "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", "---*", "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", "S" * 65, "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", "<B>", "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", "&AMP;", "markings.patterns[0]: must be a marking in capitals"),
    ("markings.patterns[0]", "<!-- <B>*", "markings.patterns[0]: must be a marking in capitals"),
    ("max_request_bytes", 0, f"max_request_bytes: {WHOLE} 4500000"),
    ("max_request_bytes", 4_500_001, f"max_request_bytes: {WHOLE} 4500000"),
    ("max_request_bytes", 1.5, f"max_request_bytes: {WHOLE} 4500000"),
    ("max_request_bytes", "1000", f"max_request_bytes: {WHOLE} 4500000"),
    ("limits.when_unavailable", "open", "limits.when_unavailable: must be deny or allow"),
    ("limits.x", 1, f"limits: {UNKNOWN} when_unavailable"),
    ("guardrails.x", 1, f"guardrails: {UNKNOWN} before_egress, commercial"),
    ("guardrails.before_egress.mode", MISSING, "guardrails.before_egress.mode: is required"),
    ("guardrails.before_egress.mode", "block", "guardrails.before_egress.mode: must be screen or mask"),
    ("guardrails.commercial.mode", "mask", "guardrails.commercial: has unknown members: mode"),
    ("guardrails.commercial.identifier", "ABC", "guardrails.commercial.identifier: must be the id or ARN"),
    ("guardrails.commercial.version", 1, "guardrails.commercial.version: must be a version"),
    ("callers", MISSING, "callers: is required"),
    ("callers", {"name": "x"}, "callers: must be a list"),
    ("callers[0]", "analytics", "callers[0]: must be an object"),
    ("callers[0].expires", "2020-01-01", "callers[0]: has unknown members: expires; known are name, principals"),
    ("callers[0].name", MISSING, "callers[0].name: is required"),
    ("callers[0].name", "An entry", "callers[0].name: must be up to 48"),
    ("callers[1].name", "analytics", "callers[1].name: is the name of an earlier entry"),
    ("callers[0].principals", [], "callers[0].principals: must not be empty"),
    ("callers[0].principals[0]", "analytics", 'callers[0].principals[0]: must be "*" or the ARN'),
    ("callers[0].principals[0]", "arn:aws-us-gov:iam::123456789012:role/a/b", "callers[0].principals[0]: must be"),
    ("callers[0].principals[0]", "arn:aws-us-gov:sts::123456789012:assumed-role/a/b", "callers[0].principals[0]: must"),
    ("callers[0].principals[0]", "arn:aws-us-gov:iam::1234:role/a", "callers[0].principals[0]: must be"),
    ("callers[0].principals[0]", "arn:aws:sts::123456789012:role/a", "callers[0].principals[0]: must be"),
    ("callers[0].principals[0]", "arn:aws:sts::123456789012:user/a", "callers[0].principals[0]: must be"),
    ("callers[0].principals[0]", "arn:aws:sts::123456789012:root", "callers[0].principals[0]: must be"),
    ("callers[0].principals[0]", "arn:aws:iam::123456789012:federated-user/a", "callers[0].principals[0]: must be"),
    ("auditors", "*", "auditors: must be a list"),
    ("auditors[0]", "auditor", 'auditors[0]: must be "*" or the ARN'),
    ("callers[0].classification", "public", "callers[0].classifications: must not be given beside classification"),
    ("callers[1].classification", "cui", "callers[1].classification: is not one of classifications.allowed"),
    ("callers[0].classifications[0]", "cui", "callers[0].classifications[0]: is not one of classifications.allowed"),
    ("callers[0].models", [], "callers[0].models: must not be empty"),
    ("callers[0].expires_at", "tomorrow", "callers[0].expires_at: must be a date such as 2027-07-01"),
    ("callers[0].expires_at", "2027-02-30", "callers[0].expires_at: must be a date such as 2027-07-01"),
    ("callers[0].expires_at", "2027-07-01T12:00:00+02:00", "callers[0].expires_at: must be a date"),
    ("callers[0].limits.requests_per_hour", 1, "callers[0].limits: has unknown members: requests_per_hour"),
    ("callers[0].limits.tokens_per_day", 0, f"callers[0].limits.tokens_per_day: {WHOLE} 1000000000000"),
    ("prices[0].models", MISSING, "prices[0].models: is required"),
    ("prices[0].input_usd_per_million_tokens", -1, "prices[0].input_usd_per_million_tokens: must be a number from "),
    (
        "prices[0].input_usd_per_million_tokens",
        1_000_001,
        "prices[0].input_usd_per_million_tokens: must be a number",
    ),
    ("prices[0].input_usd_per_million_tokens", "1", "prices[0].input_usd_per_million_tokens: must be a number from "),
    ("prices[0].cache_read_usd_per_million_tokens", -1, "prices[0].cache_read_usd_per_million_tokens: must be a numb"),
    ("prices[0].cache_write_usd_per_million_tokens", "1", "prices[0].cache_write_usd_per_million_tokens: must be a "),
]


def changed(path: str, value: object) -> dict[str, Any]:
    """The complete policy with one member changed, added or taken out."""
    document: Any = copy.deepcopy(COMPLETE)
    *way, last = [
        int(step) if step.isdecimal() else step for step in path.replace("]", "").replace("[", ".").split(".")
    ]
    place = document
    for step in way:
        place = place[step]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return dict(document)


def problems(document: object) -> tuple[str, ...]:
    """What is wrong with a document."""
    with pytest.raises(DocumentError) as raised:
        policy_parser.parse(document if isinstance(document, str) else json.dumps(document))
    return raised.value.problems


def test_everything_is_read() -> None:
    policy = policy_parser.parse(json.dumps(COMPLETE))
    assert (policy.classifications, policy.classification_header) == (("public", "internal"), "x-label")
    assert policy.classification_metadata == "label"
    assert (policy.allowed_models, policy.denied_models) == (("amazon.nova-*",), ("*pro*",))
    assert (policy.regions, policy.global_profiles) == (("us-*",), False)
    assert (policy.marking_mode, policy.markings) == ("report", ("SECRET//*", "CUI"))
    assert (policy.max_request_bytes, policy.limits_when_unavailable) == (1000, "allow")
    assert policy.guardrail_before_egress == Guardrail("abc", "1", "mask")
    assert policy.commercial_guardrail == Guardrail("arn:aws:bedrock:us-east-1:111122223333:guardrail/def", "DRAFT")
    assert policy.auditors == ("arn:aws-us-gov:iam::123456789012:role/auditor",)
    assert policy.prices == (Price(("*",), 0.5, 2.0),)
    assert policy.callers[0] == CallerRule(
        "analytics",
        ("arn:aws-us-gov:iam::123456789012:role/analytics-*",),
        None,
        ("public",),
        ("*lite*",),
        datetime(2027, 7, 1, tzinfo=UTC),
        10,
        Limits(1, 2, 3, 4),
    )
    assert policy.callers[1].expires_at == datetime(2027, 7, 1, 12, 30, tzinfo=UTC)


def test_what_may_be_left_out() -> None:
    optional = ("auditors", "max_request_bytes", "limits", "guardrails", "prices")
    least = {name: value for name, value in COMPLETE.items() if name not in optional}
    least["markings"] = {"mode": False}  # as YAML 1.1 reads `off`
    least["callers"] = []
    policy = policy_parser.parse(json.dumps(least))
    assert (policy.marking_mode, policy.max_request_bytes, policy.limits_when_unavailable) == ("off", 4_500_000, "deny")
    assert (policy.guardrail_before_egress, policy.commercial_guardrail, policy.callers) == (None, None, ())


@pytest.mark.parametrize(("path", "value", "problem"), WRONG)
def test_what_is_wrong_is_said_with_its_path(path: str, value: object, problem: str) -> None:
    found = problems(changed(path, value))
    assert any(each.startswith(problem) for each in found), found
    if not path.startswith("classifications"):  # from which others follow
        assert len(found) == 1, found


@pytest.mark.parametrize("path", MAY_BE_LEFT_OUT)
def test_nothing_is_left_out_by_null(path: str) -> None:
    assert problems(changed(path, None)) == (f"{path}: {NO_VALUE}",)


@pytest.mark.parametrize("principal", ["user/a/b", "role/a", "root"])
def test_principals_of_iam(principal: str) -> None:
    document = changed("callers[0].principals", [f"arn:*:iam::*:{principal}", "arn:aws:sts::*:federated-user/a*"])
    assert policy_parser.parse(json.dumps(document)).callers[0].principals[0].endswith(principal)


def test_everything_wrong_is_said_at_once() -> None:
    document = changed("version", 3) | {"models": {}, "callers": [{"name": "x"}, {"name": "x", "principals": [1]}]}
    assert [problem.partition(":")[0] for problem in problems(document)] == [
        "version",
        "models.allow",
        "callers[0].principals",
        "callers[1].principals[0]",
        "callers[1].name",
    ]


def test_without_a_way_to_declare_a_label_entries_need_one() -> None:
    document = changed("classifications", {"allowed": ["public"]})
    assert problems(document) == (
        "callers[0].classification: is required, as classifications names neither header nor request_metadata",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "policy: is not JSON"),
        ("[" * 100_000, "policy: is not JSON"),
        ("[]", "policy: must be an object"),
        ('{"version": 1, "version": 1}', "policy: an object names a member twice"),
        (json.dumps(COMPLETE)[:-2], "policy: is not JSON"),
        ('{"max_request_bytes": NaN}', "policy: holds a number that JSON does not have"),
    ],
)
def test_what_is_no_policy_at_all(text: str, problem: str) -> None:
    assert problems(text)[0] == problem


@pytest.mark.parametrize("file", sorted(POLICIES.rglob("*.yaml")), ids=lambda file: file.stem)
def test_the_policies_that_ship_are_valid(file: Path) -> None:
    document = yaml.safe_load(file.read_text())
    policy = policy_parser.parse(json.dumps(document, default=str))
    assert policy.marking_mode == "block"
    assert not policy.global_profiles


@given(st.data())
def test_a_changed_document_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands in whatever place: a policy, or problems; never another exception."""
    paths = [path for path, _, _ in WRONG]
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
    document = changed(data.draw(st.sampled_from(paths)), data.draw(values))
    with contextlib.suppress(DocumentError):
        policy_parser.parse(json.dumps(document))

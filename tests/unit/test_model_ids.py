"""Model ids: what is accepted never changes the path; and the choice of an inference profile."""

import json
import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_proxy import policy_parser
from inference_proxy.decisions import Denied
from inference_proxy.errors import InvalidParameterError
from inference_proxy.model_rules import ModelRules
from inference_proxy.policy_document import CallerRule
from inference_proxy.profiles import Catalog, Resolution, checked_id, path_segment
from tests.contract.policies import GLOBAL_ALLOWED, POLICY

PROFILE_ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0"

HOSTILE = [
    *("../", "..", "a/../b", "a..b", "x/invoke", "x?y=1", "x#y", "%2e%2e%2f", "x%2Fy", "a b", "a\\b", "a\x00", "a;b"),
    *(
        "x\r\nX-Evil: 1",
        "x\nHost: evil",
        "\u2028",
        "a\u202eb",
        "\uff41nthropic",
        "@evil.example",
        "//evil.example",
        "-x",
        ".x",
    ),
    *("a" * 10_000, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/../x", "arn:aws:s3:::bucket/key"),
    *(
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/a?b",
        "arn:aws:bedrock:::",
        f"{PROFILE_ARN}/",
        "",
        " ",
        None,
        7,
        [],
        {},
    ),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda value: repr(value)[:24])
def test_hostile_ids_are_refused(hostile: object) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        checked_id(hostile, "modelId")
    assert "modelId" in caught.value.message
    assert str(hostile)[:40] not in caught.value.message or len(str(hostile)) < 3


@pytest.mark.parametrize(
    "model_id",
    [
        *("amazon.nova-lite-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "openai.gpt-oss-20b-1:0"),
        *(PROFILE_ARN, "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "abc123def456"),
        *("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123", "a" * 256),
    ],
)
def test_real_ids_pass(model_id: str) -> None:
    assert checked_id(model_id, "modelId") == model_id
    assert unquote(path_segment(model_id)) == model_id


@given(st.text() | st.from_regex(r"[A-Za-z0-9./:%?#-]{1,60}", fullmatch=True))
def test_whatever_passes_is_one_segment(text: str) -> None:
    try:
        segment = path_segment(checked_id(text, "modelId"))
    except InvalidParameterError:
        return
    target = f"/model/{segment}/invoke"
    assert re.fullmatch(r"/model/[^/?#]+/invoke", target)
    assert urlsplit(f"https://host{target}").path == target
    assert segment not in (".", "..")


def model(model_id: str, *types: str) -> dict[str, object]:
    return {"modelId": model_id, "inferenceTypesSupported": list(types)}


def profile(profile_id: str, model_id: str, status: str = "ACTIVE") -> dict[str, object]:
    arns = [f"arn:aws:bedrock:{region}::foundation-model/{model_id}" for region in ("us-east-1", "us-west-2")]
    return {"inferenceProfileId": profile_id, "status": status, "models": [{"modelArn": arn} for arn in arns]}


CATALOG = Catalog(
    models=[
        model("v.both", "ON_DEMAND", "INFERENCE_PROFILE"),
        model("v.profile", "INFERENCE_PROFILE"),
        model("v.profile-longer", "INFERENCE_PROFILE"),
        model("v.world", "INFERENCE_PROFILE"),
        model("v.abroad", "INFERENCE_PROFILE"),
        model("v.orphan", "INFERENCE_PROFILE"),
        model("v.inactive", "INFERENCE_PROFILE"),
        model("v.new", "SOMETHING_NEW"),
    ],
    profiles=[
        profile("global.v.profile", "v.profile"),
        profile("eu.v.profile", "v.profile"),
        profile("us.v.profile", "v.profile"),
        profile("us.v.profile-longer", "v.profile-longer"),
        profile("global.v.world", "v.world"),
        profile("global.v.abroad", "v.abroad"),
        profile("apac.v.abroad", "v.abroad"),
        profile("us.v.inactive", "v.inactive", "INACTIVE"),
        profile("us.v.new", "v.new"),
    ],
    region="us-east-1",
)


@pytest.mark.parametrize(
    ("given_id", "called"),
    [
        ("v.both", "v.both"),
        ("v.profile", "us.v.profile"),
        ("v.profile-longer", "us.v.profile-longer"),
        ("v.world", "global.v.world"),
        ("v.abroad", "apac.v.abroad"),
        ("v.orphan", "v.orphan"),
        ("v.inactive", "v.inactive"),
        ("v.new", "us.v.new"),
        ("us.v.profile", "us.v.profile"),
        ("global.v.profile", "global.v.profile"),
        ("arn:aws:bedrock:us-east-1::foundation-model/v.profile", "us.v.profile"),
        ("arn:aws:bedrock:us-east-1::foundation-model/v.both", "arn:aws:bedrock:us-east-1::foundation-model/v.both"),
        (PROFILE_ARN, PROFILE_ARN),
        ("unknown", "unknown"),
    ],
)
def test_the_profile_of_the_own_geography_comes_first(given_id: str, called: str) -> None:
    assert CATALOG.resolve(given_id).called_id == called


@pytest.mark.parametrize(
    "model_id", ["global.v.world", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.v.world"]
)
def test_global_profiles_are_denied_in_every_spelling(model_id: str) -> None:
    resolution = Resolution.unresolved(model_id)
    caller = CallerRule("everyone", ("*",))
    for resolved in (model_id, "an.alias"):
        with pytest.raises(Denied) as denied:
            ModelRules(policy_parser.parse(json.dumps(POLICY))).check(resolved, resolution, caller)
        assert denied.value.rule == "destinations.global_profiles"
    ModelRules(policy_parser.parse(json.dumps(GLOBAL_ALLOWED))).check(model_id, resolution, caller)

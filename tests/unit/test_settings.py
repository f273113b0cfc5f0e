"""Settings.from_env: every missing or bad name at once, endpoints as the SDKs resolve them."""

import json

import pytest

from inference_proxy.environment import SettingsError
from inference_proxy.settings import Settings

COMPLETE = {
    "AWS_REGION": "us-gov-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "XP-CANARY",
    "AUDIT_TABLE_NAME": "requests",
    "POLICY_TABLE_NAME": "policy",
    "LIMITS_TABLE_NAME": "limits",
    "USAGE_TABLE_NAME": "usage",
    "CREDENTIAL_SECRET_ID": "creds",
}


def test_defaults_are_fips_on_both_sides() -> None:
    settings = Settings.from_env(COMPLETE)
    assert settings.dynamodb_url == "https://dynamodb-fips.us-gov-west-1.amazonaws.com"
    assert settings.secretsmanager_url == "https://secretsmanager-fips.us-gov-west-1.amazonaws.com"
    assert (
        settings.bedrock_url("bedrock-runtime", "us-east-1") == "https://bedrock-runtime-fips.us-east-1.amazonaws.com"
    )
    assert settings.bedrock_url("bedrock", "us-west-2") == "https://bedrock-fips.us-west-2.amazonaws.com"


def test_metrics_always_have_a_namespace() -> None:
    assert Settings.from_env(COMPLETE).metrics_namespace == "CrossPartitionInference"
    assert Settings.from_env(COMPLETE | {"POWERTOOLS_METRICS_NAMESPACE": "mine"}).metrics_namespace == "mine"


def test_fips_can_be_switched_off() -> None:
    settings = Settings.from_env(COMPLETE | {"AWS_USE_FIPS_ENDPOINT": "false"})
    assert settings.dynamodb_url == "https://dynamodb.us-gov-west-1.amazonaws.com"
    assert settings.bedrock_url("bedrock", "us-east-1") == "https://bedrock.us-east-1.amazonaws.com"


def test_the_general_endpoint_is_for_this_partition_only() -> None:
    """The Commercial credential must not follow a GovCloud endpoint override."""
    settings = Settings.from_env(
        COMPLETE | {"AWS_ENDPOINT_URL": "https://vpce.example", "AWS_ENDPOINT_URL_DYNAMODB": "https://ddb.example/"}
    )
    assert settings.secretsmanager_url == "https://vpce.example"
    assert settings.dynamodb_url == "https://ddb.example"
    assert settings.bedrock_url("bedrock", "us-east-1").endswith(".us-east-1.amazonaws.com")


def test_everything_wrong_is_reported_together() -> None:
    wrong = {
        "AUDIT_RETENTION_DAYS": "0",
        "COMMERCIAL_REGION": "us-gov-west-1",
        "AWS_USE_FIPS_ENDPOINT": "yes",
        "MAX_REQUEST_BYTES": "many",
        "AWS_ENDPOINT_URL_BEDROCK": "http://bedrock.example",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://user@host/path",
    }
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(wrong)
    for name in (*wrong, *COMPLETE):
        assert f"{name}: " in str(caught.value)


def test_the_role_keys_are_not_shown() -> None:
    assert "XP-CANARY" not in repr(Settings.from_env(COMPLETE))


FEDERATED = {name: value for name, value in COMPLETE.items() if name != "CREDENTIAL_SECRET_ID"} | {
    "CREDENTIAL_MODE": "federation",
    "CREDENTIAL_ROLE_ARN": "arn:aws:iam::210987654321:role/path/cross-partition-dev-router",
    "CREDENTIAL_AUDIENCE": "cross-partition-inference",
}


def test_federation_needs_no_secret() -> None:
    settings = Settings.from_env(FEDERATED | {"AWS_LAMBDA_FUNCTION_NAME": "cross-partition-dev-router"})
    assert settings.sts_url == "https://sts.us-gov-west-1.amazonaws.com"  # in GovCloud the plain host is the FIPS one
    assert settings.commercial_sts_url == "https://sts-fips.us-east-1.amazonaws.com"
    assert settings.session_name == "cross-partition-dev-router"
    canada = Settings.from_env(FEDERATED | {"COMMERCIAL_REGION": "ca-central-1"})
    assert canada.commercial_sts_url == "https://sts-fips.us-east-1.amazonaws.com"
    plain = Settings.from_env(FEDERATED | {"COMMERCIAL_REGION": "us-west-2", "AWS_USE_FIPS_ENDPOINT": "false"})
    assert plain.commercial_sts_url == "https://sts.us-west-2.amazonaws.com"


def test_commercial_sts_does_not_follow_this_partitions_endpoint() -> None:
    overrides = {"AWS_ENDPOINT_URL": "https://vpce.example", "AWS_ENDPOINT_URL_STS": "https://sts.example"}
    settings = Settings.from_env(FEDERATED | overrides)
    assert settings.sts_url == "https://sts.example"
    assert settings.commercial_sts_url == "https://sts-fips.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"CREDENTIAL_MODE": "XP-CANARY"}, "CREDENTIAL_MODE: must be one of api_key, aws_keys, federation"),
        ({"CREDENTIAL_ROLE_ARN": ""}, "CREDENTIAL_ROLE_ARN: is required"),
        ({"CREDENTIAL_ROLE_ARN": "arn:aws-us-gov:iam::123456789012:role/x"}, "CREDENTIAL_ROLE_ARN: must match"),
        ({"CREDENTIAL_AUDIENCE": ""}, "CREDENTIAL_AUDIENCE: is required"),
        ({"COMMERCIAL_STS_ENDPOINT_URL": "http://sts.example"}, "COMMERCIAL_STS_ENDPOINT_URL: must be an https URL"),
        ({"CREDENTIAL_MODE": "aws_keys"}, "CREDENTIAL_SECRET_ID: is required"),
    ],
)
def test_what_federation_lacks_is_named(changes: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(FEDERATED | changes)
    assert named in str(raised.value)
    assert "XP-CANARY" not in str(raised.value)


PROFILE_ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"


def test_application_profiles_by_arn_and_by_name() -> None:
    text = json.dumps({"a.model": {"arn": PROFILE_ARN}, "b.model": {"name": "team a", "tags": {"CostCenter": "1"}}})
    profiles = Settings.from_env(COMPLETE | {"APPLICATION_PROFILES": text}).application_profiles
    assert profiles["a.model"].arn == PROFILE_ARN
    assert (profiles["b.model"].name, dict(profiles["b.model"].tags)) == ("team a", {"CostCenter": "1"})


@pytest.mark.parametrize(
    "wrong",
    [
        *("[]", "{", '{"m": "x"}', '{"m": {}}', '{"m": {"arn": 5}}', '{"m": {"arn": "hello"}}', '{"m": {"name": 7}}'),
        *('{"m": {"name": "a/b"}}', '{"m": {"name": "n", "tags": ["a"]}}', '{"m": {"name": "n", "tags": {"k": 5}}}'),
        json.dumps({"m": {"arn": PROFILE_ARN.replace("arn:aws:", "arn:aws-us-gov:")}}),
        json.dumps({"m": {"arn": PROFILE_ARN, "tags": {"k": "v"}}}),
        json.dumps({"m": {"arn": PROFILE_ARN, "name": "n"}}),
        json.dumps({"m": {"arn": PROFILE_ARN, "colour": "red"}}),
    ],
)
def test_application_profiles_that_make_no_sense_are_refused_at_start(wrong: str) -> None:
    with pytest.raises(SettingsError, match="APPLICATION_PROFILES: must be a JSON object"):
        Settings.from_env(COMPLETE | {"APPLICATION_PROFILES": wrong})

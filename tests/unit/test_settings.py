"""Settings.from_env: every missing or bad name at once, endpoints as the SDKs resolve them."""

import pytest

from inference_proxy.settings import Settings, SettingsError

COMPLETE = {
    "AWS_REGION": "us-gov-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "XP-CANARY",
    "AUDIT_TABLE_NAME": "requests",
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
        "ALLOW_GLOBAL_PROFILES": "yes",
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

"""The router's configuration, read once from the function's environment. ../README.md lists every variable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inference_proxy.credential_choice import CredentialChoice
from inference_proxy.environment import ApplicationProfile, Environment

# Commercial regions whose Bedrock has FIPS endpoints, by AWS's endpoints.json. Nothing else is ever called.
COMMERCIAL_REGIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-2": "US West (Oregon)",
    "ca-central-1": "Canada (Central)",
}

# By field of CredentialChoice, in its order, with the default.
_CREDENTIAL_VARIABLES = {
    "mode": ("CREDENTIAL_MODE", "api_key"),
    "secret_id": ("CREDENTIAL_SECRET_ID", ""),
    "role_arn": ("CREDENTIAL_ROLE_ARN", ""),
    "audience": ("CREDENTIAL_AUDIENCE", ""),
}
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


@dataclass(frozen=True, slots=True, repr=False)
class AwsKeys:
    """AWS access keys. Never printed: ``repr`` shows none of it."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return "AwsKeys(***)"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the router can be told from outside."""

    region: str
    execution_role_keys: AwsKeys
    audit_table_name: str
    audit_retention_days: int
    policy_table_name: str
    limits_table_name: str
    usage_table_name: str
    archive_bucket_url: str  # "": there is no archive
    archive_table_name: str
    credential: CredentialChoice
    credential_max_age_seconds: int
    task_alias_name: str  # "": tasks come through any alias
    stream_alias_name: str  # "": changes of records come where tasks do
    session_name: str  # with federation: what Commercial's CloudTrail calls the router
    commercial_region: str
    discovery_max_age_seconds: int
    application_profiles: Mapping[str, ApplicationProfile]  # by foundation model id
    max_request_bytes: int
    response_timeout_seconds: int
    release: str
    metrics_namespace: str
    dynamodb_url: str
    secretsmanager_url: str
    sts_url: str
    guardrail_url: str
    commercial_sts_url: str
    use_fips_endpoint: bool
    bedrock_urls: Mapping[str, str]  # overrides by service; empty in production
    ca_bundle: str | None

    def bedrock_url(self, service: str, region: str) -> str:
        """The base URL of ``service`` ("bedrock" or "bedrock-runtime") in a Commercial region."""
        host = f"{service}-fips" if self.use_fips_endpoint else service
        return self.bedrock_urls.get(service) or f"https://{host}.{region}.amazonaws.com"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check the environment; raises SettingsError naming each variable that is missing or bad."""
        env = Environment(environ)
        region = env.text("AWS_REGION", pattern=_REGION)
        use_fips = env.flag("AWS_USE_FIPS_ENDPOINT", True)
        commercial_region = env.choice("COMMERCIAL_REGION", "us-east-1", tuple(COMMERCIAL_REGIONS))
        credential = CredentialChoice(
            *(environ.get(name) or default for name, default in _CREDENTIAL_VARIABLES.values())
        )
        for field, problem in credential.problems().items():
            env.report(_CREDENTIAL_VARIABLES[field][0], problem)

        def source_url(service: str) -> str:
            # The SDKs' rule: the service's own variable, then the general one, then the region's endpoint.
            # Bedrock's own variable is Commercial's here.
            own = None if service == "bedrock-runtime" else env.url(f"AWS_ENDPOINT_URL_{service.upper()}")
            plain = not use_fips or service == "sts"  # GovCloud's plain STS is its FIPS one
            host = service if plain else f"{service}-fips"
            return own or env.url("AWS_ENDPOINT_URL") or f"https://{host}.{region or '-'}.amazonaws.com"

        def bucket_url(bucket: str) -> str:
            # S3 has the bucket in the host's name, a custom endpoint in the path.
            custom = env.url("AWS_ENDPOINT_URL_S3") or env.url("AWS_ENDPOINT_URL")
            host = "s3-fips" if use_fips else "s3"
            return f"{custom}/{bucket}" if custom else f"https://{bucket}.{host}.{region or '-'}.amazonaws.com"

        archive_bucket = environ.get("AUDIT_ARCHIVE_BUCKET") or ""

        # The general AWS_ENDPOINT_URL speaks for this partition only: following it here would send
        # Commercial traffic and its credential to a GovCloud host.
        bedrock_urls = {
            "bedrock": env.url("AWS_ENDPOINT_URL_BEDROCK"),
            "bedrock-runtime": env.url("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        }
        settings = cls(
            region=region,
            execution_role_keys=AwsKeys(
                env.text("AWS_ACCESS_KEY_ID"), env.text("AWS_SECRET_ACCESS_KEY"), environ.get("AWS_SESSION_TOKEN")
            ),
            audit_table_name=env.text("AUDIT_TABLE_NAME"),
            audit_retention_days=env.number("AUDIT_RETENTION_DAYS", 30, 1, 3653),
            policy_table_name=env.text("POLICY_TABLE_NAME"),
            limits_table_name=env.text("LIMITS_TABLE_NAME"),
            usage_table_name=env.text("USAGE_TABLE_NAME"),
            archive_bucket_url=bucket_url(archive_bucket) if archive_bucket else "",
            archive_table_name=env.text("AUDIT_ARCHIVE_TABLE_NAME") if archive_bucket else "",
            credential=credential,
            credential_max_age_seconds=env.number("CREDENTIAL_MAX_AGE_SECONDS", 300, 0, 86_400),
            task_alias_name=environ.get("TASK_ALIAS_NAME") or "",
            stream_alias_name=environ.get("STREAM_ALIAS_NAME") or "",
            session_name=environ.get("AWS_LAMBDA_FUNCTION_NAME") or "router",
            commercial_region=commercial_region,
            discovery_max_age_seconds=env.number("DISCOVERY_MAX_AGE_SECONDS", 300, 0, 86_400),
            application_profiles=env.application_profiles("APPLICATION_PROFILES"),
            max_request_bytes=env.number("MAX_REQUEST_BYTES", 4_500_000, 1, 6_291_456),
            response_timeout_seconds=env.number("RESPONSE_TIMEOUT_SECONDS", 29, 3, 900),
            release=environ.get("RELEASE", "unreleased"),
            # Without one Powertools raises when the first request has been served.
            metrics_namespace=environ.get("POWERTOOLS_METRICS_NAMESPACE") or "CrossPartitionInference",
            dynamodb_url=source_url("dynamodb"),
            secretsmanager_url=source_url("secretsmanager"),
            sts_url=source_url("sts"),
            guardrail_url=source_url("bedrock-runtime"),
            commercial_sts_url=env.url("COMMERCIAL_STS_ENDPOINT_URL")
            or _commercial_sts_url(commercial_region, use_fips),
            use_fips_endpoint=use_fips,
            bedrock_urls={service: url for service, url in bedrock_urls.items() if url},
            ca_bundle=environ.get("AWS_CA_BUNDLE") or None,
        )
        env.raise_if_wrong()
        return settings


def _commercial_sts_url(region: str, use_fips: bool) -> str:
    # Canada has no FIPS endpoint of STS; a session from elsewhere is good there too.
    region = "us-east-1" if use_fips and region == "ca-central-1" else region
    return f"https://{'sts-fips' if use_fips else 'sts'}.{region}.amazonaws.com"

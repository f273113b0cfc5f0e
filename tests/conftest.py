"""What every test module may rely on: an environment that names no real account."""

import os

from hypothesis import HealthCheck, settings

_BUILD_ENVIRON = {
    # handler.py reads its settings when it is imported; nothing listens at these addresses.
    "AWS_REGION": "us-gov-west-1",
    "AWS_DEFAULT_REGION": "us-gov-west-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_BEDROCK": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9",
    "AUDIT_TABLE_NAME": "unused",
    "POLICY_TABLE_NAME": "unused",
    "LIMITS_TABLE_NAME": "unused",
    "USAGE_TABLE_NAME": "unused",
    "CREDENTIAL_SECRET_ID": "unused",
    "POWERTOOLS_SERVICE_NAME": "router",
    "POWERTOOLS_METRICS_NAMESPACE": "CrossPartitionInference",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

# At import, because the conftest of a folder below may import handler.py before any hook runs.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(_BUILD_ENVIRON)

# Time says nothing on a busy machine; the number of examples is what counts.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

"""The whole router on a bench: its real App over real sockets to moto (DynamoDB, Secrets Manager) and the stand-in.

Requests enter as API Gateway events, as in Lambda. What only a deployed API can show is in tests/integration.
"""

import base64
import hashlib
import itertools
import json
import logging
import os
import re
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jsonschema
import pytest
import yaml

import handler
from inference_proxy import catalog_cache, events, policy_store
from inference_proxy.errors import ProxyError
from inference_proxy.path_families import ANTHROPIC, BEDROCK, OPENAI, path_family
from inference_proxy.settings import Settings
from inference_proxy.transport import Transport
from tests.contract.policies import POLICY

REGION = "us-gov-west-1"
TABLE = "requests"
SECRET = "commercial-creds"  # a name, not a value
CALLER_ARN = "arn:aws-us-gov:sts::123456789012:assumed-role/developer/alice"
ON_DEMAND_MODEL = "amazon.nova-lite-v1:0"
PROFILE_ONLY_MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA_BODY = {"messages": [{"role": "user", "content": [{"text": "XP-CANARY-prompt"}]}]}

# What the indexes of the audit table hold beside their keys.
FILTERED = ("modelId", "resolvedModelId", "foundationModelId", "callerArn", "classification", "decision", "ttl")
MEASURED = (
    *("operation", "state", "statusCode", "errorCode", "latency", "upstreamLatencyMs"),
    *("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "requestSize", "responseSize"),
)

OPENAPI = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "terraform/modules/api_gateway/openapi.yaml").read_text()
)
KEYS = {"AWS_ACCESS_KEY_ID": "ASIAMADEUP", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_SESSION_TOKEN": "made-up-token"}


class _CurrentStdout:
    """Where log lines go: to what standard output is now, as a test may capture it."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@dataclass
class Context:
    """Lambda's context object."""

    seconds: float = 30.0
    alias: str = "live"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws-us-gov:lambda:{REGION}:123456789012:function:router:{self.alias}"

    def get_remaining_time_in_millis(self) -> int:
        return int((self.seconds - (time.monotonic() - self.started)) * 1000)


@dataclass
class Answer:
    """What API Gateway would send to the caller."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, str]:
        return self.json["error"]


class RouterBench:
    """A fresh table, a secret and a router; ``call`` sends one request."""

    _numbers = itertools.count()

    def __init__(self, aws_url: str, commercial_url: str, secret: Mapping[str, str] | str | None) -> None:
        number = next(self._numbers)
        self.aws_url = aws_url
        self.table = f"{TABLE}-{number}-{uuid.uuid4().hex[:8]}"
        self.secret = f"{SECRET}-{number}-{uuid.uuid4().hex[:8]}"
        options = {"region_name": REGION, "endpoint_url": aws_url}
        options |= {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        self.dynamodb = boto3.client("dynamodb", **options)
        self.secrets = boto3.client("secretsmanager", **options)
        self.policy_table, self.limits_table = f"{self.table}-policy", f"{self.table}-limits"
        self.usage_table = f"{self.table}-usage"
        create_table(self.dynamodb, self.table)
        create_key_table(self.dynamodb, self.policy_table, "name")
        create_key_table(self.dynamodb, self.limits_table, "id")
        create_key_table(self.dynamodb, self.usage_table, "day", "slice")
        self.put_policy(POLICY)
        if secret is not None:
            self.secrets.create_secret(Name=self.secret, SecretString=secret_text(secret))
        self.environ = {
            **KEYS,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": aws_url,
            "AWS_ENDPOINT_URL_BEDROCK": commercial_url,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": commercial_url,
            "AUDIT_TABLE_NAME": self.table,
            "POLICY_TABLE_NAME": self.policy_table,
            "LIMITS_TABLE_NAME": self.limits_table,
            "USAGE_TABLE_NAME": self.usage_table,
            "CREDENTIAL_SECRET_ID": self.secret,
            "RELEASE": "bench",
        }
        self.transport = Transport()
        self.restart()

    def restart(self, **changes: str) -> None:
        """A new execution environment, with changed variables."""
        self.close()
        self.environ |= changes
        self.settings = Settings.from_env(self.environ)
        self.transport = Transport(self.settings.ca_bundle)
        self.app, self.tasks, self.archive, self.policies = handler.build(self.settings, self.transport)
        for log_handler in logging.getLogger(os.environ["POWERTOOLS_SERVICE_NAME"]).handlers:
            log_handler.stream = _CurrentStdout()

    def put_policy(self, document: Mapping[str, Any] | str) -> str:
        """Put a policy into its table, as Terraform does, and return its version."""
        text = document if isinstance(document, str) else json.dumps(document)
        self.dynamodb.put_item(TableName=self.policy_table, Item={"name": {"S": "boundary"}, "document": {"S": text}})
        return hashlib.sha256(text.encode()).hexdigest()

    def under(self, document: Mapping[str, Any] | str) -> str:
        """A new execution environment under another policy; returns its version."""
        version = self.put_policy(document)
        self.restart()
        return version

    @staticmethod
    def age_policy(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Let the policy have been read that much longer ago."""
        monkeypatch.setattr(policy_store, "time", SimpleNamespace(time=lambda: time.time() + seconds))

    @staticmethod
    def age_lists(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Let the lists of models be that much older."""
        monkeypatch.setattr(catalog_cache, "time", SimpleNamespace(time=lambda: time.time() + seconds))

    def close(self) -> None:
        """End the execution environment."""
        self.transport.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        seconds: float = 30.0,
        **changes: Any,
    ) -> Answer:
        """Send one request as API Gateway would hand it over; ``changes`` replace members of the event."""
        rendered = self.render(api_event(method, path, body, query) | changes, seconds)
        check_against_document(method, path, rendered)
        return Answer(rendered["statusCode"], rendered["headers"], rendered["body"])

    def render(self, event: Mapping[str, Any], seconds: float = 30.0) -> dict[str, Any]:
        """What the function returns for an event."""
        settings = self.settings
        try:
            request = events.parse(
                event, Context(seconds), settings.response_timeout_seconds, settings.max_request_bytes
            )
        except ProxyError as error:
            rendered = events.render(self.app.reject(error, events.request_id(event), events.path(event)))
        else:
            rendered = events.render(self.app.handle(request))
        json.dumps(rendered)  # Lambda must be able to serialise it
        return rendered

    def invoke(self, model_id: str = ON_DEMAND_MODEL, body: object = None, **options: Any) -> Answer:
        """POST /bedrock/invoke-model."""
        envelope = {"modelId": model_id, "body": NOVA_BODY if body is None else body}
        return self.call("POST", "/bedrock/invoke-model", envelope, **options)

    def records(self, operation: str | None = None) -> list[dict[str, Any]]:
        """All audit records, oldest first."""
        items = self.dynamodb.scan(TableName=self.table)["Items"]
        records = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
        records.sort(key=lambda record: record["timeKey"])
        return [record for record in records if operation in (None, record["operation"])]


def check_against_document(method: str, path: str, rendered: Mapping[str, Any]) -> None:
    """Every JSON answer keeps the contract of the API document: a known status, and the body's schema."""
    headers = {name.lower(): value for name, value in rendered["headers"].items()}
    if not headers["content-type"].startswith("application/json"):
        return
    operation = OPENAPI["paths"].get(document_path(path)[0], {}).get(method.lower())
    segment = path_family(path)
    error = {OPENAI: "OpenAiError", ANTHROPIC: "AnthropicError"}.get(segment, "ErrorResponse")
    error = "BedrockError" if segment in BEDROCK else error
    reference = {"$ref": f"#/components/schemas/{error}"}
    if operation:
        described = operation["responses"].get(str(rendered["statusCode"]), {})
        reference = described.get("content", {}).get("application/json", {}).get("schema", reference)
    jsonschema.validate(json.loads(rendered["body"]), {**reference, "components": OPENAPI["components"]})


def document_path(path: str) -> tuple[str, dict[str, str]]:
    """The path of the document that API Gateway would choose for a path, and its parameters; else the path itself."""
    for template in OPENAPI["paths"]:
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
        if found:
            return template, found.groupdict()
    return path, {}


def secret_text(secret: Mapping[str, str] | str) -> str:
    """A secret's value as it is stored."""
    return secret if isinstance(secret, str) else json.dumps(secret)


def create_table(dynamodb: Any, name: str) -> None:
    """The audit table, with the keys and indexes of terraform/modules/dynamodb."""
    indexes = {"by-time": "dayShard", "by-caller": "callerDayShard", "by-outcome": "outcomeDayShard"}
    attributes = ("requestId", "timestamp", "timeKey", *indexes.values())
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes],
        KeySchema=_keys("requestId", "timestamp"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": _keys(key, "timeKey"),
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": [*FILTERED, *(MEASURED if index == "by-outcome" else ())],
                },
            }
            for index, key in indexes.items()
        ],
    )


def create_key_table(dynamodb: Any, name: str, *keys: str) -> None:
    """A table with nothing but its keys, as those of the policy, the limits and the usage."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=_keys(*keys),
    )


def api_event(method: str, path: str, body: object = None, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An event of a REST API with Lambda proxy integration and ``*/*`` as binary media type."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    template, parameters = document_path(path)
    return {
        "resource": template,
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.example", "User-Agent": "bench/1.0", "Content-Type": "application/json"},
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": parameters or None,
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(time.time() * 1000),
            "stage": "v1",
            "path": f"/v1{path}",
            "identity": {
                "userArn": CALLER_ARN,
                "accountId": "123456789012",
                "sourceIp": "10.0.0.7",
                "userAgent": "bench/1.0",
            },
        },
        "body": base64.b64encode(data).decode() if data else None,
        "isBase64Encoded": bool(data),
    }


def _keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]

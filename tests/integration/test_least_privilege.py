"""Least privilege where IAM is enforced: the function's own role, and callers with one of the caller policies."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from tests.deployed import Deployment

NOVA = "amazon.nova-lite-v1:0"
NOVA_BODY = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
OTHER = "amazon.nova-pro-v1:0"
PROBE = """
import os

def probe(event, context):
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return {name.lower(): os.environ[name] for name in names}
"""
COUNTER = {"id": {"S": "probe#2026-01-01"}}
COUNT = {"UpdateExpression": "ADD requests :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
SLICE = {"day": {"S": "2026-01-01"}, "slice": {"S": "00:00"}, "ttl": {"N": "1"}}
REFUSALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}

Probe = Callable[..., str]


@pytest.fixture(scope="module")
def inputs(deployment: Deployment) -> dict[str, Any]:
    return dict(deployment.outputs()["application_inputs"])


@pytest.fixture(scope="module")
def probe(deployment: Deployment, inputs: dict[str, Any]) -> Iterator[Probe]:
    """Makes an AWS call with the credentials that a function with the router's role has; says how it ended."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("probe.py", PROBE)
    client = deployment.client("lambda")
    client.create_function(
        FunctionName="probe",
        Role=inputs["execution_role_arn"],
        Runtime="python3.13",
        Handler="probe.probe",
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    keys = json.loads(client.invoke(FunctionName="probe")["Payload"].read())
    options = {"region_name": inputs["region"], "endpoint_url": deployment.variables["TWIN_GOVCLOUD_URL"], **keys}

    def call(service: str, operation: str, **arguments: object) -> str:
        caller = boto3.client(service, **options)
        try:
            getattr(caller, operation)(**arguments)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "allowed"

    assert (
        inputs["execution_role_arn"].rpartition("/")[2] in boto3.client("sts", **options).get_caller_identity()["Arn"]
    )
    yield call
    client.delete_function(FunctionName="probe")


@pytest.fixture(scope="module")
def foreign(deployment: Deployment) -> dict[str, str]:
    """A table, a secret and a log group of somebody else in the same account."""
    key = {"AttributeName": "requestId", "AttributeType": "S"}
    deployment.client("dynamodb").create_table(
        TableName="payroll",
        AttributeDefinitions=[key],
        KeySchema=[{"AttributeName": "requestId", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    secret = deployment.client("secretsmanager").create_secret(Name="payroll", SecretString="made-up")
    deployment.client("logs").create_log_group(logGroupName="/payroll")
    return {"table": "payroll", "secret": str(secret["ARN"]), "log_group": "/payroll"}


def record_key(request_id: str) -> dict[str, dict[str, str]]:
    return {"requestId": {"S": request_id}, "timestamp": {"S": "2026-01-01T00:00:00.000Z"}}


def archive_object(inputs: dict[str, Any]) -> dict[str, object]:
    return {"Bucket": inputs["audit_archive"]["bucket"], "Key": "records/probe", "Body": b""}


def test_the_role_can_do_what_the_router_does(probe: Probe, inputs: dict[str, Any]) -> None:
    table, logs = inputs["audit_table_name"], f"/aws/lambda/{inputs['function_name']}"
    update = {"UpdateExpression": "SET #s = :s", "ExpressionAttributeNames": {"#s": "state"}}
    query = {"KeyConditionExpression": "dayShard = :d", "ExpressionAttributeValues": {":d": {"S": "2026-01-01#0"}}}
    by_id = {"KeyConditionExpression": "requestId = :i", "ExpressionAttributeValues": {":i": {"S": "probe"}}}
    results = {
        "put": probe("dynamodb", "put_item", TableName=table, Item={**record_key("probe"), "ttl": {"N": "1"}}),
        "update": probe(
            "dynamodb",
            "update_item",
            TableName=table,
            Key=record_key("probe"),
            **update,
            ExpressionAttributeValues={":s": {"S": "COMPLETED"}},
        ),
        "query": probe("dynamodb", "query", TableName=table, IndexName="by-time", **query),
        "find": probe("dynamodb", "query", TableName=table, **by_id),
        "read": probe("dynamodb", "batch_get_item", RequestItems={table: {"Keys": [record_key("probe")]}}),
        "sum up": probe("dynamodb", "put_item", TableName=inputs["usage_table_name"], Item=SLICE),
        "archive": probe("s3", "put_object", **archive_object(inputs), IfNoneMatch="*"),
        "policy": probe("dynamodb", "get_item", TableName=inputs["policy_table_name"], Key={"name": {"S": "boundary"}}),
        "limits": probe("dynamodb", "get_item", TableName=inputs["limits_table_name"], Key=COUNTER),
        "count": probe("dynamodb", "update_item", TableName=inputs["limits_table_name"], Key=COUNTER, **COUNT),
        "secret": probe("secretsmanager", "get_secret_value", SecretId=inputs["credential"]["secret_arn"]),
        "stream": probe("logs", "create_log_stream", logGroupName=logs, logStreamName="probe"),
        "log": probe(
            "logs",
            "put_log_events",
            logGroupName=logs,
            logStreamName="probe",
            logEvents=[{"timestamp": 1, "message": "probe"}],
        ),
    }
    assert set(results.values()) == {"allowed"}, results


def test_the_role_can_do_nothing_else(probe: Probe, inputs: dict[str, Any], foreign: dict[str, str]) -> None:
    table, secret, function = inputs["audit_table_name"], inputs["credential"]["secret_arn"], inputs["function_name"]
    own_logs = f"/aws/lambda/{function}"
    attempts: dict[str, tuple[str, str, dict[str, object]]] = {
        "read a record": ("dynamodb", "get_item", {"TableName": table, "Key": record_key("probe")}),
        "delete from the archive": (
            "s3",
            "delete_object",
            {"Bucket": inputs["audit_archive"]["bucket"], "Key": "records/00000000.jsonl.gz"},
        ),
        "write over the archive": ("s3", "put_object", archive_object(inputs)),
        "write elsewhere into its bucket": (
            "s3",
            "put_object",
            {**archive_object(inputs), "Key": "probe", "IfNoneMatch": "*"},
        ),
        "list the archive": ("s3", "list_objects_v2", {"Bucket": inputs["audit_archive"]["bucket"]}),
        "delete a record": ("dynamodb", "delete_item", {"TableName": table, "Key": record_key("probe")}),
        "scan the table": ("dynamodb", "scan", {"TableName": table}),
        "scan an index": ("dynamodb", "scan", {"TableName": table, "IndexName": "by-time"}),
        "write in a batch": (
            "dynamodb",
            "batch_write_item",
            {"RequestItems": {table: [{"DeleteRequest": {"Key": record_key("probe")}}]}},
        ),
        "change the policy": (
            "dynamodb",
            "put_item",
            {"TableName": inputs["policy_table_name"], "Item": {"name": {"S": "boundary"}, "document": {"S": "{}"}}},
        ),
        "update the policy": (
            "dynamodb",
            "update_item",
            {"TableName": inputs["policy_table_name"], "Key": {"name": {"S": "boundary"}}, **COUNT},
        ),
        "take the policy away": (
            "dynamodb",
            "delete_item",
            {"TableName": inputs["policy_table_name"], "Key": {"name": {"S": "boundary"}}},
        ),
        "forget what was counted": (
            "dynamodb",
            "delete_item",
            {"TableName": inputs["limits_table_name"], "Key": COUNTER},
        ),
        "ask a guardrail": (
            "bedrock-runtime",
            "apply_guardrail",
            {
                "guardrailIdentifier": "abc",
                "guardrailVersion": "1",
                "source": "INPUT",
                "content": [{"text": {"text": "x"}}],
            },
        ),
        "drop the table": ("dynamodb", "delete_table", {"TableName": table}),
        "switch TTL off": (
            "dynamodb",
            "update_time_to_live",
            {"TableName": table, "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "ttl"}},
        ),
        "write another table": (
            "dynamodb",
            "put_item",
            {"TableName": foreign["table"], "Item": {"requestId": {"S": "x"}}},
        ),
        "read another secret": ("secretsmanager", "get_secret_value", {"SecretId": foreign["secret"]}),
        "change the secret": ("secretsmanager", "put_secret_value", {"SecretId": secret, "SecretString": "{}"}),
        "delete the secret": ("secretsmanager", "delete_secret", {"SecretId": secret}),
        "list secrets": ("secretsmanager", "list_secrets", {}),
        "make a log group": ("logs", "create_log_group", {"logGroupName": "/aws/lambda/other"}),
        "write another log": (
            "logs",
            "create_log_stream",
            {"logGroupName": foreign["log_group"], "logStreamName": "probe"},
        ),
        "delete its log": ("logs", "delete_log_group", {"logGroupName": own_logs}),
        "read its log": ("logs", "filter_log_events", {"logGroupName": own_logs}),
        "change its code": ("lambda", "update_function_code", {"FunctionName": function, "ZipFile": "UEs="}),
        "invoke itself": ("lambda", "invoke", {"FunctionName": function}),
        "move the alias": (
            "lambda",
            "update_alias",
            {"FunctionName": function, "Name": "live", "FunctionVersion": "1"},
        ),
        "read releases": ("s3", "list_objects_v2", {"Bucket": inputs["artifact_bucket"]}),
        "replace a release": (
            "s3",
            "put_object",
            {"Bucket": inputs["artifact_bucket"], "Key": "router/x.zip", "Body": "x"},
        ),
        "list buckets": ("s3", "list_buckets", {}),
        "use the key directly": (
            "kms",
            "encrypt",
            {"KeyId": inputs["kms_key_arn"], "Plaintext": "x"},
        ),
        "make data keys": (
            "kms",
            "generate_data_key",
            {"KeyId": inputs["kms_key_arn"], "KeySpec": "AES_256"},
        ),
        "make a user": ("iam", "create_user", {"UserName": "mallory"}),
        "widen its role": (
            "iam",
            "put_role_policy",
            {"RoleName": inputs["execution_role_arn"].rpartition("/")[2], "PolicyName": "x", "PolicyDocument": "{}"},
        ),
        "read its role": ("iam", "get_role", {"RoleName": inputs["execution_role_arn"].rpartition("/")[2]}),
        "take a role": (
            "sts",
            "assume_role",
            {"RoleArn": inputs["execution_role_arn"], "RoleSessionName": "probe"},
        ),
        "change the API": ("apigateway", "get_rest_apis", {}),
        "silence alarms": ("cloudwatch", "delete_alarms", {"AlarmNames": ["x"]}),
    }
    results = {
        name: probe(service, operation, **arguments) for name, (service, operation, arguments) in attempts.items()
    }
    assert {name: result for name, result in results.items() if result not in REFUSALS} == {}


def model_path(model_id: str, verb: str = "invoke") -> str:
    return f"/model/{quote(model_id, safe='')}/{verb}"


def test_a_caller_of_one_model_reaches_that_model_only(deployment: Deployment) -> None:
    auth = deployment.create_user("one-model", deployment.outputs()["caller_policies_json"]["invoke-models-nova-lite"])

    def call(method: str, path: str, document: object = None) -> requests.Response:
        return deployment.call(method, path, document, auth=auth)

    for verb in ("invoke", "converse", "converse-stream"):
        allowed = call("POST", model_path(NOVA, verb), NOVA_BODY)
        assert allowed.status_code == 200, allowed.text
    assert call("GET", "/health").status_code == 200
    assert call("GET", "/bedrock/models").status_code == 200
    assert call("GET", f"/bedrock/models/{quote(OTHER, safe='')}").status_code == 200

    before = len(deployment.upstream("GET", "requests")["requests"])
    for method, path, document in (
        ("POST", model_path(OTHER), NOVA_BODY),
        ("POST", model_path(f"us.{NOVA}"), NOVA_BODY),
        ("GET", model_path(NOVA), None),
        ("DELETE", model_path(NOVA), None),
        ("POST", "/bedrock/invoke-model", {"modelId": NOVA, "body": NOVA_BODY}),
        ("GET", "/dashboard/requests", None),
        ("GET", "/bedrock/models/%2e%2e%2f%2e%2e%2fdashboard/requests", None),
        ("POST", model_path(f"{NOVA}/../{OTHER}"), NOVA_BODY),
        ("POST", "/openai/v1/chat/completions", NOVA_BODY | {"model": NOVA}),
        ("POST", "/openai/v1/responses", {"model": NOVA, "input": "hi"}),
        ("POST", "/anthropic/v1/messages", NOVA_BODY | {"model": NOVA}),
        ("POST", "/async-invoke", {"modelId": NOVA}),
        ("GET", "/async-invoke", None),
    ):
        refused = call(method, path, document)
        assert refused.status_code == 403, (method, path, refused.text)
        assert refused.json()["error"]["code"] == "AccessDenied"
    assert len(deployment.upstream("GET", "requests")["requests"]) == before


def test_an_invoker_does_not_read_the_dashboard(deployment: Deployment) -> None:
    auth = deployment.create_user("invoker", deployment.outputs()["caller_policies_json"]["invoke-all"])
    assert deployment.call("POST", model_path(OTHER), NOVA_BODY, auth=auth).status_code == 200
    assert deployment.call("POST", "/bedrock/invoke-model", {"modelId": NOVA, "body": NOVA_BODY}, auth=auth).ok
    for path in ("/dashboard/requests", "/bedrock/models/%2e%2e%2f%2e%2e%2fdashboard/requests"):
        assert deployment.call("GET", path, auth=auth).status_code == 403


def test_a_reader_of_the_dashboard_invokes_nothing(deployment: Deployment) -> None:
    auth = deployment.create_user("reader", deployment.outputs()["caller_policies_json"]["read-dashboard"])
    assert deployment.call("GET", "/dashboard/requests", auth=auth).status_code == 200
    assert deployment.call("POST", model_path(NOVA), NOVA_BODY, auth=auth).status_code == 403
    assert deployment.call("GET", "/bedrock/models", auth=auth).status_code == 403

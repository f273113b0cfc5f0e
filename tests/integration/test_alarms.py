"""Alarms that can fire: what the deployed router emits moves the alarms that Terraform made, and operators hear of it.

The emulator does not turn log lines in CloudWatch's embedded metric format into metrics; ``publish`` does that here.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.deployed import Deployment

PREFIX = "cross-partition-twin-"
NOVA_ENVELOPE = {
    "modelId": "amazon.nova-lite-v1:0",
    "body": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
}
DENIED_ENVELOPE = {**NOVA_ENVELOPE, "modelId": "global.anthropic.claude-haiku-4-5-20251001-v1:0"}


class Operators:
    """What CloudWatch knows and whom it tells."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._cloudwatch = deployment.client("cloudwatch")
        self._sqs = deployment.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="operators")["QueueUrl"]
        inputs = deployment.outputs()
        self._log_group = f"/aws/lambda/{inputs['application_inputs']['function_name']}"
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": attributes["QueueArn"]}]}
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)})
        deployment.client("sns").subscribe(
            TopicArn=inputs["alarm_topic_arn"], Protocol="sqs", Endpoint=attributes["QueueArn"]
        )
        self._since = self._now()

    def publish(self) -> None:
        """What was logged since the last time, as metrics."""
        since, self._since = self._since, self._now()
        pages = self._deployment.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=self._log_group, startTime=since):
            for event in page["events"]:
                if '"_aws"' in event["message"]:
                    self._put(json.loads(event["message"]))

    def states(self) -> dict[str, str]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=PREFIX)
        return {
            alarm["AlarmName"].removeprefix(PREFIX): alarm["StateValue"]
            for page in pages
            for alarm in page["MetricAlarms"]
        }

    def notified(self) -> set[str]:
        """The alarms that operators were told to be in ALARM."""
        told, give_up_at = set[str](), time.monotonic() + 10
        while time.monotonic() < give_up_at:
            answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            messages = answer.get("Messages", [])
            if not messages:
                break
            for message in messages:
                notice = json.loads(json.loads(message["Body"])["Message"])
                if notice["NewStateValue"] == "ALARM":
                    told.add(notice["AlarmName"].removeprefix(PREFIX))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return told

    def _put(self, line: dict[str, Any]) -> None:
        for directive in line["_aws"]["CloudWatchMetrics"]:
            data = [
                {
                    "MetricName": metric["Name"],
                    "Dimensions": [{"Name": name, "Value": line[name]} for name in dimensions],
                    "Values": line[metric["Name"]],
                }
                for dimensions in directive["Dimensions"]
                for metric in directive["Metrics"]
            ]
            self._cloudwatch.put_metric_data(Namespace=directive["Namespace"], MetricData=data)

    @staticmethod
    def _now() -> int:
        return int(time.time() * 1000)


@pytest.fixture(scope="module")
def operators(deployment: Deployment) -> Operators:
    return Operators(deployment)


@pytest.fixture
def a_stuck_crossing(deployment: Deployment) -> Iterator[None]:
    """A record of an hour ago whose outcome never came."""
    then = datetime.now(UTC) - timedelta(hours=1)
    timestamp = then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    table, key = deployment.outputs()["audit_table_name"], {"requestId": {"S": "stuck"}, "timestamp": {"S": timestamp}}
    item = {
        **key,
        "state": {"S": "STARTED"},
        "dayShard": {"S": f"{timestamp[:10]}#0"},
        "outcomeDayShard": {"S": f"STARTED#{timestamp[:10]}#0"},
        "timeKey": {"S": f"{timestamp}#stuck"},
        "ttl": {"N": str(int(time.time()) + 3600)},
    }
    deployment.client("dynamodb").put_item(TableName=table, Item=item)
    yield
    deployment.client("dynamodb").delete_item(TableName=table, Key=key)


def watch(deployment: Deployment) -> None:
    """What the schedule does every five minutes."""
    inputs = deployment.outputs()["application_inputs"]
    rules = deployment.client("events").list_targets_by_rule(Rule=f"{inputs['function_name']}-watch")
    (target,) = rules["Targets"]
    answer = deployment.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"])
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_quiet_traffic_moves_no_alarm(deployment: Deployment, operators: Operators) -> None:
    assert deployment.call("POST", "/bedrock/invoke-model", NOVA_ENVELOPE).status_code == 200
    watch(deployment)
    operators.publish()
    states = operators.states()
    assert len(states) == 12
    assert "ALARM" not in states.values(), states
    assert states["watch"] == "OK"


def test_denied_crossings_and_errors_reach_the_operators(deployment: Deployment, operators: Operators) -> None:
    for _ in range(10):
        assert deployment.call("POST", "/bedrock/invoke-model", DENIED_ENVELOPE).status_code == 403
    deployment.upstream("POST", "faults", {"fault": "status", "count": 6, "match": "/model/"})
    failed = [deployment.call("POST", "/bedrock/invoke-model", NOVA_ENVELOPE).status_code for _ in range(6)]
    assert min(failed) >= 500, failed
    operators.publish()
    states = operators.states()
    assert (states["denied-crossings"], states["error-rate"]) == ("ALARM", "ALARM"), states
    assert {"denied-crossings", "error-rate"} <= operators.notified()


def test_the_scheduled_check_finds_what_no_request_shows(
    deployment: Deployment, operators: Operators, a_stuck_crossing: None
) -> None:
    """A crossing without an outcome, and a credential that ends in three days."""
    secrets, secret_arn = deployment.client("secretsmanager"), deployment.outputs()["credential_secret_arn"]
    credential = json.loads(secrets.get_secret_value(SecretId=secret_arn)["SecretString"])
    ends = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    secrets.put_secret_value(SecretId=secret_arn, SecretString=json.dumps({**credential, "expires_at": ends}))
    deployment.kill_functions()
    try:
        watch(deployment)
    finally:
        secrets.put_secret_value(SecretId=secret_arn, SecretString=json.dumps(credential))
        deployment.kill_functions()
    operators.publish()
    states = operators.states()
    assert (states["stuck-crossings"], states["credential-expiry"]) == ("ALARM", "ALARM"), states
    assert {"stuck-crossings", "credential-expiry"} <= operators.notified()

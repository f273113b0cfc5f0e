"""Alarms that can fire: each is driven from OK to ALARM by what it is there for, and operators hear of it.

The emulator does not turn log lines in CloudWatch's embedded metric format into metrics; ``publish`` does that here.
What other services of AWS would emit is put in their form: the emulator emits metrics of Lambda only.
"""

import copy
import json
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployment import REPOSITORY
from tests.contract.faulty_aws import FaultyAws
from tests.deployed import Deployment
from twin import LOCAL

PREFIX = "cross-partition-twin-"
NOVA = "amazon.nova-lite-v1:0"
SAID = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
STARTING = yaml.safe_load((REPOSITORY / "terraform/application/policies/starting.yaml").read_text())


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
        self._told = set[str]()

    def publish(self) -> None:
        """What was logged since the last time, as metrics."""
        since, self._since = self._since, self._now()
        pages = self._deployment.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=self._log_group, startTime=since):
            for event in page["events"]:
                self.take(event["message"])

    def states(self) -> dict[str, str]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=PREFIX)
        return {
            alarm["AlarmName"].removeprefix(PREFIX): alarm["StateValue"]
            for page in pages
            for alarm in page["MetricAlarms"]
        }

    def put(self, namespace: str, name: str, value: float, **dimensions: str) -> None:
        """A metric that a service of AWS emits."""
        named = [{"Name": key, "Value": text} for key, text in dimensions.items()]
        data = [{"MetricName": name, "Dimensions": named, "Value": value}] * 3
        self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

    def take(self, line: str) -> None:
        """A log line of the router's, if it holds metrics."""
        if '"_aws"' in line:
            self._put(json.loads(line))

    @property
    def told(self) -> set[str]:
        """The alarms that operators were told to be in ALARM, so far."""
        give_up_at = time.monotonic() + 10
        while time.monotonic() < give_up_at:
            answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            messages = answer.get("Messages", [])
            if not messages:
                break
            for message in messages:
                notice = json.loads(json.loads(message["Body"])["Message"])
                if notice["NewStateValue"] == "ALARM":
                    self._told.add(notice["AlarmName"].removeprefix(PREFIX))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return self._told

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


class Scene:
    """A deployment in which things go wrong; afterwards each is as it was."""

    def __init__(self, deployment: Deployment, operators: Operators, folder: Path) -> None:
        self.deployment, self.operators, self.folder = deployment, operators, folder
        self.inputs: dict[str, Any] = deployment.outputs()["application_inputs"]
        self.function = self.inputs["function_name"]
        self.functions = deployment.client("lambda")

    def call(self, model_id: str = NOVA) -> int:
        return self.deployment.invoke(model_id, SAID).status_code

    def task(self, name: str) -> str:
        """What the schedule of a task does; the error's type, if it ends in one."""
        (target,) = self.deployment.client("events").list_targets_by_rule(Rule=f"{self.function}-{name}")["Targets"]
        answer = self.functions.invoke(FunctionName=target["Arn"], Payload=target["Input"])
        return str(json.load(answer["Payload"]).get("errorType", "")) if "FunctionError" in answer else ""

    @contextmanager
    def denying(self, *actions: str) -> Iterator[None]:
        """The execution role may not do this."""
        iam, role = self.deployment.client("iam"), self.inputs["execution_role_arn"].rpartition("/")[2]
        statement = {"Effect": "Deny", "Action": list(actions), "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=json.dumps(policy))
        try:
            yield
        finally:
            iam.delete_role_policy(RoleName=role, PolicyName="denied")

    @contextmanager
    def policy(self, **sections: Any) -> Iterator[None]:
        """Another policy of the boundary, for new execution environments."""
        dynamodb, key = self.deployment.client("dynamodb"), {"name": {"S": "boundary"}}
        table = self.inputs["policy_table_name"]
        before = dynamodb.get_item(TableName=table, Key=key)["Item"]
        document = json.dumps({**copy.deepcopy(STARTING), **sections})
        dynamodb.put_item(TableName=table, Item={**key, "document": {"S": document}})
        self.deployment.kill_functions()
        try:
            yield
        finally:
            dynamodb.put_item(TableName=table, Item=before)
            self.deployment.kill_functions()

    def add_record_of_an_hour_ago(self) -> None:
        """A crossing whose outcome never came. It stays: records are not deleted, and the archive would tell."""
        timestamp = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        item = {
            "requestId": {"S": f"stuck-{timestamp[-13:-1]}"},
            "timestamp": {"S": timestamp},
            "state": {"S": "STARTED"},
            "callerArn": {"S": "arn:aws:iam::123456789012:user/application-developer"},
            "dayShard": {"S": f"{timestamp[:10]}#0"},
            "outcomeDayShard": {"S": f"STARTED#{timestamp[:10]}#0"},
            "timeKey": {"S": f"{timestamp}#stuck-{timestamp[-13:-1]}"},
            "ttl": {"N": str(int(time.time()) + 3600)},
        }
        self.deployment.client("dynamodb").put_item(TableName=self.inputs["audit_table_name"], Item=item)

    @contextmanager
    def stream_stopped(self) -> Iterator[None]:
        """Somebody disabled the mapping of the audit table's stream."""
        stream = self.inputs["audit_archive"]["stream_arn"]
        (mapping,) = self.functions.list_event_source_mappings(EventSourceArn=stream)["EventSourceMappings"]
        self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    def archive_grew_last(self, ago: timedelta) -> None:
        """Let that much time have passed since; the next object that is archived corrects it."""
        moment = (datetime.now(UTC) - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.deployment.client("dynamodb").update_item(
            TableName=self.inputs["audit_archive"]["table_name"],
            Key={"chain": {"S": "audit"}},
            UpdateExpression="SET advancedAt = :moment",
            ExpressionAttributeValues={":moment": {"S": moment}},
        )

    @contextmanager
    def credential_ends_soon(self) -> Iterator[None]:
        secrets, secret = self.deployment.client("secretsmanager"), self.deployment.outputs()["credential_secret_arn"]
        credential = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
        ends = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        secrets.put_secret_value(SecretId=secret, SecretString=json.dumps({**credential, "expires_at": ends}))
        self.deployment.kill_functions()
        try:
            yield
        finally:
            secrets.put_secret_value(SecretId=secret, SecretString=json.dumps(credential))
            self.deployment.kill_functions()


@pytest.fixture
def scene(deployment: Deployment, operators: Operators, tmp_path: Path) -> Scene:
    return Scene(deployment, operators, tmp_path)


def audit_write_failures(scene: Scene) -> None:
    with scene.denying("dynamodb:PutItem"):
        assert scene.call() == 503


def denied_crossings(scene: Scene) -> None:
    """A caller who is over a limit is not what it is there for."""
    everyone = [{**STARTING["callers"][0], "limits": {"requests_per_minute": 1}}]
    with scene.policy(callers=everyone):
        assert [scene.call() for _ in range(12)].count(429) >= 10
    scene.operators.publish()
    assert scene.operators.states()["denied-crossings"] != "ALARM"

    for _ in range(10):
        assert scene.call("global.anthropic.claude-haiku-4-5-20251001-v1:0") == 403


def policy_failures(scene: Scene) -> None:
    with scene.policy(callers="nobody"):
        assert scene.call() == 503


def limit_failures(scene: Scene) -> None:
    everyone = [{**STARTING["callers"][0], "limits": {"requests_per_day": 5}}]
    with scene.policy(callers=everyone), scene.denying("dynamodb:UpdateItem"):
        assert scene.call() == 503


def guardrail_failures(scene: Scene) -> None:
    """The role may ask no guardrail, as none was named to Terraform."""
    with scene.policy(guardrails={"before_egress": {"identifier": "abc", "version": "1", "mode": "screen"}}):
        assert scene.call() == 503


def stale_credentials(scene: Scene) -> None:
    """The released artifact, in a process of its own whose Secrets Manager goes down after the first read."""
    artifact = scene.folder / "artifact"
    with zipfile.ZipFile(scene.deployment.download_artifact(scene.folder)) as archive:
        archive.extractall(artifact)
    configured = scene.deployment.client("lambda").get_function_configuration(FunctionName=scene.function)
    operator = scene.deployment.operator_environ
    keys = {name: operator[name] for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    environ = configured["Environment"]["Variables"] | keys | {"PYTHONPATH": str(artifact)}
    environ |= {"AWS_ENDPOINT_URL": operator["AWS_ENDPOINT_URL"], "CREDENTIAL_MAX_AGE_SECONDS": "0"}
    with FaultyAws(operator["AWS_ENDPOINT_URL"]).running() as secrets_manager:
        environ |= {"AWS_ENDPOINT_URL_SECRETSMANAGER": secrets_manager.url}
        event = json.loads((REPOSITORY / "tests/events/invoke_model.json").read_text())
        event |= {"body": json.dumps({"modelId": NOVA, "body": SAID}), "isBase64Encoded": False}
        command = [LOCAL / "twin-venv/bin/python", "-c", TWO_REQUESTS, json.dumps(event)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, env=environ, text=True, **pipes) as process:  # type: ignore[call-overload]
            for line in process.stdout:
                if line == "served\n":
                    secrets_manager.faults["GetSecretValue"] = 503
                    process.stdin.write("down\n")
                    process.stdin.flush()
                scene.operators.take(line)
        assert process.returncode == 0


TWO_REQUESTS = """
import json, sys, handler
class Context:
    aws_request_id = "made-up"
    invoked_function_arn = "arn:aws:lambda:r:1:function:f:live"
    get_remaining_time_in_millis = staticmethod(lambda: 20_000)
event = json.loads(sys.argv[1])
answer = handler.lambda_handler(event, Context)
assert answer["statusCode"] == 200, answer
print("served", flush=True)
assert input() == "down"
event["requestContext"]["requestId"] = "made-up-too"
answer = handler.lambda_handler(event, Context)
assert answer["statusCode"] == 200, answer
"""


def stuck_crossings(scene: Scene) -> None:
    scene.add_record_of_an_hour_ago()
    assert scene.task("watch") == ""


def abandoned_crossings(scene: Scene) -> None:
    scene.add_record_of_an_hour_ago()
    assert scene.task("reconcile") == ""


def credential_expiry(scene: Scene) -> None:
    with scene.credential_ends_soon():
        assert scene.task("watch") == ""


def watch(scene: Scene) -> None:
    with scene.denying("dynamodb:Query"):
        assert scene.task("watch") == ""


def function_errors(scene: Scene) -> None:
    """The reconciler cannot read, which is an error of the function."""
    with scene.denying("dynamodb:Query"):
        assert scene.task("reconcile") != ""


def function_throttles(scene: Scene) -> None:
    scene.operators.put("AWS/Lambda", "Throttles", 1, FunctionName=scene.function)


def error_rate(scene: Scene) -> None:
    scene.deployment.upstream("POST", "faults", {"fault": "status", "count": 12, "match": "/model/"})
    assert min(scene.call() for _ in range(12)) >= 500


def latency_p99(scene: Scene) -> None:
    slow = {"fault": "slow", "count": 3, "match": "/model/", "delay_seconds": 25.5}
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: scene.call(), range(30)))  # until there are as many execution environments
        scene.deployment.upstream("POST", "faults", slow)
        assert list(pool.map(lambda _: scene.call(), range(3))) == [200] * 3


def api_error_rate(scene: Scene) -> None:
    of_stage = {"ApiName": scene.inputs["name"], "Stage": scene.deployment.outputs()["stage_name"]}
    for _ in range(10):
        scene.operators.put("AWS/ApiGateway", "Count", 1, **of_stage)
        scene.operators.put("AWS/ApiGateway", "5XXError", 1, **of_stage)


def audit_table_throttles(scene: Scene) -> None:
    table = scene.inputs["audit_table_name"]
    scene.operators.put("AWS/DynamoDB", "ThrottledRequests", 1, TableName=table, Operation="PutItem")


def archive_lag(scene: Scene) -> None:
    """Lambda delivers nothing, so it has no figure of its own for it."""
    with scene.stream_stopped():
        scene.archive_grew_last(timedelta(hours=2))
        scene.add_record_of_an_hour_ago()
        assert scene.task("watch") == ""


def archive_batch_age(scene: Scene) -> None:
    scene.operators.put("AWS/Lambda", "IteratorAge", 4_000_000, FunctionName=scene.function)


CAUSES: dict[str, Callable[[Scene], None]] = {
    cause.__name__.replace("_", "-"): cause
    for cause in (
        *(audit_write_failures, denied_crossings, policy_failures, limit_failures, guardrail_failures),
        *(stale_credentials, stuck_crossings, abandoned_crossings, credential_expiry, watch),
        *(function_errors, function_throttles, error_rate, latency_p99),
        *(api_error_rate, audit_table_throttles, archive_lag, archive_batch_age),
    )
}


def raise_alarm(scene: Scene, alarm: str) -> None:
    """Do what an alarm is there for; the operators must hear of it."""
    CAUSES[alarm](scene)
    scene.operators.publish()
    states = scene.operators.states()
    assert states[alarm] == "ALARM", states
    assert alarm in scene.operators.told, scene.operators.told


def test_checks_that_all_fail_raise_the_alarm(scene: Scene) -> None:
    """First, as one check of a quarter of an hour that succeeds is enough to be content with."""
    raise_alarm(scene, "watch")


def test_quiet_traffic_moves_no_alarm(scene: Scene, operators: Operators) -> None:
    assert scene.call() == 200
    for name in ("watch", "reconcile", "usage"):
        assert scene.task(name) == ""
    operators.publish()
    states = operators.states()
    assert states.keys() == CAUSES.keys()  # each alarm there is has a cause below
    assert "ALARM" not in states.values(), states
    assert states["watch"] == "OK"


@pytest.mark.parametrize("alarm", [alarm for alarm in CAUSES if alarm != "watch"])
def test_what_it_is_there_for_raises_the_alarm(scene: Scene, alarm: str) -> None:
    raise_alarm(scene, alarm)

"""The main job, end to end, on a twin of its own: deploy, call, look at the record. Leaves nothing running.

Usage: demo.py

CREDENTIAL_MODE (default: api_key; aws_keys, federation) is how the router proves itself to Commercial.

Prints each step with its result, then a table, then `demo: N checks passed, M failed`; exits 1 if any failed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import boto3

from deployment import REPOSITORY
from twin import ENVIRONMENT, Twin, isolate

ON_DEMAND_MODEL = "amazon.nova-lite-v1:0"
PROFILE_ONLY_MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
# As anybody writes it for Bedrock: nothing in it knows of the API.
STREAMING_PROGRAM = """
import boto3, sys
messages = [{"role": "user", "content": [{"text": "Say hello."}]}]
stream = boto3.client("bedrock-runtime").converse_stream(modelId=sys.argv[1], messages=messages)["stream"]
for event in stream:
    if "contentBlockDelta" in event:
        print(event["contentBlockDelta"]["delta"]["text"])
"""


class Answer(NamedTuple):
    """What curl got back."""

    status: int
    body: Any


class Demo:
    """Runs the checks as the calling IAM user, who holds only execute-api:Invoke."""

    def __init__(self, twin: Twin, environment: str = ENVIRONMENT) -> None:
        self._twin = twin
        self._environment = environment
        self._started_at = time.time()
        self._from = datetime.fromtimestamp(self._started_at, UTC).strftime("%Y-%m-%dT%H%%3A%M%%3A%S.%fZ")
        self._variables = twin.variables()
        self._results: list[tuple[str, bool, str]] = []

    def run(self) -> None:
        """Run every check, in order."""
        for check in (
            self.list_models,
            self.invoke_on_demand_model,
            self.invoke_profile_only_model,
            self.stream_with_boto3,
            self.refuse_unsigned_call,
            self.refuse_marked_text,
            self.explain_without_sending,
            self.pass_on_unknown_model,
            self.show_requests,
            self.record_every_crossing,
            *([self.verify_archive] if self._environment == ENVIRONMENT else []),  # others need not have one
            self.keep_state_in_s3,
        ):
            self._check(check)

    def report(self) -> list[str]:
        """Print the table and the closing line; what failed, and how."""
        width = max(len(name) for name, _, _ in self._results)
        print()
        for name, ok, result in self._results:
            print(f"{'pass' if ok else 'FAIL'}  {name:<{width}}  {result}")
        failed = [f"{name}: {result}" for name, ok, result in self._results if not ok]
        print(f"\ndemo: {len(self._results) - len(failed)} checks passed, {len(failed)} failed")
        return failed

    def list_models(self) -> str:
        """GET /bedrock/models: what Commercial Bedrock offers"""
        answer = self._call("GET", "/bedrock/models")
        _expect(answer.status == 200 and answer.body["totalModels"] > 0, answer)
        return f"200, {answer.body['totalModels']} models in {answer.body['region']['region']}"

    def invoke_on_demand_model(self) -> str:
        """POST /bedrock/invoke-model: an on-demand model"""
        message = {"messages": [{"role": "user", "content": [{"text": "Say hello."}]}]}
        answer = self._call("POST", "/bedrock/invoke-model", {"modelId": ON_DEMAND_MODEL, "body": message})
        _expect(answer.status == 200, answer)
        completion = json.loads(answer.body["body"])
        return f"200, {completion['usage']['outputTokens']} tokens out of {ON_DEMAND_MODEL}"

    def invoke_profile_only_model(self) -> str:
        """POST /bedrock/invoke-model: a Claude model that only an inference profile serves"""
        message = {"max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}
        envelope = {"modelId": PROFILE_ONLY_MODEL, "body": json.dumps(message)}
        answer = self._call("POST", "/bedrock/invoke-model", envelope)
        _expect(answer.status == 200 and json.loads(answer.body["body"])["type"] == "message", answer)
        path = self._forwarded()[-1]["path"]
        _expect(path.startswith("/model/us."), path)
        return f"200, resolved by itself: upstream saw {path}"

    def stream_with_boto3(self) -> str:
        """boto3 as it is, configured by an AWS profile: ConverseStream"""
        caller = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "API_URL")
        with tempfile.TemporaryDirectory() as folder:
            environ = {name: self._variables[name] for name in caller}
            environ |= {"PATH": os.environ["PATH"], "HOME": folder, "PROFILE": "demo", "AWS_PROFILE": "demo"}
            for command in (["scripts/client_profile.py"], ["-c", STREAMING_PROGRAM, PROFILE_ONLY_MODEL]):
                result = subprocess.run(
                    [sys.executable, *command], cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False
                )
                _expect(result.returncode == 0, result.stderr)
        pieces = result.stdout.splitlines()
        _expect(len(pieces) > 1, pieces)
        return f"{len(pieces)} pieces of text; the program names no URL and no signature"

    def refuse_unsigned_call(self) -> str:
        """the same without a signature"""
        answer = self._call("POST", "/bedrock/invoke-model", {"modelId": ON_DEMAND_MODEL, "body": {}}, signed=False)
        _expect(answer.status == 403, answer)
        return f"403 {answer.body['error']['code']}"

    def refuse_marked_text(self) -> str:
        """text with a classification banner: refused by the policy, and nothing of it leaves"""
        message = {"messages": [{"role": "user", "content": [{"text": "Summarise:\nSECRET//NOFORN\nThe plan is ..."}]}]}
        before = len(self._forwarded())
        answer = self._call("POST", "/bedrock/invoke-model", {"modelId": ON_DEMAND_MODEL, "body": message})
        _expect(answer.status == 403 and "(rule markings)" in answer.body["error"]["message"], answer)
        _expect(len(self._forwarded()) == before, self._forwarded()[before:])
        return f"403 {answer.body['error']['code']}: {answer.body['error']['message']}"

    def explain_without_sending(self) -> str:
        """POST /bedrock/explain: what would happen to a request"""
        message = {"messages": [{"role": "user", "content": [{"text": "Say hello."}]}]}
        described = {"path": f"/model/{PROFILE_ONLY_MODEL}/converse", "body": message}
        before = len(self._forwarded())
        answer = self._call("POST", "/bedrock/explain", described)
        _expect(answer.status == 200 and answer.body["wouldCross"], answer)
        _expect(len(self._forwarded()) == before, self._forwarded()[before:])
        rule, regions = answer.body["decision"]["rule"], answer.body["destinationRegions"]
        return f"would cross by {rule}, to {answer.body['model']['resolvedModelId']} in {', '.join(regions)}"

    def pass_on_unknown_model(self) -> str:
        """an unknown model: Bedrock's own error"""
        answer = self._call("POST", "/bedrock/invoke-model", {"modelId": "amazon.no-such-model-v1:0", "body": {"a": 1}})
        error = answer.body["error"]
        _expect(answer.status == 400 and error["code"] == "ValidationException", answer)
        return f"400 {error['code']}: {error['message']}"

    def show_requests(self) -> str:
        """GET /dashboard/requests: what happened"""
        answer = self._call("GET", f"/dashboard/requests?from={self._from}")
        _expect(answer.status == 200, answer)
        records = answer.body["requests"]
        models = [record.get("modelId") for record in records]
        _expect({ON_DEMAND_MODEL, PROFILE_ONLY_MODEL, "amazon.no-such-model-v1:0"} <= set(models), models)
        failures = self._call("GET", f"/dashboard/requests?from={self._from}&success=false").body
        failed = [(record["modelId"], record["state"]) for record in failures["requests"]]
        _expect(failed == [("amazon.no-such-model-v1:0", "COMPLETED"), (ON_DEMAND_MODEL, "DENIED")], failures)
        for record in records:
            print(
                f"     {record['timestamp']}  {record['operation']:<11}  {record['state']:<9} {record['statusCode']}"
                f"  {record.get('latency', '-'):>5} ms  {record.get('resolvedModelId', '')}"
            )
        return f"200, {answer.body['totalCount']} crossings, {failures['totalCount']} of them not served"

    def record_every_crossing(self) -> str:
        """no request reached Commercial Bedrock without its audit record"""
        received = [request["headers"]["User-Agent"].rpartition("audit/")[2] for request in self._upstream_requests()]
        records = self._call("GET", f"/dashboard/requests?from={self._from}&limit=200").body["requests"]
        missing = set(received) - {record["requestId"] for record in records}
        _expect(received and not missing, missing)
        _expect(all(record["callerArn"].endswith("user/application-developer") for record in records), records)
        return f"{len(received)} upstream requests, 0 without a record"

    def verify_archive(self) -> str:
        """make verify-audit: the archive has it all, unchanged"""
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        started = f"{datetime.fromtimestamp(self._started_at, UTC):%Y-%m-%d}"
        command = [sys.executable, "scripts/verify_audit.py", self._environment, started, today]
        environ = self._twin.operator_environ()
        give_up_at = time.monotonic() + 20
        while True:
            result = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
            _expect(result.returncode == 0, result.stdout + result.stderr)
            if "verified: 0 entries" not in result.stdout or time.monotonic() > give_up_at:
                break
            time.sleep(1)  # the stream is on its way
        _expect("verified: 0 entries" not in result.stdout, result.stdout)
        return result.stdout.splitlines()[-1]

    def keep_state_in_s3(self) -> str:
        """the state of all three roots is in S3 and holds no credential"""
        variables = self._variables
        s3 = boto3.client(
            "s3",
            region_name=variables["AWS_REGION"],
            endpoint_url=variables["TWIN_GOVCLOUD_URL"],
            aws_access_key_id=variables["OPERATOR_AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["OPERATOR_AWS_SECRET_ACCESS_KEY"],
        )
        bucket = next(item["Name"] for item in s3.list_buckets()["Buckets"] if "tfstate" in item["Name"])
        credential = [value for name, value in self._twin.credential().items() if name not in ("region", "expires_at")]
        for key in (
            "bootstrap.tfstate",
            *(f"{self._environment}/{root}.tfstate" for root in ("infrastructure", "application")),
        ):
            state = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            _expect(json.loads(state)["resources"] and not any(value in state for value in credential), key)
        return f"3 states in {bucket}"

    def _check(self, check: Callable[[], str]) -> None:
        name = (check.__doc__ or check.__name__).strip()
        print(f"\n==> {name}", flush=True)
        try:
            result, ok = check(), True
        except (AssertionError, KeyError, TypeError, ValueError, IndexError) as error:
            result, ok = f"{type(error).__name__}: {error}"[:300], False
        print(f"    {result}", flush=True)
        self._results.append((name, ok, result))

    def _call(self, method: str, path: str, document: dict[str, Any] | None = None, *, signed: bool = True) -> Answer:
        variables = self._variables
        command = ["curl", "--silent", "--show-error", "--config", "-", "--request", method]
        command += ["--write-out", "\n%{http_code}", variables["API_URL"] + path]
        config = 'header = "Content-Type: application/json"\n'
        if document is not None:
            config += f"data-binary = {json.dumps(json.dumps(document))}\n"
        if signed:
            command += ["--aws-sigv4", f"aws:amz:{variables['AWS_REGION']}:execute-api"]
            config += f'user = "{variables["AWS_ACCESS_KEY_ID"]}:{variables["AWS_SECRET_ACCESS_KEY"]}"\n'
        printed = subprocess.run(command, input=config, capture_output=True, text=True, check=True, timeout=60).stdout
        body, _, status = printed.rpartition("\n")
        return Answer(int(status), json.loads(body))

    def _upstream_requests(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self._variables['TWIN_COMMERCIAL_URL']}/_twin/requests", timeout=10) as answer:
            requests = json.load(answer)["requests"]
        return [request for request in requests if request["arrivedAt"] >= self._started_at]

    def _forwarded(self) -> list[dict[str, Any]]:
        """The upstream requests that were somebody's; Bedrock's lists are read when they are due."""
        return [request for request in self._upstream_requests() if request["method"] == "POST"]


def _expect(condition: object, seen: object) -> None:
    if not condition:
        raise AssertionError(f"saw {seen}")


def main() -> int:
    """Bring a twin up, run the demo, take the twin down."""
    mode = os.environ.get("CREDENTIAL_MODE") or "api_key"
    isolate()
    started = time.monotonic()
    twin = Twin("demo", mode)
    twin.down()  # what an interrupted run may have left
    try:
        twin.up()
        demo = Demo(twin)
        demo.run()
    finally:
        twin.down()
    print(f"\ntook {time.monotonic() - started:.0f} s; nothing is left running")
    return 1 if demo.report() else 0


if __name__ == "__main__":
    sys.exit(main())

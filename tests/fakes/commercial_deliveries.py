"""What Commercial logs of its calls, delivered to a folder as to an S3 bucket: CloudTrail, and model invocation logs.

Shapes and names of files follow "Monitor Amazon Bedrock API calls using CloudTrail" and "Monitor model invocation using
CloudWatch Logs and Amazon S3" in the Amazon Bedrock User Guide, "CloudTrail log file examples" and "CloudTrail record
contents" in the AWS CloudTrail User Guide. The trail has management events only, as one has that nobody told otherwise.
Both have what Bedrock did, whatever happens to its answer on the way. Of what a stream said there is nothing here.

Assumed, as no page says it: calls of the vendors' paths have the names of the actions that IAM has for them; refused
calls are in both logs, in an invocation log with `errorCode`; a call with a credential of nobody's is in none.
"""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from tests.fakes.commercial_auth import principal_of
from tests.fakes.commercial_wire import Request, Response, ValidationError, json_of, segments_of

INLINE_LIMIT_BYTES = 100_000
_ON_MODEL = {
    "invoke": "InvokeModel",
    "invoke-with-response-stream": "InvokeModelWithResponseStream",
    "converse": "Converse",
    "converse-stream": "ConverseStream",
    "count-tokens": "CountTokens",
}
_INVOCATIONS = frozenset(_ON_MODEL.values()) - {"CountTokens"}
_DATA_EVENTS = frozenset({"StartAsyncInvoke", "GetAsyncInvoke", "ApplyGuardrail"})


class Deliveries:
    """Notes calls, and writes what was noted since the last time when it is told to."""

    def __init__(self, folder: Path, region: str) -> None:
        self._folder = folder
        self._region = region
        self._account = ""
        self._lock = Lock()
        self._events: list[dict[str, Any]] = []
        self._invocations: list[dict[str, Any]] = []

    def note(self, request: Request, response: Response, principal: str | None, account: str) -> None:
        """A call, what Bedrock made of it, and the ARN of who made it if the account was asked."""
        if response.status == 403 and not principal:
            return
        principal = principal or principal_of(request, account)
        operation, model = _called(request)
        now = request.now()
        common = {"operation": operation, "model": model, "arn": principal, "time": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
        with self._lock:
            self._account = account
            if operation not in _DATA_EVENTS:
                self._events.append(self._event(request, response, **common))
            if operation in _INVOCATIONS:
                self._invocations.append(self._invocation(request, response, now, **common))

    def deliver(self, now: datetime) -> None:
        """One file of each kind that there is something for."""
        with self._lock:
            events, self._events = self._events, []
            invocations, self._invocations = self._invocations, []
        if events:
            name = f"{self._account}_CloudTrail_{self._region}_{now:%Y%m%dT%H%MZ}_{secrets.token_hex(8)}.json.gz"
            self._write(f"CloudTrail/{self._region}/{now:%Y/%m/%d}/{name}", json.dumps({"Records": events}))
        if invocations:
            lines = "".join(json.dumps(entry) + "\n" for entry in invocations)
            self._write(f"{self._hour(now)}/{now:%Y%m%dT%H%M%S000Z}_{secrets.token_hex(8)}.json.gz", lines)

    def _event(
        self, request: Request, response: Response, *, operation: str, model: str, arn: str, time: str
    ) -> dict[str, Any]:
        failed = {}
        if response.status >= 400:
            failed = {"errorCode": _error_of(response), "errorMessage": "made up by the offline twin"}
        return {
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "arn": arn, "accountId": self._account},
            "eventTime": time,
            "eventSource": "bedrock.amazonaws.com",
            "eventName": operation,
            "awsRegion": self._region,
            "sourceIPAddress": "127.0.0.1",
            "userAgent": request.header("user-agent") or "",
            **failed,
            "requestParameters": {"modelId": model} if model else None,
            "responseElements": None,
            "requestID": request.request_id,
            "eventID": str(uuid4()),
            "readOnly": request.method == "GET",
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self._account,
            "eventCategory": "Management",
        }

    def _invocation(
        self, request: Request, response: Response, now: datetime, *, operation: str, model: str, arn: str, time: str
    ) -> dict[str, Any]:
        metadata = _metadata_of(request)
        failed = {"errorCode": _error_of(response)} if response.status >= 400 else {}
        answer = b"" if response.parts else response.body
        return {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": time,
            "accountId": self._account,
            "identity": {"arn": arn},
            "region": self._region,
            "requestId": request.request_id,
            "operation": operation,
            "modelId": model,
            **failed,
            **({"requestMetadata": metadata} if metadata else {}),
            "input": self._body("input", request, request.body, now),
            "output": self._body("output", request, answer, now),
        }

    def _body(self, kind: str, request: Request, body: bytes, now: datetime) -> dict[str, Any]:
        """A body as the log has it: large ones and those that are no JSON are objects of their own."""
        described: dict[str, Any] = {f"{kind}ContentType": "application/json"}
        try:
            document = json.loads(body) if body else None
        except ValueError:
            document = None
        if document is not None and len(body) <= INLINE_LIMIT_BYTES:
            return {**described, f"{kind}BodyJson": document}
        if not body:
            return described
        path = f"{self._hour(now)}/data/{request.request_id}_{kind}.json.gz"
        self._write(path, body.decode(errors="replace"))
        return {**described, f"{kind}BodyS3Path": f"s3://made-up-bucket/AWSLogs/{self._account}/{path}"}

    def _hour(self, now: datetime) -> str:
        return f"BedrockModelInvocationLogs/{self._region}/{now:%Y/%m/%d/%H}"

    def _write(self, name: str, text: str) -> None:
        path = self._folder / "AWSLogs" / self._account / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))


def _called(request: Request) -> tuple[str, str]:
    """The name of the operation, and the model that the request names; a path that is no operation names itself."""
    match (request.method, *segments_of(request)):
        case ("POST", "model", model, last) if last in _ON_MODEL:
            return _ON_MODEL[last], model
        case ("POST", "openai" | "anthropic", "v1", *_):
            body = _body_of(request)
            streams = body.get("stream") is True
            return "InvokeModelWithResponseStream" if streams else "InvokeModel", str(body.get("model", ""))
        case ("POST", "guardrail", _, "version", _, "apply"):
            return "ApplyGuardrail", ""
        case ("POST", "guardrail-checks", "invoke"):
            return "InvokeGuardrailChecks", ""
        case ("POST", "async-invoke"):
            return "StartAsyncInvoke", ""
        case ("GET", "async-invoke", *arn):
            return "GetAsyncInvoke" if arn else "ListAsyncInvokes", ""
        case ("GET", "foundation-models", *model):
            return "GetFoundationModel" if model else "ListFoundationModels", ""
        case ("GET", "foundation-model-availability", _):
            return "GetFoundationModelAvailability", ""
        case ("GET", "inference-profiles", *profile):
            return "GetInferenceProfile" if profile else "ListInferenceProfiles", ""
        case ("POST", "inference-profiles"):
            return "CreateInferenceProfile", ""
        case ("POST", "listTagsForResource"):
            return "ListTagsForResource", ""
    return request.path, ""


def _metadata_of(request: Request) -> Mapping[str, Any]:
    """What a request says of itself: InvokeModel in a header, Converse in its body."""
    header = request.header("x-amzn-bedrock-request-metadata")
    if header is None:
        metadata = _body_of(request).get("requestMetadata")
    else:
        try:
            metadata = json_of(header.encode("latin-1"))
        except ValidationError:
            metadata = None
    return metadata if isinstance(metadata, dict) else {}


def _body_of(request: Request) -> Mapping[str, Any]:
    try:
        return json_of(request.body)
    except ValidationError:
        return {}


def _error_of(response: Response) -> str:
    return response.headers.get("x-amzn-errortype", "UnknownError").partition(":")[0]

"""Requests as the AWS SDK for Python puts them on the wire, for any operation of its models, with generated input."""

import json
import random
import string
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.model import OperationModel, Shape

_DEEPEST = 5
_MODELS = ("amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0", "openai.gpt-oss-20b-1:0", "no.such-model-v1:0")
_ARN = "arn:aws:bedrock:us-east-1:111122223333"
# What decides the path is what Bedrock's own patterns admit.
_IDENTIFIERS = {
    "modelId": _MODELS,
    "modelIdentifier": _MODELS,
    "guardrailIdentifier": ("abcdefgh1234", f"{_ARN}:guardrail/abcdefgh1234"),
    "guardrailVersion": ("DRAFT", "1", "12"),
    "invocationArn": (f"{_ARN}:async-invoke/abcdefgh1234",),
    "inferenceProfileIdentifier": (
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        f"{_ARN}:application-inference-profile/abcdefgh1234",
    ),
}
_TEXT = string.ascii_letters + string.digits + " .,:;/?&=%+#@\"'\\{}[]<>"
_BEYOND_ASCII = "\u00e9\u4e2d\U0001f600\u2028\x7f"
_CREDENTIALS = {"authorization", "host", "x-amz-date", "x-amz-security-token", "amz-sdk-request", "user-agent"}


@dataclass(frozen=True)
class SdkRequest:
    """What an SDK sends: the target with its query, the headers without credentials, the body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class _Captured(Exception):  # noqa: N818 - not an error: how a request is taken away before it is sent
    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__()
        self.request = request


class SdkRequests:
    """Generates requests for the operations of one service; the same ones for the same seed."""

    def __init__(self, service: str, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same for the same seed
        self._client = boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url="http://127.0.0.1:9",  # nothing is sent
            aws_access_key_id="AKIAMADEUP",
            aws_secret_access_key="made-up",
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )
        self._client.meta.events.register("before-send", self._capture)
        self.operations: dict[str, OperationModel] = {
            name: self._client.meta.service_model.operation_model(name)
            for name in self._client.meta.service_model.operation_names
        }

    def make(self, operation: str) -> SdkRequest:
        """A request with every member of the input present or not by chance, and odd texts in it."""
        model = self.operations[operation]
        arguments = self._value(model.input_shape, 0) if model.input_shape else {}
        method = next(name for name, wire in self._client.meta.method_to_api_mapping.items() if wire == operation)
        try:
            getattr(self._client, method)(**arguments)
        except _Captured as captured:
            return _wire_form(captured.request)
        raise AssertionError(f"{operation} was not sent")

    @staticmethod
    def _capture(request: AWSPreparedRequest, **_details: object) -> None:
        raise _Captured(request)

    def _value(self, shape: Shape, depth: int, name: str = "", *, in_head: bool = False) -> Any:
        if name in _IDENTIFIERS:
            return self._random.choice(_IDENTIFIERS[name])
        if name == "requestMetadata" and in_head:
            return json.dumps({self._text(in_head): self._text(in_head)})
        match shape.type_name:
            case "structure" if getattr(shape, "is_document_type", False):
                return self._json(depth)
            case "structure":
                return self._structure(shape, depth)
            case "list":
                count = self._random.randint(0, 2) if depth < _DEEPEST else 0
                return [self._value(shape.member, depth + 1, in_head=in_head) for _ in range(count)]  # type: ignore[attr-defined]
            case "map":
                return {self._text(in_head): self._value(shape.value, depth + 1)}  # type: ignore[attr-defined]
            case "boolean":
                return self._random.random() < 0.5
            case "integer" | "long":
                return self._random.randint(0, 10_000)
            case "float" | "double":
                return self._random.randint(0, 100) / 8
            case "blob":
                return self._random.randbytes(self._random.randint(1, 300))
            case "timestamp":
                return f"2026-11-{self._random.randint(1, 28):02}T00:00:00Z"
        choices: list[str] = shape.metadata.get("enum", [])
        return self._random.choice(choices) if choices else self._text(in_head)

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        optional = [name for name in shape.members if name not in shape.required_members]
        if getattr(shape, "is_tagged_union", False):
            chosen = [self._random.choice(optional)]
        else:
            chosen = [name for name in optional if self._random.random() < (0.5 if depth < _DEEPEST else 0)]
        return {
            name: self._value(
                shape.members[name],
                depth + 1,
                name,
                in_head=shape.members[name].serialization.get("location") in ("header", "querystring"),
            )
            for name in [*shape.required_members, *chosen]
        }

    def _json(self, depth: int) -> Any:
        texts = {self._text(in_head=False): self._text(in_head=False) for _ in range(2)}
        return {**texts, "n": self._random.random(), "l": [None, True, {}], **({} if depth else {"model": "x"})}

    def _text(self, in_head: bool) -> str:
        alphabet = _TEXT if in_head else _TEXT + _BEYOND_ASCII + "\n\t"
        return "x" + "".join(self._random.choices(alphabet, k=self._random.randint(0, 30))).strip()


def _wire_form(request: AWSPreparedRequest) -> SdkRequest:
    parts = urlsplit(request.url)
    headers = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
        if name.lower() not in _CREDENTIALS and name.lower() != "content-length"
    }
    body = request.body or b""
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return SdkRequest(request.method, target, headers, body if isinstance(body, bytes) else body.encode())

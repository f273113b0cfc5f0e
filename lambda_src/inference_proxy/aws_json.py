"""AWS services that speak AWS JSON 1.0 or 1.1: DynamoDB, Secrets Manager."""

import json
from collections.abc import Mapping
from typing import Any

from inference_proxy.aws_service import AwsService
from inference_proxy.clock import Clock
from inference_proxy.signing import Signer
from inference_proxy.transport import Transport


class AwsJsonClient(AwsService):
    """One service at one endpoint; ``target`` is its prefix in X-Amz-Target."""

    def __init__(
        self, transport: Transport, url: str, signer: Signer, clock: Clock, target: str, json_version: str
    ) -> None:
        super().__init__(transport, url, target, signer, clock)
        self._content_type = f"application/x-amz-json-{json_version}"

    def _encode(self, operation: str, arguments: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        headers = {"X-Amz-Target": f"{self._name}.{operation}", "Content-Type": self._content_type}
        return headers, json.dumps(arguments, separators=(",", ":")).encode()

    def _decode(self, body: bytes) -> dict[str, Any]:
        answer = json.loads(body or b"{}")
        if not isinstance(answer, dict):
            raise ValueError("not an object")  # noqa: TRY004 - what is not of the protocol is a ValueError
        return answer

    def _error_code(self, answer: Mapping[str, Any]) -> str:
        return str(answer.get("__type", "")).rpartition("#")[2]

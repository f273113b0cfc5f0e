"""What a client of the signing proxy is told when its request is not passed on, or not answered."""

import json


class RelayError(Exception):
    """Carries the status, a code for programs and a sentence that says what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> bytes:
        """One JSON object in which the AWS, OpenAI and Anthropic SDKs each find their message."""
        error = {"type": self.code, "code": self.code, "message": str(self), "param": None}
        return json.dumps({"type": "error", "error": error, "message": f"{self.code}: {self}"}).encode()

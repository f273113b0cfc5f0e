"""ApplyGuardrail of Bedrock's runtime in GovCloud, which blocks a word and masks a pattern, and fails as it is told.

Shapes are those of "ApplyGuardrail" in the Amazon Bedrock API Reference. Signatures are verified.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.contract.background_server import BackgroundServer
from tests.fakes.commercial_sigv4 import Claim
from tests.fakes.commercial_wire import BedrockError, Request

REGION = "us-gov-west-1"
ACCESS_KEY_ID = "AKIAMADEUP"
SECRET_ACCESS_KEY = "made-up"
BLOCKED_WORD = "XP-CANARY-word"
REPORTED_WORD = "XP-CANARY-reported"  # found, and nothing is done about it
BLOCKED_MESSAGE = "The guardrail blocked this."
MOST_CHARACTERS = 25_000


class ScriptedGuardrail(BackgroundServer):
    """``faults`` are what happens to the next calls instead: "hang", "reset", a status, an error's name, or an answer.

    ``joins_outputs``: masked texts come as one output where there are several. ``error_named_in``: "header" or "body".
    """

    def __init__(self) -> None:
        self.faults: list[int | str | dict[str, Any]] = []
        self.joins_outputs = False
        self.delay_seconds = 0.0
        self.masked_pattern = re.compile(r"XP-CANARY-[0-9]+")
        self.error_named_in = "header"
        self.paths: list[str] = []
        self.calls: list[list[str]] = []  # the texts of each
        self.refused: list[str] = []  # signatures
        super().__init__(self._handler())

    def answer(self, texts: Sequence[str]) -> dict[str, Any]:
        """What the guardrail makes of texts."""
        words = [
            {"match": word, "action": action, "detected": True}
            for word, action in ((BLOCKED_WORD, "BLOCKED"), (REPORTED_WORD, "NONE"))
            if any(word in text for text in texts)
        ]
        numbers = [{"name": "number", "match": match} for text in texts for match in self.masked_pattern.findall(text)]
        outputs = [self.masked_pattern.sub("{number}", text) for text in texts] if numbers else []
        if outputs and self.joins_outputs:
            outputs = ["".join(outputs)]
        if any(BLOCKED_WORD in text for text in texts):
            outputs = [BLOCKED_MESSAGE]
        regexes = [
            {**number, "regex": self.masked_pattern.pattern, "action": "ANONYMIZED", "detected": True}
            for number in numbers
        ]
        assessment = {
            "wordPolicy": {"customWords": words, "managedWordLists": []},
            "sensitiveInformationPolicy": {"piiEntities": [], "regexes": regexes},
            "invocationMetrics": {"guardrailProcessingLatency": 12},
        }
        return {
            "usage": {"wordPolicyUnits": len(texts), "sensitiveInformationPolicyUnits": len(texts)},
            "action": "GUARDRAIL_INTERVENED" if outputs else "NONE",
            "outputs": [{"text": output} for output in outputs],
            "assessments": [assessment],
        }

    def why_refused(self, request: Request) -> str | None:
        """What is wrong with a request's signature."""
        try:
            claim = Claim.parse(request.header("authorization") or "", request)
            claim.check_scope({REGION})
            claim.check_clock(datetime.now(UTC))
            claim.check_signature(SECRET_ACCESS_KEY, request)
        except BedrockError as error:
            return error.response.body.decode()
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers, digest = tuple(self.headers.items()), hashlib.sha256(body).hexdigest()
                now = datetime.now(UTC)
                request = Request("POST", self.path, headers, body, digest, len(body), True, now, "made-up")
                refusal = outer.why_refused(request)
                if refusal:
                    outer.refused.append(refusal)
                    self._refuse(403, "InvalidSignatureException")
                    return
                document = json.loads(body)
                assert document.keys() == {"source", "content"}
                assert document["source"] == "INPUT"
                texts = [block["text"]["text"] for block in document["content"]]
                outer.paths.append(self.path)
                outer.calls.append(texts)
                outer.stopping.wait(outer.delay_seconds)
                fault = outer.faults.pop(0) if outer.faults else None
                if fault == "hang":
                    outer.stopping.wait(20)
                if fault in ("reset", "hang"):
                    self.close_connection = True
                elif isinstance(fault, int):
                    self._refuse(fault, "")
                elif isinstance(fault, str) and fault.endswith("Exception"):
                    self._refuse(429 if fault.startswith("Throttling") else 400, fault)
                elif fault is not None:
                    self._answer(200, fault if isinstance(fault, str) else json.dumps(fault))
                elif sum(map(len, texts)) > MOST_CHARACTERS:
                    self._refuse(400, "ValidationException")
                else:
                    self._answer(200, json.dumps(outer.answer(texts)))

            def _refuse(self, status: int, name: str) -> None:
                body = {"message": "XP-CANARY-message"}
                if outer.error_named_in == "body":
                    self._answer(status, json.dumps({**body, "__type": f"com.amazonaws.bedrock#{name}"}))
                else:
                    named = ("x-amzn-errortype", f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/")
                    self._answer(status, json.dumps(body), named)

            def _answer(self, status: int, body: str, *headers: tuple[str, str]) -> None:
                self.send_response(status)
                for name, value in (("Content-Type", "application/json"), *headers):
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        return Handler

"""Screens text with a guardrail of Amazon Bedrock in GovCloud before any of it crosses, by the execution role.

Follows "ApplyGuardrail" of the Amazon Bedrock API Reference. Nothing passes because an answer is odd: what is not
understood is an error, and a mask that is not certain to cover everything is a block.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from inference_proxy.aws_service import AwsService, AwsServiceError
from inference_proxy.clock import Clock
from inference_proxy.models import Deadline, error_name
from inference_proxy.signing import Signer
from inference_proxy.text_units import CALL_CHARACTERS, batches, batches_of_units, pieces
from inference_proxy.transport import Reply, Transport

_TOO_MUCH = ("ValidationException", "ThrottlingException")  # what a call of too many text units is answered
_FINDINGS = ("NONE", "ANONYMIZED", "BLOCKED")  # what is done about a finding; NONE: it is only reported

Action = Literal["NONE", "MASKED", "BLOCKED"]


class GuardrailError(Exception):
    """The guardrail gave no verdict; ``code`` says why: an error of the service, Garbled or UnknownAction."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the guardrail gave no verdict: {code}")
        self.code = code


class TooMuchTextError(GuardrailError):
    """The guardrail answers, and would not have been through with all of the texts in time."""


@dataclass(frozen=True, slots=True)
class Screening:
    """What a guardrail made of texts. ``latency_ms`` is the time of all its calls."""

    action: Action
    texts: Sequence[str] = field(repr=False)  # to send on, in the order they were given; none if BLOCKED
    latency_ms: int


@dataclass(frozen=True, slots=True)
class _Verdict:
    action: Action
    outputs: Sequence[str] = field(default=(), repr=False)  # if MASKED
    findings: int = 0  # that are masked


class GuardrailClient:
    """Calls guardrails at one endpoint of Bedrock's runtime."""

    def __init__(self, transport: Transport, url: str, signer: Signer, clock: Clock) -> None:
        self._runtime = _BedrockRuntime(transport, url, "bedrock-runtime", signer, clock)

    def screen(self, identifier: str, version: str, texts: Sequence[str], deadline: Deadline) -> Screening:
        """Screen texts as input for a model, in as few calls as can be, one after another.

        Raises GuardrailError, and TooMuchTextError where no later try would be through in time either.

        A text that is longer than a call may be is screened in overlapping pieces. It is BLOCKED if the guardrail
        would mask any of them, because masked pieces that overlap cannot be put together again.
        """

        started = time.monotonic()
        action: Action = "NONE"
        screened = list(texts)
        waiting = deque(batches(texts))
        characters = sum(len(texts[place]) for places in waiting for place in places)
        calls = _Calls(self._runtime, (identifier, version), characters, deadline)
        while waiting:
            places = waiting.popleft()
            try:
                verdict = _screen(calls.ask, [texts[place] for place in places])
            except GuardrailError as error:
                smaller = list(batches_of_units(texts, places))
                if error.code not in _TOO_MUCH or len(smaller) == 1:
                    raise
                waiting.extendleft(reversed(smaller))
                continue
            if verdict.action == "BLOCKED":
                action, screened = "BLOCKED", []
                break
            if verdict.action == "MASKED":
                action = "MASKED"
                for place, output in zip(places, verdict.outputs, strict=True):
                    screened[place] = output
        return Screening(action, screened, round((time.monotonic() - started) * 1000))


class _Calls:
    """The calls of one screening, and how fast they go."""

    def __init__(
        self, runtime: "_BedrockRuntime", guardrail: tuple[str, str], characters: int, deadline: Deadline
    ) -> None:
        self._runtime = runtime
        self._identifier, self._version = guardrail
        self._characters = characters
        self._deadline = deadline
        self._allowed_seconds = deadline.remaining_seconds()
        self._started = self._answered_at = time.monotonic()
        self._answered_characters = 0

    def ask(self, texts: Sequence[str]) -> _Verdict:
        """The verdict of one call."""
        arguments = {
            "guardrailIdentifier": self._identifier,
            "guardrailVersion": self._version,
            "source": "INPUT",
            "content": [{"text": {"text": text}} for text in texts],
        }
        try:
            verdict = _verdict(self._runtime.call("ApplyGuardrail", arguments, self._deadline))
        except AwsServiceError as error:
            late = error.code == "DeadlineExceeded" and self._needs_seconds() > self._allowed_seconds
            raise (TooMuchTextError if late else GuardrailError)(error.code) from None
        self._answered_characters += sum(map(len, texts))
        self._answered_at = time.monotonic()
        return verdict

    def _needs_seconds(self) -> float:
        """How long all of the texts take, going by those that were answered."""
        if not self._answered_characters:
            return 0.0
        return (self._answered_at - self._started) * self._characters / self._answered_characters


class _BedrockRuntime(AwsService):
    """ApplyGuardrail over REST, by Smithy's "AWS restJson1 protocol": an error's name is in a header or in the body."""

    def _path(self, arguments: Mapping[str, Any]) -> str:
        identifier = quote(arguments["guardrailIdentifier"], safe="")
        version = quote(arguments["guardrailVersion"], safe="")
        return f"/guardrail/{identifier}/version/{version}/apply"

    def _encode(self, operation: str, arguments: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:  # noqa: ARG002
        body = {name: arguments[name] for name in ("source", "content")}
        return {"Content-Type": "application/json"}, json.dumps(body).encode()

    def _decode(self, body: bytes) -> dict[str, Any]:
        answer = json.loads(body or b"{}")
        if not isinstance(answer, dict):
            raise ValueError("not an object")  # noqa: TRY004 - what is not of the protocol is a ValueError
        return answer

    def _refusal(self, operation: str, reply: Reply, answer: Mapping[str, Any]) -> AwsServiceError:
        name = reply.headers.get("x-amzn-errortype") or str(answer.get("__type", ""))
        return super()._refusal(operation, reply, {"name": name})

    def _error_code(self, answer: Mapping[str, Any]) -> str:
        name = answer["name"].partition(":")[0].rpartition("#")[2]  # between a namespace and a URL
        return error_name(name) or ""


def _screen(ask: Callable[[Sequence[str]], _Verdict], texts: Sequence[str]) -> _Verdict:
    """The verdict on a batch; where it is masked, with exactly one output for each text."""
    if len(texts[0]) > CALL_CHARACTERS:  # then it is the only one
        passes = all(ask([piece]).action == "NONE" for piece in pieces(texts[0]))
        return _Verdict("NONE" if passes else "BLOCKED")
    together = ask(texts)
    if together.action != "MASKED" or len(together.outputs) == len(texts):
        return together
    if len(texts) == 1:
        raise GuardrailError("Garbled")
    # Whose output is whose shows if fewer are asked about. What is found only together, nobody can mask.
    middle = len(texts) // 2
    halves = [(half, _screen(ask, half)) for half in (texts[:middle], texts[middle:])]
    found = sum(verdict.findings for _, verdict in halves)
    if found < together.findings or any(verdict.action == "BLOCKED" for _, verdict in halves):
        return _Verdict("BLOCKED")
    return _Verdict("MASKED", [output for half, verdict in halves for output in verdict.outputs or half], found)


def _verdict(answer: Mapping[str, Any]) -> _Verdict:
    """What an answer means. An intervention is a mask only if it says so, and nothing in it says otherwise."""
    action, found = answer.get("action"), list(_actions(answer.get("assessments")))
    if action not in ("NONE", "GUARDRAIL_INTERVENED") or any(each not in _FINDINGS for each in found):
        raise GuardrailError("UnknownAction")
    masks, blocks = found.count("ANONYMIZED"), found.count("BLOCKED")
    if action == "NONE":
        if masks or blocks:
            raise GuardrailError("Garbled")
        return _Verdict("NONE")
    if blocks or not masks:
        return _Verdict("BLOCKED")
    try:
        outputs = [output["text"] for output in answer["outputs"]]
    except (KeyError, TypeError):
        outputs = [None]
    if not all(isinstance(output, str) for output in outputs):
        raise GuardrailError("Garbled")
    return _Verdict("MASKED", outputs, masks)


def _actions(assessments: object) -> Iterator[object]:
    """The action of every finding, whatever the policy that found it."""
    if isinstance(assessments, dict):
        if "action" in assessments:
            yield assessments["action"]
        assessments = list(assessments.values())
    if isinstance(assessments, list):
        for inner in assessments:
            yield from _actions(inner)

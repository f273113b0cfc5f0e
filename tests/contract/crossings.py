"""Every way in which a caller's data can cross: the same text and model, as each path of the API takes them."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.contract.router_bench import Answer, RouterBench

Body = Callable[[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Way:
    """One operation. ``path`` has the model's id in it where it belongs there."""

    operation: str
    path: str
    body: Body
    runs_a_model: bool = True

    def request(self, model_id: str, text: str, **members: Any) -> tuple[str, dict[str, Any]]:
        """Path and body of a request; ``members`` are added to the body."""
        return self.path.replace("{modelId}", quote(model_id, safe="")), {**self.body(model_id, text), **members}

    def send(
        self, bench: RouterBench, model_id: str, text: str, headers: dict[str, str] | None = None, **members: Any
    ) -> Answer:
        """Send one."""
        path, body = self.request(model_id, text, **members)
        sent = {"Content-Type": "application/json", **(headers or {})}
        return bench.call("POST", path, body, headers=sent)


def _messages(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


def _anthropic(_model_id: str, text: str) -> dict[str, Any]:
    message = {"role": "user", "content": [{"type": "text", "text": text}]}
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 8, "messages": [message]}


def _nova(_model_id: str, text: str) -> dict[str, Any]:
    return {"messages": _messages(text)}


def _count(model_id: str, text: str) -> dict[str, Any]:
    counted = base64.b64encode(json.dumps(_body(model_id, text)).encode()).decode()
    return {"input": {"invokeModel": {"body": counted}}}


def _body(model_id: str, text: str) -> dict[str, Any]:
    return (_anthropic if "anthropic." in model_id else _nova)(model_id, text)


def _async(model_id: str, text: str) -> dict[str, Any]:
    where = {"s3OutputDataConfig": {"s3Uri": "s3://commercial-results/"}}
    return {"modelId": model_id, "modelInput": {"inputText": text}, "outputDataConfig": where}


WAYS = (
    Way("InvokeModel", "/bedrock/invoke-model", lambda model, text: {"modelId": model, "body": _body(model, text)}),
    Way("InvokeModel", "/model/{modelId}/invoke", _body),
    Way("InvokeModelWithResponseStream", "/model/{modelId}/invoke-with-response-stream", _body),
    Way("Converse", "/model/{modelId}/converse", _nova),
    Way("ConverseStream", "/model/{modelId}/converse-stream", _nova),
    Way("CountTokens", "/model/{modelId}/count-tokens", _count),
    Way("StartAsyncInvoke", "/async-invoke", _async),
    Way(
        "ChatCompletions",
        "/openai/v1/chat/completions",
        lambda model, text: {"model": model, "messages": [{"role": "user", "content": text}]},
    ),
    Way("Responses", "/openai/v1/responses", lambda model, text: {"model": model, "input": text}),
    Way("Messages", "/anthropic/v1/messages", lambda model, text: {"model": model, **_anthropic(model, text)}),
    Way(
        "ApplyGuardrail",
        "/guardrail/abcdefgh1234/version/1/apply",
        lambda _model, text: {"source": "INPUT", "content": [{"text": {"text": text}}]},
        runs_a_model=False,
    ),
    Way(
        "InvokeGuardrailChecks",
        "/guardrail-checks/invoke",
        lambda _model, text: {"source": "INPUT", "content": [{"text": {"text": text}}]},
        runs_a_model=False,
    ),
)
MODEL_WAYS = tuple(way for way in WAYS if way.runs_a_model)
IDS = [f"{way.operation} {way.path.split('/')[1]}" for way in WAYS]
MODEL_IDS = [name for name, way in zip(IDS, WAYS, strict=True) if way.runs_a_model]

"""POST /bedrock/explain: what would happen to a request, by the same code that would send it. It sends nothing of it.

A dry run goes the way of the request until it would cross, and stops there. Bedrock's lists may have to be read for it,
as for any request: a crossing with a record of its own that carries nothing of the caller's.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote

from inference_proxy.aws_service import AwsServiceError
from inference_proxy.boundary import DryRunError, refusal
from inference_proxy.decisions import NO_LIMITS, Decision
from inference_proxy.errors import (
    InvalidJsonError,
    InvalidParameterError,
    MissingBodyError,
    ProxyError,
)
from inference_proxy.estimate import estimate
from inference_proxy.events import plainly_spelled, without_signature
from inference_proxy.gate import over_limit, uncounted
from inference_proxy.limits import LimitCounters, exceeded
from inference_proxy.models import Crossing, Request, Response
from inference_proxy.operations.answers import json_answer
from inference_proxy.policy import Policy
from inference_proxy.policy_store import PolicyStore
from inference_proxy.routes import ROUTES

Dispatch = Callable[[Request], tuple[str, Callable[[], Response]]]
_MEMBERS = ("method", "path", "headers", "query", "body", "isBase64Encoded")
_COUNT_SECONDS = 2.0
_INVOKE = "/bedrock/invoke-model"
_CROSSING = {
    *("invoke_model", "list_models", "get_model"),
    *(route.operation for route in ROUTES if route.upstream or route.refusal),
}


class Explain:
    """Tells what the policy says of a request."""

    def __init__(self, policies: PolicyStore, counters: LimitCounters) -> None:
        self._policies = policies
        self._counters = counters

    def explain(self, request: Request, dispatch: Dispatch) -> Response:
        """What would happen to the request that the body describes; ``dispatch`` finds its operation.

        The answer has what the API itself would answer in place of Bedrock (``answer``) where nothing would cross.
        """
        asked = _described(request)
        said: dict[str, Any] = {"wouldCross": False, "caller": request.caller.principal_arn, "operation": None}
        try:
            said["operation"], run = dispatch(asked)
            said |= _answered(run() if said["operation"] in _CROSSING else None)
        except DryRunError as dry_run:
            said |= self._of(dry_run.crossing, request)
        except ProxyError as error:
            said["answer"] = {"status": error.status, "code": error.code, "message": error.message}
        return json_answer(said)

    def _of(self, crossing: Crossing, request: Request) -> dict[str, Any]:
        """What is known of a crossing that did not take place."""
        policy, decision = self._policies.current, crossing.decision
        limits: dict[str, Any] = {}
        # A crossing with an id of its own is one on the way, which counts against no limit.
        if policy and decision.allowed and not crossing.crossing_id:
            limits, decision = self._limits(policy, decision, request)
        said: dict[str, Any] = {
            "wouldCross": decision.allowed,
            "decision": {"allowed": decision.allowed, "rule": decision.rule, "reason": decision.reason},
            "policyVersion": decision.policy_version,
            "classification": decision.classification
            and {"label": decision.classification, "source": decision.classification_source},
            "marking": decision.marking,
            "model": crossing.model_id and _model(crossing),
            "destinationRegions": crossing.destination_regions
            and [region or "any" for region in crossing.destination_regions],
            "limits": limits,
            "request": {"bytes": crossing.request_bytes, "sha256": crossing.payload_sha256},
        }
        if policy and policy.caller(request.caller.principal_arn):
            said["request"]["maxBytes"] = policy.most_bytes(request.caller.principal_arn)
            price = policy.price(crossing.foundation_model_id) if crossing.foundation_model_id else None
            said["estimate"] = estimate(crossing.body, price)
            said["guardrails"] = policy.guardrails()
        if not decision.allowed:
            error = refusal(decision)
            said["answer"] = {"status": error.status, "code": error.code, "message": error.message}
        return said

    def _limits(self, policy: Policy, decision: Decision, request: Request) -> tuple[dict[str, Any], Decision]:
        """What is left of the caller's limits, and the decision, which may be that nothing is."""
        principal = request.caller.principal_arn
        rule = policy.caller(principal)
        if rule is None or rule.limits == NO_LIMITS:
            return {}, decision
        try:
            left = self._counters.left(principal, rule.limits, request.deadline.within(_COUNT_SECONDS))
        except AwsServiceError:
            return {}, uncounted(decision, policy.document.limits_when_unavailable)
        reached = exceeded(left)
        if reached:
            decision = over_limit(decision, rule.name, reached)
        return {
            name: {"limit": counter.most, "left": counter.left, "resetsInSeconds": counter.resets_in_seconds}
            for name, counter in left.items()
        }, decision


def _answered(response: Response | None) -> dict[str, Any]:
    """What is said of a request that came to its answer without crossing."""
    if response is None or response.error_code is None:
        return {"note": "answered within GovCloud; nothing of such a request crosses"}
    error = json.loads(response.body)["error"]  # Bedrock's, which refused its lists
    return {"answer": {"status": response.status, "code": error["code"], "message": error["message"]}}


def _model(crossing: Crossing) -> dict[str, str | None]:
    return {
        "requestedModelId": crossing.model_id,
        "resolvedModelId": crossing.resolved_model_id,
        "foundationModelId": crossing.foundation_model_id,
    }


def _described(request: Request) -> Request:
    """The request that the body describes, as its sender would make it, marked as a dry run."""
    if not request.body.strip():
        raise MissingBodyError(f"send the request to explain: a JSON object with {', '.join(_MEMBERS)}")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidJsonError("the request body is not a JSON object; send one with `path` and `body`")
    if "modelId" in document and "path" not in document:
        document = {"path": _INVOKE, "body": document}
    unknown = sorted(map(str, document.keys() - set(_MEMBERS)))
    if unknown:
        raise InvalidParameterError(f"`{unknown[0][:64]}` is unknown; a request has {', '.join(_MEMBERS)}")
    path = document.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise InvalidParameterError("`path` is required: without the stage, such as /model/<id>/converse")
    path, _, in_path = path.partition("?")
    body = _body(document.get("body"), document.get("isBase64Encoded", False))
    query = {**parse_qs(in_path, keep_blank_values=True), **_lists(document, "query")}
    method = document.get("method", "POST" if body else "GET")
    if not isinstance(method, str):
        raise InvalidParameterError("`method` must be text")
    return replace(
        request,
        method=method.upper(),
        path=unquote(path, errors="replace").rstrip("/") or "/",
        query=without_signature({name: tuple(values) for name, values in query.items()}),
        headers=_headers(document),
        body=body,
        catch_all=False,
        spelled_path=path,
        plainly_spelled=plainly_spelled(path),
        dry_run=True,
    )


def _headers(document: Mapping[str, Any]) -> dict[str, str]:
    """By lower-case name; names that differ in case only are one header that comes several times."""
    headers: dict[str, list[str]] = {}
    for name, values in _lists(document, "headers").items():
        headers.setdefault(name.lower(), []).extend(values)
    return {name: ", ".join(values) for name, values in headers.items()}


def _lists(document: Mapping[str, Any], member: str) -> dict[str, list[str]]:
    """The member as texts by name; each may be given as one text or as several."""
    value = document.get(member) or {}
    if not isinstance(value, dict):
        raise InvalidParameterError(f"`{member}` must be an object")
    lists = {name: given if isinstance(given, list) else [given] for name, given in value.items()}
    if not all(isinstance(text, str) for texts in lists.values() for text in texts):
        raise InvalidParameterError(f"`{member}` must hold texts, or lists of texts")
    return lists


def _body(body: object, is_base64: object) -> bytes:
    if not isinstance(is_base64, bool):
        raise InvalidParameterError("`isBase64Encoded` must be true or false")
    if body is None:
        return b""
    if not isinstance(body, str):
        return _json(body)
    try:
        return base64.b64decode(body, validate=True) if is_base64 else body.encode(errors="replace")
    except ValueError:  # also what is not ASCII
        raise InvalidParameterError("`body` is not base64") from None


def _json(body: object) -> bytes:
    try:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    except RecursionError:  # it could just be read
        raise InvalidParameterError("`body` nests too deep") from None

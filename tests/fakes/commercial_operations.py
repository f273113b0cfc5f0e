"""The operations of the Commercial stand-in: which path is which, and who answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.fakes import commercial_anthropic as anthropic
from tests.fakes import commercial_guardrails as guardrails
from tests.fakes import commercial_openai as openai
from tests.fakes import commercial_runtime as runtime
from tests.fakes.commercial_async import AsyncInvocations
from tests.fakes.commercial_catalogue import Catalogue
from tests.fakes.commercial_models import Model
from tests.fakes.commercial_wire import (
    BedrockError,
    Request,
    Response,
    ValidationError,
    json_of,
    json_response,
    segments_of,
)

# The operations on a model that the path names.
ON_MODEL: dict[str, Callable[[Model, Request], Response]] = {
    "invoke": runtime.invoke,
    "invoke-with-response-stream": runtime.invoke_stream,
    "converse": runtime.converse,
    "converse-stream": runtime.converse_stream,
}
# Those that have the model in the body.
OF_VENDORS: dict[tuple[str, ...], Callable[[Model, dict[str, Any], Request], Response]] = {
    ("openai", "v1", "chat", "completions"): openai.chat_completions,
    ("openai", "v1", "responses"): openai.responses,
    ("anthropic", "v1", "messages"): anthropic.messages,
}


class Bedrock:
    """One account's Bedrock: what there is, and what callers made of it."""

    def __init__(self, regions: Sequence[str], *account: str) -> None:
        self.catalogue = Catalogue(regions, *account)
        self.invocations = AsyncInvocations(self.catalogue)

    def answer(self, request: Request) -> Response:
        try:
            return self._runtime(request) or self._discovery(request) or _unknown()
        except BedrockError as error:
            return error.response

    def _runtime(self, request: Request) -> Response | None:
        match (request.method, *segments_of(request)):
            case ("POST", "model", identifier, operation) if identifier and operation in ON_MODEL:
                return ON_MODEL[operation](self.catalogue.resolve(identifier), request)
            case ("POST", "model", identifier, "count-tokens") if identifier:
                self.catalogue.resolve_for_counting(identifier)
                return runtime.count(request)
            case ("POST", *path) if tuple(path) in OF_VENDORS:
                return self._vendor(OF_VENDORS[tuple(path)], request)
            case ("POST", "guardrail", identifier, "version", version, "apply") if identifier:
                return guardrails.apply_guardrail(identifier, version, request, self.catalogue)
            case ("POST", "guardrail-checks", "invoke"):
                return guardrails.invoke_checks(request)
            case ("POST", "async-invoke"):
                return self.invocations.start(request)
            case ("GET", "async-invoke"):
                return self.invocations.listed(request)
            case ("GET", "async-invoke", arn) if arn:
                return self.invocations.get(arn, request)
        return None

    def _discovery(self, request: Request) -> Response | None:
        match (request.method, *segments_of(request)):
            case ("GET", "foundation-models"):
                return self.catalogue.list_models(request.query)
            case ("GET", "foundation-models", identifier) if identifier:
                return self.catalogue.get_model(identifier)
            case ("GET", "foundation-model-availability", identifier) if identifier:
                return self.catalogue.model_availability(identifier)
            case ("GET", "inference-profiles"):
                return self.catalogue.list_profiles(request.query)
            case ("GET", "inference-profiles", identifier) if identifier:
                return self.catalogue.get_profile(identifier)
            case ("POST", "inference-profiles"):
                return self.catalogue.create_profile(request)
            case ("POST", "listTagsForResource"):
                return self._tags(request)
        return None

    def _vendor(self, operation: Callable[[Model, dict[str, Any], Request], Response], request: Request) -> Response:
        runtime.check_size(request)
        body = json_of(request.body)
        if not isinstance(body.get("model"), str):
            raise ValidationError("model: Field required")
        return operation(self.catalogue.resolve(body["model"]), body, request)

    def _tags(self, request: Request) -> Response:
        """The tags of a profile or an asynchronous invocation; Bedrock's own profiles have none."""
        arn = json_of(request.body).get("resourceARN")
        if not isinstance(arn, str) or not arn.startswith("arn:"):
            raise ValidationError("The provided resourceARN is invalid.")
        tags = self.invocations.tags(arn)
        if tags is None and "inference-profile/" in arn and (profile := self.catalogue.find_profile(arn)):
            tags = [{"key": key, "value": value} for key, value in profile.tags]
        if tags is None:
            raise BedrockError(404, "ResourceNotFoundException", "The specified resource could not be found.")
        return json_response({"tags": tags})


def _unknown() -> Response:
    return BedrockError(404, "UnknownOperationException", "The requested operation is not recognized.").response

"""The HTTP API, one row an operation. Start reading here.

A row without an Upstream names a method of an operation in operations/. A row with one is an operation of Amazon
Bedrock's: it crosses byte for byte, and the row is all there is to it (operations/forward.py).
"""

from typing import Literal, NamedTuple

from inference_proxy.decisions import GuardrailAs

# What goes upstream in the place of a caller's id: an application profile if the model has one, an inference profile if
# it needs one, or the foundation model behind a profile.
ModelAs = Literal["application profile", "profile", "foundation model"]


class Upstream(NamedTuple):
    """How an operation of Bedrock's crosses."""

    service: Literal["bedrock-runtime", "bedrock"] = "bedrock-runtime"
    model_parameter: str = ""  # the path parameter that says which model runs
    model_member: str = ""  # or the member of the JSON body
    model_as: ModelAs = "application profile"
    answers: tuple[str, ...] = ("application/json",)  # media types of a success; (): those the caller accepts
    headers: tuple[str, ...] = ()  # request headers that cross beside content types and X-Amzn-Bedrock-*
    guardrail_as: GuardrailAs = "none"  # how it takes a guardrail
    request_metadata: bool = False  # it takes X-Amzn-Bedrock-Request-Metadata: the audit id goes in there
    query: tuple[str, ...] = ()  # parameters of a GET; no other crosses


class Route(NamedTuple):
    """A method and a path template; a ``{name}`` takes the rest of its place, slashes included."""

    method: str
    path: str
    operation: str
    upstream: Upstream | None = None
    refusal: str = ""  # why this operation of Bedrock's cannot cross


_EVENT_STREAM = ("application/vnd.amazon.eventstream",)
_JSON_OR_EVENTS = ("application/json", "text/event-stream")
_ANTHROPIC_HEADERS = ("anthropic-version", "anthropic-beta")
_PAGING = ("maxResults", "nextToken")
_JOBS = ("submitTimeAfter", "submitTimeBefore", "statusEquals", "sortBy", "sortOrder")
_PROJECT = ("projectIdentifier",)
_MODELS = ("byProvider", "byCustomizationType", "byOutputModality", "byInferenceType", *_PROJECT)
_READ = Upstream("bedrock", query=_PROJECT)

ROUTES = (
    Route("POST", "/bedrock/invoke-model", "invoke_model"),
    Route("GET", "/bedrock/invoke-model", "routing_information"),
    Route("POST", "/bedrock/explain", "explain"),
    Route("GET", "/bedrock/models", "list_models"),
    Route("GET", "/bedrock/models/{modelId}", "get_model"),
    Route("GET", "/dashboard/requests", "list_requests"),
    Route("GET", "/dashboard/requests/{requestId}", "get_request"),
    Route("GET", "/dashboard/usage", "usage"),
    Route("GET", "/health", "health"),
    # Amazon Bedrock Runtime
    Route(
        "POST",
        "/model/{modelId}/invoke",
        "InvokeModel",
        Upstream(model_parameter="modelId", answers=(), guardrail_as="headers", request_metadata=True),
    ),
    Route(
        "POST",
        "/model/{modelId}/invoke-with-response-stream",
        "InvokeModelWithResponseStream",
        Upstream(model_parameter="modelId", answers=_EVENT_STREAM, guardrail_as="headers", request_metadata=True),
    ),
    Route("POST", "/model/{modelId}/converse", "Converse", Upstream(model_parameter="modelId", guardrail_as="member")),
    Route(
        "POST",
        "/model/{modelId}/converse-stream",
        "ConverseStream",
        Upstream(model_parameter="modelId", answers=_EVENT_STREAM, guardrail_as="member"),
    ),
    Route(
        "POST",
        "/model/{modelId}/count-tokens",
        "CountTokens",
        Upstream(model_parameter="modelId", model_as="foundation model", guardrail_as="no model runs"),
    ),
    Route(
        "POST",
        "/model/{modelId}/invoke-with-bidirectional-stream",
        "InvokeModelWithBidirectionalStream",
        refusal="bidirectional streaming needs HTTP/2 from end to end, which API Gateway's REST APIs do not speak, and "
        "Bedrock takes no API key for it; use ConverseStream or InvokeModelWithResponseStream",
    ),
    Route("POST", "/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply", "ApplyGuardrail", Upstream()),
    Route("POST", "/guardrail-checks/invoke", "InvokeGuardrailChecks", Upstream()),
    Route("POST", "/async-invoke", "StartAsyncInvoke", Upstream(model_member="modelId", model_as="profile")),
    Route("GET", "/async-invoke", "ListAsyncInvokes", Upstream(query=(*_JOBS, *_PAGING))),
    Route("GET", "/async-invoke/{invocationArn}", "GetAsyncInvoke", Upstream()),
    # OpenAI's and Anthropic's APIs, as Bedrock Runtime has them. Responses takes no application profile.
    Route(
        "POST",
        "/openai/v1/chat/completions",
        "ChatCompletions",
        Upstream(model_member="model", answers=_JSON_OR_EVENTS, guardrail_as="headers"),
    ),
    Route(
        "POST",
        "/openai/v1/responses",
        "Responses",
        Upstream(model_member="model", model_as="profile", answers=_JSON_OR_EVENTS),
    ),
    Route(
        "POST",
        "/anthropic/v1/messages",
        "Messages",
        Upstream(model_member="model", answers=_JSON_OR_EVENTS, headers=_ANTHROPIC_HEADERS),
    ),
    # Amazon Bedrock, the control plane: what there is to call
    Route("GET", "/foundation-models", "ListFoundationModels", Upstream("bedrock", query=_MODELS)),
    Route("GET", "/foundation-models/{modelIdentifier}", "GetFoundationModel", _READ),
    Route("GET", "/foundation-model-availability/{modelId}", "GetFoundationModelAvailability", Upstream("bedrock")),
    Route(
        "GET", "/inference-profiles", "ListInferenceProfiles", Upstream("bedrock", query=("type", *_PAGING, *_PROJECT))
    ),
    Route("GET", "/inference-profiles/{inferenceProfileIdentifier}", "GetInferenceProfile", _READ),
)

"""The HTTP API, one row an operation. Start reading here: each name is a method of an operation in operations/."""

from typing import NamedTuple


class Route(NamedTuple):
    """A method and a path template; a ``{name}`` takes the rest of its place, slashes included."""

    method: str
    path: str
    operation: str


ROUTES = (
    Route("POST", "/bedrock/invoke-model", "invoke_model"),
    Route("GET", "/bedrock/invoke-model", "routing_information"),
    Route("GET", "/bedrock/models", "list_models"),
    Route("POST", "/model/{modelId}/invoke", "runtime_invoke"),
    Route("POST", "/model/{modelId}/converse", "runtime_converse"),
    Route("GET", "/dashboard/requests", "list_requests"),
    Route("GET", "/health", "health"),
)

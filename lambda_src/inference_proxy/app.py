"""The walk of one request: find its operation, run it, turn what goes wrong into a clear answer, say how it ended."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from inference_proxy.errors import InternalError, ProxyError, RouteNotFoundError, UnauthenticatedError
from inference_proxy.models import UNKNOWN, Request, Response
from inference_proxy.operations.answers import bedrock_error_answer, error_answer
from inference_proxy.router import Router
from inference_proxy.routes import ROUTES
from inference_proxy.telemetry import Telemetry

Operation = Callable[[Request], Response]
_BEDROCK_PATHS = "/model/"
_PARTITIONS = {"X-Source-Partition": "govcloud", "X-Destination-Partition": "commercial"}


class App:
    """All operations behind one door."""

    def __init__(self, operations: Mapping[str, Operation], telemetry: Telemetry) -> None:
        missing = {route.operation for route in ROUTES} ^ operations.keys()
        if missing:
            raise ValueError(f"routes and operations differ in {sorted(missing)}")
        self._router = Router(ROUTES)
        self._operations = operations
        self._telemetry = telemetry

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        operation = "unrouted"
        try:
            operation, parameters = self._operation(request)
            response = self._operations[operation](replace(request, path_parameters=parameters))
        except ProxyError as error:
            response = _failure(error, request.request_id, request.path)
        except Exception as error:  # noqa: BLE001 - the last line of defence: a defect must not become a raw 502
            self._telemetry.defect(request.request_id, error)
            failure = InternalError("the router failed; its log names the place")
            response = _failure(failure, request.request_id, request.path)
        latency_ms = round((datetime.now(UTC) - request.received_at).total_seconds() * 1000)
        self._telemetry.request(request, operation, response, latency_ms)
        return _with_identity(response, request.request_id)

    def _operation(self, request: Request) -> tuple[str, Mapping[str, str]]:
        """The operation's name and its path parameters; raises a RequestError if the request may not have any."""
        if request.caller.user_arn == UNKNOWN:
            raise UnauthenticatedError("API Gateway named no caller; sign the request with SigV4 for execute-api")
        route, parameters = self._router.match(request.method, request.path)
        if request.catch_all:  # another spelling of a path, about which IAM may have decided otherwise
            raise RouteNotFoundError("no operation has this path as it is written; lambda_src/README.md lists them")
        return route.operation, parameters

    def reject(self, error: ProxyError, request_id: str, path: str) -> Response:
        """The answer to an event that is not even a request."""
        self._telemetry.warning("rejected", request_id, error.code)
        return _with_identity(_failure(error, request_id, path), request_id)


def _with_identity(response: Response, request_id: str) -> Response:
    """The response with the headers that every answer carries. IAM signs each call, so any origin may read it."""
    headers = {**response.headers, "X-Request-ID": request_id, **_PARTITIONS, "Access-Control-Allow-Origin": "*"}
    return Response(response.status, headers, response.body, response.error_code)


def _failure(error: ProxyError, request_id: str, path: str) -> Response:
    if path.startswith(_BEDROCK_PATHS):
        return bedrock_error_answer(error.status, error.code, error.message, error.headers)
    return error_answer(error.status, error.code, error.message, request_id, error.headers)

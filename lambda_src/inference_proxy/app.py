"""The walk of one request: find its operation, run it, turn what goes wrong into a clear answer, say how it ended."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from inference_proxy.errors import (
    InternalError,
    ProxyError,
    RouteNotFoundError,
    UnauthenticatedError,
    UnsupportedOperationError,
)
from inference_proxy.models import UNKNOWN, Request, Response
from inference_proxy.operations.answers import failure_answer
from inference_proxy.router import Router
from inference_proxy.routes import ROUTES, Route
from inference_proxy.telemetry import Telemetry

Operation = Callable[[Request], Response]
Dispatch = Callable[[Request], tuple[str, Callable[[], Response]]]
_PARTITIONS = {"X-Source-Partition": "govcloud", "X-Destination-Partition": "commercial"}


class App:
    """All operations behind one door."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        forwarded: Callable[[Route], Operation],
        explain: Callable[[Request, Dispatch], Response],
        telemetry: Telemetry,
        settle: Callable[[], None],
    ) -> None:
        """``operations`` by name, ``forwarded`` for the rows that are operations of Bedrock's, ``explain`` for any.

        ``settle`` waits for what still runs when an answer is ready.
        """
        self._operations = dict(operations)
        self._operations |= {route.operation: forwarded(route) for route in ROUTES if route.upstream}
        self._operations |= {route.operation: _refusing(route.refusal) for route in ROUTES if route.refusal}
        self._operations["explain"] = lambda request: explain(request, self._dispatch)
        missing = {route.operation for route in ROUTES} ^ self._operations.keys()
        if missing:
            raise ValueError(f"routes and operations differ in {sorted(missing)}")
        self._router = Router(ROUTES)
        self._telemetry = telemetry
        self._settle = settle

    def handle(self, request: Request) -> Response:
        """Answer a request; never raises."""
        operation = "unrouted"
        try:
            operation, run = self._dispatch(request)
            response = run()
        except ProxyError as error:
            response = failure_answer(error, request.request_id, request.path)
        except Exception as error:  # noqa: BLE001 - the last line of defence: a defect must not become a raw 502
            self._telemetry.defect(request.request_id, error)
            failure = InternalError("the router failed; its log names the place")
            response = failure_answer(failure, request.request_id, request.path)
        self._settle()
        latency_ms = round((time.monotonic() - request.arrived) * 1000)
        self._telemetry.request(request, operation, response, latency_ms)
        return _with_identity(response, request.request_id)

    def _dispatch(self, request: Request) -> tuple[str, Callable[[], Response]]:
        """The request's operation, and how to run it; raises a RequestError if it has none."""
        route, parameters = self._route(request)
        placed = replace(request, path_parameters=parameters)
        return route.operation, lambda: self._operations[route.operation](placed)

    def _route(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        """The request's row and its path parameters; raises a RequestError if it may not have any."""
        if request.caller.user_arn == UNKNOWN:
            raise UnauthenticatedError("API Gateway named no caller; sign the request with SigV4 for execute-api")
        route, parameters = self._router.match(request.method, request.path)
        # The catch-all path gets what API Gateway has no path for: an ARN in a path, whose slashes make more segments
        # of one. Anything else is another spelling of a path, about which IAM may have decided otherwise.
        expected = not request.catch_all or route.refusal or self._has_arn(request, route, parameters)
        if not expected or not request.plainly_spelled:
            raise RouteNotFoundError("no operation has this path as it is written; lambda_src/README.md lists them")
        return route, parameters

    def _has_arn(self, request: Request, route: Route, parameters: Mapping[str, str]) -> bool:
        """Whether a parameter holds slashes, and those of the route itself stand in the path as it was written."""
        spelled, _ = self._router.match(request.method, request.spelled_path)
        return spelled is route and any("/" in value for value in parameters.values())

    def reject(self, error: ProxyError, request_id: str, path: str) -> Response:
        """The answer to an event that is not even a request."""
        self._telemetry.warning("rejected", request_id, error.code)
        return _with_identity(failure_answer(error, request_id, path), request_id)


def _with_identity(response: Response, request_id: str) -> Response:
    """The response with the headers that every answer carries. IAM signs each call, so any origin may read it."""
    headers = {**response.headers, "X-Request-ID": request_id, **_PARTITIONS, "Access-Control-Allow-Origin": "*"}
    return Response(response.status, headers, response.body, response.error_code)


def _refusing(reason: str) -> Operation:
    def refuse(_request: Request) -> Response:
        raise UnsupportedOperationError(reason)

    return refuse

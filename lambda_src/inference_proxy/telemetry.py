"""What operators see: one log line a request, and metrics in CloudWatch's embedded metric format.

Neither holds a prompt, a completion, a header or a secret: fields are named one by one.
"""

import traceback
from collections.abc import Mapping

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from inference_proxy.models import Request, Response


class Telemetry:
    """Structured log and metrics of one execution environment.

    Every metric has the dimension ``service`` alone: CloudWatch adds nothing up over dimensions, so an alarm sees only
    what was emitted with exactly its own. Those of a request come by ``operation`` and ``outcome`` as well.
    """

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics

    def request(self, request: Request, operation: str, response: Response, latency_ms: int) -> None:
        """Say how a request ended, and write out everything counted on its way."""
        self._logger.info(
            "request",
            requestId=request.request_id,
            operation=operation,
            statusCode=response.status,
            errorCode=response.error_code,
            latencyMs=latency_ms,
            callerArn=request.caller.principal_arn,
            requestBytes=len(request.body),
            responseBytes=len(response.body),
        )
        # As many values as there are operations and classes of status: nothing of the caller's choosing.
        self._metrics.add_dimensions(
            service=self._metrics.service, operation=operation, outcome=f"{response.status // 100}xx"
        )
        self._metrics.add_metric("Requests", MetricUnit.Count, 1)
        self._metrics.add_metric("Latency", MetricUnit.Milliseconds, latency_ms)
        self._metrics.add_metric("ServerErrors", MetricUnit.Count, int(response.status >= 500))
        self._metrics.flush_metrics()

    def count(self, metric: str) -> None:
        """Add one to a metric of the request under way."""
        self._metrics.add_metric(metric, MetricUnit.Count, 1)

    def tokens(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """Add what a crossing used, as far as Bedrock says."""
        for metric, tokens in (("InputTokens", input_tokens), ("OutputTokens", output_tokens)):
            if tokens is not None:
                self._metrics.add_metric(metric, MetricUnit.Count, tokens)

    def watch(self, findings: Mapping[str, float], failures: Mapping[str, str]) -> None:
        """Say what a scheduled check found, by metric, and with which error code a check failed."""
        log = self._logger.warning if failures else self._logger.info
        log("watch", findings=dict(findings), failures=dict(failures))
        for metric, value in findings.items():
            self._metrics.add_metric(metric, MetricUnit.NoUnit, value)
        self._metrics.add_metric("WatchFailures", MetricUnit.Count, len(failures))
        self._metrics.flush_metrics()

    def proof(self, found: Mapping[str, object]) -> None:
        """Say whether Commercial took a credential that an operator had proven."""
        log = self._logger.info if found["proven"] else self._logger.warning
        log("prove_credential", found=dict(found))

    def warning(self, event: str, request_id: str, code: str) -> None:
        """Something went wrong that the caller need not notice."""
        self._logger.warning(event, requestId=request_id, errorCode=code)

    def defect(self, request_id: str, error: BaseException) -> None:
        """An unexpected exception: its type and places. Its text may quote a prompt, so it is left out."""
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        self._logger.error("defect", requestId=request_id, exceptionType=type(error).__name__, places=places)

"""What operators see: one log line a request, and metrics in CloudWatch's embedded metric format.

Neither holds a prompt, a completion, a header or a secret: fields are named one by one.
"""

import traceback
from collections.abc import Mapping, Sequence

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from inference_proxy.models import Crossing, Outcome, Request, Response

_MOST_VALUES = 100  # of a dimension that grows with its users; each is another metric that CloudWatch charges for
_OTHERS = "others"
_LOST = ("state", "status_code", "error_code", "attempts", "upstream_request_id", "input_tokens", "output_tokens")


class Telemetry:
    """Structured log and metrics of one execution environment.

    Every metric has the dimension ``service`` alone: CloudWatch adds nothing up over dimensions, so an alarm sees only
    what was emitted with exactly its own. Those of a request come by ``operation``, ``model`` and ``account`` as well,
    each with the ``outcome``.
    """

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics
        self._model = ""  # of the request under way
        self._accounts: set[str] = set()

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
        # Nothing of the caller's choosing: operations, models that Bedrock has, accounts that IAM lets in.
        dimensions = {"operation": operation, "account": self._account(request.caller.account_id)}
        dimensions |= {"model": self._model} if self._model else {}
        for name, value in dimensions.items():
            named = {"service": self._metrics.service, name: value, "outcome": f"{response.status // 100}xx"}
            self._metrics.add_dimensions(**named)
        self._model = ""
        self._metrics.add_metric("Requests", MetricUnit.Count, 1)
        self._metrics.add_metric("Latency", MetricUnit.Milliseconds, latency_ms)
        self._metrics.add_metric("ServerErrors", MetricUnit.Count, int(response.status >= 500))
        self._metrics.flush_metrics()

    def model(self, crossing: Crossing, *, served: bool) -> None:
        """Note which model the request under way is for, if Bedrock has it: else the name is the caller's invention."""
        if crossing.foundation_model_id:
            listed = served or crossing.destination_regions is not None
            self._model = crossing.foundation_model_id if listed else _OTHERS

    def count(self, metric: str) -> None:
        """Add one to a metric of the request under way."""
        self._metrics.add_metric(metric, MetricUnit.Count, 1)

    def tokens(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """Add what a crossing used, as far as Bedrock says."""
        for metric, tokens in (("InputTokens", input_tokens), ("OutputTokens", output_tokens)):
            if tokens is not None:
                self._metrics.add_metric(metric, MetricUnit.Count, tokens)

    def reconciled(self, closed: int) -> None:
        """Say how many crossings were closed without an outcome."""
        log = self._logger.warning if closed else self._logger.info
        log("reconcile", abandonedCrossings=closed)
        self._metrics.add_metric("AbandonedCrossings", MetricUnit.Count, closed)
        self._metrics.flush_metrics()

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

    def guardrail_latency(self, latency_ms: int) -> None:
        """Add how long the guardrail before egress took."""
        self._metrics.add_metric("GuardrailLatency", MetricUnit.Milliseconds, latency_ms)

    def policy(self, code: str, problems: Sequence[str], version_in_force: str | None) -> None:
        """Say why the policy could not be renewed. Its problems quote its own paths and member names, nothing else."""
        self._logger.error("policy", errorCode=code, problems=list(problems), policyVersion=version_in_force)

    def outcome_lost(self, audit_id: str, outcome: Outcome, code: str) -> None:
        """An outcome could not be written, with this error code: the log says what its record will not."""
        self._logger.error(
            "audit outcome not written",
            requestId=audit_id,
            errorCode=code,
            outcome={name: getattr(outcome, name) for name in _LOST},
        )

    def warning(self, event: str, request_id: str, code: str) -> None:
        """Something went wrong that the caller need not notice."""
        self._logger.warning(event, requestId=request_id, errorCode=code)

    def defect(self, request_id: str, error: BaseException) -> None:
        """An unexpected exception: its type and places. Its text may quote a prompt, so it is left out."""
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        self._logger.error("defect", requestId=request_id, exceptionType=type(error).__name__, places=places)

    def _account(self, account_id: str) -> str:
        if len(self._accounts) < _MOST_VALUES:
            self._accounts.add(account_id)
        return account_id if account_id in self._accounts else _OTHERS

"""The scheduled reconciler: gives every crossing its end, where the execution environment that began it could not.

A killed environment, or an outcome that could not be written, leaves a record STARTED. What was sent then may have been
served, and nobody knows: the record becomes ABANDONED, and that is counted. It sends nothing to Commercial.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from inference_proxy.audit import AuditTrail
from inference_proxy.audit_query import AuditReader
from inference_proxy.clock import Clock
from inference_proxy.errors import AuditUnavailableError
from inference_proxy.models import Deadline, RecordKey
from inference_proxy.telemetry import Telemetry

GRACE_SECONDS = 60  # beyond the longest request: for a clock of its own that is fast (records go by API Gateway's)
_WRITERS = 8
_WRITE_SECONDS = 1.0  # for one record; with less left, it is left to the next run
_LOOK_BACK = timedelta(days=31)  # it runs every few minutes, so what is older has been closed long ago


class Reconcile:
    """Closes the records whose outcome never came."""

    def __init__(
        self,
        reader: AuditReader,
        audit: AuditTrail,
        telemetry: Telemetry,
        clock: Clock,
        response_timeout_seconds: float,
    ) -> None:
        self._clock = clock
        self._reader = reader
        self._audit = audit
        self._telemetry = telemetry
        self._longest = timedelta(seconds=response_timeout_seconds + GRACE_SECONDS)

    def run(self, _event: Mapping[str, object], _invocation_id: str, deadline: Deadline) -> dict[str, float]:
        """How many records were closed, oldest first; it is emitted as well. What does not fit is left to the next run.

        Raises AuditUnavailableError, which Lambda counts among the function's errors; what was closed stays closed.
        """
        newest = self._clock.now() - self._longest
        closed, failures = list[RecordKey](), list[AuditUnavailableError]()  # appended to by several threads

        def close(key: RecordKey) -> None:
            if deadline.remaining_seconds() < _WRITE_SECONDS:
                return
            try:
                if self._audit.abandon(key, deadline):
                    closed.append(key)
            except AuditUnavailableError as error:
                failures.append(error)  # the others must not wait for this one

        try:
            with ThreadPoolExecutor(_WRITERS) as pool:
                for keys in self._reader.keys("STARTED", newest - _LOOK_BACK, newest, deadline):
                    list(pool.map(close, keys))
        finally:
            self._telemetry.reconciled(len(closed))
        if failures:
            raise failures[0]
        return {"AbandonedCrossings": len(closed)}

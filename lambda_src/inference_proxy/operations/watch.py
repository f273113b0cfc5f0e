"""The scheduled check: what no single request can show.

It sends nothing to Commercial Bedrock; with federation it renews an overdue session, for which it asks Commercial STS.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from inference_proxy.archive_chain import ArchiveChain
from inference_proxy.audit_filter import AuditFilter
from inference_proxy.audit_query import AuditReader
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.credentials import CredentialStore
from inference_proxy.errors import AuditUnavailableError, InternalError, ProxyError
from inference_proxy.models import Deadline
from inference_proxy.policy_store import PolicyStore
from inference_proxy.telemetry import Telemetry

_GRACE_SECONDS = 600  # beyond the longest request: the reconciler has closed what is older, if it does its work
_WINDOW = timedelta(hours=24)  # two days' shards of the index; an older crossing has been reported for a day
_SECONDS_A_DAY = 86_400
_MILLISECOND = timedelta(milliseconds=1)  # timestamps have no more


class Watch:
    """Counts crossings that nobody ended, and the days until the credential expires; reads the policy anew."""

    def __init__(
        self,
        reader: AuditReader,
        credentials: CredentialStore,
        policies: PolicyStore,
        telemetry: Telemetry,
        response_timeout_seconds: float,
        archive: ArchiveChain | None = None,
    ) -> None:
        self._archive = archive
        self._policies = policies
        self._reader = reader
        self._credentials = credentials
        self._telemetry = telemetry
        self._longest = timedelta(seconds=response_timeout_seconds + _GRACE_SECONDS)

    def run(self, _event: Mapping[str, object], _invocation_id: str, deadline: Deadline) -> dict[str, float]:
        """What was found, by metric; it is emitted as well. Never raises: a check that fails is logged and counted."""
        checks: dict[str, Callable[[Deadline], float | None]] = {
            "CredentialDaysToExpiry": self._days_to_expiry,
            "StuckCrossings": self._stuck_crossings,
        }
        if self._archive:
            checks["ArchiveLagSeconds"] = partial(self._archive_lag, self._archive)
        self._policies.refresh(deadline)  # a bad one is counted there, be there requests or not
        findings, failures = dict[str, float](), dict[str, str]()
        for metric, check in checks.items():
            try:
                found = check(deadline)
            except ProxyError as error:
                failures[metric] = error.code
            except Exception as error:  # noqa: BLE001 - a defect in one check must not hide what the others find
                self._telemetry.defect(metric, error)
                failures[metric] = InternalError.code
            else:
                findings |= {} if found is None else {metric: found}
        self._telemetry.watch(findings, failures)
        return findings

    def _stuck_crossings(self, deadline: Deadline) -> int:
        """How many records of the last day are still STARTED, although the reconciler should have closed them."""
        newest = datetime.now(UTC) - self._longest
        started = AuditFilter(newest - _WINDOW, newest, outcomes=("STARTED",))
        number, complete = self._reader.count(started, deadline)
        if not number and not complete:
            raise AuditUnavailableError("the audit trail could not be read in time")
        return number  # a count that had to stop is a minimum: enough for an alarm

    def _archive_lag(self, archive: ArchiveChain, deadline: Deadline) -> float:
        """For how long the oldest record of the last day that began after the archive grew last has been waiting.

        Lambda's own figure of it exists only while batches arrive, so it is silent where none is delivered.
        """
        now = datetime.now(UTC)
        try:
            advanced_at = archive.advanced_at(deadline)
        except AwsServiceError as error:
            raise AuditUnavailableError(f"the archive's table cannot be read ({error.code})") from None
        since = max(now - _WINDOW, advanced_at + _MILLISECOND if advanced_at else now - _WINDOW)
        oldest = self._reader.oldest(since, now, deadline)
        return round((now - oldest).total_seconds(), 3) if oldest else 0

    def _days_to_expiry(self, deadline: Deadline) -> float | None:
        """Days until the credential expires, negative afterwards; None if nobody has said when."""
        expires_at = self._credentials.get(deadline).expires_at
        if expires_at is None:
            return None
        return round((expires_at - datetime.now(UTC)).total_seconds() / _SECONDS_A_DAY, 3)

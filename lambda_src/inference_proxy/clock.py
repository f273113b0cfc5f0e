"""The time that AWS goes by: a signature dated too far off is refused, so a wrong local clock is set by AWS's own.

Lambda keeps its clocks right; where one is wrong all the same, each first refusal says by how much (its ``Date``).
Follows "Troubleshoot Signature Version 4 signed requests for AWS API requests" in the IAM User Guide.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# What services call a signature whose date they do not like; most of them use the same code for a wrong signature.
_SKEW_CODES = frozenset(
    {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
_TOLERATED = timedelta(minutes=2)  # AWS accepts 5 minutes and more; within these a refusal has another reason


class Clock:
    """The local clock and what has to be added to it; one for all signers of an execution environment."""

    def __init__(self) -> None:
        self.skew_seconds = 0

    def now(self) -> datetime:
        """The time in UTC, as AWS has it."""
        return datetime.now(UTC) + timedelta(seconds=self.skew_seconds)

    def learn(self, code: str | None, date: str | None) -> bool:
        """Take over the time of a refusal by its ``Date``; True if the clock changed, so that signing again helps."""
        if code not in _SKEW_CODES or not date:
            return False
        try:
            skew = parsedate_to_datetime(date) - self.now()
        except ValueError:
            return False
        if abs(skew) <= _TOLERATED:
            return False
        self.skew_seconds += round(skew.total_seconds())
        return True

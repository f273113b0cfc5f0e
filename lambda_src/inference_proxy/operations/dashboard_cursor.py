"""Where the next page of audit records goes on: opaque to callers, and without a secret."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from inference_proxy.errors import InvalidParameterError
from inference_proxy.models import timestamp_ms
from inference_proxy.operations.dashboard_query import EARLIEST_YEAR, MOST_DAYS, Query

_TIME_KEY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z#([A-Za-z0-9-]{8,64}|~)")
_COUNT = re.compile(r"[0-9]{1,9}")
_OF_A_PAGE = ("limit", "cursor")  # what differs from page to page


def question(query: Query, caller_arn: str | None) -> str:
    """A digest of what all pages of one answer have in common: filters and time as they were given, and whose records.

    A count is that of one question: under another one it would be wrong. No secret: it keeps nobody out.
    """
    asked = sorted((name, value) for name, value in query.items() if name not in _OF_A_PAGE)
    return hashlib.sha256(json.dumps([asked, caller_arn]).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Cursor:
    """What the first page has settled for all: the range, as a sliding one would lose records, and what was counted.

    ``before`` is the timeKey of the record behind which the next page begins: None before the first and after the last.
    ``seen`` is how many records all pages so far have had.
    """

    question: str
    start: datetime
    end: datetime
    before: str | None = None
    seen: int = 0
    total: int = 0
    total_is_exact: bool = False

    def encoded(self) -> str | None:
        """As a caller gets it; None if there is no next page."""
        if self.before is None:
            return None
        counts = (str(self.seen), str(self.total), "exact" if self.total_is_exact else "least")
        joined = "|".join((self.before, timestamp_ms(self.start), timestamp_ms(self.end), *counts, self.question))
        return base64.urlsafe_b64encode(joined.encode()).decode().rstrip("=")

    @classmethod
    def decoded(cls, given: str, question: str) -> "Cursor":
        """What ``encoded`` gave to this question. Raises InvalidParameterError."""
        try:
            joined = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode("ascii")
            time_key, start, end, seen, total, exactness, of_question = joined.split("|")
            moments = [datetime.fromisoformat(moment) for moment in (time_key.partition("#")[0], start, end)]
            before, oldest, newest = moments
            plausible = oldest.year >= EARLIEST_YEAR and timedelta(0) <= newest - oldest <= MOST_DAYS
            in_range = oldest.date() <= before.date() <= newest.date()
            counted = _COUNT.fullmatch(seen) and _COUNT.fullmatch(total) and exactness in ("exact", "least")
            as_encoded = [timestamp_ms(oldest), timestamp_ms(newest)] == [start, end]  # in UTC, and no other spelling
            well_formed = _TIME_KEY.fullmatch(time_key) and counted and plausible and in_range and as_encoded
            if well_formed and of_question == question:
                return cls(question, oldest, newest, time_key, int(seen), int(total), exactness == "exact")
        except (ValueError, TypeError, OverflowError, binascii.Error):
            pass
        raise InvalidParameterError(
            "`cursor` must be the `nextCursor` of an earlier answer to you, with the same filters; "
            "leave it out to begin again"
        )

"""GET /dashboard/requests: what crossed, newest first, filtered by time, outcome and a few attributes."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from inference_proxy.audit_query import AuditFilter, AuditReader, Record
from inference_proxy.errors import InvalidParameterError
from inference_proxy.models import Request, Response, timestamp_ms
from inference_proxy.operations.answers import json_answer

_RANGES = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_DEFAULT_RANGE = "24h"
_MOST_DAYS = timedelta(days=366)
_EARLIEST_YEAR, _LATEST_YEAR = 2000, 9000
# Under which outcomes of the index the records are that a parameter asks for.
_OUTCOMES = ("STARTED", "SUCCESS", "ERROR", "DENIED")
_SUCCESS = {"all": _OUTCOMES, "true": ("SUCCESS",), "false": ("ERROR", "DENIED")}
_STATUS = {outcome.lower(): (outcome,) for outcome in _OUTCOMES}
_STATES = {"STARTED": ("STARTED",), "COMPLETED": ("SUCCESS", "ERROR"), "FAILED": ("ERROR",), "DENIED": ("DENIED",)}
_PARTITIONS = ("all", "commercial", "govcloud")
_DEFAULT_LIMIT, _MOST = 50, 200
_PARAMETERS = ("from", "to", "timeRange", "success", "state", "status", "partition", "modelId", "limit", "cursor")
_TIME_KEY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z#([A-Za-z0-9-]{8,64}|~)")
_INDEX_ATTRIBUTES = ("dayShard", "outcomeDayShard", "timeKey", "ttl")


class Dashboard:
    """Answers questions about the audit trail."""

    def __init__(self, reader: AuditReader) -> None:
        self._reader = reader

    def list_requests(self, request: Request) -> Response:
        """One page of audit records, the number that match, and the filters that were applied."""
        query = _single_values(request.query)
        start, end = _time_range(query, request.received_at)
        success = _one_of(query, "success", "all", tuple(_SUCCESS))
        partition = _one_of(query, "partition", "all", _PARTITIONS)
        outcomes, equals = _outcomes(query, success), _exact(query)
        limit = _number(query, "limit", 1, _MOST) if "limit" in query else _DEFAULT_LIMIT
        before = None
        if "cursor" in query:
            before, start, end = _decoded_cursor(query["cursor"])
        wanted = AuditFilter(start, end, () if outcomes == _OUTCOMES else outcomes, equals)
        if not outcomes or partition == "govcloud":  # every crossing goes to Commercial
            records, following, total, exact = list[Record](), None, 0, True
        else:
            records, following = self._reader.page(replace(wanted, before=before), limit, request.deadline)
            if before is None and following is None:
                total, exact = len(records), True
            else:
                total, exact = self._reader.count(wanted, request.deadline)
                total = max(total, len(records) + bool(following))  # a count that had to stop knows less
        for record in records:
            for attribute in _INDEX_ATTRIBUTES:
                record.pop(attribute, None)
        return json_answer(
            {
                "requests": records,
                "totalCount": total,
                "totalCountIsExact": exact,
                **({"nextCursor": _encoded_cursor(following, start, end)} if following else {}),
                "filters": {
                    "partition": partition,
                    "timeRange": query.get("timeRange", "" if {"from", "to"} & query.keys() else _DEFAULT_RANGE),
                    "from": timestamp_ms(start),
                    "to": timestamp_ms(end),
                    "success": success,
                    **{name: query[name] for name in ("state", "status", "modelId") if name in query},
                },
            }
        )


def _single_values(query: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    for name, values in query.items():
        if name not in _PARAMETERS:
            raise InvalidParameterError(f"unknown query parameter; this operation takes {', '.join(_PARAMETERS)}")
        if len(values) != 1:
            raise InvalidParameterError(f"`{name}` may be given once")
    return {name: values[0] for name, values in query.items()}


def _outcomes(query: Mapping[str, str], success: str) -> tuple[str, ...]:
    """The outcomes that every one of the parameters allows."""
    allowed = set(_SUCCESS[success])
    if "state" in query:
        allowed &= set(_STATES[_one_of(query, "state", "", tuple(_STATES))])
    if query.get("status") in _STATUS:
        allowed &= set(_STATUS[query["status"]])
    return tuple(outcome for outcome in _OUTCOMES if outcome in allowed)


def _exact(query: Mapping[str, str]) -> dict[str, str | int]:
    """Attributes that must have exactly this value."""
    equals: dict[str, str | int] = {name: query[name] for name in ("state", "modelId") if name in query}
    if "status" in query and query["status"] not in _STATUS:
        equals["statusCode"] = _number(query, "status", 100, 599, f", or one of {', '.join(_STATUS)}")
    return equals


def _one_of(query: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = query.get(name, default)
    if value not in choices:
        raise InvalidParameterError(f"`{name}` must be one of {', '.join(choices)}")
    return value


def _number(query: Mapping[str, str], name: str, least: int, most: int, otherwise: str = "") -> int:
    text = query[name]
    if not re.fullmatch(r"[0-9]{1,4}", text) or not least <= int(text) <= most:
        raise InvalidParameterError(f"`{name}` must be a whole number from {least} to {most}{otherwise}")
    return int(text)


def _time_range(query: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    if "timeRange" in query and {"from", "to"} & query.keys():
        raise InvalidParameterError("give either `timeRange` or `from` and `to`")
    span = _RANGES[_one_of(query, "timeRange", _DEFAULT_RANGE, tuple(_RANGES))]
    end = _moment(query, "to") or now + timedelta(seconds=1)
    start = _moment(query, "from") or end - span
    if start > end:
        raise InvalidParameterError("`from` must not be later than `to`")
    if end - start > _MOST_DAYS:
        raise InvalidParameterError("`from` and `to` may be at most 366 days apart")
    return start, end


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        moment = datetime.fromisoformat(query[name])
        if _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    raise InvalidParameterError(f"`{name}` must be a time such as 2026-11-22T08:00:00Z")


def _encoded_cursor(time_key: str, start: datetime, end: datetime) -> str:
    """Where the next page goes on, and the range of the first: a sliding one would lose records between pages."""
    text = "|".join((time_key, timestamp_ms(start), timestamp_ms(end)))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded_cursor(cursor: str) -> tuple[str, datetime, datetime]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        time_key, start, end = text.split("|")
        moments = [datetime.fromisoformat(moment) for moment in (time_key.partition("#")[0], start, end)]
        before, oldest, newest = moments
        plausible = oldest.year >= _EARLIEST_YEAR and timedelta(0) <= newest - oldest <= _MOST_DAYS
        if _TIME_KEY.fullmatch(time_key) and plausible and oldest.date() <= before.date() <= newest.date():
            return time_key, oldest, newest
    except (ValueError, TypeError, OverflowError, binascii.Error):
        pass
    raise InvalidParameterError("`cursor` must be the `nextCursor` of an earlier answer")

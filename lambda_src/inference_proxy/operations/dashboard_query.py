"""The parameters of the dashboard's operations, checked one by one; a wrong one is named with what is allowed."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from inference_proxy.errors import InvalidParameterError

RANGE_PARAMETERS = ("from", "to", "timeRange")
_RANGES = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_DEFAULT_RANGE = "24h"
MOST_DAYS = timedelta(days=366)
EARLIEST_YEAR, _LATEST_YEAR = 2000, 9000
NONE = "(none)"  # stands for records without a label, in questions and answers; no label and no model has brackets
_MOST_CHARACTERS = 640  # of a value that a record may have

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From ``start`` to ``end``, both included; ``name`` as the caller gave it, "" where it gave moments."""

    start: datetime
    end: datetime
    name: str = ""


def one_of(query: Query, name: str, choices: Collection[str], default: str = "") -> str:
    """A parameter that is one of these; ``default`` if it was not given. Raises InvalidParameterError; so do all
    functions here."""
    value = query.get(name, default)
    if name in query and value not in choices:
        raise InvalidParameterError(f"`{name}` must be one of {', '.join(choices)}")
    return value


def number(query: Query, name: str, least: int, most: int, otherwise: str = "") -> int:
    """A parameter that is a whole number; ``otherwise`` ends the sentence that says so."""
    text = query[name]
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text) or not least <= int(text) <= most:
        raise InvalidParameterError(f"`{name}` must be a whole number from {least} to {most}{otherwise}")
    return int(text)


def text(query: Query, name: str) -> str | None:
    """A parameter that a record's attribute must equal; None if it was not given."""
    value = query.get(name)
    if value is not None and not (1 <= len(value) <= _MOST_CHARACTERS and value.isprintable()):
        raise InvalidParameterError(f"`{name}` must be 1 to {_MOST_CHARACTERS} printable characters, as in the records")
    return value


def label(query: Query, name: str) -> str | None:
    """The same for an attribute that not every record has: "" where those without it are asked for."""
    value = text(query, name)
    return "" if value == NONE else value


def model(query: Query) -> str | None:
    """The model that was asked for, by either of the parameter's names; "" for none, None if nothing was asked."""
    if "model" in query and "modelId" in query:
        raise InvalidParameterError("give either `model` or `modelId`; both mean the same")
    return label(query, "model" if "model" in query else "modelId")


def time_range(query: Query, now: datetime) -> TimeRange:
    """The period that was asked for: ``timeRange`` up to now, or ``from`` and ``to``; at most 366 days of it."""
    if "timeRange" in query and {"from", "to"} & query.keys():
        raise InvalidParameterError("give either `timeRange` or `from` and `to`")
    name = one_of(query, "timeRange", _RANGES, _DEFAULT_RANGE)
    end = _moment(query, "to") or now + timedelta(seconds=1)
    start = _moment(query, "from") or end - _RANGES[name]
    if start > end:
        raise InvalidParameterError("`from` must not be later than `to`")
    if end - start > MOST_DAYS:
        raise InvalidParameterError(f"`from` and `to` may be at most {MOST_DAYS.days} days apart")
    return TimeRange(start, end, "" if {"from", "to"} & query.keys() else name)


def _moment(query: Query, name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        moment = datetime.fromisoformat(query[name])
        if EARLIEST_YEAR <= moment.year <= _LATEST_YEAR:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    raise InvalidParameterError(f"`{name}` must be a time such as 2026-11-22T08:00:00Z")

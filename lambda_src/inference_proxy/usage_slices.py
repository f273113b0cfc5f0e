"""Time in slices of ten minutes. A slice is named by its beginning in UTC: ``2026-11-23T05:20``."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from inference_proxy.models import timestamp_ms

LENGTH = timedelta(minutes=10)
_NAME_CHARACTERS = len("2026-11-23T05:2")  # of a timestamp; the last digit of a slice's minute is 0


def slice_of(timestamp: str) -> str:
    """The slice that a record's timestamp, or its timeKey, is in."""
    return f"{timestamp[:_NAME_CHARACTERS]}0"


def start_of(name: str) -> datetime:
    """When a slice begins."""
    return datetime.fromisoformat(name).replace(tzinfo=UTC)


def slices(start: datetime, end: datetime) -> list[str]:
    """The slices that the time from ``start`` until ``end`` touches, in order."""
    names = []
    moment = start_of(slice_of(timestamp_ms(start)))
    while moment < end:
        names.append(slice_of(timestamp_ms(moment)))
        moment += LENGTH
    return names


def slices_of_day(day: str) -> list[str]:
    """The 144 slices of a day, ``2026-11-23``."""
    midnight = start_of(f"{day}T00:00")
    return slices(midnight, midnight + timedelta(days=1))


def runs(names: Iterable[str]) -> list[list[str]]:
    """Slices in order, split where one is left out and where a day ends."""
    names = list(names)
    found = [names[:1]] if names else []
    for before, name in pairwise(names):
        if name[:10] == before[:10] and start_of(name) - start_of(before) == LENGTH:
            found[-1].append(name)
        else:
            found.append([name])
    return found

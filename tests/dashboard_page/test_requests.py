"""The view of requests: loads, filters, updates live, turns pages, keeps the reader's place."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard_page.made_records import CALLERS, MODELS
from tests.dashboard_page.on_the_page import PATIENCE_MS, ids, loaded, rows, show_exactly
from tests.dashboard_page.scripted_api import ScriptedApi

OpenPage = Callable[..., Page]


def newest(api: ScriptedApi, count: int, before: int = 0) -> list[str]:
    last = len(api.trail) - before
    return [api.trail[number]["requestId"] for number in range(last - 1, last - count - 1, -1)]


def test_it_loads(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    assert ids(page) == newest(api, 50)
    expect(page.locator("#range")).to_have_text("1\u201350 of 400")
    expect(page.locator("#place")).to_contain_text("healthy")
    place = page.locator("#place").inner_text()
    assert re.findall(r"aws-us-gov|us-gov-west-1|not known|healthy", place) == [
        *["not known"] * 2,  # environment and account: an API_URL does not say
        *["aws-us-gov", "us-gov-west-1", "healthy"],
    ]
    expect(page.locator("#signer")).to_contain_text("assumed-role/auditor/session")
    expect(page.locator("#totals")).to_contain_text("400")
    assert page.evaluate(
        "performance.getEntriesByType('resource').every(({ name }) => name.startsWith(location.origin))"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("timeRange", value) for value in ("1h", "7d", "30d")],
        *[("state", value) for value in ("STARTED", "COMPLETED", "FAILED", "DENIED", "ABANDONED")],
        *[("success", "true"), ("success", "false"), ("decision", "ALLOW"), ("decision", "DENY")],
        *[("status", "429"), ("status", "error"), ("model", MODELS[2]), ("caller", CALLERS[1])],
        *[("classification", "internal"), ("partition", "govcloud"), ("partition", "commercial")],
    ],
)
def test_each_filter(api: ScriptedApi, url: str, open_page: OpenPage, name: str, value: str) -> None:
    page = loaded(open_page(url))
    field = page.locator(f"#filter-{name}")
    with page.expect_response(re.compile(rf"/dashboard/requests\?.*\b{name}=")):
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
            field.press("Enter")
    expected = [record["requestId"] for record in api.list_requests({name: value, "limit": "50"})["requests"]]
    show_exactly(page, expected)
    assert f"{name}=" in page.url
    assert value in [query.get(name) for query in api.queries("/dashboard/requests")]

    shared = open_page(page.url)  # what somebody sees who gets the link
    show_exactly(shared, expected)
    expect(shared.locator(f"#filter-{name}")).to_have_value(value)

    page.go_back()
    show_exactly(page, newest(api, 50))
    assert f"{name}=" not in page.url


def test_from_and_to_are_local_times(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url, timezone_id="America/New_York"))
    page.locator("#filter-timeRange").select_option("custom")
    page.locator("#filter-from").fill("2026-01-15T08:30:00")
    page.locator("#filter-from").blur()
    page.locator("#filter-to").fill("2026-01-16T08:30:00")
    page.locator("#filter-to").blur()
    page.get_by_text("No request matches").or_(page.get_by_text("No data yet")).first.wait_for()
    asked = [query for query in api.queries("/dashboard/requests") if "timeRange" not in query]
    ranges = [(query.get("from"), query.get("to")) for query in asked]
    assert ("2026-01-15T13:30:00.000Z", "2026-01-16T13:30:00.000Z") in ranges
    page.locator("#filter-timeRange").select_option("24h")
    assert ids(loaded(page)) == newest(api, 50)


def test_filters_are_cleared(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/#caller=nobody&state=DENIED")
    page.get_by_text("No request matches").wait_for()
    page.locator(".empty").get_by_text("Clear filters").click()
    show_exactly(page, newest(api, 50))
    expect(page.locator("#clear-filters")).to_be_hidden()


def test_fields_offer_what_was_used(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    page.locator("#filter-caller").focus()
    page.wait_for_function("() => document.querySelector('#caller-values').options.length")
    offered = page.eval_on_selector_all("#caller-values option", "options => options.map((option) => option.value)")
    assert sorted(offered) == sorted(CALLERS)


def test_new_requests_come_without_reloading(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    page.evaluate("window.loadedOnce = true")
    started = api.trail.add(state="STARTED", success=None, statusCode=None)
    row = page.locator(f"tr[data-id='{started['requestId']}']")
    row.wait_for(timeout=PATIENCE_MS)
    assert "In progress" in row.inner_text()
    assert "new" in (row.get_attribute("class") or "")
    expect(page.locator("#announcer")).to_have_text(re.compile("^(1 new request|50 requests shown)$"))

    started.update(state="COMPLETED", success=True, statusCode=200)
    row.get_by_text("Succeeded").wait_for(timeout=PATIENCE_MS)
    expect(rows(page)).to_have_count(50)
    assert page.evaluate("window.loadedOnce")
    row.and_(page.locator(":not(.new)")).wait_for(timeout=PATIENCE_MS)


def test_a_readers_place_is_kept(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    before = ids(page)
    page.mouse.wheel(0, 900)
    page.wait_for_function("() => scrollY > 800")
    top = rows(page).nth(25).bounding_box()
    api.trail.add()
    api.trail.add()
    fresh = page.get_by_role("button", name="2 new: show")
    fresh.wait_for(timeout=PATIENCE_MS)
    assert ids(page) == before
    assert rows(page).nth(25).bounding_box() == top
    fresh.click()
    page.wait_for_function("() => scrollY < 500")
    show_exactly(page, newest(api, 50))
    expect(fresh).to_be_hidden()


def test_a_row_in_hand_stays_and_is_kept_up_to_date(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    started = api.trail.add(state="STARTED", success=None, statusCode=None)
    page = loaded(open_page(url))
    rows(page).first.locator("button").focus()
    started.update(state="FAILED", success=False, statusCode=504)
    api.trail.add()
    rows(page).first.get_by_text("Failed").wait_for(timeout=PATIENCE_MS)
    page.get_by_role("button", name="1 new: show").wait_for(timeout=PATIENCE_MS)
    assert ids(page)[0] == started["requestId"]
    assert page.evaluate("() => document.activeElement === document.querySelector('.requests tbody button')")


def test_live_updates_can_be_paused(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live-text")).to_have_text("Paused")
    page.wait_for_timeout(500)
    api.trail.add()
    asked = len(api.asked)
    page.wait_for_timeout(5_000)
    assert len(api.asked) == asked
    page.get_by_role("button", name="Resume").click()
    page.wait_for_function(f"() => document.querySelector('.requests tbody tr').dataset.id === '{newest(api, 1)[0]}'")


def test_pages_turn_and_none_is_lost(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    everything = newest(api, 400)
    page.locator("#limit").select_option("100")
    page.wait_for_function("() => document.querySelectorAll('.requests tbody tr').length === 100")
    seen = ids(page)
    for number in (2, 3, 4):
        page.get_by_role("link", name="Next").click()
        page.get_by_text(f"page {number}, 100 rows of 400").wait_for()
        seen += ids(page)
    assert seen == everything
    expect(page.get_by_role("link", name="Next")).to_have_attribute("aria-disabled", "true")

    page.go_back()
    page.get_by_text("page 3").wait_for()
    assert ids(page) == everything[200:300]
    page.get_by_role("link", name="Previous").click()
    page.get_by_text("page 2").wait_for()
    assert ids(page) == everything[100:200]
    added = api.trail.add()
    page.get_by_role("button", name="1 new: show").wait_for(timeout=PATIENCE_MS + 5_000)
    assert ids(page) == everything[100:200]
    page.get_by_role("link", name="Newest").click()
    page.locator(f"tr[data-id='{added['requestId']}']").wait_for()


def test_a_page_of_a_rare_filter_is_gathered_from_several_answers(
    api: ScriptedApi, url: str, open_page: OpenPage
) -> None:
    api.begin(30_000)
    page = open_page(f"{url}/#classification=rare")
    page.get_by_text("Nothing found so far").wait_for(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Look further back").click()
    page.get_by_text("No request matches").wait_for(timeout=PATIENCE_MS)
    cursors = [query.get("cursor") for query in api.queries("/dashboard/requests")]
    assert cursors[:8] == [None, *[str(30_000 - 4_000 * part) for part in range(1, 8)]]

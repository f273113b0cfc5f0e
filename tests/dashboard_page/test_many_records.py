"""100,000 records: first rows at once, pages deep down, and a browser that holds no more than a page."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.dashboard_page.on_the_page import ids, loaded
from tests.dashboard_page.scripted_api import ScriptedApi

OpenPage = Callable[..., Page]
RECORDS = 100_000
FIRST_ROWS_SECONDS = 5.0  # on a machine that does other things; alone it is half a second
HEAP_BYTES = 12_000_000


def heap_bytes(page: Page) -> int:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return int(session.send("Runtime.getHeapUsage")["usedSize"])


def test_it_stays_usable(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    api.begin(RECORDS)
    page = open_page("about:blank")
    started = time.monotonic()
    page.goto(url)
    loaded(page)
    assert time.monotonic() - started < FIRST_ROWS_SECONDS
    expect(page.locator("#range")).to_have_text("1\u201350 of 100,000")
    page.locator("#limit").select_option("200")
    page.wait_for_function("() => document.querySelectorAll('.requests tbody tr').length === 200")
    before = heap_bytes(page)
    for number in range(2, 22):
        page.get_by_role("link", name="Next").click()
        page.get_by_text(f"page {number}, 200 rows").wait_for()
    assert len(ids(page)) == 200
    assert ids(page)[0] == api.trail[RECORDS - 20 * 200 - 1]["requestId"]
    assert page.evaluate("() => document.querySelectorAll('*').length") < 6_000
    after = heap_bytes(page)
    assert after < HEAP_BYTES
    assert after - before < 3_000_000
    assert all(int(query["limit"]) <= 200 for query in api.queries("/dashboard/requests") if "limit" in query)

"""One request in detail, and text of callers that tries to be more than text."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.dashboard_page.on_the_page import active, ids, loaded, rows
from tests.dashboard_page.scripted_api import ScriptedApi

OpenPage = Callable[..., Page]
HOSTILE = {
    "userAgent": '<img src=x onerror="window.owned = 1"><script>window.owned = 1</script>',
    "modelId": '"><svg onload=window.owned=1>',
    "callerArn": "arn:aws-us-gov:iam::123456789012:role/<b onmouseover=window.owned=1>x</b>",
    "classification": "javascript:window.owned=1",
    "operation": "{{constructor.constructor('window.owned=1')()}}",
    "errorCode": "</td></tr></table><h1>owned</h1>",
    "__proto__x": "\u202ereversed\u0000",
    "sourceIP": "' style='position:fixed;inset:0",
}


def test_every_attribute_is_shown_and_explained(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    record = api.trail.add(attributeOfTomorrow="something new", marking="CUI", guardrailAction="NONE")
    page = loaded(open_page(url))
    rows(page).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Other attributes").wait_for()
    assert dialog.get_attribute("aria-labelledby") == "record-title"
    headings = dialog.locator("h3").all_inner_texts()
    assert headings == ["Outcome", "Caller", "Request", "Decision", "Crossing", "Figures", "Record", "Other attributes"]
    shown = dialog.locator("[data-attribute]").evaluate_all("all => all.map((one) => one.dataset.attribute)")
    assert sorted(shown) == sorted(record)
    assert "10.20." in dialog.locator("[data-attribute=sourceIP]").inner_text()
    dialog.get_by_text("As JSON").click()
    assert json.loads(dialog.locator("pre").inner_text()) == record


def test_it_closes_and_the_focus_returns(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    third = rows(page).nth(2).locator("button")
    third.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_text("Outcome", exact=True).wait_for()
    assert f"request={ids(page)[2]}" in page.url
    assert active(page) == "Close"
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('dialog').open && !location.hash.includes('request=')")
    assert third.evaluate("button => button === document.activeElement")
    page.go_back()  # to the open one, and back again
    page.get_by_role("dialog").wait_for()
    page.go_back()
    page.get_by_role("dialog").wait_for(state="hidden")


def test_it_has_a_link_of_its_own(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    parent = api.trail[390]["requestId"]
    child = api.trail.add(parentRequestId=parent)["requestId"]
    page = open_page(f"{url}/#request={child}")
    page.get_by_role("dialog").get_by_role("link", name=parent).click()
    page.wait_for_function(
        f"() => document.querySelector('[data-attribute=requestId] .value')?.textContent === '{parent}'"
    )
    page.goto(f"{url}/#request=no-such-record")
    page.get_by_role("dialog").get_by_text("No such record").wait_for()


def test_text_of_callers_is_only_text(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    record = api.trail.add(**HOSTILE)
    page = loaded(open_page(url))
    assert HOSTILE["modelId"] in rows(page).first.inner_text()
    rows(page).first.locator("button").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("[data-attribute=userAgent]").wait_for()
    for name, text in HOSTILE.items():
        assert dialog.locator(f"[data-attribute='{name}'] .value").evaluate("one => one.textContent") == text
    page.goto(f"{url}/#view=usage")
    page.locator("table.usage").get_by_text("<b onmouseover").wait_for()
    assert page.evaluate("() => document.querySelectorAll('main img, main script, [onload], [onerror], b').length") == 0
    assert page.evaluate("() => window.owned") is None
    assert page.locator("a[href^='javascript:']").count() == 0
    assert record["requestId"]


def test_the_fragment_is_only_text(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/#state=%3Cimg%20src=x%20onerror=window.owned=1%3E&view=__proto__&limit=abc&page=-1")
    page.locator("#live-text").wait_for()
    expect(page.locator("#filter-state")).to_have_value("<img src=x onerror=window.owned=1>")
    expect(page.get_by_role("link", name="Requests")).to_have_attribute("aria-current", "page")
    assert page.evaluate("() => window.owned") is None

"""For everybody: keyboard, names and roles, contrast in light and dark, narrow screens, reduced motion."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.dashboard_page.on_the_page import active, loaded, rows
from tests.dashboard_page.scripted_api import Fault, ScriptedApi

OpenPage = Callable[..., Page]
PLACES = ["", "#view=trends", "#view=usage"]

CHECKS = Path(__file__).parent
CONTRAST, STRUCTURE = ((CHECKS / name).read_text().rstrip(";\n") for name in ("contrast.js", "structure.js"))
# The focused element's outline.
OUTLINE = (
    "() => { const style = getComputedStyle(document.activeElement); return style.outlineStyle + style.outlineWidth; }"
)


def opened(open_page: OpenPage, url: str, place: str, **options: object) -> Page:
    page = open_page(f"{url}/{place}", **options)
    page.locator("#view .requests tbody tr, #view svg[aria-label], #view .usage a").first.wait_for()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_text_can_be_read(api: ScriptedApi, url: str, open_page: OpenPage, place: str, scheme: str) -> None:
    api.callers = "arn:aws-us-gov:iam::123456789012:role/analyst"  # brings a notice
    page = opened(open_page, url, place, color_scheme=scheme)
    back = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    assert (back == "rgb(16, 21, 28)") == (scheme == "dark")
    assert page.evaluate(CONTRAST) == []
    if not place:
        rows(page).first.locator("button").click()
        page.get_by_role("dialog").get_by_text("Outcome", exact=True).wait_for()
        assert page.evaluate(CONTRAST) == []
        page.keyboard.press("Escape")
        api.faults = [Fault.error("/dashboard", 503, "AuditUnavailable", "the audit table cannot be read")]
        page.locator(".trouble").wait_for()
        assert page.evaluate(CONTRAST) == []


def test_the_checks_find_what_is_wrong(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    page.evaluate("""() => {
        document.querySelector("h2").style.color = "rgb(150, 150, 150)";
        document.body.append(document.createElement("button"));
    }""")
    assert [said.partition(":")[0] for said in page.evaluate(CONTRAST)] == ["Requests"]
    assert page.evaluate(STRUCTURE) == ["no name: <button></button>"]


@pytest.mark.parametrize("place", [*PLACES, "#request="])
def test_everything_has_a_name_and_a_place(api: ScriptedApi, url: str, open_page: OpenPage, place: str) -> None:
    page = opened(open_page, url, place + api.trail[399]["requestId"] if place.endswith("=") else place)
    page.wait_for_timeout(300)
    assert page.evaluate(STRUCTURE) == []
    assert page.evaluate("() => document.documentElement.lang") == "en"
    assert "Boundary dashboard" in page.title()


def test_by_keyboard_alone(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    page.keyboard.press("Tab")
    assert active(page) == "Skip to the content"
    assert page.locator("#skip").bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(active(page))
        style = page.evaluate(OUTLINE)
        assert style in ("solid2px", "auto1px"), reached[-1]
        if page.evaluate("() => document.activeElement.closest('tbody') !== null"):
            break
    assert {"Requests", "Trends", "Usage", "Pause", "Next", "Download CSV"} <= set(reached)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert rows(page).nth(2).locator("button").evaluate("button => button === document.activeElement")
    page.keyboard.press("End")
    assert rows(page).last.locator("button").evaluate("button => button === document.activeElement")
    page.keyboard.press("Tab")  # no trap: the table is left
    assert page.evaluate("() => document.activeElement.closest('tbody')") is None


def test_the_dialog_keeps_the_focus_until_it_closes(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    rows(page).first.locator("button").press("Enter")
    page.get_by_role("dialog").get_by_text("Outcome", exact=True).wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = "() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        assert page.evaluate(inside)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("width", [320, 768, 2560])
def test_it_fits_every_width(api: ScriptedApi, url: str, open_page: OpenPage, place: str, width: int) -> None:
    api.trail.add(
        modelId="a" * 300, callerArn="arn:aws-us-gov:iam::123456789012:role/" + "b" * 300, errorCode="c" * 200
    )
    page = opened(open_page, url, place, viewport={"width": width, "height": 800})
    page.wait_for_timeout(300)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.mouse.wheel(0, 600)
    page.wait_for_timeout(200)
    for fact in ("Environment", "Account", "Partition", "Region"):  # always in sight
        box = page.locator("#place").get_by_text(fact).bounding_box()
        assert box
        assert 0 <= box["y"] < 120
        assert box["x"] + box["width"] <= width


def test_reduced_motion(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url, reduced_motion="reduce"))
    assert page.locator("#pulse").evaluate("pulse => getComputedStyle(pulse).animationName") == "none"

"""Each state of error says what is wrong and what to check, and goes away by itself."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard_page.conftest import dashboard
from tests.dashboard_page.on_the_page import PATIENCE_MS, ids, loaded, trouble
from tests.dashboard_page.scripted_api import Fault, ScriptedApi

OpenPage = Callable[..., Page]
ALL = "/dashboard"


@pytest.mark.parametrize(
    ("fault", "title", "words"),
    [
        (Fault(ALL), "Connection error", ["VPN", "HTTPS_PROXY", "ApiBrokeOff"]),
        (
            Fault.error(ALL, 403, "AccessDenied", "is not authorized to perform: execute-api:Invoke"),
            "Access denied",
            ["read-dashboard", "caller_policies_json", "execute-api:Invoke", "request 11112222-3333"],
        ),
        (Fault.error(ALL, 403, "InvalidSignature", "does not match"), "Signature refused", ["clock"]),
        (Fault.error(ALL, 403, "ExpiredToken", "expired"), "Credentials have expired", ["aws sso login"]),
        (Fault.error(ALL, 404, "RouteNotFound", "no such path"), "Not deployed there", ["/v1"]),
        (Fault.error(ALL, 429, "Throttled", "too many"), "Too many questions", ["more slowly"]),
        (
            Fault.error(ALL, 503, "AuditUnavailable", "the audit table cannot be read"),
            "The API has a problem",
            ["HTTP 503", "AuditUnavailable", "request 11112222-3333", "the audit table cannot be read"],
        ),
        (Fault(ALL, 503, b"<h1>Squid</h1>", "text/html"), "Unexpected answer", ["proxy", "HTTP 503"]),
        (Fault(ALL, 200, b"<h1>Log in</h1>", "text/html"), "Unexpected answer", ["captive portal"]),
        (Fault(ALL, 200, b'{"status": "ok"}'), "Unexpected answer", ["captive portal", "The answer has no "]),
        (Fault(ALL, 200, b'{"usage": [', missing_bytes=9), "Unexpected answer", ["NotJson"]),
        (Fault(ALL, 200, b"null"), "Unexpected answer", ["captive portal", "UnexpectedForm"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_to_check(
    api: ScriptedApi, url: str, open_page: OpenPage, fault: Fault, title: str, words: list[str]
) -> None:
    api.faults = [fault]
    page = open_page(url)
    said = trouble(page)
    assert said.startswith(title)
    for word in words:
        assert word in said
    assert page.locator(".trouble").get_attribute("role") == "alert"
    expect(page.locator("#live-text")).to_have_text("Not live: trying again")
    api.faults = []
    page.get_by_role("button", name="Try again").click()
    loaded(page)
    page.locator(".trouble").wait_for(state="detached")


def test_an_api_that_is_not_there(api: ScriptedApi, open_page: OpenPage) -> None:
    with dashboard(api, API_URL="http://127.0.0.1:9/v1") as url:
        page = open_page(url)
        said = trouble(page)
        assert said.startswith("Connection error")
        assert "ApiUnreachable" in said
        page.locator("#signer").get_by_text("http://127.0.0.1:9/v1").wait_for()


def test_the_pages_own_server_is_gone_and_comes_back(api: ScriptedApi, open_page: OpenPage) -> None:
    with dashboard(api) as url:
        page = loaded(open_page(url))
        before = ids(page)
    said = trouble(page)
    assert said.startswith("Connection error")
    assert "make dashboard" in said
    assert ids(page) == before
    with dashboard(api, PORT=url.rpartition(":")[2]):
        page.locator(".trouble").wait_for(state="detached", timeout=60_000)


def test_one_answer_is_lost_on_the_way(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    page.route("**/deployment.json", lambda route: route.abort(), times=1)
    page.reload()
    assert trouble(page).startswith("Connection error")
    page.locator(".trouble").wait_for(state="detached", timeout=40_000)
    loaded(page)


def test_without_credentials(api: ScriptedApi, open_page: OpenPage) -> None:
    with dashboard(api, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="") as url:
        page = open_page(url)
        said = trouble(page)
        assert said.startswith("No credentials")
        assert "AWS_PROFILE" in said
        expect(page.locator("#signer")).to_contain_text("not known")
    assert api.asked == []


def test_who_is_no_auditor_is_told(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    api.callers = "arn:aws-us-gov:iam::123456789012:role/analyst"
    page = loaded(open_page(url))
    page.get_by_text(
        "You see your own requests only, those of arn:aws-us-gov:iam::123456789012:role/analyst"
    ).wait_for()

    api.faults = [Fault.error(ALL, 403, "PolicyDenied", "only auditors of the policy see other callers' records")]
    page = open_page(f"{url}/#caller=somebody")
    assert trouble(page).startswith("Not an auditor")
    api.faults = []
    page.get_by_role("link", name="Show my own requests").click()
    loaded(page)
    assert "caller=" not in page.url


def test_a_filter_that_makes_no_sense(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}/#status=purple")
    said = trouble(page)
    assert said.startswith("A filter makes no sense")
    assert "`status` must be a whole number" in said
    assert page.locator("#filter-status").input_value() == "purple"
    page.locator(".trouble").get_by_text("Clear filters").click()
    loaded(page)


@pytest.mark.parametrize("view", ["requests", "trends", "usage"])
def test_no_data_yet(api: ScriptedApi, url: str, open_page: OpenPage, view: str) -> None:
    api.begin(0)
    page = open_page(f"{url}/#view={view}")
    page.locator("#view").get_by_text("No data yet").first.wait_for()
    assert page.locator(".trouble").count() == 0


def test_rows_stay_while_the_api_is_away(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    page = loaded(open_page(url))
    before = ids(page)
    defect = b'{"error": {"code": "InternalError", "message": "a defect"}}'
    api.faults = [Fault("/dashboard/requests", 500, defect, times=1)]
    assert trouble(page).startswith("The API has a problem")
    assert ids(page) == before
    added = api.trail.add()
    page.locator(".trouble").wait_for(state="detached", timeout=30_000)
    page.locator(f"tr[data-id='{added['requestId']}']").wait_for(timeout=PATIENCE_MS)


def test_what_is_unhealthy_is_said(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    api.faults = [Fault("/health", 503, b'{"status": "unavailable", "checks": {"policy": "PolicyUnavailable"}}')]
    page = loaded(open_page(url))
    page.locator("#health").get_by_text("unhealthy").wait_for()


def test_figures_that_are_not_complete_are_called_so(api: ScriptedApi, url: str, open_page: OpenPage) -> None:
    api.complete = False
    page = loaded(open_page(f"{url}/#state=DENIED"))
    page.get_by_text("Figures are not complete").wait_for()
    page.get_by_text("not state.").wait_for()


def test_a_link_to_a_page_that_is_nobody_elses_leads_to_the_newest(
    api: ScriptedApi, url: str, open_page: OpenPage
) -> None:
    said = "`cursor` must be the `nextCursor` of an earlier answer to you"
    api.faults = [Fault.error("/dashboard/requests", 400, "InvalidParameter", said)]
    page = open_page(f"{url}/#success=true&page=2&cursor=old")
    assert said in trouble(page)
    api.faults = []
    page.get_by_role("link", name="To the newest").click()
    loaded(page)
    page.locator(".trouble").wait_for(state="detached")
    assert page.url.endswith("#success=true")

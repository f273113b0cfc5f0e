"""What the tests do on the page again and again."""

from playwright.sync_api import Locator, Page

LIST_SECONDS = 4  # between two looks for new requests
PATIENCE_MS = 15_000


def rows(page: Page) -> Locator:
    """The table's rows."""
    return page.locator("table.requests tbody tr")


def loaded(page: Page) -> Page:
    """Wait until rows are there."""
    rows(page).first.wait_for(timeout=PATIENCE_MS)
    page.locator(".requests:not([aria-busy])").wait_for(timeout=PATIENCE_MS)
    return page


def ids(page: Page) -> list[str]:
    """The request ids of the rows, from above."""
    return rows(page).evaluate_all("rows => rows.map((row) => row.dataset.id)")


def show_exactly(page: Page, expected: list[str]) -> None:
    """Wait for these rows, and no others."""
    ids_of_rows = "[...document.querySelectorAll('.requests tbody tr')].map((row) => row.dataset.id)"
    page.wait_for_function(f"(expected) => {ids_of_rows}.join() === expected.join()", arg=expected)


def trouble(page: Page) -> str:
    """What the panel of troubles says."""
    return page.locator(".trouble").first.inner_text(timeout=PATIENCE_MS)


def active(page: Page) -> str:
    """The focused element's name, by its label, or else its text."""
    return page.evaluate("() => document.activeElement.ariaLabel ?? document.activeElement.textContent")

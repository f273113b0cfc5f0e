"""The dashboard as a process, an API behind it, and a browser before it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from deployment import REPOSITORY
from tests.dashboard_page.on_the_page import PATIENCE_MS
from tests.dashboard_page.scripted_api import ScriptedApi

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
SHELL = {
    "PATH": os.environ["PATH"],
    "HOME": "/",
    "AWS_ACCESS_KEY_ID": "made-up-key-id",
    "AWS_SECRET_ACCESS_KEY": "made-up-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "us-gov-west-1",
    "PORT": "0",
}
OpenPage = Callable[..., Page]


@contextmanager
def dashboard(api: ScriptedApi, *arguments: str, **environ: str) -> Iterator[str]:
    """`scripts/dashboard.py` before an API, until the end of the ``with``; its URL. An empty variable is left out."""
    shell = SHELL | {"API_URL": api.api_url, "AWS_ENDPOINT_URL_STS": api.url} | environ
    command = [sys.executable, "scripts/dashboard.py", *arguments]
    shell = {name: value for name, value in shell.items() if value}
    with subprocess.Popen(command, cwd=REPOSITORY, env=shell, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        printed = ""
        while not (url := re.search(r"open (http://127\.0\.0\.1:\d+)/ ", printed)):
            line = process.stdout.readline()
            assert line, printed
            printed += line
        try:
            yield url[1]
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("there is no chromium or google-chrome on PATH, and CHROMIUM names none")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[ScriptedApi, str]]:
    """One API and one dashboard before it, for all tests that need no other."""
    with ScriptedApi().running() as server, dashboard(server) as url:
        yield server, url


@pytest.fixture
def api(served: tuple[ScriptedApi, str]) -> ScriptedApi:
    """The API, with 400 records of the last day and without faults."""
    served[0].begin(400)
    return served[0]


@pytest.fixture
def url(served: tuple[ScriptedApi, str]) -> str:
    """The dashboard's URL."""
    return served[1]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a page in a context of its own (``options`` are Playwright's); no script may fail in any of them."""
    contexts = []
    errors: list[str] = []

    def opened(url: str, **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []

"""An API that verifies signatures, the shell of a caller, and the signing proxy between them."""

from collections.abc import Iterator

import pytest

from signing_proxy.server import SigningProxy
from tests.contract.clients.connect_bench import serving
from tests.contract.clients.signed_api import ACCESS_KEY_ID, SECRET_ACCESS_KEY, STAGE, SignedApi


@pytest.fixture
def api() -> Iterator[SignedApi]:
    with SignedApi().running() as server:
        yield server


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell the proxy is started in."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)


@pytest.fixture
def proxy(api: SignedApi, caller: None) -> Iterator[SigningProxy]:
    with serving(api.url + STAGE) as running:
        yield running

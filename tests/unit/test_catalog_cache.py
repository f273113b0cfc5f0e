"""When Bedrock's lists are read, and when what there is serves on."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from inference_proxy import catalog_cache
from inference_proxy.boundary import Passage
from inference_proxy.catalog_cache import CatalogCache
from inference_proxy.model_lists import _pages
from inference_proxy.models import UpstreamAnswer, UpstreamCall
from inference_proxy.profiles import Catalog
from inference_proxy.upstream_errors import UpstreamProtocolError, UpstreamTimeoutError


class Lists:
    """What is behind the cache: counts how often it is asked, and fails as it is told."""

    def __init__(self, clock: list[float]) -> None:
        self.asked = 0
        self.fails = False
        self._clock = clock

    def load(self) -> Catalog:
        self.asked += 1
        self._clock[0] += 4.0  # it takes a while
        if self.fails:
            raise UpstreamTimeoutError("no answer")
        return Catalog([], [], "us-east-1")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000_000.0]
    monkeypatch.setattr(catalog_cache, "time", SimpleNamespace(time=lambda: now[0]))
    return now


@pytest.fixture
def lists(clock: list[float]) -> Lists:
    return Lists(clock)


@pytest.mark.parametrize("max_age_seconds", [10, 300])
def test_lists_are_read_anew_when_they_are_overdue(clock: list[float], lists: Lists, max_age_seconds: int) -> None:
    cache = CatalogCache(max_age_seconds)
    cache.get(lists.load)
    clock[0] += max_age_seconds - 1
    cache.get(lists.load)
    assert lists.asked == 1
    clock[0] += 2
    cache.get(lists.load)
    assert lists.asked == 2


@pytest.mark.parametrize("get", [CatalogCache.get, CatalogCache.get_at_once])
def test_missing_lists_are_left_alone_for_a_while(
    clock: list[float], lists: Lists, get: Callable[..., Catalog]
) -> None:
    cache = CatalogCache(300)
    lists.fails = True
    with pytest.raises(UpstreamTimeoutError):
        get(cache, lists.load)
    clock[0] += 9
    assert cache.missing
    clock[0] += 2
    assert not cache.missing
    lists.fails = False
    assert get(cache, lists.load)


def test_overdue_lists_serve_on_and_are_asked_for_again_later(clock: list[float], lists: Lists) -> None:
    cache = CatalogCache(300)
    first = cache.get(lists.load)
    clock[0] += 301
    lists.fails = True
    assert cache.get(lists.load) is first
    assert cache.get(lists.load) is first
    assert lists.asked == 2
    clock[0] += 31
    lists.fails = False
    assert cache.get(lists.load) is not first


def test_a_renewal_runs_beside_and_is_waited_for(clock: list[float], lists: Lists) -> None:
    cache = CatalogCache(300)
    first = cache.get_at_once(lists.load)
    clock[0] += 301
    assert cache.get_at_once(lists.load) is first
    cache.settle()
    assert lists.asked == 2
    assert cache.get_at_once(lists.load) is not first


def test_a_renewal_that_fails_is_not_repeated_at_once(clock: list[float], lists: Lists) -> None:
    cache = CatalogCache(300)
    first = cache.get_at_once(lists.load)
    clock[0] += 301
    lists.fails = True
    for _ in range(3):
        assert cache.get_at_once(lists.load) is first
        cache.settle()
    assert lists.asked == 2


def test_a_list_that_never_ends_is_no_list() -> None:
    def send(_call: UpstreamCall) -> UpstreamAnswer:
        body = b'{"inferenceProfileSummaries": [], "nextToken": "again"}'
        return UpstreamAnswer(200, {"content-type": "application/json"}, body)

    passage = cast(Passage, SimpleNamespace(send=send))
    with pytest.raises(UpstreamProtocolError, match="does not end"):
        list(_pages(passage, "/inference-profiles?type=APPLICATION", "inferenceProfileSummaries", "inferenceProfileId"))

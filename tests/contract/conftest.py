"""Servers for the contract tests: moto for GovCloud's services, the stand-in for Commercial Bedrock."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.contract.archive_bench import ArchiveBench
from tests.contract.archive_tampering import DAY1, DAY2, DAY3
from tests.contract.faulty_aws import FaultyAws
from tests.contract.router_bench import RouterBench
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

MakeBench = Callable[..., RouterBench]


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """moto's server: DynamoDB and Secrets Manager over HTTP."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def commercial() -> Iterator[CommercialStandIn]:
    """A fresh stand-in for Commercial Bedrock."""
    with CommercialStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def make_bench(aws_url: str, commercial: CommercialStandIn) -> Iterator[MakeBench]:
    """Makes a router with the given secret."""

    def make(secret: Mapping[str, str] | str | None, commercial_url: str | None = None) -> RouterBench:
        benches.append(RouterBench(aws_url, commercial_url or commercial.url, secret))
        return benches[-1]

    benches: list[RouterBench] = []
    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> RouterBench:
    """A router whose secret holds the API key the stand-in knows."""
    return make_bench({"bedrock_api_key": API_KEY, "region": "us-east-1"})


@pytest.fixture
def warm(bench: RouterBench) -> RouterBench:
    """A router that has served a request: lists, credential and connections are there."""
    assert bench.invoke().status == 200
    return bench


@pytest.fixture
def faulty_aws(aws_url: str) -> Iterator[FaultyAws]:
    """moto behind a server that fails as it is told."""
    with FaultyAws(aws_url).running() as server:
        yield server


def posts(commercial: CommercialStandIn) -> int:
    """How many invocations reached Commercial."""
    return sum(request["method"] == "POST" for request in commercial.requests)


@pytest.fixture
def empty_archive(
    aws_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[ArchiveBench]:
    """An archive that has not begun."""
    with ArchiveBench(aws_url, tmp_path, monkeypatch, capsys).running() as bench:
        yield bench


@pytest.fixture
def archive(empty_archive: ArchiveBench) -> ArchiveBench:
    """Three days of three objects each; the first two days have a fourth one, which ends them."""
    empty_archive.fill(DAY1, DAY2, DAY3)
    return empty_archive

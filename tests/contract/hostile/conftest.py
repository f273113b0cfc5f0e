"""A router under a policy that each test chooses."""

from collections.abc import Iterator

import pytest

from tests.contract.decision_bench import DecisionBench


@pytest.fixture(scope="module")
def bench(aws_url: str) -> Iterator[DecisionBench]:
    with DecisionBench.running(aws_url) as bench:
        yield bench

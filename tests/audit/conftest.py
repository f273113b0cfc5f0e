"""A twin of its own, as nothing else may run beside this."""

from collections.abc import Iterator

import pytest

from tests.deployed import Deployment, deployed_twin


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """Lives as long as the run."""
    yield from deployed_twin("audit")

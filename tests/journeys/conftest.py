"""A deployment with `serve` running, for stories that cross every layer."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sandbox.deployment import Deployment, Transport, deployment

USUAL = Transport(os.environ.get("TRANSPORT", Transport.HTTP))
"""What every journey runs over; those that prove both transports name them."""


@pytest.fixture
def transport() -> Transport:
    return USUAL


@pytest.fixture
async def deployed(tmp_path: Path, transport: Transport) -> AsyncIterator[Deployment]:
    async with deployment(tmp_path, transport) as running:
        await running.start()
        yield running
        assert not running.slack.violations


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """One deployment for a module's tests, each with a token of its own."""
    async with deployment(tmp_path_factory.mktemp("shared"), USUAL) as running:
        await running.start()
        yield running
        assert not running.slack.violations

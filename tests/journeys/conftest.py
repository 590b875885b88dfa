"""A deployment with `serve` running, for stories that cross every layer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.deployment import Deployment, deployment


@pytest.fixture
async def deployed(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with deployment(tmp_path) as running:
        await running.start()
        yield running
        assert not running.slack.violations

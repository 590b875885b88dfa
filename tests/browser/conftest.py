"""A browser on a demo of its own; without a browser these tests are skipped, except in CI."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.screen import Screen, browser_path, screen_of
from tests.demo.running import Running, running

REQUIRED = "BROWSER_REQUIRED"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A demo that begins anew."""
    if browser_path() is None and not os.environ.get(REQUIRED):
        pytest.skip("no chromium here: apt-get install chromium")
    with running(tmp_path_factory.mktemp("demo"), port=4960) as begun:
        yield begun


@pytest.fixture
def screen(demo: Running) -> Iterator[Screen]:
    """A window on it, behind which nothing may go wrong."""
    with screen_of(demo.url) as opened:
        yield opened
        assert opened.wrong == []
        assert demo.seen()["troubles"] == []


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Where the browser saves files."""
    return tmp_path

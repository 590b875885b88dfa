"""The Clock that a deployment runs on: the machine's, or one that is moved from outside."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import httpx

from services.clock import Clock
from services.errors import ConfigurationError

log = logging.getLogger(__name__)

FIRST_SECONDS = 5.0
"""How long a start waits to learn how far the clock is moved."""
SILENCE_SECONDS = 15.0
"""A clock that is followed says something every few seconds, also when nothing changed."""
AGAIN_SECONDS = 1.0
MOST_AHEAD = timedelta(days=36_500).total_seconds()


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC)


class MovedClock:
    """The machine's time and what it was moved by, as an address tells it."""

    def __init__(self) -> None:
        self.ahead: timedelta | None = None
        """None until the address has said so."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC) + (self.ahead or timedelta())


@asynccontextmanager
async def clock_of(url: str | None) -> AsyncIterator[Clock]:
    """The clock of a deployment, for as long as the block runs.

    Behind the address stands an endless answer of JSON lines, `{"ahead": SECONDS}`: one at once
    and one at each move. Where it falls silent, the clock goes on as it was moved last.
    Raises ConfigurationError where the first line does not come.
    """
    if url is None:
        yield SystemClock()
        return
    clock = MovedClock()
    told = asyncio.Event()
    following = asyncio.create_task(_follow(url, clock, told))
    try:
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await told.wait()
        except TimeoutError:
            raise _silent(url) from None
        yield clock
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def _follow(url: str, clock: MovedClock, told: asyncio.Event) -> None:
    timeout = httpx.Timeout(FIRST_SECONDS, read=SILENCE_SECONDS)
    async with httpx.AsyncClient(timeout=timeout, trust_env=False) as http:
        while True:
            try:
                async with http.stream("GET", url) as answer:
                    answer.raise_for_status()
                    async for line in answer.aiter_lines():
                        _heard(line, clock)
                        told.set()
            except (httpx.HTTPError, ValueError) as error:
                log.warning("clock_not_followed", extra={"error_type": type(error).__name__})
            await asyncio.sleep(AGAIN_SECONDS)


def _heard(line: str, clock: MovedClock) -> None:
    """Take one line. Raises ValueError where it is none of a clock's."""
    said = json.loads(line)
    seconds = said.get("ahead") if isinstance(said, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError("not a line of a clock")  # noqa: TRY004 - of the caller's two, bad data
    if not abs(seconds) <= MOST_AHEAD:
        raise ValueError("further than a century")
    ahead = timedelta(seconds=seconds)
    if ahead != clock.ahead:
        log.info("clock_moved", extra={"ahead_seconds": seconds})
    clock.ahead = ahead


def _silent(url: str) -> ConfigurationError:
    return ConfigurationError(
        "clock silent",
        user_message=f"CLOCK_URL is set, but {url} does not tell the time. Unset it: only a "
        "sandbox has a clock that is moved.",
    )

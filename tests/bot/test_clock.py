"""The bot goes by a moved clock where an address tells of one, and says so where none does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from bot.clock import SystemClock, clock_of
from services.clock import Clock
from services.errors import ConfigurationError
from tests.sandbox.serving import serve

DAY = 86400
SOON = timedelta(seconds=5)
TRIES = 500


class Told:
    """An address that tells lines as they are put in; `end` breaks the answer off."""

    def __init__(self, *lines: str) -> None:
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.calls = 0
        for line in lines:
            self.lines.put_nowait(line)

    def put(self, ahead: float) -> None:
        self.lines.put_nowait(json.dumps({"ahead": ahead}))

    def end(self) -> None:
        self.lines.put_nowait(None)

    def asgi(self) -> Starlette:
        async def answer(_: Request) -> StreamingResponse:
            self.calls += 1
            return StreamingResponse(self._said())

        return Starlette(routes=[Route("/time", answer)])

    async def _said(self) -> AsyncIterator[str]:
        while (line := await self.lines.get()) is not None:
            yield f"{line}\n"


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    for _ in range(TRIES):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


async def until_ahead(clock: Clock, seconds: float) -> None:
    """Wait until the clock is so far ahead of the machine's."""
    ahead = timedelta(seconds=seconds)
    await until(lambda: abs(clock.now() - datetime.now(UTC) - ahead) < SOON)


async def test_without_an_address_it_is_the_machine_s_time() -> None:
    async with clock_of(None) as clock:
        assert isinstance(clock, SystemClock)
        assert abs(clock.now() - datetime.now(UTC)) < SOON


async def test_it_is_moved_at_the_start_and_at_each_line() -> None:
    told = Told()
    told.put(3 * DAY)
    async with serve(told.asgi()) as origin, clock_of(f"{origin}/time") as clock:
        await until_ahead(clock, 3 * DAY)
        told.put(10 * DAY)
        await until_ahead(clock, 10 * DAY)
        told.end()


async def test_where_the_answer_ends_it_goes_on_as_moved_and_asks_again() -> None:
    told = Told()
    told.put(3 * DAY)
    async with serve(told.asgi()) as origin, clock_of(f"{origin}/time") as clock:
        told.end()
        told.put(4 * DAY)
        await until_ahead(clock, 4 * DAY)
        assert told.calls == 2
        told.end()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "now",
        "[]",
        "{}",
        '{"ahead": null}',
        '{"ahead": true}',
        '{"ahead": "1"}',
        '{"ahead": NaN}',
        '{"ahead": 1e12}',
        '{"ahead": Infinity}',
    ],
)
async def test_what_no_clock_says_moves_nothing(
    line: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    told.put(3 * DAY)
    told.lines.put_nowait(line)
    async with serve(told.asgi()) as origin, clock_of(f"{origin}/time") as clock:
        await until(lambda: "clock_not_followed" in caplog.messages)
        await until_ahead(clock, 3 * DAY)
        told.end()


async def test_an_address_that_tells_no_time_keeps_the_bot_from_starting() -> None:
    told = Told()
    told.end()
    async with serve(told.asgi()) as origin:
        with pytest.raises(ConfigurationError) as caught:
            async with clock_of(f"{origin}/nothing"):
                pass
    assert "CLOCK_URL" in caught.value.user_message

"""The tour's time: it begins on a day that is always the same, and is moved by the story."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.sandbox.demo.time import MovedTime
from tests.sandbox.deployment import Stage
from tests.sandbox.serving import serve

BEGIN = datetime(2027, 1, 12, 10, 0, tzinfo=UTC)
"""A Tuesday. A fixed one, so that the same story is told whenever it is told."""


def begun(stage: Stage) -> MovedTime:
    """The tour's time, which Slack, Apple and Microsoft take for theirs."""
    time = MovedTime(BEGIN - datetime.now(UTC))
    stage.slack.clock = time.seconds
    stage.apple.clock = time.now
    stage.microsoft.clock = time.now
    return time


@asynccontextmanager
async def told(time: MovedTime) -> AsyncIterator[str]:
    """Tell the bot the time; the address under which that is done."""

    async def lines(_request: Request) -> StreamingResponse:
        return StreamingResponse(time.lines(), media_type="application/x-ndjson")

    async with serve(Starlette(routes=[Route("/time", lines)])) as origin:
        yield f"{origin}/time"

"""Whose turn it is to write: in order, and those whom somebody waits for first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PATIENCE_SECONDS = 1.0
"""So long a quiet write lets all others go first; then it takes its place in the line."""


class Turns:
    """One write at a time.

    The pool of connections would let who has just written write again before those who wait, and
    a sync's pages would keep everybody else out for seconds.
    """

    def __init__(self) -> None:
        self._line = asyncio.Lock()
        self._eager = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @asynccontextmanager
    async def take(self, *, quiet: bool) -> AsyncIterator[None]:
        """The turn, as long as the block runs."""
        await (self._when_calm() if quiet else self._in_line())
        try:
            yield
        finally:
            self._line.release()

    async def _when_calm(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._calm.wait()
        await self._line.acquire()

    async def _in_line(self) -> None:
        self._eager += 1
        self._calm.clear()
        try:
            await self._line.acquire()
        finally:
            self._eager -= 1
            if not self._eager:
                self._calm.set()

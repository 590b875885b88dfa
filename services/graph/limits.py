"""How fast we ask Graph: Intune's budgets, kept by ourselves before Graph has to.

Source: Graph, "Service-specific throttling limits", Intune: of one app in one tenant, 1,000
requests in 20 s, and 100 that write. Several processes of one deployment share them unseen; what
goes beyond is answered 429, which the client waits for.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

SECONDS = 20.0
REQUESTS = 1000
WRITES = 100


class Window:
    """At most `most` calls that run, or ended less than `seconds` ago.

    A call counts from its end, as nobody but Graph knows when within it Graph counted it.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self._running = 0
        self._ended: deque[float] = deque()
        self._turn = asyncio.Lock()
        self._end = asyncio.Event()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """One call, begun in its turn."""
        async with self._turn:
            while self._full():
                await self._freed()
            self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._ended.append(time.monotonic())
            self._end.set()

    def _full(self) -> bool:
        over = time.monotonic() - self.seconds
        while self._ended and self._ended[0] <= over:
            self._ended.popleft()
        return self._running + len(self._ended) >= self.most

    async def _freed(self) -> None:
        """Wait until the oldest end is long enough ago, or, where there is none, for one."""
        self._end.clear()
        until = self._ended[0] + self.seconds - time.monotonic() if self._ended else None
        with suppress(TimeoutError):
            await asyncio.wait_for(self._end.wait(), until)


class Budget:
    """Lets calls through in their order, none before its turn."""

    def __init__(
        self, *, requests: int = REQUESTS, writes: int = WRITES, seconds: float = SECONDS
    ) -> None:
        self._requests = Window(requests, seconds)
        self._writes = Window(writes, seconds)

    @asynccontextmanager
    async def call(self, *, write: bool) -> AsyncIterator[None]:
        """One call within the budget; a write that waits holds up no reading."""
        async with AsyncExitStack() as stack:
            if write:
                await stack.enter_async_context(self._writes.call())
            await stack.enter_async_context(self._requests.call())
            yield

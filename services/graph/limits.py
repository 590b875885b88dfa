"""How fast we ask Graph: Intune's budgets, kept by ourselves before Graph has to.

Source: Graph, "Service-specific throttling limits", Intune: of one app in one tenant, 1,000
requests in 20 s, and 100 that write. Several processes of one deployment share them unseen; what
goes beyond is answered 429, which the client waits for.
"""

import asyncio
import time
from collections import deque

SECONDS = 20.0
REQUESTS = 1000
WRITES = 100


class Window:
    """At most `most` calls in any `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self._begun: deque[float] = deque()

    def wait(self) -> float:
        """Seconds until the next call may begin."""
        if len(self._begun) < self.most:
            return 0.0
        return max(0.0, self._begun[0] + self.seconds - time.monotonic())

    def note(self) -> None:
        """A call begins."""
        if len(self._begun) == self.most:
            self._begun.popleft()
        self._begun.append(time.monotonic())


class Budget:
    """Lets calls through in their order, none before its turn."""

    def __init__(
        self, *, requests: int = REQUESTS, writes: int = WRITES, seconds: float = SECONDS
    ) -> None:
        self._requests = Window(requests, seconds)
        self._writes = Window(writes, seconds)
        self._turn = asyncio.Lock()
        self._writing = asyncio.Lock()

    async def take(self, *, write: bool) -> None:
        """Return when a call may begin; a write that waits holds up no reading."""
        if not write:
            await self._through(self._requests, self._turn)
            return
        await self._through(self._writes, self._writing)
        await self._through(self._requests, self._turn)

    async def _through(self, window: Window, turn: asyncio.Lock) -> None:
        async with turn:
            # Alone behind the lock: once the wait is over, the place is ours.
            await asyncio.sleep(window.wait())
            window.note()

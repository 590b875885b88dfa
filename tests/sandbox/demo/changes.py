"""Pages hear that something changed, and look again."""

import asyncio


class Changes:
    """A count of changes that can be waited for, by any number of pages."""

    def __init__(self) -> None:
        self.count = 0
        self._more = asyncio.Event()

    def mark(self) -> None:
        """Something may have changed."""
        self.count += 1
        self._more.set()
        self._more = asyncio.Event()

    async def since(self, count: int, *, within: float) -> int:
        """Wait until there are more changes than that, or the time is over; how many there are."""
        if self.count == count:
            try:
                async with asyncio.timeout(within):
                    await self._more.wait()
            except TimeoutError:
                pass
        return self.count

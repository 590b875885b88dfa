"""A call that a stand-in holds at one point, so that a test can act while it is held there."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """One call stands still from `reached` on, until `release`; a stopped server ends it too."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def here(self) -> None:
        """Stand still; called by the stand-in."""
        self.reached.set()
        await self._released.wait()

    def release(self) -> None:
        """Let it go on."""
        self._released.set()

"""What a delivery of Slack's sets off beyond its answer begins once, over all processes.

Changes need no help from here: each is a row with a key of its own, written before Slack gets its
200. This is for what is only shown, so that a delivery that Slack repeats, or that somebody
replays, shows nothing twice.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from services.clock import machine_now
from storage.database import Database

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
FORGET_EVERY = timedelta(hours=1)
WAIT_SECONDS = 2.0


class Deliveries:
    """Knows what was set off already."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._waiting: list[tuple[str, asyncio.Future[bool]]] = []
        self._noting = asyncio.Lock()
        self._forgot_at: datetime | None = None

    async def first(self, key: str) -> bool:
        """Whether nobody set this off before; also true where the database cannot tell."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        # Whoever comes while a transaction runs waits for the next, which is one for all of them.
        async with self._noting:
            if not answer.done():
                await self._note()
        return answer.result()

    async def _note(self) -> None:
        waiting, self._waiting = self._waiting, []
        found = [True] * len(waiting)
        try:
            found = await self._noted([key for key, _ in waiting])
        except Exception as error:  # noqa: BLE001 - whatever it is: shown twice rather than never
            log.warning("delivery_not_noted", extra={"error_type": type(error).__name__})
        finally:
            for (_, answer), first in zip(waiting, found, strict=True):
                if not answer.done():
                    answer.set_result(first)

    async def _noted(self, keys: list[str]) -> list[bool]:
        now = machine_now()
        async with asyncio.timeout(WAIT_SECONDS), self.database.write(quiet=True) as tx:
            if self._forgot_at is None or now - self._forgot_at > FORGET_EVERY:
                await tx.deliveries.forget(now - KEPT)
                self._forgot_at = now
            new = await tx.deliveries.note(keys, now)
        # Of a key that came twice at once only the first is new.
        return [key in new and key not in keys[:place] for place, key in enumerate(keys)]

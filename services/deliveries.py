"""What a delivery of Slack's sets off beyond its answer begins once, over all processes.

Changes need no help from here: each is a row with a key of its own, written before Slack gets its
200. This is for what is only shown, so that a delivery that Slack repeats, or that somebody
replays, shows nothing twice.
"""

import asyncio
import logging
from datetime import timedelta

from services.clock import machine_now
from storage.database import Database

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
WAIT_SECONDS = 2.0


class Deliveries:
    """Knows what was set off already."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def first(self, key: str) -> bool:
        """Whether nobody set this off before; also true where the database cannot tell."""
        now = machine_now()
        try:
            async with asyncio.timeout(WAIT_SECONDS), self.database.write(quiet=True) as tx:
                await tx.deliveries.forget(now - KEPT)
                return await tx.deliveries.first(key, now)
        except Exception as error:  # noqa: BLE001 - whatever it is: shown twice rather than never
            log.warning("delivery_not_noted", extra={"error_type": type(error).__name__})
            return True

"""What deliveries of Slack's have set off: each once, over all processes."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import tables


class Deliveries:
    """One row for each piece of work that a delivery has set off."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def note(self, keys: Iterable[str], now: datetime) -> set[str]:
        """Note the keys; those that were not there before."""
        rows = [{"key": key, "taken_at": now} for key in dict.fromkeys(keys)]
        statement = insert(tables.delivery).values(rows)
        noted = await self.connection.execute(
            statement.on_conflict_do_nothing(index_elements=["key"]).returning(
                tables.delivery.c.key
            )
        )
        return set(noted.scalars())

    async def forget(self, before: datetime) -> int:
        """Drop what Slack will not deliver again; how many there were."""
        old = tables.delivery.c.taken_at < before
        return (await self.connection.execute(delete(tables.delivery).where(old))).rowcount

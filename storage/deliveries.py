"""What deliveries of Slack's have set off: each once, over all processes."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import tables


class Deliveries:
    """One row for each piece of work that a delivery has set off."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def first(self, key: str, now: datetime) -> bool:
        """Note the key; whether it was not there before."""
        statement = insert(tables.delivery).values(key=key, taken_at=now)
        noted = await self.connection.execute(
            statement.on_conflict_do_nothing(index_elements=["key"])
        )
        return noted.rowcount == 1

    async def forget(self, before: datetime) -> int:
        """Drop what Slack will not deliver again; how many there were."""
        old = tables.delivery.c.taken_at < before
        return (await self.connection.execute(delete(tables.delivery).where(old))).rowcount

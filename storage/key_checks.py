"""Known texts sealed by each key-encryption key."""

from sqlalchemy import select

from storage import tables
from storage.records import KeyCheck
from storage.rows import Rows


class KeyChecks(Rows[KeyCheck]):
    """One row for each key that has ever sealed something here."""

    table = tables.key_check
    record = KeyCheck

    async def every(self) -> list[KeyCheck]:
        """All of them."""
        return await self.all(self.select())

    async def sealed_anything(self) -> bool:
        """Whether some row holds a sealed value."""
        found = await self.connection.execute(select(tables.key_pair.c.id).limit(1))
        return found.first() is not None

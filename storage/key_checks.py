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
        sealed = select(tables.upload.c.id).where(tables.upload.c.content.is_not(None))
        for query in (select(tables.key_pair.c.id), sealed):
            if (await self.connection.execute(query.limit(1))).first() is not None:
                return True
        return False

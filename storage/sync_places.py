"""Where each token's sync stands: its cursor, its newest full list, and how long to wait."""

from datetime import datetime

from sqlalchemy.dialects.sqlite import insert

from storage import sync_tables
from storage.rows import Rows
from storage.sync_records import SyncPlace


class SyncPlaces(Rows[SyncPlace]):
    """The places; a token without one is listed from the start."""

    table = sync_tables.sync_place
    record = SyncPlace

    async def of(self, token_id: str) -> SyncPlace | None:
        """Where the token's sync stands."""
        return await self.one(self.table.c.token_id == token_id)

    async def keep(self, place: SyncPlace) -> None:
        """Put the place there, whatever was there before."""
        values = self.values(place)
        statement = insert(self.table).values(values)
        await self.connection.execute(
            statement.on_conflict_do_update(index_elements=["token_id"], set_=values)
        )

    async def forget(self, token_id: str) -> None:
        """Forget the cursor: the next sync lists every device. A holder's wish to wait stays."""
        table = self.table.c
        await self.change(table.token_id == token_id, cursor=None, cursor_at=None, listed_at=None)

    async def wait_until(self, token_id: str) -> datetime | None:
        """Until when the holder asked us to wait, by the machine's time; it may have passed."""
        place = await self.of(token_id)
        return place.wait_until if place else None

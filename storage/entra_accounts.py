"""Apple IDs as Entra knows them, and when each is looked up next."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.dialects.sqlite import insert

from storage import entra_tables
from storage.entra_records import EntraAccount, EntraStanding
from storage.rows import Rows


class EntraAccounts(Rows[EntraAccount]):
    """The accounts, by Apple ID."""

    table = entra_tables.entra_account
    record = EntraAccount

    async def of(self, apple_id: str) -> EntraAccount | None:
        """What is known of that Apple ID."""
        return await self.one(self.table.c.apple_id == apple_id)

    async def note(self, apple_ids: Iterable[str], now: datetime) -> None:
        """Have these looked up, those at once that never were."""
        rows = [
            {"apple_id": one, "tenant": "", "standing": EntraStanding.UNKNOWN, "due_at": now}
            for one in apple_ids
        ]
        if rows:
            statement = insert(self.table).on_conflict_do_nothing(index_elements=["apple_id"])
            await self.connection.execute(statement, rows)

    async def due(self, now: datetime, furthest: datetime, limit: int) -> list[EntraAccount]:
        """Those to be looked up; one due later than `furthest` got its time by a wrong clock."""
        due_at = self.table.c.due_at
        query = self.select(or_(due_at <= now, due_at > furthest))
        return await self.all(query.order_by(due_at).limit(limit))

    async def claim(self, account: EntraAccount, due_at: datetime) -> bool:
        """Compare and set: this process looks it up."""
        table = self.table.c
        still = (table.apple_id == account.apple_id, table.due_at == account.due_at)
        return await self.change(*still, due_at=due_at) == 1

    async def keep(self, account: EntraAccount, claimed: datetime) -> bool:
        """Compare and set: store what was found, unless somebody else looked it up meanwhile."""
        table = self.table.c
        still = (table.apple_id == account.apple_id, table.due_at == claimed)
        return await self.change(*still, **self.values(account)) == 1

    async def put_off(self, until: datetime) -> None:
        """Look nothing up before then that is due earlier."""
        await self.change(self.table.c.due_at < until, due_at=until)

    async def apple_ids(self) -> list[str]:
        """All that are looked up."""
        return list((await self.connection.execute(select(self.table.c.apple_id))).scalars())

    async def forget(self, apple_ids: Sequence[str]) -> None:
        """No token in use has these any more: nobody looks them up."""
        condition = self.table.c.apple_id.in_(apple_ids)
        await self.connection.execute(self.table.delete().where(condition))

"""Chores: what is done at its times for the whole deployment, claimed by compare-and-set."""

from datetime import datetime

from sqlalchemy.dialects.sqlite import insert

from storage import watch_tables
from storage.rows import Rows
from storage.watch_records import Chore


class Chores(Rows[Chore]):
    """The chores, by name."""

    table = watch_tables.chore
    record = Chore

    async def named(self, name: str) -> Chore | None:
        """The chore of that name."""
        return await self.one(self.table.c.name == name)

    async def begin(self, name: str, due_at: datetime) -> None:
        """Add the chore, unless it is there."""
        statement = insert(self.table).values(name=name, due_at=due_at)
        await self.connection.execute(statement.on_conflict_do_nothing(index_elements=["name"]))

    async def claim(self, chore: Chore, due_at: datetime, *, run_at: datetime | None) -> bool:
        """Compare and set: it is done now, and due again then; False if another process has it."""
        table = self.table.c
        still = (table.name == chore.name, table.due_at == chore.due_at)
        return await self.change(*still, due_at=due_at, run_at=run_at) == 1

"""Apple's other credentials in Intune, and when each is reminded of."""

from datetime import datetime

from storage import connector_tables
from storage.connector_records import Connector
from storage.rows import Rows


class Connectors(Rows[Connector]):
    """The credentials, those included that are gone."""

    table = connector_tables.connector
    record = Connector

    async def known(self) -> list[Connector]:
        """All of them, by what they are and their name."""
        table = self.table.c
        return await self.all(self.select().order_by(table.kind, table.name, table.id))

    async def due(self, now: datetime) -> list[Connector]:
        """Those to remind of, the longest due first."""
        due_at = self.table.c.due_at
        return await self.all(self.select(due_at <= now).order_by(due_at))

    async def unanswered(self, now: datetime) -> list[Connector]:
        """Those of which a reminder had no answer in time."""
        return await self.all(self.select(self.table.c.escalate_at <= now))

    async def update(self, was: Connector, becomes: Connector) -> bool:
        """Compare and set: it is otherwise now; False if somebody changed it meanwhile."""
        table = self.table.c
        return (
            await self.change(
                table.id == was.id,
                table.generation == was.generation,
                table.due_at.is_not_distinct_from(was.due_at),
                table.escalate_at.is_not_distinct_from(was.escalate_at),
                **self.values(becomes),
            )
            == 1
        )

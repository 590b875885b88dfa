"""The audit log's rows; the services chain them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, insert, select, update

from storage import tables
from storage.records import AuditEntry, AuditHead
from storage.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are asked for; None leaves that question open."""

    token_id: str | None = None
    actor: str | None = None
    action: str | None = None


class AuditEntries(Rows[AuditEntry]):
    """The entries, and the one row that names the newest."""

    table = tables.audit_entry
    record = AuditEntry

    async def head(self) -> AuditHead | None:
        """The newest entry's number and hash; None before the first."""
        head = tables.audit_head.c
        query = select(head.number, head.hash, head.key_name, head.mac)
        found = (await self.connection.execute(query)).one_or_none()
        return None if found is None else AuditHead(**found._mapping)

    async def add_all(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries that follow each other, in one statement."""
        await self.connection.execute(insert(self.table), [self.values(one) for one in entries])

    async def set_head(self, new: AuditHead) -> None:
        """Move the head to the entry just added."""
        values = {
            "number": new.number,
            "hash": new.hash,
            "key_name": new.key_name,
            "mac": new.mac,
        }
        changed = await self.connection.execute(update(tables.audit_head).values(values))
        if changed.rowcount == 0:
            await self.connection.execute(insert(tables.audit_head).values(id=1, **values))

    async def since(self, number: int, limit: int) -> list[AuditEntry]:
        """Up to `limit` entries after that number, in order."""
        table = self.table.c
        query = self.select(table.number > number).order_by(table.number).limit(limit)
        return await self.all(query)

    async def page(
        self, wanted: Wanted, limit: int, *, before: int | None = None
    ) -> list[AuditEntry]:
        """Up to `limit` of the wanted entries with a number below `before`, newest first."""
        table = self.table.c
        query = self.select(*self._where(wanted)).order_by(table.number.desc()).limit(limit)
        return await self.all(query if before is None else query.where(table.number < before))

    async def numbers_from(self, wanted: Wanted, number: int, limit: int) -> list[int]:
        """The numbers of up to `limit` wanted entries from that one on, oldest first."""
        table = self.table.c
        query = select(table.number).where(table.number >= number, *self._where(wanted))
        found = await self.connection.execute(query.order_by(table.number).limit(limit))
        return list(found.scalars())

    def _where(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        asked = {
            self.table.c.token_id: wanted.token_id,
            self.table.c.actor: wanted.actor,
            self.table.c.action: wanted.action,
        }
        return [column == value for column, value in asked.items() if value is not None]

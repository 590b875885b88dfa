"""The audit log's rows; the services chain them."""

from sqlalchemy import insert, select, update

from storage import tables
from storage.records import AuditEntry, AuditHead
from storage.rows import Rows


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

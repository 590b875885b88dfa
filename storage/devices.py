"""The devices of each token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert

from storage import tables
from storage.records import Device
from storage.rows import Rows

FACTS = (
    "model",
    "description",
    "color",
    "asset_tag",
    "device_family",
    "os",
    "profile_status",
    "profile_uuid",
    "device_assigned_by",
    "device_assigned_date",
    "op_date",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageChanges:
    """What storing one page did: devices that are new (or back), and devices with other facts."""

    added: int
    changed: int


class Devices(Rows[Device]):
    """The devices; a removed one keeps its row, so that its return can be told."""

    table = tables.device
    record = Device

    async def store(self, token_id: str, run_id: str, page: Sequence[Device]) -> PageChanges:
        """Insert or update the devices of one page and mark them as seen in this run."""
        if not page:
            return PageChanges(added=0, changed=0)
        known = await self._known(token_id, [device.serial_number for device in page])
        added = sum(1 for device in page if device.serial_number not in known)
        changed = sum(1 for device in page if known.get(device.serial_number, device) != device)
        marks = {"token_id": token_id, "seen_in": run_id, "changed_in": run_id, "removed_at": None}
        # One statement with a list of parameters: a single large VALUES clause is ten times slower.
        await self.connection.execute(_UPSERT, [{**self.values(d), **marks} for d in page])
        return PageChanges(added=added, changed=changed)

    async def _known(self, token_id: str, serials: list[str]) -> dict[str, Device]:
        table = self.table.c
        present = (table.token_id == token_id, table.removed_at.is_(None))
        query = self.select(*present, table.serial_number.in_(serials))
        return {device.serial_number: device for device in await self.all(query)}

    async def count(self, token_id: str) -> int:
        """How many devices the token has now."""
        table = self.table.c
        query = select(func.count()).where(table.token_id == token_id, table.removed_at.is_(None))
        return (await self.connection.execute(query)).scalar_one()

    async def counts(self) -> dict[str, int]:
        """How many devices each token has now, by the token's id."""
        table = self.table.c
        query = select(table.token_id, func.count()).where(table.removed_at.is_(None))
        found = await self.connection.execute(query.group_by(table.token_id))
        return {row[0]: row[1] for row in found}

    async def count_unseen(self, token_id: str, run_id: str) -> int:
        """How many of the token's devices this run has not seen."""
        table = self.table.c
        query = select(func.count()).where(
            table.token_id == token_id, table.removed_at.is_(None), table.seen_in != run_id
        )
        return (await self.connection.execute(query)).scalar_one()

    async def remove_unseen(self, token_id: str, run_id: str, now: datetime) -> int:
        """Mark the devices that this complete run has not seen as removed; how many there were."""
        table = self.table.c
        statement = (
            update(self.table)
            .where(table.token_id == token_id, table.removed_at.is_(None), table.seen_in != run_id)
            .values(removed_at=now, changed_in=run_id)
        )
        return (await self.connection.execute(statement)).rowcount


_NEW = insert(tables.device)
_UPSERT = _NEW.on_conflict_do_update(
    index_elements=["token_id", "serial_number"],
    set_={name: _NEW.excluded[name] for name in (*FACTS, "seen_in", "changed_in", "removed_at")},
)

"""The devices of each token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
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
NO_PROFILE = ("", "empty", "removed")
"""The statuses of a device that has no profile, whatever id stands beside them."""
MARKS = ("seen_in", "changed_in", "removed_at", "removed_here")


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
        marks = {
            "token_id": token_id,
            "seen_in": run_id,
            "changed_in": run_id,
            "removed_at": None,
            "removed_here": False,
        }
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

    async def count_with_profile(self, token_id: str, profile_uuid: str) -> int:
        """How many of the token's devices have that profile."""
        query = select(func.count()).where(*self._with(token_id, profile_uuid))
        return (await self.connection.execute(query)).scalar_one()

    async def with_any_profile(self, token_id: str, limit: int) -> list[Device]:
        """Up to `limit` of the token's devices that have some profile, by serial number."""
        query = self.select(*self._with(token_id, None))
        return await self.all(query.order_by(self.table.c.serial_number).limit(limit))

    def _with(self, token_id: str, profile_uuid: str | None) -> list[ColumnElement[bool]]:
        table = self.table.c
        # Apple leaves the profile's id beside a status of `removed`, so the status is what counts.
        has = [
            table.token_id == token_id,
            table.removed_at.is_(None),
            table.profile_uuid != "",
            table.profile_status.not_in(NO_PROFILE),
        ]
        return has if profile_uuid is None else [*has, table.profile_uuid == profile_uuid]

    async def profile_gone(self, token_id: str, serials: Sequence[str]) -> None:
        """These devices have no profile any more."""
        table = self.table.c
        which = (table.token_id == token_id, table.serial_number.in_(serials))
        await self.change(*which, profile_status="removed", profile_uuid="")

    async def remove_here(self, token_id: str, now: datetime) -> int:
        """Count every device of the token as gone, though Apple may list it still; how many."""
        table = self.table.c
        here = (table.token_id == token_id, table.removed_at.is_(None))
        return await self.change(*here, removed_at=now, removed_here=True)

    async def removed_here(self, token_id: str, serials: Sequence[str]) -> set[str]:
        """Which of these serial numbers were removed here."""
        table = self.table.c
        query = select(table.serial_number).where(
            table.token_id == token_id,
            table.removed_here.is_(True),
            table.serial_number.in_(serials),
        )
        return set((await self.connection.execute(query)).scalars())

    async def forget(self, token_id: str) -> None:
        """Drop the token's whole inventory: another server's devices take its place."""
        table = self.table
        await self.connection.execute(delete(table).where(table.c.token_id == token_id))

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
    set_={name: _NEW.excluded[name] for name in (*FACTS, *MARKS)},
)

"""The devices of each token."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

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
class Stamp:
    """What a page's rows are marked with: the run, the full list that it belongs to, the time."""

    token_id: str
    run_id: str
    generation: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PageChanges:
    """What storing one page did: devices that are new (or back), have other facts, or are gone."""

    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Known:
    device: Device
    removed: bool


class _Sorting:
    """The devices of a page beside what is known of them: what each means."""

    def __init__(self, known: dict[str, _Known]) -> None:
        self.known = known
        self.there: list[Device] = []
        self.gone: list[Device] = []
        self.same: list[str] = []
        self.added = self.changed = self.removed = 0

    def take(self, device: Device) -> None:
        """A device that the token has."""
        before = self.known.get(device.serial_number)
        if before is None or before.removed:
            if before is not None and _older(device, before, or_as_old=True):
                return
            self.added += 1
        elif _older(device, before):
            return
        elif _alike(device, before.device):
            self.same.append(device.serial_number)
            return
        elif _alike(replace(device, op_date=""), before.device):
            pass  # only its date is newer
        else:
            self.changed += 1
        self.there.append(device)

    def lose(self, device: Device) -> None:
        """A device that the token has lost; one that was never known leaves its date behind."""
        before = self.known.get(device.serial_number)
        if before is None:
            self.gone.append(device)
        elif not _older(device, before):
            self.removed += not before.removed
            self.gone.append(replace(before.device, op_date=device.op_date))


class Devices(Rows[Device]):
    """The devices; a removed one keeps its row, so that its return can be told."""

    table = tables.device
    record = Device

    async def store(
        self, stamp: Stamp, page: Sequence[Device], gone: Sequence[Device] = ()
    ) -> PageChanges:
        """Keep the devices of one page, each of them once in it.

        What is older than what is known, by `op_date`, changes nothing; of the same date, being
        gone wins. A list without dates tells the present.
        """
        known = await self._known(stamp.token_id, [one.serial_number for one in (*page, *gone)])
        sorting = _Sorting(known)
        for device in page:
            sorting.take(device)
        for device in gone:
            sorting.lose(device)
        rows = [
            *(self._row(device, stamp, None) for device in sorting.there),
            *(self._row(device, stamp, stamp.now) for device in sorting.gone),
        ]
        if rows:
            # One statement with a list of parameters: a large VALUES clause is ten times slower.
            await self.connection.execute(_UPSERT, rows)
        if sorting.same:
            await self._mark(stamp, sorting.same)
        return PageChanges(added=sorting.added, changed=sorting.changed, removed=sorting.removed)

    async def count(self, token_id: str) -> int:
        """How many devices the token has now."""
        table = self.table.c
        query = select(func.count()).where(table.token_id == token_id, table.removed_at.is_(None))
        return (await self.connection.execute(query)).scalar_one()

    async def counts(self, token_ids: Collection[str]) -> dict[str, int]:
        """How many devices each of these tokens has now, by the token's id."""
        table = self.table.c
        query = select(table.token_id, func.count()).where(
            table.removed_at.is_(None), table.token_id.in_(token_ids)
        )
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

    async def count_unseen(self, token_id: str, generation: str) -> int:
        """How many of the token's devices that full list has not named."""
        table = self.table.c
        query = select(func.count()).where(
            table.token_id == token_id, table.removed_at.is_(None), table.seen_in != generation
        )
        return (await self.connection.execute(query)).scalar_one()

    async def remove_unseen(self, token_id: str, generation: str, now: datetime) -> int:
        """Mark the devices that this full list has not named as removed; how many there were."""
        table = self.table.c
        return await self.change(
            table.token_id == token_id,
            table.removed_at.is_(None),
            table.seen_in != generation,
            removed_at=now,
        )

    async def _known(self, token_id: str, serials: list[str]) -> dict[str, _Known]:
        if not serials:
            return {}
        table = self.table.c
        query = self._whole.add_columns(table.removed_at).where(
            table.token_id == token_id, table.serial_number.in_(serials)
        )
        known = {}
        for row in await self.connection.execute(query):
            facts: dict[str, Any] = dict(row._mapping)
            removed = facts.pop("removed_at") is not None
            known[row.serial_number] = _Known(Device(**facts), removed)
        return known

    async def _mark(self, stamp: Stamp, serials: list[str]) -> None:
        table = self.table.c
        of_page = (table.token_id == stamp.token_id, table.serial_number.in_(serials))
        stale = table.seen_in != stamp.generation
        await self.connection.execute(
            update(self.table).where(*of_page, stale).values(seen_in=stamp.generation)
        )

    def _row(self, device: Device, stamp: Stamp, removed_at: datetime | None) -> dict[str, Any]:
        return {
            **self.values(device),
            "token_id": stamp.token_id,
            "seen_in": stamp.generation,
            "changed_in": stamp.run_id,
            "removed_at": removed_at,
            "removed_here": False,
        }


def _older(device: Device, before: _Known, *, or_as_old: bool = False) -> bool:
    """Whether what comes in is of an earlier date than what is known; no date is the present."""
    new, old = device.op_date, before.device.op_date
    if not (new and old):
        return False
    return new < old or (or_as_old and new == old)


def _alike(device: Device, before: Device) -> bool:
    """Whether it tells nothing new; a list without dates says nothing against a date."""
    return device == before or (not device.op_date and replace(before, op_date="") == device)


_NEW = insert(tables.device)
_TOLD = _NEW.excluded
_UPSERT = _NEW.on_conflict_do_update(
    index_elements=["token_id", "serial_number"],
    set_={
        **{name: _TOLD[name] for name in (*FACTS, *MARKS)},
        # A full list has no dates: the newest that is known stays.
        "op_date": func.coalesce(func.nullif(_TOLD.op_date, ""), tables.device.c.op_date),
    },
)

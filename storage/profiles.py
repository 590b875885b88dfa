"""Enrollment profiles of each token."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert

from storage import tables
from storage.records import Profile
from storage.rows import Rows


class Profiles(Rows[Profile]):
    """The profiles; one that was removed keeps its row."""

    table = tables.profile
    record = Profile

    async def count(self, token_id: str) -> int:
        """How many profiles the token has."""
        table = self.table.c
        query = select(func.count()).where(table.token_id == token_id, table.removed_at.is_(None))
        return (await self.connection.execute(query)).scalar_one()

    async def of(self, token_id: str) -> list[Profile]:
        """The token's profiles, by name."""
        table = self.table.c
        query = self.select(table.token_id == token_id, table.removed_at.is_(None))
        return await self.all(query.order_by(table.name, table.profile_uuid))

    async def defaults_of(self, token_id: str) -> list[Profile]:
        """The profiles that new devices of the token get: Intune has one for each platform."""
        return [one for one in await self.of(token_id) if one.is_default]

    async def default_of(self, token_id: str) -> Profile | None:
        """The profile that new devices of the token get, where there is one for all."""
        return next(iter(await self.defaults_of(token_id)), None)

    async def seen(self, token_id: str, profiles: Sequence[Profile], now: datetime) -> None:
        """These are the token's profiles now; those that are not among them are removed."""
        table = self.table.c
        known = {one.profile_uuid for one in profiles}
        gone = (table.token_id == token_id, table.removed_at.is_(None))
        await self.change(*gone, table.profile_uuid.not_in(known), removed_at=now)
        rows = [self.values(one) for one in profiles]
        if rows:
            await self.connection.execute(_UPSERT, rows)

    async def remove(self, token_id: str, now: datetime) -> int:
        """Count every profile of the token as removed; how many there were."""
        table = self.table.c
        here = (table.token_id == token_id, table.removed_at.is_(None))
        return await self.change(*here, removed_at=now)


_NEW = insert(tables.profile)
_UPSERT = _NEW.on_conflict_do_update(
    index_elements=["token_id", "profile_uuid"],
    set_={
        "name": _NEW.excluded.name,
        "is_default": _NEW.excluded.is_default,
        "removed_at": None,
    },
)

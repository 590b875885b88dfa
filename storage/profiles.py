"""Enrollment profiles of each token."""

from datetime import datetime

from sqlalchemy import func, select

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

    async def default_of(self, token_id: str) -> Profile | None:
        """The profile that new devices of the token get."""
        table = self.table.c
        return await self.one(
            table.token_id == token_id, table.is_default.is_(True), table.removed_at.is_(None)
        )

    async def remove(self, token_id: str, now: datetime) -> int:
        """Count every profile of the token as removed; how many there were."""
        table = self.table.c
        here = (table.token_id == token_id, table.removed_at.is_(None))
        return await self.change(*here, removed_at=now)

"""Requests for guarded actions."""

from datetime import datetime

from storage import tables
from storage.records import Request
from storage.rows import Rows
from storage.states import RequestState


class Requests(Rows[Request]):
    """The requests; at most one that is open for a token."""

    table = tables.request
    record = Request

    async def of_key(self, dedupe_key: str) -> Request | None:
        """The request that this submission made, if it came before."""
        return await self.one(self.table.c.dedupe_key == dedupe_key)

    async def in_state(self, state: RequestState) -> list[Request]:
        """Every request in that state, the oldest first."""
        table = self.table.c
        return await self.all(self.select(table.state == state).order_by(table.created_at))

    async def latest_of(self, token_id: str) -> Request | None:
        """The token's newest request."""
        table = self.table.c
        query = self.select(table.token_id == token_id).order_by(table.created_at.desc()).limit(1)
        return next(iter(await self.all(query)), None)

    async def move(
        self,
        request_id: str,
        was: RequestState,
        becomes: RequestState,
        *,
        ended_at: datetime | None,
    ) -> bool:
        """Compare and set the state; False if it was no longer `was`."""
        table = self.table.c
        still = (table.id == request_id, table.state == was)
        return await self.change(*still, state=becomes, ended_at=ended_at) == 1

    async def prolong(self, request_id: str, expires_at: datetime) -> None:
        """Give the request time until then."""
        await self.change(self.table.c.id == request_id, expires_at=expires_at)

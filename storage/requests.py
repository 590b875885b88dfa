"""Requests for guarded actions."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, select

from storage import tables
from storage.records import Request
from storage.rows import Rows
from storage.states import RenewalCause, RequestState, UploadState

UNDER_WAY = (
    RequestState.PENDING,
    RequestState.APPROVED,
    RequestState.AWAITING_UPLOAD,
    RequestState.VERIFYING,
)
WAITING = (RequestState.PENDING, RequestState.AWAITING_UPLOAD)
"""The states in which a request waits for people, and may run out of time."""
UNDECIDED = (UploadState.RECEIVED, UploadState.HELD)


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
        return (await self.latest([token_id])).get(token_id)

    async def latest(self, token_ids: Collection[str]) -> dict[str, Request]:
        """The newest request of each of these tokens, by the token's id."""
        found = await self.all(LATEST, groups=token_ids)
        return {request.token_id: request for request in found}

    async def move(
        self, request_id: str, was: RequestState, becomes: RequestState, **changes: object
    ) -> bool:
        """Compare and set the state, with other facts; False if it was no longer `was`."""
        table = self.table.c
        still = (table.id == request_id, table.state == was)
        return await self.change(*still, state=becomes, **changes) == 1

    async def begin(self, request: Request, **begun: object) -> bool:
        """Compare and set what it begins with before its approval; False if it has begun."""
        table = self.table.c
        still = (table.state == request.state, table.evidence.is_(None))
        return await self.change(table.id == request.id, *still, **begun) == 1

    async def amend(self, request: Request, **changes: object) -> bool:
        """Compare and set other facts of a request; False if its state is another by now."""
        table = self.table.c
        return (
            await self.change(table.id == request.id, table.state == request.state, **changes) == 1
        )

    async def claim_check(self, request: Request, next_at: datetime) -> bool:
        """Compare and set when its holder is asked next; False if another process was first."""
        table = self.table.c
        still = (table.check_due_at == request.check_due_at, table.state == request.state)
        return await self.change(table.id == request.id, *still, check_due_at=next_at) == 1

    async def claim_nag(self, request: Request, next_at: datetime) -> bool:
        """Compare and set when somebody is reminded next; False if another process was first."""
        table = self.table.c
        still = (table.nag_due_at == request.nag_due_at, table.state == request.state)
        return await self.change(table.id == request.id, *still, nag_due_at=next_at) == 1

    async def under_way(self, token_id: str) -> Request | None:
        """The token's only request that is not over yet."""
        table = self.table.c
        return await self.one(table.token_id == token_id, table.state.in_(UNDER_WAY))

    async def out_of_time(self, now: datetime) -> list[Request]:
        """Those that nobody decided on or brought anything for in time.

        One for which something was brought that has no outcome yet is not among them: its person
        has done their part.
        """
        table, upload = self.table.c, tables.upload.c
        brought = select(upload.id).where(
            upload.request_id == table.id, upload.state.in_(UNDECIDED)
        )
        query = self.select(table.state.in_(WAITING), table.expires_at <= now, ~brought.exists())
        return await self.all(query.order_by(table.expires_at))

    async def to_begin(self) -> list[Request]:
        """Those that are to be prepared, the oldest first.

        They are approved, or their token was downloaded already, so that the approval is not
        waited for.
        """
        table = self.table.c
        downloaded = (
            (table.state == RequestState.PENDING)
            & (table.cause == RenewalCause.ALREADY_DOWNLOADED)
            & table.evidence.is_(None)
        )
        when = (table.state == RequestState.APPROVED) | downloaded
        return await self.all(self.select(when).order_by(table.created_at))

    async def to_nag(self, now: datetime) -> list[Request]:
        """Those of which somebody is to be reminded."""
        return await self._due(self.table.c.nag_due_at <= now)

    async def to_check(self, now: datetime) -> list[Request]:
        """Renewals under way of which the holder is to be asked."""
        return await self._due(self.table.c.check_due_at <= now)

    async def _due(self, when: ColumnElement[bool]) -> list[Request]:
        table = self.table.c
        query = self.select(table.state.in_(UNDER_WAY), when)
        return await self.all(query.order_by(table.created_at))


LATEST = Requests.newest_of_each(tables.request.c.token_id, by=tables.request.c.created_at)
"""Of each token its newest request."""

"""Clicks on Approve and Decline."""

from sqlalchemy import select

from storage import tables
from storage.records import Decision
from storage.rows import Rows
from storage.states import DecisionState


class Decisions(Rows[Decision]):
    """The decisions; at most one that counted for a person and a request."""

    table = tables.decision
    record = Decision

    async def of_key(self, dedupe_key: str) -> Decision | None:
        """The decision that this click made, if it came before."""
        return await self.one(self.table.c.dedupe_key == dedupe_key)

    async def recorded(self) -> list[Decision]:
        """Those that have had no effect yet, the oldest first."""
        table = self.table.c
        query = self.select(table.state == DecisionState.RECORDED)
        return await self.all(query.order_by(table.recorded_at))

    async def counted(self, request_id: str) -> list[Decision]:
        """Those that had their effect on the request, the oldest first."""
        table = self.table.c
        query = self.select(table.request_id == request_id, table.state == DecisionState.COUNTED)
        return await self.all(query.order_by(table.recorded_at))

    async def of_request(self, request_id: str) -> list[Decision]:
        """Every click on the request, the oldest first."""
        table = self.table.c
        query = self.select(table.request_id == request_id)
        return await self.all(query.order_by(table.recorded_at))

    async def counted_under_way(self) -> list[Decision]:
        """Those that counted on requests that are not over yet, the oldest first."""
        table, request = self.table.c, tables.request.c
        open_ids = select(request.id).where(request.ended_at.is_(None))
        query = self.select(table.request_id.in_(open_ids), table.state == DecisionState.COUNTED)
        return await self.all(query.order_by(table.recorded_at))

    async def finish(
        self, decision_id: str, state: DecisionState, refusal: str | None = None
    ) -> bool:
        """Compare and set: give a recorded decision its outcome; False if it has one already."""
        table = self.table.c
        still = table.state == DecisionState.RECORDED
        return await self.change(table.id == decision_id, still, state=state, refusal=refusal) == 1

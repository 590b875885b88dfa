"""What is begun at Intune for requests, one row for each token."""

from datetime import datetime

from storage import intune_tables, tables
from storage.intune_records import IntuneStep
from storage.rows import Rows
from storage.states import TokenState

WAITING = (TokenState.REQUESTED, TokenState.AWAITING_TOKEN)


class IntuneSteps(Rows[IntuneStep]):
    """The steps; each stays until its token's next request."""

    table = intune_tables.intune_step
    record = IntuneStep

    async def of(self, token_id: str) -> IntuneStep | None:
        """The token's step, if one was begun."""
        return await self.one(self.table.c.token_id == token_id)

    async def claim(self, step: IntuneStep, until: datetime) -> bool:
        """Compare and set: begin with it; False if another worker does."""
        table = self.table.c
        still = table.lease_until.is_not_distinct_from(step.lease_until)
        return await self.change(table.token_id == step.token_id, still, lease_until=until) == 1

    async def put(self, step: IntuneStep) -> None:
        """Begin anew: what an earlier request of the token left is replaced."""
        await self.connection.execute(
            self.table.delete().where(self.table.c.token_id == step.token_id)
        )
        await self.add(step)

    async def amend(self, token_id: str, **changes: object) -> None:
        """Keep other facts of the step."""
        await self.change(self.table.c.token_id == token_id, **changes)

    async def creating(self) -> list[IntuneStep]:
        """The steps of tokens that have not come into use: each waits for an entry of its own."""
        return await self._of_tokens(*WAITING)

    async def to_take_back(self, now: datetime) -> list[IntuneStep]:
        """Those whose entry, made by us, nobody needs any more, and whose time has come.

        One that a worker is at may get its entry any moment: it is left until that is over.
        """
        return [one for one in await self._unneeded() if _free_at(one) <= now]

    async def next_take_back(self) -> datetime | None:
        """When the next of them is due."""
        return min((_free_at(one) for one in await self._unneeded()), default=None)

    async def _unneeded(self) -> list[IntuneStep]:
        table, token = self.table.c, tables.token.c
        over = table.unneeded | (token.state == TokenState.CANCELLED)
        query = self.select(table.token_id == token.id, table.made, over)
        return await self.all(query.order_by(table.due_at))

    async def _of_tokens(self, *states: TokenState) -> list[IntuneStep]:
        token = tables.token.c
        query = self.select(self.table.c.token_id == token.id, token.state.in_(states))
        return await self.all(query)


def _free_at(step: IntuneStep) -> datetime:
    return max(step.due_at, step.lease_until or step.due_at)

"""Questions about full lists that lack a large part of a token's devices."""

from datetime import datetime

from storage import sync_tables
from storage.rows import Rows
from storage.states import LossState
from storage.sync_records import LossQuestion


class LossQuestions(Rows[LossQuestion]):
    """The questions; one at most is open for a token."""

    table = sync_tables.loss_question
    record = LossQuestion

    async def open_of(self, token_id: str) -> LossQuestion | None:
        """The token's question that nobody has answered."""
        table = self.table.c
        return await self.one(table.token_id == token_id, table.state == LossState.OPEN)

    async def of_run(self, run_id: str) -> LossQuestion | None:
        """The question that the run raised."""
        return await self.one(self.table.c.run_id == run_id)

    async def answer(
        self,
        question_id: str,
        state: LossState,
        *,
        at: datetime,
        by: str | None = None,
        removed: int = 0,
    ) -> bool:
        """Compare and set: close the open question; False if it is answered already."""
        table = self.table.c
        still = table.state == LossState.OPEN
        changes = {"state": state, "answered_at": at, "answered_by": by, "removed": removed}
        return await self.change(table.id == question_id, still, **changes) == 1

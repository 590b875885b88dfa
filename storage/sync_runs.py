"""Runs through a token's devices."""

from datetime import datetime

from storage import tables
from storage.records import SyncRun
from storage.rows import Rows
from storage.states import SyncState


class SyncRuns(Rows[SyncRun]):
    """The runs; at most one is under way for a token, over all processes."""

    table = tables.sync_run
    record = SyncRun

    async def running(self, token_id: str) -> SyncRun | None:
        """The run under way for the token, dead or alive."""
        table = self.table.c
        return await self.one(table.token_id == token_id, table.state == SyncState.RUNNING)

    async def last_ended(self, token_id: str) -> SyncRun | None:
        """The token's newest run that is over."""
        table = self.table.c
        query = self.select(table.token_id == token_id, table.state != SyncState.RUNNING)
        query = query.order_by(table.started_at.desc()).limit(1)
        return next(iter(await self.all(query)), None)

    async def failures_in_a_row(self, token_id: str) -> int:
        """How many runs have failed since the last that was completed, ten at most."""
        table = self.table.c
        query = self.select(table.token_id == token_id, table.state != SyncState.RUNNING)
        newest = await self.all(query.order_by(table.started_at.desc()).limit(10))
        states = [run.state for run in newest] + [SyncState.COMPLETED]
        return states.index(SyncState.COMPLETED)

    async def advance(self, run: SyncRun) -> bool:
        """Keep the run's cursor, counts and lease; False if it is no longer running."""
        table = self.table.c
        changed = await self.change(
            table.id == run.id,
            table.state == SyncState.RUNNING,
            cursor=run.cursor,
            pages=run.pages,
            seen=run.seen,
            added=run.added,
            changed=run.changed,
            lease_until=run.lease_until,
        )
        return changed == 1

    async def finish(
        self,
        run_id: str,
        state: SyncState,
        *,
        ended_at: datetime,
        removed: int = 0,
        error: str | None = None,
    ) -> bool:
        """Compare and set: end a running run; False if it is over already."""
        table = self.table.c
        changes = {"state": state, "ended_at": ended_at, "removed": removed, "error": error}
        still = table.state == SyncState.RUNNING
        return await self.change(table.id == run_id, still, **changes) == 1

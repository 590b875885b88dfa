"""Runs through a token's devices."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_, select

from storage import sync_tables
from storage.records import SyncRun
from storage.rows import Rows
from storage.states import SyncState

OPEN = (SyncState.WAITING, SyncState.RUNNING)


class SyncRuns(Rows[SyncRun]):
    """The runs; at most one is open for a token, over all processes.

    A process holds a run by its lease. Each that takes it over raises the fence, so that one which
    was paused for longer than its lease can change nothing more.
    """

    table = sync_tables.sync_run
    record = SyncRun

    async def open_of(self, token_id: str) -> SyncRun | None:
        """The token's run that is under way or waits, its process dead or alive."""
        table = self.table.c
        return await self.one(table.token_id == token_id, table.state.in_(OPEN))

    async def running(self, token_id: str) -> SyncRun | None:
        """The token's run that a process holds, dead or alive."""
        table = self.table.c
        return await self.one(table.token_id == token_id, table.state == SyncState.RUNNING)

    async def last_ended(self, token_id: str) -> SyncRun | None:
        """The token's newest run that is over."""
        return (await self.last_ended_of([token_id])).get(token_id)

    async def last_ended_of(self, token_ids: Collection[str]) -> dict[str, SyncRun]:
        """The newest run that is over of each of these tokens, by the token's id."""
        found = await self.all(LAST_ENDED, groups=token_ids)
        return {run.token_id: run for run in found}

    async def failures_in_a_row(self, token_id: str) -> int:
        """How many runs have failed since the last that did not, ten at most."""
        table = self.table.c
        query = self.select(table.token_id == token_id, table.state.not_in(OPEN))
        newest = await self.all(query.order_by(table.started_at.desc()).limit(10))
        failed = [run.state is SyncState.FAILED for run in newest]
        return [*failed, False].index(False)

    async def due(self, now: datetime) -> list[SyncRun]:
        """Runs whose time has come, and runs whose process is gone, the oldest first."""
        table = self.table.c
        waits = (table.state == SyncState.WAITING) & (table.due_at <= now)
        left = (table.state == SyncState.RUNNING) & (table.lease_until <= now)
        return await self.all(self.select(or_(waits, left)).order_by(table.started_at))

    async def next_at(self) -> datetime | None:
        """When the next waiting run is due, or a running one's lease ends."""
        table = self.table.c
        due = select(func.min(table.due_at)).where(table.state == SyncState.WAITING)
        lease = select(func.min(table.lease_until)).where(table.state == SyncState.RUNNING)
        found = [(await self.connection.execute(query)).scalar() for query in (due, lease)]
        return min((at for at in found if at is not None), default=None)

    async def take(self, run: SyncRun, becomes: SyncRun) -> bool:
        """Compare and set: hold an open run; False if another process was first."""
        table = self.table.c
        unchanged = (table.state == run.state, table.fence == run.fence)
        return await self.change(table.id == run.id, *unchanged, **self.values(becomes)) == 1

    async def advance(self, run: SyncRun) -> bool:
        """Keep what the run has come to; False if this process does not hold it any more."""
        return await self._held(run, **self.values(run))

    async def beat(self, run: SyncRun, lease_until: datetime) -> bool:
        """Keep the lease alive; False if this process does not hold the run any more."""
        return await self._held(run, lease_until=lease_until)

    async def release(self, run: SyncRun, due_at: datetime) -> bool:
        """Let another process go on with the run, as far as it is stored."""
        return await self._held(run, state=SyncState.WAITING, due_at=due_at)

    async def interrupt(self, token_id: str, due_at: datetime) -> None:
        """Take the token's open run from whoever holds it: that process stores nothing more."""
        table = self.table.c
        await self.change(
            table.token_id == token_id,
            table.state.in_(OPEN),
            state=SyncState.WAITING,
            fence=table.fence + 1,
            due_at=due_at,
        )

    async def wish(self, run: SyncRun, asked_by: str, due_at: datetime) -> SyncRun:
        """Make a run of the schedule that person's own: it begins anew, as a wish does."""
        table = self.table.c
        await self.change(
            table.id == run.id,
            table.state.in_(OPEN),
            state=SyncState.WAITING,
            asked_by=asked_by,
            fence=table.fence + 1,
            due_at=run.due_at or due_at,
        )
        return await self.get(run.id) or run

    async def _held(self, run: SyncRun, **changes: object) -> bool:
        table = self.table.c
        held = (table.state == SyncState.RUNNING, table.fence == run.fence)
        return await self.change(table.id == run.id, *held, **changes) == 1


LAST_ENDED = SyncRuns.newest_of_each(
    sync_tables.sync_run.c.token_id,
    sync_tables.sync_run.c.state.not_in(OPEN),
    by=sync_tables.sync_run.c.started_at,
)
"""Of each token its newest run that is over."""

"""Who runs what: a process takes a run by compare-and-set, and holds it by its lease."""

from dataclasses import replace
from datetime import datetime

from services.clock import machine_now
from services.programs import SyncStart
from services.sync_plan import NOT_IN_USE, SCHEDULE, carried_on, new_run, plan, why_stopped
from services.sync_run import HeldRun, SyncDesk
from storage.database import Transaction
from storage.records import SyncRun, Token
from storage.states import SyncState

CRASHES = 5
"""Processes in a row that may end before the next page: more, and the page itself is at fault."""
CRASHED = (
    "The process that ran it ended several times at the same place. Ask your admin to look at the "
    "app's log."
)


class Claims:
    """Takes runs for this process."""

    def __init__(self, desk: SyncDesk) -> None:
        self.desk = desk

    async def due(self, at_most: int, busy: frozenset[str]) -> list[HeldRun]:
        """Take what is due, that many at most, but for tokens that this process is busy with."""
        held: list[HeldRun] = []
        async with self.desk.database.read() as tx:
            runs = await tx.sync_runs.due(machine_now())
            tokens = await tx.tokens.due_for_sync(
                self.desk.clock.now(), machine_now(), at_most + len(busy)
            )
        for run in runs:
            if len(held) < at_most and run.token_id not in busy:
                held += [taken] if (taken := await self.waiting(run)) else []
        for token in tokens:
            if len(held) < at_most and token.id not in busy:
                held += [begun] if (begun := await self.scheduled(token)) else []
        return held

    async def scheduled(self, token: Token) -> HeldRun | None:
        """Begin the token's run, if it still is due."""
        async with self.desk.database.write(quiet=True) as tx:
            fresh = await tx.tokens.get(token.id)
            if fresh is None or not self._is_due(fresh):
                return None
            return await self.begin(tx, fresh, SCHEDULE)

    async def begin(self, tx: Transaction, token: Token, asked_by: str) -> HeldRun | None:
        """Begin a run at once, in this process; None if one is open."""
        if await tx.sync_runs.open_of(token.id) is not None:
            return None
        start, place = plan(await tx.sync_places.of(token.id), token.id, self.desk.clock.now())
        now = machine_now()
        run = new_run(token.id, asked_by, now=self.desk.clock.now(), due_at=now)
        start = _for(run, start)
        run = carried_on(run, await tx.sync_runs.last_ended(token.id), start)
        run = self._running(run, start, now)
        await tx.sync_runs.add(run)
        await tx.sync_places.keep(place)
        return HeldRun(self.desk, run, token=token, start=start, place=place)

    async def waiting(self, run: SyncRun) -> HeldRun | None:
        """Take a run that waits, or that a dead process held, where it stands."""
        async with self.desk.database.write() as tx:
            token = await tx.tokens.get(run.token_id)
            why = why_stopped(token)
            if token is None or why is not None:
                await self._end(tx, run, why or NOT_IN_USE)
                return None
            if run.state is SyncState.RUNNING and run.tries >= CRASHES:
                await self._end(tx, run, CRASHED)
                await self._put_back(tx, token)
                return None
            return await self._go_on(tx, run, token)

    async def _go_on(self, tx: Transaction, run: SyncRun, token: Token) -> HeldRun | None:
        place = await tx.sync_places.of(token.id)
        start, place = plan(place, token.id, self.desk.clock.now())
        start = _for(run, start)
        becomes = replace(run, tries=run.tries + (run.state is SyncState.RUNNING))
        if start.cursor is None:
            becomes = replace(becomes, pages=0, seen=0, failed=0, released=0)
        if run.kind is None:
            becomes = carried_on(becomes, await tx.sync_runs.last_ended(token.id), start)
        becomes = self._running(becomes, start, machine_now())
        if not await tx.sync_runs.take(run, becomes):
            return None
        await tx.sync_places.keep(place)
        return HeldRun(self.desk, becomes, token=token, start=start, place=place)

    async def _end(self, tx: Transaction, run: SyncRun, why: str) -> None:
        now = self.desk.clock.now()
        ended = replace(run, state=SyncState.FAILED, error=why, ended_at=now)
        if await tx.sync_runs.take(run, ended):
            await self.desk.notices.sync_progress(tx, ended)

    async def _put_back(self, tx: Transaction, token: Token) -> None:
        failures = await tx.sync_runs.failures_in_a_row(token.id) - 1
        pause = self.desk.rhythm.after_failures(max(0, failures))
        await tx.tokens.sync_again(token.id, due_at=self.desk.clock.now() + pause)
        run = await tx.sync_runs.last_ended(token.id)
        if run is not None and failures <= 0:
            await self.desk.notices.sync_result(tx, run)

    def _running(self, run: SyncRun, start: SyncStart, now: datetime) -> SyncRun:
        return replace(
            run,
            state=SyncState.RUNNING,
            kind=start.kind,
            error=None,
            fence=run.fence + 1,
            due_at=None,
            lease_until=now + self.desk.rhythm.lease,
        )

    def _is_due(self, token: Token) -> bool:
        due_at = token.sync_due_at
        begins = why_stopped(token) is None
        return begins and due_at is not None and due_at <= self.desk.clock.now()


def _for(run: SyncRun, start: SyncStart) -> SyncStart:
    """The start as this run makes it: whether a person waits for it, and how far the holder is."""
    return replace(start, wish=run.asked_by != SCHEDULE, awaits_after=run.awaits_after)

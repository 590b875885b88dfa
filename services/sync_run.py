"""One run that this process holds: its pages, its end, its failures."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from services.clock import Clock, machine_now
from services.errors import UpstreamError
from services.losses import Losses
from services.notices import Notices
from services.programs import DevicePage, HolderSyncs, SyncEnd, SyncStart
from services.sync_plan import NOT_IN_USE, SCHEDULE, Rhythm, from_the_start, why_stopped
from storage.database import Database, DatabaseBusy, Transaction
from storage.devices import PageChanges, Stamp
from storage.records import SyncRun, Token
from storage.states import SyncKind, SyncState
from storage.sync_records import SyncPlace

log = logging.getLogger(__name__)

BUSY_TRIES = 12
BUSY_PAUSE = 0.5
"""Beside the wait within a write: together they outlast a database that is locked for 15 s."""

ENDS = {
    SyncEnd.COMPLETE: SyncState.COMPLETED,
    SyncEnd.CHANGES: SyncState.COMPLETED,
    SyncEnd.NOT_OURS: SyncState.NOT_OURS,
}


class SyncLost(Exception):
    """Another process has taken the run over, or its token was renewed or taken out of use."""


class SyncStopped(SyncLost):
    """The run's token may not be synced any more; the text says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDesk:
    """What every run works with."""

    database: Database
    notices: Notices
    losses: Losses
    clock: Clock
    rhythm: Rhythm


class HeldRun:
    """A run as its pages come in. What it counts is what is stored, never more."""

    def __init__(
        self, desk: SyncDesk, run: SyncRun, *, token: Token, start: SyncStart, place: SyncPlace
    ) -> None:
        self.desk = desk
        self.run = run
        self.token = token
        self.start = start
        self.place = place
        self.restarted = False
        self._told_at = machine_now()

    async def keep(self, page: DevicePage) -> None:
        """Store a page, its cursor and the counts in one transaction. Raises SyncLost.

        A token that is not in use any more, or whose devices were removed here meanwhile, gets no
        page more.
        """
        for _ in range(BUSY_TRIES):
            with suppress(DatabaseBusy):
                return await self._store(page)
            await asyncio.sleep(BUSY_PAUSE)
        return await self._store(page)

    async def restart(self) -> None:
        """List everything from the start: the holder has forgotten the cursor."""
        place = from_the_start(self.place, self.token.id)
        run = replace(self.run, kind=SyncKind.FULL, pages=0, seen=0, failed=0, released=0)
        async with self.desk.database.write(quiet=True) as tx:
            await self._advance(tx, run)
            await tx.sync_places.keep(place)
        self.run, self.place, self.restarted = run, place, True
        self.start = replace(self.start, kind=SyncKind.FULL, cursor=None)

    async def complete(self, end: SyncEnd) -> None:
        """The list came to its end: what it lacks is gone, and the next sync is due."""
        now = self.desk.clock.now()
        due_at = self.desk.rhythm.next_due(now)
        ended = replace(self.run, state=ENDS[end], error=None, ended_at=now)
        async with self.desk.database.write() as tx:
            token = await self._check_in_use(tx)
            if end is SyncEnd.COMPLETE:
                removed = await self.desk.losses.settle(tx, ended, self.place)
                ended = replace(ended, removed=ended.removed + removed)
                await tx.sync_places.keep(replace(self.place, unfinished=False, listed_at=now))
            await self._advance(tx, ended)
            if ended.state is SyncState.COMPLETED:
                await tx.tokens.synced(token.id, at=now, due_at=due_at)
                if await _tells(tx, token, ended):
                    await self.desk.notices.sync_result(tx, ended)
            else:
                # The holder syncs by itself: what came of it is read later, not known now.
                await tx.tokens.sync_again(token.id, due_at=due_at)
            await self.desk.notices.sync_progress(tx, ended)
        self.run = ended

    async def wait_for_holder(self, busy: HolderSyncs) -> None:
        """The holder syncs by itself: look again soon, and give up when it takes too long."""
        if self.desk.clock.now() - self.run.started_at > busy.patience:
            await self.fail(busy.gives_up)
            return
        first = self.run.awaits_after is None
        waits = replace(
            self.run,
            state=SyncState.WAITING,
            awaits_after=busy.after,
            note=busy.note or self.run.note,
            error=None,
            due_at=machine_now() + (self.desk.rhythm.holder_first if first else self._next_look()),
        )
        async with self.desk.database.write() as tx:
            await self._check_in_use(tx)
            await self._advance(tx, waits)
            if first:
                await self.desk.notices.sync_progress(tx, waits)
        self.run = waits

    def _next_look(self) -> timedelta:
        """The longer it takes, the less often we look: a look is a call of a shared budget."""
        return min(self.desk.rhythm.holder_first * self.run.fence, self.desk.rhythm.holder_longest)

    async def put_off(self, error: UpstreamError) -> None:
        """Wait, as long as the holder asks us to; too many failures in a row end the run."""
        pauses = self.desk.rhythm.pauses
        asked = timedelta(seconds=error.retry_after_seconds or 0)
        if self.run.tries >= len(pauses):
            await self.fail(error.user_message, wait=asked)
            return
        due_at = machine_now() + max(pauses[self.run.tries], asked)
        waits = replace(
            self.run,
            state=SyncState.WAITING,
            tries=self.run.tries + 1,
            error=error.user_message,
            due_at=due_at,
        )
        async with self.desk.database.write() as tx:
            await self._check_in_use(tx)
            await self._advance(tx, waits)
            await self._keep_wish(tx, asked)
            await self.desk.notices.sync_progress(tx, waits)
        self.run = waits

    async def fail(
        self, why: str, *, wait: timedelta = timedelta(), from_start: bool = False
    ) -> None:
        """End the run; what is stored stays. Said once, until a run comes to its end."""
        now = self.desk.clock.now()
        ended = replace(self.run, state=SyncState.FAILED, error=why, ended_at=now)
        async with self.desk.database.write() as tx:
            await self._check_in_use(tx)
            failures = await tx.sync_runs.failures_in_a_row(self.token.id)
            await self._advance(tx, ended)
            await self._keep_wish(tx, wait)
            if from_start:
                await tx.sync_places.forget(self.token.id)
            pause = max(self.desk.rhythm.after_failures(failures), wait)
            await tx.tokens.sync_again(self.token.id, due_at=now + pause)
            if failures == 0:
                await self.desk.notices.sync_result(tx, ended)
            await self.desk.notices.sync_progress(tx, ended)
        self.run = ended

    async def stop(self, why: str) -> None:
        """End the run of a token that is not synced any more; only who asked for it is told."""
        ended = replace(self.run, state=SyncState.FAILED, error=why, ended_at=self.desk.clock.now())
        async with self.desk.database.write() as tx:
            await self._advance(tx, ended)
            await self.desk.notices.sync_progress(tx, ended)
        self.run = ended

    async def release(self) -> None:
        """Leave the run to whoever comes next, at once."""
        async with self.desk.database.write(quiet=True) as tx:
            await tx.sync_runs.release(self.run, machine_now())

    async def beat(self) -> None:
        """Keep the lease alive for as long as this runs."""
        lease = self.desk.rhythm.lease
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            with suppress(DatabaseBusy):
                async with self.desk.database.write(quiet=True) as tx:
                    if not await tx.sync_runs.beat(self.run, machine_now() + lease):
                        return

    async def _store(self, page: DevicePage) -> None:
        now, tell = self.desk.clock.now(), self._may_tell()
        place = replace(self.place, cursor=page.cursor, cursor_at=now)
        stamp = Stamp(
            token_id=self.token.id, run_id=self.run.id, generation=place.generation, now=now
        )
        async with self.desk.database.write(quiet=not tell) as tx:
            await self._check_in_use(tx)
            changes = await tx.devices.store(stamp, page.devices, page.gone)
            run = self._counted(page, changes)
            await self._advance(tx, run)
            await tx.sync_places.keep(place)
            if tell:
                await self.desk.notices.sync_progress(tx, run)
        self.run, self.place = run, place
        if tell:
            self._told_at = machine_now()

    def _counted(self, page: DevicePage, changes: PageChanges) -> SyncRun:
        run = self.run
        return replace(
            run,
            pages=run.pages + 1,
            seen=run.seen + len(page.devices) + len(page.gone),
            added=run.added + changes.added,
            changed=run.changed + changes.changed,
            removed=run.removed + changes.removed,
            failed=run.failed + page.failed,
            released=run.released + page.released,
            # Without a cursor the next try begins at the start again: nothing was gained.
            tries=run.tries if page.cursor is None else 0,
            lease_until=machine_now() + self.desk.rhythm.lease,
        )

    def _may_tell(self) -> bool:
        return machine_now() - self._told_at >= self.desk.rhythm.progress_every

    async def _check_in_use(self, tx: Transaction) -> Token:
        token = await tx.tokens.get(self.token.id)
        why = why_stopped(token)
        if token is None or why is not None:
            raise SyncStopped(why or NOT_IN_USE)
        return token

    async def _advance(self, tx: Transaction, run: SyncRun) -> None:
        if not await tx.sync_runs.advance(run):
            raise SyncLost

    async def _keep_wish(self, tx: Transaction, wait: timedelta) -> None:
        if wait:
            until = machine_now() + wait
            await tx.sync_places.keep(replace(self.place, wait_until=until))


async def _tells(tx: Transaction, token: Token, run: SyncRun) -> bool:
    """Whether the channel wants to know of it: what changed, and each first sync.

    But not the first of a token that was found at its holder: nobody here waits for it, and there
    may be hundreds.
    """
    if token.last_synced_at is None:
        found = token.holder_id is not None and await tx.requests.latest_of(token.id) is None
        return not found or run.asked_by != SCHEDULE
    return bool(run.added or run.changed or run.removed or run.failed)

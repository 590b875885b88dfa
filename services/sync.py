"""Sync: the devices that the holder lists, stored page by page with the cursor."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from services.clock import Clock, machine_now
from services.errors import ServiceError, UpstreamError
from services.notices import Notices
from services.programs import DevicePage, Program, SyncEnd
from storage.database import Database, Transaction
from storage.records import SyncRun, Token, new_id
from storage.states import ProgramName, SyncState

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
"""Longer than a page takes, so that a dead process's run is taken over soon."""
RETRY = timedelta(minutes=15)
SCHEDULE = "schedule"
LARGEST_LOSS = 0.2
FEW = 20


class SyncLost(ServiceError):
    """The run's lease ended, and another process has taken the token over."""

    def __init__(self) -> None:
        super().__init__(
            "the run is no longer ours",
            user_message="Another process took this sync over. Its result follows.",
        )


class LargeLoss(ServiceError):
    """A complete list lacks so many devices that a person has to look at it."""

    def __init__(self, unseen: int, known: int) -> None:
        super().__init__(
            f"{unseen} of {known} devices are missing from the list",
            user_message=f"{unseen:,} of {known:,} devices are missing from the list, which is "
            "more than a fifth. Nothing was marked as removed. If they were moved on purpose, tell "
            "your admin; if not, look at the server's assignments at the portal.",
        )


class Sync:
    """Runs through tokens' devices, one run a token at a time over all processes."""

    def __init__(
        self,
        *,
        database: Database,
        programs: Mapping[ProgramName, Program],
        notices: Notices,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self.database = database
        self.programs = programs
        self.notices = notices
        self.clock = clock
        self.every = every

    async def run_due(self) -> None:
        """Sync every active token whose time has come."""
        async with self.database.read() as tx:
            due = await tx.tokens.due_for_sync(self.clock.now())
        for token in due:
            await self._run(token)

    async def _run(self, token: Token) -> None:
        run = await self._start(token)
        if run is None:
            return
        pages = _Pages(self, run)
        try:
            end = await self.programs[token.program].sync(token, pages.keep)
            await self._complete(token, pages.run, end)
        except SyncLost:
            log.warning("sync_lost", extra={"token_id": token.id})
        except (ServiceError, UpstreamError) as error:
            log.warning("sync_failed", extra={"token_id": token.id, "error": str(error)})
            await self._fail(token, pages.run, error.user_message)

    async def _start(self, token: Token) -> SyncRun | None:
        run = SyncRun(
            id=new_id(),
            token_id=token.id,
            state=SyncState.RUNNING,
            asked_by=SCHEDULE,
            cursor=None,
            pages=0,
            seen=0,
            added=0,
            changed=0,
            removed=0,
            error=None,
            lease_until=machine_now() + LEASE,
            started_at=self.clock.now(),
            ended_at=None,
        )
        async with self.database.write() as tx:
            other = await tx.sync_runs.running(token.id)
            if other is not None and other.lease_until > machine_now():
                return None
            if other is not None:
                # Its process died: the fetch begins anew, what it stored is stored again.
                text = "The process that ran it ended. It was started anew."
                await tx.sync_runs.finish(
                    other.id, SyncState.FAILED, ended_at=self.clock.now(), error=text
                )
            await tx.sync_runs.add(run)
        return run

    async def keep_page(self, run: SyncRun, page: DevicePage) -> SyncRun:
        """Store a page, its cursor and the run's counts in one transaction."""
        async with self.database.write(quiet=True) as tx:
            changes = await tx.devices.store(run.token_id, run.id, page.devices)
            stored = replace(
                run,
                cursor=page.cursor,
                pages=run.pages + 1,
                seen=run.seen + len(page.devices),
                added=run.added + changes.added,
                changed=run.changed + changes.changed,
                lease_until=machine_now() + LEASE,
            )
            if not await tx.sync_runs.advance(stored):
                raise SyncLost
        return stored

    async def _complete(self, token: Token, run: SyncRun, end: SyncEnd) -> None:
        now = self.clock.now()
        async with self.database.write() as tx:
            listed = end is SyncEnd.COMPLETE
            removed = await self._remove_unseen(tx, run) if listed else 0
            done = SyncState.COMPLETED
            if not await tx.sync_runs.finish(run.id, done, ended_at=now, removed=removed):
                raise SyncLost
            if not listed:
                # The holder syncs by itself: what came of it is read later, not known now.
                await tx.tokens.sync_again(token.id, due_at=now + self.every)
                return
            await tx.tokens.synced(token.id, at=now, due_at=now + self.every)
            first = token.last_synced_at is None
            if first or run.added or run.changed or removed:
                await self.notices.sync_result(tx, run)

    async def _remove_unseen(self, tx: Transaction, run: SyncRun) -> int:
        unseen = await tx.devices.count_unseen(run.token_id, run.id)
        known = await tx.devices.count(run.token_id)
        if unseen > FEW and unseen > known * LARGEST_LOSS:
            raise LargeLoss(unseen, known)
        return await tx.devices.remove_unseen(run.token_id, run.id, self.clock.now())

    async def _fail(self, token: Token, run: SyncRun, why: str) -> None:
        now = self.clock.now()
        async with self.database.write() as tx:
            failures = await tx.sync_runs.failures_in_a_row(token.id)
            if not await tx.sync_runs.finish(run.id, SyncState.FAILED, ended_at=now, error=why):
                return
            pause = min(RETRY * 2**failures, self.every)
            await tx.tokens.sync_again(token.id, due_at=now + pause)
            if failures == 0:
                # Said once; the tries that follow are said when one succeeds.
                await self.notices.sync_result(tx, run)


class _Pages:
    """The run as its pages come in."""

    def __init__(self, sync: Sync, run: SyncRun) -> None:
        self.sync = sync
        self.run = run

    async def keep(self, page: DevicePage) -> None:
        self.run = await self.sync.keep_page(self.run, page)

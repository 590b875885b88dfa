"""Sync: the devices that the holder lists, stored page by page with the cursor."""

import asyncio
import logging
from collections.abc import Mapping

from services.audit import AuditLog
from services.clock import machine_now
from services.errors import Refused, ServiceError, UpstreamError
from services.phrases import quoted
from services.programs import CursorLost, HolderSyncs, ListAstray, Program, SyncEnd
from services.sync_asks import Ask, accept, check_in_use
from services.sync_claims import Claims
from services.sync_run import HeldRun, SyncDesk, SyncLost, SyncStopped
from storage.database import Transaction
from storage.records import SyncRun, Token
from storage.states import ProgramName, SyncState

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Tokens that one process syncs at once: one that is slow must not keep the others waiting."""
FORGOTTEN = (
    "The holder forgot twice how far its list of devices was read. Nothing was marked as removed. "
    "Try again in a few minutes."
)


class Sync:
    """Runs through tokens' devices, one run a token at a time over all processes."""

    def __init__(
        self, desk: SyncDesk, *, programs: Mapping[ProgramName, Program], audit: AuditLog
    ) -> None:
        self.desk = desk
        self.programs = programs
        self.audit = audit
        self.claims = Claims(desk)

    async def run_due(self) -> float | None:
        """Run every sync whose time has come; in how many seconds one that waits will be due."""
        tasks: dict[asyncio.Task[None], str] = {}
        faults: list[BaseException] = []
        try:
            while True:
                for held in await self.claims.due(AT_ONCE - len(tasks), frozenset(tasks.values())):
                    tasks[asyncio.create_task(self._run(held))] = held.token.id
                if not tasks:
                    break
                # Others may come due meanwhile: asked for by a person, or left by a dead process.
                look = self.desk.rhythm.look_every.total_seconds()
                first = asyncio.FIRST_COMPLETED
                done, _ = await asyncio.wait(tasks, timeout=look, return_when=first)
                for task in done:
                    del tasks[task]
                    faults += [fault] if (fault := task.exception()) else []
        finally:
            await _stop(list(tasks))
        # One token's fault must not end the others; it is raised when all have had their run.
        for fault in faults:
            raise fault
        return await self._next_in()

    async def run_now(self, token: Token, asked_by: str, *, full: bool = False) -> SyncRun:
        """Run the token's sync to its end in this process; the run as it ended.

        Raises Refused if one is open or the token is not in use, SyncLost if another process took
        it over.
        """
        now = self.desk.clock.now()
        ask = Ask(asked_by=asked_by, asked_at=now, origin="command line", full=full)
        async with self.desk.database.write() as tx:
            fresh = await tx.tokens.get(token.id) or token
            check_in_use(fresh)
            await accept(tx, self.audit, fresh, ask)
            held = await self.claims.begin(tx, fresh, asked_by)
            if held is None:
                raise await _under_way(tx, fresh)
        while True:
            await self._run(held)
            if held.run.state is SyncState.RUNNING:
                raise SyncLost
            if held.run.state is not SyncState.WAITING:
                return held.run
            held = await self._again(held)

    async def _again(self, held: HeldRun) -> HeldRun:
        due_at = held.run.due_at or machine_now()
        await asyncio.sleep(max(0.0, (due_at - machine_now()).total_seconds()))
        taken = await self.claims.waiting(held.run)
        if taken is None:
            raise SyncLost
        return taken

    async def _run(self, held: HeldRun) -> None:
        beat = asyncio.create_task(held.beat())
        try:
            await self._list_or_stop(held)
        except SyncLost:
            log.warning("sync_lost", extra={"token_id": held.token.id, "run_id": held.run.id})
        except asyncio.CancelledError:
            await asyncio.shield(held.release())
            raise
        finally:
            await _stop([beat])

    async def _list_or_stop(self, held: HeldRun) -> None:
        try:
            await self._list(held)
        except SyncStopped as stopped:
            await held.stop(str(stopped))

    async def _list(self, held: HeldRun) -> None:
        fields = {"token_id": held.token.id, "run_id": held.run.id}
        try:
            end = await self._read(held)
        except HolderSyncs as busy:
            await held.wait_for_holder(busy)
        except CursorLost as error:
            log.warning("cursor_lost_twice", extra={**fields, "error": str(error)})
            await held.fail(FORGOTTEN, from_start=True)
        except UpstreamError as error:
            log.warning("sync_failed", extra={**fields, "error": str(error)})
            if error.retryable:
                await held.put_off(error)
            else:
                await held.fail(error.user_message, from_start=isinstance(error, ListAstray))
        except ServiceError as error:
            log.warning("sync_failed", extra={**fields, "error": str(error)})
            await held.fail(error.user_message)
        else:
            await held.complete(end)

    async def _read(self, held: HeldRun) -> SyncEnd:
        program = self.programs[held.token.program]
        try:
            return await program.sync(held.token, held.start, held.keep)
        except CursorLost as error:
            log.info("cursor_lost", extra={"token_id": held.token.id, "error": str(error)})
        await held.restart()
        return await program.sync(held.token, held.start, held.keep)

    async def _next_in(self) -> float | None:
        async with self.desk.database.read() as tx:
            at = await tx.sync_runs.next_at()
        return None if at is None else max(0.05, (at - machine_now()).total_seconds())


async def _under_way(tx: Transaction, token: Token) -> Refused:
    run = await tx.sync_runs.open_of(token.id)
    seen = run.seen if run else 0
    return Refused(
        f"a sync of {token.id} is open",
        user_message=f"A sync of {quoted(token.name)} is under way: {seen:,} devices so far. "
        "Try again when it has ended.",
    )


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

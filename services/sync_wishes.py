"""People ask for a sync: the wish is a run that waits for a process, and a message to follow it."""

from dataclasses import dataclass

from services.audit import AuditLog
from services.clock import Clock, machine_now
from services.errors import NotFound
from services.notices import Notices
from services.policy import People, Role, require
from services.sync_asks import Ask, accept, check_in_use
from services.sync_plan import SCHEDULE, new_run
from storage.database import Database, Transaction
from storage.records import SyncRun, Token
from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A sync that was asked for; `already` says that it was under way before.

    `begins_again` says that the token's syncs had stopped, because its devices were removed here.
    """

    token: Token
    run: SyncRun
    already: bool
    begins_again: bool = False


class SyncWishes:
    """Takes wishes of operators."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def of_token(
        self, person: str, token_id: str, *, origin: str, full: bool = False
    ) -> Asked:
        """Ask for the token's sync, or for a list of everything.

        Raises NotAllowed, NotFound, Refused.
        """
        await self._require_operator(person)
        async with self.database.write() as tx:
            token = await tx.tokens.get(token_id)
            if token is None:
                raise _no_token()
            return await self._ask(tx, token, person, origin=origin, full=full)

    async def of_run(self, person: str, run_id: str, *, origin: str) -> Asked:
        """Ask for a list of everything, after a run that read only changes."""
        async with self.database.read() as tx:
            run = await tx.sync_runs.get(run_id)
        if run is None:
            raise _no_token()
        return await self.of_token(person, run.token_id, origin=origin, full=True)

    async def _ask(
        self, tx: Transaction, token: Token, person: str, *, origin: str, full: bool
    ) -> Asked:
        check_in_use(token)
        run = await tx.sync_runs.open_of(token.id)
        already, begins_again = run is not None, False
        if run is not None and run.asked_by == SCHEDULE and token.program is ProgramName.INTUNE:
            # The schedule lists what Intune knows; a person wants it to ask Apple first.
            run, already = await tx.sync_runs.wish(run, person, machine_now()), False
            ask = Ask(asked_by=person, asked_at=self.clock.now(), origin=origin, full=full)
            await accept(tx, self.audit, token, ask)
        if run is None or token.removed_here_at is not None:
            ask = Ask(asked_by=person, asked_at=self.clock.now(), origin=origin, full=full)
            begins_again = await accept(tx, self.audit, token, ask)
        if run is None:
            run = await self._add(tx, token, person)
        await self.notices.sync_asked(tx, run, person)
        return Asked(token=token, run=run, already=already, begins_again=begins_again)

    async def _add(self, tx: Transaction, token: Token, person: str) -> SyncRun:
        now, wait = machine_now(), await tx.sync_places.wait_until(token.id)
        due_at = max(now, wait) if wait else now
        run = new_run(token.id, person, now=self.clock.now(), due_at=due_at)
        await tx.sync_runs.add(run)
        return run

    async def _require_operator(self, person: str) -> None:
        actor = await self.people.actor(person, fresh=False)
        holders = await self.people.holders(Role.OPERATOR, fresh=False)
        require(actor, Role.OPERATOR, holders)


def _no_token() -> NotFound:
    return NotFound(
        "no such token",
        user_message="This token is not known here (any more). See `/enroll-token list`.",
    )

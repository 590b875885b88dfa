"""People ask for a sync: the wish is a run that waits for a process, and a message to follow it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.audit import AuditLog
from services.clock import Clock, machine_now
from services.errors import NotFound, Refused
from services.notices import Notices
from services.phrases import quoted
from services.policy import People, Role, require
from services.sync import note_ask
from services.sync_plan import new_run
from services.tokens import only_beginning, plain_name
from storage.database import Database, Transaction
from storage.records import SyncRun, Token
from storage.states import TokenState


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A sync that was asked for; `already` says that it was under way before."""

    token: Token
    run: SyncRun
    already: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Several tokens that may be meant."""

    tokens: Sequence[Token]


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

    async def by_name(self, person: str, text: str, *, origin: str) -> Asked | Choice:
        """Ask for the sync of the token of that name; without a name, of the only one in use.

        Raises NotAllowed, NotFound, Refused.
        """
        await self._require_operator(person)
        async with self.database.write() as tx:
            meant = await _meant(tx, plain_name(text))
            if len(meant) > 1:
                return Choice(tokens=meant)
            return await self._ask(tx, meant[0], person, origin=origin, full=False)

    async def of_token(
        self, person: str, token_id: str, *, origin: str, full: bool = False
    ) -> Asked:
        """Ask for the token's sync, or for a list of everything. Raises as `by_name`."""
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
        if token.state is not TokenState.ACTIVE:
            raise Refused(
                f"token {token.id} is {token.state}",
                user_message=f"{quoted(token.name)} is not in use "
                f"({token.state.value.replace('_', ' ')}), so it has no devices to sync. "
                "See `/enroll-token list`.",
            )
        run = await tx.sync_runs.open_of(token.id)
        already = run is not None
        if run is None:
            run = await self._add(tx, token, person)
            await note_ask(tx, self.audit, token, person, origin=origin, full=full)
            if full:
                await tx.sync_places.forget(token.id)
        await self.notices.sync_asked(tx, run, person)
        return Asked(token=token, run=run, already=already)

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


async def _meant(tx: Transaction, name: str) -> list[Token]:
    """The tokens that may be meant, at least one."""
    if name and (exact := await tx.tokens.named(name)) is not None:
        return [exact]
    living = await tx.tokens.living()
    begun = [one for one in living if one.name.casefold().startswith(name.casefold())]
    in_use = [one for one in begun if one.state is TokenState.ACTIVE]
    if in_use:
        return in_use
    if name:
        return [only_beginning(name, living)]
    raise NotFound(
        "no token is in use",
        user_message="No token is in use yet, so there is nothing to sync. See "
        "`/enroll-token list`.",
    )


def _no_token() -> NotFound:
    return NotFound(
        "no such token",
        user_message="This token is not known here (any more). See `/enroll-token list`.",
    )

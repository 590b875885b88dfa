"""Health: each active token's holder is asked in turn, and what it says is kept.

A change for the better takes a definite success. An answer that says nothing of the token itself
(none at all, or *wait*) never hides trouble that is known.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.errors import NotFound, ServiceError, UpstreamError
from services.policy import People, require_viewer
from services.programs import Holding, Program
from services.request_deeds import SERVICE
from storage.database import Database, Transaction
from storage.records import Token
from storage.states import Health, ProgramName, TokenState
from storage.watch import LOOK_AT_HEALTH

log = logging.getLogger(__name__)

AT_ONCE = 4
BATCH = 100
CLAIMED_FOR = timedelta(minutes=5)
"""How soon a token is asked about again whose asking ended with its process."""
WHILE_RENEWING = timedelta(minutes=5)
WHILE_ILL = timedelta(minutes=30)
"""A token in trouble is asked about more often, so that the all-clear comes soon."""
LATELY = timedelta(minutes=10)
SHARED = frozenset({Health.TERMS_UNSIGNED, Health.REVOKED, Health.ACCOUNT_FORBIDDEN})
"""What befalls one token of an organisation has often befallen its others."""
SILENT = frozenset({Health.UNREACHABLE, Health.THROTTLED})
"""Answers that say nothing of the token itself."""


class HealthWatch:
    """Asks the holders, a few tokens at a time."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        programs: Mapping[ProgramName, Program],
        audit: AuditLog,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self.database = database
        self.people = people
        self.programs = programs
        self.audit = audit
        self.clock = clock
        self.every = every

    async def ask_now(self, person: str, token_id: str) -> None:
        """Have the holder asked as soon as may be, because somebody wants to know.

        Raises NotAllowed, or NotFound where the token is not in use.
        """
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.write() as tx:
            token = await tx.tokens.get(token_id)
            if token is None or token.state is not TokenState.ACTIVE:
                raise NotFound(
                    f"token {token_id} is not in use",
                    user_message="This token is not in use any more. See `/enroll-token list`.",
                )
            await tx.watch.ask_at(token_id, self.clock.now())

    async def run_due(self) -> None:
        """Ask about every token whose time has come."""
        now = self.clock.now()
        async with self.database.read() as tx:
            if not await tx.watch.waits(LOOK_AT_HEALTH, now=now, furthest=now + self.every):
                return
        await self._hurry_renewals()
        async with self.database.read() as tx:
            due = await tx.watch.due_for_health(now, now + self.every, BATCH)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(token_id: str, was: datetime | None) -> None:
            async with gate:
                await self._ask(token_id, was)

        ended = await asyncio.gather(*(one(*each) for each in due), return_exceptions=True)
        for fault in ended:
            if fault is not None:
                raise fault

    async def _hurry_renewals(self) -> None:
        """A token whose renewal was agreed to is asked about every few minutes."""
        soon = self.clock.now() + WHILE_RENEWING
        async with self.database.read() as tx:
            renewing = [await tx.watch.keeping(one) for one in await tx.watch.renewing()]
        late = [one for one in renewing if one.health_due_at and one.health_due_at > soon]
        if late:
            async with self.database.write(quiet=True) as tx:
                for one in late:
                    await tx.watch.ask_at(one.token_id, soon)

    async def _ask(self, token_id: str, was: datetime | None) -> None:
        now = self.clock.now()
        async with self.database.write(quiet=True) as tx:
            if not await tx.watch.claim_health(token_id, was, now + min(CLAIMED_FOR, self.every)):
                return
            token = await tx.tokens.get(token_id)
        if token is None:
            return
        holding = await self._read(token)
        async with self.database.write() as tx:
            await self._keep(tx, token, holding)

    async def _read(self, token: Token) -> Holding:
        try:
            return await self.programs[token.program].read(token)
        except (ServiceError, UpstreamError) as error:
            log.warning("health_unknown", extra={"token_id": token.id, "error": str(error)})
            return Holding(
                health=Health.UNREACHABLE,
                evidence=str(error),
                account=None,
                expires_at=token.expires_at,
                devices=None,
            )

    async def _keep(self, tx: Transaction, token: Token, holding: Holding) -> None:
        now = self.clock.now()
        newest = await tx.tokens.get(token.id)
        if newest is None or newest.state is not TokenState.ACTIVE:
            return
        if newest.expires_at != token.expires_at:
            # It was renewed while its holder was asked: the answer is about what it was.
            await tx.watch.ask_at(token.id, now)
            return
        becomes = judged(newest, holding)
        await tx.watch.asked(token.id, now, holding.evidence)
        if holding.health is Health.OK:
            admin = holding.account.admin_id if holding.account else newest.admin_id
            await tx.watch.healthy(token.id, now, admin)
        if becomes is not newest.health and becomes is not None:
            await self._change(tx, newest, becomes, holding)
        await tx.watch.ask_at(token.id, now + await self._pause(tx, newest, becomes))

    async def _change(
        self, tx: Transaction, token: Token, becomes: Health, holding: Holding
    ) -> None:
        now = self.clock.now()
        # No answer, and then *wait*, are one silence.
        silence = token.health in SILENT and becomes in SILENT
        since = token.health_since if silence and token.health_since else now
        if await tx.watch.health(token, becomes, since):
            await self.audit.append(tx, _deed(token, becomes, holding))
            if becomes in SHARED:
                # The others are asked now, so that people hear of them all at once.
                await tx.watch.ask_others(token, now, lately=now - LATELY)

    async def _pause(self, tx: Transaction, token: Token, health: Health | None) -> timedelta:
        if token.id in await tx.watch.renewing():
            return min(WHILE_RENEWING, self.every)
        if health is not Health.OK and health is not None:
            return min(WHILE_ILL, self.every)
        return self.every


def judged(token: Token, holding: Holding) -> Health | None:
    """The token's health after what its holder says."""
    if holding.health is None:
        return token.health
    if holding.health in SILENT and token.health not in {None, Health.OK, *SILENT}:
        return token.health
    return holding.health


def _deed(token: Token, becomes: Health, holding: Holding) -> Deed:
    return Deed(
        actor=SERVICE,
        action="health.change",
        subject=f"token:{token.id}",
        token_id=token.id,
        origin="health",
        before={"health": token.health.value if token.health else ""},
        after={"health": becomes.value, "evidence": holding.evidence[:200]},
    )

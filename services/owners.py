"""Owners: who answers for a token, whether their account still is, and hand-over to another."""

import logging
from collections.abc import Sequence
from datetime import datetime, time
from typing import Protocol

from services.audit import AuditLog, Deed
from services.calendar import Calendar
from services.chores import claim, is_due
from services.clock import Clock
from services.errors import Invalid, NotAllowed, NotFound, Refused, UpstreamError
from services.phrases import people as named
from services.phrases import quoted
from services.policy import People, Role, require
from services.reports import Reports
from services.watch_notices import WatchNotices
from storage.database import Database, Transaction
from storage.records import Token, new_id
from storage.states import NoticeKind, TokenState

log = logging.getLogger(__name__)

NIGHTLY = "owners"
NIGHT = time(3)
MAY_HAND_OVER = (Role.OPERATOR, Role.ADMIN)
GONE = {TokenState.DELETED, TokenState.CANCELLED}


class Accounts(Protocol):
    """Slack's accounts."""

    async def deactivated(self, person: str) -> bool:
        """Whether the account is switched off. Raises UpstreamError."""
        ...


class Owners:
    """Looks after those who answer for tokens."""

    def __init__(  # noqa: PLR0913 - collaborators come by constructor
        self,
        *,
        database: Database,
        people: People,
        accounts: Accounts,
        reports: Reports,
        audit: AuditLog,
        notices: WatchNotices,
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.accounts = accounts
        self.reports = reports
        self.audit = audit
        self.notices = notices
        self.night = Calendar(zone=calendar.zone, starts=NIGHT)
        self.clock = clock

    async def run_due(self) -> None:
        """Every night: look at each owner's account, because events can be lost."""
        now = self.clock.now()
        async with self.database.read() as tx:
            if not await is_due(tx, NIGHTLY, now, self._following):
                return
        async with self.database.write(quiet=True) as tx:
            if not await claim(tx, NIGHTLY, now, self._following):
                return
            owners = await tx.watch.owners()
        for owner in owners:
            await self._look_at(owner, now)

    async def _look_at(self, owner: str, now: datetime) -> None:
        try:
            deactivated = await self.accounts.deactivated(owner)
        except UpstreamError as error:
            # The next night asks again; whoever is not known stays as they were.
            log.warning("owner_unknown", extra={"owner": owner, "error": str(error)})
            return
        key = f"owners:{owner}:{now:%Y-%m-%dT%H%M}"
        await self.reports.account_changed(owner, deactivated=deactivated, key=key)

    def _following(self, after: datetime) -> datetime:
        return self.night.next_morning(after)

    async def to_hand_over(self, person: str, token_id: str) -> list[Token]:
        """The token and the others of its owner, if this person may hand them over.

        Raises NotAllowed, NotFound.
        """
        async with self.database.read() as tx:
            token = await _living(tx, token_id)
            found = [await tx.tokens.get(one) for one in await tx.watch.owned_by(token.owner)]
        await self._may(person, token)
        others = [one for one in found if one is not None and one.id != token.id]
        return [token, *others]

    async def hand_over(
        self, person: str, token_ids: Sequence[str], new_owner: str, key: str
    ) -> list[Token]:
        """Make somebody else answer for these tokens; they and the channel are told.

        Raises Invalid where the new owner is no member, NotAllowed, NotFound.
        """
        if not token_ids:
            raise Invalid("no token", user_message="Choose at least one token.", field="tokens")
        tokens = [(await self.to_hand_over(person, one))[0] for one in token_ids]
        if not new_owner or not (await self.people.actor(new_owner, fresh=True)).member:
            raise Invalid(
                f"{new_owner} is no member",
                user_message="Choose a full member of this workspace: no guest, no app.",
                field="owner",
            )
        async with self.database.write() as tx:
            moved = [one for one in tokens if await self._move(tx, one, new_owner, person, key)]
            if moved:
                await self._tell(tx, moved, new_owner, person)
        return moved

    async def take(self, person: str, token_id: str, key: str) -> Token:
        """Answer for a token that has nobody yet; twice is once.

        Raises NotAllowed, NotFound, or Refused where somebody else was first.
        """
        actor = await self.people.actor(person, fresh=True)
        require(actor, Role.OPERATOR, await self.people.holders(Role.OPERATOR, fresh=True))
        async with self.database.write() as tx:
            token = await _living(tx, token_id)
            if token.owner == person:
                return token
            if token.owner or not await self._move(tx, token, person, person, key):
                raise Refused(
                    f"token {token.id} has an owner",
                    user_message=f"{named([token.owner])} answers for {quoted(token.name)} "
                    "already. They, or an admin, can hand it over: `/enroll-token report`.",
                )
            await self._tell(tx, [token], person, person)
            return token

    async def _move(
        self, tx: Transaction, token: Token, new_owner: str, person: str, key: str
    ) -> bool:
        if token.owner == new_owner or not await tx.watch.hand_over(token, new_owner):
            return False
        deed = Deed(
            actor=person,
            action="token.take_over" if new_owner == person else "token.hand_over",
            subject=f"token:{token.id}",
            token_id=token.id,
            origin=key,
            before={"owner": token.owner},
            after={"owner": new_owner},
        )
        await self.audit.append(tx, deed)
        return True

    async def _tell(
        self, tx: Transaction, moved: Sequence[Token], new_owner: str, person: str
    ) -> None:
        subject = new_id()
        facts = {
            "owner": new_owner,
            "by": person,
            "tokens": " ".join(one.id for one in moved),
        }
        await self.notices.say(tx, NoticeKind.HANDED_OVER, subject, to=new_owner, facts=facts)
        await self.notices.say(tx, NoticeKind.HANDED_OVER, subject, facts=facts)

    async def _may(self, person: str, token: Token) -> None:
        actor = await self.people.actor(person, fresh=False)
        if actor.member and (person == token.owner or actor.roles & set(MAY_HAND_OVER)):
            return
        holders = [await self.people.holders(role, fresh=False) for role in MAY_HAND_OVER]
        raise NotAllowed(
            f"{person} may not hand over token {token.id}",
            user_message="A token is handed over by its owner, an operator or an admin: "
            f"{named(frozenset({token.owner} - {''}).union(*holders))}.",
        )


async def _living(tx: Transaction, token_id: str) -> Token:
    token = await tx.tokens.get(token_id)
    if token is None or token.state in GONE:
        raise NotFound(
            f"no living token {token_id!r}",
            user_message="This token is gone. See `/enroll-token list`.",
        )
    return token

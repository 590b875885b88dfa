"""Organisations: whose tokens are ours, and what becomes of a token that is not."""

from collections.abc import Mapping

from services.audit import AuditLog
from services.errors import NotAllowed, Refused
from services.lifecycle import move_token
from services.notices import Notices
from services.phrases import people as named
from services.phrases import quoted
from services.policy import People, Role, require
from services.programs import AccountDetail, Program
from services.request_deeds import request_deed
from services.requests import DOING, find_request
from services.wrong_file import WrongFile, WrongFileReason
from storage.database import Database, Transaction
from storage.records import Token
from storage.states import ProgramName, StoryEvent, TokenState


class Organisations:
    """The organisations whose tokens may be held here; without any named, every one may."""

    def __init__(self, ours: frozenset[str]) -> None:
        self.ours = ours

    def check(self, account: AccountDetail) -> None:
        """Raise WrongFile if the token's organisation is not one of ours, where some are named."""
        told = {account.org_id, account.org_id_hash} - {None}
        if not self.ours or not told or self.ours & told:
            # What its holder does not tell cannot be held against it.
            return
        whose = quoted(account.org_name or "without a name")
        raise WrongFile(
            WrongFileReason.OTHER_ORGANISATION,
            account.org_id or "",
            user_message=f"This file belongs to the organisation {whose} (id {account.org_id}), "
            "which is not one of ours. Sign in at the portal of our organisation and download its "
            "file. If it is ours, ask your admin to add the id to APPLE_ORGANISATIONS.",
        )

    async def is_new(self, tx: Transaction, token: Token, account: AccountDetail) -> bool:
        """Whether no token of that organisation was held here before, and none are named."""
        if self.ours or not account.org_id or account.org_id == token.org_id:
            return False
        return not await tx.tokens.held_of(account.org_id, beside=token.id)


class Disowning:
    """*Not ours*: an approver takes a token of a strange organisation out of use at once."""

    def __init__(
        self,
        *,
        database: Database,
        programs: Mapping[ProgramName, Program],
        people: People,
        audit: AuditLog,
        notices: Notices,
    ) -> None:
        self.database = database
        self.programs = programs
        self.people = people
        self.audit = audit
        self.notices = notices

    async def disown(self, person: str, request_id: str, *, origin: str) -> None:
        """Stop it, destroy its secrets and forget its devices.

        Raises NotFound, NotAllowed, or Refused if it is not in use or something is under way.
        """
        await self._require(person)
        async with self.database.read() as tx:
            _, token = await find_request(tx, request_id)
        keep = await self.programs[token.program].withdraw(token)
        async with self.database.write() as tx:
            request, token = await find_request(tx, request_id)
            if token.state is not TokenState.ACTIVE:
                state = token.state.value.replace("_", " ")
                raise Refused(
                    f"token {token.id} is {state}",
                    user_message=f"{quoted(token.name)} is {state}; nothing is left to stop.",
                )
            other = await tx.requests.under_way(token.id)
            if other is not None:
                raise Refused(
                    f"request {other.id} is under way",
                    user_message=f"A request {DOING[other.action]} is under way. Decline or cancel "
                    "it first.",
                )
            await move_token(tx, token, TokenState.DELETING)
            _, stopped = await find_request(tx, request_id)
            gone = {"sync_due_at": None, "health": None, "health_since": None}
            await move_token(tx, stopped, TokenState.DELETED, **gone)
            await keep(tx)
            await tx.devices.forget(token.id)
            after = {"state": TokenState.DELETED.value, "secrets": "overwritten"}
            before = {"state": token.state.value, "org_id": token.org_id or ""}
            deed = request_deed(
                request, "token.disown", actor=person, origin=origin, before=before, after=after
            )
            await self.audit.append(tx, deed)
            await self.notices.story(tx, request, StoryEvent.DISOWNED, person=person)

    async def _require(self, person: str) -> None:
        actor = await self.people.actor(person, fresh=True)
        holders = await self.people.holders(Role.APPROVER, fresh=False)
        if not actor.member:
            raise NotAllowed(
                f"{person} is no member",
                user_message=f"This takes an approver: {named(holders)}.",
            )
        require(actor, Role.APPROVER, holders)

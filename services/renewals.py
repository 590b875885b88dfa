"""Renewals: the look before anything irreversible, the request, and the time while it is under way.

Apple ends the token in use at the moment somebody downloads a newer one, so what can be known is
asked before, and what happens after is watched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.audit import AuditLog
from services.clock import Clock
from services.errands import Offer
from services.errors import Refused, UpstreamError
from services.notices import Notices
from services.preparation import CHECK_EVERY
from services.programs import Holding, Program
from services.request_deeds import request_deed
from services.request_facts import facts_of
from services.request_forms import RenewForm, checked_renew
from services.requests import Asking, Requests, find_active, find_request
from services.uploads import check_bringer, check_waiting, waits_for_evidence
from storage.database import Database, Transaction
from storage.records import KeyPair, Request, Token
from storage.states import (
    Action,
    Health,
    ProgramName,
    RenewalCause,
    StoryEvent,
)

SAY_AGAIN = timedelta(hours=24)
"""How often a renewal that is half done is said again."""
HALF_DONE = "request.half_done"
DOWN = {"enrolment": "down until the new file is uploaded"}
RENEWING = (Action.RENEW, Action.REPLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What is known before anybody goes to the portal: the token, its key pair, its holder's word.

    `holding` is None, and `trouble` says why, where the holder gave no answer.
    """

    token: Token
    pair: KeyPair | None
    holding: Holding | None
    offer: Offer
    trouble: str | None = None


class Renewals:
    """Takes wishes to renew, and watches renewals that are under way."""

    def __init__(
        self,
        *,
        database: Database,
        programs: Mapping[ProgramName, Program],
        requests: Requests,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.database = database
        self.programs = programs
        self.requests = requests
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def preflight(self, person: str, token_id: str) -> Preflight:
        """Look at the token at its holder now. Raises NotAllowed, NotFound, Refused."""
        await self.requests.may_ask(person, Action.RENEW)
        async with self.database.read() as tx:
            token = await find_active(tx, token_id)
            pair = await tx.key_pairs.newest_of(token.id)
        program = self.programs[token.program]
        offer = await program.offer(token)
        try:
            holding = await program.read(token)
        except UpstreamError as error:
            trouble = error.user_message
            return Preflight(token=token, pair=pair, holding=None, offer=offer, trouble=trouble)
        return Preflight(token=token, pair=pair, holding=holding, offer=offer)

    async def ask(self, person: str, form: RenewForm) -> Request:
        """Ask to renew, or to replace the server. Submitted twice it is one request.

        Raises InvalidForm, PublicDomain, NotAllowed, NotFound, Refused.
        """
        await self.requests.may_ask(person, form.action)
        approvers = await self.requests.deciders(person, form.action)
        async with self.database.write() as tx:
            before = await tx.requests.of_key(form.submission)
            if before is not None:
                return before
            token = await find_active(tx, form.token_id)
            checked = checked_renew(form, known=token.apple_id)
            _check_program(token, form)
            asking = Asking(
                token=token,
                action=form.action,
                requester=person,
                reason=checked.reason,
                submission=form.submission,
                facts=await facts_of(
                    tx,
                    token,
                    form.action,
                    apple_id=checked.apple_id,
                    scope_tags=checked.scope_tags,
                ),
                scope_tags=checked.scope_tags,
                apple_id=checked.apple_id,
                cause=form.cause,
                # Another server at Apple needs a certificate to be uploaded; it gets a new one.
                rotate=(form.rotate or form.replaces)
                and form.cause is not RenewalCause.ALREADY_DOWNLOADED,
            )
            request = await self.requests.open(tx, asking, approvers)
            if form.cause is RenewalCause.ALREADY_DOWNLOADED:
                # The old token is dead already: the steps do not wait for the approval.
                await self._half_done(tx, request)
            return request

    async def downloaded(self, person: str, request_id: str) -> None:
        """The person says that they have downloaded the file: the token in use is dead.

        Said twice it is once. Raises NotFound, NotAllowed, Refused.
        """
        async with self.database.write() as tx:
            request, token = await find_request(tx, request_id)
            counted = await tx.decisions.counted(request_id)
            check_bringer(person, request, token, counted)
            check_waiting(request, token)
            if request.down_since is None and request.action in RENEWING:
                await self._half_done(tx, request)
                await self.audit.append(
                    tx, request_deed(request, HALF_DONE, actor=person, after=DOWN)
                )

    async def look_under_way(self) -> None:
        """Say of each renewal that is due whether the old token is dead already.

        The watch asks the holder of such tokens every few minutes and keeps what it says.
        """
        async with self.database.read() as tx:
            due = await tx.requests.to_check(self.clock.now())
            tokens = [await tx.tokens.get(request.token_id) for request in due]
        for request, token in zip(due, tokens, strict=True):
            if token is not None:
                await self._look(request, token)

    async def _look(self, request: Request, token: Token) -> None:
        now = self.clock.now()
        if request.down_since is not None:
            async with self.database.write() as tx:
                if await tx.requests.claim_check(request, now + SAY_AGAIN):
                    event, about = StoryEvent.STILL_HALF_DONE, f"{now:%Y-%m-%d}"
                    await self.notices.story(tx, request, event, about)
            return
        dead = token.health is Health.SUPERSEDED
        async with self.database.write(quiet=not dead) as tx:
            if not await tx.requests.claim_check(request, now + CHECK_EVERY) or not dead:
                return
            await self._half_done(tx, request)
            await self.audit.append(tx, request_deed(request, HALF_DONE, after=DOWN))

    async def _half_done(self, tx: Transaction, request: Request) -> None:
        now = self.clock.now()
        await tx.requests.amend(request, down_since=now, check_due_at=now + SAY_AGAIN)
        await self.notices.story(tx, request, StoryEvent.HALF_DONE)
        await self.notices.request_card(tx, request, f"{request.state}:half_done")
        if waits_for_evidence(request):
            await self.notices.steps(tx, request, "half_done")


def _check_program(token: Token, form: RenewForm) -> None:
    """Raise Refused for what only a holder of keys can do."""
    if token.program is not ProgramName.APPLE and (form.replaces or form.rotate):
        raise Refused(
            f"token {token.id} is held by {token.program}",
            user_message="Intune keeps the key and the server of this token. For another server, "
            "ask for a new token with `/enroll-token create`.",
        )

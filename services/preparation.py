"""Preparation: an approved request gets what its person needs at the portal.

Where a newer token was downloaded already, that does not wait for the approval. A holder that gives
no answer is asked again, and what was begun at it for a request that is over is taken back.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

from services.audit import AuditLog, Deed
from services.calendar import Calendar
from services.clock import Clock, machine_now
from services.errands import BegunElsewhere
from services.errors import Refused, UpstreamError
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.programs import Beginning, Program
from services.request_deeds import request_deed
from services.request_facts import errand_of
from storage.database import Database, Transaction
from storage.records import Request, Token
from storage.states import Action, ProgramName, RequestState, StoryEvent, TokenState

log = logging.getLogger(__name__)

UPLOAD_WITHIN = timedelta(days=14)
AGAIN_SECONDS = 15.0
"""How soon a holder that gave no answer, or is busy with another process, is asked again."""
CHECK_EVERY = timedelta(minutes=1)
"""How often, from approval on, what the holder said of the token in use is looked at."""


class Preparation:
    """Carries approved requests on to where a person has to act."""

    def __init__(
        self,
        *,
        database: Database,
        programs: Mapping[ProgramName, Program],
        audit: AuditLog,
        notices: Notices,
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.programs = programs
        self.audit = audit
        self.notices = notices
        self.calendar = calendar
        self.clock = clock

    async def begin_approved(self) -> float | None:
        """Prepare every request whose time has come; also those approved before a restart.

        Returns in how many seconds to look again, where a holder gave no answer.
        """
        async with self.database.read() as tx:
            waiting = await tx.requests.to_begin()
            tokens = [await tx.tokens.get(request.token_id) for request in waiting]
        begun = [
            await self._begin(request, token)
            for request, token in zip(waiting, tokens, strict=True)
            if token is not None and _leads_to_the_portal(request.action)
        ]
        return None if all(begun) else AGAIN_SECONDS

    async def take_back(self) -> float | None:
        """Undo at the holders what was begun for requests that are over; when to look again."""
        again = [await one.take_back(self._taken_back) for one in self.programs.values()]
        return min((seconds for seconds in again if seconds is not None), default=None)

    async def _begin(self, request: Request, token: Token) -> bool:
        """False where it has to be tried again."""
        try:
            beginning = await self._beginning(request, token)
        except BegunElsewhere:
            return False
        except UpstreamError as error:
            await self._wait(request, error)
            return False
        except Refused as error:
            await self._fail(request, token, error)
            return True
        try:
            async with self.database.write() as tx:
                await self._store(tx, request, token, beginning)
        except TooLate:
            # Another process prepared it first; what it handed out counts.
            pass
        return True

    async def _beginning(self, request: Request, token: Token) -> Beginning:
        if request.evidence is None:
            return await self.programs[token.program].begin(token, errand_of(request, token))

        async def keep(_tx: Transaction) -> None:
            """It was begun before the approval, so everything is kept."""

        return Beginning(
            evidence=request.evidence, certificate_id=None, keep=keep, detour=request.detour
        )

    async def _wait(self, request: Request, error: UpstreamError) -> None:
        log.warning("not_prepared", extra={"request_id": request.id, "error": str(error)})
        if request.detour == error.user_message:
            return
        async with self.database.write(quiet=True) as tx:
            if await tx.requests.amend(request, detour=error.user_message):
                await self.notices.story(tx, request, StoryEvent.HOLDER_SILENT)

    async def _fail(self, request: Request, token: Token, error: Refused) -> None:
        """There is nothing to begin: an approved request ends, one that waits goes on waiting."""
        if request.state is not RequestState.APPROVED:
            return
        async with self.database.write() as tx:
            now, why = self.clock.now(), error.user_message
            await move_request(tx, request, RequestState.FAILED, now, failure=why)
            if token.state is TokenState.REQUESTED:
                await move_token(tx, token, TokenState.CANCELLED)
            failed = {"state": RequestState.FAILED.value, "why": why}
            await self.audit.append(tx, request_deed(request, "request.fail", after=failed))
            await self.notices.request_card(tx, request, RequestState.FAILED)
            await self.notices.story(tx, request, StoryEvent.FAILED)
            await self.notices.news(tx, request, RequestState.FAILED)

    async def _taken_back(self, token_id: str, *, done: bool) -> None:
        async with self.database.write() as tx:
            request = await tx.requests.latest_of(token_id)
            if request is None:
                return
            after = {"entry": "deleted" if done else "left over"}
            await self.audit.append(tx, request_deed(request, "request.take_back", after=after))
            if not done:
                await self.notices.story(tx, request, StoryEvent.LEFT_OVER)

    async def _store(
        self, tx: Transaction, request: Request, token: Token, beginning: Beginning
    ) -> None:
        pending = request.state is RequestState.PENDING
        becomes = TokenState.AWAITING_TOKEN if request.action is Action.CREATE else token.state
        begun = {"evidence": beginning.evidence, "detour": beginning.detour}
        if pending:
            await self._ahead(tx, request, begun)
        else:
            await self._move(tx, request, token, begun)
        await beginning.keep(tx)
        if beginning.certificate_id is not None:
            await self.notices.certificate(tx, request, beginning.certificate_id)
        await self.notices.steps(tx, request, "begun" if pending else "prepared")
        await self.audit.append(tx, _deed(request, token, becomes, beginning))
        if not pending:
            await self.notices.request_card(tx, request, RequestState.AWAITING_UPLOAD)
        if beginning.detour and beginning.detour != request.detour:
            await self.notices.story(tx, request, StoryEvent.BY_HAND, "begun")
        held = await tx.uploads.held_for(request.id)
        if held is not None and not pending:
            # Proved before the approval that it waited for; it is looked at once more.
            await tx.uploads.resume(held, machine_now())

    async def _ahead(self, tx: Transaction, request: Request, begun: Mapping[str, object]) -> None:
        if not await tx.requests.begin(request, **begun):
            raise TooLate(f"request {request.id}")

    async def _move(
        self, tx: Transaction, request: Request, token: Token, begun: Mapping[str, object]
    ) -> None:
        now = self.clock.now()
        creates = request.action is Action.CREATE
        await move_request(
            tx,
            request,
            RequestState.AWAITING_UPLOAD,
            now,
            expires_at=now + UPLOAD_WITHIN,
            nag_due_at=self.calendar.next_workday(now),
            check_due_at=None if creates else request.check_due_at or now + CHECK_EVERY,
            **begun,
        )
        if creates:
            await move_token(tx, token, TokenState.AWAITING_TOKEN)


def _leads_to_the_portal(action: Action) -> bool:
    match action:
        case Action.CREATE | Action.RENEW | Action.REPLACE:
            return True
        case Action.DELETE | Action.REMOVE:
            return False
        case _:
            assert_never(action)


def _deed(request: Request, token: Token, becomes: TokenState, beginning: Beginning) -> Deed:
    pending = request.state is RequestState.PENDING
    return request_deed(
        request,
        "request.prepare",
        before={"state": request.state.value, "token": token.state.value},
        after={
            "state": (request.state if pending else RequestState.AWAITING_UPLOAD).value,
            "token": becomes.value,
            "key_pair": beginning.certificate_id or "as before",
            "evidence": beginning.evidence.value,
        },
    )

"""Preparation: an approved request gets what its person needs at the portal."""

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

from services.audit import AuditLog, Deed
from services.calendar import Calendar
from services.clock import Clock, machine_now
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.programs import Beginning, Program
from services.request_facts import purpose_of
from storage.database import Database, Transaction
from storage.records import Request, Token
from storage.states import Action, ProgramName, RequestState, TokenState

UPLOAD_WITHIN = timedelta(days=14)
CHECK_EVERY = timedelta(minutes=5)
"""How often the holder is asked whether a newer token was downloaded, from approval on."""
SERVICE = "enroll-token"


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

    async def begin_approved(self) -> None:
        """Prepare every approved request; also those approved before a restart."""
        async with self.database.read() as tx:
            approved = await tx.requests.in_state(RequestState.APPROVED)
            tokens = [await tx.tokens.get(request.token_id) for request in approved]
        for request, token in zip(approved, tokens, strict=True):
            if token is not None and _brings_a_file(request.action):
                await self._begin(request, token)

    async def _begin(self, request: Request, token: Token) -> None:
        beginning = await self.programs[token.program].begin(token, purpose_of(request))
        try:
            async with self.database.write() as tx:
                await self._store(tx, request, token, beginning)
        except TooLate:
            # Another process prepared it first; its key pair is the one that was handed out.
            return

    async def _store(
        self, tx: Transaction, request: Request, token: Token, beginning: Beginning
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
        )
        becomes = TokenState.AWAITING_TOKEN if creates else token.state
        if creates:
            await move_token(tx, token, becomes)
        await beginning.keep(tx)
        if beginning.certificate_id is not None:
            await self.notices.certificate(tx, request, beginning.certificate_id)
        await self.notices.steps(tx, request, "prepared")
        await self.notices.request_card(tx, request, RequestState.AWAITING_UPLOAD)
        await self.audit.append(tx, _deed(request, token, becomes, beginning))
        held = await tx.uploads.held_for(request.id)
        if held is not None:
            # Proved before the approval that it waited for; it is looked at once more.
            await tx.uploads.resume(held, machine_now())


def _brings_a_file(action: Action) -> bool:
    match action:
        case Action.CREATE | Action.RENEW | Action.REPLACE:
            return True
        case Action.DELETE | Action.REMOVE:
            return False
        case _:
            assert_never(action)


def _deed(request: Request, token: Token, becomes: TokenState, beginning: Beginning) -> Deed:
    return Deed(
        actor=SERVICE,
        action="request.prepare",
        subject=f"request:{request.id}",
        token_id=token.id,
        origin=f"request:{request.id}",
        before={"state": request.state.value, "token": token.state.value},
        after={
            "state": RequestState.AWAITING_UPLOAD.value,
            "token": becomes.value,
            "key_pair": beginning.certificate_id or "as before",
        },
    )

"""Preparation: an approved request gets what its person needs at the portal."""

from collections.abc import Mapping
from datetime import timedelta

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.lifecycle import TooLate, move_request, move_token
from services.notices import Notices
from services.programs import Beginning, Program
from storage.database import Database, Transaction
from storage.records import Request, Token
from storage.states import ProgramName, RequestState, TokenState

UPLOAD_WITHIN = timedelta(days=14)
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
        clock: Clock,
    ) -> None:
        self.database = database
        self.programs = programs
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def begin_approved(self) -> None:
        """Prepare every approved request; also those approved before a restart."""
        async with self.database.read() as tx:
            approved = await tx.requests.in_state(RequestState.APPROVED)
            tokens = [await tx.tokens.get(request.token_id) for request in approved]
        for request, token in zip(approved, tokens, strict=True):
            if token is not None:
                await self._begin(request, token)

    async def _begin(self, request: Request, token: Token) -> None:
        beginning = await self.programs[token.program].begin(token)
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
        await move_request(tx, request, RequestState.AWAITING_UPLOAD, now)
        await tx.requests.prolong(request.id, now + UPLOAD_WITHIN)
        await move_token(tx, token, TokenState.AWAITING_TOKEN)
        await beginning.keep(tx)
        if beginning.certificate_id is not None:
            await self.notices.certificate(tx, request, beginning.certificate_id)
        await self.notices.steps(tx, request, "begun")
        await self.notices.request_card(tx, request, RequestState.AWAITING_UPLOAD)
        await self.audit.append(tx, _deed(request, token, beginning))


def _deed(request: Request, token: Token, beginning: Beginning) -> Deed:
    return Deed(
        actor=SERVICE,
        action="request.prepare",
        subject=f"request:{request.id}",
        token_id=token.id,
        origin=f"request:{request.id}",
        before={"state": request.state, "token": token.state},
        after={
            "state": RequestState.AWAITING_UPLOAD,
            "token": TokenState.AWAITING_TOKEN,
            "key_pair": beginning.certificate_id or "the holder's own",
        },
    )

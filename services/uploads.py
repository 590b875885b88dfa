"""Uploads: a submitted server token file is kept as a row first, then checked and proved.

The file's bytes are read from Slack for each try and are never stored. Whatever goes wrong, the
step stays open and nothing is half in force.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from services import names
from services.audit import AuditLog, Deed
from services.clock import Clock, machine_now
from services.errors import (
    Invalid,
    InvalidForm,
    NotAllowed,
    NotFound,
    Refused,
    ServiceError,
    UpstreamError,
)
from services.lifecycle import move_request, move_token
from services.notices import Notices
from services.phrases import people, quoted
from services.policy import People
from services.programs import Brought, Program, Proof
from services.wrong_file import WrongFile
from storage.database import Database, Transaction
from storage.records import Request, Token, Upload, new_id
from storage.states import ProgramName, RequestState, TokenState, UploadState

TRY_SECONDS = 60
"""How long one try may take; after a crash the next begins when the time is over."""
LEEWAY_SECONDS = 5
TRIES = 3
AT_ONCE = 4
NO_ANSWER = "no_answer"
SLOW = (
    "Slack or Apple took too long to answer. Nothing was changed. Upload the file again in a few "
    "minutes."
)
CRASHED = (
    "This file could not be checked because of a fault of ours, which is in the log. Nothing was "
    "changed. Tell your admin."
)


class FileSource(Protocol):
    """Where uploaded files are: Slack."""

    async def fetch(self, file_id: str) -> bytes:
        """The file's bytes, read up to a cap. Raises WrongFile or UpstreamError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForm:
    """An upload form as submitted; `submission` is Slack's id of it, the same at each delivery."""

    submission: str
    request_id: str
    apple_id: str
    file_id: str
    view_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """An upload with what it is for."""

    upload: Upload
    request: Request
    token: Token


class Uploads:
    """Takes files in, and gives each its outcome."""

    def __init__(  # noqa: PLR0913 - collaborators come by constructor
        self,
        *,
        database: Database,
        programs: Mapping[ProgramName, Program],
        files: FileSource,
        people: People,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.database = database
        self.programs = programs
        self.files = files
        self.people = people
        self.audit = audit
        self.notices = notices
        self.clock = clock

    async def open_step(self, person: str, request_id: str) -> tuple[Request, Token]:
        """The request that waits for a file, if this person may bring it.

        Raises NotFound, NotAllowed, or Refused if it does not wait (any more).
        """
        async with self.database.read() as tx:
            request, token = await _load(tx, request_id)
            counted = await tx.decisions.counted(request_id)
        if person in {decision.person for decision in counted}:
            raise NotAllowed(
                f"{person} decided on request {request_id}",
                user_message="You decided on this request, so the file has to come from "
                f"{people({request.requester, token.owner})}.",
            )
        if person not in {request.requester, token.owner}:
            raise NotAllowed(
                f"{person} is neither requester nor owner of request {request_id}",
                user_message="This file can only be uploaded by "
                f"{people({request.requester, token.owner})}. Send it to one of them.",
            )
        _check_waiting(request, token)
        return request, token

    async def about(self, upload: Upload) -> tuple[Request, Token]:
        """The request and the token that an upload is for."""
        async with self.database.read() as tx:
            return await _load(tx, upload.request_id)

    async def submit(self, person: str, form: UploadForm) -> Upload:
        """Keep the upload; delivered twice it is one. Raises InvalidForm, or as `open_step`."""
        await self.open_step(person, form.request_id)
        apple_id = _apple_id(form)
        async with self.database.write() as tx:
            before = await tx.uploads.of_key(form.submission)
            if before is not None:
                return before
            upload = Upload(
                id=new_id(),
                request_id=form.request_id,
                uploader=person,
                apple_id=apple_id,
                file_id=form.file_id,
                view_id=form.view_id,
                state=UploadState.RECEIVED,
                reason=None,
                answer=None,
                attempts=0,
                due_at=machine_now(),
                dedupe_key=form.submission,
                submitted_at=self.clock.now(),
                ended_at=None,
            )
            await tx.uploads.add(upload)
            return upload

    async def finish_due(self) -> list[Upload]:
        """Try every upload that is due, also those from before a restart; those now finished."""
        async with self.database.read() as tx:
            due = await tx.uploads.unfinished(machine_now())
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(upload: Upload) -> None:
            async with gate:
                await self._try(upload)

        # One upload's fault must not end the others; it is raised when all have had their try.
        ended = await asyncio.gather(*(one(upload) for upload in due), return_exceptions=True)
        async with self.database.read() as tx:
            looked_at = [await tx.uploads.get(upload.id) for upload in due]
        for fault in ended:
            if fault is not None:
                raise fault
        return [upload for upload in looked_at if upload and upload.ended_at]

    async def _try(self, upload: Upload) -> None:
        until = machine_now() + timedelta(seconds=TRY_SECONDS)
        async with self.database.write() as tx:
            if not await tx.uploads.claim(upload, until):
                return
            request, token = await _load(tx, upload.request_id)
        task = _Task(upload=upload, request=request, token=token)
        if upload.attempts >= TRIES:
            # Each try before ended in a crash or a bug, whose traceback is in the log.
            await self._refuse(task, "internal_error", CRASHED)
            return
        try:
            async with asyncio.timeout(TRY_SECONDS - LEEWAY_SECONDS):
                await self._prove(task)
        except WrongFile as error:
            await self._refuse(task, error.reason.value, error.user_message)
        except ServiceError as error:
            await self._refuse(task, "refused", error.user_message)
        except UpstreamError as error:
            await self._refuse(task, NO_ANSWER, error.user_message)
        except TimeoutError:
            await self._refuse(task, NO_ANSWER, SLOW)

    async def _prove(self, task: _Task) -> None:
        _check_waiting(task.request, task.token)
        uploader = await self.people.actor(task.upload.uploader, fresh=True)
        if not uploader.member:
            raise NotAllowed(
                f"{uploader.id} is no member",
                user_message="Only full members of this workspace can upload server tokens.",
            )
        file = await self.files.fetch(task.upload.file_id)
        proof = await self.programs[task.token.program].prove(task.token, Brought(file=file))
        async with self.database.write() as tx:
            await self._accept(tx, task, proof)

    async def _accept(self, tx: Transaction, task: _Task, proof: Proof) -> None:
        now = self.clock.now()
        request, token = await _load(tx, task.request.id)
        _check_waiting(request, token)
        if not await tx.uploads.accept(task.upload.id, now):
            return
        await move_request(tx, request, RequestState.COMPLETED, now)
        await move_token(tx, token, TokenState.ACTIVE, **_facts(task.upload, proof, now))
        await proof.keep(tx)
        await self.audit.append(tx, _accepted(task, proof))
        await self.notices.request_card(tx, request, RequestState.COMPLETED)
        await self.notices.steps(tx, request, RequestState.COMPLETED)
        await self.notices.token_active(tx, token, request)
        await self.notices.file_cleanup(tx, task.upload)

    async def _refuse(self, task: _Task, reason: str, answer: str) -> None:
        async with self.database.write() as tx:
            if not await tx.uploads.refuse(task.upload.id, reason, answer, self.clock.now()):
                return
            await self.audit.append(tx, _refused(task, reason))
            await self.notices.upload_refused(tx, task.upload)
            await self.notices.file_cleanup(tx, task.upload)


def _apple_id(form: UploadForm) -> str:
    try:
        return names.apple_id(form.apple_id)
    except Invalid as error:
        raise InvalidForm({"apple_id": error.user_message}) from error


async def _load(tx: Transaction, request_id: str) -> tuple[Request, Token]:
    request = await tx.requests.get(request_id)
    token = await tx.tokens.get(request.token_id) if request else None
    if request is None or token is None:
        raise NotFound(
            f"no request {request_id!r}",
            user_message="This request is not known here (any more). "
            "Look at the newest messages, or use /enroll-token list.",
        )
    return request, token


def _check_waiting(request: Request, token: Token) -> None:
    if request.state is not RequestState.AWAITING_UPLOAD:
        state = request.state.value.replace("_", " ")
        raise Refused(
            f"request {request.id} is {state}",
            user_message=f"The request for {quoted(token.name)} does not wait for a file: it is "
            f"{state}. See `/enroll-token list`.",
        )


def _facts(upload: Upload, proof: Proof, now: datetime) -> dict[str, object]:
    account = proof.account
    named = {"server_name": account.server_name} if account.server_name else {}
    return {
        **named,
        "apple_id": upload.apple_id,
        "expires_at": proof.expires_at,
        "health": proof.health,
        "health_since": now,
        "server_uuid": account.server_uuid,
        "org_id": account.org_id,
        "org_id_hash": account.org_id_hash,
        "org_name": account.org_name,
        "admin_id": account.admin_id,
        "sync_due_at": now,
    }


def _accepted(task: _Task, proof: Proof) -> Deed:
    account = proof.account
    return Deed(
        actor=task.upload.uploader,
        action="token.activate",
        subject=f"request:{task.request.id}",
        token_id=task.token.id,
        origin=f"file:{task.upload.file_id}",
        before={"state": task.token.state, "apple_id": task.token.apple_id},
        after={
            "state": TokenState.ACTIVE,
            "apple_id": task.upload.apple_id,
            "admin_id": account.admin_id or "",
            "server_uuid": account.server_uuid or "",
            "org_name": account.org_name or "",
            "org_id": account.org_id or "",
            "expires_at": proof.expires_at.isoformat() if proof.expires_at else "",
        },
    )


def _refused(task: _Task, reason: str) -> Deed:
    return Deed(
        actor=task.upload.uploader,
        action="upload.refuse",
        subject=f"request:{task.request.id}",
        token_id=task.token.id,
        origin=f"file:{task.upload.file_id}",
        before={"state": task.request.state},
        after={"state": task.request.state, "reason": reason},
    )

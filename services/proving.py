"""Proving: each submitted file is read, opened, tried with the holder, and gets its outcome.

Whatever goes wrong, the step stays open and nothing is half in force. A file that only the
holder's silence keeps from being proved waits under seal, and so does one that is proved before
the approval that it needs.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from services.activation import Activation, Task, check_identity, replaces_server
from services.audit import AuditLog, Deed
from services.clock import Clock, machine_now
from services.errors import NotAllowed, ServiceError, UpstreamError
from services.notices import Notices
from services.organisations import Organisations
from services.policy import People, Role
from services.programs import Brought, Program, Proof
from services.request_deeds import request_deed
from services.request_facts import purpose_of
from services.requests import find_request
from services.sealing import KeyRing
from services.upload_limits import TOO_MANY, TooManyFiles, check_pace
from services.uploads import check_waiting, drop_files, open_content, seal_content
from services.wrong_file import WrongFile, WrongFileReason
from storage.database import Database, Transaction
from storage.records import Upload
from storage.states import ProgramName, RequestState, StoryEvent, UploadState

log = logging.getLogger(__name__)

TRY_SECONDS = 60
"""How long one try may take; after a crash the next begins when the time is over."""
LEEWAY_SECONDS = 5
TRIES = 3
AT_ONCE = 4
KEPT_FOR = timedelta(hours=24)
"""So long a file that its holder gives no answer to is tried again."""
TRY_AGAIN = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=1)
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


class HolderSilent(Exception):
    """The file is whole, but its holder gave no usable answer; `content` is worth keeping."""

    def __init__(self, content: bytes, error: UpstreamError) -> None:
        super().__init__(str(error))
        self.content = content
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """A file with its proof."""

    content: bytes
    proof: Proof


class Proving:
    """Gives submitted files their outcome."""

    def __init__(  # noqa: PLR0913 - collaborators come by constructor
        self,
        *,
        database: Database,
        programs: Mapping[ProgramName, Program],
        files: FileSource,
        people: People,
        audit: AuditLog,
        notices: Notices,
        keys: KeyRing,
        organisations: Organisations,
        clock: Clock,
    ) -> None:
        self.database = database
        self.programs = programs
        self.files = files
        self.people = people
        self.audit = audit
        self.notices = notices
        self.keys = keys
        self.clock = clock
        self.activation = Activation(
            audit=audit, notices=notices, organisations=organisations, clock=clock
        )

    async def finish_due(self) -> list[Upload]:
        """Try every upload that is due, also those from before a restart.

        Returns those that got an outcome, or are kept for later.
        """
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
        return [one for one in looked_at if one and (one.ended_at or one.content)]

    async def next_seconds(self) -> float | None:
        """In how many seconds the next try is due; None if none waits."""
        async with self.database.read() as tx:
            at = await tx.uploads.next_at()
        return None if at is None else max(0.05, (at - machine_now()).total_seconds())

    async def _try(self, upload: Upload) -> None:
        until = machine_now() + timedelta(seconds=TRY_SECONDS)
        async with self.database.write() as tx:
            if not await tx.uploads.claim(upload, until):
                return
            request, token = await find_request(tx, upload.request_id)
        task = Task(upload=upload, request=request, token=token)
        if upload.attempts >= TRIES:
            # Each try before ended in a crash or a bug, whose traceback is in the log.
            await self._refuse(task, "internal_error", CRASHED)
            return
        try:
            async with asyncio.timeout(TRY_SECONDS - LEEWAY_SECONDS):
                await self._finish(task, await self._prove(task))
        except HolderSilent as silence:
            await self._keep(task, silence)
        except ServiceError as error:
            await self._refuse(task, _reason_of(error), error.user_message)
        except UpstreamError as error:
            await self._refuse(task, NO_ANSWER, error.user_message)
        except TimeoutError:
            await self._refuse(task, NO_ANSWER, SLOW)

    async def _prove(self, task: Task) -> _Proved:
        check_waiting(task.request, task.token)
        uploader = await self.people.actor(task.upload.uploader, fresh=True)
        if not uploader.member:
            raise NotAllowed(
                f"{uploader.id} is no member",
                user_message="Only full members of this workspace can upload server tokens.",
            )
        async with self.database.read() as tx:
            await check_pace(tx, task.upload)
        file = open_content(self.keys, task.upload)
        if file is None:
            file = await self.files.fetch(task.upload.file_id)
        program = self.programs[task.token.program]
        try:
            proof = await program.prove(task.token, Brought(file=file), purpose_of(task.request))
        except UpstreamError as error:
            if not error.retryable:
                raise
            raise HolderSilent(file, error) from error
        return _Proved(content=file, proof=proof)

    async def _finish(self, task: Task, proved: _Proved) -> None:
        async with self.database.write() as tx:
            request, token = await find_request(tx, task.request.id)
            now_task = Task(upload=task.upload, request=request, token=token)
            check_waiting(request, token)
            if _needs_approval(now_task, proved.proof):
                await self._hold(tx, now_task, proved)
                return
            if not await tx.uploads.accept(task.upload.id, self.clock.now()):
                return
            await self.activation.activate(tx, now_task, proved.proof)
            # Two files at once: the request is over, so the other has no use any more.
            await drop_files(tx, request, notices=self.notices, now=self.clock.now())

    async def _hold(self, tx: Transaction, task: Task, proved: _Proved) -> None:
        check_identity(task, proved.proof)
        sealed = seal_content(self.keys, task.upload, proved.content)
        changes = {"data_key": sealed.data_key, "content": sealed.content}
        if await tx.uploads.keep(task.upload, state=UploadState.HELD, **changes):
            await self.audit.append(tx, _deed(task, "upload.hold", {"waits_for": "approval"}))
            about = {"why": "approval", "person": task.upload.uploader}
            await self.notices.story(
                tx, task.request, StoryEvent.FILE_KEPT, task.upload.id, **about
            )

    async def _keep(self, task: Task, silence: HolderSilent) -> None:
        now, upload = machine_now(), task.upload
        until = upload.kept_until or now + KEPT_FOR
        if now >= until:
            await self._refuse(task, NO_ANSWER, silence.error.user_message)
            return
        first = upload.kept_until is None
        waited = now - (until - KEPT_FOR)
        pause = min(max(TRY_AGAIN, waited / 2), LONGEST_PAUSE)
        sealed = seal_content(self.keys, upload, silence.content)
        async with self.database.write(quiet=not first) as tx:
            kept = await tx.uploads.keep(
                upload,
                data_key=sealed.data_key,
                content=sealed.content,
                kept_until=until,
                due_at=min(now + pause, until),
            )
            if kept and first:
                await self.audit.append(
                    tx, _deed(task, "upload.hold", {"waits_for": "an answer", "reason": NO_ANSWER})
                )
                about = {"why": "silence", "person": upload.uploader}
                await self.notices.story(tx, task.request, StoryEvent.FILE_KEPT, upload.id, **about)
                await self.notices.upload_kept(tx, upload)

    async def _refuse(self, task: Task, reason: str, answer: str) -> None:
        told = await self._told_of(reason)
        async with self.database.write() as tx:
            if not await tx.uploads.refuse(task.upload.id, reason, answer, self.clock.now()):
                return
            await self.audit.append(tx, _deed(task, "upload.refuse", {"reason": reason}))
            await self.notices.upload_refused(tx, task.upload)
            about = {"person": task.upload.uploader, "upload": task.upload.id}
            await self.notices.story(
                tx, task.request, StoryEvent.FILE_REFUSED, task.upload.id, **about
            )
            for admin in told:
                await self.notices.incident(tx, task.upload, admin)
            if task.upload.file_id:
                await self.notices.file_cleanup(tx, task.upload)

    async def _told_of(self, reason: str) -> frozenset[str]:
        """Who hears of a file that was made for somebody else's key: an incident."""
        if reason != WrongFileReason.UNKNOWN_RECIPIENT.value:
            return frozenset()
        try:
            return await self.people.holders(Role.ADMIN, fresh=False)
        except UpstreamError as error:
            log.warning("admins_unknown", extra={"error": str(error)})
            return frozenset()


def _reason_of(error: ServiceError) -> str:
    match error:
        case WrongFile():
            return error.reason.value
        case TooManyFiles():
            return TOO_MANY
        case _:
            return "refused"


def _needs_approval(task: Task, proof: Proof) -> bool:
    """A file brought before the approval: only one of another server has to wait for it."""
    return task.request.state is RequestState.PENDING and replaces_server(task, proof)


def _deed(task: Task, action: str, after: Mapping[str, str]) -> Deed:
    origin = f"file:{task.upload.file_id or 'pasted'}"
    who = task.upload.uploader
    return request_deed(task.request, action, actor=who, origin=origin, after=after)

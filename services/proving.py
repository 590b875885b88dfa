"""Proving: what was brought is read, opened, tried with the holder, and gets its outcome.

Whatever goes wrong, the step stays open and nothing is half in force. What only the holder's
silence keeps from being proved waits, a file under seal, and so does one that is proved before the
approval that it needs. Where a holder takes nothing from us, the request goes on by hand.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from services.activation import Activation, Task, check_identity, replaces_server
from services.audit import AuditLog
from services.clock import Clock, machine_now
from services.errands import Brought, GoesOnByHand
from services.errors import NotAllowed, ServiceError, UpstreamError
from services.notices import Notices
from services.organisations import Organisations
from services.policy import People
from services.programs import Program, Proof
from services.request_facts import errand_of
from services.requests import find_request
from services.sealing import KeyRing
from services.taking_out import TAKING_OUT, TakingOut
from services.unproved import NO_ANSWER, HolderSilent, Unproved, brought_deed
from services.upload_limits import TOO_MANY, TooManyFiles, check_pace
from services.uploads import check_evidence, check_waiting, drop_brought, open_content
from services.wrong_file import WrongFile
from storage.database import Database, Transaction
from storage.records import Upload
from storage.states import Evidence, ProgramName, RequestState, StoryEvent, UploadState

TRY_SECONDS = 60
"""How long one try may take; after a crash the next begins when the time is over."""
LEEWAY_SECONDS = 5
TRIES = 3
AT_ONCE = 4
SLOW = "It took too long to answer. Nothing was changed. Try it once more in a few minutes."
CRASHED = (
    "This could not be checked because of a fault of ours, which is in the log. Nothing was "
    "changed. Tell your admin."
)


class FileSource(Protocol):
    """Where uploaded files are: Slack."""

    async def fetch(self, file_id: str) -> bytes:
        """The file's bytes, read up to a cap. Raises WrongFile or UpstreamError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """What was brought, with its proof."""

    file: bytes | None
    proof: Proof


class Proving:
    """Gives what was brought its outcome."""

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
        self.unproved = Unproved(
            database=database, people=people, audit=audit, notices=notices, keys=keys, clock=clock
        )
        self.taking_out = TakingOut(programs=programs, audit=audit, notices=notices, clock=clock)
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
        return [one for one in looked_at if one and (one.ended_at or _is_kept(one))]

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
            await self.unproved.refuse(task, "internal_error", CRASHED)
            return
        try:
            async with asyncio.timeout(TRY_SECONDS - LEEWAY_SECONDS):
                await self._look(task)
        except HolderSilent as silence:
            await self.unproved.keep(task, silence)
        except GoesOnByHand as turn:
            await self.unproved.go_on_by_hand(task, turn.user_message, turn.evidence)
        except ServiceError as error:
            await self.unproved.refuse(task, _reason_of(error), error.user_message)
        except UpstreamError as error:
            await self.unproved.refuse(task, NO_ANSWER, error.user_message)
        except TimeoutError:
            await self.unproved.refuse(task, NO_ANSWER, SLOW)

    async def _look(self, task: Task) -> None:
        upload = task.upload
        check_waiting(task.request, task.token)
        check_evidence(task.request, upload.evidence, only_check=upload.only_check)
        await self._check_uploader(task)
        if task.request.action in TAKING_OUT:
            await self._take_out(task)
            return
        file = await self._file(task) if upload.evidence is Evidence.SERVER_TOKEN_FILE else None
        if upload.only_check:
            await self._only_check(task, file or b"")
        else:
            await self._finish(task, await self._prove(task, file))

    async def _take_out(self, task: Task) -> None:
        """A person says that it is out of use at its holder: see whether it is, and write so."""
        try:
            keep = await self.taking_out.at_holder(task.request, task.token, done=True)
        except UpstreamError as error:
            if not error.retryable:
                raise
            raise HolderSilent(None, error) from error
        async with self.database.write() as tx:
            request, token = await find_request(tx, task.request.id)
            check_waiting(request, token)
            if await tx.uploads.accept(task.upload.id, self.clock.now()):
                await self.taking_out.complete(tx, request, token, keep)
                await drop_brought(tx, request, notices=self.notices, now=self.clock.now())

    async def _check_uploader(self, task: Task) -> None:
        uploader = await self.people.actor(task.upload.uploader, fresh=True)
        if not uploader.member:
            raise NotAllowed(
                f"{uploader.id} is no member",
                user_message="Only full members of this workspace can bring this.",
            )

    async def _file(self, task: Task) -> bytes:
        async with self.database.read() as tx:
            await check_pace(tx, task.upload)
        kept = open_content(self.keys, task.upload)
        return kept if kept is not None else await self.files.fetch(task.upload.file_id)

    async def _prove(self, task: Task, file: bytes | None) -> _Proved:
        program, upload = self.programs[task.token.program], task.upload
        brought = Brought(apple_id=upload.apple_id, file=file, expires_at=upload.expires_at)
        try:
            proof = await program.prove(task.token, brought, errand_of(task.request, task.token))
        except UpstreamError as error:
            if not error.retryable:
                raise
            raise HolderSilent(file, error) from error
        return _Proved(file=file, proof=proof)

    async def _only_check(self, task: Task, file: bytes) -> None:
        program, errand = self.programs[task.token.program], errand_of(task.request, task.token)
        answer = await program.check(task.token, file, errand)
        async with self.database.write() as tx:
            if await tx.uploads.checked(task.upload.id, answer, self.clock.now()):
                await self.audit.append(
                    tx, brought_deed(task, "upload.check", {"outcome": "right"})
                )
                await self.notices.upload_checked(tx, task.upload)
                await self.unproved.clean_up(tx, task.upload)

    async def _finish(self, task: Task, proved: _Proved) -> None:
        async with self.database.write() as tx:
            request, token = await find_request(tx, task.request.id)
            now_task = Task(upload=task.upload, request=request, token=token)
            check_waiting(request, token)
            check_evidence(request, task.upload.evidence, only_check=False)
            if _needs_approval(now_task, proved.proof):
                await self._hold(tx, now_task, proved)
                return
            if not await tx.uploads.accept(task.upload.id, self.clock.now()):
                return
            await self.activation.activate(tx, now_task, proved.proof)
            # Brought twice at once: the request is over, so the other has no use any more.
            await drop_brought(tx, request, notices=self.notices, now=self.clock.now())

    async def _hold(self, tx: Transaction, task: Task, proved: _Proved) -> None:
        check_identity(task, proved.proof)
        changes = self.unproved.sealed(task.upload, proved.file)
        if await tx.uploads.keep(task.upload, state=UploadState.HELD, **changes):
            await self.audit.append(
                tx, brought_deed(task, "upload.hold", {"waits_for": "approval"})
            )
            dated = task.upload.evidence is Evidence.EXPIRY_DATE
            about = {"why": "date" if dated else "approval", "person": task.upload.uploader}
            await self.notices.story(
                tx, task.request, StoryEvent.FILE_KEPT, task.upload.id, **about
            )


def _is_kept(upload: Upload) -> bool:
    return upload.state is UploadState.HELD or upload.kept_until is not None


def _reason_of(error: ServiceError) -> str:
    match error:
        case WrongFile():
            return error.reason.value
        case TooManyFiles():
            return TOO_MANY
        case _:
            return "refused"


def _needs_approval(task: Task, proof: Proof) -> bool:
    """Brought before the approval: what is of another server, or proves nothing, waits for it."""
    unproved = task.upload.evidence is Evidence.EXPIRY_DATE
    pending = task.request.state is RequestState.PENDING
    return pending and (unproved or replaces_server(task, proof))

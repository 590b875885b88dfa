"""Uploads: a submitted server token file is kept as a row before Slack gets its answer.

A file stays at Slack and is read for each try; text that was pasted has no other home and is kept
sealed until its outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services import names
from services.clock import Clock, machine_now
from services.errors import Invalid, InvalidForm, NotAllowed, Refused
from services.notices import Notices
from services.phrases import people, quoted
from services.requests import find_request
from services.sealing import KeyRing, SealedRow
from storage.database import Database, Transaction
from storage.records import Decision, Request, Token, Upload, new_id
from storage.states import RenewalCause, RequestState, UploadState

SEALED_TABLE = "upload"
CONTENT = "content"
TOO_LATE = "too_late"
OVER = (
    "The request that it was for is over, so the file was not used and nothing was kept of it. See "
    "`/enroll-token list`."
)
PASTED = 64 * 1024
"""Characters that a pasted text may have, as a file may have bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForm:
    """An upload form as submitted; `submission` is Slack's id of it, the same at each delivery.

    Either `file_id` names a file at Slack, or `text` is what the person pasted.
    """

    submission: str
    request_id: str
    apple_id: str
    file_id: str
    view_id: str
    text: str = field(default="", repr=False)


class Uploads:
    """Takes files in; `services/proving` gives each its outcome."""

    def __init__(self, *, database: Database, keys: KeyRing, clock: Clock) -> None:
        self.database = database
        self.keys = keys
        self.clock = clock

    async def open_step(self, person: str, request_id: str) -> tuple[Request, Token]:
        """The request that waits for a file, if this person may bring it.

        Raises NotFound, NotAllowed, or Refused if it does not wait (any more).
        """
        async with self.database.read() as tx:
            request, token = await find_request(tx, request_id)
            counted = await tx.decisions.counted(request_id)
        check_bringer(person, request, token, counted)
        check_waiting(request, token)
        return request, token

    async def about(self, upload: Upload) -> tuple[Request, Token]:
        """The request and the token that an upload is for."""
        async with self.database.read() as tx:
            return await find_request(tx, upload.request_id)

    async def submit(self, person: str, form: UploadForm) -> Upload:
        """Keep the upload; delivered twice it is one. Raises InvalidForm, or as `open_step`."""
        await self.open_step(person, form.request_id)
        _check(form)
        upload = self._sealed(self._received(person, form), form.text)
        async with self.database.write() as tx:
            before = await tx.uploads.of_key(form.submission)
            if before is not None:
                return before
            await tx.uploads.add(upload)
            return upload

    def _received(self, person: str, form: UploadForm) -> Upload:
        return Upload(
            id=new_id(),
            request_id=form.request_id,
            uploader=person,
            apple_id=names.apple_id(form.apple_id),
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

    def _sealed(self, upload: Upload, text: str) -> Upload:
        return seal_content(self.keys, upload, text.encode()) if text else upload


def seal_content(keys: KeyRing, upload: Upload, content: bytes) -> Upload:
    """The upload with the file's bytes under seal."""
    sealed = keys.seal_row(SEALED_TABLE, upload.id, {CONTENT: content})
    return replace(upload, data_key=sealed.data_key, content=sealed.fields[CONTENT])


def open_content(keys: KeyRing, upload: Upload) -> bytes | None:
    """The file's bytes, where they are kept. Raises SealBroken."""
    if upload.data_key is None or upload.content is None:
        return None
    row = SealedRow(data_key=upload.data_key, fields={CONTENT: upload.content})
    return keys.open_row(SEALED_TABLE, upload.id, row)[CONTENT]


def bringers(request: Request, token: Token) -> set[str]:
    """Who may bring the request's file, unless they decided on it."""
    return {one for one in (request.requester, token.owner, request.handed_to) if one}


def check_bringer(person: str, request: Request, token: Token, counted: Sequence[Decision]) -> None:
    """Raise NotAllowed, saying who can, unless the person may bring the request's file."""
    decided = {decision.person for decision in counted}
    may = people(bringers(request, token) - decided)
    if person in decided:
        raise NotAllowed(
            f"{person} decided on request {request.id}",
            user_message=f"You decided on this request, so the file has to come from {may}.",
        )
    if person not in bringers(request, token):
        raise NotAllowed(
            f"{person} may not bring the file of request {request.id}",
            user_message=f"This file can only be uploaded by {may}. Send it to one of them, or "
            "let them hand the upload to you with *Hand to…*.",
        )


def waits_for_file(request: Request) -> bool:
    """Whether a file may be brought: after the approval, or before it for a dead token."""
    downloaded = request.cause is RenewalCause.ALREADY_DOWNLOADED
    return request.state is RequestState.AWAITING_UPLOAD or (
        request.state is RequestState.PENDING and downloaded
    )


def check_waiting(request: Request, token: Token) -> None:
    """Raise Refused unless a file may be brought."""
    if not waits_for_file(request):
        state = request.state.value.replace("_", " ")
        raise Refused(
            f"request {request.id} is {state}",
            user_message=f"The request for {quoted(token.name)} does not wait for a file: it is "
            f"{state}. See `/enroll-token list`.",
        )


async def drop_files(tx: Transaction, request: Request, *, notices: Notices, now: datetime) -> None:
    """Give the files of a request that is over their outcome: what was kept is destroyed."""
    for upload in await tx.uploads.undecided(request.id):
        if await tx.uploads.refuse(upload.id, TOO_LATE, OVER, now):
            await notices.upload_refused(tx, upload)
            if upload.file_id:
                await notices.file_cleanup(tx, upload)


def _check(form: UploadForm) -> None:
    wrong: dict[str, str] = {}
    try:
        names.apple_id(form.apple_id)
    except Invalid as error:
        wrong["apple_id"] = error.user_message
    if not form.file_id and not form.text.strip():
        wrong["file"] = "Choose the .p7m file that you downloaded at the portal."
    if form.file_id and form.text.strip():
        wrong["text"] = "You chose a file as well. Leave one of the two out."
    if len(form.text) > PASTED:
        wrong["text"] = (
            "This is too long for a server token file, which has about 1,500 characters."
        )
    if wrong:
        raise InvalidForm(wrong)

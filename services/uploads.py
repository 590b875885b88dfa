"""Uploads: what a person brings is kept as a row before Slack gets its answer.

Most often that is a server token file; where its holder takes none from us, it is their word that
they are done, or the date that the holder's console shows. A file stays at Slack and is read for
each try; text that was pasted has no other home and is kept sealed until its outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services import names
from services.calendar import Calendar
from services.clock import Clock, machine_now
from services.errors import Invalid, InvalidForm, NotAllowed, Refused
from services.expiry_dates import expiry_date
from services.notices import Notices
from services.phrases import people, quoted
from services.requests import find_request
from services.sealing import KeyRing, SealedRow
from storage.database import Database, Transaction
from storage.records import Decision, Request, Token, Upload, new_id
from storage.states import Evidence, RenewalCause, RequestState, UploadState

SEALED_TABLE = "upload"
CONTENT = "content"
TOO_LATE = "too_late"
OVER = (
    "The request that it was for is over, so it was not used and nothing was kept of it. See "
    "`/enroll-token list`."
)
WAITED_FOR = {
    Evidence.SERVER_TOKEN_FILE: "the server token file",
    Evidence.EXPIRY_DATE: "the expiry date that the admin center shows",
    Evidence.THEIR_WORD: "the steps in the admin center",
}
"""What a request waits for, in a sentence; a test proves that none is missing."""
PASTED = 64 * 1024
"""Characters that a pasted text may have, as a file may have bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForm:
    """What was submitted; `submission` is Slack's id of it, the same at each delivery.

    A file is named by `file_id` at Slack, or `text` is what the person pasted. `expires_on` is a
    date as it was picked. With `only_check` they want to know whether the file is the right one.
    """

    submission: str
    request_id: str
    apple_id: str = ""
    file_id: str = ""
    view_id: str = ""
    text: str = field(default="", repr=False)
    evidence: Evidence = Evidence.SERVER_TOKEN_FILE
    expires_on: str = ""
    only_check: bool = False


class Uploads:
    """Takes in what people bring; `services/proving` gives each its outcome."""

    def __init__(
        self, *, database: Database, keys: KeyRing, calendar: Calendar, clock: Clock
    ) -> None:
        self.database = database
        self.keys = keys
        self.calendar = calendar
        self.clock = clock

    async def open_step(self, person: str, request_id: str) -> tuple[Request, Token]:
        """The request that waits for somebody to bring something, if this person may.

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
        request, token = await self.open_step(person, form.request_id)
        check_evidence(request, form.evidence, only_check=form.only_check)
        expires_at = self._checked(form, token)
        apple_id = form.apple_id or request.apple_id or token.apple_id
        received = self._received(person, replace(form, apple_id=apple_id))
        upload = self._sealed(replace(received, expires_at=expires_at), form.text)
        async with self.database.write() as tx:
            before = await tx.uploads.of_key(form.submission)
            if before is not None:
                return before
            await tx.uploads.add(upload)
            return upload

    async def shown_in(self, upload: Upload, view_id: str) -> Upload:
        """From now on its outcome is shown in this view; the upload as it is by then."""
        async with self.database.write(quiet=True) as tx:
            await tx.uploads.show_in(upload.id, view_id)
            return await tx.uploads.get(upload.id) or upload

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
            evidence=form.evidence,
            only_check=form.only_check,
        )

    def _checked(self, form: UploadForm, token: Token) -> datetime | None:
        """The date, where one was submitted. Raises InvalidForm."""
        wrong: dict[str, str] = {}
        at = None
        if form.evidence is Evidence.EXPIRY_DATE:
            known, now = token.expires_at, self.clock.now()
            try:
                at = expiry_date(form.expires_on, now=now, calendar=self.calendar, known=known)
            except Invalid as error:
                wrong[error.field or ""] = error.user_message
        if form.evidence is not Evidence.THEIR_WORD and not form.only_check:
            wrong |= _wrong_apple_id(form)
        if form.evidence is Evidence.SERVER_TOKEN_FILE:
            wrong |= _wrong_file(form)
        if wrong:
            raise InvalidForm(wrong)
        return at

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
    """Who may bring what the request waits for, unless they decided on it."""
    return {one for one in (request.requester, token.owner, request.handed_to) if one}


def check_bringer(person: str, request: Request, token: Token, counted: Sequence[Decision]) -> None:
    """Raise NotAllowed, saying who can, unless the person may bring what it waits for."""
    decided = {decision.person for decision in counted}
    may = people(bringers(request, token) - decided)
    if person in decided:
        raise NotAllowed(
            f"{person} decided on request {request.id}",
            user_message=f"You decided on this request, so this is for {may} to do.",
        )
    if person not in bringers(request, token):
        raise NotAllowed(
            f"{person} may not bring anything for request {request.id}",
            user_message=f"Only {may} can do this. Send it to one of them, or let them hand it to "
            "you with *Hand to…*.",
        )


def evidence_of(request: Request) -> Evidence:
    """What the request's person brings; a file as long as nothing else is known."""
    return request.evidence or Evidence.SERVER_TOKEN_FILE


def waits_for_evidence(request: Request) -> bool:
    """Whether somebody is to act: after the approval, or before it for a dead token."""
    downloaded = request.cause is RenewalCause.ALREADY_DOWNLOADED and request.evidence is not None
    return request.state is RequestState.AWAITING_UPLOAD or (
        request.state is RequestState.PENDING and downloaded
    )


def check_waiting(request: Request, token: Token) -> None:
    """Raise Refused unless something may be brought."""
    if not waits_for_evidence(request):
        state = request.state.value.replace("_", " ")
        raise Refused(
            f"request {request.id} is {state}",
            user_message=f"The request for {quoted(token.name)} does not wait for "
            f"{WAITED_FOR[evidence_of(request)]}: it is {state}. See `/enroll-token list`.",
        )


def check_evidence(request: Request, brought: Evidence, *, only_check: bool) -> None:
    """Raise Refused if the request waits for something else by now.

    A file may be checked where it is brought to the holder's console.
    """
    wanted = evidence_of(request)
    checks = only_check and wanted is Evidence.THEIR_WORD
    if brought is not wanted and not checks:
        raise Refused(
            f"request {request.id} takes {wanted}, not {brought}",
            user_message=f"This request now waits for {WAITED_FOR[wanted]}. Your newest message "
            "with the numbered steps says how it goes on.",
        )


async def drop_brought(
    tx: Transaction, request: Request, *, notices: Notices, now: datetime
) -> None:
    """Give what was brought for a request that is over its outcome: what was kept is destroyed."""
    for upload in await tx.uploads.undecided(request.id):
        if await tx.uploads.refuse(upload.id, TOO_LATE, OVER, now):
            await notices.upload_refused(tx, upload)
            if upload.file_id:
                await notices.file_cleanup(tx, upload)


def _wrong_apple_id(form: UploadForm) -> dict[str, str]:
    try:
        names.apple_id(form.apple_id)
    except Invalid as error:
        return {"apple_id": error.user_message}
    return {}


def _wrong_file(form: UploadForm) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not form.file_id and not form.text.strip():
        wrong["file"] = "Choose the .p7m file that you downloaded at the portal."
    if form.file_id and form.text.strip():
        wrong["text"] = "You chose a file as well. Leave one of the two out."
    if len(form.text) > PASTED:
        wrong["text"] = (
            "This is too long for a server token file, which has about 1,500 characters."
        )
    return wrong

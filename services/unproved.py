"""Unproved: what becomes of what was brought and could not be proved (yet).

It is kept and tried again, refused with a reason, or the request goes on by hand in the console of
a holder that takes nothing from us. Nothing else is changed.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from services.activation import Task, origin_of
from services.audit import AuditLog, Deed
from services.clock import Clock, machine_now
from services.errands import SILENCE, NotShown, Patience
from services.errors import UpstreamError
from services.notices import Notices
from services.policy import People, Role
from services.request_deeds import request_deed
from services.requests import find_request
from services.sealing import KeyRing
from services.uploads import seal_content, waits_for_evidence
from services.wrong_file import WrongFileReason
from storage.database import Database, Transaction
from storage.records import Upload
from storage.states import Evidence, StoryEvent

log = logging.getLogger(__name__)

LAST = datetime.max.replace(tzinfo=UTC)

NO_ANSWER, NOT_SHOWN, BY_HAND = "no_answer", "not_shown", "by_hand"


class HolderSilent(Exception):
    """Its holder gave no usable answer, or does not show it yet; a file is worth keeping."""

    def __init__(self, file: bytes | None, error: UpstreamError) -> None:
        super().__init__(str(error))
        self.file = file
        self.error = error

    @property
    def patience(self) -> Patience:
        """For how long it is tried again."""
        return self.error.patience if isinstance(self.error, NotShown) else SILENCE

    @property
    def reason(self) -> str:
        """Why it waits, in one word."""
        return NOT_SHOWN if isinstance(self.error, NotShown) else NO_ANSWER


class Unproved:
    """Gives what was brought an outcome other than success, or another try."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: Notices,
        keys: KeyRing,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.keys = keys
        self.clock = clock

    def sealed(self, upload: Upload, file: bytes | None) -> dict[str, object]:
        """A file that is kept, under seal; nothing where there is none."""
        if file is None:
            return {}
        sealed = seal_content(self.keys, upload, file)
        return {"data_key": sealed.data_key, "content": sealed.content}

    async def keep(self, task: Task, silence: HolderSilent) -> None:
        """Try it again later, as long as its holder is given."""
        now, upload, patience = machine_now(), task.upload, silence.patience
        # A holder that speaks again gets the time of its new answer, and none gets more in all.
        until = min(upload.kept_until or LAST, now + patience.kept_for)
        if now >= until:
            await self._give_up(task, silence)
            return
        first = upload.kept_until is None
        kept: dict[str, object] = {
            "kept_until": until,
            "due_at": now
            + patience.pause(waited=now - (until - patience.kept_for), left=until - now),
        }
        if silence.reason == NOT_SHOWN:
            kept["answer"] = silence.error.user_message
        async with self.database.write(quiet=not first) as tx:
            sealed = self.sealed(upload, silence.file)
            if await tx.uploads.keep(upload, **kept, **sealed) and first:
                await self._tell_kept(tx, task, silence)

    async def _tell_kept(self, tx: Transaction, task: Task, silence: HolderSilent) -> None:
        upload, after = task.upload, {"waits_for": "an answer", "reason": silence.reason}
        await self.audit.append(tx, brought_deed(task, "upload.hold", after))
        why = "silence" if silence.reason == NO_ANSWER else NOT_SHOWN
        about = {"why": why, "person": upload.uploader}
        await self.notices.story(tx, task.request, StoryEvent.FILE_KEPT, upload.id, **about)
        await self.notices.upload_kept(tx, upload)

    async def _give_up(self, task: Task, silence: HolderSilent) -> None:
        """A file that its holder took and never showed goes on by hand; a word stays unproved."""
        took = silence.reason == NOT_SHOWN and silence.file is not None
        if took:
            await self.go_on_by_hand(task, silence.error.user_message)
        else:
            await self.refuse(task, silence.reason, silence.error.user_message)

    async def go_on_by_hand(
        self, task: Task, why: str, evidence: Evidence = Evidence.THEIR_WORD
    ) -> None:
        """The same request goes on in its holder's console, and everybody is told why."""
        now = self.clock.now()
        async with self.database.write() as tx:
            request, _ = await find_request(tx, task.request.id)
            turned = {"evidence": evidence, "detour": why}
            if not await tx.uploads.refuse(task.upload.id, BY_HAND, why, now):
                return
            if waits_for_evidence(request) and await tx.requests.amend(request, **turned):
                after = {"evidence": evidence.value, "why": why}
                await self.audit.append(tx, brought_deed(task, "request.by_hand", after))
                await self.notices.story(tx, request, StoryEvent.BY_HAND, task.upload.id)
                await self.notices.steps(tx, request, f"by_hand:{task.upload.id}")
                await self.notices.request_card(tx, request, f"by_hand:{task.upload.id}")
            await self.notices.upload_refused(tx, task.upload)
            await self.clean_up(tx, task.upload)

    async def refuse(self, task: Task, reason: str, answer: str) -> None:
        """Say why it is not taken; the step stays open."""
        upload = task.upload
        told = await self._told_of(task, reason)
        async with self.database.write() as tx:
            if not await tx.uploads.refuse(upload.id, reason, answer, self.clock.now()):
                return
            action = "upload.check" if upload.only_check else "upload.refuse"
            await self.audit.append(tx, brought_deed(task, action, {"reason": reason}))
            await self.notices.upload_refused(tx, upload)
            if not upload.only_check:
                about = {"person": upload.uploader, "upload": upload.id}
                await self.notices.story(
                    tx, task.request, StoryEvent.FILE_REFUSED, upload.id, **about
                )
            for admin in told:
                await self.notices.incident(tx, upload, admin)
            await self.clean_up(tx, upload)

    async def clean_up(self, tx: Transaction, upload: Upload) -> None:
        """Let the file leave Slack."""
        if upload.file_id:
            await self.notices.file_cleanup(tx, upload)

    async def _told_of(self, task: Task, reason: str) -> frozenset[str]:
        """Who hears of a file that was made for somebody else's key: an incident."""
        strange = reason == WrongFileReason.UNKNOWN_RECIPIENT.value
        if not strange or task.upload.only_check:
            return frozenset()
        try:
            return await self.people.holders(Role.ADMIN, fresh=False)
        except UpstreamError as error:
            log.warning("admins_unknown", extra={"error": str(error)})
            return frozenset()


def brought_deed(task: Task, action: str, after: Mapping[str, str]) -> Deed:
    """What is audited of something that was brought."""
    origin = origin_of(task.upload)
    who = task.upload.uploader
    return request_deed(task.request, action, actor=who, origin=origin, after=after)

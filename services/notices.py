"""Which message goes where: each method writes one outbox row in the caller's transaction.

A row holds ids. What the message says is drawn from the records when it is posted, so that a late
post tells the newest state.
"""

from dataclasses import dataclass
from datetime import date, datetime

from services.clock import machine_now
from storage.audit import Wanted
from storage.database import Transaction
from storage.records import Decision, Notice, OutboxItem, Request, SyncRun, Upload
from storage.states import NoticeKind, StoryEvent
from storage.sync_records import LossQuestion

ABOUT_REQUESTS = [kind for kind in NoticeKind if kind.value.startswith("request_")]
"""What goes to the approvals channel, where it goes to a channel; the rest goes to alerts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Slack's ids of the channels that get alerts and requests."""

    alert: str
    approval: str


class Notices:
    """Addresses messages; the dedupe key of each says what it is about and at which stage."""

    def __init__(self, channels: Channels) -> None:
        self.channels = channels

    async def new_request_card(self, tx: Transaction, request: Request) -> None:
        """A new request in the approvals channel."""
        kind, channel = NoticeKind.REQUEST_CARD, self.channels.approval
        await tx.outbox.put(_stage(kind, request.id, channel, stage=request.state), machine_now())

    async def request_card(self, tx: Transaction, request: Request, stage: str) -> None:
        """The request in the approvals channel, or its edit in place at a later stage."""
        await self._put(tx, NoticeKind.REQUEST_CARD, self.channels.approval, request.id, stage)

    async def news(self, tx: Transaction, request: Request, stage: str) -> None:
        """What became of the request, for its requester."""
        kind = NoticeKind.REQUEST_NEWS
        await self._put(tx, kind, request.requester, request.id, stage)

    async def story(
        self,
        tx: Transaction,
        request: Request,
        event: StoryEvent,
        about: str = "",
        **facts: str,
    ) -> None:
        """What happened to the request, as a reply in its card's thread; once for each `about`."""
        kind, channel = NoticeKind.REQUEST_STORY, self.channels.approval
        card = await tx.outbox.first_of(NoticeKind.REQUEST_CARD, request.id, channel)
        notice = Notice(
            kind=kind,
            destination=channel,
            subject_id=request.id,
            dedupe_key=f"{kind}:{request.id}:{event}:{about}",
            facts={"event": event.value, **facts},
            replies_to=card.id if card else None,
        )
        await tx.outbox.put(notice, machine_now())

    async def upload_nag(self, tx: Transaction, request: Request, person: str, day: date) -> None:
        """That the file is still waited for, for somebody who may bring it, once a day."""
        kind = NoticeKind.UPLOAD_NAG
        notice = Notice(
            kind=kind,
            destination=person,
            subject_id=request.id,
            dedupe_key=f"{kind}:{request.id}:{person}:{day}",
            facts={},
        )
        await tx.outbox.put(notice, machine_now())

    async def click_answer(self, tx: Transaction, decision: Decision, channel: str) -> None:
        """Why a click had no effect, seen by that person only."""
        notice = Notice(
            kind=NoticeKind.CLICK_ANSWER,
            destination=channel,
            subject_id=decision.id,
            dedupe_key=f"{NoticeKind.CLICK_ANSWER}:{decision.id}",
            facts={},
            visible_to=decision.person,
        )
        await tx.outbox.put(notice, machine_now())

    async def certificate(self, tx: Transaction, request: Request, key_pair_id: str) -> None:
        """The public-key certificate as a file, for the requester."""
        await self._put(tx, NoticeKind.CERTIFICATE, request.requester, key_pair_id, "made")

    async def steps(self, tx: Transaction, request: Request, stage: str) -> None:
        """What to do at the portal, for whoever may bring the file; later the outcome in place."""
        for person in {request.requester, request.handed_to or request.requester}:
            await self._put(tx, NoticeKind.STEPS, person, request.id, stage)

    async def upload_refused(self, tx: Transaction, upload: Upload) -> None:
        """Why what they brought was not taken, for its uploader."""
        await self._put(tx, NoticeKind.UPLOAD_REFUSED, upload.uploader, upload.id, "refused")

    async def incident(self, tx: Transaction, upload: Upload, admin: str) -> None:
        """That a file was made for a key that nobody here knows, for an admin."""
        await self._put(tx, NoticeKind.INCIDENT, admin, upload.id, "told")

    async def upload_kept(self, tx: Transaction, upload: Upload) -> None:
        """That what they brought waits for its holder's answer, for its uploader."""
        await self._put(tx, NoticeKind.UPLOAD_KEPT, upload.uploader, upload.id, "kept")

    async def upload_checked(self, tx: Transaction, upload: Upload) -> None:
        """What a file is that somebody wanted to have checked, for them."""
        await self._put(tx, NoticeKind.UPLOAD_CHECKED, upload.uploader, upload.id, "checked")

    async def file_cleanup(self, tx: Transaction, upload: Upload) -> None:
        """The uploaded file leaves Slack, or its uploader is asked to delete it."""
        await self._put(tx, NoticeKind.FILE_CLEANUP, upload.uploader, upload.id, "used")

    async def token_active(self, tx: Transaction, request: Request) -> None:
        """A token came into use, or was renewed, for the alert channel."""
        await self._put(tx, NoticeKind.TOKEN_ACTIVE, self.channels.alert, request.id, "active")

    async def token_gone(self, tx: Transaction, request: Request) -> None:
        """A token was deleted, or its devices removed here, for the alert channel."""
        await self._put(tx, NoticeKind.TOKEN_GONE, self.channels.alert, request.id, "done")

    async def sync_result(self, tx: Transaction, run: SyncRun) -> None:
        """What a sync changed or why it failed, for the alert channel."""
        await self._put(tx, NoticeKind.SYNC_RESULT, self.channels.alert, run.id, "ended")

    async def sync_asked(self, tx: Transaction, run: SyncRun, person: str) -> None:
        """How far the sync is, for a person who asked for it; asked twice by them, once."""
        notice = Notice(
            kind=NoticeKind.SYNC_PROGRESS,
            destination=person,
            subject_id=run.id,
            dedupe_key=f"{NoticeKind.SYNC_PROGRESS}:{run.id}:{person}",
            facts={},
        )
        await tx.outbox.put(notice, machine_now())

    async def sync_progress(self, tx: Transaction, run: SyncRun) -> None:
        """How far the sync is, in place, for everybody who asked for it.

        What waits to leave is drawn when it leaves, so it needs no further edit: however long
        Slack keeps us waiting, one edit for each of them waits.
        """
        kind = NoticeKind.SYNC_PROGRESS
        undrawn = await tx.outbox.undrawn(kind, run.id)
        for original in await tx.outbox.originals(kind, run.id):
            if original.id in undrawn:
                continue
            stage = f"{run.state}:{run.fence}:{run.pages}:{run.tries}"
            notice = Notice(
                kind=kind,
                destination=original.destination,
                subject_id=run.id,
                dedupe_key=f"{kind}:{original.id}:{stage}",
                facts={},
                edits=original.id,
            )
            await tx.outbox.put(notice, machine_now())

    async def loss_question(
        self, tx: Transaction, question: LossQuestion, stage: str | None = None
    ) -> None:
        """Whether missing devices are gone, for the alert channel; later the answer in place."""
        about = (question.id, stage or question.state)
        await self._put(tx, NoticeKind.LOSS_QUESTION, self.channels.alert, *about)

    async def channel_closed(
        self, tx: Transaction, item: OutboxItem, admin: str, error: str, today: date
    ) -> None:
        """That a channel does not take our messages, for an admin, once a day."""
        notice = Notice(
            kind=NoticeKind.CHANNEL_CLOSED,
            destination=admin,
            subject_id=item.subject_id,
            dedupe_key=f"{NoticeKind.CHANNEL_CLOSED}:{item.destination}:{admin}:{today}",
            facts={"channel": item.destination, "error": error},
        )
        await tx.outbox.put(notice, machine_now())

    async def message_refused(
        self, tx: Transaction, item: OutboxItem, admin: str, error: str, today: date
    ) -> None:
        """That a message was given up, for an admin; more of its kind that day are only logged."""
        if item.kind in {NoticeKind.MESSAGE_REFUSED, NoticeKind.CHANNEL_CLOSED}:
            return
        kind = NoticeKind.MESSAGE_REFUSED
        notice = Notice(
            kind=kind,
            destination=admin,
            subject_id=item.subject_id,
            dedupe_key=f"{kind}:{item.kind}:{error}:{admin}:{today}"[:255],
            facts={
                "kind": item.kind.value,
                "number": str(item.id),
                "destination": item.destination,
                "error": error,
            },
        )
        await tx.outbox.put(notice, machine_now())

    async def readdress(self, tx: Transaction, now: datetime) -> int:
        """Send what waits for a channel that is not set any more to the one that is; how many."""
        named = (self.channels.alert, self.channels.approval)
        others = [kind for kind in NoticeKind if kind not in ABOUT_REQUESTS]
        moved = await tx.outbox.move(ABOUT_REQUESTS, named, self.channels.approval, now)
        return moved + await tx.outbox.move(others, named, self.channels.alert, now)

    async def history_export(self, tx: Transaction, person: str, wanted: Wanted, key: str) -> None:
        """The wanted entries of the history as a file, for the person who asked for it."""
        filters = {"actor": wanted.actor, "action": wanted.action}
        notice = Notice(
            kind=NoticeKind.HISTORY_EXPORT,
            destination=person,
            subject_id=wanted.token_id or "",
            dedupe_key=f"{NoticeKind.HISTORY_EXPORT}:{key}",
            facts={name: value for name, value in filters.items() if value is not None},
        )
        await tx.outbox.put(notice, machine_now())

    async def _put(self, tx: Transaction, kind: NoticeKind, destination: str, *about: str) -> None:
        subject_id, stage = about
        first = await tx.outbox.first_of(kind, subject_id, destination)
        edits = first.id if first else None
        await tx.outbox.put(
            _stage(kind, subject_id, destination, stage=stage, edits=edits), machine_now()
        )


def _stage(
    kind: NoticeKind, subject_id: str, destination: str, *, stage: str, edits: int | None = None
) -> Notice:
    return Notice(
        kind=kind,
        destination=destination,
        subject_id=subject_id,
        dedupe_key=f"{kind}:{subject_id}:{destination}:{stage}",
        facts={},
        edits=edits,
    )

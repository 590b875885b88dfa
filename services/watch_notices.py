"""Which message of the watch goes where; a row holds ids, and is drawn when it is posted."""

from collections.abc import Iterable, Mapping

from services.clock import machine_now
from services.notices import Channels
from storage.database import Transaction
from storage.records import Notice, OutboxItem, new_id
from storage.states import NoticeKind


class WatchNotices:
    """Addresses the messages of reminders, alerts, reports and the digest."""

    def __init__(self, channels: Channels) -> None:
        self.channels = channels

    async def say(
        self,
        tx: Transaction,
        kind: NoticeKind,
        subject_id: str,
        *,
        to: str = "",
        stage: str = "said",
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """A new message: to a person, or without one to the alert channel."""
        destination = to or self.channels.alert
        notice = Notice(
            kind=kind,
            destination=destination,
            subject_id=subject_id,
            dedupe_key=self.key(kind, subject_id, to=to, stage=stage),
            facts=dict(facts or {}),
        )
        await tx.outbox.put(notice, machine_now())

    def key(self, kind: NoticeKind, subject_id: str, *, to: str = "", stage: str = "said") -> str:
        """What makes a message the same."""
        return f"{kind}:{subject_id}:{to or self.channels.alert}:{stage}"

    async def redraw(self, tx: Transaction, kind: NoticeKind, subject_ids: Iterable[str]) -> None:
        """Every message of that kind about these subjects, drawn anew in its place."""
        for subject_id in sorted(set(subject_ids)):
            for original in await tx.outbox.originals(kind, subject_id):
                await self._edit(tx, original)

    async def _edit(self, tx: Transaction, original: OutboxItem) -> None:
        # The caller's own compare-and-set sees to it that one change is one edit.
        notice = Notice(
            kind=original.kind,
            destination=original.destination,
            subject_id=original.subject_id,
            dedupe_key=f"{original.kind}:{original.id}:{new_id()}",
            facts=original.facts,
            edits=original.id,
        )
        await tx.outbox.put(notice, machine_now())

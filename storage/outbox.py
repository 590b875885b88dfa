"""Messages on their way to Slack, written in the transaction of the change that they tell of."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from storage import tables
from storage.records import Notice, OutboxItem, new_id
from storage.rows import Rows
from storage.states import NoticeKind, OutboxState

WAITING = (OutboxState.DUE, OutboxState.SENDING)
REFUSING = "closed: "
"""What the error begins with while a destination does not take messages."""


class Outbox(Rows[OutboxItem]):
    """The outbox; a destination's messages leave in the order in which they were written."""

    table = tables.outbox
    record = OutboxItem

    async def put(self, notice: Notice, now: datetime) -> None:
        """Add a message that is due now, unless one with its dedupe key is there already."""
        statement = insert(self.table).values(
            kind=notice.kind,
            destination=notice.destination,
            subject_id=notice.subject_id,
            dedupe_key=notice.dedupe_key,
            facts=notice.facts,
            visible_to=notice.visible_to,
            edits=notice.edits,
            replies_to=notice.replies_to,
            mark=new_id(),
            state=OutboxState.DUE,
            attempts=0,
            repeats=0,
            due_at=now,
            created_at=now,
        )
        await self.connection.execute(
            statement.on_conflict_do_nothing(index_elements=["dedupe_key"])
        )

    async def next_due(self, now: datetime) -> OutboxItem | None:
        """The oldest message that may leave: due, or left by a dead worker, and first in line.

        An edit or a reply does not leave before its message, wherever that one goes.
        """
        table = self.table.c
        may_leave = or_(
            (table.state == OutboxState.DUE) & (table.due_at <= now),
            (table.state == OutboxState.SENDING) & (table.lease_until <= now),
        )
        query = self.select(*self._in_front(), may_leave)
        return next(iter(await self.all(query.order_by(table.id).limit(1))), None)

    async def claim(self, item: OutboxItem, now: datetime, lease: timedelta) -> bool:
        """Compare and set: take the message for one attempt; False if another worker has it."""
        table = self.table.c
        unsure_since = item.unsure_since
        if item.state is OutboxState.SENDING and unsure_since is None:
            # Left by a worker that died: nobody knows whether Slack got it.
            unsure_since = item.claimed_at or item.created_at
        changed = await self.change(
            table.id == item.id,
            table.state == item.state,
            table.attempts == item.attempts,
            state=OutboxState.SENDING,
            attempts=item.attempts + 1,
            claimed_at=now,
            lease_until=now + lease,
            unsure_since=unsure_since,
        )
        return changed == 1

    async def settle_doubt(
        self, item: OutboxItem, now: datetime, lease: timedelta, *, repeat: bool
    ) -> bool:
        """Compare and set: post it (again) from now on; `repeat` if Slack may have it already."""
        return await self._held(
            item,
            unsure_since=None,
            repeats=item.repeats + repeat,
            claimed_at=now,
            lease_until=now + lease,
        )

    async def sent(
        self, item: OutboxItem, *, channel: str | None, ts: str | None, at: datetime
    ) -> bool:
        """Slack has it, in that channel under that message id."""
        return await self._held(
            item,
            state=OutboxState.SENT,
            posted_channel=channel,
            posted_ts=ts,
            sent_at=at,
            lease_until=None,
            unsure_since=None,
            error=None,
        )

    async def postpone(
        self, item: OutboxItem, due_at: datetime, error: str, **changes: object
    ) -> bool:
        """Try again then, with those changes to the row."""
        return await self._held(
            item,
            state=OutboxState.DUE,
            due_at=due_at,
            lease_until=None,
            error=error,
            **changes,
        )

    async def close(self, item: OutboxItem, due_at: datetime, error: str) -> bool:
        """Try again then: its destination does not take messages."""
        return await self.postpone(item, due_at, f"{REFUSING}{error}")

    async def bury(self, item: OutboxItem, error: str) -> bool:
        """Slack will not take it."""
        return await self._held(item, state=OutboxState.DEAD, lease_until=None, error=error)

    async def hurry(self, now: datetime, *, but: str) -> None:
        """Try at once what waits for anything else than that reason."""
        table = self.table.c
        await self.change(
            table.state == OutboxState.DUE, table.due_at > now, table.error != but, due_at=now
        )

    async def move(
        self, kinds: Collection[NoticeKind], channels: Collection[str], to: str, now: datetime
    ) -> int:
        """Send what waits for a refusing channel that is none of these to another; how many."""
        table = self.table.c
        refused = self.table.alias().c
        refusing = select(refused.destination).where(
            refused.state == OutboxState.DUE, refused.error.startswith(REFUSING)
        )
        return await self.change(
            table.state == OutboxState.DUE,
            table.kind.in_(kinds),
            table.visible_to.is_(None),
            or_(table.destination.startswith("C"), table.destination.startswith("G")),
            table.destination.not_in(channels),
            table.destination.in_(refusing),
            destination=to,
            due_at=now,
            error=None,
        )

    async def standing(self, item: OutboxItem) -> OutboxItem | None:
        """The message that an edit changes or a reply answers, as it stands at Slack.

        That is the newest of the message that the item names and of its edits: one that was gone
        was posted anew by a later edit; from then on that one counts.
        """
        named = item.edits or item.replies_to
        if named is None or item.anew:
            return None
        table = self.table.c
        query = self.select(
            or_(table.id == named, table.edits == named),
            table.id < item.id,
            table.state == OutboxState.SENT,
            table.posted_ts.is_not(None),
        )
        return next(iter(await self.all(query.order_by(table.id.desc()).limit(1))), None)

    async def first_of(
        self, kind: NoticeKind, subject_id: str, destination: str
    ) -> OutboxItem | None:
        """The first message there of that kind about that subject, which later ones edit."""
        table = self.table.c
        query = self.select(
            table.kind == kind,
            table.subject_id == subject_id,
            table.destination == destination,
            table.edits.is_(None),
        )
        return next(iter(await self.all(query.order_by(table.id).limit(1))), None)

    async def originals(self, kind: NoticeKind, subject_id: str) -> list[OutboxItem]:
        """Every message of that kind about that subject that is no edit of another."""
        table = self.table.c
        query = self.select(
            table.kind == kind, table.subject_id == subject_id, table.edits.is_(None)
        )
        return await self.all(query.order_by(table.id))

    async def undelivered(self, kind: NoticeKind, since: datetime) -> list[OutboxItem]:
        """Messages of that kind that Slack would not take, written since then."""
        table = self.table.c
        query = self.select(
            table.state == OutboxState.DEAD, table.due_at >= since, table.kind == kind
        )
        return await self.all(query.order_by(table.id))

    async def known(self, dedupe_key: str) -> bool:
        """Whether a message of that key was written."""
        return await self.one(self.table.c.dedupe_key == dedupe_key) is not None

    async def undrawn(self, kind: NoticeKind, subject_id: str) -> set[int]:
        """The originals that will be drawn anew anyhow: they, or an edit of them, still wait."""
        table = self.table.c
        query = select(func.coalesce(table.edits, table.id)).where(
            table.kind == kind, table.subject_id == subject_id, table.state == OutboxState.DUE
        )
        return set((await self.connection.execute(query)).scalars())

    async def item(self, item_id: int) -> OutboxItem | None:
        """The message of that number."""
        return await self.one(self.table.c.id == item_id)

    async def next_at(self) -> datetime | None:
        """When the next message may leave, or the lease of its worker ends."""
        table = self.table.c
        due = select(func.min(table.due_at)).where(table.state == OutboxState.DUE)
        lease = select(func.min(table.lease_until)).where(table.state == OutboxState.SENDING)
        front = self._in_front()
        found = [
            (await self.connection.execute(query.where(*front))).scalar() for query in (due, lease)
        ]
        return min((at for at in found if at is not None), default=None)

    async def depth(self) -> int:
        """How many messages wait."""
        query = select(func.count()).where(self.table.c.state.in_(WAITING))
        return (await self.connection.execute(query)).scalar_one()

    async def repeats(self) -> int:
        """How often a message was posted again because Slack's answer was lost."""
        query = select(func.coalesce(func.sum(self.table.c.repeats), 0))
        return int((await self.connection.execute(query)).scalar_one())

    def _in_front(self) -> tuple[ColumnElement[bool], ...]:
        """First in line for its destination, and about no message that waits itself."""
        table = self.table.c
        firsts = (
            select(func.min(table.id)).where(table.state.in_(WAITING)).group_by(table.destination)
        )
        original = self.table.alias().c
        under_way = select(original.id).where(
            original.id.in_((table.edits, table.replies_to)), original.state.in_(WAITING)
        )
        return table.id.in_(firsts), ~under_way.exists()

    async def _held(self, item: OutboxItem, **changes: object) -> bool:
        """Compare and set: change the row if the attempt that `item` stands for still has it."""
        table = self.table.c
        still = (table.state == OutboxState.SENDING, table.attempts == item.attempts)
        return await self.change(table.id == item.id, *still, **changes) == 1

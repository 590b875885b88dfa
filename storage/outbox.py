"""Messages on their way to Slack, written in the transaction of the change that they tell of."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.sqlite import insert

from storage import tables
from storage.records import Notice, OutboxItem
from storage.rows import Rows
from storage.states import NoticeKind, OutboxState

WAITING = (OutboxState.DUE, OutboxState.SENDING)


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
        """The oldest message that may leave: due, or left by a dead worker, and first in line."""
        table = self.table.c
        ahead = self.table.alias()
        first = ~(
            select(ahead.c.id)
            .where(
                ahead.c.destination == table.destination,
                ahead.c.state.in_(WAITING),
                ahead.c.id < table.id,
            )
            .exists()
        )
        may_leave = or_(
            (table.state == OutboxState.DUE) & (table.due_at <= now),
            (table.state == OutboxState.SENDING) & (table.lease_until <= now),
        )
        query = self.select(may_leave, first).order_by(table.id).limit(1)
        return next(iter(await self.all(query)), None)

    async def claim(self, item: OutboxItem, lease_until: datetime) -> bool:
        """Compare and set: take the message for one attempt; False if another worker has it."""
        table = self.table.c
        # Left in `sending` by a worker that died: nobody knows whether Slack got it.
        repeats = item.repeats + (item.state == OutboxState.SENDING)
        changed = await self.change(
            table.id == item.id,
            table.state == item.state,
            table.attempts == item.attempts,
            state=OutboxState.SENDING,
            attempts=item.attempts + 1,
            repeats=repeats,
            lease_until=lease_until,
        )
        return changed == 1

    async def sent(
        self, item_id: int, *, channel: str | None, ts: str | None, at: datetime
    ) -> None:
        """Slack has it, in that channel under that message id."""
        await self.change(
            self.table.c.id == item_id,
            state=OutboxState.SENT,
            posted_channel=channel,
            posted_ts=ts,
            sent_at=at,
            lease_until=None,
            error=None,
        )

    async def postpone(
        self, item: OutboxItem, due_at: datetime, error: str, *, repeat: bool
    ) -> None:
        """Try again then; `repeat` says that Slack may have it already."""
        await self.change(
            self.table.c.id == item.id,
            state=OutboxState.DUE,
            due_at=due_at,
            lease_until=None,
            error=error,
            repeats=item.repeats + repeat,
        )

    async def bury(self, item_id: int, error: str) -> None:
        """Slack will not take it."""
        changes = {"state": OutboxState.DEAD, "lease_until": None, "error": error}
        await self.change(self.table.c.id == item_id, **changes)

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

    async def item(self, item_id: int) -> OutboxItem | None:
        """The message of that number."""
        return await self.one(self.table.c.id == item_id)

    async def next_at(self) -> datetime | None:
        """When the next waiting message is due, or its worker's lease ends."""
        table = self.table.c
        due = select(func.min(table.due_at)).where(table.state == OutboxState.DUE)
        lease = select(func.min(table.lease_until)).where(table.state == OutboxState.SENDING)
        found = [(await self.connection.execute(query)).scalar() for query in (due, lease)]
        return min((at for at in found if at is not None), default=None)

    async def depth(self) -> int:
        """How many messages wait."""
        query = select(func.count()).where(self.table.c.state.in_(WAITING))
        return (await self.connection.execute(query)).scalar_one()

    async def repeats(self) -> int:
        """How often a message was posted again because Slack's answer was lost."""
        query = select(func.coalesce(func.sum(self.table.c.repeats), 0))
        return int((await self.connection.execute(query)).scalar_one())

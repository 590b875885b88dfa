"""Reminders, rung by rung, and what people answered to them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert

from storage import watch_tables
from storage.rows import Rows
from storage.states import FoldedBy, ReminderState
from storage.watch_records import Answer, Reminder


class Reminders(Rows[Reminder]):
    """The rungs; one of a number for each generation of a token."""

    table = watch_tables.reminder
    record = Reminder

    async def plan(self, *reminders: Reminder) -> None:
        """Add rungs, each unless the generation has one of that number."""
        if reminders:
            key = ["token_id", "expires_at", "rung"]
            statement = insert(self.table).on_conflict_do_nothing(index_elements=key)
            rows = [self.values(one) for one in reminders]
            await self.connection.execute(statement, rows)

    async def due_tokens(self, now: datetime, limit: int) -> list[str]:
        """Tokens with a rung that is due, the longest due first."""
        table = self.table.c
        due = func.min(table.due_at)
        query = select(table.token_id).where(
            table.state == ReminderState.PLANNED, table.due_at <= now
        )
        query = query.group_by(table.token_id).order_by(due, table.token_id).limit(limit)
        return list((await self.connection.execute(query)).scalars())

    async def of_token(self, token_id: str) -> list[Reminder]:
        """Every rung of the token, of every generation, the most urgent last.

        Asked for by the token alone: with the state beside it SQLite would go through all rungs
        of that state, which are many.
        """
        table = self.table.c
        query = self.select(table.token_id == token_id)
        return await self.all(query.order_by(table.expires_at, table.rung.desc()))

    async def planned(self, token_id: str) -> list[Reminder]:
        """The token's rungs that wait, of every generation."""
        every = await self.of_token(token_id)
        return [one for one in every if one.state is ReminderState.PLANNED]

    async def send(self, reminder: Reminder, **changes: object) -> bool:
        """Compare and set: it is sent; False if another process decided on it."""
        return await self._decide(reminder, state=ReminderState.SENT, **changes)

    async def fold(
        self, reminder: Reminder, into: int | None, by: FoldedBy, *, at: datetime
    ) -> bool:
        """Compare and set: it became part of that rung."""
        changes = {"folded_into": into, "folded_by": by, "decided_at": at}
        return await self._decide(reminder, state=ReminderState.FOLDED, **changes)

    async def give_up(self, reminder: Reminder, at: datetime) -> bool:
        """Compare and set: there is nothing left to remind of."""
        return await self._decide(reminder, state=ReminderState.OBSOLETE, decided_at=at)

    async def postpone(self, reminder: Reminder, due_at: datetime) -> bool:
        """Compare and set: it is due then."""
        return await self._decide(reminder, due_at=due_at)

    async def _decide(self, reminder: Reminder, **changes: object) -> bool:
        table = self.table.c
        still = (table.id == reminder.id, table.state == reminder.state)
        return await self.change(*still, table.due_at == reminder.due_at, **changes) == 1

    async def forget(self, reminder: Reminder) -> None:
        """Take back a rung that waits, to be planned anew."""
        await self.connection.execute(
            self.table.delete().where(
                self.table.c.id == reminder.id, self.table.c.state == reminder.state
            )
        )

    async def decided_after(self, at: datetime) -> list[Reminder]:
        """Rungs that were decided on later than that: by a clock that was wrong."""
        return await self.all(self.select(self.table.c.decided_at > at))

    async def take_back(self, reminder: Reminder) -> bool:
        """Compare and set: what a wrong clock decided is decided anew."""
        table = self.table.c
        still = (table.id == reminder.id, table.decided_at == reminder.decided_at)
        changed = await self.change(
            *still,
            state=ReminderState.PLANNED,
            decided_at=None,
            folded_into=None,
            folded_by=None,
            escalate_at=None,
            escalated_at=None,
        )
        return changed == 1

    async def open_of(self, token_id: str) -> list[Reminder]:
        """Rungs that were sent and whose messages still warn."""
        every = await self.of_token(token_id)
        return [one for one in every if one.state is ReminderState.SENT and one.closed_at is None]

    async def close(self, reminder: Reminder, at: datetime) -> None:
        """Its messages do not warn any more."""
        await self.change(self.table.c.id == reminder.id, closed_at=at, escalate_at=None)

    async def of_post(self, post_id: str) -> list[Reminder]:
        """The rungs that one message is about."""
        table = self.table.c
        query = self.select((table.post_id == post_id) | (table.owner_post_id == post_id))
        return await self.all(query.order_by(table.rung, table.id))

    async def unanswered(self, now: datetime, limit: int) -> list[Reminder]:
        """Rungs that nobody answered within their time."""
        table = self.table.c
        query = self.select(table.escalate_at.is_not(None), table.escalate_at <= now)
        return await self.all(query.order_by(table.escalate_at).limit(limit))

    async def escalated(self, reminder: Reminder, at: datetime | None) -> bool:
        """Compare and set: the approvers are told, or need not be any more (None)."""
        table = self.table.c
        still = (table.id == reminder.id, table.escalate_at == reminder.escalate_at)
        return await self.change(*still, escalate_at=None, escalated_at=at) == 1

    async def answered(self, reminders: Iterable[Reminder]) -> None:
        """Somebody answered: nobody else needs to be told of these any more."""
        for one in reminders:
            if one.escalate_at is not None:
                await self.change(self.table.c.id == one.id, escalate_at=None)


class Answers(Rows[Answer]):
    """What people said; the newest of a generation counts."""

    table = watch_tables.answer
    record = Answer

    async def latest(self, token_id: str, expires_at: datetime) -> Answer | None:
        """The newest answer to the reminders of that generation."""
        table = self.table.c
        query = self.select(table.token_id == token_id, table.expires_at == expires_at)
        found: Sequence[Answer] = await self.all(query.order_by(table.at.desc()).limit(1))
        return next(iter(found), None)

    async def of_key(self, dedupe_key: str) -> Answer | None:
        """The answer that this click gave, if it came before."""
        return await self.one(self.table.c.dedupe_key == dedupe_key)

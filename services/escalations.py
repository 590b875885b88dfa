"""Escalations: a reminder that nobody answers, and an owner whom no message reaches."""

from datetime import timedelta

from services.clock import Clock, machine_now
from services.policy import People, Role
from services.watch_notices import WatchNotices
from storage.database import Database, Transaction
from storage.records import OutboxItem
from storage.states import NoticeKind, TokenState
from storage.watch import LOOK_AT_ESCALATIONS
from storage.watch_records import Reminder

BATCH = 50
LOOKED_BACK = timedelta(days=2)
"""How old a refused message may be, by the machine's time, to be said in the channel instead."""


class Escalations:
    """Tells somebody else where a reminder had no effect."""

    def __init__(
        self, *, database: Database, people: People, notices: WatchNotices, clock: Clock
    ) -> None:
        self.database = database
        self.people = people
        self.notices = notices
        self.clock = clock

    async def run_due(self) -> None:
        """Tell the approvers of what nobody answered, and the channel of what reached nobody."""
        now, since = self.clock.now(), machine_now() - LOOKED_BACK
        async with self.database.read() as tx:
            if not await tx.watch.waits(LOOK_AT_ESCALATIONS, now=now, since=since):
                return
            silent = await tx.reminders.unanswered(now, BATCH)
            refused = await tx.outbox.undelivered(NoticeKind.REMINDER_OWNER, since)
            unsaid = [one for one in refused if not await tx.outbox.known(self._key(one))]
        if silent:
            # Slack is asked before anything is written; if it does not tell, it is asked again.
            approvers = await self.people.holders(Role.APPROVER, fresh=False)
            async with self.database.write() as tx:
                for reminder in silent:
                    await self._escalate(tx, reminder, approvers)
        if unsaid:
            async with self.database.write() as tx:
                for item in unsaid:
                    await self._say_instead(tx, item)

    async def _escalate(
        self, tx: Transaction, reminder: Reminder, approvers: frozenset[str]
    ) -> None:
        now = self.clock.now()
        token = await tx.tokens.get(reminder.token_id)
        moot = (
            token is None
            or token.state is not TokenState.ACTIVE
            or token.expires_at != reminder.expires_at
            or token.id in await tx.watch.renewing()
        )
        claimed = await tx.reminders.escalated(reminder, None if moot else now)
        if not claimed or moot:
            return
        for person in sorted(approvers) or [""]:
            await self.notices.say(tx, NoticeKind.ESCALATION, reminder.id, to=person)

    async def _say_instead(self, tx: Transaction, item: OutboxItem) -> None:
        facts = {"owner": item.destination}
        await self.notices.say(tx, NoticeKind.OWNER_NOT_REACHED, item.subject_id, facts=facts)

    def _key(self, item: OutboxItem) -> str:
        return self.notices.key(NoticeKind.OWNER_NOT_REACHED, item.subject_id)

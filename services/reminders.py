"""Reminders: what a token's end makes due, planned by state and sent once.

Nobody has to tell of an activation, a renewal or a deletion: a sweep finds each token whose end is
not the one that was planned for. What is due is a row, decided on by compare-and-set in the
transaction that writes its messages, so any number of processes may sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.calendar import LAST, Calendar
from services.clock import Clock
from services.rungs import ESCALATE_FROM, Moment, Verdict, daily, judge, planned, rungs_of
from services.watch_notices import WatchNotices
from storage.database import Database, Transaction
from storage.records import Token, new_id
from storage.states import NoticeKind, ReminderState, TokenState
from storage.watch import LOOK_AT_REMINDERS
from storage.watch_records import Reminder

BATCH = 50
GROUP_FROM = 6
"""So many tokens to remind of at once are told together."""
GROUP_SIZE = 20
"""What fits into one message."""
WAITING = (ReminderState.PLANNED, ReminderState.OBSOLETE)
ESCALATE_AFTER = timedelta(hours=24)
WRONG_CLOCK = timedelta(days=2)
"""What was decided further ahead than this was decided by a clock that was wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When to remind: the rungs, and the calendar by which their days are counted."""

    days: tuple[int, ...]
    calendar: Calendar

    def text(self) -> str:
        """The plan as it is kept beside each token, so that a changed one is noticed."""
        days = ",".join(str(day) for day in self.days)
        return f"{days} {self.calendar.starts:%H:%M} {self.calendar.zone.key}"[:255]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """A rung that is to be sent, and its token."""

    token: Token
    reminder: Reminder


class Reminders:
    """Plans and sends reminders."""

    def __init__(
        self,
        *,
        database: Database,
        notices: WatchNotices,
        plan: Plan,
        clock: Clock,
        batch: int = BATCH,
    ) -> None:
        self.database = database
        self.notices = notices
        self.plan = plan
        self.clock = clock
        self.batch = batch
        self._begun = False

    @property
    def calendar(self) -> Calendar:
        """The days by which reminders are due."""
        return self.plan.calendar

    async def run_due(self) -> None:
        """Plan what is not planned, send what is due, and take back what a wrong clock did."""
        if not self._begun:
            async with self.database.write(quiet=True) as tx:
                await tx.watch.plan_anew(self.plan.text())
            self._begun = True
        now = self.clock.now()
        async with self.database.read() as tx:
            wrong_from = _later(now, WRONG_CLOCK)
            if not await tx.watch.waits(LOOK_AT_REMINDERS, now=now, wrong=wrong_from):
                return
            unplanned = await tx.watch.unplanned(self.batch)
            wrong = await tx.reminders.decided_after(wrong_from)
            due = await tx.reminders.due_tokens(now, self.batch)
        if wrong:
            await self._take_back(wrong)
        while unplanned:
            await self._plan(unplanned)
            async with self.database.read() as tx:
                unplanned = await tx.watch.unplanned(self.batch)
                due = await tx.reminders.due_tokens(now, self.batch)
        # Those that were due at once are told together, be they many or few.
        while due:
            await self._send(due)
            async with self.database.read() as tx:
                due = await tx.reminders.due_tokens(now, self.batch)

    async def _take_back(self, wrong: Sequence[Reminder]) -> None:
        async with self.database.write() as tx:
            for reminder in wrong:
                if reminder.state is not ReminderState.OBSOLETE:
                    await tx.reminders.take_back(reminder)

    async def _plan(self, token_ids: Sequence[str]) -> None:
        async with self.database.write() as tx:
            for token_id in token_ids:
                token = await tx.tokens.get(token_id)
                if token is not None and await tx.watch.planned(token, self.plan.text()):
                    await self._plan_token(tx, token)

    async def _plan_token(self, tx: Transaction, token: Token) -> None:
        """Plan the token's generation; what is left of others becomes obsolete or turns green."""
        now, end = self.clock.now(), token.expires_at
        end = end if token.state is TokenState.ACTIVE else None
        known = await tx.reminders.of_token(token.id)
        for one in known:
            if one.expires_at == end and one.state in WAITING:
                await tx.reminders.forget(one)
            elif one.state is ReminderState.PLANNED:
                await tx.reminders.give_up(one, now)
        await self._close(tx, [one for one in known if one.expires_at != end])
        if end is None:
            return
        today = self.calendar.day(now)
        after = max(self.calendar.day(end), today - timedelta(days=1))
        next_daily = daily(end, after, self.calendar)
        rungs = rungs_of(end, self.plan.days, self.calendar)
        every = [*rungs, next_daily] if next_daily else rungs
        await tx.reminders.plan(*(planned(token.id, end, one, new_id()) for one in every))

    async def _close(self, tx: Transaction, others: Sequence[Reminder]) -> None:
        """What was sent for another end of the token says in its place that it is over."""
        over = [one for one in others if one.state is ReminderState.SENT and one.closed_at is None]
        for one in over:
            await tx.reminders.close(one, self.clock.now())
        await redraw(self.notices, tx, over)

    async def _send(self, token_ids: Sequence[str]) -> None:
        async with self.database.write() as tx:
            sending = [await self._decide(tx, token_id) for token_id in token_ids]
            await self._post(tx, [one for one in sending if one is not None])

    async def _decide(self, tx: Transaction, token_id: str) -> _Sending | None:
        """Settle every rung of the token that is due; the one to send, if any."""
        token, now = await tx.tokens.get(token_id), self.clock.now()
        known = await tx.reminders.of_token(token_id)
        waiting = [one for one in known if one.state is ReminderState.PLANNED]
        if token is None or token.state is not TokenState.ACTIVE or token.expires_at is None:
            for one in waiting:
                await tx.reminders.give_up(one, now)
            return None
        end = token.expires_at
        stale = [one for one in waiting if one.expires_at != end]
        for one in stale:
            await tx.reminders.give_up(one, now)
        due = await self._due(tx, token, [one for one in waiting if one not in stale])
        if not any(one.due_at <= now for one in due):
            return None
        sent = [one for one in known if one.state is ReminderState.SENT]
        moment = Moment(
            now=now,
            calendar=self.calendar,
            last_sent_at=max((one.decided_at for one in sent if one.decided_at), default=None),
            answer=await tx.answers.latest(token.id, end),
        )
        verdict = judge(due, [one.rung for one in sent if one.expires_at == end], moment)
        await self._settle(tx, due, verdict)
        if any(one.rung < 0 for one in due):
            await self._plan_daily(tx, token, self.calendar.day(now))
        if verdict.send is None:
            return None
        await tx.reminders.answered(sent)
        return _Sending(token=token, reminder=verdict.send)

    async def _due(
        self, tx: Transaction, token: Token, waiting: Sequence[Reminder]
    ) -> list[Reminder]:
        """The rungs due by the end of today, today's own among them once the token has ended."""
        now, end = self.clock.now(), token.expires_at
        today = self.calendar.day(now)
        behind = any(one.rung < 0 and one.due_at <= now for one in waiting)
        if behind and end is not None and self.calendar.day(end) < today:
            await self._plan_daily(tx, token, today - timedelta(days=1))
            waiting = [one for one in await tx.reminders.planned(token.id) if one.expires_at == end]
        return [one for one in waiting if self.calendar.day(one.due_at) <= today]

    async def _plan_daily(self, tx: Transaction, token: Token, after: date) -> None:
        """The daily rung of the first day after that one."""
        end = token.expires_at
        rung = daily(end, after, self.calendar) if end else None
        if end is not None and rung is not None:
            await tx.reminders.plan(planned(token.id, end, rung, new_id()))

    async def _settle(self, tx: Transaction, due: Sequence[Reminder], verdict: Verdict) -> None:
        now = self.clock.now()
        for fold in verdict.folds:
            await tx.reminders.fold(fold.reminder, fold.into, fold.by, at=now)
        later = {one.rung: one.due_at for one in verdict.postpone}
        for one in due:
            if one.rung in later:
                await tx.reminders.postpone(one, later[one.rung])

    async def _post(self, tx: Transaction, sending: Sequence[_Sending]) -> None:
        """Write the messages: to the channel, and to each owner; many tokens share one."""
        channel = {
            one.reminder.id: post_id for post_id, group in _grouped(sending) for one in group
        }
        by_owner: dict[str, list[_Sending]] = {}
        for one in sending:
            if one.token.owner:
                by_owner.setdefault(one.token.owner, []).append(one)
        owners = {
            one.reminder.id: (owner, post_id)
            for owner, theirs in by_owner.items()
            for post_id, group in _grouped(theirs)
            for one in group
        }
        for one in sending:
            post_id = channel[one.reminder.id]
            owner, owner_post = owners.get(one.reminder.id, ("", None))
            await self._mark(tx, one, post_id=post_id, owner_post_id=owner_post)
            await self.notices.say(tx, NoticeKind.REMINDER, post_id)
            if owner_post is not None:
                await self.notices.say(tx, NoticeKind.REMINDER_OWNER, owner_post, to=owner)

    async def _mark(self, tx: Transaction, one: _Sending, **posts: str | None) -> None:
        now = self.clock.now()
        urgent = self.calendar.days_left(one.reminder.expires_at, now) <= ESCALATE_FROM
        sent = await tx.reminders.send(
            one.reminder,
            decided_at=now,
            closed_at=None,
            escalate_at=_later(now, ESCALATE_AFTER) if urgent else None,
            **posts,
        )
        if not sent:
            raise AssertionError(f"reminder {one.reminder.id} changed within its transaction")


async def redraw(notices: WatchNotices, tx: Transaction, reminders: Sequence[Reminder]) -> None:
    """Draw the messages of these reminders anew in their places."""
    channel = [one.post_id for one in reminders if one.post_id]
    owners = [one.owner_post_id for one in reminders if one.owner_post_id]
    await notices.redraw(tx, NoticeKind.REMINDER, channel)
    await notices.redraw(tx, NoticeKind.REMINDER_OWNER, owners)
    escalated = [one.id for one in reminders if one.escalated_at is not None]
    await notices.redraw(tx, NoticeKind.ESCALATION, escalated)


def _grouped(sending: Sequence[_Sending]) -> list[tuple[str, Sequence[_Sending]]]:
    """The messages, each with a new id: one a token, or many together where there are many."""
    size = GROUP_SIZE if len(sending) >= GROUP_FROM else 1
    starts = range(0, len(sending), size)
    return [(new_id(), sending[start : start + size]) for start in starts]


def _later(at: datetime, span: timedelta) -> datetime:
    """The time so much later; the last there is where a calendar ends before."""
    try:
        return at + span
    except OverflowError:
        return LAST

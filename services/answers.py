"""What people answer to a reminder: *Snooze…* and *I'm on it*.

Either keeps the token's reminders quiet until a morning on which they go on, which is a rung of its
own; both count as an answer, so that the approvers need not be told.
"""

from datetime import date, datetime, timedelta

from services.audit import AuditLog, Deed
from services.calendar import Calendar
from services.clock import Clock
from services.errors import Invalid, NotFound, Refused
from services.phrases import quoted
from services.policy import People, Role, require_any
from services.reminders import redraw
from services.rungs import Rung, planned
from services.watch_notices import WatchNotices
from storage.database import Database, Transaction
from storage.records import Token, new_id
from storage.states import AnswerKind, ReminderState, TokenState
from storage.watch_records import Answer

ON_IT_FOR = timedelta(days=3)
MAY_ANSWER = (Role.OPERATOR, Role.APPROVER, Role.ADMIN)


class Answers:
    """Takes answers to reminders."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: WatchNotices,
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.calendar = calendar
        self.clock = clock

    async def may_snooze(self, person: str, token_id: str) -> tuple[Token, date, date]:
        """The token, and the first and the last day until which it may be snoozed.

        Raises NotAllowed, NotFound, or Refused where no such day is left.
        """
        async with self.database.read() as tx:
            token = await _load(tx, token_id)
        await self._may(person, token)
        first, last = self._days(token)
        if first > last:
            raise Refused(
                f"token {token_id} ends too soon to be snoozed",
                user_message=f"{quoted(token.name)} cannot be snoozed any more: its last day is "
                "here. Renew it, or press *I'm on it*.",
            )
        return token, first, last

    async def snooze(self, person: str, token_id: str, day: date | None, key: str) -> Token:
        """Quiet until that day's morning; delivered twice it is one answer. Raises Invalid."""
        token, first, last = await self.may_snooze(person, token_id)
        if day is None or not first <= day <= last:
            raise Invalid(
                f"{day} is not between {first} and {last}",
                user_message=f"Choose a day from {first:%-d %B %Y} to {last:%-d %B %Y}, the last "
                "day of this token.",
                field="until",
            )
        until = self.calendar.morning(day)
        return await self._answer(person, token, AnswerKind.SNOOZED, until, key)

    async def on_it(self, person: str, token_id: str, key: str) -> Token:
        """Quiet for three days, in that person's name. Raises NotAllowed, NotFound."""
        async with self.database.read() as tx:
            token = await _load(tx, token_id)
        await self._may(person, token)
        until = self.calendar.next_morning(self.clock.now() + ON_IT_FOR)
        return await self._answer(person, token, AnswerKind.ON_IT, until, key)

    async def _may(self, person: str, token: Token) -> None:
        actor = await self.people.actor(person, fresh=False)
        if actor.member and person == token.owner:
            return
        holders = {role: await self.people.holders(role, fresh=False) for role in MAY_ANSWER}
        require_any(actor, holders)

    def _days(self, token: Token) -> tuple[date, date]:
        tomorrow = self.calendar.day(self.clock.now()) + timedelta(days=1)
        if token.expires_at is None:
            return tomorrow, date.min
        return tomorrow, self.calendar.last_day(token.expires_at)

    async def _answer(
        self, person: str, token: Token, kind: AnswerKind, until: datetime, key: str
    ) -> Token:
        async with self.database.write() as tx:
            if await tx.answers.of_key(key) is not None:
                return token
            token = await _load(tx, token.id)
            end = token.expires_at
            if end is None:
                raise AssertionError("a token without an end has no reminders")
            answer = Answer(
                id=new_id(),
                token_id=token.id,
                expires_at=end,
                kind=kind,
                person=person,
                at=self.clock.now(),
                until=until,
                dedupe_key=key,
            )
            await tx.answers.add(answer)
            await self._resume(tx, token, answer)
            warned = await tx.reminders.open_of(token.id)
            await tx.reminders.answered(warned)
            await redraw(self.notices, tx, warned)
            await self.audit.append(tx, _deed(answer))
        return token

    async def _resume(self, tx: Transaction, token: Token, answer: Answer) -> None:
        """The rung with which reminders go on; a number that was used is not used again."""
        known = {
            one.rung: one
            for one in await tx.reminders.of_token(token.id)
            if one.expires_at == answer.expires_at
        }
        number = self.calendar.days_left(answer.expires_at, answer.until)
        same = known.get(number)
        if same is not None and same.state is ReminderState.PLANNED:
            await tx.reminders.postpone(same, answer.until)
            return
        while number in known:
            number -= 1
        rung = Rung(rung=number, due_at=answer.until)
        await tx.reminders.plan(planned(token.id, answer.expires_at, rung, new_id()))


async def _load(tx: Transaction, token_id: str) -> Token:
    token = await tx.tokens.get(token_id)
    if token is None or token.state is not TokenState.ACTIVE or token.expires_at is None:
        raise NotFound(
            f"token {token_id} has no reminders",
            user_message="This token is not in use any more, so nobody is reminded of it. "
            "See `/enroll-token list`.",
        )
    return token


def _deed(answer: Answer) -> Deed:
    return Deed(
        actor=answer.person,
        action="reminder.snooze" if answer.kind is AnswerKind.SNOOZED else "reminder.on_it",
        subject=f"token:{answer.token_id}",
        token_id=answer.token_id,
        origin=answer.dedupe_key,
        after={"until": answer.until.isoformat(), "expires_at": answer.expires_at.isoformat()},
    )

"""What people answer to reminders of Apple's other credentials: *Snooze…* and *I'm on it*."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from services.answers import MAY_ANSWER, ON_IT_FOR
from services.audit import AuditLog, Deed
from services.calendar import Calendar
from services.clock import Clock
from services.errors import Invalid, NotFound, Refused
from services.policy import People, require_any
from services.watch_notices import WatchNotices
from storage.connector_records import Connector
from storage.database import Database, Transaction
from storage.states import AnswerKind, NoticeKind


class ConnectorAnswers:
    """Takes the answers; nobody in Slack owns these, so everybody with a role may give them."""

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

    async def may_snooze(self, person: str, connector_id: str) -> tuple[Connector, date, date]:
        """The credential, and the first and the last day until which it may be snoozed.

        Raises NotAllowed, NotFound, or Refused where no such day is left.
        """
        await self._may(person)
        async with self.database.read() as tx:
            one, end = await _load(tx, connector_id)
        first = self.calendar.day(self.clock.now()) + timedelta(days=1)
        last = self.calendar.last_day(end)
        if first > last:
            raise Refused(
                f"connector {connector_id} ends too soon to be snoozed",
                user_message="This cannot be snoozed any more: its last day is here. Renew it, or "
                "press *I'm on it*.",
            )
        return one, first, last

    async def snooze(self, person: str, connector_id: str, day: date | None, key: str) -> None:
        """Quiet until that day's morning; delivered twice it is one answer. Raises Invalid."""
        _, first, last = await self.may_snooze(person, connector_id)
        if day is None or not first <= day <= last:
            raise Invalid(
                f"{day} is not between {first} and {last}",
                user_message=f"Choose a day from {first:%-d %B %Y} to {last:%-d %B %Y}.",
                field="until",
            )
        until = self.calendar.morning(day)
        await self._answer(person, connector_id, AnswerKind.SNOOZED, until, key)

    async def on_it(self, person: str, connector_id: str, key: str) -> None:
        """Quiet for three days, in that person's name. Raises NotAllowed, NotFound."""
        await self._may(person)
        until = self.calendar.next_morning(self.clock.now() + ON_IT_FOR)
        await self._answer(person, connector_id, AnswerKind.ON_IT, until, key)

    async def _may(self, person: str) -> None:
        actor = await self.people.actor(person, fresh=False)
        holders = {role: await self.people.holders(role, fresh=False) for role in MAY_ANSWER}
        require_any(actor, holders)

    async def _answer(
        self, person: str, connector_id: str, kind: AnswerKind, until: datetime, key: str
    ) -> None:
        async with self.database.write() as tx:
            was, _ = await _load(tx, connector_id)
            becomes = replace(
                was,
                answer=kind,
                answered_by=person,
                quiet_until=until,
                due_at=until,
                escalate_at=None,
            )
            # The same answer once more changes nothing.
            if becomes != was and await tx.connectors.update(was, becomes):
                await self.notices.redraw(tx, NoticeKind.CONNECTOR, [was.generation])
                await self.audit.append(tx, _deed(becomes, until, key))


async def _load(tx: Transaction, connector_id: str) -> tuple[Connector, datetime]:
    one = await tx.connectors.get(connector_id)
    if one is None or one.gone_at is not None or one.expires_at is None:
        raise NotFound(
            f"connector {connector_id} has no reminders",
            user_message="Intune does not have this any more, so nobody is reminded of it.",
        )
    return one, one.expires_at


def _deed(one: Connector, until: datetime, key: str) -> Deed:
    return Deed(
        actor=one.answered_by or "",
        action="connector.snooze" if one.answer is AnswerKind.SNOOZED else "connector.on_it",
        subject=f"connector:{one.id}",
        token_id=None,
        origin=key,
        after={"kind": one.kind.value, "name": one.name, "until": until.isoformat()},
    )

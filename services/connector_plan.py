"""What Intune shows of Apple's other credentials, and when each is to be reminded of: pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.calendar import Calendar
from services.reminders import WRONG_CLOCK, Plan
from services.rungs import daily, rungs_of
from storage.connector_records import Connector, ConnectorKind
from storage.records import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One as Intune shows it; the texts are cut to what is kept."""

    kind: ConnectorKind
    holder_id: str
    name: str
    apple_id: str
    expires_at: datetime | None

    def found(self, plan: Plan, now: datetime) -> Connector:
        """Kept for the first time."""
        found = Connector(
            id=new_id(),
            kind=self.kind,
            holder_id=self.holder_id,
            name=self.name[:255],
            apple_id=self.apple_id[:320],
            expires_at=self.expires_at,
            generation=new_id(),
        )
        return replace(found, due_at=next_due(found, plan, now))

    def followed(self, was: Connector, plan: Plan, now: datetime) -> Connector:
        """What is kept becomes; another end is another generation, of which nobody spoke."""
        becomes = replace(was, name=self.name[:255], apple_id=self.apple_id[:320], gone_at=None)
        if was.expires_at != self.expires_at:
            becomes = replace(
                silenced(becomes),
                expires_at=self.expires_at,
                generation=new_id(),
                said_at=None,
            )
        return replace(becomes, due_at=next_due(becomes, plan, now))


def silenced(one: Connector) -> Connector:
    """Without an answer, and without anybody who waits for one."""
    return replace(one, answer=None, answered_by=None, quiet_until=None, escalate_at=None)


def next_due(one: Connector, plan: Plan, now: datetime) -> datetime | None:
    """When to remind next; now or before where a rung has passed.

    However many rungs have passed, that is one reminder; there is at most one a day. After an
    answer it is the morning on which reminders go on.
    """
    if one.expires_at is None or one.gone_at is not None:
        return None
    if one.quiet_until is not None:
        return one.quiet_until
    said_on = _said_on(one, plan.calendar, now)
    left = [
        rung.due_at
        for rung in rungs_of(one.expires_at, plan.days, plan.calendar)
        if said_on is None or plan.calendar.day(rung.due_at) > said_on
    ]
    passed = [due_at for due_at in left if due_at <= now]
    if passed:
        return max(passed)
    return min(left, default=None) or _daily(one.expires_at, said_on, plan.calendar, now)


def _said_on(one: Connector, calendar: Calendar, now: datetime) -> date | None:
    """The day of the last reminder; what a wrong clock said ahead of its time does not count."""
    if one.said_at is None or one.said_at - now > WRONG_CLOCK:
        return None
    return calendar.day(one.said_at)


def _daily(
    end: datetime, said_on: date | None, calendar: Calendar, now: datetime
) -> datetime | None:
    yesterday = calendar.day(now) - timedelta(days=1)
    rung = daily(end, max(calendar.day(end), said_on or yesterday), calendar)
    return rung.due_at if rung is not None else None

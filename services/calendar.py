"""Days in one time zone: when each begins for people, and how many are left.

A time near the first or the last year that a calendar knows may have no local form; it then counts
as that of UTC.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FRIDAY = 4
FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """The day that a time falls on there."""
    try:
        return at.astimezone(zone).date()
    except OverflowError:
        return at.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days of one zone, each beginning for people at `starts`."""

    zone: ZoneInfo
    starts: time

    def day(self, at: datetime) -> date:
        """The day that a time falls on."""
        return local_day(at, self.zone)

    def morning(self, day: date) -> datetime:
        """When that day begins for people, in UTC.

        A time that the clocks skip is read by the offset before it, one that they show twice is
        the first of the two: each day has one morning.
        """
        local = datetime.combine(day, self.starts, self.zone)
        try:
            return local.astimezone(UTC)
        except OverflowError:
            return local.replace(tzinfo=UTC)

    def days_left(self, end: datetime, now: datetime) -> int:
        """Days until then by the calendar, negative once its day has passed."""
        return (self.day(end) - self.day(now)).days

    def day_before(self, end: datetime, days: int) -> date | None:
        """The day so many days before the end, or after it where negative; None beyond year 1."""
        try:
            return self.day(end) - timedelta(days=days)
        except OverflowError:
            return None

    def last_day(self, end: datetime) -> date:
        """The last day with a morning before the end."""
        day = self.day(end)
        if self.morning(day) < end or day == date.min:
            return day
        return day - timedelta(days=1)

    def next_morning(self, after: datetime, weekday: int | None = None) -> datetime:
        """The first morning after that time; of that weekday where one is given (Monday is 0)."""
        day = self.day(after)
        while self.morning(day) <= after or weekday not in (None, day.weekday()):
            day += timedelta(days=1)
        return self.morning(day)

    def next_workday(self, after: datetime) -> datetime:
        """The morning of the next day from Monday to Friday that is not the day of that time."""
        day = self.day(after) + timedelta(days=1)
        while day.weekday() > FRIDAY:
            day += timedelta(days=1)
        return self.morning(day)


def before_weekend(day: date) -> date:
    """The Friday before for a Saturday or a Sunday, else the day itself."""
    return day - timedelta(days=max(0, day.weekday() - FRIDAY))

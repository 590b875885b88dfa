"""Working days: when people are reminded of what waits for them."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workdays:
    """Monday to Friday in one time zone, each beginning at one hour."""

    zone: ZoneInfo
    starts: time = time(9)

    def next_morning(self, after: datetime) -> datetime:
        """The beginning of the next working day that is not the day of `after`, in UTC.

        An hour that daylight saving skips is taken as the zone's rules read it, so that no day
        is left out.
        """
        day = after.astimezone(self.zone).date() + timedelta(days=1)
        while day.weekday() >= SATURDAY:
            day += timedelta(days=1)
        morning = datetime.combine(day, self.starts, self.zone)
        return morning.astimezone(after.tzinfo)

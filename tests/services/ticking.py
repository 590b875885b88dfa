"""A process of its own that ticks the reminders until nothing is due, and may be killed anywhere.

`python -m tests.services.ticking FILE NOW`: NOW is the calendar's time. Batches are small, so that
a kill hits a decision in the middle.
"""

import asyncio
import sys
from datetime import datetime, time
from zoneinfo import ZoneInfo

from services.calendar import Calendar
from services.notices import Channels
from services.reminders import Plan, Reminders
from services.watch_notices import WatchNotices
from storage.database import Database, DatabaseBusy
from tests.services.ports import MovedClock

BATCH = 25


async def main(file: str, now: str) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    clock = MovedClock()
    clock.time = datetime.fromisoformat(now)
    calendar = Calendar(zone=ZoneInfo("Europe/Berlin"), starts=time(9))
    reminders = Reminders(
        database=database,
        notices=WatchNotices(Channels(alert="C0ALERTS", approval="C0APPROVALS")),
        plan=Plan(days=(60, 30, 14, 7, 3, 1, 0), calendar=calendar),
        clock=clock,
        batch=BATCH,
    )
    while True:
        try:
            await reminders.run_due()
        except DatabaseBusy:
            continue  # nothing was written: trying again is safe
        break
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))

"""What draws the outbox's rows in tests, wired as at start."""

from datetime import time
from zoneinfo import ZoneInfo

from bot.clock import SystemClock
from bot.drawing import Drawing
from bot.watch_drawing import WatchDrawing
from services.calendar import Calendar
from services.clock import Clock
from storage.database import Database


def drawing_of(database: Database, zone: ZoneInfo, clock: Clock | None = None) -> Drawing:
    """Draws every kind of notice."""
    watch = WatchDrawing(
        database=database,
        calendar=Calendar(zone=zone, starts=time(9)),
        clock=clock or SystemClock(),
    )
    return Drawing(database=database, zone=zone, watch=watch)

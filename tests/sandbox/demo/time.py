"""The demo's time: the machine's, and what somebody moved it by. It never goes back."""

import json
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.sandbox.demo.changes import Changes

QUIET_SECONDS = 4.0
"""How often the bot is told again, so that it knows that it is still being told."""
FURTHEST = timedelta(days=20 * 365)


class CannotMove(Exception):
    """The time that somebody asked for; its text is for them."""


class MovedTime:
    """What Slack, Apple and the bot take for now."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead
        self.on_move: Callable[[], None] = lambda: None
        self._moves = Changes()

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        """The same in seconds since 1970."""
        return time.time() + self.ahead.total_seconds()

    def move(self, by: timedelta) -> None:
        """Go on by so much. Raises CannotMove."""
        if by < timedelta():
            raise CannotMove("Time goes forward only: what happened cannot be undone.")
        if self.ahead + by > FURTHEST:
            raise CannotMove("That is too far ahead: twenty years at most.")
        self.ahead += by
        self._moves.mark()
        self.on_move()

    def move_to(self, moment: datetime) -> None:
        """Go on to that time. Raises CannotMove."""
        self.move(moment - self.now())

    async def lines(self) -> AsyncIterator[bytes]:
        """Tell the bot how far the time is moved: at once, and at each move."""
        while True:
            count = self._moves.count
            yield json.dumps({"ahead": self.ahead.total_seconds()}).encode() + b"\n"
            await self._moves.since(count, within=QUIET_SECONDS)


def machine_zone() -> str:
    """The IANA name of the machine's time zone, or UTC where it has none."""
    zone = os.environ.get("TZ", "").removeprefix(":")
    if not zone:
        _, _, zone = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    known = "/" in zone and not zone.startswith(("/", "Etc/"))
    return zone if known else "UTC"

"""What becomes of a row of the outbox that waits for another try: how long, and what it knows."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from services.posting import Closed, Gone, Moot, Never, NotNow, Unknown, Unmarkable, Unsent
from storage.records import OutboxItem

LONGEST_PAUSE = timedelta(minutes=10)

Waiting = NotNow | Unsent | Gone | Unmarkable | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient a worker is; the machine's time, as a wire checks it."""

    lease: timedelta = timedelta(seconds=60)
    """Twice the time that one post may take: a lease that ends means a dead worker."""
    pause: timedelta = timedelta(seconds=5)
    """After a first lost answer; doubled each time, up to LONGEST_PAUSE."""
    look_again: timedelta = timedelta(seconds=5)
    """Between two looks whether Slack has a message: what was just posted may show late."""


EVENTS: dict[type, tuple[int, str]] = {
    NotNow: (logging.INFO, "post_delayed"),
    Unsent: (logging.WARNING, "post_not_sent"),
    Closed: (logging.ERROR, "channel_closed"),
    Never: (logging.ERROR, "post_refused"),
    Moot: (logging.INFO, "post_moot"),
    Gone: (logging.INFO, "original_gone"),
    Unmarkable: (logging.WARNING, "mark_refused"),
    Unknown: (logging.WARNING, "post_unknown"),
}

QUIETLY = (logging.WARNING, "edit_refused")
"""Where only the change of an earlier message was refused, of which nobody has to be told."""


def wait_after(item: OutboxItem, outcome: Waiting, pace: Pace) -> timedelta:
    """How long until the next try; less and less often where nobody says."""
    match outcome:
        case NotNow():
            return timedelta(seconds=outcome.seconds)
        case Gone() | Unmarkable():
            return timedelta()
        case Unsent() | Unknown():
            doubled: int = 2 ** min(item.attempts - 1, 10)
            return min(pace.pause * doubled, LONGEST_PAUSE)
        case _:
            assert_never(outcome)


def doubt_after(item: OutboxItem, outcome: Waiting) -> dict[str, object]:
    """What the row has to remember for the next try."""
    match outcome:
        case Gone():
            return {"anew": True}
        case Unmarkable():
            return {"mark": None}
        case Unknown():
            return {"unsure_since": None if outcome.harmless else item.claimed_at}
        case NotNow() | Unsent():
            return {}
        case _:
            assert_never(outcome)

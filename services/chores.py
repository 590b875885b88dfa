"""Chores: what is done at its times for the whole deployment, once over all processes."""

from collections.abc import Callable
from datetime import datetime, timedelta

from services.reminders import WRONG_CLOCK
from storage.database import Transaction
from storage.watch_records import Chore

Next = Callable[[datetime], datetime]
"""When a chore is due next, after that time."""
SOON = timedelta(hours=12)


async def is_due(tx: Transaction, name: str, now: datetime, following: Next) -> bool:
    """Whether the chore has to be looked at: due, never begun, or given a time that is too far."""
    chore = await tx.chores.named(name)
    return chore is None or chore.due_at <= now or _too_far(chore, now, following)


async def claim(tx: Transaction, name: str, now: datetime, following: Next) -> bool:
    """Take the chore if it is due, so that nobody else does; else see that it has its next time.

    However many times have passed, it is done once. A clock that is set back does not repeat it,
    and a changed time of day moves it.
    """
    chore = await tx.chores.named(name)
    if chore is None:
        await tx.chores.begin(name, following(now))
        return False
    if chore.due_at <= now:
        return await tx.chores.claim(chore, following(now), run_at=now)
    if _too_far(chore, now, following):
        await tx.chores.claim(chore, following(now), run_at=_ran(chore, now))
    return False


def _too_far(chore: Chore, now: datetime, following: Next) -> bool:
    ran, expected = _ran(chore, now), following(now)
    return chore.due_at > expected and (ran is None or ran + SOON < expected)


def _ran(chore: Chore, now: datetime) -> datetime | None:
    """When it was done last; None where only a wrong clock can have done it."""
    ran = chore.run_at
    return None if ran is not None and ran - now > WRONG_CLOCK else ran

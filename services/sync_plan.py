"""What a sync lists, how long it waits, and when the next one is due."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.clock import machine_now
from services.programs import SyncStart
from storage.database import Transaction
from storage.records import SyncRun, Token, new_id
from storage.states import SyncKind, SyncState, TokenState
from storage.sync_records import SyncPlace

FULL_EVERY = timedelta(days=7)
CURSOR_AGE = timedelta(days=6)
"""Apple's cursors live for seven days: a day is left for a list that is long or put off."""
RETRY = timedelta(minutes=15)
SCHEDULE = "schedule"
"""Who asks for a sync where nobody does."""
NOT_IN_USE = "The token is not in use any more."
REMOVED_HERE = (
    "The token's devices were removed here, so its syncs have stopped. To begin them again, use "
    "`/enroll-token sync`."
)
JITTER = 0.1
"""The part of the time between two syncs by which they are spread, always to the early side."""


def _random() -> float:
    return secrets.randbelow(1000) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a token is synced, and how patient a run is.

    `lease` is how long a process holds a run without a sign of life; `pauses` are the waits after
    failures in a row that got no page further; `jitter` draws a number from 0 to 1. A holder that
    syncs by itself is looked at after `holder_first`, then less often.
    """

    every: timedelta
    lease: timedelta = timedelta(seconds=30)
    pauses: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
    )
    progress_every: timedelta = timedelta(seconds=2.5)
    holder_first: timedelta = timedelta(seconds=3)
    holder_longest: timedelta = timedelta(seconds=30)
    look_every: timedelta = timedelta(seconds=1)
    jitter: Callable[[], float] = _random

    def next_due(self, now: datetime) -> datetime:
        """When a token that was just synced is synced again."""
        return now + self.every * (1 - JITTER * self.jitter())

    def after_failures(self, failures: int) -> timedelta:
        """How long after a failure the next run begins; `failures` went before it in a row."""
        return min(RETRY * (1 << failures), self.every)


def why_stopped(token: Token | None) -> str | None:
    """Why no sync of the token may begin or go on, for people; None where it may."""
    if token is None or token.state is not TokenState.ACTIVE:
        return NOT_IN_USE
    return REMOVED_HERE if token.removed_here_at is not None else None


def plan(place: SyncPlace | None, token_id: str, now: datetime) -> tuple[SyncStart, SyncPlace]:
    """From where the next run lists, and the place as it is from then on.

    A full list that was broken off goes on; changes are enough while cursor and full list are
    young; else everything is listed from the start.
    """
    if place is not None and place.cursor is not None and _young(place, now):
        if place.unfinished:
            return SyncStart(kind=SyncKind.FULL, cursor=place.cursor), place
        if place.listed_at is not None and now - place.listed_at < FULL_EVERY:
            return SyncStart(kind=SyncKind.DELTA, cursor=place.cursor), place
    return SyncStart(kind=SyncKind.FULL, cursor=None), from_the_start(place, token_id)


def from_the_start(place: SyncPlace | None, token_id: str) -> SyncPlace:
    """A new full list begins: its devices carry a mark that none has yet."""
    return SyncPlace(
        token_id=token_id,
        cursor=None,
        cursor_at=None,
        generation=new_id(),
        unfinished=True,
        listed_at=place.listed_at if place else None,
        wait_until=place.wait_until if place else None,
    )


def new_run(token_id: str, asked_by: str, *, now: datetime, due_at: datetime) -> SyncRun:
    """A run that waits for its time."""
    return SyncRun(
        id=new_id(),
        token_id=token_id,
        state=SyncState.WAITING,
        kind=None,
        asked_by=asked_by,
        pages=0,
        seen=0,
        added=0,
        changed=0,
        removed=0,
        failed=0,
        tries=0,
        error=None,
        fence=0,
        due_at=due_at,
        lease_until=due_at,
        started_at=now,
        ended_at=None,
    )


def carried_on(run: SyncRun, broken_off: SyncRun | None, start: SyncStart) -> SyncRun:
    """The run with the counts of the failed one whose list it ends."""
    if (
        broken_off is None
        or broken_off.state is not SyncState.FAILED
        or broken_off.kind is not start.kind
        or start.cursor is None
    ):
        return run
    return replace(
        run,
        pages=broken_off.pages,
        seen=broken_off.seen,
        added=broken_off.added,
        changed=broken_off.changed,
        removed=broken_off.removed,
        failed=broken_off.failed,
        released=broken_off.released,
    )


async def list_anew(
    tx: Transaction, token_id: str, now: datetime, *, other_server: bool = False
) -> None:
    """Forget the cursor, so that everything is listed at once, as after a renewal.

    A run that is under way starts over, and what its process still had in hand is not stored.
    With `other_server` the inventory begins afresh too: no device counts as the token's any more.
    """
    await tx.sync_runs.interrupt(token_id, machine_now())
    await tx.sync_places.forget(token_id)
    await tx.tokens.sync_again(token_id, due_at=now)
    if other_server:
        await tx.devices.forget(token_id)


def _young(place: SyncPlace, now: datetime) -> bool:
    return place.cursor_at is not None and now - place.cursor_at <= CURSOR_AGE

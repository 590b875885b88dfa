"""Delivery: the outbox's rows leave for Slack, in order for each destination, each once.

Slack has no idempotency key. Where its answer was lost the message is posted again, marked as a
repeat and counted: a reminder twice is better than none.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from services.clock import Clock, machine_now
from services.errors import UpstreamError
from services.notices import Notices
from services.policy import People, Role
from storage.database import Database
from storage.records import OutboxItem

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""Twice the time that one post may take: a lease that ends means a dead worker."""
PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
CLOSED_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Slack has it; the channel and message id, where it is a message that can be edited."""

    channel: str | None = None
    ts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """Slack did not take it, and says when to try again."""

    seconds: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The channel does not take our messages: gone, archived, or we are not in it."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """Slack will not take it, however often it is tried."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Slack's answer was lost: it may have the message or not."""

    error: str


Outcome = Posted | NotNow | Closed | Never | Unknown


class Notifier(Protocol):
    """Draws a message from the records and posts it."""

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        """Post the item: an edit of `original`, or a reply to it, where the item names one."""
        ...


class Delivery:
    """The worker that empties the outbox."""

    def __init__(
        self,
        *,
        database: Database,
        notifier: Notifier,
        people: People,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self.database = database
        self.notifier = notifier
        self.people = people
        self.notices = notices
        self.clock = clock

    async def drain(self) -> None:
        """Post everything that may leave now."""
        while (item := await self._claim()) is not None:
            async with self.database.read() as tx:
                related = item.edits or item.replies_to
                original = await tx.outbox.item(related) if related else None
            outcome = await self.notifier.post(item, original)
            admins = await self._admins() if isinstance(outcome, Closed) else frozenset()
            await self._keep(item, outcome, admins)

    async def next_at(self) -> datetime | None:
        """When the next message may leave; None if none waits."""
        async with self.database.read() as tx:
            return await tx.outbox.next_at()

    async def _claim(self) -> OutboxItem | None:
        now = machine_now()
        async with self.database.read() as tx:
            item = await tx.outbox.next_due(now)
        if item is None:
            return None
        async with self.database.write(quiet=True) as tx:
            if not await tx.outbox.claim(item, now + LEASE):
                return None
            return await tx.outbox.item(item.id)

    async def _admins(self) -> frozenset[str]:
        try:
            return await self.people.holders(Role.ADMIN, fresh=False)
        except UpstreamError as error:
            log.warning("admins_unknown", extra={"error": str(error)})
            return frozenset()

    async def _keep(self, item: OutboxItem, outcome: Outcome, admins: frozenset[str]) -> None:
        fields = {"outbox_id": item.id, "kind": item.kind, "destination": item.destination}
        async with self.database.write(quiet=True) as tx:
            match outcome:
                case Posted():
                    await tx.outbox.sent(
                        item.id, channel=outcome.channel, ts=outcome.ts, at=self.clock.now()
                    )
                case NotNow():
                    due_at = machine_now() + timedelta(seconds=outcome.seconds)
                    await tx.outbox.postpone(item, due_at, outcome.error, repeat=False)
                case Closed():
                    due_at = machine_now() + CLOSED_PAUSE
                    await tx.outbox.postpone(item, due_at, outcome.error, repeat=False)
                    today = self.clock.now().date()
                    for admin in admins:
                        await self.notices.channel_closed(tx, item, admin, outcome.error, today)
                    log.error("channel_closed", extra={**fields, "error": outcome.error})
                case Unknown():
                    pause = min(PAUSE * 2 ** min(item.attempts, 10), LONGEST_PAUSE)
                    await tx.outbox.postpone(
                        item, machine_now() + pause, outcome.error, repeat=True
                    )
                    log.warning("post_unknown", extra={**fields, "error": outcome.error})
                case Never():
                    await tx.outbox.bury(item.id, outcome.error)
                    log.error("post_refused", extra={**fields, "error": outcome.error})
                case _:
                    assert_never(outcome)

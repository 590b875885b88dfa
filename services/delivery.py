"""Delivery: the outbox's rows leave for Slack, in order for each destination, each once.

Slack has no idempotency key. Where its answer was lost we look whether it has the message; where
we may not look, the message is posted again, marked as a repeat and counted: a reminder twice is
better than none.
"""

import asyncio
import logging
import time
from datetime import datetime, timedelta

from services.clock import Clock, machine_now
from services.errors import UpstreamError
from services.notices import Notices
from services.policy import People, Role
from services.posting import (
    THROTTLED,
    Absent,
    Closed,
    Finding,
    Moot,
    Never,
    Notifier,
    NotNow,
    Outcome,
    Posted,
    Unknown,
    Unsent,
    Untold,
)
from services.settling import EVENTS, LONGEST_PAUSE, QUIETLY, Pace, doubt_after, wait_after
from storage.database import Database, StorageError, Transaction
from storage.records import OutboxItem

log = logging.getLogger(__name__)

NORMAL = Pace()
LEASE = NORMAL.lease
KEEP_SHARE = 5 / 6
"""For that part of the lease an outcome is tried to be kept."""
CLOSED_PAUSE = timedelta(minutes=10)
AT_ONCE = 8
"""So many destinations are posted to at the same time."""
NOTICE_SECONDS = 0.25
"""While something is being posted, new rows are looked for this often."""
LANDING_SECONDS = 5.0
"""So long a post under way may take when the process stops."""
LOOKS = 6
"""After so many tries nobody looks any more whether Slack has a message."""
FAULTS = 5
"""After so many tries a message is given up that meets the same fault of ours again."""


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
        pace: Pace = NORMAL,
    ) -> None:
        self.database = database
        self.notifier = notifier
        self.people = people
        self.notices = notices
        self.clock = clock
        self.pace = pace
        self._begun = False

    async def drain(self) -> None:
        """Post everything that may leave now, to several destinations at once."""
        await self._begin()
        flying: set[asyncio.Task[None]] = set()
        faults: list[BaseException] = []
        try:
            while True:
                while len(flying) < AT_ONCE and (item := await self._claim()) is not None:
                    flying.add(asyncio.create_task(self._deliver(item)))
                if not flying:
                    break
                landed, flying = await asyncio.wait(
                    flying, timeout=NOTICE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                faults += [fault for task in landed if (fault := task.exception())]
        finally:
            await _land(flying)
        if faults:
            raise faults[0]

    async def next_at(self) -> datetime | None:
        """When the next message may leave; None if none waits."""
        async with self.database.read() as tx:
            return await tx.outbox.next_at()

    async def _begin(self) -> None:
        """Once at start: whatever an admin may have mended meanwhile is tried at once."""
        if self._begun:
            return
        async with self.database.write(quiet=True) as tx:
            now = machine_now()
            await tx.outbox.hurry(now, but=THROTTLED)
            if moved := await self.notices.readdress(tx, now):
                log.info("messages_moved", extra={"count": moved})
        self._begun = True

    async def _claim(self) -> OutboxItem | None:
        while True:
            now = machine_now()
            async with self.database.read() as tx:
                item = await tx.outbox.next_due(now)
            if item is None:
                return None
            async with self.database.write(quiet=True) as tx:
                if await tx.outbox.claim(item, now, self.pace.lease):
                    return await tx.outbox.item(item.id)
            # Another process was faster; there may be more to do.

    async def _deliver(self, item: OutboxItem) -> None:
        until = self._deadline()
        try:
            async with self.database.read() as tx:
                original = await tx.outbox.standing(item)
        except StorageError as error:
            await self._keep(item, Unsent(error=str(error)), until)
            return
        if item.unsure_since is not None:
            settled = await self._settle(item, original)
            if settled is None:
                return
            item, until = settled, self._deadline()
        await self._keep(item, await self._post(item, original), until)

    def _deadline(self) -> float:
        return time.monotonic() + KEEP_SHARE * self.pace.lease.total_seconds()

    async def _post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        claimed_at = item.claimed_at or item.created_at
        left = (claimed_at + self.pace.lease / 2 - machine_now()).total_seconds()
        if left <= 0:
            # Somebody else may take it over while we are at it.
            return Unsent(error="held up for too long")
        try:
            async with asyncio.timeout(left):
                return await self.notifier.post(item, original)
        except StorageError as error:
            # Drawing reads records, and comes before anything is sent.
            return Unsent(error=str(error))
        except TimeoutError as error:
            return Unknown(error=type(error).__name__)
        except Exception as error:  # the other destinations must go on
            log.exception("post_failed", extra=_fields(item))
            fault = f"fault: {type(error).__name__}"
            again = item.error == fault and item.attempts >= FAULTS
            return Never(error=fault) if again else Unknown(error=fault)

    async def _settle(self, item: OutboxItem, original: OutboxItem | None) -> OutboxItem | None:
        """Find out what became of an earlier try; None if there is nothing left to post now."""
        until = self._deadline()
        # An edit once more changes nothing.
        harmless = original is not None and item.edits is not None
        found: Finding = Absent() if harmless else await self._find(item, original)
        if not isinstance(found, Absent | Untold):
            await self._keep(item, found, until)
            return None
        repeat = isinstance(found, Untold)
        fields = {"repeat": repeat, "why": found.why if isinstance(found, Untold) else "not there"}
        log.warning("post_repeated", extra={**_fields(item), **fields})
        async with self.database.write(quiet=True) as tx:
            if not await tx.outbox.settle_doubt(
                item, machine_now(), self.pace.lease, repeat=repeat
            ):
                return None
            return await tx.outbox.item(item.id)

    async def _find(self, item: OutboxItem, original: OutboxItem | None) -> Finding:
        found = await self.notifier.find(item, original)
        if isinstance(found, Absent):
            # What was just posted may show a little later.
            await asyncio.sleep(self.pace.look_again.total_seconds())
            found = await self.notifier.find(item, original)
        if isinstance(found, NotNow | Unsent) and item.attempts > LOOKS:
            return Untold(why=found.error)
        return found

    async def _admins(self) -> frozenset[str] | None:
        try:
            return await self.people.holders(Role.ADMIN, fresh=False)
        except UpstreamError as error:
            log.warning("admins_unknown", extra={"error": str(error)})
            return None

    async def _keep(self, item: OutboxItem, outcome: Outcome | Finding, until: float) -> None:
        """Store the outcome; while the database refuses, again and again."""
        told = isinstance(outcome, Closed | Never) and not _is_moot(item, outcome)
        admins = await self._admins() if told else frozenset()
        kept = await self._stored(item, outcome, admins, until)
        error = getattr(outcome, "error", None)
        if not kept:
            log.warning("lease_lost", extra={**_fields(item), "outcome": type(outcome).__name__})
        elif error is not None:
            level, event = EVENTS[type(outcome)] if not _is_moot(item, outcome) else QUIETLY
            log.log(level, event, extra={**_fields(item), "error": error})

    async def _stored(
        self,
        item: OutboxItem,
        outcome: Outcome | Finding,
        admins: frozenset[str] | None,
        until: float,
    ) -> bool:
        pause = 0.1
        while True:
            try:
                async with self.database.write(quiet=not admins) as tx:
                    return await self._store(tx, item, outcome, admins)
            except StorageError:
                if time.monotonic() + pause > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)

    async def _store(
        self,
        tx: Transaction,
        item: OutboxItem,
        outcome: Outcome | Finding,
        admins: frozenset[str] | None,
    ) -> bool:
        match outcome:
            case Posted():
                at = self.clock.now()
                return await tx.outbox.sent(item, channel=outcome.channel, ts=outcome.ts, at=at)
            case Closed() | Never():
                return await self._store_refusal(tx, item, outcome, admins)
            case Moot():
                return await tx.outbox.bury(item, outcome.error)
            case Absent() | Untold():
                raise AssertionError("it is posted again instead")
            case _:
                due_at = machine_now() + wait_after(item, outcome, self.pace)
                return await tx.outbox.postpone(
                    item, due_at, outcome.error, **doubt_after(item, outcome)
                )

    async def _store_refusal(
        self,
        tx: Transaction,
        item: OutboxItem,
        refusal: Closed | Never,
        admins: frozenset[str] | None,
    ) -> bool:
        today = self.clock.now().date()
        if isinstance(refusal, Closed):
            kept = await tx.outbox.close(item, machine_now() + CLOSED_PAUSE, refusal.error)
            for admin in admins or ():
                await self.notices.channel_closed(tx, item, admin, refusal.error, today)
            return kept
        if admins is None:
            # Nobody could be told that it is given up, so it is not yet.
            return await tx.outbox.postpone(item, machine_now() + LONGEST_PAUSE, refusal.error)
        for admin in admins:
            await self.notices.message_refused(tx, item, admin, refusal.error, today)
        return await tx.outbox.bury(item, refusal.error)


def _is_moot(item: OutboxItem, outcome: Outcome | Finding) -> bool:
    """Whether only the change of an earlier direct message was refused, as of somebody who left."""
    return isinstance(outcome, Never) and item.edits is not None and item.destination[0] in "UW"


def _fields(item: OutboxItem) -> dict[str, object]:
    return {"outbox_id": item.id, "kind": item.kind, "destination": item.destination}


async def _land(flying: set[asyncio.Task[None]]) -> None:
    """Let what is being posted come to its end: a post cut off would be repeated."""
    if not flying:
        return
    _, late = await asyncio.wait(flying, timeout=LANDING_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*flying, return_exceptions=True)

"""The clock's ticks and the lanes that they wake.

A lane looks for rows that are due and works them off. It is woken by every commit and by every
tick, so that work begins at once and what a crash left behind begins at the next tick. APScheduler
only ticks, in memory: what is due is never known to it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from services.clock import machine_now
from services.errors import UpstreamError
from storage.database import StorageError

log = logging.getLogger(__name__)

MISSED_TICKS = 3
JUMP = timedelta(seconds=60)
"""A clock that differs by more from the time that has passed was set, or the machine slept."""
AFTER_FAULT_SECONDS = 5.0
REST, LONGEST_REST = 4.0, 0.5
"""A lane rests four times as long as its sweep took: what came meanwhile is one sweep, not many,
and where the machine is busy the lanes leave it to the answers that Slack waits for."""

Sweep = Callable[[], Awaitable[float | None]]
"""Works off what is due; returns in how many seconds something else will be, where it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlan:
    """One line per kind of due work: its name and the service call."""

    name: str
    sweep: Sweep


class _Troubles:
    """What stands in the lanes' way: said once, in words, until it is over."""

    def __init__(self) -> None:
        self._by_lane: dict[str, str] = {}

    def met(self, lane: str, error: StorageError | UpstreamError) -> None:
        """A lane cannot go on at the moment; what another one said already is not said again."""
        said = str(error)
        if said not in self._by_lane.values():
            log.warning("lanes_wait", extra={"error": said})
        self._by_lane[lane] = said

    def over(self, lane: str) -> None:
        """A lane goes on."""
        if self._by_lane.pop(lane, None) is not None and not self._by_lane:
            log.info("lanes_go_on")


class _Lane:
    def __init__(self, plan: LanePlan, troubles: _Troubles) -> None:
        self.plan = plan
        self.troubles = troubles
        self.wake = asyncio.Event()
        self.sweeping = False
        self.last = False

    async def run(self) -> None:
        while not self.last:
            self.wake.clear()
            self.sweeping = True
            began = time.monotonic()
            delay = await self._sweep()
            self.sweeping = False
            if not self.last:
                await asyncio.sleep(min(REST * (time.monotonic() - began), LONGEST_REST))
                await self._rest(delay)

    async def _rest(self, delay: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self.wake.wait()

    async def _sweep(self) -> float | None:
        try:
            delay = await self.plan.sweep()
        except (StorageError, UpstreamError) as error:
            self.troubles.met(self.plan.name, error)
            return AFTER_FAULT_SECONDS
        except Exception:  # the lane must outlive one bad row
            log.exception("lane_failed", extra={"lane": self.plan.name})
            return AFTER_FAULT_SECONDS
        self.troubles.over(self.plan.name)
        return delay


class Schedule:
    """The lanes and their ticker."""

    def __init__(
        self, plans: list[LanePlan], tick_every: int, now: Callable[[], datetime] = machine_now
    ) -> None:
        self.tick_every = tick_every
        self._now = now
        self._troubles = _Troubles()
        self._lanes = [_Lane(plan, self._troubles) for plan in plans]
        self._tasks: list[asyncio.Task[None]] = []
        self._ticked_at = time.monotonic()
        self._clock_at = (time.monotonic(), now())
        self._ticks_since_jump = MISSED_TICKS
        self._ticker = AsyncIOScheduler(timezone="UTC")

    def wake(self) -> None:
        """Something may be due: every lane looks."""
        for lane in self._lanes:
            lane.wake.set()

    def start(self) -> None:
        """Begin to tick, inside the running loop."""
        watchdog = _Lane(LanePlan(name="watchdog", sweep=self._watch), self._troubles)
        self._tasks = [asyncio.create_task(lane.run()) for lane in [*self._lanes, watchdog]]
        self._begin_ticking()

    def _begin_ticking(self) -> None:
        self._ticker.add_job(
            self._tick,
            "interval",
            seconds=self.tick_every,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        self._ticker.start()

    def alive(self) -> bool:
        """Whether ticks come, every lane runs, and the clock goes as time does."""
        return self.trouble() is None

    def trouble(self) -> str | None:
        """What is wrong, in one word: `stalled`, or for some ticks after a jump `jumped`."""
        running = all(not task.done() for task in self._tasks)
        if not running or self.last_tick_age() >= self.tick_every * MISSED_TICKS:
            return "stalled"
        return "jumped" if self._ticks_since_jump < MISSED_TICKS else None

    def last_tick_age(self) -> float:
        """Seconds since the last tick; the scheduler's own word is not asked."""
        return time.monotonic() - self._ticked_at

    async def stop(self, seconds: float = 0.0) -> None:
        """Stop ticking, give the lanes that long to end what they are at, then cut them.

        What they left is due again at the next start.
        """
        if self._ticker.running:
            self._ticker.shutdown(wait=False)
        busy = set()
        for lane, task in zip(self._lanes, self._tasks, strict=False):
            lane.last = True
            if lane.sweeping:
                busy.add(task)
        for task in set(self._tasks) - busy:
            task.cancel()
        if busy:
            await asyncio.wait(busy, timeout=seconds)
        for task in busy:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tick(self) -> None:
        self._ticked_at = time.monotonic()
        self._ticks_since_jump += 1
        self.wake()

    async def _watch(self) -> float:
        """Notice a ticker that died, and bring it back; notice a clock that was set."""
        self._look_at_clock()
        if self.last_tick_age() >= self.tick_every * MISSED_TICKS * 2:
            log.error("ticker_dead", extra={"seconds": round(self.last_tick_age())})
            self._revive()
        return self.tick_every

    def _look_at_clock(self) -> None:
        (then, was), (passed, now) = self._clock_at, (time.monotonic(), self._now())
        self._clock_at = (passed, now)
        jump = (now - was) - timedelta(seconds=passed - then)
        if abs(jump) > JUMP:
            # What is due by the new time is looked for at once; each rule bears a jump.
            log.error("clock_jumped", extra={"seconds": round(jump.total_seconds())})
            self._ticks_since_jump = 0
            self.wake()

    def _revive(self) -> None:
        with suppress(Exception):
            self._ticker.shutdown(wait=False)
        self._ticked_at = time.monotonic()
        self._ticker = AsyncIOScheduler(timezone="UTC")
        self._begin_ticking()
        self.wake()

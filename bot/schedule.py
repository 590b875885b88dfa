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

log = logging.getLogger(__name__)

MISSED_TICKS = 3
JUMP = timedelta(seconds=60)
"""A clock that differs by more from the time that has passed was set, or the machine slept."""
AFTER_FAULT_SECONDS = 5.0

Sweep = Callable[[], Awaitable[float | None]]
"""Works off what is due; returns in how many seconds something else will be, where it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlan:
    """One line per kind of due work: its name and the service call."""

    name: str
    sweep: Sweep


class _Lane:
    def __init__(self, plan: LanePlan) -> None:
        self.plan = plan
        self.wake = asyncio.Event()

    async def run(self) -> None:
        while True:
            self.wake.clear()
            delay = await self._sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self.wake.wait()

    async def _sweep(self) -> float | None:
        try:
            return await self.plan.sweep()
        except Exception:  # the lane must outlive one bad row
            log.exception("lane_failed", extra={"lane": self.plan.name})
            return AFTER_FAULT_SECONDS


class Schedule:
    """The lanes and their ticker."""

    def __init__(
        self, plans: list[LanePlan], tick_every: int, now: Callable[[], datetime] = machine_now
    ) -> None:
        self.tick_every = tick_every
        self._now = now
        self._lanes = [_Lane(plan) for plan in plans]
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
        watchdog = _Lane(LanePlan(name="watchdog", sweep=self._watch))
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

    async def stop(self) -> None:
        """Stop ticking, and stop the lanes: what they left is due again at the next start."""
        if self._ticker.running:
            self._ticker.shutdown(wait=False)
        for task in self._tasks:
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

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

from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)

MISSED_TICKS = 3
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
        self.sweeping = False
        self.last = False

    async def run(self) -> None:
        while not self.last:
            self.wake.clear()
            self.sweeping = True
            delay = await self._sweep()
            self.sweeping = False
            if not self.last:
                await self._rest(delay)

    async def _rest(self, delay: float | None) -> None:
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

    def __init__(self, plans: list[LanePlan], tick_every: int) -> None:
        self.tick_every = tick_every
        self._lanes = [_Lane(plan) for plan in plans]
        self._tasks: list[asyncio.Task[None]] = []
        self._ticked_at = time.monotonic()
        self._ticker = AsyncIOScheduler(timezone="UTC")

    def wake(self) -> None:
        """Something may be due: every lane looks."""
        for lane in self._lanes:
            lane.wake.set()

    def start(self) -> None:
        """Begin to tick, inside the running loop."""
        self._tasks = [asyncio.create_task(lane.run()) for lane in self._lanes]
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
        """Whether ticks come and every lane runs; the scheduler's own word is not asked."""
        silent = time.monotonic() - self._ticked_at
        running = all(not task.done() for task in self._tasks)
        return running and silent < self.tick_every * MISSED_TICKS

    async def stop(self, seconds: float = 0.0) -> None:
        """Stop ticking, give the lanes that long to end what they are at, then cut them.

        What they left is due again at the next start.
        """
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
        self.wake()

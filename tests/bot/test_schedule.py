"""Lanes work when something is due, outlive what goes wrong, and say when they no longer run."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from bot.schedule import LanePlan, Schedule
from bot.work import Work, during
from services.clock import machine_now
from storage.database import DatabaseBusy, DatabaseFull

NEVER = 3600


class Lane:
    """A lane that notes each sweep; the first ones may fail, and it may say what is due when."""

    def __init__(
        self, *, faults: int = 0, delay: float | None = None, fault: Exception | None = None
    ) -> None:
        self.sweeps = 0
        self.faults = faults
        self.fault = fault or ValueError("a bad row")
        self.delay = delay

    async def sweep(self) -> float | None:
        self.sweeps += 1
        if self.sweeps <= self.faults:
            raise self.fault
        return self.delay

    async def swept(self, times: int) -> None:
        async with asyncio.timeout(3):
            while self.sweeps < times:  # noqa: ASYNC110 - the schedule tells nobody
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(*lanes: Lane, tick_every: int = NEVER) -> AsyncIterator[Schedule]:
    plans = [LanePlan(name=f"lane{n}", sweep=lane.sweep) for n, lane in enumerate(lanes)]
    schedule = Schedule(plans, tick_every)
    schedule.start()
    try:
        yield schedule
    finally:
        await schedule.stop()


async def settled() -> None:
    await asyncio.sleep(0.05)


async def test_every_lane_looks_at_start_for_what_a_crash_left() -> None:
    lanes = Lane(), Lane()
    async with running(*lanes):
        await settled()
        assert [lane.sweeps for lane in lanes] == [1, 1]


async def test_a_commit_wakes_every_lane() -> None:
    lanes = Lane(), Lane()
    async with running(*lanes) as schedule:
        await settled()
        schedule.wake()
        await settled()
        assert [lane.sweeps for lane in lanes] == [2, 2]


async def test_a_commit_during_a_sweep_is_not_missed() -> None:
    lane = Lane()
    woken: list[Schedule] = []

    async def sweep() -> None:
        await lane.sweep()
        if lane.sweeps == 1:
            woken[0].wake()

    schedule = Schedule([LanePlan(name="lane", sweep=sweep)], NEVER)
    woken.append(schedule)
    schedule.start()
    await lane.swept(2)
    await schedule.stop()


async def test_many_commits_at_once_are_one_more_look() -> None:
    lane = Lane()
    async with running(lane) as schedule:
        await settled()
        for _ in range(100):
            schedule.wake()
        await settled()
        assert lane.sweeps == 2


async def test_a_lane_wakes_by_itself_when_it_knows_what_is_due() -> None:
    lane = Lane(delay=0.02)
    async with running(lane):
        await lane.swept(4)


async def test_a_lane_outlives_a_fault_and_the_log_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lane, other = Lane(faults=1), Lane()
    async with running(lane, other) as schedule:
        await settled()
        assert schedule.alive()
        schedule.wake()
        await lane.swept(2)
        assert other.sweeps == 2
    (record,) = [record for record in caplog.records if record.message == "lane_failed"]
    assert record.exc_info is not None


async def test_a_database_that_refuses_is_said_once_in_words_until_that_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    full, busy = DatabaseFull("The disk is full."), DatabaseBusy("The database is busy.")
    lanes = [Lane(faults=3, fault=full), Lane(faults=3, fault=full), Lane()]
    async with running(*lanes) as schedule:
        for sweeps in range(1, 4):
            await asyncio.gather(*(lane.swept(sweeps) for lane in lanes))
            await settled()
            schedule.wake()
        await asyncio.gather(*(lane.swept(4) for lane in lanes))
        await settled()
        assert schedule.alive()
        for lane in lanes[:1]:
            lane.faults, lane.fault = 5, busy
        schedule.wake()
        await lanes[0].swept(5)
        await settled()
    told = [(one.message, getattr(one, "error", "")) for one in caplog.records]
    mine = [one for one in told if one[0].startswith("lanes_")]
    assert mine == [
        ("lanes_wait", "The disk is full."),
        ("lanes_go_on", ""),
        ("lanes_wait", "The database is busy."),
    ]
    assert not [one for one in caplog.records if one.exc_info]


async def test_ticks_wake_the_lanes_and_without_them_the_schedule_is_not_alive() -> None:
    lane = Lane()
    async with running(lane, tick_every=1) as schedule:
        await lane.swept(2)
        assert schedule.alive()
        schedule._ticker.pause()
        async with asyncio.timeout(5):
            while schedule.alive():  # noqa: ASYNC110 - as the health check does
                await asyncio.sleep(0.05)
        schedule._ticker.resume()
        async with asyncio.timeout(3):
            while not schedule.alive():  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.05)


async def test_a_schedule_whose_lane_ended_is_not_alive() -> None:
    async def sweep() -> None:
        raise asyncio.CancelledError

    schedule = Schedule([LanePlan(name="lane", sweep=sweep)], NEVER)
    schedule.start()
    await settled()
    assert not schedule.alive()
    await schedule.stop()


async def test_a_stopped_schedule_sweeps_no_more() -> None:
    lane = Lane(delay=0.01)
    async with running(lane) as schedule:
        await lane.swept(1)
    before = lane.sweeps
    schedule.wake()
    await settled()
    assert lane.sweeps == before
    assert not schedule.alive()


async def test_a_lane_that_hangs_is_cut_at_the_stop() -> None:
    async def sweep() -> None:
        await asyncio.sleep(NEVER)

    schedule = Schedule([LanePlan(name="lane", sweep=sweep)], NEVER)
    schedule.start()
    await settled()
    async with asyncio.timeout(1):
        await schedule.stop()


async def test_work_is_waited_for_when_the_service_stops() -> None:
    done: list[str] = []

    async def job() -> None:
        await asyncio.sleep(0.05)
        done.append("job")

    work = Work()
    work.start(job())
    await work.drain(2)
    assert done == ["job"]


async def test_work_that_takes_too_long_is_cut() -> None:
    ended: list[str] = []

    async def job() -> None:
        try:
            await asyncio.sleep(NEVER)
        finally:
            ended.append("cut")

    work = Work()
    work.start(job())
    await asyncio.sleep(0)
    began = time.monotonic()
    await work.drain(0.05)
    assert ended == ["cut"]
    assert time.monotonic() - began < 1


async def test_work_started_by_work_is_waited_for() -> None:
    done: list[str] = []
    work = Work()

    async def second() -> None:
        await asyncio.sleep(0.05)
        done.append("second")

    async def first() -> None:
        await asyncio.sleep(0.02)
        work.start(second())

    work.start(first())
    await work.drain(2)
    assert done == ["second"]


async def test_work_that_fails_is_in_the_log_and_ends_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    async def bad() -> None:
        raise ValueError("a bug")

    async def good() -> None:
        done.append("good")

    work = Work()
    work.start(bad())
    work.start(good())
    await work.drain(1)
    assert done == ["good"]
    assert [record.message for record in caplog.records] == ["task_failed"]


async def test_work_is_begun_though_nobody_can_tell_whether_it_came_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    async def first(_key: str) -> bool:
        raise DatabaseFull("The disk is full.")

    async def job() -> None:
        done.append("shown")
        raise DatabaseFull("The disk is full.")

    work = Work(first)
    with during("trigger_id:1"):
        work.start(job())
    await work.drain(2)
    assert done == ["shown"]
    assert [(one.message, one.exc_info) for one in caplog.records] == [("task_refused", None)]


async def test_nothing_to_wait_for_is_no_wait() -> None:
    async with asyncio.timeout(0.5):
        await Work().drain(NEVER)


class SetClock:
    """A machine's clock that somebody may set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return machine_now() + self.ahead


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(days=400), timedelta(minutes=2)])
async def test_a_clock_that_is_set_is_noticed_and_told_for_some_ticks(
    jump: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SetClock()
    schedule = Schedule([LanePlan(name="lane", sweep=Lane().sweep)], 1, clock.now)
    schedule.start()
    assert schedule.trouble() is None
    clock.ahead = jump
    async with asyncio.timeout(10):
        while schedule.trouble() != "jumped":  # noqa: ASYNC110 - as the health check does
            await asyncio.sleep(0.01)
        assert not schedule.alive()
        while schedule.trouble() is not None:  # noqa: ASYNC110 - as the health check does
            await asyncio.sleep(0.01)
    assert schedule.alive()
    await schedule.stop()
    (record,) = [one for one in caplog.records if one.message == "clock_jumped"]
    assert abs(record.seconds - jump.total_seconds()) <= 1  # type: ignore[attr-defined]


async def test_a_ticker_that_died_is_brought_back(caplog: pytest.LogCaptureFixture) -> None:
    lane = Lane()
    schedule = Schedule([LanePlan(name="lane", sweep=lane.sweep)], 1)
    schedule.start()
    schedule._ticker.shutdown(wait=False)
    async with asyncio.timeout(20):
        while schedule.trouble() != "stalled":  # noqa: ASYNC110 - as the health check does
            await asyncio.sleep(0.01)
        while not schedule.alive():  # noqa: ASYNC110 - as the health check does
            await asyncio.sleep(0.01)
    swept = lane.sweeps
    await lane.swept(swept + 2)
    await schedule.stop()
    assert "ticker_dead" in [one.message for one in caplog.records]


async def test_a_lane_rests_after_a_long_sweep_and_misses_nothing() -> None:
    began: list[float] = []

    async def sweep() -> None:
        began.append(time.monotonic())
        await asyncio.sleep(0.1)

    schedule = Schedule([LanePlan(name="long", sweep=sweep)], NEVER)
    schedule.start()
    try:
        async with asyncio.timeout(10):
            while len(began) < 3:
                schedule.wake()
                await asyncio.sleep(0.01)
    finally:
        await schedule.stop()
    # It sweeps for a tenth of a second, and rests for four.
    assert min(later - before for before, later in pairwise(began)) >= 0.49

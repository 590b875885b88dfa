"""A simulated year: every rung is sent once and in time, or is part of a more urgent one."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from storage.states import ReminderState
from tests.services.year import BEGIN, DOWNTIMES, YEAR, Outcome, Story, check, instants, lived

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def year(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outcome]:
    story = Story.told(1)
    path = tmp_path_factory.mktemp("year") / "year.db"
    yield await lived(story, instants(story), path)


@pytest.mark.timeout(240)
async def test_each_rung_of_a_year_is_sent_once_and_in_time_or_folded(year: Outcome) -> None:
    checked = check(year)
    assert checked.faults == []
    assert checked.counts["sent"] > 800
    assert checked.counts["folded, downtime"] > 20
    assert checked.counts["folded, weekend"] > 20
    assert not checked.latest


async def test_the_year_was_a_year_of_ticks_with_downtimes(year: Outcome) -> None:
    assert len(year.ids) == 200
    assert year.ticks[0] == BEGIN
    assert year.ticks[-1] == BEGIN + YEAR
    assert len(year.ticks) > 7_500
    days = [(one.end - one.begin).days for one in DOWNTIMES]
    assert days[:3] == [1, 7, 40]


async def test_the_second_opinion_finds_what_is_wrong(year: Outcome) -> None:
    sent = [one for one in year.reminders if one.state is ReminderState.SENT]
    others = [one for one in year.reminders if one is not sent[5]]
    lost = replace(year, reminders=others)
    late = replace(sent[5], decided_at=BEGIN + 2 * YEAR)
    twice = replace(sent[5], id="x" * 32)
    unsent = replace(sent[5], state=ReminderState.OBSOLETE)
    for wrong in (
        lost,
        replace(year, reminders=[*others, late]),
        replace(year, reminders=[*year.reminders, twice]),
        replace(year, reminders=[*others, unsent]),
        replace(year, outbox=year.outbox[1:]),
    ):
        assert check(wrong).faults

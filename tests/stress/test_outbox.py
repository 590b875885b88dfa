"""No message is lost, and none is doubled unmarked, whoever dies and whatever Slack forgets."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.stress.crashes import crash_at_each_moment
from tests.stress.outbox import LOST, Plan, Result, faults_of, run

SAMPLE = Plan(messages=160, channels=16, kill_every=0.5, seed=20261125)


def held(result: Result) -> None:
    """What holds in every run."""
    print(f"seed {result.plan.seed}: {result.kills} kills, {dict(result.troubles)}")  # noqa: T201
    assert faults_of(result) == []


async def test_workers_killed_at_random_lose_no_message_and_every_copy_is_marked_and_counted(
    tmp_path: Path,
) -> None:
    result = await run(tmp_path, SAMPLE)
    held(result)
    assert result.kills > 3


async def test_where_the_app_may_look_workers_killed_at_random_double_nothing(
    tmp_path: Path,
) -> None:
    result = await run(tmp_path, replace(SAMPLE, looks=True))
    held(result)
    assert (result.posted, result.marked, result.counted) == (SAMPLE.messages, 0, 0)


async def test_without_kills_a_message_is_repeated_only_where_an_answer_was_lost(
    tmp_path: Path,
) -> None:
    plan = Plan(messages=120, channels=30, troubled=0.15, seed=7)
    result = await run(tmp_path, plan)
    held(result)
    lost_answers = sum(count for kind, count in result.troubles.items() if kind in LOST)
    assert lost_answers > 0
    assert result.marked <= result.counted == lost_answers


@pytest.mark.parametrize("looks", [False, True])
async def test_a_kill_at_each_moment_of_a_delivery_loses_nothing(
    tmp_path: Path, *, looks: bool
) -> None:
    crashes = await crash_at_each_moment(tmp_path, looks=looks)
    names = {crash.name for crash in crashes}
    assert len(crashes) >= 20
    assert {"before chat.postMessage", "after chat.postMessage", "before a commit"} <= names
    assert ("after conversations.history" in names) == looks
    # Without the scope a look is tried and refused: what an app may do is not known at its start.
    assert any(crash.thread_looks for crash in crashes)
    for crash in crashes:
        assert crash.unsent == 0, crash
        assert min(crash.results, crash.cards, crash.replies) >= 1, crash
        assert crash.elsewhere == 0, crash
        assert "eclined" in crash.card_says, crash
        copies = crash.results + crash.cards + crash.replies - 3
        assert copies <= crash.marked <= crash.counted, crash
        if looks:
            assert (copies, crash.marked) == (0, 0), crash

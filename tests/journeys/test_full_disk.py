"""A disk without room, or without the right to write, under the real process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.steps import APPLE_ID, ask, steps_message
from tests.sandbox.deployment import Deployment, deployment
from tests.sandbox.small_disk import SmallDisk, possible, small_disk

FULL = "The disk of the database is full. Nothing was changed."
READ_ONLY = "The database cannot be opened"
SOME_SWEEPS = 4.0
"""Seconds in which every lane fails more than once."""


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    if not possible():
        pytest.skip("there is no unshare command")
    async with small_disk(tmp_path / "disk") as made:
        if made is None:
            pytest.skip("this machine allows no namespace")
        yield made


@pytest.fixture
async def deployed(tmp_path: Path, disk: SmallDisk) -> AsyncIterator[Deployment]:
    url = f"sqlite+aiosqlite:///{disk.folder / 'enroll-token.db'}"
    async with deployment(tmp_path, DATABASE_URL=url) as running:
        running.inside = disk.enter
        await running.start()
        yield running
        assert not running.slack.violations


async def test_a_full_disk_is_told_once_and_the_same_process_goes_on_when_there_is_room(
    deployed: Deployment, disk: SmallDisk
) -> None:
    olivia, amir, slack = deployed.cast.operator, deployed.cast.approver, deployed.slack
    card = await ask(deployed, "HQ iPads")
    waiting = await ask(deployed, "Waiting")
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    # This click is kept, and cannot be decided on when its role is known.
    slack.faults.delay("users.info", 2.0, times=1)
    assert (await deployed.cast.second_approver.click("Approve", message=waiting)).ok
    await disk.fill()
    # A form is told so in its place, a click in a message of its own; reading goes on.
    olivia.fill("Token name", "Lab iPads")
    olivia.fill("Apple ID", APPLE_ID)
    olivia.fill("Reason", "For the lab")
    olivia.fill("Your agreement", "I agree")
    await olivia.submit()
    assert FULL in str(olivia.view and olivia.view.blocks)
    await amir.click("Approve", message=card)
    await slack.wait_for(lambda: any(m.says(FULL) for m in amir.ephemerals), what="the answer")
    await olivia.command("/enroll-token", "list")
    await slack.wait_for(
        lambda: any(m.says("HQ iPads") for m in olivia.ephemerals), what="the list"
    )
    # An owner whose account is switched off is an event: Slack keeps what we cannot.
    answer = await olivia.changed()
    assert answer.ok or answer.status == 503
    await asyncio.sleep(SOME_SWEEPS)
    log = deployed.log()
    assert "Traceback" not in log
    assert 1 <= log.count("event=lanes_wait") <= 2, log
    assert f'error="{FULL}' in log
    await disk.empty()
    await amir.click("Approve", message=card)
    await steps_message(deployed, "HQ iPads")
    await steps_message(deployed, "Waiting")
    assert "event=lanes_go_on" in deployed.log()
    await ask(deployed, "Lab iPads")
    assert len(deployed.logs) == 1
    assert "Traceback" not in deployed.log()


async def test_a_read_only_disk_ends_the_start_in_words_and_nothing_is_lost(
    deployed: Deployment, disk: SmallDisk
) -> None:
    await ask(deployed, "HQ iPads")
    await deployed.stop()
    await disk.remount("ro")
    await deployed.start(ready=False)
    assert deployed.process is not None
    assert await deployed.process.wait() == 1
    assert READ_ONLY in deployed.log()
    assert "Traceback" not in deployed.log()
    await disk.remount("rw")
    await deployed.start()
    await ask(deployed, "Lab iPads")

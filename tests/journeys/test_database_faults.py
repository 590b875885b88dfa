"""A database that cannot be written for a while is told, and nothing waits for a restart."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.journeys.steps import APPLE_ID, ask
from tests.sandbox.deployment import Deployment

LOCKED_SECONDS = 10.0
SLACKS_PATIENCE = 3.0


@contextmanager
def locked(deployed: Deployment) -> Iterator[None]:
    """Another process's write that does not end."""
    with closing(sqlite3.connect(deployed.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_database_that_is_locked_for_10_seconds_is_told_and_everything_goes_on(
    deployed: Deployment,
) -> None:
    olivia, slack = deployed.cast.operator, deployed.slack
    card = await ask(deployed, "HQ iPads")
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the create form")
    olivia.fill("Token name", "Lab iPads")
    olivia.fill("Apple ID", APPLE_ID)
    olivia.fill("Reason", "For the lab")
    olivia.fill("Your agreement", "I agree")
    began = time.monotonic()
    with locked(deployed):
        submitted = time.monotonic()
        await olivia.submit()
        assert time.monotonic() - submitted < SLACKS_PATIENCE
        told = str(olivia.view and olivia.view.blocks) + str(olivia.errors)
        assert "The database is busy. Nothing was changed." in told
        clicked = time.monotonic()
        await deployed.cast.approver.click("Approve", message=card)
        assert time.monotonic() - clicked < SLACKS_PATIENCE
        # What only reads goes on.
        await olivia.command("/enroll-token", "list")
        await asyncio.sleep(max(0.0, LOCKED_SECONDS - (time.monotonic() - began)))
    # The very same process goes on, and what was told to be tried again works.
    await ask(deployed, "Lab iPads")
    await deployed.cast.approver.click("Approve", message=card)
    dm = olivia.dm
    await slack.wait_for(
        lambda: any(message.says("Your steps for HQ iPads") for message in dm.messages),
        within=20,
        what="the steps",
    )
    assert len(deployed.logs) == 1

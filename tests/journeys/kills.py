"""`kill -9` at a point with a name: the stand-ins hold a call there, and the process dies."""

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sandbox.deployment import Deployment
from tests.sandbox.holding import Hold

REACHED_SECONDS = 40.0
LEASES = (
    "UPDATE outbox SET lease_until = ? WHERE state = 'sending'",
    "UPDATE outbox SET due_at = ? WHERE state = 'due'",
    "UPDATE upload SET due_at = ? WHERE state = 'received'",
    "UPDATE sync_run SET lease_until = ? WHERE state = 'running'",
)


async def killed_at(deployed: Deployment, hold: Hold, action: Coroutine[Any, Any, object]) -> None:
    """Act, kill the process where the call is held, and start it a minute later."""
    acting = asyncio.create_task(action)
    async with asyncio.timeout(REACHED_SECONDS):
        await hold.reached.wait()
    await deployed.kill()
    hold.release()
    await asyncio.gather(acting, return_exceptions=True)
    _let_a_minute_pass(deployed)
    await deployed.start()


def _let_a_minute_pass(deployed: Deployment) -> None:
    """What the dead process held may be taken over."""
    past = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M:%S.%f}"
    with closing(sqlite3.connect(deployed.database, timeout=30)) as plain, plain:
        for lease in LEASES:
            plain.execute(lease, (past,))

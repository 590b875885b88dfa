"""What can go wrong with a call to Slack, by name: each kind before the call took effect, or after.

The positions are the methods; the tests beside this file walk through both.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bot.slack_http import Answer, SlackClient
from tests.sandbox.slack.faults import Fault
from tests.sandbox.slack.spoiling import Spoil
from tests.sandbox.slack.workspace import Workspace

PATIENCE = 0.8
"""Seconds that the client of these tests waits for an answer."""
SHORT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way in which one call goes wrong."""

    status: int = 200
    retry_after: float | None = None
    delay: float = 0.0
    reset: bool = False
    spoil: Spoil | None = None
    accepted: bool = False
    """Whether the call took effect all the same."""

    def at(self, method: str, *, channel: str | None = None) -> Fault:
        """The fault, for the next call of that method."""
        return Fault(
            method=method,
            channel=channel,
            status=self.status,
            retry_after=self.retry_after,
            delay=self.delay,
            reset=self.reset,
            spoil=self.spoil,
            accepted=self.accepted,
        )


KINDS: dict[str, Kind] = {
    "500": Kind(status=500),
    "500, taken all the same": Kind(status=500, accepted=True),
    "502": Kind(status=502),
    "503": Kind(status=503),
    "429 with seconds": Kind(status=429, retry_after=SHORT),
    "429 without": Kind(status=429),
    "a time-out before": Kind(delay=2 * PATIENCE),
    "a time-out after": Kind(delay=2 * PATIENCE, accepted=True),
    "a reset before": Kind(reset=True),
    "a reset after": Kind(reset=True, accepted=True),
    **{f"{spoil} before": Kind(spoil=spoil) for spoil in Spoil if spoil is not Spoil.OTHER_TYPE},
    **{f"{spoil} after": Kind(spoil=spoil, accepted=True) for spoil in Spoil},
}


@asynccontextmanager
async def impatient(slack: Workspace, origin: str) -> AsyncIterator[SlackClient]:
    """The client of the service, but that it waits less long."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout, response_class=Answer) as session:
        yield SlackClient(
            token=slack.bot_token,
            base_url=f"{origin}/api/",
            retry_handlers=[],
            session=session,
        )

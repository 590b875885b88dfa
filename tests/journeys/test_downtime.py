"""The watch through the real process: switched off for days, a clock that jumps, closed doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.steps import approved, register_at_apple, upload
from tests.sandbox.demo.time import MovedTime
from tests.sandbox.deployment import Deployment, Transport, deployment, new_stage
from tests.sandbox.slack.conversations import Channel, Message
from tests.sandbox.tour_time import begun, told

NAME = "HQ iPads"
DAY = timedelta(days=1)
PATIENCE = 30.0
LIFE = timedelta(days=16, hours=2)
"""It is a Tuesday; the rungs of 14 and of 7 days are due on Thursdays."""


@dataclass(kw_only=True)
class Watched:
    """A deployment with a token that ends in 16 days, whose clock is moved."""

    deployed: Deployment
    clock: MovedTime

    def count(self, *words: str) -> int:
        """How many messages in the alert channel say all of this."""
        return sum(all(m.says(one) for one in words) for m in self.deployed.alerts.messages)

    async def said(self, where: Channel, *words: str) -> Message:
        """The newest message there with these words, when there is one."""
        return await self.deployed.slack.wait_for(
            lambda: [m for m in where.messages if all(m.says(one) for one in words)][-1],
            within=PATIENCE,
            what=f"{words} in #{where.name or 'direct messages'}",
        )

    async def off_for(self, days: int) -> None:
        """Stop the process, let days go by, and start it; returns when it has looked around."""
        assert await self.deployed.stop() == 0
        self.clock.move(days * DAY)
        await self.deployed.start()
        # Whatever a start brings is posted in its order, and this comes last.
        amir = self.deployed.cast.approver
        seen = len(amir.ephemerals)
        await amir.command("/enroll-token", "list")
        await self.deployed.slack.wait_for(
            lambda: amir.ephemerals[seen], within=PATIENCE, what="an answer"
        )


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    stage = new_stage()
    clock = begun(stage)
    async with (
        told(clock) as url,
        deployment(folder, Transport.HTTP, stage, CLOCK_URL=url) as deployed,
    ):
        await deployed.start()
        olivia = deployed.cast.operator
        steps = await approved(deployed, NAME)
        await olivia.close()
        server = register_at_apple(deployed, devices=3, name=NAME)
        await upload(deployed, steps, *server.download_token(lifetime=LIFE))
        found = Watched(deployed=deployed, clock=clock)
        await found.said(deployed.alerts, f"*{NAME} expires in 16 days")
        await olivia.close()
        yield found
        assert not deployed.slack.violations


async def test_after_1_8_and_40_days_switched_off_only_the_most_urgent_is_said(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as place:
        alerts, olivia = place.deployed.alerts, place.deployed.cast.operator
        await place.off_for(1)
        assert place.count(f"{NAME} expire") == 1
        await place.off_for(8)
        await place.said(alerts, f"*{NAME} expires in 7 days")
        await place.said(olivia.dm, f"*{NAME} expires in 7 days")
        await place.said(alerts, "Enrollment tokens, week of 21 January 2027")
        await place.off_for(40)
        await place.said(alerts, f"*{NAME} expired on 28 January 2027, 33 days ago")
        await place.said(alerts, f"*{NAME}: it has expired")
        await place.said(alerts, "Enrollment tokens, week of 2 March 2027")
        # 16 days, 7 days, and after the end: three reminders in all, and two digests.
        assert place.count(f"{NAME} expire", "Owner:") == 3
        assert place.count("Enrollment tokens, week of") == 2


async def test_a_clock_that_jumps_400_days_and_back_loses_no_reminder(tmp_path: Path) -> None:
    async with watched(tmp_path) as place:
        before = place.clock.ahead
        place.clock.move(400 * DAY)
        await place.said(place.deployed.alerts, f"*{NAME} expired on", "384 days ago")
        place.clock.ahead = before
        place.clock.move(9 * DAY)
        await place.said(place.deployed.alerts, f"*{NAME} expires in 7 days")


@pytest.mark.parametrize("door", ["archived", "removed"])
async def test_a_reminder_for_a_closed_channel_is_kept_and_the_admins_are_told(
    tmp_path: Path, door: str
) -> None:
    async with watched(tmp_path) as place:
        alerts, slack = place.deployed.alerts, place.deployed.slack
        if door == "archived":
            alerts.is_archived = True
        else:
            alerts.members.discard(slack.bot_user_id)
        place.clock.move(9 * DAY)
        told = await place.said(place.deployed.cast.admin.dm, "cannot post")
        assert told.says(alerts.id)
        # The owner hears of the token all the same.
        await place.said(place.deployed.cast.operator.dm, f"*{NAME} expires in 7 days")
        assert not place.count(f"{NAME} expires in 7 days")


async def test_an_owner_with_closed_direct_messages_is_told_in_the_channel(tmp_path: Path) -> None:
    async with watched(tmp_path) as place:
        olivia, faults = place.deployed.cast.operator, place.deployed.slack.faults
        for where in (olivia.id, olivia.dm.id):
            faults.error("chat.postMessage", "cannot_dm_bot", channel=where, times=None)
        place.clock.move(9 * DAY)
        instead = await place.said(place.deployed.alerts, "I cannot write to you directly")
        assert instead.says(f"<@{olivia.id}>")
        assert instead.says(f"{NAME} expires in 7 days")

"""Homes follow changes: seldom in a burst, for those who opened theirs last, never for nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.homes import Homes
from services.audit import AuditLog, Deed
from services.overview import Overviews
from services.policy import Role
from storage.database import Database
from storage.migrations import migrate
from tests.bot.samples import ZONE
from tests.sandbox.deployment import BOT_TOKEN, MANIFEST, SIGNING_SECRET
from tests.sandbox.slack.manifest import read_manifest
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.workspace import Workspace
from tests.services.office import KEYS
from tests.services.ports import MovedClock, Workplace
from tests.storage import facts

PAUSE = 0.3
REMEMBERED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A workspace whose people have Homes."""

    slack: Workspace
    people: Workplace
    database: Database
    homes: Homes
    olivia: Person

    def published(self) -> int:
        return len(self.slack.calls("views.publish"))

    async def change(self, name: str) -> None:
        """Something audited happens: a new token."""
        async with self.database.write() as tx:
            token = facts.token(name)
            await tx.tokens.add(token)
            deed = Deed(
                actor="U0OLIVIA",
                action="request.create",
                subject=f"request:{name}",
                token_id=token.id,
                origin="view:1",
                after={},
            )
            await AuditLog(KEYS, MovedClock()).append(tx, deed)


@asynccontextmanager
async def built(folder: Path) -> AsyncIterator[Town]:
    slack = Workspace.installing(
        read_manifest(MANIFEST), signing_secret=SIGNING_SECRET, bot_token=BOT_TOKEN
    )
    olivia = slack.add_person("Olivia Operator")
    people = Workplace(roles={role: {olivia.id} for role in Role})
    database = Database(f"sqlite+aiosqlite:///{folder / 'homes.db'}")
    await migrate(database)
    overviews = Overviews(
        database=database,
        people=people,
        clock=MovedClock(),
        zone=ZONE,
        sync_every=timedelta(hours=12),
    )
    async with slack.serve() as origin:
        client = AsyncWebClient(token=BOT_TOKEN, base_url=f"{origin}/api/", retry_handlers=[])
        homes = Homes(client, overviews, zone=ZONE, pause=PAUSE, remembered=REMEMBERED)
        yield Town(slack=slack, people=people, database=database, homes=homes, olivia=olivia)
    await database.close()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with built(tmp_path) as town:
        yield town


async def test_without_an_opened_home_nothing_is_published(town: Town) -> None:
    await town.change("HQ")
    assert await town.homes.refresh() is None
    assert town.published() == 0


async def test_a_burst_of_changes_is_one_publish_and_the_last_state_is_shown(town: Town) -> None:
    await town.homes.show(town.olivia.id)
    for number in range(5):
        await town.change(f"HQ {number}")
        delay = await town.homes.refresh()
        assert delay is not None
        assert 0 < delay <= PAUSE
    assert town.published() == 1
    await asyncio.sleep(PAUSE)
    assert await town.homes.refresh() is None
    assert town.published() == 2
    assert town.olivia.home is not None
    assert town.olivia.home.says("HQ 4")
    assert await town.homes.refresh() is None
    assert town.published() == 2


async def test_a_home_that_looks_the_same_is_not_published_again(town: Town) -> None:
    for number in range(30):
        await town.change(f"A {number:02}")
    await town.homes.show(town.olivia.id)
    async with town.database.write() as tx:
        deed = Deed(
            actor="U1", action="x", subject="x", token_id=None, origin="console:u", after={}
        )
        await AuditLog(KEYS, MovedClock()).append(tx, deed)
    await asyncio.sleep(PAUSE)
    await town.homes.refresh()
    assert town.published() == 1


async def test_the_page_that_somebody_looks_at_stays(town: Town) -> None:
    for number in range(30):
        await town.change(f"A {number:02}")
    await town.homes.show(town.olivia.id, 1)
    await town.change("Z last")
    await asyncio.sleep(PAUSE)
    await town.homes.refresh()
    assert town.olivia.home is not None
    assert town.olivia.home.says("page 2 of 2")
    assert town.olivia.home.says("Z last")


async def test_a_publish_that_fails_is_dropped_until_the_next_change(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    await town.homes.show(town.olivia.id)
    await town.change("One")
    town.slack.faults.error("views.publish", "internal_error", times=1)
    await asyncio.sleep(PAUSE)
    assert await town.homes.refresh() is None
    assert "home_not_published" in caplog.text
    assert await town.homes.refresh() is None
    assert town.published() == 2
    town.people.silent = True
    await town.change("Two")
    await asyncio.sleep(PAUSE)
    assert await town.homes.refresh() is None
    assert town.published() == 2
    assert town.olivia.home is not None
    assert not town.olivia.home.says("One")


async def test_whoever_loses_the_role_loses_the_home(town: Town) -> None:
    await town.change("Secret plans")
    await town.homes.show(town.olivia.id)
    for holders in town.people.roles.values():
        holders.clear()
    await town.change("More")
    await asyncio.sleep(PAUSE)
    await town.homes.refresh()
    assert town.olivia.home is not None
    assert not town.olivia.home.says("Secret plans")
    assert town.olivia.home.says("whoever runs this app")
    await town.change("Again")
    assert await town.homes.refresh() is None
    assert town.published() == 2


async def test_only_the_homes_opened_last_are_remembered(town: Town) -> None:
    crowd = [town.slack.add_person(f"P {number}").id for number in range(REMEMBERED)]
    for holders in town.people.roles.values():
        holders.update(crowd)
    await town.homes.show(town.olivia.id)
    for person in crowd:
        await town.homes.show(person)
    await asyncio.sleep(PAUSE)
    await town.change("HQ")
    await town.homes.refresh()
    assert town.published() == 1 + 2 * REMEMBERED
    assert town.olivia.home is not None
    assert not town.olivia.home.says("HQ")

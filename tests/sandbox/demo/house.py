"""Everything that one demo consists of, running together."""

import asyncio
import contextlib
import logging
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import yaml

from services.sealing import new_key
from tests.sandbox.demo.changes import Changes
from tests.sandbox.demo.keeping import CAST, Kept, Unusable, restore, save
from tests.sandbox.demo.time import MovedTime, machine_zone
from tests.sandbox.deployment import (
    MANIFEST,
    Deployment,
    Stage,
    Transport,
    deployment,
    new_stage,
)
from tests.sandbox.graph.applications import GUIDED
from tests.sandbox.graph.tenant import Tenant
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.hand import Hand
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.reading import Json

log = logging.getLogger(__name__)

STATE = "stand-ins"
KEYS = "keys.txt"
GENERAL = "general"
APPLE_ID = "it-admin@schools.example"
SECRET_DAYS = 730
"""The longest that Entra allows."""
BOUGHT = 25
SAVE_AFTER = 0.3
SAVE_SHARE = 20
"""Saving takes at most every twentieth second of the demo's time."""
BOT_SECONDS = 1.2
"""How long the bot may take to finish what it does when the demo ends."""
RECORDS = 400
"""How much of the traffic is kept for the page that shows it."""

ROLES = {
    "operator": ("Operator", "Operator: starts requests"),
    "approver": ("Approver", "Approver: decides on requests"),
    "second_approver": ("Approver", "Approver: decides on requests"),
    "admin": ("Admin", "Admin: is told of incidents"),
    "bystander": ("No role", "Has no role in the app"),
    "guest": ("Guest", "A guest never has a role"),
}


def app_of_manifest() -> Json:
    """Read what Slack's own client shows of an app."""
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    features = manifest["features"]
    return {
        "name": manifest["display_information"]["name"],
        "description": manifest["display_information"].get("description", ""),
        "color": manifest["display_information"].get("background_color", ""),
        "commands": features.get("slash_commands", []),
        "shortcuts": features.get("shortcuts", []),
        "read_only": features["app_home"].get("messages_tab_read_only_enabled", False),
    }


@dataclass(kw_only=True)
class House:
    """The stand-ins, the bot, the time, and what the pages remember."""

    folder: Path
    stage: Stage
    time: MovedTime
    kept: Kept
    changes: Changes = field(default_factory=Changes)
    hands: dict[str, Hand] = field(default_factory=dict)
    deployed: Deployment | None = None
    troubles: list[str] = field(default_factory=list)
    """What a page could not draw; every one of them is a mistake of ours."""
    making: str = ""
    """How far the lively organisation is, or what kept it from being made."""
    is_making: bool = False
    zone: str = field(default_factory=machine_zone)
    """The time zone of the bot and of the pages."""
    app: Json = field(default_factory=app_of_manifest)
    """What Slack knows of the app: its name, commands and shortcuts."""

    @property
    def people(self) -> dict[str, Person]:
        """Whom one can be, by their part in the story."""
        return {part: getattr(self.stage.cast, part) for part in CAST}

    def hand(self, part: str) -> Hand:
        """The hand of one of them."""
        person = self.people[part]
        return self.hands.setdefault(part, Hand(person=person))

    def general(self) -> Channel:
        """The channel that everybody is in, guests too; the bot is not."""
        return self.stage.slack.channel(GENERAL)

    def trim(self) -> None:
        """Forget old traffic."""
        slack, apple, microsoft = self.stage.slack, self.stage.apple, self.stage.microsoft
        for records in (slack.requests, slack.acks, apple.requests, microsoft.requests):
            del records[:-RECORDS]

    @property
    def tenant(self) -> Tenant:
        """What the organisation has at Microsoft."""
        assert self.stage.intune is not None, "the demo's stage has a tenant"
        return self.stage.intune

    @property
    def database(self) -> Path:
        """The bot's own database, which the demo only looks into."""
        return self.folder / "data" / "enroll-token.db"


def set_aside(folder: Path) -> Path:
    """Keep data that cannot be used out of the way; where it went."""
    for number in range(1, 1000):
        aside = folder.with_name(f"{folder.name}-set-aside-{number}")
        if not aside.exists():
            folder.rename(aside)
            return aside
    raise AssertionError("There are a thousand folders of old demos already.")


def open_house(folder: Path, *, fresh: bool) -> House:
    """Take up the last demo in that folder, or begin a new one. Raises Unusable."""
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    stage = new_stage(intune=True)
    path = folder / STATE
    if path.exists():
        kept = restore(path, stage)
    elif (folder / "data").exists():
        raise Unusable(f"{folder} has a database, but not the Slack and Apple that belong to it.")
    else:
        kept = Kept(read={})
        _furnish(stage)
    if stage.intune is not None and not stage.intune.applications:
        _sign_up(stage.intune)
    house = House(folder=folder, stage=stage, time=MovedTime(kept.ahead), kept=kept)
    house.time.on_move = house.changes.mark
    stage.slack.clock = house.time.seconds
    stage.slack.on_change = stage.apple.on_change = house.changes.mark
    stage.microsoft.on_change = house.changes.mark
    stage.apple.clock = stage.microsoft.clock = house.time.now
    return house


def _furnish(stage: Stage) -> None:
    cast = stage.cast
    stage.slack.add_channel(
        GENERAL, members=[getattr(cast, part) for part in CAST], bot_is_member=False
    )
    for part in CAST:
        stage.slack.im_with(getattr(cast, part).id)
    schools = stage.apple.add_organisation("Example Schools", admin=APPLE_ID, type="edu")
    schools.add_devices(BOUGHT)


def _sign_up(tenant: Tenant) -> None:
    tenant.name = "Example Schools"
    application = tenant.add_application(roles=GUIDED)
    application.add_secret(tenant.now() + timedelta(days=SECRET_DAYS))
    tenant.add_user("Ida Admin", APPLE_ID)
    tenant.add_scope_tag("Primary school")


@asynccontextmanager
async def lived_in(house: House, clock_url: str) -> AsyncIterator[Deployment]:
    """The bot and the stand-ins, served; what they know is kept meanwhile, and at the end."""
    settings = {
        "ENCRYPTION_KEYS": f"file:{_keys(house.folder)}",
        "CLOCK_URL": clock_url,
        "TIME_ZONE": house.zone,
        "ENTRA_WATCH": "on",
    }
    async with deployment(house.folder, Transport.HTTP, house.stage, **settings) as deployed:
        for file in house.stage.slack.files.by_id.values():
            file.origin = house.stage.slack.origin
        house.deployed = deployed
        keeping = asyncio.create_task(_keep(house))
        try:
            yield deployed
        finally:
            await _end(deployed)
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            _save(house)


async def _end(deployed: Deployment) -> None:
    process = deployed.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(BOT_SECONDS):
            await process.wait()
    except TimeoutError:
        await deployed.kill()


async def _keep(house: House) -> None:
    seen = house.changes.count
    while True:
        seen = await house.changes.since(seen, within=60)
        await asyncio.sleep(SAVE_AFTER)
        seen = house.changes.count
        began = time.monotonic()
        house.trim()
        _save(house)
        await asyncio.sleep((time.monotonic() - began) * SAVE_SHARE)


def _save(house: House) -> None:
    house.kept.ahead = house.time.ahead
    save(house.folder / STATE, house.stage, house.kept)


def _keys(folder: Path) -> Path:
    path = (folder / KEYS).resolve()
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(new_key("demo") + "\n", encoding="utf-8")
    return path

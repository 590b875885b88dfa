"""The product wired as at start, in this process, behind a real socket and a stand-in Slack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.bootstrap import Service, running
from bot.preflight import preflight
from bot.settings import Settings, load_settings
from bot.slack_http import slack_client
from bot.web import Web
from services.sealing import new_key
from storage.database import Database
from storage.migrations import migrate
from tests.sandbox.deployment import BOT_TOKEN, MANIFEST, SIGNING_SECRET
from tests.sandbox.serving import serve
from tests.sandbox.slack.conversations import Channel
from tests.sandbox.slack.manifest import read_manifest
from tests.sandbox.slack.person import Person
from tests.sandbox.slack.workspace import Workspace

EVENTS = "/slack/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A workspace, and the service that answers it at `origin`."""

    slack: Workspace
    service: Service
    origin: str
    operator: Person
    approver: Person
    alerts: Channel


@asynccontextmanager
async def served(folder: Path, environment: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """The service with its lanes, in a folder of its own."""
    slack = Workspace.installing(
        read_manifest(MANIFEST), signing_secret=SIGNING_SECRET, bot_token=BOT_TOKEN
    )
    operator, approver = slack.add_person("Olivia Operator"), slack.add_person("Amir Approver")
    alerts = slack.add_channel("it-alerts", members=[operator, approver])
    async with slack.serve() as slack_origin:
        values = {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": f"{slack_origin}/api/",
            "OPERATORS": operator.id,
            "APPROVERS": approver.id,
            "ALERT_CHANNEL": alerts.id,
            "ENCRYPTION_KEYS": new_key("k1"),
            "APPLE_ENROLLMENT_URL": "http://127.0.0.1:9",
        }
        only(environment, folder, values)
        settings = load_settings()
        async with slack_client(settings) as asking:
            side = await preflight(asking, settings)
        await migrated(Database(settings.database_url))
        async with running(settings, side) as service, serve(web_of(service).asgi()) as origin:
            slack.request_url = origin + EVENTS
            yield Served(
                slack=slack,
                service=service,
                origin=origin,
                operator=operator,
                approver=approver,
                alerts=alerts,
            )


def only(environment: pytest.MonkeyPatch, folder: Path, values: dict[str, str]) -> None:
    """These settings and no others are in force, in that folder."""
    for name in Settings.model_fields:
        environment.delenv(name.upper(), raising=False)
    for name, value in values.items():
        environment.setenv(name, value)
    environment.chdir(folder)


def web_of(service: Service) -> Web:
    """The routes over a service, as `serve` makes them."""
    return Web(
        app=service.app,
        signing_secret=SIGNING_SECRET,
        alive=service.schedule.alive,
        ready=service.ready,
    )


async def migrated(database: Database) -> None:
    """Make the schema."""
    try:
        await migrate(database)
    finally:
        await database.close()

"""The only place that wires: from settings to a service that can be started and stopped."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.core import Ground, core_of
from bot.heartbeat import Heartbeat
from bot.metrics import Metrics
from bot.preflight import SlackSide
from bot.schedule import LanePlan, Schedule
from bot.settings import Settings
from bot.surfaces import bolt_app, register
from bot.work import Work
from services.apple.client import apple_http
from services.apple.program import AppleProgram
from services.apple.vault import Vault
from services.keys import open_keys
from services.programs import Program
from services.sealing import KeyRing, parse_keys
from storage.database import Database
from storage.states import ProgramName

log = logging.getLogger(__name__)

DRAIN_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service: what Slack's deliveries go to, and what works beside it."""

    app: AsyncApp
    schedule: Schedule
    work: Work
    database: Database
    slack: AsyncWebClient
    metrics: Metrics

    async def ready(self) -> bool:
        """Whether the database and Slack answer; the keys were proved at start."""
        try:
            async with self.database.read() as tx:
                await tx.outbox.depth()
            await self.slack.auth_test()
        except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
            log.warning("not_ready", extra={"error_type": type(error).__name__})
            return False
        return True


def keys_of(settings: Settings) -> KeyRing:
    """The key-encryption keys. Raises SealBroken."""
    return parse_keys(tuple(key.get_secret_value() for key in settings.encryption_keys))


def slack_client(settings: Settings) -> AsyncWebClient:
    """A client for Slack that retries nothing by itself, lest a message be posted twice."""
    return AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        retry_handlers=[],
    )


@asynccontextmanager
async def running(settings: Settings, side: SlackSide) -> AsyncIterator[Service]:
    """A service with its lanes running; drained and closed at the end of the block."""
    database = Database(settings.database_url)
    try:
        keys = keys_of(settings)
        await open_keys(database, keys)
        clock = SystemClock()
        # The schedule is made after what it counts for.
        made: list[Schedule] = []
        metrics = Metrics(database, clock, lambda: made[0].last_tick_age() if made else 0.0)

        def counted(outcome: str) -> None:
            metrics.called(ProgramName.APPLE, outcome)

        async with apple_http(settings.apple_enrollment_url, counted) as http:
            programs: dict[ProgramName, Program] = {
                ProgramName.APPLE: AppleProgram(database, http, Vault(keys), clock)
            }
            slack = slack_client(settings)
            ground = Ground(
                database=database, keys=keys, programs=programs, slack=slack, clock=clock
            )
            service = _service(settings, side, ground, metrics)
            made.append(service.schedule)
            service.schedule.start()
            yield service
            await service.schedule.stop()
            await service.work.drain(DRAIN_SECONDS)
    finally:
        await database.close()


def _service(settings: Settings, side: SlackSide, ground: Ground, metrics: Metrics) -> Service:
    work = Work()
    app = bolt_app(settings, side, ground.slack)
    lanes = register(settings, core_of(settings, side, ground), work, ground.slack, app)
    beating: list[Heartbeat] = []

    async def heartbeat() -> float | None:
        return await beating[0].beat() if beating else None

    if settings.heartbeat_url is not None:
        lanes.append(LanePlan(name="heartbeat", sweep=heartbeat))
    schedule = Schedule(lanes, settings.tick_every)
    ground.database.on_commit = schedule.wake
    service = Service(
        app=app,
        schedule=schedule,
        work=work,
        database=ground.database,
        slack=ground.slack,
        metrics=metrics,
    )
    if settings.heartbeat_url is not None:
        url = settings.heartbeat_url.get_secret_value()
        beating.append(Heartbeat(url, alive=schedule.alive, ready=service.ready))
    return service

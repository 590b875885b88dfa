"""The only place that wires: from settings to a service that can be started and stopped."""

import functools
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import clock_of
from bot.core import Ground, core_of
from bot.heartbeat import Heartbeat
from bot.intake import take
from bot.metrics import Metrics
from bot.microsoft import Microsoft, microsoft_of, strategy_of
from bot.preflight import SlackSide
from bot.schedule import LanePlan, Schedule
from bot.settings import Settings
from bot.slack_http import slack_client
from bot.sockets import Sockets
from bot.surfaces import bolt_app, register
from bot.work import Work
from services.apple.client import apple_http
from services.apple.program import AppleProgram
from services.apple.vault import Vault
from services.clock import Clock
from services.deliveries import Deliveries
from services.graph.program import IntuneProgram
from services.keys import open_keys
from services.programs import Program
from services.sealing import KeyRing, parse_keys
from storage.database import Database
from storage.states import ProgramName

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0
"""What connections, lanes and tasks get to come to an end at a stop, all together; what takes
longer goes on from its rows."""
Called = Callable[[str, str], None]
"""Told how each call to a holder ended: whose, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service: what Slack's deliveries go to, and what works beside it.

    `sockets` is None in HTTP mode.
    """

    app: AsyncApp
    schedule: Schedule
    work: Work
    database: Database
    slack: AsyncWebClient
    sockets: Sockets | None
    metrics: Metrics

    def linked(self) -> bool:
        """Whether deliveries can come in, as far as we can know."""
        return self.sockets is None or self.sockets.connected()

    async def ready(self) -> bool:
        """Whether the database and Slack answer; the keys were proved at start."""
        if not self.linked():
            return False
        try:
            async with self.database.read() as tx:
                await tx.outbox.depth()
            await self.slack.auth_test()
        except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
            log.warning("not_ready", extra={"error_type": type(error).__name__})
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The database, and the keys that open what is sealed in it."""

    database: Database
    keys: KeyRing


def keys_of(settings: Settings) -> KeyRing:
    """The key-encryption keys. Raises SealBroken."""
    return parse_keys(tuple(key.get_secret_value() for key in settings.encryption_keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """Those who hold tokens, with their connections open; `microsoft` is None where not set up."""

    programs: dict[ProgramName, Program]
    microsoft: Microsoft | None


@asynccontextmanager
async def holders_of(
    settings: Settings, store: Store, *, clock: Clock, called: Called = lambda _holder, _end: None
) -> AsyncIterator[Holders]:
    """Every program that may hold tokens here, whether or not new ones are offered.

    Raises ConfigurationError where Microsoft's settings cannot be used.
    """
    async with (
        apple_http(settings.apple_enrollment_url, _counting(called, ProgramName.APPLE)) as http,
        microsoft_of(settings, _counting(called, ProgramName.INTUNE)) as microsoft,
    ):
        apple = AppleProgram(store.database, http, Vault(store.keys), clock)
        intune = IntuneProgram(
            store.database,
            microsoft.intune if microsoft else None,
            clock,
            strategy=strategy_of(settings),
        )
        yield Holders(
            programs={ProgramName.APPLE: apple, ProgramName.INTUNE: intune}, microsoft=microsoft
        )


def _counting(called: Called, holder: ProgramName) -> Callable[[str], None]:
    return functools.partial(called, holder)


@asynccontextmanager
async def running(settings: Settings, side: SlackSide) -> AsyncIterator[Service]:
    """A service with its lanes running; drained and closed at the end of the block."""
    database = Database(settings.database_url)
    try:
        keys = keys_of(settings)
        await open_keys(database, keys)
        async with clock_of(settings.clock_url) as clock:
            # The schedule is made after what it counts for.
            made: list[Schedule] = []
            metrics = Metrics(database, clock, lambda: made[0].last_tick_age() if made else 0.0)

            store, called = Store(database=database, keys=keys), metrics.called
            async with (
                holders_of(settings, store, clock=clock, called=called) as holders,
                slack_client(settings) as slack,
            ):
                ground = Ground(
                    database=database,
                    keys=keys,
                    programs=holders.programs,
                    microsoft=holders.microsoft,
                    slack=slack,
                    clock=clock,
                )
                service = _service(settings, side, ground, metrics)
                made.append(service.schedule)
                service.schedule.start()
                try:
                    if service.sockets is not None:
                        await service.sockets.start()
                    yield service
                finally:
                    await _stop(service)
    finally:
        await database.close()


async def _stop(service: Service) -> None:
    """Take nothing more, let what runs come to an end, in this order."""
    deadline = time.monotonic() + DRAIN_SECONDS
    if service.sockets is not None:
        await service.sockets.stop()
    await service.schedule.stop(max(0.0, deadline - time.monotonic()))
    await service.work.drain(max(0.0, deadline - time.monotonic()))


def _service(settings: Settings, side: SlackSide, ground: Ground, metrics: Metrics) -> Service:
    work = Work(Deliveries(ground.database).first)
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
        sockets=_sockets(settings, ground.slack, app, metrics),
        metrics=metrics,
    )
    if settings.heartbeat_url is not None:
        url = settings.heartbeat_url.get_secret_value()
        beating.append(Heartbeat(url, alive=schedule.alive, ready=service.ready))
    return service


def _sockets(
    settings: Settings, slack: AsyncWebClient, app: AsyncApp, metrics: Metrics
) -> Sockets | None:
    if settings.slack_app_token is None:
        return None
    token = settings.slack_app_token.get_secret_value()
    sockets = Sockets(slack, token, functools.partial(take, app))
    sockets.took = metrics.acknowledged
    return sockets

"""The only place that wires: from settings to a service that can be started and stopped."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.drawing import Drawing
from bot.files import SlackFiles
from bot.homes import Homes
from bot.identity import Identity
from bot.listeners.commands import Commands
from bot.listeners.create import CreateForms
from bot.listeners.decisions import DecisionButtons
from bot.listeners.failures import Failures
from bot.listeners.history import HistoryViews
from bot.listeners.home import HomeTab
from bot.listeners.settings import SettingsAnswer
from bot.listeners.token_pages import TokenPages
from bot.listeners.uploads import UploadForms
from bot.notifier import SlackNotifier
from bot.preflight import SlackSide, role_assignments
from bot.schedule import LanePlan, Schedule
from bot.settings import Settings
from bot.sources import sources
from bot.work import Work
from services.apple.client import apple_http
from services.apple.program import AppleProgram
from services.apple.vault import Vault
from services.audit import AuditLog
from services.clock import Clock, machine_now
from services.decisions import Decisions
from services.delivery import Delivery
from services.history import History
from services.keys import open_keys
from services.notices import Channels, Notices
from services.overview import Overviews
from services.policy import People
from services.preparation import Preparation
from services.programs import Program
from services.requests import Requests
from services.sealing import KeyRing, parse_keys
from services.sync import Sync
from services.tokens import Tokens
from services.uploads import Uploads
from storage.database import Database
from storage.states import ProgramName

log = logging.getLogger(__name__)

DRAIN_SECONDS = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The services, wired."""

    people: People
    requests: Requests
    decisions: Decisions
    preparation: Preparation
    uploads: Uploads
    sync: Sync
    delivery: Delivery
    tokens: Tokens
    history: History
    overviews: Overviews


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service: what Slack's deliveries go to, and what works beside it."""

    app: AsyncApp
    schedule: Schedule
    work: Work
    database: Database
    slack: AsyncWebClient

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
        async with apple_http(settings.apple_enrollment_url) as http:
            clock = SystemClock()
            programs: dict[ProgramName, Program] = {
                ProgramName.APPLE: AppleProgram(database, http, Vault(keys), clock)
            }
            slack = slack_client(settings)
            core = _core(settings, side, _Ground(database, keys, programs, slack, clock))
            service = _service(settings, side, core, database, slack)
            service.schedule.start()
            yield service
            await service.schedule.stop()
            await service.work.drain(DRAIN_SECONDS)
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every service stands on."""

    database: Database
    keys: KeyRing
    programs: dict[ProgramName, Program]
    slack: AsyncWebClient
    clock: Clock


def _core(settings: Settings, side: SlackSide, ground: _Ground) -> Core:
    database, programs, slack = ground.database, ground.programs, ground.slack
    clock = ground.clock
    audit = AuditLog(ground.keys, clock)
    people = Identity(slack, side.team_id, role_assignments(settings))
    notices = Notices(Channels(alert=settings.alert_channel, approval=settings.requests_channel))
    drawing = Drawing(database=database, zone=ZoneInfo(settings.time_zone))
    return Core(
        people=people,
        requests=Requests(
            database=database,
            people=people,
            audit=audit,
            notices=notices,
            approvals=settings.approvals_required,
            programs=frozenset(programs),
            clock=clock,
        ),
        decisions=Decisions(
            database=database, people=people, audit=audit, notices=notices, clock=clock
        ),
        preparation=Preparation(
            database=database, programs=programs, audit=audit, notices=notices, clock=clock
        ),
        uploads=Uploads(
            database=database,
            programs=programs,
            files=SlackFiles(slack, settings.file_origin),
            people=people,
            audit=audit,
            notices=notices,
            clock=clock,
        ),
        sync=Sync(
            database=database,
            programs=programs,
            notices=notices,
            clock=clock,
            every=settings.sync_interval,
        ),
        delivery=Delivery(
            database=database,
            notifier=SlackNotifier(slack, drawing),
            people=people,
            notices=notices,
            clock=clock,
        ),
        tokens=Tokens(database=database, people=people, clock=clock, zone=drawing.zone),
        history=History(database=database, people=people, notices=notices),
        overviews=Overviews(
            database=database,
            people=people,
            clock=clock,
            zone=drawing.zone,
            sync_every=settings.sync_interval,
        ),
    )


def _service(
    settings: Settings, side: SlackSide, core: Core, database: Database, slack: AsyncWebClient
) -> Service:
    work = Work()
    zone = ZoneInfo(settings.time_zone)
    forms = UploadForms(uploads=core.uploads, work=work)
    app = _bolt(settings, side, slack)
    creating = CreateForms(requests=core.requests, channel=settings.requests_channel, work=work)
    creating.register(app)
    shown = SettingsAnswer(people=core.people, shown=sources(settings))
    history = HistoryViews(history=core.history, work=work, zone=zone)
    history.register(app)
    Commands(
        forms=creating,
        tokens=core.tokens,
        history=history,
        settings=shown,
        work=work,
        zone=zone,
    ).register(app)
    homes = Homes(slack, core.overviews, zone=zone)
    HomeTab(homes=homes, forms=creating, work=work).register(app)
    TokenPages(tokens=core.tokens, work=work, zone=zone).register(app)
    DecisionButtons(decisions=core.decisions, work=work).register(app)
    forms.register(app)
    Failures(work=work).register(app)
    lanes = [*_lanes(core, forms, work, slack), LanePlan(name="homes", sweep=homes.refresh)]
    schedule = Schedule(lanes, settings.tick_every)
    database.on_commit = schedule.wake
    return Service(app=app, schedule=schedule, work=work, database=database, slack=slack)


def _bolt(settings: Settings, side: SlackSide, slack: AsyncWebClient) -> AsyncApp:
    token = settings.slack_bot_token.get_secret_value()

    async def authorize() -> AuthorizeResult:
        # One workspace per deployment, proved at start: no look-up for each delivery.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=side.team_id,
            bot_user_id=side.bot_user,
            bot_token=token,
        )

    return AsyncApp(
        client=slack,
        authorize=authorize,
        # Answers leave when the listener returns, not at Bolt's next look every 10 ms.
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        request_verification_enabled=False,
    )


def _lanes(core: Core, forms: UploadForms, work: Work, slack: AsyncWebClient) -> list[LanePlan]:
    async def decisions() -> None:
        await core.decisions.finish_recorded()

    async def preparation() -> None:
        await core.preparation.begin_approved()

    async def uploads() -> None:
        for finished in await core.uploads.finish_due():
            work.start(forms.show_outcome(slack, finished))

    async def sync() -> None:
        await core.sync.run_due()

    async def outbox() -> float | None:
        await core.delivery.drain()
        due_at = await core.delivery.next_at()
        return None if due_at is None else max(0.05, (due_at - machine_now()).total_seconds())

    return [
        LanePlan(name="decisions", sweep=decisions),
        LanePlan(name="preparation", sweep=preparation),
        LanePlan(name="uploads", sweep=uploads),
        LanePlan(name="sync", sweep=sync),
        LanePlan(name="outbox", sweep=outbox),
    ]

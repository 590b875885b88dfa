"""The services, wired over what they stand on: database, keys, programs, Slack and the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing import Drawing
from bot.files import SlackFiles
from bot.identity import Identity
from bot.microsoft import Microsoft
from bot.notifier import SlackNotifier
from bot.preflight import SlackSide, role_assignments
from bot.scopes import Granted
from bot.settings import Settings
from bot.syncing import SyncGround, Syncing, syncing
from bot.watch_drawing import WatchDrawing
from bot.watching import Grounds, Watching, watching
from services.audit import AuditLog
from services.clock import Clock
from services.delivery import Delivery
from services.desk import Desk, DeskGround, desk_of
from services.graph.imports import Imports
from services.history import History
from services.notices import Channels, Notices
from services.overview import Overviews
from services.policy import People
from services.programs import Program
from services.sealing import KeyRing
from services.sync_plan import Rhythm
from services.tokens import Tokens
from storage.database import Database
from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every service stands on."""

    database: Database
    keys: KeyRing
    programs: Mapping[ProgramName, Program]
    microsoft: Microsoft | None
    slack: AsyncWebClient
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The services, wired."""

    people: Identity
    desk: Desk
    syncing: Syncing
    delivery: Delivery
    tokens: Tokens
    history: History
    overviews: Overviews
    watch: Watching
    imports: Imports | None
    """Looks at the tokens that Intune has; None where it is not offered, or nobody can ask it."""


def core_of(settings: Settings, side: SlackSide, ground: Ground) -> Core:
    """Every service, once."""
    database, programs, slack = ground.database, ground.programs, ground.slack
    clock, calendar = ground.clock, settings.calendar
    audit = AuditLog(ground.keys, clock)
    people = Identity(slack, side.team_id, role_assignments(settings))
    notices = Notices(Channels(alert=settings.alert_channel, approval=settings.requests_channel))
    drawing = Drawing(
        database=database,
        zone=ZoneInfo(settings.time_zone),
        watch=WatchDrawing(database=database, calendar=calendar, clock=clock),
    )
    notifier = SlackNotifier(slack, drawing, bot_user=side.bot_user, granted=Granted(side.scopes))
    desk = _desk(settings, ground, people, audit, notices)
    every = settings.sync_interval
    return Core(
        imports=_imports(settings, ground, audit, notices),
        people=people,
        desk=desk,
        syncing=_syncing(settings, ground, people, audit, notices),
        delivery=Delivery(
            database=database, notifier=notifier, people=people, notices=notices, clock=clock
        ),
        tokens=Tokens(
            database=database, people=people, clock=clock, zone=drawing.zone, sync_every=every
        ),
        history=History(database=database, people=people, notices=notices),
        overviews=Overviews(
            database=database, people=people, clock=clock, zone=drawing.zone, sync_every=every
        ),
        watch=watching(
            settings,
            Grounds(
                database=database,
                programs=programs,
                slack=slack,
                people=people,
                audit=audit,
                clock=clock,
                microsoft=ground.microsoft,
            ),
        ),
    )


def _imports(
    settings: Settings, ground: Ground, audit: AuditLog, notices: Notices
) -> Imports | None:
    if ground.microsoft is None or ProgramName.INTUNE not in settings.programs:
        return None
    return Imports(
        database=ground.database,
        intune=ground.microsoft.intune,
        audit=audit,
        notices=notices,
        clock=ground.clock,
        every=settings.sync_interval,
    )


def _syncing(
    settings: Settings, ground: Ground, people: People, audit: AuditLog, notices: Notices
) -> Syncing:
    return syncing(
        SyncGround(
            database=ground.database,
            programs=ground.programs,
            audit=audit,
            notices=notices,
            clock=ground.clock,
        ),
        Rhythm(every=settings.sync_interval),
        people,
    )


def _desk(
    settings: Settings, ground: Ground, people: People, audit: AuditLog, notices: Notices
) -> Desk:
    return desk_of(
        DeskGround(
            database=ground.database,
            programs=ground.programs,
            offered=frozenset(settings.programs),
            people=people,
            files=SlackFiles(ground.slack, settings.file_origin),
            keys=ground.keys,
            audit=audit,
            notices=notices,
            approvals=settings.approvals_required,
            calendar=settings.calendar,
            clock=ground.clock,
            organisations=frozenset(settings.apple_organisations),
        )
    )

"""The services, wired over what they stand on: database, keys, programs, Slack and the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing import Drawing
from bot.files import SlackFiles
from bot.identity import Identity
from bot.notifier import SlackNotifier
from bot.preflight import SlackSide, role_assignments
from bot.scopes import Granted
from bot.settings import Settings
from services.audit import AuditLog
from services.clock import Clock
from services.decisions import Decisions
from services.delivery import Delivery
from services.history import History
from services.notices import Channels, Notices
from services.overview import Overviews
from services.policy import People
from services.preparation import Preparation
from services.programs import Program
from services.requests import Requests
from services.sealing import KeyRing
from services.sync import Sync
from services.tokens import Tokens
from services.uploads import Uploads
from storage.database import Database
from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every service stands on."""

    database: Database
    keys: KeyRing
    programs: Mapping[ProgramName, Program]
    slack: AsyncWebClient
    clock: Clock


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


def core_of(settings: Settings, side: SlackSide, ground: Ground) -> Core:
    """Every service, once."""
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
            notifier=SlackNotifier(
                slack, drawing, bot_user=side.bot_user, granted=Granted(side.scopes)
            ),
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

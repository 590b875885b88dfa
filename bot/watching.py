"""The watch, wired: its services, and the lanes that run them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.accounts import SlackAccounts
from bot.microsoft import Microsoft
from bot.schedule import LanePlan
from bot.settings import Settings
from services.alerts import Alerts
from services.answers import Answers
from services.audit import AuditLog
from services.clock import Clock
from services.connector_answers import ConnectorAnswers
from services.connectors import Connectors
from services.digest import Digest
from services.entra_watch import Entra, EntraWatch
from services.escalations import Escalations
from services.health import HealthWatch
from services.notices import Channels
from services.owners import Owners
from services.policy import People
from services.programs import Program
from services.reminders import Plan, Reminders
from services.reports import Reports
from services.watch_notices import WatchNotices
from storage.database import Database
from storage.states import ProgramName


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What the watch stands on."""

    database: Database
    programs: Mapping[ProgramName, Program]
    slack: AsyncWebClient
    people: People
    audit: AuditLog
    clock: Clock
    microsoft: Microsoft | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """The services of the watch; `entra` and `connectors` are None where nobody can be asked."""

    reminders: Reminders
    escalations: Escalations
    answers: Answers
    health: HealthWatch
    alerts: Alerts
    reports: Reports
    owners: Owners
    digest: Digest
    entra: EntraWatch | None
    connectors: Connectors | None
    connector_answers: ConnectorAnswers


def watching(settings: Settings, ground: Grounds) -> Watching:
    """Every service of the watch, once."""
    database, people, clock = ground.database, ground.people, ground.clock
    audit, calendar = ground.audit, settings.calendar
    notices = WatchNotices(
        Channels(alert=settings.alert_channel, approval=settings.requests_channel)
    )
    reports = Reports(
        database=database,
        people=people,
        audit=audit,
        notices=notices,
        calendar=calendar,
        clock=clock,
    )
    return Watching(
        reminders=Reminders(
            database=database,
            notices=notices,
            plan=Plan(days=settings.reminder_days, calendar=calendar),
            clock=clock,
        ),
        escalations=Escalations(database=database, people=people, notices=notices, clock=clock),
        answers=Answers(
            database=database,
            people=people,
            audit=audit,
            notices=notices,
            calendar=calendar,
            clock=clock,
        ),
        health=HealthWatch(
            database=database,
            people=people,
            programs=ground.programs,
            audit=audit,
            clock=clock,
            every=timedelta(seconds=settings.health_every),
        ),
        alerts=Alerts(database=database, notices=notices, clock=clock),
        reports=reports,
        owners=Owners(
            database=database,
            people=people,
            accounts=SlackAccounts(ground.slack),
            reports=reports,
            audit=audit,
            notices=notices,
            calendar=calendar,
            clock=clock,
        ),
        digest=Digest(
            database=database, people=people, notices=notices, calendar=calendar, clock=clock
        ),
        entra=_entra(settings, ground, reports),
        connectors=_connectors(settings, ground, notices),
        connector_answers=ConnectorAnswers(
            database=database,
            people=people,
            audit=audit,
            notices=notices,
            calendar=calendar,
            clock=clock,
        ),
    )


def _connectors(settings: Settings, ground: Grounds, notices: WatchNotices) -> Connectors | None:
    if ground.microsoft is None or ProgramName.INTUNE not in settings.programs:
        return None
    return Connectors(
        database=ground.database,
        intune=ground.microsoft.intune,
        people=ground.people,
        audit=ground.audit,
        notices=notices,
        plan=Plan(days=settings.reminder_days, calendar=settings.calendar),
        clock=ground.clock,
        every=timedelta(seconds=settings.health_every),
    )


def _entra(settings: Settings, ground: Grounds, reports: Reports) -> EntraWatch | None:
    microsoft = ground.microsoft
    if not settings.entra_watch or microsoft is None:
        return None
    entra = Entra(tenant=microsoft.tenant, directory=microsoft.users, intune=microsoft.intune)
    return EntraWatch(database=ground.database, entra=entra, reports=reports, clock=ground.clock)


def lanes(watch: Watching) -> list[LanePlan]:
    """A lane for each whom something waits on: a holder, Slack, Entra; and one for the rest."""

    async def health() -> None:
        await watch.health.run_due()
        # After the answers, so that one outage is one message.
        await watch.alerts.run_due()

    async def reminders() -> None:
        await watch.reminders.run_due()
        await watch.digest.run_due()

    async def people() -> None:
        await watch.reports.run_due()
        await watch.owners.run_due()
        await watch.escalations.run_due()

    microsoft = {"entra": watch.entra, "connectors": watch.connectors}
    return [
        LanePlan(name="health", sweep=health),
        LanePlan(name="reminders", sweep=reminders),
        LanePlan(name="people", sweep=people),
        *(LanePlan(name=name, sweep=one.run_due) for name, one in microsoft.items() if one),
    ]

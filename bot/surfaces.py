"""What people touch, wired: every listener on one Bolt app, and the lanes that work beside it."""

from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.core import Core
from bot.homes import Homes
from bot.listeners.commands import Commands
from bot.listeners.connectors import ConnectorButtons
from bot.listeners.create import CreateForms
from bot.listeners.decisions import DecisionButtons
from bot.listeners.failures import Failures
from bot.listeners.history import HistoryViews
from bot.listeners.home import HomeTab
from bot.listeners.owners import OwnerButton
from bot.listeners.people import PeopleEvents
from bot.listeners.pictures import PictureButton
from bot.listeners.reminders import ReminderButtons
from bot.listeners.renew import TokenForms
from bot.listeners.reports import ReportForms
from bot.listeners.requests import RequestButtons
from bot.listeners.settings import SettingsAnswer
from bot.listeners.sync import SyncSurface
from bot.listeners.token_pages import TokenPages
from bot.listeners.uploads import UploadForms
from bot.preflight import SlackSide
from bot.schedule import LanePlan
from bot.settings import Settings
from bot.sources import sources
from bot.watching import lanes as watch_lanes
from bot.work import Work
from services.clock import machine_now


def register(
    settings: Settings, core: Core, work: Work, slack: AsyncWebClient, app: AsyncApp
) -> list[LanePlan]:
    """Put every listener on the app; the lanes of what is due."""
    zone = ZoneInfo(settings.time_zone)
    desk, channel = core.desk, settings.requests_channel
    forms = UploadForms(uploads=desk.uploads, work=work)
    creating = CreateForms(requests=desk.requests, offers=desk.offers, channel=channel, work=work)
    token_forms = TokenForms(
        renewals=desk.renewals,
        deletions=desk.deletions,
        tokens=core.tokens,
        channel=channel,
        work=work,
        zone=zone,
    )
    shown = SettingsAnswer(people=core.people, shown=sources(settings))
    history = HistoryViews(history=core.history, work=work, zone=zone)
    syncs = SyncSurface(
        wishes=core.syncing.wishes,
        losses=core.syncing.losses,
        tokens=core.tokens,
        work=work,
        zone=zone,
    )
    reporting = ReportForms(reports=core.watch.reports, owners=core.watch.owners, work=work)
    # Bolt looks through the listeners in their order, so the commands come first.
    Commands(
        forms=creating,
        token_forms=token_forms,
        tokens=core.tokens,
        history=history,
        settings=shown,
        syncs=syncs,
        reports=reporting,
        work=work,
        zone=zone,
    ).register(app)
    for surface in (creating, token_forms, history, syncs, reporting):
        surface.register(app)
    ReminderButtons(answers=core.watch.answers, health=core.watch.health, work=work).register(app)
    PeopleEvents(people=core.people, reports=core.watch.reports).register(app)
    ConnectorButtons(answers=core.watch.connector_answers, work=work).register(app)
    OwnerButton(owners=core.watch.owners, work=work).register(app)
    PictureButton(digest=core.watch.digest, work=work).register(app)
    homes = Homes(slack, core.overviews, zone=zone)
    HomeTab(homes=homes, forms=creating, work=work).register(app)
    TokenPages(tokens=core.tokens, work=work, zone=zone).register(app)
    DecisionButtons(decisions=desk.decisions, work=work).register(app)
    RequestButtons(
        life=desk.life, renewals=desk.renewals, disowning=desk.disowning, work=work
    ).register(app)
    forms.register(app)
    Failures(work=work).register(app)
    return [
        *_lanes(core, forms, work, slack),
        *watch_lanes(core.watch),
        LanePlan(name="homes", sweep=homes.refresh),
    ]


def bolt_app(settings: Settings, side: SlackSide, slack: AsyncWebClient) -> AsyncApp:
    """The Bolt app that deliveries go to; they are verified before they reach it."""
    token = settings.slack_bot_token.get_secret_value()

    async def authorize() -> AuthorizeResult:
        # One workspace per deployment, proved at start: no look-up for each delivery.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=side.team_id,
            bot_user_id=side.bot_user,
            bot_token=token,
        )

    async def lend(context: AsyncBoltContext, next_: Callable[[], Awaitable[None]]) -> None:
        # Bolt makes a plain client for each delivery, without the bounds that ours has.
        context["client"] = slack
        await next_()

    app = AsyncApp(
        client=slack,
        authorize=authorize,
        # Answers leave when the listener returns, not at Bolt's next look every 10 ms.
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        request_verification_enabled=False,
    )
    app.middleware(lend)
    return app


def _lanes(core: Core, forms: UploadForms, work: Work, slack: AsyncWebClient) -> list[LanePlan]:
    desk = core.desk

    async def uploads() -> float | None:
        for finished in await desk.proving.finish_due():
            work.start(forms.show_outcome(slack, finished))
        return await desk.proving.next_seconds()

    async def outbox() -> float | None:
        await core.delivery.drain()
        due_at = await core.delivery.next_at()
        return None if due_at is None else max(0.05, (due_at - machine_now()).total_seconds())

    return [
        LanePlan(name="decisions", sweep=desk.decisions.finish_recorded),
        LanePlan(name="preparation", sweep=desk.preparation.begin_approved),
        LanePlan(name="left_overs", sweep=desk.preparation.take_back),
        LanePlan(name="deletions", sweep=desk.deletions.carry_out_approved),
        LanePlan(name="requests", sweep=desk.life.sweep),
        LanePlan(name="renewals", sweep=desk.renewals.look_under_way),
        LanePlan(name="uploads", sweep=uploads),
        LanePlan(name="sync", sweep=core.syncing.sync.run_due),
        LanePlan(name="outbox", sweep=outbox),
        *([LanePlan(name="imports", sweep=core.imports.run_due)] if core.imports else []),
    ]

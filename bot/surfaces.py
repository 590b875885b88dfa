"""What people touch, wired: every listener on one Bolt app, and the lanes that work beside it."""

from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.core import Core
from bot.homes import Homes
from bot.listeners.commands import Commands
from bot.listeners.create import CreateForms
from bot.listeners.decisions import DecisionButtons
from bot.listeners.failures import Failures
from bot.listeners.history import HistoryViews
from bot.listeners.home import HomeTab
from bot.listeners.pictures import PictureButton
from bot.listeners.reminders import ReminderButtons
from bot.listeners.reports import ReportForms
from bot.listeners.settings import SettingsAnswer
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
    forms = UploadForms(uploads=core.uploads, work=work)
    creating = CreateForms(requests=core.requests, channel=settings.requests_channel, work=work)
    creating.register(app)
    shown = SettingsAnswer(people=core.people, shown=sources(settings))
    history = HistoryViews(history=core.history, work=work, zone=zone)
    history.register(app)
    reporting = ReportForms(reports=core.watch.reports, owners=core.watch.owners, work=work)
    reporting.register(app)
    ReminderButtons(answers=core.watch.answers, health=core.watch.health, work=work).register(app)
    PictureButton(digest=core.watch.digest, work=work).register(app)
    Commands(
        forms=creating,
        tokens=core.tokens,
        history=history,
        settings=shown,
        reports=reporting,
        work=work,
        zone=zone,
    ).register(app)
    homes = Homes(slack, core.overviews, zone=zone)
    HomeTab(homes=homes, forms=creating, work=work).register(app)
    TokenPages(tokens=core.tokens, work=work, zone=zone).register(app)
    DecisionButtons(decisions=core.decisions, work=work).register(app)
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

"""What differs where a token was found at its holder, or is held by Intune."""

from dataclasses import replace

from bot.views import alerts, holder_news, owners, reminders, reports, tokens
from bot.views.blocks import Message, View
from bot.views.holder_news import HolderNews, Seen
from storage.records import Token
from storage.states import Health, ProgramName
from tests.bot.samples import AMIR, ZONE, Sample
from tests.bot.syncs import held_by_intune
from tests.bot.watch_surfaces import ill, warned


def held_messages(sample: Sample) -> dict[str, Message]:
    """The messages."""
    token = found(sample).token
    soon = replace(warned(sample, 6), token=token)
    looked = replace(found(sample).looked_at(), token=token)
    troubles = (Health.SYNC_ERROR, Health.STALE, Health.UNREACHABLE)
    return {
        **held_by_intune(sample),
        **_news(token),
        "status_without_owner": tokens.token_status(looked, ZONE),
        "reminder_without_owner": reminders.reminder([soon], ZONE),
        "escalation_without_owner": reminders.escalation(soon, ZONE),
        "owner_taken": owners.taken(token),
        "taken_over": reports.handed_over([token], AMIR, AMIR),
        **{
            f"alert_{health}_in_intune": alerts.health_alert(
                [replace(ill(sample, health), token=token)], ZONE
            )
            for health in troubles
        },
    }


def _news(token: Token) -> dict[str, Message]:
    second = replace(token, id="2" * 32, name=f"{token.name[:70]} (2)", holder_name=token.name)
    nothing, one = Seen(), Seen(tokens=[token], count=1)
    news = HolderNews(imported=one, deleted=nothing, renamed=nothing, were={})
    many = Seen(tokens=[token, second] * 5, count=2000)
    shown = {
        "found": news,
        "found_two": replace(news, imported=Seen(tokens=[token, second], count=2)),
        "found_many": replace(news, imported=many),
        "renamed": replace(news, imported=nothing, renamed=one, were={token.id: token.name}),
        "deleted": replace(news, imported=nothing, deleted=one),
        "deleted_many": replace(news, imported=nothing, deleted=many),
        "all": replace(news, deleted=one, renamed=many),
    }
    drawn = {f"news_{name}": holder_news.holder_news(each, ZONE) for name, each in shown.items()}
    return {**drawn, "news_doubtful": holder_news.doubtful(1200)}


def held_views(sample: Sample) -> dict[str, View]:
    """The forms."""
    return {"hand_over_form_without_owner": reports.hand_over_form([found(sample).token])}


def found(sample: Sample) -> Sample:
    """The sample with a token that Intune holds and that nobody answers for."""
    held = replace(
        sample.token, program=ProgramName.INTUNE, owner="", holder_id="1a2b", org_name=None
    )
    return replace(sample, token=held)

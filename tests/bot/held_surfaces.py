"""What differs where a token was found at its holder, or is held by Intune."""

from dataclasses import replace

from bot.views import (
    alerts,
    delete,
    holder_news,
    outcomes,
    owners,
    reminders,
    reports,
    request_card,
    steps,
    tokens,
)
from bot.views.blocks import Message, View
from bot.views.holder_news import HolderNews, Seen
from bot.views.request_card import RequestFacts
from services.graph.errors import SAID, GraphTrouble
from storage.records import Profile, Token
from storage.states import Action, Evidence, Health, ProgramName, RequestState
from tests.bot.request_surfaces import asked, look
from tests.bot.samples import AMIR, ZONE, Sample, made
from tests.bot.syncs import held_by_intune
from tests.bot.watch_surfaces import ill, warned


def held_messages(sample: Sample) -> dict[str, Message]:
    """The messages."""
    token = found(sample).token
    soon = replace(warned(sample, 6), token=token)
    looked = replace(found(sample).looked_at(), token=token)
    profile = made(Profile, name=token.name, is_default=True)
    profiles = [profile, replace(profile, name="Spare", is_default=False)]
    troubles = (Health.TERMS_UNSIGNED, Health.SYNC_ERROR, Health.STALE, Health.UNREACHABLE)
    return {
        **held_by_intune(sample),
        **_news(token),
        **_by_hand(sample, token),
        **{
            f"token_{word}_in_intune": outcomes.token_gone(
                replace(asked(sample, action), token=token)
            )
            for action, word in ((Action.DELETE, "deleted"), (Action.REMOVE, "removed_here"))
        },
        **{
            f"token_{action}_by_word": outcomes.token_gone(
                replace(asked(sample, action), token=replace(token, holder_id=None))
            )
            for action in (Action.DELETE, Action.REMOVE)
        },
        "status_without_owner": tokens.token_status(looked, ZONE),
        "status_with_profiles": tokens.token_status(
            replace(
                looked,
                profiles=profiles,
                evidence="Intune's last good sync with Apple: 2026-03-06 07:10 UTC",
                last_run=replace(sample.run, released=12),
            ),
            ZONE,
        ),
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


def _by_hand(sample: Sample, token: Token) -> dict[str, Message]:
    """The steps of a deletion in Intune's own console, and the card of its request."""
    drawn: dict[str, Message] = {}
    waits = {"state": RequestState.AWAITING_UPLOAD, "evidence": Evidence.THEIR_WORD}
    for action in (Action.DELETE, Action.REMOVE):
        shown = replace(asked(sample, action, **waits), token=token)
        done = replace(shown, request=replace(shown.request, state=RequestState.COMPLETED))
        unasked = replace(shown, token=replace(token, holder_id=None))
        pending = replace(asked(sample, action), token=token)
        drawn |= {
            f"steps_{action}_by_hand": steps.steps(shown, ZONE),
            f"steps_{action}_by_word": steps.steps(unasked, ZONE),
            f"steps_{action}_done": steps.steps(done, ZONE),
            f"nag_{action}_by_hand": steps.upload_nag(shown, ZONE),
            f"card_{action}_in_intune": request_card.request_card(pending, ZONE),
            f"card_{action}_by_hand": request_card.request_card(shown, ZONE),
            f"card_{action}_uncounted": request_card.request_card(uncounted(pending), ZONE),
        }
    return drawn


def uncounted(shown: RequestFacts) -> RequestFacts:
    """A request for a token that nobody could look at."""
    facts = {**shown.request.facts, "program": "intune", "uncounted": "everything"}
    return replace(shown, request=replace(shown.request, facts=facts))


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
    return {
        **drawn,
        "news_doubtful": holder_news.doubtful(1200),
        "news_shut": holder_news.shut(SAID[GraphTrouble.FORBIDDEN]),
    }


def held_views(sample: Sample) -> dict[str, View]:
    """The forms."""
    held = found(sample)
    empty = look(held)
    full = replace(empty, conditions=replace(empty.conditions, devices=2345, profiles=2))
    beside = replace(full.conditions, released=12, unseen="enrollment policies")
    unasked = replace(empty.conditions, told=False)
    return {
        "hand_over_form_without_owner": reports.hand_over_form([held.token]),
        "delete_form_in_intune": delete.delete_form(empty),
        "delete_form_in_intune_not_yet": delete.delete_form(replace(full, conditions=beside)),
        "delete_form_in_intune_recorded": delete.delete_form(replace(empty, conditions=unasked)),
        "remove_form_in_intune": delete.remove_form(full),
        "remove_form_in_intune_recorded": delete.remove_form(replace(empty, conditions=unasked)),
    }


def found(sample: Sample) -> Sample:
    """The sample with a token that Intune holds and that nobody answers for."""
    held = replace(
        sample.token, program=ProgramName.INTUNE, owner="", holder_id="1a2b", org_name=None
    )
    return replace(sample, token=held)

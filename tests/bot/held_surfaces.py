"""What differs where a token was found at its holder, or is held by Intune."""

from dataclasses import replace

from bot.views import alerts, owners, reminders, reports, tokens
from bot.views.blocks import Message, View
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


def held_views(sample: Sample) -> dict[str, View]:
    """The forms."""
    return {"hand_over_form_without_owner": reports.hand_over_form([found(sample).token])}


def found(sample: Sample) -> Sample:
    """The sample with a token that Intune holds and that nobody answers for."""
    held = replace(
        sample.token, program=ProgramName.INTUNE, owner="", holder_id="1a2b", org_name=None
    )
    return replace(sample, token=held)

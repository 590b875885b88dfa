"""The messages and forms of requests that change a token in use, from the same samples."""

from dataclasses import replace
from datetime import timedelta

from bot.views import (
    choice,
    create,
    delete,
    outcomes,
    renew,
    request_card,
    request_forms,
    steps,
    story,
    upload,
    upload_news,
)
from bot.views.blocks import Message, View
from bot.views.request_card import RequestFacts
from services.conditions import Conditions
from services.deletions import DeletionLook
from services.errands import Offer
from services.programs import AccountDetail, Holding
from services.renewals import Preflight
from services.request_facts import digest_of
from storage.records import Request
from storage.states import (
    Action,
    Evidence,
    Health,
    ProgramName,
    RenewalCause,
    RequestState,
    StoryEvent,
    UploadState,
    Verdict,
)
from tests.bot.samples import AMIR, BEA, NOW, OLIVIA, OTTO, ZONE, Sample, a_look

DAY = timedelta(days=1)
ASKED = (Action.RENEW, Action.REPLACE, Action.DELETE, Action.REMOVE)
EVENTS = {
    StoryEvent.HANDED: {"person": OLIVIA, "to": OTTO},
    StoryEvent.NAG: {"people": f"{AMIR},{BEA}"},
    StoryEvent.FILE_REFUSED: {"person": OLIVIA, "upload": "u" * 32},
    StoryEvent.FILE_KEPT: {"person": OLIVIA, "why": "silence"},
    StoryEvent.DISOWNED: {"person": AMIR},
}
ENDED = {
    StoryEvent.DECLINED: RequestState.DECLINED,
    StoryEvent.CANCELLED: RequestState.CANCELLED,
    StoryEvent.EXPIRED: RequestState.EXPIRED,
    StoryEvent.FAILED: RequestState.FAILED,
    StoryEvent.COMPLETED: RequestState.COMPLETED,
}


def request_messages(sample: Sample) -> dict[str, Message]:
    """Every message about such requests."""
    cards = {
        f"card_{action}": request_card.request_card(asked(sample, action), ZONE) for action in ASKED
    }
    half = asked(sample, Action.RENEW, state=RequestState.AWAITING_UPLOAD, down_since=NOW)
    failed = asked(sample, Action.DELETE, state=RequestState.FAILED, failure=sample.upload.answer)
    stories = {
        f"story_{event}": _story(sample, event, EVENTS.get(event, {})) for event in StoryEvent
    }
    return {
        **cards,
        **stories,
        **_bringing(sample, half),
        "card_failed": request_card.request_card(failed, ZONE),
        "card_half_done": request_card.request_card(half, ZONE),
        "story_nobody_left": _story(sample, StoryEvent.NAG, {"people": ""}),
        "story_file_held": _story(
            sample, StoryEvent.FILE_KEPT, {"person": OLIVIA, "why": "approval"}
        ),
        "news_expired": story.news(sample.shown(RequestState.EXPIRED)),
        "news_failed": story.news(failed),
        "token_deleted": outcomes.token_gone(asked(sample, Action.DELETE)),
        "token_removed_here": outcomes.token_gone(asked(sample, Action.REMOVE)),
        "token_renewed": outcomes.token_active(
            asked(sample, Action.RENEW, state=RequestState.COMPLETED), ZONE
        ),
    }


def _bringing(sample: Sample, half: RequestFacts) -> dict[str, Message]:
    waits = {"state": RequestState.AWAITING_UPLOAD}
    downloaded = asked(
        sample,
        Action.RENEW,
        cause=RenewalCause.ALREADY_DOWNLOADED,
        evidence=Evidence.SERVER_TOKEN_FILE,
    )
    cancelled = asked(sample, Action.RENEW, state=RequestState.CANCELLED, down_since=NOW)
    return {
        "steps_renew": steps.steps(asked(sample, Action.RENEW, **waits), ZONE),
        "steps_rotate": steps.steps(asked(sample, Action.RENEW, rotate=True, **waits), ZONE),
        "steps_replace": steps.steps(asked(sample, Action.REPLACE, rotate=True, **waits), ZONE),
        "steps_half_done": steps.steps(half, ZONE),
        "steps_downloaded": steps.steps(downloaded, ZONE),
        "steps_cancelled": steps.steps(cancelled, ZONE),
        "upload_nag": steps.upload_nag(half, ZONE),
        "upload_kept": upload_news.upload_kept(sample.upload, sample.token),
        "incident": upload_news.incident(sample.upload, sample.token),
    }


def _story(sample: Sample, event: StoryEvent, told: dict[str, str]) -> Message:
    state = ENDED.get(event, RequestState.AWAITING_UPLOAD)
    shown = asked(
        sample,
        Action.RENEW,
        state=state,
        down_since=NOW if event in story.URGENT else None,
        failure=sample.upload.answer,
    )
    if event is StoryEvent.DECLINED:
        no = replace(sample.decision, verdict=Verdict.DECLINE, reason=sample.request.reason)
        shown = replace(shown, decisions=[no])
    return story.story(shown, {"event": event.value, **told}, sample.upload, ZONE)


def request_views(sample: Sample) -> dict[str, View]:
    """Every form of such requests."""
    token, held = sample.token, replace(sample.upload, state=UploadState.HELD)
    kept = replace(sample.upload, state=UploadState.RECEIVED)
    shown = asked(sample, Action.RENEW)
    forms = {
        f"renew_form_{health}": renew.renew_form(preflight(sample, health), ZONE)
        for health in Health
    }
    silent = replace(preflight(sample, Health.OK), holding=None, trouble=sample.upload.answer)
    return {
        **forms,
        "renew_form_silent": renew.renew_form(silent, ZONE),
        "renew_form_question": renew.renew_form(
            preflight(sample, Health.OK), ZONE, question="icloud.com"
        ),
        "create_form_question": create.create_form(
            OLIVIA, a_look(ProgramName.APPLE), question="icloud.com"
        ),
        "delete_form": delete.delete_form(look(sample)),
        "delete_form_not_yet": delete.delete_form(look(sample, devices=2345, profiles=1)),
        "delete_form_silent": delete.delete_form(
            look(sample, live=False, trouble=sample.upload.answer)
        ),
        "remove_form": delete.remove_form(look(sample, devices=2345, profiles=1)),
        "choice": choice.choose([token], renew.OPEN, ZONE),
        "choice_delete": choice.choose([token], delete.OPEN, ZONE),
        "decline_form": request_forms.decline_form(
            shown.request, token, "C0APPROVE/1.2", shown.request.digest
        ),
        "declined": request_forms.declined(),
        "hand_form": request_forms.hand_form(shown.request, token),
        "handed": request_forms.handed(OTTO),
        "asked": request_forms.asked(shown.request, token, "C0ALERTS"),
        "upload_held_view": upload.upload_result(held, token),
        "upload_kept_view": upload.upload_result(kept, token),
    }


def asked(sample: Sample, action: Action, **changes: object) -> RequestFacts:
    """A request for that action, its facts as they were read when it was asked for."""
    token = sample.token
    facts = {
        "name": token.name,
        "program": token.program.value,
        "portal": token.portal.value,
        "server_name": token.server_name,
        "apple_id": token.apple_id,
        "owner": token.owner,
        "org_name": token.org_name or "",
        "server_uuid": token.server_uuid or "",
        "expires_at": (NOW + 20 * DAY).isoformat(),
        "health": Health.OK.value,
        "devices": "2345" if action is not Action.DELETE else "0",
    }
    if action in {Action.DELETE, Action.REMOVE}:
        facts |= {"in_default_profile": "0", "profiles": "0"}
    renews = action in {Action.RENEW, Action.REPLACE}
    request: Request = replace(
        sample.request,
        action=action,
        consent_text="",
        consent_version="",
        apple_id=token.apple_id,
        cause=RenewalCause.YEARLY if renews else None,
        facts=facts,
        digest=digest_of(facts),
    )
    changed = replace(request, **changes)  # type: ignore[arg-type]
    over = changed.state in set(ENDED.values())
    return RequestFacts(
        request=replace(changed, ended_at=NOW + DAY if over else None),
        token=token,
        decisions=[] if changed.state is RequestState.PENDING else [sample.decision],
    )


def preflight(sample: Sample, health: Health) -> Preflight:
    """What is known of a token in that health before it is renewed."""
    token = sample.token
    account = AccountDetail(
        server_uuid=token.server_uuid,
        server_name=token.server_name,
        org_id=token.org_id,
        org_id_hash=token.org_id_hash,
        org_name=token.org_name,
        admin_id=token.admin_id,
    )
    holding = Holding(
        health=health,
        evidence="/account answered",
        account=account if health is Health.OK else None,
        expires_at=token.expires_at,
        devices=None,
    )
    return Preflight(token=token, pair=sample.key_pair, holding=holding, offer=Offer(evidence=None))


def look(
    sample: Sample,
    *,
    devices: int = 0,
    profiles: int = 0,
    live: bool = True,
    trouble: str | None = None,
) -> DeletionLook:
    """What stands in the way of a deletion."""
    conditions = Conditions(
        devices=devices,
        in_default_profile=devices,
        profiles=profiles,
        live=live,
        trouble=trouble,
    )
    return DeletionLook(token=sample.token, conditions=conditions, under_way=None)

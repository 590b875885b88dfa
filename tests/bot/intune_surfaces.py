"""The messages and forms of tokens that Intune holds, in its three modes, from the same samples."""

from dataclasses import replace

from bot.views import create, outcomes, renew, request_card, steps, story, upload, upload_news
from bot.views.blocks import Message, View
from bot.views.request_card import RequestFacts
from services.errands import Offer, ScopeTag
from services.programs import Holding
from storage.states import (
    Action,
    Evidence,
    Health,
    ProgramName,
    RenewalCause,
    RequestState,
    StoryEvent,
    UploadState,
)
from tests.bot.request_surfaces import asked, preflight
from tests.bot.samples import AMIR, NOW, OLIVIA, ZONE, Sample, a_look

TAGS = {"0": "Default", "3": ""}
WAITS = RequestState.AWAITING_UPLOAD


def held_by_intune(sample: Sample) -> Sample:
    """The sample with a token that Intune holds; its request has scope tags."""
    token = replace(
        sample.token,
        program=ProgramName.INTUNE,
        org_name=None,
        org_id=None,
        org_id_hash=None,
        server_uuid=None,
        holder_id="5e6f0000-0000-0000-0000-000000000000",
        holder_name=sample.token.name,
    )
    tags = TAGS | {"7": sample.typed}
    return replace(sample, token=token, request=replace(sample.request, scope_tags=tags))


def intune_messages(sample: Sample) -> dict[str, Message]:
    """Every message that reads otherwise for Intune."""
    held = held_by_intune(sample)
    return {**_steps(held), **_news(held), **_stories(held)}


def _create(held: Sample, evidence: Evidence, **changes: object) -> RequestFacts:
    shown = held.shown(WAITS, AMIR)
    request = replace(shown.request, evidence=evidence, **changes)  # type: ignore[arg-type]
    return replace(shown, request=request)


def _renew(held: Sample, evidence: Evidence, **changes: object) -> RequestFacts:
    changes = {"state": WAITS, "evidence": evidence, "scope_tags": TAGS, **changes}
    return asked(held, Action.RENEW, **changes)


def _steps(held: Sample) -> dict[str, Message]:
    word = Evidence.THEIR_WORD
    kinds = {
        "full": Evidence.SERVER_TOKEN_FILE,
        "guided": word,
        "recorded": Evidence.EXPIRY_DATE,
    }
    drawn = {f"intune_create_{mode}": _create(held, one) for mode, one in kinds.items()}
    drawn |= {f"intune_renew_{mode}": _renew(held, one) for mode, one in kinds.items()}
    drawn["intune_create_by_hand"] = _create(held, word, detour=held.upload.answer)
    downloaded = {"cause": RenewalCause.ALREADY_DOWNLOADED, "down_since": NOW}
    drawn["intune_renew_downloaded"] = _renew(held, word, **downloaded)
    pending = downloaded | {"state": RequestState.PENDING}
    drawn["intune_renew_downloaded_date"] = _renew(held, Evidence.EXPIRY_DATE, **pending)
    return {name: steps.steps(shown, ZONE) for name, shown in drawn.items()}


def _news(held: Sample) -> dict[str, Message]:
    word = _create(held, Evidence.THEIR_WORD)
    told = replace(held.upload, evidence=Evidence.THEIR_WORD, file_id="")
    dated = replace(told, evidence=Evidence.EXPIRY_DATE)
    checked = replace(held.upload, only_check=True)
    right = replace(checked, state=UploadState.CHECKED)
    done = held.shown(RequestState.COMPLETED, AMIR)
    noted = replace(done, request=replace(done.request, detour=held.upload.answer))
    recorded = replace(done, request=replace(done.request, evidence=Evidence.EXPIRY_DATE))
    card = replace(word, request=replace(word.request, detour=held.upload.answer))
    about = (word.request, held.token)
    facts = asked(held, Action.RENEW).request.facts | {"scope_tags": f"0 Default, 3 {held.typed}"}
    return {
        "intune_card_renew": request_card.request_card(
            asked(held, Action.RENEW, facts=facts), ZONE
        ),
        "intune_card_by_hand": request_card.request_card(card, ZONE),
        "intune_in_use": steps.steps(done, ZONE),
        "intune_in_use_noted": steps.steps(noted, ZONE),
        "intune_story_noted": story.story(noted, {"event": StoryEvent.COMPLETED.value}, None, ZONE),
        "intune_recorded": steps.steps(recorded, ZONE),
        "intune_active": outcomes.token_active(recorded, ZONE),
        "intune_nag": steps.upload_nag(_renew(held, Evidence.EXPIRY_DATE), ZONE),
        "intune_not_confirmed": upload_news.upload_refused(told, *about),
        "intune_date_refused": upload_news.upload_refused(dated, *about),
        "intune_wrong_file": upload_news.upload_refused(checked, *about),
        "intune_right_file": upload_news.upload_checked(right, *about),
        "intune_incident": upload_news.incident(held.upload, held.token),
        "intune_kept": upload_news.upload_kept(told, held.token),
    }


def _stories(held: Sample) -> dict[str, Message]:
    told = replace(held.upload, evidence=Evidence.THEIR_WORD)
    by_hand = _renew(held, Evidence.THEIR_WORD, detour=held.upload.answer)
    silent = replace(by_hand, request=replace(by_hand.request, evidence=None))
    person = {"person": OLIVIA}

    def one(event: StoryEvent, shown: RequestFacts, **about: str) -> Message:
        return story.story(shown, {"event": event.value, **about}, told, ZONE)

    return {
        "intune_story_by_hand": one(StoryEvent.BY_HAND, by_hand),
        "intune_story_silent": one(StoryEvent.HOLDER_SILENT, silent),
        "intune_story_speaks_again": one(StoryEvent.HOLDER_SILENT, by_hand),
        "intune_story_left_over": one(StoryEvent.LEFT_OVER, by_hand),
        "intune_story_not_shown": one(StoryEvent.FILE_KEPT, by_hand, why="not_shown", **person),
        "intune_story_date_kept": one(StoryEvent.FILE_KEPT, by_hand, why="date", **person),
        "intune_story_not_confirmed": one(
            StoryEvent.FILE_REFUSED, by_hand, upload=told.id, **person
        ),
    }


def intune_views(sample: Sample) -> dict[str, View]:
    """Every form and page that reads otherwise for Intune."""
    held = held_by_intune(sample)
    request, token = held.request, held.token
    told = replace(held.upload, evidence=Evidence.THEIR_WORD)
    right = replace(held.upload, only_check=True, state=UploadState.CHECKED)
    dated = replace(request, evidence=Evidence.EXPIRY_DATE)
    return {
        **_forms(held),
        "intune_upload_form": upload.evidence_form(request, token),
        "intune_by_hand_view": upload.evidence_form(
            replace(request, evidence=Evidence.THEIR_WORD), token
        ),
        "intune_date_form": upload.evidence_form(dated, token),
        "intune_check_form": upload.check_form(request, token),
        "intune_date_held_view": upload.upload_result(
            replace(told, evidence=Evidence.EXPIRY_DATE, state=UploadState.HELD), token
        ),
        "intune_checking": upload.checking(upload.DONE_TITLE),
        "intune_right_file_view": upload.upload_result(right, token),
        "intune_not_confirmed_view": upload.upload_result(told, token),
        "intune_waits_view": upload.upload_result(replace(told, state=UploadState.RECEIVED), token),
    }


def _forms(held: Sample) -> dict[str, View]:
    tags = [ScopeTag(id="0", name="Default"), ScopeTag(id="3", name=held.typed)]
    full = Offer(
        evidence=Evidence.SERVER_TOKEN_FILE, takes_scope_tags=True, scope_tags=tags, chosen=["0"]
    )
    guided = replace(full, evidence=Evidence.THEIR_WORD, chosen=())
    recorded = Offer(evidence=Evidence.EXPIRY_DATE, takes_scope_tags=True, scope_tags=None)
    silent, chosen = replace(recorded, evidence=None), replace(recorded, chosen=["0", "3"])
    offers = {"full": full, "guided": guided, "recorded": recorded, "silent": silent}
    look = replace(preflight(held, Health.OK), pair=None)
    nobody = Holding(health=None, evidence=held.typed, account=None, expires_at=None, devices=None)
    return {
        **{
            f"intune_create_form_{mode}": create.create_form(
                OLIVIA, a_look(ProgramName.INTUNE, offer)
            )
            for mode, offer in offers.items()
        },
        "intune_renew_form": renew.renew_form(replace(look, offer=full), ZONE),
        "intune_renew_form_recorded": renew.renew_form(
            replace(look, offer=chosen, holding=nobody), ZONE
        ),
    }

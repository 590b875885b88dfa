"""Every message, modal and Home that the product draws, by name, from one sample of records."""

from dataclasses import replace
from datetime import timedelta

from bot.errors import words
from bot.listeners.answers import told
from bot.listeners.failures import STALE
from bot.sources import SettingShown, Source
from bot.views import (
    create,
    home,
    outcomes,
    request_card,
    steps,
    story,
    token_pages,
    tokens,
    upload,
    upload_news,
    usage,
)
from bot.views.blocks import Message, View, page, section
from bot.views.settings import settings_page
from bot.views.waiting import waiting
from services.errors import Refused
from services.next_steps import NextStep
from services.overview import Glance, Overview, Waiting
from services.phrases import quoted
from services.policy import Actor, Role, require
from services.posting import SHARED
from services.tokens import Page, page_of
from storage.states import Health, ProgramName, RequestState, SyncState, TokenState, UploadState
from tests.bot.held_surfaces import held_messages, held_views
from tests.bot.histories import histories
from tests.bot.intune_surfaces import intune_messages, intune_views
from tests.bot.request_surfaces import request_messages, request_views
from tests.bot.samples import AMIR, BEA, NOW, OLIVIA, OTTO, ZONE, Sample, a_look
from tests.bot.syncs import syncs
from tests.bot.watch_surfaces import entra_account, watch_messages, watch_views


def messages(sample: Sample) -> dict[str, Message]:
    """Every message."""
    return {
        **_requests(sample),
        **_steps(sample),
        **_outcomes(sample),
        **_answers(sample),
        **watch_messages(sample),
        **request_messages(sample),
        **intune_messages(sample),
        **held_messages(sample),
    }


def views(sample: Sample) -> dict[str, View]:
    """Every modal."""
    accepted = replace(sample.upload, state=UploadState.ACCEPTED, answer=None)
    free = replace(sample.request, approvals_required=0)
    name = sample.token.name
    return {
        "waiting": waiting(create.TITLE),
        "create_form": create.create_form(OLIVIA, a_look(ProgramName.APPLE)),
        "create_sent": create.request_sent(name, sample.request, "C0ALERTS"),
        "create_sent_without_approval": create.request_sent(name, free, "C0ALERTS"),
        "upload_form": upload.upload_form(sample.request, sample.token),
        "upload_checking": upload.checking(),
        "upload_accepted": upload.upload_result(accepted, sample.token),
        "upload_refused_view": upload.upload_result(sample.upload, sample.token),
        "token_page": token_pages.token_page(
            Page(items=[sample.looked_at()], number=1, pages=3, total=45), ZONE
        ),
        "status_page": token_pages.status_page(
            replace(sample.looked_at(), step=NextStep.SIGN_TERMS), ZONE
        ),
        **histories(sample),
        **watch_views(sample),
        **request_views(sample),
        **intune_views(sample),
        **held_views(sample),
        "refusal_view": page(
            upload.TITLE, words(Refused("no", user_message=f"No: {quoted(name)}."))
        ),
    }


def homes(sample: Sample) -> dict[str, View]:
    """Every kind of Home."""
    waiting_ones = {
        state: Waiting(request=replace(sample.request, state=state), token=sample.token)
        for state in RequestState
    }
    lines = [
        Glance(token=sample.token, days_left=days_left, step=step)
        for days_left, step in [
            (-3, NextStep.RENEW_NOW),
            (None, NextStep.DECIDE),
            (364, NextStep.NOTHING),
        ]
    ]
    full = Overview(
        person=OLIVIA,
        may_start=True,
        decide=[waiting_ones[RequestState.PENDING]],
        bring=[waiting_ones[RequestState.AWAITING_UPLOAD]],
        others=[waiting_ones[RequestState.PENDING], waiting_ones[RequestState.APPROVED]],
        tokens=lines,
        page=1,
        pages=3,
        total=45,
    )
    empty = replace(full, decide=[], bring=[], others=[], tokens=[], page=0, pages=1, total=0)
    return {
        "home": home.home_tab(full, ZONE),
        "home_empty": home.home_tab(empty, ZONE),
        "home_empty_for_a_viewer": home.home_tab(replace(empty, may_start=False), ZONE),
        "home_without_a_role": home.only_words(words(_lacking())),
    }


def _settings(sample: Sample) -> list[SettingShown]:
    def one(name: str, *values: str, source: Source, hidden: bool = False) -> SettingShown:
        return SettingShown(name=name, values=values, hidden=hidden, source=source)

    return [
        one("SLACK_BOT_TOKEN", "set", source=Source.ENVIRONMENT, hidden=True),
        one("SLACK_APP_TOKEN", source=Source.DEFAULT, hidden=True),
        one("OPERATORS", *sample.request.approvers, source=Source.FILE),
        one("VIEWERS", source=Source.DEFAULT),
        one("LOG_LEVEL", sample.typed, source=Source.ENVIRONMENT),
    ]


def _requests(sample: Sample) -> dict[str, Message]:
    two = replace(sample.request, approvals_required=2)
    none = replace(sample.request, approvals_required=0, state=RequestState.AWAITING_UPLOAD)
    half = replace(sample.shown(RequestState.PENDING, AMIR), request=two)
    free = replace(sample.shown(), request=none)
    card = request_card.request_card
    return {
        "request_pending": card(sample.shown(), ZONE),
        "request_half_approved": card(half, ZONE),
        "request_without_approval": card(free, ZONE),
        "request_awaiting_upload": card(sample.shown(RequestState.AWAITING_UPLOAD, AMIR), ZONE),
        "request_completed": card(sample.shown(RequestState.COMPLETED, AMIR, BEA), ZONE),
        "request_declined": card(sample.declined(), ZONE),
        "request_cancelled": card(sample.shown(RequestState.CANCELLED), ZONE),
        "request_expired": card(sample.shown(RequestState.EXPIRED), ZONE),
        "request_failed": card(sample.shown(RequestState.FAILED, AMIR), ZONE),
        "declined_news": story.news(sample.declined()),
    }


def _steps(sample: Sample) -> dict[str, Message]:
    waits = sample.shown(RequestState.AWAITING_UPLOAD, AMIR)
    return {
        "steps_to_do": steps.steps(waits, ZONE),
        "steps_completed": steps.steps(sample.shown(RequestState.COMPLETED, AMIR), ZONE),
        "steps_expired": steps.steps(sample.shown(RequestState.EXPIRED), ZONE),
        "upload_refused": upload_news.upload_refused(sample.upload, waits.request, sample.token),
        "delete_file_please": upload_news.delete_file_please(sample.token, sample.permalink),
        "certificate_comment": _worded(steps.certificate_comment(sample.token, sample.key_pair)),
    }


def _outcomes(sample: Sample) -> dict[str, Message]:
    done = sample.shown(RequestState.COMPLETED, AMIR)
    stranger = replace(done, token=replace(sample.token, admin_id="other@schools.example"))
    return {
        "token_active": outcomes.token_active(done, ZONE),
        "token_active_by_another": outcomes.token_active(stranger, ZONE),
        "token_active_unapproved": outcomes.token_active(
            sample.shown(RequestState.COMPLETED), ZONE
        ),
        **syncs(sample),
        "channel_closed": outcomes.channel_closed("C0ALERTS", sample.closed_error),
        "channel_shared": outcomes.channel_closed("C0ALERTS", SHARED),
        "message_refused": outcomes.message_refused(
            {
                "kind": "sync_result",
                "number": "17",
                "destination": "C0ALERTS",
                "error": sample.closed_error,
            }
        ),
    }


def _answers(sample: Sample) -> dict[str, Message]:
    request = replace(sample.request, state=RequestState.AWAITING_UPLOAD)
    failed = replace(sample.run, state=SyncState.FAILED, error=sample.run.error or "No answer.")
    young = replace(
        sample.looked_at(request),
        token=replace(
            sample.token,
            state=TokenState.AWAITING_TOKEN,
            health=None,
            expires_at=None,
            org_name=None,
            last_synced_at=None,
        ),
        days_left=None,
        devices=0,
    )
    ill = replace(
        sample.looked_at(),
        token=replace(
            sample.token, health=Health.TERMS_UNSIGNED, expires_at=NOW - timedelta(hours=20)
        ),
        days_left=-1,
        last_run=failed,
    )
    many = [sample.looked_at() for _ in range(25)]
    return {
        "usage": usage.usage(),
        "usage_unknown": usage.usage(unknown=sample.typed),
        "usage_later": usage.usage(unknown="renew"),
        "list": tokens.token_list(page_of([ill, sample.looked_at(), young], 0), "", ZONE),
        "list_many": tokens.token_list(page_of(many, 0), "", ZONE),
        "list_none": tokens.token_list(page_of([], 0), "", ZONE),
        "list_no_match": tokens.token_list(page_of([], 0), sample.typed, ZONE),
        "status": tokens.token_status(sample.looked_at(), ZONE),
        "status_watched_in_entra": tokens.token_status(
            replace(sample.looked_at(), account=entra_account(sample)), ZONE
        ),
        "status_awaiting_token": tokens.token_status(young, ZONE),
        "status_ill": tokens.token_status(ill, ZONE),
        "settings": settings_page(_settings(sample)),
        "refusal": told(_lacking()),
        "stale_button": _worded(STALE),
    }


def _lacking() -> Refused:
    stranger = Actor(id=BEA, member=True, roles=frozenset())
    try:
        require(stranger, Role.OPERATOR, frozenset({OLIVIA, OTTO}))
    except Refused as error:
        return error
    raise AssertionError("somebody without a role passed")


def _worded(text: str) -> Message:
    return Message(text=text, blocks=[section(text)])

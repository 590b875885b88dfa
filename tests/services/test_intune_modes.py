"""Claims about creating and renewing in Intune: what is brought in each mode, and its proof."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.clock import machine_now
from services.errors import InvalidForm, Refused
from services.graph.beginning import EVIDENCE, OFFER_SECONDS
from services.graph.imports import Imports
from services.graph.modes import IntuneMode
from services.graph.new_entry import PATIENCE
from services.uploads import UploadForm
from storage.database import Database
from storage.records import Upload
from storage.states import (
    Evidence,
    Health,
    NoticeKind,
    RenewalCause,
    RequestState,
    TokenState,
    UploadState,
)
from tests.sandbox.apple import faults
from tests.sandbox.graph.applications import CONFIGURATION
from tests.services.intune_office import DAY, IntuneOffice, intune_office
from tests.services.office import APPLE_ID, Outside
from tests.services.ports import OPERATOR

YEAR = timedelta(days=365)


@pytest.fixture
async def guided(database: Database, outside: Outside) -> AsyncIterator[IntuneOffice]:
    async with intune_office(database, outside, Evidence.THEIR_WORD) as office:
        yield office


@pytest.fixture
async def recorded(database: Database, outside: Outside) -> AsyncIterator[IntuneOffice]:
    async with intune_office(database, outside, Evidence.EXPIRY_DATE) as office:
        yield office


def refused(upload: Upload) -> str:
    """Why it was not taken, as the person reads it."""
    assert upload.state is UploadState.REFUSED
    return upload.answer or ""


def waits(upload: Upload) -> str:
    """What Intune shows meanwhile."""
    assert upload.state is UploadState.RECEIVED
    assert upload.kept_until is not None
    return upload.answer or ""


def test_every_mode_takes_some_evidence() -> None:
    assert set(EVIDENCE) == set(IntuneMode)
    assert set(EVIDENCE.values()) == set(Evidence)


async def test_a_date_completes_a_recorded_request(recorded: IntuneOffice) -> None:
    request = await recorded.awaited()
    assert (request.state, request.evidence) == (
        RequestState.AWAITING_UPLOAD,
        Evidence.EXPIRY_DATE,
    )
    assert await recorded.outbox(NoticeKind.CERTIFICATE) == []
    ends = recorded.clock.now() + YEAR
    upload = await recorded.bring_date(request, ends)
    assert upload.state is UploadState.ACCEPTED
    token = await recorded.token(request)
    assert (token.state, token.health, token.holder_id) == (TokenState.ACTIVE, None, None)
    assert token.expires_at is not None
    assert token.expires_at.date() == ends.date()
    assert (await recorded.request(request.id)).state is RequestState.COMPLETED
    entry = (await recorded.entries())[-1]
    assert (entry.action, entry.origin) == ("token.activate", f"expiry_date:{upload.id}")


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "not in the future"), (-30, "not in the future"), (371, "too far off")],
)
async def test_a_date_that_cannot_be_right_is_refused_under_its_field(
    recorded: IntuneOffice, days: int, said: str
) -> None:
    request = await recorded.awaited()
    with pytest.raises(InvalidForm) as caught:
        await recorded.bring_date(request, recorded.clock.now() + timedelta(days=days))
    assert said in caught.value.fields["expires_on"]
    assert (await recorded.request(request.id)).state is RequestState.AWAITING_UPLOAD


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30"])
async def test_what_is_no_date_is_refused_under_its_field(
    recorded: IntuneOffice, text: str
) -> None:
    request = await recorded.awaited()
    form = UploadForm(
        submission="V1",
        request_id=request.id,
        apple_id="none",
        evidence=Evidence.EXPIRY_DATE,
        expires_on=text,
    )
    with pytest.raises(InvalidForm) as caught:
        await recorded.uploads.submit(OPERATOR, form)
    assert caught.value.fields.keys() == {"expires_on", "apple_id"}


async def test_a_recorded_renewal_takes_a_later_date_alone(recorded: IntuneOffice) -> None:
    request = await recorded.awaited()
    await recorded.bring_date(request, recorded.clock.now() + 300 * DAY)
    token = await recorded.token(request)
    renewal = await recorded.under_way(token)
    with pytest.raises(InvalidForm) as caught:
        await recorded.bring_date(renewal, recorded.clock.now() + 300 * DAY)
    assert "not the new one's date" in caught.value.fields["expires_on"]
    recorded.clock.pass_time(290 * DAY)
    renewal = await recorded.request(renewal.id)
    await recorded.bring_date(renewal, recorded.clock.now() + YEAR)
    renewed = await recorded.token(renewal)
    assert renewed.expires_at is not None
    assert renewed.expires_at.date() == (recorded.clock.now() + YEAR).date()


async def test_a_file_is_not_taken_where_a_date_is_waited_for(recorded: IntuneOffice) -> None:
    request = await recorded.awaited()
    with pytest.raises(Refused) as caught:
        await recorded.submit(request, b"x")
    assert "waits for the expiry date" in caught.value.user_message


async def test_their_word_is_confirmed_by_what_intune_shows(guided: IntuneOffice) -> None:
    guided.microsoft.tenant.add_token("An older one")
    request = await guided.awaited()
    assert request.evidence is Evidence.THEIR_WORD
    entry = guided.by_hand()
    upload = await guided.bring_word(request)
    assert upload.state is UploadState.ACCEPTED
    token = await guided.token(request)
    assert (token.holder_id, token.holder_name) == (entry.id, entry.name)
    assert (token.state, token.health) == (TokenState.ACTIVE, Health.OK)
    assert token.expires_at == entry.expires_at
    assert token.admin_id == APPLE_ID


async def test_nothing_is_written_in_guided_mode(guided: IntuneOffice) -> None:
    token, entry = await guided.activated()
    renewal = await guided.under_way(token)
    guided.renewed_by_hand(entry)
    await guided.bring_word(renewal)
    written = [one for one in guided.microsoft.server.requests if one.method != "GET"]
    assert [one.path for one in written if not one.path.endswith("/token")] == []


async def test_what_intune_does_not_show_yet_is_asked_again_and_said(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited()
    upload = await guided.bring_word(request)
    assert "no new token since you got the steps" in waits(upload)
    assert [one.kind for one in (await guided.outbox())[-2:]] == [
        NoticeKind.REQUEST_STORY,
        NoticeKind.UPLOAD_KEPT,
    ]
    guided.by_hand()
    assert (await guided.again(upload)).state is UploadState.ACCEPTED
    assert (await guided.token(request)).state is TokenState.ACTIVE


async def test_after_an_hour_the_step_is_open_again_and_says_what_intune_shows(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited()
    upload = await guided.out_of_patience(await guided.bring_word(request))
    assert upload.reason == "not_shown"
    assert "begin again with the first step" in refused(upload)
    assert (await guided.request(request.id)).state is RequestState.AWAITING_UPLOAD
    guided.by_hand()
    assert (await guided.bring_word(request)).state is UploadState.ACCEPTED


async def test_two_new_tokens_with_one_name_are_told_apart_by_a_person(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited()
    first, second = guided.by_hand(), guided.by_hand()
    upload = await guided.bring_word(request)
    assert "2 new tokens that may be “HQ iPads”" in refused(upload)
    guided.microsoft.tenant.portal.rename(first, "Spare")
    assert (await guided.bring_word(request)).state is UploadState.ACCEPTED
    assert (await guided.token(request)).holder_id == second.id


async def test_a_new_token_with_another_name_is_taken_where_it_is_the_only_one(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited()
    entry = guided.by_hand("Whatever Apple says")
    await guided.bring_word(request)
    assert (await guided.token(request)).holder_id == entry.id


async def test_of_two_people_at_work_each_gets_their_own_token(guided: IntuneOffice) -> None:
    one, two = await guided.awaited("One"), await guided.awaited("Two")
    entry = guided.by_hand("Two")
    assert "no new token" in waits(await guided.bring_word(one))
    stranger = guided.by_hand("Three")
    assert "none is called “One”" in refused(await guided.bring_word(one))
    await guided.bring_word(two)
    assert (await guided.token(two)).holder_id == entry.id
    guided.microsoft.tenant.portal.rename(stranger, "One")
    await guided.bring_word(one)
    assert (await guided.token(one)).holder_id == stranger.id


async def test_a_guided_renewal_is_confirmed_by_a_later_end(guided: IntuneOffice) -> None:
    token, entry = await guided.activated()
    renewal = await guided.under_way(token)
    still = waits(await guided.bring_word(renewal))
    assert "still shows “HQ iPads” with its expiry date 2 March 2027" in still
    guided.renewed_by_hand(entry)
    upload = await guided.bring_word(renewal)
    assert upload.state is UploadState.ACCEPTED
    renewed = await guided.token(renewal)
    assert renewed.expires_at == entry.expires_at
    assert renewed.expires_at == guided.clock.now() + YEAR


async def test_a_renaming_is_no_renewal(guided: IntuneOffice) -> None:
    token, entry = await guided.activated()
    renewal = await guided.under_way(token)
    guided.clock.pass_time(DAY)
    entry.modified_at = guided.clock.now()
    assert "changed since, but not its end" in waits(await guided.bring_word(renewal))


async def test_a_renewal_done_in_the_admin_center_before_it_was_asked_for_counts(
    guided: IntuneOffice,
) -> None:
    token, entry = await guided.activated()
    guided.renewed_by_hand(entry)
    request = await guided.renew(token, cause=RenewalCause.ALREADY_DOWNLOADED)
    assert (request.state, request.evidence) == (RequestState.PENDING, Evidence.THEIR_WORD)
    upload = await guided.bring_word(request)
    assert upload.state is UploadState.ACCEPTED
    assert (await guided.token(request)).expires_at == entry.expires_at
    assert (await guided.entries())[-1].after["approval"].startswith("without approval")


async def test_a_token_deleted_in_the_portal_while_its_renewal_waits_is_said_so(
    guided: IntuneOffice,
) -> None:
    token, entry = await guided.activated()
    renewal = await guided.under_way(token)
    guided.microsoft.tenant.portal.delete_token(entry)
    answer = refused(await guided.bring_word(renewal))
    assert "somebody deleted it in the admin center" in answer
    assert "Cancel this request" in answer
    assert (await guided.request(renewal.id)).state is RequestState.AWAITING_UPLOAD


async def test_a_renewal_of_a_token_that_is_gone_fails_at_once(guided: IntuneOffice) -> None:
    token, entry = await guided.activated()
    guided.microsoft.tenant.portal.delete_token(entry)
    renewal = await guided.under_way(token)
    assert renewal.state is RequestState.FAILED
    assert "somebody deleted it" in (renewal.failure or "")
    assert (await guided.token(renewal)).state is TokenState.ACTIVE


async def test_microsofts_silence_is_waited_for(guided: IntuneOffice) -> None:
    request = await guided.awaited()
    guided.by_hand()
    guided.microsoft.tenant.knobs.throttle(9)
    upload = await guided.bring_word(request)
    assert waits(upload) == ""
    guided.microsoft.tenant.knobs.throttle(0)
    assert (await guided.again(upload)).state is UploadState.ACCEPTED


async def test_a_request_waits_for_microsoft_to_answer_before_the_steps(
    guided: IntuneOffice,
) -> None:
    request = await guided.ask()
    await guided.click(request)
    guided.microsoft.tenant.knobs.throttle(9)
    assert await guided.preparation.begin_approved() is not None
    waiting = await guided.request(request.id)
    assert (waiting.state, waiting.evidence) == (RequestState.APPROVED, None)
    assert await guided.stories(request) == ["holder_silent"]
    guided.microsoft.tenant.knobs.throttle(0)
    assert await guided.preparation.begin_approved() is None
    begun = await guided.request(request.id)
    assert (begun.state, begun.detour) == (RequestState.AWAITING_UPLOAD, None)


async def test_without_the_permission_to_look_a_date_is_asked_for(guided: IntuneOffice) -> None:
    guided.forbid()
    request = await guided.awaited()
    assert request.evidence is Evidence.EXPIRY_DATE
    assert "lacks a permission" in (request.detour or "")
    assert "by_hand" in await guided.stories(request)


async def test_a_permission_taken_away_later_turns_the_step_to_the_date(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited()
    guided.by_hand()
    guided.forbid()
    upload = await guided.bring_word(request)
    assert upload.reason == "by_hand"
    turned = await guided.request(request.id)
    assert turned.evidence is Evidence.EXPIRY_DATE
    await guided.bring_date(turned, guided.clock.now() + YEAR)
    assert (await guided.token(request)).state is TokenState.ACTIVE


async def test_what_the_admin_center_set_up_no_more_goes_on_by_the_date(
    guided: IntuneOffice, database: Database, outside: Outside
) -> None:
    request = await guided.awaited()
    without = IntuneOffice(database, outside, None)
    await without.bring_word(request)
    assert (await without.request(request.id)).evidence is Evidence.EXPIRY_DATE


async def test_the_scope_tags_stand_on_the_card_and_in_the_steps(guided: IntuneOffice) -> None:
    request = await guided.ask(scope_tags={"3": "Schools"}, scope_tag_ids="0")
    assert request.scope_tags == {"3": "Schools", "0": ""}
    assert request.facts["scope_tags"] == "3 Schools, 0"
    await guided.click(request)
    assert (await guided.request(request.id)).state is RequestState.APPROVED


async def test_scope_tags_that_are_no_ids_are_refused_under_their_field(
    guided: IntuneOffice,
) -> None:
    with pytest.raises(InvalidForm) as caught:
        await guided.ask(scope_tag_ids="Schools")
    assert caught.value.fields.keys() == {"scope_tag_ids"}


async def test_the_form_offers_the_tenants_scope_tags(guided: IntuneOffice) -> None:
    guided.microsoft.tenant.add_scope_tag("Schools")
    look = await guided.desk.offers.look(OPERATOR)
    assert look.offer.evidence is Evidence.THEIR_WORD
    assert [one.name for one in look.offer.scope_tags or []] == ["Default", "Schools"]


async def test_scope_tags_that_cannot_be_read_are_typed(guided: IntuneOffice) -> None:
    guided.forbid(CONFIGURATION)
    look = await guided.desk.offers.look(OPERATOR)
    assert look.offer.scope_tags is None


async def test_the_consent_to_microsofts_sharing_is_recorded_with_its_text(
    guided: IntuneOffice,
) -> None:
    request = await guided.ask()
    assert request.consent_version == "intune-1"
    assert "permission to Microsoft" in request.consent_text
    with pytest.raises(InvalidForm) as caught:
        await guided.ask("Another", consented=False)
    assert caught.value.fields.keys() == {"consent"}


async def test_another_server_or_key_is_not_asked_for_where_intune_holds_it(
    guided: IntuneOffice,
) -> None:
    token, _ = await guided.activated()
    with pytest.raises(Refused):
        await guided.renew(token, replaces=True)
    with pytest.raises(Refused):
        await guided.renew(token, rotate=True)


async def test_the_import_leaves_a_new_entry_to_the_request_that_waits_for_one(
    guided: IntuneOffice,
) -> None:
    look = Imports(
        database=guided.database,
        intune=guided.microsoft.intune,
        audit=guided.audit,
        notices=guided.notices,
        clock=guided.clock,
        every=timedelta(minutes=1),
    )
    request = await guided.awaited()
    entry = guided.by_hand("Whatever Apple says")
    await look.run_due()
    async with guided.database.read() as tx:
        assert await tx.tokens.of_holder(entry.id) is None
    await guided.bring_word(request)
    assert (await guided.token(request)).holder_id == entry.id


async def test_a_hiccup_of_the_login_does_not_make_a_request_guided(
    database: Database, outside: Outside
) -> None:
    async with intune_office(database, outside, Evidence.SERVER_TOKEN_FILE) as full:
        request = await full.ask()
        await full.click(request)
        login = f"/{full.microsoft.tenant.id}/oauth2/v2.0/token"
        full.microsoft.server.faults.next(login, faults.reset())
        await full.preparation.begin_approved()
        assert (await full.request(request.id)).state is RequestState.APPROVED
        async with asyncio.timeout(60):
            # The login is let alone for a few seconds.
            while await full.preparation.begin_approved() is not None:  # noqa: ASYNC110 - a pause by the clock
                await asyncio.sleep(0.2)
        assert (await full.request(request.id)).evidence is Evidence.SERVER_TOKEN_FILE


async def test_an_expired_secret_asks_for_the_date_and_says_why(
    database: Database, outside: Outside
) -> None:
    async with intune_office(database, outside, Evidence.SERVER_TOKEN_FILE) as full:
        full.clock.pass_time(181 * DAY)
        request = await full.awaited()
        assert request.evidence is Evidence.EXPIRY_DATE
        assert "expired" in (request.detour or "")


async def test_a_tenant_without_a_licence_asks_for_the_date_and_says_why(
    guided: IntuneOffice,
) -> None:
    guided.microsoft.tenant.knobs.licensed = False
    request = await guided.awaited()
    assert request.evidence is Evidence.EXPIRY_DATE
    assert "licence" in (request.detour or "")


async def test_an_entry_that_nobody_used_is_taken_back_when_the_date_was_told(
    database: Database, outside: Outside
) -> None:
    async with intune_office(database, outside, Evidence.SERVER_TOKEN_FILE) as full:
        request = await full.awaited()
        file = (await full.server(request)).download_token().content
        roles = frozenset(full.microsoft.application.roles)
        full.forbid()
        await full.bring(request, file)
        await full.bring_date(await full.request(request.id), full.clock.now() + YEAR)
        full.microsoft.application.roles.update(roles)
        full.microsoft.tenant.revoke_access()
        await full.preparation.take_back()
        assert full.microsoft.tenant.tokens == {}


async def test_other_scope_tags_than_asked_for_are_said_and_the_token_is_in_use(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited(scope_tag_ids="3")
    guided.by_hand()
    assert (await guided.bring_word(request)).state is UploadState.ACCEPTED
    assert "has the scope tags “0”, but “3”" in ((await guided.request(request.id)).detour or "")


async def test_a_silence_that_ends_leaves_an_hour_for_what_is_not_shown(
    guided: IntuneOffice,
) -> None:
    request = await guided.awaited()
    guided.microsoft.tenant.knobs.throttle(9)
    upload = await guided.bring_word(request)
    assert upload.kept_until is not None
    assert upload.kept_until > machine_now() + timedelta(hours=23)
    guided.microsoft.tenant.knobs.throttle(0)
    upload = await guided.again(upload)
    assert "no new token" in waits(upload)
    assert upload.kept_until is not None
    assert upload.kept_until <= machine_now() + PATIENCE.kept_for
    guided.microsoft.tenant.knobs.throttle(9)
    silent = await guided.again(upload)
    assert silent.kept_until == upload.kept_until
    assert silent.due_at < silent.kept_until


def test_pauses_grow_and_never_pass_what_is_left() -> None:
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    assert PATIENCE.pause(waited=timedelta(), left=hour) == PATIENCE.first
    assert PATIENCE.pause(waited=4 * minute, left=hour) == 2 * minute
    assert PATIENCE.pause(waited=59 * minute, left=minute) == minute / 2
    assert PATIENCE.pause(waited=hour, left=timedelta(seconds=1)) == timedelta(seconds=1)


async def test_the_form_says_nothing_of_the_way_while_microsoft_is_silent(
    guided: IntuneOffice,
) -> None:
    login = f"/{guided.microsoft.tenant.id}/oauth2/v2.0/token"
    guided.microsoft.server.faults.next(login, faults.reset())
    look = await guided.desk.offers.look(OPERATOR)
    assert (look.offer.evidence, look.offer.scope_tags) == (None, None)


async def test_the_form_says_by_the_date_where_the_secret_has_expired(
    guided: IntuneOffice,
) -> None:
    guided.clock.pass_time(181 * DAY)
    assert (await guided.desk.offers.look(OPERATOR)).offer.evidence is Evidence.EXPIRY_DATE


async def test_a_slow_microsoft_does_not_hold_up_the_form(guided: IntuneOffice) -> None:
    guided.microsoft.tenant.knobs.delay_seconds = OFFER_SECONDS
    look = await guided.desk.offers.look(OPERATOR)
    assert look.offer.scope_tags is None
    assert look.offer.takes_scope_tags

"""Claims about full mode: entry, key, file and tags by calls, and what happens where one fails."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.clock import machine_now
from services.envelope import MAX_BYTES
from services.graph.strategy import CreateOrder, KeyText, Strategy, TokenEncoding
from services.wrong_file import WrongFileReason
from storage.database import Database
from storage.intune_records import IntuneStep
from storage.records import Request, Upload
from storage.states import (
    Evidence,
    KeyPairState,
    NoticeKind,
    RenewalCause,
    RequestState,
    TokenState,
    UploadState,
)
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.graph import knobs
from tests.sandbox.graph.applications import WRITE
from tests.services.intune_office import DAY, IntuneOffice, intune_office
from tests.services.office import APPLE_ID, Outside
from tests.services.ports import OPERATOR

R = WrongFileReason
SETTINGS = "/beta/deviceManagement/depOnboardingSettings"


@pytest.fixture
async def full(database: Database, outside: Outside) -> AsyncIterator[IntuneOffice]:
    async with intune_office(database, outside, Evidence.SERVER_TOKEN_FILE) as office:
        yield office


async def step(office: IntuneOffice, request: Request) -> IntuneStep:
    async with office.database.read() as tx:
        found = await tx.intune_steps.of(request.token_id)
    assert found is not None
    return found


async def file_of(office: IntuneOffice, request: Request) -> bytes:
    """What the person downloads at Apple with the certificate that they got."""
    return (await office.server(request)).download_token().content


def entries(office: IntuneOffice) -> list[str]:
    return [one.name for one in office.microsoft.tenant.listed()]


def writes(office: IntuneOffice) -> list[str]:
    """What was changed in Intune, in order, without ids."""
    calls = office.microsoft.server.requests
    return [
        f"{one.method} {one.path.rpartition('/')[2] if one.path != SETTINGS else ''}".strip()
        for one in calls
        if one.method != "GET" and one.path.startswith(SETTINGS)
    ]


def refused(upload: Upload, reason: str) -> str:
    """Why it was not taken, as the person reads it."""
    assert (upload.state, upload.reason) == (UploadState.REFUSED, reason)
    return upload.answer or ""


async def by_hand(office: IntuneOffice, request: Request) -> str:
    """The request goes on by hand, and says why."""
    turned = await office.request(request.id)
    assert (turned.state, turned.evidence) == (
        RequestState.AWAITING_UPLOAD,
        Evidence.THEIR_WORD,
    )
    assert "by_hand" in await office.stories(request)
    return turned.detour or ""


async def test_a_token_is_made_in_the_published_order_and_the_key_is_handed_out(
    full: IntuneOffice,
) -> None:
    request = await full.awaited(scope_tags={"0": "Default"})
    assert request.evidence is Evidence.SERVER_TOKEN_FILE
    entry = full.microsoft.tenant.token("HQ iPads")
    assert (entry.consent, entry.apple_id, entry.kind) == (True, APPLE_ID, "appleSchoolManager")
    assert await full.outbox(NoticeKind.CERTIFICATE)
    async with full.database.read() as tx:
        pair = await tx.key_pairs.newest_of(request.token_id)
    assert pair is not None
    assert pair.certificate_pem.encode() == entry.key_pair().certificate_pem
    assert (pair.private_key, pair.state) == (None, KeyPairState.STAGED)
    upload = await full.bring(request, await file_of(full, request))
    assert upload.state is UploadState.ACCEPTED
    assert writes(full)[0] == "POST"
    assert [one.partition(" ")[2] for one in writes(full)[1:]] == [
        "generateEncryptionPublicKey",
        "uploadDepToken",
    ]
    token = await full.token(request)
    assert (token.state, token.holder_id) == (TokenState.ACTIVE, entry.id)
    assert token.expires_at == entry.expires_at


@pytest.mark.parametrize("key_text", knobs.KeyText)
async def test_the_key_is_taken_in_either_form_and_handed_out_as_pem(
    full: IntuneOffice, key_text: knobs.KeyText
) -> None:
    full.microsoft.tenant.knobs.key_text = key_text
    request = await full.awaited()
    async with full.database.read() as tx:
        pair = await tx.key_pairs.newest_of(request.token_id)
    assert pair is not None
    assert pair.certificate_pem.startswith("-----BEGIN CERTIFICATE-----\n")


async def test_a_file_in_base64_is_a_field_of_the_strategy(
    database: Database, outside: Outside
) -> None:
    strategy = Strategy(encoding=TokenEncoding.BASE64)
    async with intune_office(
        database, outside, Evidence.SERVER_TOKEN_FILE, strategy=strategy
    ) as office:
        office.microsoft.tenant.knobs.token_text = knobs.TokenText.BASE64
        request = await office.awaited()
        upload = await office.bring(request, await file_of(office, request))
        assert upload.state is UploadState.ACCEPTED


async def test_pasted_text_reaches_intune_as_the_file_that_it_was(full: IntuneOffice) -> None:
    request = await full.awaited()
    file = await file_of(full, request)
    pasted = file.partition(b"\n\n")[2].strip()
    assert pasted != file
    assert (await full.bring(request, pasted)).state is UploadState.ACCEPTED


async def test_a_form_of_key_that_the_strategy_does_not_take_goes_on_by_hand(
    database: Database, outside: Outside
) -> None:
    strategy = Strategy(key_texts=frozenset({KeyText.BASE64}))
    async with intune_office(
        database, outside, Evidence.SERVER_TOKEN_FILE, strategy=strategy
    ) as office:
        request = await office.awaited()
        assert "in a form that I do not understand" in await by_hand(office, request)
        await office.preparation.take_back()
        assert entries(office) == []


async def test_with_the_key_first_nothing_is_entered_before_it(
    database: Database, outside: Outside
) -> None:
    strategy = Strategy(order=CreateOrder.KEY_FIRST)
    async with intune_office(
        database, outside, Evidence.SERVER_TOKEN_FILE, strategy=strategy
    ) as office:
        request = await office.awaited()
        assert writes(office) == ["POST generateEncryptionPublicKey"]
        assert request.evidence is Evidence.THEIR_WORD


async def test_a_renewal_needs_no_new_key_and_keeps_the_scope_tags(full: IntuneOffice) -> None:
    token, entry = await full.activated()
    full.microsoft.tenant.add_scope_tag("Schools")
    before = len(writes(full))
    renewal = await full.under_way(token, scope_tags={"1": "Schools"})
    assert renewal.evidence is Evidence.SERVER_TOKEN_FILE
    assert len(await full.outbox(NoticeKind.CERTIFICATE)) == 1
    full.clock.pass_time(DAY)
    upload = await full.bring(renewal, full.newer_file(entry))
    assert upload.state is UploadState.ACCEPTED
    assert [one.partition(" ")[0] for one in writes(full)[before:]] == ["POST", "PATCH"]
    assert entry.scope_tags == ["1"]
    assert (await full.token(renewal)).expires_at == full.clock.now() + timedelta(days=365)


async def test_scope_tags_that_intune_does_not_take_are_said_and_the_token_is_in_use(
    full: IntuneOffice,
) -> None:
    token, entry = await full.activated()
    renewal = await full.under_way(token, scope_tag_ids="77")
    full.clock.pass_time(DAY)
    upload = await full.bring(renewal, full.newer_file(entry))
    assert upload.state is UploadState.ACCEPTED
    done = await full.request(renewal.id)
    assert "did not take the scope tags “77”" in (done.detour or "")


async def test_it_is_done_only_when_intune_shows_the_new_end(full: IntuneOffice) -> None:
    full.microsoft.tenant.knobs.shows_after_seconds = 3600
    request = await full.awaited()
    file = await file_of(full, request)
    upload = await full.bring(request, file)
    assert (upload.state, upload.kept_until is not None) == (UploadState.RECEIVED, True)
    assert file.hex() not in (upload.content or "")
    assert (await full.token(request)).state is TokenState.AWAITING_TOKEN
    full.microsoft.tenant.knobs.shows_after_seconds = 0
    entry = full.microsoft.tenant.token("HQ iPads")
    assert entry.upload is not None
    entry.upload.shows_at = 0
    assert (await full.again(upload)).state is UploadState.ACCEPTED
    assert writes(full).count("POST uploadDepToken") == 1


async def test_an_upload_that_never_shows_goes_on_by_hand_and_nothing_is_lost(
    full: IntuneOffice,
) -> None:
    full.microsoft.tenant.knobs.shows_uploads = False
    request = await full.awaited()
    upload = await full.bring(request, await file_of(full, request))
    refused(await full.out_of_patience(upload), "by_hand")
    assert "took the file for “HQ iPads”" in await by_hand(full, request)
    assert await full.preparation.take_back() is None
    assert entries(full) == ["HQ iPads"]
    made = full.by_hand()
    await full.bring_word(await full.request(request.id))
    assert (await full.token(request)).holder_id == made.id
    await full.preparation.take_back()
    assert entries(full) == ["HQ iPads"]
    assert full.microsoft.tenant.tokens.keys() == {made.id}


async def test_what_shows_after_all_is_confirmed_by_their_word(full: IntuneOffice) -> None:
    full.microsoft.tenant.knobs.shows_uploads = False
    request = await full.awaited()
    upload = await full.bring(request, await file_of(full, request))
    await full.out_of_patience(upload)
    full.microsoft.tenant.knobs.shows_uploads = True
    entry = full.microsoft.tenant.token("HQ iPads")
    await full.bring_word(await full.request(request.id))
    assert (await full.token(request)).holder_id == entry.id


async def test_a_refused_entry_goes_on_by_hand(full: IntuneOffice) -> None:
    full.microsoft.tenant.knobs.refuses_writes = True
    request = await full.awaited()
    assert "took no new entry from me" in await by_hand(full, request)
    assert "request-id" in await by_hand(full, request)
    full.by_hand()
    await full.bring_word(request)
    assert (await full.token(request)).state is TokenState.ACTIVE


async def test_a_refused_file_goes_on_by_hand_and_the_empty_entry_is_taken_back(
    full: IntuneOffice,
) -> None:
    request = await full.awaited()
    file = await file_of(full, request)
    full.microsoft.tenant.knobs.refuses_writes = True
    refused(await full.bring(request, file), "by_hand")
    assert "did not take the file from me" in await by_hand(full, request)
    full.microsoft.tenant.knobs.refuses_writes = False
    await full.preparation.take_back()
    assert entries(full) == []
    assert (await full.entries())[-1].action == "request.take_back"
    next_one = await full.awaited("Another")
    assert next_one.evidence is Evidence.THEIR_WORD, "a refused write counts for an hour"


async def test_an_entry_that_cannot_be_deleted_is_told(full: IntuneOffice) -> None:
    request = await full.awaited()
    file = await file_of(full, request)
    full.microsoft.tenant.knobs.refuses_writes = True
    await full.bring(request, file)
    await full.preparation.take_back()
    assert "left_over" in await full.stories(request)
    assert await full.preparation.take_back() is None


async def test_the_permission_to_write_taken_away_meanwhile_goes_on_by_hand(
    full: IntuneOffice,
) -> None:
    token, entry = await full.activated()
    renewal = await full.under_way(token)
    full.forbid(WRITE)
    full.clock.pass_time(DAY)
    file = full.newer_file(entry)
    refused(await full.bring(renewal, file), "by_hand")
    full.microsoft.tenant.portal.renew_token(entry, file, apple_id=APPLE_ID)
    await full.bring_word(await full.request(renewal.id))
    assert (await full.token(renewal)).expires_at == entry.expires_at


@pytest.mark.parametrize("how", ["cancelled", "expired"])
async def test_a_half_made_entry_is_deleted_when_its_request_ends(
    full: IntuneOffice, how: str
) -> None:
    request = await full.awaited()
    assert entries(full) == ["HQ iPads"]
    if how == "cancelled":
        await full.life.cancel(OPERATOR, request.id, origin="click:1")
    else:
        full.clock.pass_time(15 * DAY)
        await full.life.sweep()
    assert (await full.token(request)).state is TokenState.CANCELLED
    await full.preparation.take_back()
    assert entries(full) == []


async def test_a_half_made_entry_is_deleted_after_a_restart_too(
    full: IntuneOffice, second_database: Database, outside: Outside
) -> None:
    request = await full.awaited()
    await full.life.cancel(OPERATOR, request.id, origin="click:1")
    full.microsoft.tenant.knobs.throttle(9)
    assert await full.preparation.take_back() is not None
    full.microsoft.tenant.knobs.throttle(0)
    async with second_database.write() as tx:
        await tx.intune_steps.change(due_at=machine_now())
    restarted = IntuneOffice(second_database, outside, full.microsoft)
    await restarted.preparation.take_back()
    assert entries(full) == []


async def test_an_entry_with_a_token_in_it_is_never_taken_back(full: IntuneOffice) -> None:
    request = await full.awaited()
    file = await file_of(full, request)
    entry = full.microsoft.tenant.token("HQ iPads")
    await full.life.cancel(OPERATOR, request.id, origin="click:1")
    full.microsoft.tenant.portal.renew_token(entry, file, apple_id=APPLE_ID)
    await full.preparation.take_back()
    assert entries(full) == ["HQ iPads"]


async def test_an_entry_made_before_a_crash_is_found_again(
    full: IntuneOffice, second_database: Database, outside: Outside
) -> None:
    request = await full.ask()
    await full.click(request)
    token = await full.token(request)
    # The process dies after Intune made the entry, and before its id was kept.
    made = await full.microsoft.intune.create(
        name=token.name, apple_id=APPLE_ID, portal=token.portal, scope_tags=()
    )
    async with full.database.write() as tx:
        await tx.intune_steps.add(
            IntuneStep(
                token_id=token.id,
                setting_id=None,
                made=True,
                unneeded=False,
                seen=[],
                expires_at=None,
                modified_at=None,
                uploaded=None,
                lease_until=machine_now() - timedelta(minutes=3),
                due_at=machine_now(),
            )
        )
    restarted = IntuneOffice(second_database, outside, full.microsoft)
    await restarted.preparation.begin_approved()
    assert (await step(full, request)).setting_id == made.id
    assert entries(full) == ["HQ iPads"]


async def test_two_processes_that_prepare_at_once_make_one_entry(
    full: IntuneOffice, second_database: Database, outside: Outside
) -> None:
    second = IntuneOffice(second_database, outside, full.microsoft)
    request = await full.ask()
    await full.click(request)
    await asyncio.gather(full.preparation.begin_approved(), second.preparation.begin_approved())
    assert entries(full) == ["HQ iPads"]
    assert len(await full.outbox(NoticeKind.CERTIFICATE)) == 1


async def test_a_file_for_another_token_is_refused_before_intune_sees_it(
    full: IntuneOffice,
) -> None:
    other, entry = await full.activated("Library iPads")
    request = await full.awaited()
    before = writes(full)
    answer = refused(await full.bring(request, full.newer_file(entry)), R.ANOTHER_TOKEN)
    assert f"“{other.name}”" in answer
    assert writes(full) == before


async def test_swapped_files_of_two_requests_are_both_told(full: IntuneOffice) -> None:
    one, two = await full.awaited("One"), await full.awaited("Two")
    for_one, for_two = await file_of(full, one), await file_of(full, two)
    assert "“Two”" in refused(await full.bring(one, for_two), R.ANOTHER_TOKEN)
    assert "“One”" in refused(await full.bring(two, for_one), R.ANOTHER_TOKEN)
    assert (await full.bring(one, for_one)).state is UploadState.ACCEPTED
    assert (await full.bring(two, for_two)).state is UploadState.ACCEPTED


async def test_a_file_for_a_token_that_only_intune_knows_is_named(full: IntuneOffice) -> None:
    entry = full.microsoft.tenant.add_token("Mac lab")
    request = await full.awaited()
    answer = refused(await full.bring(request, full.newer_file(entry)), R.ANOTHER_TOKEN)
    assert "Intune's token “Mac lab”" in answer


async def test_a_file_for_nobody_we_know_is_an_incident(full: IntuneOffice) -> None:
    request = await full.awaited()
    server = full.at_apple(key_pair("Somebody else's").certificate_pem)
    answer = refused(
        await full.bring(request, server.download_token().content), R.UNKNOWN_RECIPIENT
    )
    assert "neither Intune's nor ours" in answer
    assert await full.outbox(NoticeKind.INCIDENT)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", R.EMPTY),
        (b"<!doctype html>", R.WEB_PAGE),
        (b"-----BEGIN CERTIFICATE-----", R.PUBLIC_KEY),
        (b"x" * (MAX_BYTES + 1), R.TOO_LARGE),
        (b"hello", R.NOT_A_SERVER_TOKEN),
    ],
)
async def test_what_is_no_server_token_never_reaches_intune(
    full: IntuneOffice, file: bytes, reason: WrongFileReason
) -> None:
    request = await full.awaited()
    before = writes(full)
    refused(await full.bring(request, file), reason)
    assert writes(full) == before


async def test_the_entry_deleted_in_the_portal_meanwhile_goes_on_by_hand(
    full: IntuneOffice,
) -> None:
    request = await full.awaited()
    file = await file_of(full, request)
    full.microsoft.tenant.portal.delete_token(full.microsoft.tenant.token("HQ iPads"))
    refused(await full.bring(request, file), "by_hand")
    assert "was deleted there" in await by_hand(full, request)


async def test_microsofts_silence_keeps_the_file_under_seal_and_uploads_it_once(
    full: IntuneOffice,
) -> None:
    request = await full.awaited()
    file = await file_of(full, request)
    full.microsoft.tenant.knobs.throttle(9)
    upload = await full.bring(request, file)
    assert (upload.state, upload.content is not None) == (UploadState.RECEIVED, True)
    full.microsoft.tenant.knobs.throttle(0)
    assert (await full.again(upload)).state is UploadState.ACCEPTED
    assert writes(full).count("POST uploadDepToken") == 1


async def test_an_expired_token_is_intunes_to_refuse_and_goes_on_by_hand(
    full: IntuneOffice,
) -> None:
    request = await full.awaited()
    server = await full.server(request)
    file = server.download_token(lifetime=timedelta(days=1)).content
    full.clock.pass_time(2 * DAY)
    refused(await full.bring(request, file), "by_hand")
    assert "has expired" in await by_hand(full, request)


async def test_a_file_downloaded_already_is_handed_in_before_the_approval(
    full: IntuneOffice,
) -> None:
    token, entry = await full.activated()
    full.clock.pass_time(DAY)
    file = full.newer_file(entry)
    request = await full.renew(token, cause=RenewalCause.ALREADY_DOWNLOADED)
    assert (request.state, request.evidence) == (
        RequestState.PENDING,
        Evidence.SERVER_TOKEN_FILE,
    )
    assert (await full.bring(request, file)).state is UploadState.ACCEPTED
    assert (await full.token(request)).expires_at == entry.expires_at
    assert "unapproved" in await full.stories(request)


async def test_a_request_cancelled_while_its_entry_is_made_leaves_none(
    full: IntuneOffice,
) -> None:
    request = await full.ask()
    await full.click(request)
    full.microsoft.tenant.knobs.delay_seconds = 0.2
    making = asyncio.create_task(full.preparation.begin_approved())
    await asyncio.sleep(0.3)
    await full.life.cancel(OPERATOR, request.id, origin="click:1")
    await full.preparation.take_back()
    await making
    assert entries(full) == ["HQ iPads"]
    async with full.database.write() as tx:
        await tx.intune_steps.change(lease_until=machine_now() - timedelta(seconds=1))
    await full.preparation.take_back()
    assert entries(full) == []

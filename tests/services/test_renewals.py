"""Claims about renewing: same server, newer, old secrets kept until the new ones are proved."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.errors import InvalidForm, NotAllowed, Refused
from services.preparation import CHECK_EVERY
from services.renewals import SAY_AGAIN
from services.request_forms import PublicDomain
from services.wrong_file import WrongFileReason
from storage.records import Request, Token
from storage.states import (
    Health,
    KeyPairState,
    NoticeKind,
    RenewalCause,
    RequestState,
    TokenState,
    UploadState,
)
from tests.sandbox.apple import faults
from tests.sandbox.apple.server import Server
from tests.services.office import APPLE_ID, Office, renew_form
from tests.services.ports import APPROVER, OPERATOR, SECOND, STRANGER

pytestmark = pytest.mark.usefixtures("online")

DAY = timedelta(days=1)


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


async def secrets(office: Office, token: Token) -> object:
    async with office.database.read() as tx:
        credentials = await tx.credentials.in_force(token.id)
    assert credentials is not None
    return office.vault.oauth_values(credentials)


async def test_the_preflight_says_what_is_known_before_anything_irreversible(
    office: Office, active: Token, server: Server
) -> None:
    look = await office.renewals.preflight(OPERATOR, active.id)
    assert look.holding is not None
    assert look.holding.health is Health.OK
    assert look.holding.account is not None
    assert (look.holding.account.server_name, look.holding.account.admin_id) == (
        server.name,
        APPLE_ID,
    )
    assert look.pair is not None
    assert look.pair.state is KeyPairState.CURRENT


async def test_the_preflight_tells_unsigned_terms(office: Office, active: Token) -> None:
    office.outside.organisation.change_terms()
    look = await office.renewals.preflight(OPERATOR, active.id)
    assert look.holding is not None
    assert look.holding.health is Health.TERMS_UNSIGNED


async def test_a_renewal_keeps_the_token_active_and_its_key_pair(
    office: Office, active: Token, server: Server
) -> None:
    request = await office.under_way(active)
    assert request.state is RequestState.AWAITING_UPLOAD
    assert (await office.token(request)).state is TokenState.ACTIVE
    before = await secrets(office, active)
    office.clock.pass_time(30 * DAY)
    upload = await office.bring(request, server.download_token().content)
    assert upload.state is UploadState.ACCEPTED
    renewed = await office.token(request)
    assert renewed.state is TokenState.ACTIVE
    assert renewed.expires_at == office.clock.now() + 365 * DAY
    assert renewed.sync_due_at == office.clock.now()
    assert await secrets(office, active) != before
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(active.id)
    assert pair is not None
    assert pair.state is KeyPairState.CURRENT
    entry = (await office.entries())[-1]
    assert entry.action == "token.renew"
    assert "approval" not in entry.after
    assert "completed" in await office.stories(request)


async def test_the_old_secrets_stay_until_the_new_ones_are_proved(
    office: Office, active: Token, server: Server
) -> None:
    request = await office.under_way(active)
    before = await secrets(office, active)
    office.clock.pass_time(DAY)
    file = server.download_token().content
    office.apple.faults.next("/account", faults.reset())
    upload = await office.bring(request, file)
    assert upload.content is not None
    assert await secrets(office, active) == before
    assert (await office.token(request)).expires_at == active.expires_at


async def test_a_rotated_key_pair_is_handed_out_and_replaces_the_old_one(
    office: Office, active: Token, server: Server
) -> None:
    request = await office.under_way(active, rotate=True)
    certificates = await office.outbox(NoticeKind.CERTIFICATE)
    assert len(certificates) == 2
    office.clock.pass_time(DAY)
    early = await office.bring(request, server.download_token().content)
    assert early.reason == WrongFileReason.OLDER_KEY_PAIR
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(active.id)
    assert pair is not None
    server.upload_certificate(pair.certificate_pem.encode())
    upload = await office.bring(request, server.download_token().content)
    assert upload.state is UploadState.ACCEPTED
    async with office.database.read() as tx:
        newest = await tx.key_pairs.newest_of(active.id)
    assert newest is not None
    assert (newest.id, newest.state) == (pair.id, KeyPairState.CURRENT)


async def refusal(office: Office, request: Request, file: bytes) -> str:
    token = await office.token(request)
    before = await secrets(office, token)
    upload = await office.bring(request, file)
    assert upload.state is UploadState.REFUSED
    assert await secrets(office, token) == before
    assert await office.token(request) == token
    assert upload.reason is not None
    return upload.reason


async def test_a_file_of_another_server_is_refused_and_both_are_named(
    office: Office, active: Token, server: Server
) -> None:
    request = await office.under_way(active)
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(active.id)
    assert pair is not None
    other = office.outside.organisation.add_server(
        "Other", certificate_pem=pair.certificate_pem.encode()
    )
    office.clock.pass_time(DAY)
    assert await refusal(office, request, other.download_token().content) == "other_server"
    async with office.database.read() as tx:
        (*_, upload) = await tx.uploads.all(tx.uploads.select())
    assert "“Other”" in str(upload.answer)
    assert f"“{server.name}”" in str(upload.answer)


async def test_the_very_file_that_is_in_use_is_told_to_be_so(office: Office) -> None:
    async with office.database.read() as tx:
        (waiting,) = await tx.requests.in_state(RequestState.AWAITING_UPLOAD)
    server = await office.server(waiting)
    file = server.download_token().content
    await office.bring(waiting, file)
    request = await office.under_way(await office.token(waiting))
    assert await refusal(office, request, file) == "same_file"


async def test_an_older_file_is_told_to_be_older(
    office: Office, waiting: Request, server: Server
) -> None:
    older = server.download_token().content
    office.clock.pass_time(DAY)
    await office.bring(waiting, server.download_token().content)
    request = await office.under_way(await office.token(waiting))
    assert await refusal(office, request, older) == "older_file"


async def test_another_admin_is_allowed_and_recorded(
    office: Office, active: Token, server: Server
) -> None:
    office.outside.organisation.add_admin("second@schools.example")
    request = await office.under_way(active)
    office.clock.pass_time(DAY)
    file = server.download_token(as_admin="second@schools.example").content
    assert (await office.bring(request, file)).state is UploadState.ACCEPTED
    renewed = await office.token(request)
    assert (renewed.apple_id, renewed.admin_id) == (APPLE_ID, "second@schools.example")
    entry = (await office.entries())[-1]
    assert (entry.before["admin_id"], entry.after["admin_id"]) == (
        APPLE_ID,
        "second@schools.example",
    )


async def test_a_token_downloaded_already_takes_effect_without_approval(
    office: Office, active: Token, server: Server
) -> None:
    office.clock.pass_time(DAY)
    file = server.download_token().content
    request = await office.renew(active, cause=RenewalCause.ALREADY_DOWNLOADED)
    assert request.state is RequestState.PENDING
    assert await office.stories(request) == ["half_done"]
    upload = await office.bring(request, file)
    assert upload.state is UploadState.ACCEPTED
    assert (await office.request(request.id)).state is RequestState.COMPLETED
    entry = (await office.entries())[-1]
    assert entry.after["approval"] == "without approval, token already downloaded"
    assert (await office.stories(request))[-1] == "unapproved"


async def test_another_servers_file_waits_under_seal_for_the_approval(
    office: Office, active: Token, server: Server
) -> None:
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(active.id)
    assert pair is not None
    other = office.outside.organisation.add_server(
        "Other", certificate_pem=pair.certificate_pem.encode()
    )
    office.clock.pass_time(DAY)
    file = other.download_token().content
    request = await office.renew(active, cause=RenewalCause.ALREADY_DOWNLOADED, replaces=True)
    upload = await office.bring(request, file)
    assert upload.state is UploadState.HELD
    assert (await office.token(request)).server_uuid == server.uuid
    office.clock.pass_time(30 * DAY)
    await office.life.sweep()
    assert (await office.request(request.id)).state is RequestState.PENDING
    await office.click(request)
    await office.preparation.begin_approved()
    await office.proving.finish_due()
    replaced = await office.token(request)
    assert replaced.server_uuid == other.uuid
    assert (await office.request(request.id)).state is RequestState.COMPLETED


async def test_a_replacement_starts_the_inventory_afresh(
    office: Office, active: Token, server: Server
) -> None:
    server.assign_devices(3)
    await office.sync.run_due()
    request = await office.under_way(active, replaces=True)
    async with office.database.read() as tx:
        assert await tx.devices.count(active.id) == 3
        pair = await tx.key_pairs.newest_of(active.id)
    assert pair is not None
    other = office.outside.organisation.add_server(
        "Other", certificate_pem=pair.certificate_pem.encode()
    )
    upload = await office.bring(request, other.download_token().content)
    assert upload.state is UploadState.ACCEPTED
    async with office.database.read() as tx:
        assert await tx.devices.count(active.id) == 0


async def test_a_renewal_under_way_notices_the_download_and_says_it_once_a_day(
    office: Office, active: Token, server: Server
) -> None:
    request = await office.under_way(active)
    await office.renewals.look_under_way()
    assert "half_done" not in await office.stories(request)
    server.download_token()
    office.clock.pass_time(CHECK_EVERY)
    await office.renewals.look_under_way()
    assert (await office.stories(request)).count("half_done") == 1
    assert (await office.request(request.id)).down_since == office.clock.now()
    office.clock.pass_time(CHECK_EVERY)
    await office.renewals.look_under_way()
    assert (await office.stories(request)).count("half_done") == 1
    office.clock.pass_time(SAY_AGAIN)
    await office.renewals.look_under_way()
    assert (await office.stories(request))[-1] == "still_half_done"


async def test_saying_that_it_is_downloaded_makes_it_half_done(
    office: Office, active: Token
) -> None:
    request = await office.under_way(active)
    for person in (APPROVER, STRANGER):
        with pytest.raises(NotAllowed):
            await office.renewals.downloaded(person, request.id)
    await office.renewals.downloaded(OPERATOR, request.id)
    await office.renewals.downloaded(OPERATOR, request.id)
    assert await office.stories(request) == ["half_done"]
    assert (await office.request(request.id)).down_since is not None


async def test_one_guarded_action_at_a_time_and_the_first_is_named(
    office: Office, active: Token
) -> None:
    await office.renew(active)
    with pytest.raises(Refused) as caught:
        await office.renew(active)
    assert OPERATOR in caught.value.user_message
    assert "renew" in caught.value.user_message


async def test_a_form_submitted_twice_is_one_request(office: Office, active: Token) -> None:
    form = renew_form(active)
    first = await office.renewals.ask(OPERATOR, form)
    assert (await office.renewals.ask(OPERATOR, form)).id == first.id


async def test_a_personal_apple_id_is_questioned_and_may_be_confirmed(
    office: Office, active: Token
) -> None:
    with pytest.raises(PublicDomain) as caught:
        await office.renew(active, apple_id="somebody@icloud.com")
    assert caught.value.domain == "icloud.com"
    request = await office.renew(active, apple_id="somebody@icloud.com", sure=True)
    assert request.apple_id == "somebody@icloud.com"


async def test_another_reason_has_to_be_said(office: Office, active: Token) -> None:
    with pytest.raises(InvalidForm) as caught:
        await office.renew(active, cause=RenewalCause.OTHER)
    assert "reason" in caught.value.fields


async def test_only_an_operator_asks(office: Office, active: Token) -> None:
    with pytest.raises(NotAllowed):
        await office.renewals.ask(SECOND, renew_form(active))

"""Claims about the operations on Intune's tokens, from the first key to the deletion."""

import asyncio
import base64
import json
import sys
import time
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta

import pytest

from services.envelope import read_envelope
from services.graph.errors import GraphError, GraphTrouble
from services.graph.messages import Platform, bare_id, certificate_of, moment
from storage.states import Portal
from tests.sandbox.apple import faults
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.organisation import Organisation
from tests.sandbox.apple.server import Server
from tests.sandbox.apple.service import Apple
from tests.sandbox.graph.applications import READ, WRITE
from tests.sandbox.graph.entries import DevicePlatform
from tests.sandbox.graph.knobs import KeyText, TokenText, Unset
from tests.services.microsoft import Microsoft, microsoft

APPLE_ID = "admin@schools.example"
SETTINGS = "/beta/deviceManagement/depOnboardingSettings"


def organisation(apple: Apple) -> Organisation:
    return apple.add_organisation("Example Schools", admin=APPLE_ID)


async def created(side: Microsoft, customer: Organisation, name: str = "HQ") -> tuple[str, Server]:
    """An entry whose certificate is at Apple, where a server has six devices."""
    setting = await side.intune.create(
        name=name, apple_id=APPLE_ID, portal=Portal.BUSINESS, scope_tags=["0"]
    )
    pem = await side.intune.generate_public_key(setting.id)
    server = customer.add_server(name, certificate_pem=pem.encode())
    server.assign_devices(6)
    return setting.id, server


async def uploaded(side: Microsoft, setting_id: str, file: bytes) -> None:
    await side.intune.upload(setting_id, apple_id=APPLE_ID, dep_token=file.decode())


async def refusal(side: Microsoft, setting_id: str, file: bytes) -> GraphError:
    with pytest.raises(GraphError) as caught:
        await uploaded(side, setting_id, file)
    assert caught.value.trouble is GraphTrouble.REFUSED
    return caught.value


async def test_a_token_goes_from_entry_to_key_to_upload_to_devices() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        setting_id, server = await created(side, organisation(apple))
        before = await side.intune.setting(setting_id)
        assert before is not None
        assert (before.name, before.portal) == ("HQ", Portal.BUSINESS)
        assert (before.expires_at, before.synced_at, before.sync_triggered_at) == (None, None, None)
        await uploaded(side, setting_id, server.download_token().content)
        await side.intune.sync(setting_id)
        after = await side.intune.setting(setting_id)
        assert after is not None
        assert server.token is not None
        assert after.expires_at == server.token.credentials.access_token_expiry
        assert (after.devices, after.sync_error) == (6, 0)
        assert after.synced_at is not None
        assert after.synced_at >= after.modified_at  # type: ignore[operator]
        found = [one async for page in side.intune.identities(setting_id) for one in page]
        assert {one.serial_number for one in found} == set(server.serials)
        assert not any(one.released for one in found)


@pytest.mark.parametrize("form", list(KeyText))
async def test_the_public_key_is_a_certificate_in_either_form(form: KeyText) -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        side.tenant.knobs.key_text = form
        token = side.tenant.add_token("HQ")
        text = await side.intune.public_key(token.id)
        assert text is not None
        assert certificate_of(text) == certificate_of(token.key_pair().certificate_pem.decode())
        assert await side.intune.public_key("00000000-0000-4000-8000-000000000000") is None


@pytest.mark.parametrize(
    "text",
    ["", "MIIB", "not base64!", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "é"],
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(GraphError) as caught:
        certificate_of(text)
    assert caught.value.trouble is GraphTrouble.GARBLED


def test_a_certificate_with_words_around_it_is_one() -> None:
    pem = key_pair("x").certificate_pem.decode()
    assert certificate_of(f"subject=x\n{pem}\n") == certificate_of(pem)


async def test_the_files_recipient_is_told_from_the_certificates_of_other_tokens() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        customer = organisation(apple)
        setting_id, server = await created(side, customer)
        other_id, _ = await created(side, customer, "Lab")
        recipient = read_envelope(server.download_token().content).recipient
        texts = {one: await side.intune.public_key(one) for one in (setting_id, other_id)}
        serials = {one: certificate_of(text or "").serial_number for one, text in texts.items()}
        assert recipient.serial == serials[setting_id] != serials[other_id]


async def test_a_token_may_be_handed_in_as_base64_where_intune_wants_that() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        side.tenant.knobs.token_text = TokenText.BASE64
        setting_id, server = await created(side, organisation(apple))
        file = server.download_token().content
        await refusal(side, setting_id, file)
        await uploaded(side, setting_id, base64.b64encode(file))


async def test_wrong_files_are_refused_in_intunes_words() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        customer = organisation(apple)
        setting_id, server = await created(side, customer)
        _, other = await created(side, customer, "Lab")
        error = await refusal(side, setting_id, other.download_token().content)
        assert "public key" in error.message
        assert "Operation ID" not in error.user_message
        file = server.download_token().content
        await refusal(side, setting_id, file[: len(file) // 2])
        await refusal(side, setting_id, b"hello")
        expired = server.download_token(lifetime=timedelta(days=-1)).content
        assert "expired" in (await refusal(side, setting_id, expired)).message
        await uploaded(side, setting_id, server.download_token().content)


async def test_the_same_file_is_taken_once() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        setting_id, server = await created(side, organisation(apple))
        file = server.download_token().content
        await uploaded(side, setting_id, file)
        await refusal(side, setting_id, file)


async def test_a_renewal_needs_no_new_key_and_shows_when_intune_likes() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        setting_id, server = await created(side, organisation(apple))
        await uploaded(side, setting_id, server.download_token(lifetime=timedelta(days=5)).content)
        first = await side.intune.setting(setting_id)
        side.tenant.knobs.shows_after_seconds = 0.3
        await uploaded(side, setting_id, server.download_token().content)
        assert await side.intune.setting(setting_id) == first
        await asyncio.sleep(0.35)
        renewed = await side.intune.setting(setting_id)
        assert first is not None
        assert renewed is not None
        assert first.expires_at is not None
        assert renewed.expires_at is not None
        assert renewed.expires_at > first.expires_at


async def test_an_upload_may_be_accepted_and_never_show() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        side.tenant.knobs.shows_uploads = False
        setting_id, server = await created(side, organisation(apple))
        await uploaded(side, setting_id, server.download_token().content)
        setting = await side.intune.setting(setting_id)
        assert setting is not None
        assert setting.expires_at is None


@pytest.mark.parametrize("status", [400, 409, 429])
async def test_a_sync_that_comes_too_soon_is_told_so_and_not_waited_for(status: int) -> None:
    async with microsoft() as side:
        side.tenant.knobs.sync_refused_with = status
        token = side.tenant.add_token("HQ")
        await side.intune.sync(token.id)
        with pytest.raises(GraphError) as caught:
            await side.intune.sync(token.id)
        assert caught.value.trouble is GraphTrouble.TOO_SOON
        assert "15 minutes" in caught.value.user_message
        side.server.pass_time(timedelta(minutes=15))
        await side.intune.sync(token.id)
        calls = side.server.calls(f"{SETTINGS}/{token.id}/syncWithAppleDeviceEnrollmentProgram")
        assert [call.status for call in calls] == [204, status, 204]


async def test_apples_unsigned_terms_show_as_number_3_and_other_refusals_by_theirs() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        customer = organisation(apple)
        setting_id, server = await created(side, customer)
        await uploaded(side, setting_id, server.download_token().content)
        customer.change_terms()
        await side.intune.sync(setting_id)
        setting = await side.intune.setting(setting_id)
        assert setting is not None
        assert (setting.sync_error, setting.synced_at) == (3, None)
        customer.sign_terms()
        server.download_token()
        side.server.pass_time(timedelta(hours=1))
        await side.intune.sync(setting_id)
        superseded = await side.intune.setting(setting_id)
        assert superseded is not None
        assert superseded.sync_error not in {0, 3}


async def test_a_device_that_apple_released_lingers_and_is_told_apart() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        customer = organisation(apple)
        setting_id, server = await created(side, customer)
        await uploaded(side, setting_id, server.download_token().content)
        await side.intune.sync(setting_id)
        gone = server.serials[:2]
        server.unassign(gone)
        side.server.pass_time(timedelta(hours=1))
        await side.intune.sync(setting_id)
        found = [one async for page in side.intune.identities(setting_id) for one in page]
        assert {one.serial_number for one in found if one.released} == set(gone)
        assert len(found) == 6


async def test_a_device_deleted_in_intune_comes_back_unless_it_was_unassigned_at_apple() -> None:
    apple = Apple()
    async with microsoft(apple=apple) as side:
        setting_id, server = await created(side, organisation(apple))
        await uploaded(side, setting_id, server.download_token().content)
        await side.intune.sync(setting_id)
        async for page in side.intune.identities(setting_id):
            for one in page:
                await side.intune.delete_identity(setting_id, one.id)
                await side.intune.delete_identity(setting_id, one.id)
        assert [page async for page in side.intune.identities(setting_id)] == [[]]
        server.unassign(server.serials[:4])
        side.server.pass_time(timedelta(hours=1))
        await side.intune.sync(setting_id)
        found = [one async for page in side.intune.identities(setting_id) for one in page]
        assert {one.serial_number for one in found} == set(server.serials)


async def test_the_configurators_entry_is_no_token() -> None:
    async with microsoft() as side:
        side.tenant.add_configurator()
        side.tenant.add_token("HQ")
        assert [one.name for one in await side.intune.settings()] == ["HQ"]


async def test_two_tokens_may_have_one_name() -> None:
    async with microsoft() as side:
        side.tenant.add_token("HQ")
        side.tenant.add_token("HQ")
        found = await side.intune.settings()
        assert [one.name for one in found] == ["HQ", "HQ"]
        assert found[0].id != found[1].id


@pytest.mark.parametrize("typed", [True, False])
async def test_answers_are_read_with_their_type_and_without(typed: bool) -> None:  # noqa: FBT001 - a case
    async with microsoft() as side:
        side.tenant.knobs.types_answers = typed
        token = side.tenant.add_token("HQ", devices=1)
        side.tenant.add_profile(token, "Macs", platform=DevicePlatform.MACOS)
        assert len(await side.intune.settings()) == 1
        profile = (await side.intune.profiles(token.id))[0]
        assert profile.platform is (Platform.MACOS if typed else None)


@pytest.mark.parametrize("unset", list(Unset))
async def test_a_default_that_is_not_set_is_none_however_graph_says_it(unset: Unset) -> None:
    async with microsoft() as side:
        side.tenant.knobs.unset_default = unset
        token = side.tenant.add_token("HQ")
        side.tenant.add_profile(token, "Macs", platform=DevicePlatform.MACOS, default=True)
        found = (await side.intune.defaults(token.id)).by_platform
        assert [platform for platform, one in found.items() if one] == [Platform.MACOS]


async def test_profiles_and_devices_match_by_the_part_after_the_tokens_id() -> None:
    async with microsoft() as side:
        token = side.tenant.add_token("HQ", devices=2)
        policy = side.tenant.add_policy(token, "iPads", default=True)
        twin = (await side.intune.profiles(token.id))[0]
        default = (await side.intune.defaults(token.id)).by_platform[Platform.IOS]
        assert default is not None
        assert default.full_id.startswith("ECV2_")
        assert twin.full_id == f"{token.id}_{policy.id}"
        assert default.id == twin.id == policy.id
        serial = next(iter(token.identities.values())).serial_number
        await side.intune.assign_profile(token.id, twin.id, [serial])
        await side.intune.assign_profile(token.id, twin.full_id, [serial])
        found = [one async for page in side.intune.identities(token.id) for one in page]
        assert [one.serial_number for one in found if one.profile_id == policy.id] == [serial]
        policies = await side.intune.policies(token.id)
        assert policies is not None
        assert [one.id for one in policies] == [policy.id]


async def test_policies_of_other_tokens_are_not_counted() -> None:
    async with microsoft() as side:
        token, other = side.tenant.add_token("HQ"), side.tenant.add_token("Lab")
        side.tenant.add_policy(other, "iPads")
        assert await side.intune.policies(token.id) == []


async def test_what_we_may_not_look_at_is_told_apart_from_nothing() -> None:
    async with microsoft(roles=(READ, WRITE)) as side:
        token = side.tenant.add_token("HQ")
        assert await side.intune.policies(token.id) is None
        assert await side.intune.scope_tags() is None
    async with microsoft() as side:
        side.tenant.add_scope_tag("Schools")
        tags = await side.intune.scope_tags()
        assert tags is not None
        assert [(tag.id, tag.name) for tag in tags] == [("0", "Default"), ("1", "Schools")]


async def test_looking_that_fails_otherwise_is_an_error_and_not_nothing() -> None:
    async with microsoft() as side:
        path = "/beta/deviceManagement/roleScopeTags"
        side.server.faults.next(path, faults.status(500))
        with pytest.raises(GraphError) as caught:
            await side.intune.scope_tags()
        assert caught.value.trouble is GraphTrouble.BROKEN


async def test_scope_tags_are_put_on_exactly_as_said() -> None:
    async with microsoft() as side:
        tag = side.tenant.add_scope_tag("Schools")
        token = side.tenant.add_token("HQ")
        await side.intune.set_scope_tags(token.id, [tag.id])
        setting = await side.intune.setting(token.id)
        assert setting is not None
        assert setting.scope_tags == (tag.id,)
        with pytest.raises(GraphError):
            await side.intune.set_scope_tags(token.id, ["7"])


async def test_a_token_is_deleted_only_once_nothing_hangs_on_it() -> None:
    async with microsoft() as side:
        token = side.tenant.add_token("HQ", devices=1)
        profile = side.tenant.add_profile(token, "iPads")
        for words in ("Devices", "Profiles"):
            with pytest.raises(GraphError) as caught:
                await side.intune.delete(token.id)
            assert words in caught.value.message
            token.identities.clear()
        side.tenant.portal.delete_profile(token, profile)
        await side.intune.delete(token.id)
        await side.intune.delete(token.id)
        assert await side.intune.setting(token.id) is None


async def test_apples_other_credentials_are_read_where_there_are_any() -> None:
    async with microsoft() as side:
        assert await side.intune.push_certificate() is None
        assert await side.intune.content_tokens() == []
        put = side.tenant.set_push_certificate("push@contoso.example", days=20)
        side.tenant.add_content_token("Books", days=10)
        certificate = await side.intune.push_certificate()
        assert certificate is not None
        assert (certificate.apple_id, certificate.expires_at) == (put.apple_id, put.expires_at)
        assert [one.name for one in await side.intune.content_tokens()] == ["Books"]


@pytest.mark.parametrize("astray", ["", ".", ".."])
async def test_an_id_that_would_lead_elsewhere_is_asked_nowhere(astray: str) -> None:
    async with microsoft() as side:
        token = side.tenant.add_token("HQ")
        for call in (
            side.intune.delete(astray),
            side.intune.delete_identity(token.id, astray),
            side.intune.setting(astray),
        ):
            with pytest.raises(GraphError) as caught:
                await call
            assert caught.value.trouble is GraphTrouble.GARBLED
        assert side.server.requests == []


async def test_microsofts_words_are_quoted_for_people_and_kept_whole_for_admins() -> None:
    words = "<!channel> " + "x" * 200
    body = json.dumps({"error": {"code": "BadRequest", "message": words}})
    async with microsoft() as side:
        token = side.tenant.add_token("HQ")
        fault = faults.status(400, body, content_type="application/json")
        side.server.faults.next(f"{SETTINGS}/{token.id}", fault)
        with pytest.raises(GraphError) as caught:
            await side.intune.delete(token.id)
        assert words in str(caught.value)
        assert "“<!channel> xxx" in caught.value.user_message
        assert len(caught.value.user_message) < 160


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00-08:00", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("9999-12-31T23:59:59-08:00", None),
        ("2026-10-07T10:00:00.1234567Z", datetime(2026, 10, 7, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-10-07T10:00:00", datetime(2026, 10, 7, 10, 0, tzinfo=UTC)),
        ("2026-10-07T10:00:00+02:00", datetime(2026, 10, 7, 8, 0, tzinfo=UTC)),
    ],
)
def test_year_1_is_never_and_a_tenth_of_a_microsecond_is_cut(
    text: str | None, expected: datetime | None
) -> None:
    assert moment(text) == expected


TOKEN = "0d9a4b6e-1c2f-4c55-9d7a-9b1d2a3c4d5e"
PROFILE = "AB12CD34-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    "text", [PROFILE, f"{TOKEN}_{PROFILE}", f"ECV2_{TOKEN}_{PROFILE}", PROFILE.lower()]
)
def test_a_profiles_id_is_bare_however_it_is_wrapped(text: str) -> None:
    assert bare_id(text) == PROFILE.lower()


async def test_2000_tokens_are_listed_in_under_10_seconds_at_50_ms_a_call() -> None:
    async with microsoft() as side:
        for number in range(2000):
            side.tenant.add_token(f"Token {number:04d}")
        side.tenant.knobs.delay_seconds = 0.05
        for largest in (999, 100):
            side.tenant.knobs.largest_page = largest
            begun = time.monotonic()
            assert len(await side.intune.settings()) == 2000
            assert time.monotonic() - begun < 10


async def test_200000_devices_are_walked_with_flat_memory() -> None:
    async with microsoft() as side:
        token = side.tenant.add_token("HQ", devices=200_000)
        secret = side.application.secrets[0].value
        arguments = (side.origin, side.tenant.id, side.application.client_id, secret, token.id)
        walker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.services.walker", *arguments, stdout=PIPE
        )
        told, _ = await walker.communicate()
        seen, early, late = (int(word) for word in told.split())
        assert seen == 200_000
        # Peaks of the walker's own process, in KiB, after a tenth of the way and at its end.
        assert late - early < 8 * 1024

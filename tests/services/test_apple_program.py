"""Claims about the port `Program` as Apple's side keeps it."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from services.apple.errors import AppleError
from services.errands import Brought, Errand, Purpose
from services.errors import NotFound, SealBroken
from services.lifecycle import move_token
from services.sealing import EncryptionKey, KeyRing
from services.wrong_file import WrongFile, WrongFileReason
from storage.records import Request, Token
from storage.states import Evidence, Health, KeyPairState, TokenState
from tests.sandbox.apple import faults
from tests.sandbox.apple.keypairs import key_pair
from tests.sandbox.apple.server import Server
from tests.services.office import APPLE_ID, Office

pytestmark = pytest.mark.usefixtures("online")

CREATE = Errand(purpose=Purpose.CREATE, apple_id=APPLE_ID)
RENEW = Errand(purpose=Purpose.RENEW, apple_id=APPLE_ID)


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


@pytest.fixture
async def token(office: Office, waiting: Request) -> Token:
    """The token that waits for its file."""
    return await office.token(waiting)


async def test_beginning_leaves_nothing_before_it_is_kept(office: Office, token: Token) -> None:
    beginning = await office.program.begin(token, CREATE)
    assert beginning.evidence is Evidence.SERVER_TOKEN_FILE
    assert beginning.certificate_id is not None
    async with office.database.write() as tx:
        assert await tx.key_pairs.get(beginning.certificate_id) is None
        await beginning.keep(tx)
        made = await tx.key_pairs.get(beginning.certificate_id)
    assert made is not None
    assert (made.token_id, made.state) == (token.id, KeyPairState.STAGED)


async def test_a_right_file_passes_the_check_without_asking_apple(
    office: Office, token: Token, server: Server
) -> None:
    await office.program.check(token, server.download_token().content, CREATE)
    assert office.apple.requests == []


async def test_a_check_needs_no_private_key(office: Office, token: Token, server: Server) -> None:
    stranger = KeyRing((EncryptionKey(name="k1", key=b"x" * 32),))
    keyless = Office(office.database, office.outside, keys=stranger)
    file = server.download_token().content
    await keyless.program.check(token, file, CREATE)
    with pytest.raises(SealBroken):
        await keyless.program.prove(token, Brought(file=file), CREATE)


async def test_a_check_names_a_wrong_file(office: Office, token: Token, server: Server) -> None:
    with pytest.raises(WrongFile) as caught:
        await office.program.check(token, b"", CREATE)
    assert caught.value.reason is WrongFileReason.EMPTY
    server.upload_certificate(key_pair("Somebody else's").certificate_pem)
    with pytest.raises(WrongFile) as caught:
        await office.program.check(token, server.download_token().content, CREATE)
    assert caught.value.reason is WrongFileReason.UNKNOWN_RECIPIENT


async def test_a_proof_is_in_force_only_once_it_is_kept(
    office: Office, token: Token, server: Server
) -> None:
    proof = await office.program.prove(token, Brought(file=server.download_token().content), CREATE)
    assert proof.account.server_uuid == server.uuid
    assert proof.account.admin_id == APPLE_ID
    assert proof.expires_at == office.clock.now() + timedelta(days=365)
    async with office.database.write() as tx:
        assert await tx.credentials.in_force(token.id) is None
        await proof.keep(tx)
        assert await tx.credentials.in_force(token.id) is not None


async def test_a_renewed_token_does_not_go_on_in_the_old_ones_session(
    office: Office, active: Token, server: Server
) -> None:
    await office.program.read(active)
    proof = await office.program.prove(active, Brought(file=server.download_token().content), RENEW)
    async with office.database.write() as tx:
        await proof.keep(tx)
    assert (await office.program.read(active)).health is Health.OK
    async with office.database.read() as tx:
        everything = await tx.credentials.all(tx.credentials.select())
    assert [each.in_force for each in everything].count(True) == 1


async def test_reading_asks_apple_and_tells_the_account(
    office: Office, active: Token, server: Server
) -> None:
    holding = await office.program.read(active)
    assert holding.health is Health.OK
    assert holding.account is not None
    assert holding.account.server_name == server.name
    assert holding.expires_at == active.expires_at


def superseded(server: Server) -> None:
    server.download_token()


def account_gone(server: Server) -> None:
    server.organisation.admins.clear()


def terms(server: Server) -> None:
    server.organisation.terms_signed = False  # type: ignore[attr-defined]


HEALTHS = {
    Health.SUPERSEDED: superseded,
    Health.REVOKED: Server.revoke,
    Health.ACCOUNT_FORBIDDEN: account_gone,
    Health.TERMS_UNSIGNED: terms,
}


@pytest.mark.parametrize("health", HEALTHS)
async def test_trouble_is_told_as_health_with_its_evidence(
    office: Office, active: Token, server: Server, health: Health
) -> None:
    HEALTHS[health](server)
    holding = await office.program.read(active)
    assert (holding.health, holding.account) == (health, None)
    assert "HTTP 4" in holding.evidence


async def test_a_token_whose_year_is_over_is_told_so(office: Office, active: Token) -> None:
    office.clock.pass_time(timedelta(days=366))
    assert (await office.program.read(active)).health is Health.EXPIRED


@pytest.mark.parametrize(
    ("fault", "health"),
    [
        (faults.throttled(), Health.THROTTLED),
        (faults.throttled(code=503), Health.THROTTLED),
        (faults.html_page(), Health.UNREACHABLE),
        (faults.reset(), Health.UNREACHABLE),
        (faults.status(500, "oops"), Health.UNREACHABLE),
        (faults.half_json(), Health.UNREACHABLE),
    ],
)
async def test_no_answer_says_nothing_of_the_token_itself(
    office: Office, active: Token, fault: faults.Fault, health: Health
) -> None:
    office.apple.faults.next("/account", fault)
    assert (await office.program.read(active)).health is health
    assert (await office.program.read(active)).health is Health.OK


async def test_devices_are_told_as_apple_sees_them_now(
    office: Office, active: Token, server: Server
) -> None:
    serials = server.assign_devices(3)
    elsewhere = office.outside.organisation.add_devices(1)
    found = await office.program.devices(active, [*serials, *elsewhere, "X0NOWHERE"])
    assert sorted(device.serial_number for device in found) == sorted(serials)
    assert all(device.profile_uuid == "" for device in found)


async def test_more_devices_than_a_call_takes_are_a_bug(office: Office, active: Token) -> None:
    with pytest.raises(AssertionError, match="at most 1000"):
        await office.program.devices(active, ["X"] * 1001)


async def test_a_token_without_credentials_says_to_finish_its_request(
    office: Office, token: Token
) -> None:
    with pytest.raises(NotFound) as caught:
        await office.program.read(token)
    assert "Finish its request" in caught.value.user_message


async def test_withdrawing_destroys_nothing_before_it_is_kept(
    office: Office, active: Token
) -> None:
    keep = await office.program.withdraw(active)
    assert (await office.program.read(active)).health is Health.OK
    async with office.database.write() as tx:
        await keep(tx)
    async with office.database.read() as tx:
        assert await tx.credentials.in_force(active.id) is None
        assert await tx.key_pairs.newest_of(active.id) is None
    with pytest.raises(NotFound):
        await office.program.read(active)


async def test_a_withdrawn_tokens_secrets_are_gone_from_the_file(
    office: Office, active: Token, path: Path
) -> None:
    async with office.database.read() as tx:
        (pair,) = await tx.key_pairs.all(tx.key_pairs.select())
        credentials = await tx.credentials.in_force(active.id)
    assert credentials is not None
    assert pair.private_key is not None
    assert pair.data_key is not None
    sealed = [
        part.encode()
        for text in (pair.private_key, credentials.access_secret, credentials.consumer_secret)
        for part in (text[-60:], text[20:80])
    ] + [pair.data_key[-60:].encode(), credentials.data_key[-60:].encode()]

    def checkpointed() -> bytes:
        with closing(sqlite3.connect(path)) as plain:
            assert plain.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))

    before = checkpointed()
    assert all(part in before for part in sealed)
    keep = await office.program.withdraw(active)
    async with office.database.write() as tx:
        await keep(tx)
        await move_token(tx, active, TokenState.DELETING)
    after = checkpointed()
    assert not any(part in after for part in sealed)
    assert pair.certificate_pem.encode()[100:160] not in after


async def test_withdrawing_leaves_other_tokens_alone(office: Office, active: Token) -> None:
    other, _ = await office.activate("Library iPads")
    keep = await office.program.withdraw(active)
    async with office.database.write() as tx:
        await keep(tx)
    assert (await office.program.read(other)).health is Health.OK


async def test_an_error_of_the_program_names_apple(office: Office, active: Token) -> None:
    office.apple.faults.next("/devices", faults.reset())
    with pytest.raises(AppleError) as caught:
        await office.program.devices(active, ["X1"])
    assert caught.value.system == "Apple"

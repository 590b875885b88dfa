"""Claims about what an approved request hands out."""

import asyncio
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from services.key_pairs import load_private_key
from storage.records import KeyPair
from storage.states import KeyPairState, NoticeKind, RequestState, TokenState
from tests.services.office import Office
from tests.services.ports import OPERATOR


async def pairs(office: Office) -> list[KeyPair]:
    async with office.database.read() as tx:
        return await tx.key_pairs.all(tx.key_pairs.select())


async def test_an_approved_request_gets_one_key_pair_and_waits(office: Office) -> None:
    request = await office.waiting()
    (pair,) = await pairs(office)
    token = await office.token(request)
    assert request.state is RequestState.AWAITING_UPLOAD
    assert token.state is TokenState.AWAITING_TOKEN
    assert (pair.token_id, pair.state) == (token.id, KeyPairState.STAGED)
    assert request.expires_at == office.clock.now() + timedelta(days=14)


async def test_the_certificate_handed_out_is_the_sealed_keys_own(office: Office) -> None:
    await office.waiting()
    (pair,) = await pairs(office)
    certificate = x509.load_pem_x509_certificate(pair.certificate_pem.encode())
    key = load_private_key(office.vault.private_key(pair))
    assert certificate.public_key() == key.public_key()
    assert certificate.issuer.public_bytes() == pair.issuer
    assert str(certificate.serial_number) == pair.serial
    assert certificate.fingerprint(hashes.SHA256()).hex(":").upper() == pair.fingerprint


async def test_the_requester_gets_the_certificate_before_the_steps(office: Office) -> None:
    request = await office.waiting()
    (pair,) = await pairs(office)
    (certificate,) = await office.outbox(NoticeKind.CERTIFICATE)
    (steps,) = await office.outbox(NoticeKind.STEPS)
    assert certificate.id < steps.id
    assert (certificate.subject_id, steps.subject_id) == (pair.id, request.id)
    assert {certificate.destination, steps.destination} == {OPERATOR}


async def test_only_approved_requests_are_prepared(office: Office) -> None:
    request = await office.ask()
    await office.preparation.begin_approved()
    assert await pairs(office) == []
    assert (await office.request(request.id)).state is RequestState.PENDING


async def test_preparing_again_changes_nothing(office: Office) -> None:
    await office.waiting()
    before = await pairs(office), await office.outbox()
    await office.preparation.begin_approved()
    assert (await pairs(office), await office.outbox()) == before


async def test_two_processes_that_prepare_at_once_hand_out_one_key_pair(
    office: Office, second_office: Office
) -> None:
    for number in range(3):
        request = await office.ask(f"Race {number}")
        await office.click(request)
        await asyncio.gather(
            office.preparation.begin_approved(), second_office.preparation.begin_approved()
        )
    assert len(await pairs(office)) == 3
    assert len(await office.outbox(NoticeKind.CERTIFICATE)) == 3
    assert len(await office.outbox(NoticeKind.STEPS)) == 3
    assert [e.action for e in await office.entries()].count("request.prepare") == 3


async def test_a_request_approved_before_a_restart_is_prepared_after_it(
    office: Office, second_office: Office
) -> None:
    request = await office.ask()
    await office.click(request)
    await second_office.preparation.begin_approved()
    assert (await office.request(request.id)).state is RequestState.AWAITING_UPLOAD


async def test_every_token_has_a_key_of_its_own(office: Office) -> None:
    await office.waiting("One")
    await office.waiting("Two")
    one, two = await pairs(office)
    assert one.serial != two.serial
    assert office.vault.private_key(one) != office.vault.private_key(two)

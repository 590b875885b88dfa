"""Claims about the rows that hold sealed values, and the uploads that bring them."""

import pytest
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.records import KeyPair, Upload
from storage.states import KeyPairState, UploadState
from tests.storage import facts


@pytest.fixture
async def pair(database: Database) -> KeyPair:
    token = facts.token()
    made = facts.key_pair(token.id, serial="5")
    async with database.write() as tx:
        await tx.tokens.add(token)
        await tx.key_pairs.add(made)
    return made


@pytest.fixture
async def upload(database: Database) -> Upload:
    token = facts.token()
    request = facts.request(token.id)
    submitted = facts.upload(request.id)
    async with database.write() as tx:
        await tx.tokens.add(token)
        await tx.requests.add(request)
        await tx.uploads.add(submitted)
    return submitted


async def test_a_key_pair_is_found_by_issuer_and_serial_together(
    database: Database, pair: KeyPair
) -> None:
    async with database.read() as tx:
        assert await tx.key_pairs.of_recipient(pair.issuer, "5") == pair
        assert await tx.key_pairs.of_recipient(pair.issuer, "6") is None
        assert await tx.key_pairs.of_recipient(b"another", "5") is None


async def test_no_two_key_pairs_have_the_same_issuer_and_serial(
    database: Database, pair: KeyPair
) -> None:
    with pytest.raises(IntegrityError, match=r"key_pair\.serial"):
        async with database.write() as tx:
            await tx.key_pairs.add(facts.key_pair(pair.token_id, serial="5"))


async def test_the_newest_key_pair_that_is_not_retired_is_the_one_to_use(
    database: Database, pair: KeyPair
) -> None:
    newer = facts.key_pair(pair.token_id, created_at=facts.NOON + facts.MINUTE)
    retired = facts.key_pair(
        pair.token_id,
        state=KeyPairState.RETIRED,
        created_at=facts.NOON + 2 * facts.MINUTE,
    )
    async with database.write() as tx:
        await tx.key_pairs.add(newer)
        await tx.key_pairs.add(retired)
        assert await tx.key_pairs.newest_of(pair.token_id) == newer


async def test_one_key_pair_of_a_token_is_current(database: Database, pair: KeyPair) -> None:
    newer = facts.key_pair(pair.token_id, created_at=facts.NOON + facts.MINUTE)
    other_token = facts.token("Another")
    foreign = facts.key_pair(other_token.id, state=KeyPairState.CURRENT)
    async with database.write() as tx:
        await tx.tokens.add(other_token)
        await tx.key_pairs.add(newer)
        await tx.key_pairs.add(foreign)
        await tx.key_pairs.make_current(pair.token_id, pair.id)
        await tx.key_pairs.make_current(pair.token_id, newer.id)
        found = {row.id: row.state for row in await tx.key_pairs.all(tx.key_pairs.select())}
    assert found == {
        pair.id: KeyPairState.RETIRED,
        newer.id: KeyPairState.CURRENT,
        foreign.id: KeyPairState.CURRENT,
    }


async def test_one_set_of_credentials_is_in_force(database: Database, pair: KeyPair) -> None:
    first = facts.credentials(pair.token_id, pair.id)
    second = facts.credentials(pair.token_id, pair.id)
    async with database.write() as tx:
        await tx.credentials.put_in_force(first)
        await tx.credentials.put_in_force(second)
        assert await tx.credentials.in_force(pair.token_id) == second
    with pytest.raises(IntegrityError, match=r"credentials\.token_id"):
        async with database.write() as tx:
            await tx.credentials.add(facts.credentials(pair.token_id, pair.id))


async def test_destroying_takes_the_secrets_of_that_token_alone(
    database: Database, pair: KeyPair
) -> None:
    other_token = facts.token("Another")
    foreign = facts.key_pair(other_token.id)
    async with database.write() as tx:
        await tx.tokens.add(other_token)
        await tx.key_pairs.add(foreign)
        await tx.credentials.put_in_force(facts.credentials(other_token.id, foreign.id))
        await tx.credentials.put_in_force(facts.credentials(pair.token_id, pair.id))
        await tx.credentials.destroy(pair.token_id)
        await tx.key_pairs.destroy(pair.token_id)
        assert await tx.key_pairs.all(tx.key_pairs.select()) == [foreign]
        assert await tx.credentials.in_force(pair.token_id) is None
        assert await tx.credentials.in_force(other_token.id) is not None


async def test_an_upload_is_claimed_by_one_worker(database: Database, upload: Upload) -> None:
    until = facts.NOON + 2 * facts.MINUTE
    async with database.write() as tx:
        assert await tx.uploads.unfinished(facts.NOON) == [upload]
        assert await tx.uploads.claim(upload, until)
        assert not await tx.uploads.claim(upload, until + facts.MINUTE)
        assert await tx.uploads.unfinished(facts.NOON) == []
        (again,) = await tx.uploads.unfinished(until)
    assert again.attempts == 1


async def test_an_upload_has_one_outcome(database: Database, upload: Upload) -> None:
    async with database.write() as tx:
        assert await tx.uploads.refuse(upload.id, "damaged", "Download it again.", facts.NOON)
        assert not await tx.uploads.accept(upload.id, facts.NOON)
        assert not await tx.uploads.refuse(upload.id, "expired", "", facts.NOON)
        assert not await tx.uploads.claim(upload, facts.NOON)
        found = await tx.uploads.get(upload.id)
    assert found is not None
    assert (found.state, found.reason) == (UploadState.REFUSED, "damaged")

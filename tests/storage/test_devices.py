"""Claims about device rows, and the runs that bring them."""

import pytest
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.devices import PageChanges
from storage.records import Device, Token
from storage.states import SyncState
from tests.storage import facts
from tests.storage.facts import MINUTE, NOON, device


@pytest.fixture
async def token(database: Database) -> Token:
    added = facts.token()
    async with database.write() as tx:
        await tx.tokens.add(added)
    return added


async def store(database: Database, token: Token, run: str, page: list[Device]) -> PageChanges:
    async with database.write() as tx:
        return await tx.devices.store(token.id, run, page)


async def test_a_first_page_is_all_new(database: Database, token: Token) -> None:
    changes = await store(database, token, "run-1", facts.devices(3))
    assert changes == PageChanges(added=3, changed=0)


async def test_the_same_page_again_changes_nothing(database: Database, token: Token) -> None:
    await store(database, token, "run-1", facts.devices(3))
    again = await store(database, token, "run-2", facts.devices(3))
    assert again == PageChanges(added=0, changed=0)
    async with database.read() as tx:
        assert await tx.devices.count_unseen(token.id, "run-2") == 0
        assert await tx.devices.count(token.id) == 3


async def test_every_fact_that_differs_is_a_change(database: Database, token: Token) -> None:
    names = [name for name in Device.__dataclass_fields__ if name != "serial_number"]
    before = [device(f"X{name}") for name in names]
    after = [device(f"X{name}", **{name: "other"}) for name in names]
    await store(database, token, "run-1", before)
    assert await store(database, token, "run-2", after) == PageChanges(added=0, changed=len(names))
    async with database.read() as tx:
        found = await tx.devices.all(tx.devices.select().order_by(tx.devices.table.c.id))
    assert found == after


async def test_a_removed_device_that_returns_counts_as_added(
    database: Database, token: Token
) -> None:
    await store(database, token, "run-1", facts.devices(2))
    await store(database, token, "run-2", facts.devices(1))
    async with database.write() as tx:
        assert await tx.devices.count_unseen(token.id, "run-2") == 1
        assert await tx.devices.remove_unseen(token.id, "run-2", NOON) == 1
        assert await tx.devices.remove_unseen(token.id, "run-2", NOON) == 0
        assert await tx.devices.count(token.id) == 1
    assert await store(database, token, "run-3", facts.devices(2)) == PageChanges(
        added=1, changed=0
    )
    async with database.read() as tx:
        assert await tx.devices.counts() == {token.id: 2}


async def test_a_device_belongs_to_each_token_by_itself(database: Database, token: Token) -> None:
    other = facts.token("Another")
    async with database.write() as tx:
        await tx.tokens.add(other)
    await store(database, token, "run-1", facts.devices(2))
    assert await store(database, other, "run-1", facts.devices(1)) == PageChanges(
        added=1, changed=0
    )
    async with database.write() as tx:
        await tx.devices.remove_unseen(other.id, "run-2", NOON)
        assert await tx.devices.count(token.id) == 2
        assert await tx.devices.count(other.id) == 0


async def test_an_empty_page_is_stored_as_nothing(database: Database, token: Token) -> None:
    assert await store(database, token, "run-1", []) == PageChanges(added=0, changed=0)


async def test_a_page_of_a_thousand_is_stored_whole(database: Database, token: Token) -> None:
    page = facts.devices(1000)
    assert (await store(database, token, "run-1", page)).added == 1000
    async with database.read() as tx:
        assert await tx.devices.count(token.id) == 1000


async def test_one_run_of_a_token_is_under_way(database: Database, token: Token) -> None:
    async with database.write() as tx:
        await tx.sync_runs.add(facts.sync_run(token.id))
    with pytest.raises(IntegrityError, match=r"sync_run\.token_id"):
        async with database.write() as tx:
            await tx.sync_runs.add(facts.sync_run(token.id))
    other = facts.token("Another")
    async with database.write() as tx:
        await tx.tokens.add(other)
        await tx.sync_runs.add(facts.sync_run(other.id))


async def test_a_run_ends_once(database: Database, token: Token) -> None:
    run = facts.sync_run(token.id)
    async with database.write() as tx:
        await tx.sync_runs.add(run)
        assert await tx.sync_runs.finish(run.id, SyncState.COMPLETED, ended_at=NOON, removed=2)
        assert not await tx.sync_runs.finish(run.id, SyncState.FAILED, ended_at=NOON)
        assert not await tx.sync_runs.advance(run)
        ended = await tx.sync_runs.last_ended(token.id)
        assert await tx.sync_runs.running(token.id) is None
    assert ended is not None
    assert (ended.state, ended.removed, ended.error) == (SyncState.COMPLETED, 2, None)


async def test_failures_are_counted_since_the_last_success(
    database: Database, token: Token
) -> None:
    states = [SyncState.FAILED, SyncState.COMPLETED, SyncState.FAILED, SyncState.FAILED]
    async with database.write() as tx:
        assert await tx.sync_runs.failures_in_a_row(token.id) == 0
        for number, state in enumerate(states):
            at = NOON + number * MINUTE
            await tx.sync_runs.add(facts.sync_run(token.id, state=state, started_at=at))
        assert await tx.sync_runs.failures_in_a_row(token.id) == 2
        for number in range(4, 30):
            at = NOON + number * MINUTE
            failed = facts.sync_run(token.id, state=SyncState.FAILED, started_at=at)
            await tx.sync_runs.add(failed)
        assert await tx.sync_runs.failures_in_a_row(token.id) == 10

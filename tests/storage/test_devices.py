"""Claims about device rows: what a page changes, and which date wins."""

from dataclasses import replace

import pytest

from storage.database import Database
from storage.devices import PageChanges, Stamp
from storage.records import Device, Token
from tests.storage import facts
from tests.storage.facts import NOON, device

EARLY, LATE = "2026-03-01T00:00:00.000000+00:00", "2026-03-02T00:00:00.000000+00:00"


@pytest.fixture
async def token(database: Database) -> Token:
    added = facts.token()
    async with database.write() as tx:
        await tx.tokens.add(added)
    return added


async def store(
    database: Database,
    token: Token,
    list_id: str,
    page: list[Device],
    gone: tuple[Device, ...] = (),
) -> PageChanges:
    stamp = Stamp(token_id=token.id, run_id=f"run of {list_id}", generation=list_id, now=NOON)
    async with database.write() as tx:
        return await tx.devices.store(stamp, page, gone)


async def stored(database: Database) -> dict[str, tuple[Device, bool]]:
    """Every device that was ever known, and whether it is there."""
    async with database.read() as tx:
        devices = await tx.devices.all(tx.devices.select())
        table = tx.devices.table.c
        query = tx.devices.select(table.removed_at.is_(None))
        there = {one.serial_number for one in await tx.devices.all(query)}
    return {one.serial_number: (one, one.serial_number in there) for one in devices}


def changes(added: int = 0, changed: int = 0, removed: int = 0) -> PageChanges:
    return PageChanges(added=added, changed=changed, removed=removed)


async def test_a_first_page_is_all_new(database: Database, token: Token) -> None:
    assert await store(database, token, "one", facts.devices(3)) == changes(added=3)


async def test_the_same_page_again_changes_nothing(database: Database, token: Token) -> None:
    await store(database, token, "one", facts.devices(3))
    assert await store(database, token, "two", facts.devices(3)) == changes()
    async with database.read() as tx:
        assert await tx.devices.count_unseen(token.id, "two") == 0
        assert await tx.devices.count(token.id) == 3


async def test_every_fact_that_differs_is_a_change_but_a_date_alone_is_none(
    database: Database, token: Token
) -> None:
    names = [name for name in Device.__dataclass_fields__ if name != "serial_number"]
    before = [device(f"X{name}") for name in names]
    after = [device(f"X{name}", **{name: "other"}) for name in names]
    await store(database, token, "one", before)
    assert await store(database, token, "two", after) == changes(changed=len(names) - 1)
    async with database.read() as tx:
        found = await tx.devices.all(tx.devices.select().order_by(tx.devices.table.c.id))
    assert found == after


async def test_a_removed_device_that_returns_counts_as_added(
    database: Database, token: Token
) -> None:
    await store(database, token, "one", facts.devices(2))
    await store(database, token, "two", facts.devices(1))
    async with database.write() as tx:
        assert await tx.devices.count_unseen(token.id, "two") == 1
        assert await tx.devices.remove_unseen(token.id, "two", NOON) == 1
        assert await tx.devices.remove_unseen(token.id, "two", NOON) == 0
        assert await tx.devices.count(token.id) == 1
    assert await store(database, token, "three", facts.devices(2)) == changes(added=1)
    async with database.read() as tx:
        assert await tx.devices.counts([token.id]) == {token.id: 2}


async def test_a_device_belongs_to_each_token_by_itself(database: Database, token: Token) -> None:
    other = facts.token("Another")
    async with database.write() as tx:
        await tx.tokens.add(other)
    await store(database, token, "one", facts.devices(2))
    assert await store(database, other, "one", facts.devices(1)) == changes(added=1)
    async with database.write() as tx:
        await tx.devices.remove_unseen(other.id, "two", NOON)
        assert await tx.devices.count(token.id) == 2
        assert await tx.devices.count(other.id) == 0


async def test_an_empty_page_is_stored_as_nothing(database: Database, token: Token) -> None:
    assert await store(database, token, "one", []) == changes()


async def test_a_page_of_a_thousand_is_stored_whole(database: Database, token: Token) -> None:
    assert (await store(database, token, "one", facts.devices(1000))).added == 1000
    async with database.read() as tx:
        assert await tx.devices.count(token.id) == 1000


async def test_what_is_older_changes_nothing(database: Database, token: Token) -> None:
    await store(database, token, "one", [device("X1", os="new", op_date=LATE)])
    assert await store(database, token, "one", [device("X1", os="old", op_date=EARLY)]) == changes()
    late = await store(database, token, "one", [], (device("X1", op_date=EARLY),))
    assert late == changes()
    found, there = (await stored(database))["X1"]
    assert (found.os, there) == ("new", True)


async def test_of_the_same_date_being_gone_wins_whatever_comes_first(
    database: Database, token: Token
) -> None:
    here, gone = device("X1", op_date=EARLY), device("X1", op_date=EARLY)
    await store(database, token, "one", [here])
    assert await store(database, token, "one", [], (gone,)) == changes(removed=1)
    assert await store(database, token, "one", [here]) == changes()
    assert not (await stored(database))["X1"][1]
    assert await store(database, token, "one", [replace(here, op_date=LATE)]) == changes(added=1)


async def test_a_device_that_is_gone_keeps_what_was_known_of_it(
    database: Database, token: Token
) -> None:
    await store(database, token, "one", [device("X1", os="known", op_date=EARLY)])
    await store(database, token, "one", [], (device("X1", os="", op_date=LATE),))
    found, there = (await stored(database))["X1"]
    assert (found.os, found.op_date, there) == ("known", LATE, False)


async def test_an_unknown_device_that_is_gone_does_not_come_by_an_older_page(
    database: Database, token: Token
) -> None:
    assert await store(database, token, "one", [], (device("X1", op_date=LATE),)) == changes()
    assert await store(database, token, "one", [device("X1", op_date=EARLY)]) == changes()
    async with database.read() as tx:
        assert await tx.devices.count(token.id) == 0


async def test_a_list_without_dates_tells_the_present_and_keeps_the_date(
    database: Database, token: Token
) -> None:
    await store(database, token, "one", [device("X1", op_date=LATE)])
    assert await store(database, token, "two", [device("X1")]) == changes()
    assert await store(database, token, "two", [device("X1", os="new")]) == changes(changed=1)
    assert (await stored(database))["X1"][0] == device("X1", os="new", op_date=LATE)
    await store(database, token, "two", [], (device("X1", op_date=LATE),))
    assert await store(database, token, "three", [device("X1")]) == changes(added=1)


async def test_a_token_of_another_server_begins_with_no_devices(
    database: Database, token: Token
) -> None:
    await store(database, token, "one", [device("X1", op_date=LATE), device("X2")])
    async with database.write() as tx:
        await tx.devices.forget(token.id)
    again = [device("X1", op_date=EARLY)]
    assert await store(database, token, "two", again) == changes(added=1)

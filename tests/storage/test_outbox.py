"""Claims about messages on their way: their order, their leases, and each once."""

from dataclasses import replace

from storage.database import Database
from storage.records import OutboxItem
from storage.states import NoticeKind, OutboxState
from tests.storage import facts
from tests.storage.facts import MINUTE, NOON, notice, put


async def claim(database: Database, minutes: int = 0) -> OutboxItem | None:
    """Claim the next message at that minute after noon, for one minute."""
    now = NOON + minutes * MINUTE
    async with database.write() as tx:
        item = await tx.outbox.next_due(now)
        if item is None:
            return None
        assert await tx.outbox.claim(item, now + MINUTE)
        return await tx.outbox.item(item.id)


async def send(database: Database, item: OutboxItem) -> None:
    async with database.write() as tx:
        await tx.outbox.sent(item.id, channel=item.destination, ts="1.0", at=NOON)


async def test_a_destinations_messages_leave_in_their_order(database: Database) -> None:
    first, second, third = await put(database, notice(), notice(), notice())
    left = []
    while (item := await claim(database)) is not None:
        left.append(item.id)
        await send(database, item)
    assert left == [first.id, second.id, third.id]


async def test_a_message_under_way_holds_back_those_behind_it_and_no_others(
    database: Database,
) -> None:
    first, _, other = await put(database, notice("C1"), notice("C1"), notice("C2"))
    under_way = [await claim(database), await claim(database)]
    assert [item.id for item in under_way if item] == [first.id, other.id]
    assert await claim(database) is None


async def test_a_message_with_a_known_dedupe_key_is_put_once(database: Database) -> None:
    same = notice(dedupe_key="token_active:1")
    await put(database, same)
    (item,) = await put(database, same, replace(same, destination="C2"))
    assert item.destination == same.destination
    claimed = await claim(database)
    assert claimed is not None
    await send(database, claimed)
    assert len(await put(database, same)) == 1
    assert await claim(database) is None


async def test_a_postponed_message_blocks_its_own_destination_alone(database: Database) -> None:
    slow, _, other = await put(database, notice("C1"), notice("C1"), notice("C2"))
    claimed = await claim(database)
    assert claimed is not None
    async with database.write() as tx:
        await tx.outbox.postpone(claimed, NOON + 5 * MINUTE, "ratelimited", repeat=False)
    elsewhere = await claim(database)
    assert elsewhere is not None
    assert elsewhere.id == other.id
    await send(database, elsewhere)
    assert await claim(database, 4) is None
    again = await claim(database, 5)
    assert again is not None
    assert (again.id, again.repeats, again.error) == (slow.id, 0, "ratelimited")


async def test_a_message_is_claimed_by_one_worker(database: Database) -> None:
    (item,) = await put(database, notice())
    async with database.write() as tx:
        assert await tx.outbox.claim(item, NOON + MINUTE)
        assert not await tx.outbox.claim(item, NOON + MINUTE)


async def test_a_message_left_by_a_dead_worker_is_repeated_and_counted(database: Database) -> None:
    await put(database, notice())
    first = await claim(database)
    assert first is not None
    assert (first.state, first.attempts, first.repeats) == (OutboxState.SENDING, 1, 0)
    assert await claim(database) is None
    second = await claim(database, 1)
    assert second is not None
    assert (second.id, second.attempts, second.repeats) == (first.id, 2, 1)


async def test_two_workers_do_not_both_take_over_a_dead_workers_message(
    database: Database,
) -> None:
    await put(database, notice())
    await claim(database)
    async with database.write() as tx:
        left = await tx.outbox.next_due(NOON + MINUTE)
        assert left is not None
        assert await tx.outbox.claim(left, NOON + 2 * MINUTE)
        assert not await tx.outbox.claim(left, NOON + 2 * MINUTE)


async def test_a_lost_answer_counts_as_a_repeat(database: Database) -> None:
    await put(database, notice())
    claimed = await claim(database)
    assert claimed is not None
    async with database.write() as tx:
        await tx.outbox.postpone(claimed, NOON, "timeout", repeat=True)
    again = await claim(database)
    assert again is not None
    assert (again.attempts, again.repeats) == (2, 1)


async def test_a_buried_message_lets_those_behind_it_go(database: Database) -> None:
    bad, good = await put(database, notice(), notice())
    async with database.write() as tx:
        await tx.outbox.bury(bad.id, "invalid_blocks")
        assert await tx.outbox.depth() == 1
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.id == good.id


async def test_a_number_is_never_given_twice(database: Database) -> None:
    (item,) = await put(database, notice())
    async with database.writer.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM outbox")
    (later,) = await put(database, notice())
    assert later.id > item.id


async def test_edits_are_of_the_first_message_about_a_subject(database: Database) -> None:
    card, steps = NoticeKind.REQUEST_CARD, NoticeKind.STEPS
    about = {"subject_id": "R1"}
    first, *_ = await put(database, notice(kind=card, **about), notice(kind=steps, **about))
    await put(database, notice(kind=card, edits=first.id, **about))
    async with database.read() as tx:
        found = await tx.outbox.first_of(card, "R1", "C0ALERTS")
        assert found is not None
        assert found.id == first.id
        assert await tx.outbox.first_of(card, "R2", "C0ALERTS") is None


async def test_the_next_time_to_look_is_the_next_due_or_the_next_lease_end(
    database: Database,
) -> None:
    async with database.read() as tx:
        assert await tx.outbox.next_at() is None
    await put(database, notice("C1"), notice("C2"))
    claimed = await claim(database)
    assert claimed is not None
    async with database.write() as tx:
        assert await tx.outbox.next_at() == NOON
        await tx.outbox.postpone(claimed, NOON + 9 * MINUTE, "ratelimited", repeat=False)
    await claim(database)
    async with database.read() as tx:
        assert await tx.outbox.next_at() == NOON + MINUTE


async def test_what_a_notice_says_comes_back(database: Database) -> None:
    written = notice(facts={"channel": "C0", "error": "is_archived"}, visible_to="U0")
    (item,) = await put(database, written)
    assert (item.facts, item.visible_to) == (written.facts, "U0")
    assert len(await facts.outbox(database)) == 1

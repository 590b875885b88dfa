"""Claims about messages on their way: their order, their leases, and each once."""

from dataclasses import replace

import pytest

from storage.database import Database
from storage.records import Notice, OutboxItem
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
        assert await tx.outbox.claim(item, now, MINUTE)
        return await tx.outbox.item(item.id)


async def claim_next(database: Database) -> OutboxItem:
    """The next message, which has to be there, claimed."""
    claimed = await claim(database)
    assert claimed is not None
    return claimed


async def claim_of(database: Database, one: Notice) -> OutboxItem:
    """The only message there is, claimed."""
    await put(database, one)
    return await claim_next(database)


async def send(database: Database, item: OutboxItem) -> None:
    async with database.write() as tx:
        await tx.outbox.sent(item, channel=item.destination, ts="1.0", at=NOON)


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
        await tx.outbox.postpone(claimed, NOON + 5 * MINUTE, "ratelimited")
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
        assert await tx.outbox.claim(item, NOON, MINUTE)
        assert not await tx.outbox.claim(item, NOON, MINUTE)


async def test_a_message_left_by_a_dead_worker_is_in_doubt_since_it_was_claimed(
    database: Database,
) -> None:
    await put(database, notice())
    first = await claim(database)
    assert first is not None
    assert (first.state, first.attempts, first.unsure_since) == (OutboxState.SENDING, 1, None)
    assert await claim(database) is None
    second = await claim(database, 1)
    assert second is not None
    assert (second.id, second.attempts, second.unsure_since) == (first.id, 2, NOON)
    third = await claim(database, 2)
    assert third is not None
    assert third.unsure_since == NOON


async def test_two_workers_do_not_both_take_over_a_dead_workers_message(
    database: Database,
) -> None:
    await put(database, notice())
    await claim(database)
    async with database.write() as tx:
        left = await tx.outbox.next_due(NOON + MINUTE)
        assert left is not None
        assert await tx.outbox.claim(left, NOON + MINUTE, MINUTE)
        assert not await tx.outbox.claim(left, NOON + MINUTE, MINUTE)


async def test_a_doubt_ends_with_a_repeat_that_is_counted_or_without(database: Database) -> None:
    await put(database, notice())
    claimed = await claim(database)
    assert claimed is not None
    for repeat, counted in ((True, 1), (False, 1), (True, 2)):
        async with database.write() as tx:
            assert await tx.outbox.postpone(claimed, NOON, "timeout", unsure_since=NOON)
        claimed = await claim(database)
        assert claimed is not None
        assert claimed.unsure_since == NOON
        async with database.write() as tx:
            assert await tx.outbox.settle_doubt(claimed, NOON, MINUTE, repeat=repeat)
            claimed = await tx.outbox.item(claimed.id)
        assert claimed is not None
        assert (claimed.unsure_since, claimed.repeats) == (None, counted)


async def test_a_worker_that_lost_its_lease_changes_nothing_any_more(database: Database) -> None:
    await put(database, notice())
    late = await claim(database)
    new = await claim(database, 1)
    assert late is not None
    assert new is not None
    async with database.write() as tx:
        assert not await tx.outbox.sent(late, channel="C1", ts="1.0", at=NOON)
        assert not await tx.outbox.postpone(late, NOON, "timeout")
        assert not await tx.outbox.bury(late, "invalid_blocks")
        assert not await tx.outbox.settle_doubt(late, NOON, MINUTE, repeat=True)
        assert await tx.outbox.item(new.id) == new
        assert await tx.outbox.sent(new, channel="C1", ts="1.0", at=NOON)


async def test_every_message_has_a_mark_of_its_own_that_says_nothing(database: Database) -> None:
    items = await put(database, *(notice() for _ in range(20)))
    marks = {item.mark for item in items}
    assert len(marks) == 20
    assert all(mark and len(mark) == 32 for mark in marks)
    assert not [item for item in items if item.mark in (item.subject_id, item.dedupe_key)]


@pytest.mark.parametrize("related", ["edits", "replies_to"])
async def test_an_edit_or_a_reply_does_not_overtake_its_message_into_another_channel(
    database: Database, related: str
) -> None:
    (first,) = await put(database, notice("C1"))
    _, edit = await put(database, notice("C2", **{related: first.id}))
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.id == first.id
    assert await claim(database) is None
    async with database.read() as tx:
        assert await tx.outbox.next_at() == NOON + MINUTE
    await send(database, claimed)
    after = await claim(database)
    assert after is not None
    assert after.id == edit.id


async def test_an_edit_changes_the_newest_copy_that_stands(database: Database) -> None:
    (first,) = await put(database, notice("C1"))
    _, edit = await put(database, notice("C1", edits=first.id))
    *_, later = await put(database, notice("C1", edits=first.id))
    async with database.read() as tx:
        assert await tx.outbox.standing(first) is None
        assert await tx.outbox.standing(edit) is None
    for expected, ts in ((first, "1.0"), (edit, "2.0")):
        claimed = await claim(database)
        assert claimed is not None
        assert claimed.id == expected.id
        async with database.write() as tx:
            assert await tx.outbox.sent(claimed, channel="C1", ts=ts, at=NOON)
    async with database.read() as tx:
        for item, ts in ((edit, "1.0"), (later, "2.0")):
            stands = await tx.outbox.standing(item)
            assert stands is not None
            assert stands.posted_ts == ts
        assert await tx.outbox.standing(replace(later, anew=True)) is None


async def test_a_reply_answers_the_newest_copy_that_stands(database: Database) -> None:
    (card,) = await put(database, notice("C1"))
    await send(database, await claim_next(database))
    _, edit, reply = await put(
        database, notice("C1", edits=card.id), notice("C1", replies_to=card.id)
    )
    claimed = await claim_next(database)
    assert claimed.id == edit.id
    async with database.write() as tx:
        assert await tx.outbox.sent(claimed, channel="C1", ts="2.0", at=NOON)
    async with database.read() as tx:
        stands = await tx.outbox.standing(reply)
        assert stands is not None
        assert (stands.id, stands.posted_ts) == (edit.id, "2.0")
        assert await tx.outbox.standing(replace(reply, anew=True)) is None


async def test_a_reply_to_a_message_that_never_came_stands_alone(database: Database) -> None:
    (card,) = await put(database, notice("C1"))
    _, reply = await put(database, notice("C1", replies_to=card.id))
    claimed = await claim_next(database)
    async with database.write() as tx:
        assert await tx.outbox.bury(claimed, "invalid_blocks")
    assert (await claim_next(database)).id == reply.id
    async with database.read() as tx:
        assert await tx.outbox.standing(reply) is None


async def test_what_waits_for_a_refusing_channel_that_is_not_set_any_more_moves_on(
    database: Database,
) -> None:
    refused = await claim_of(database, notice("COLD"))
    async with database.write() as tx:
        await tx.outbox.close(refused, NOON + 9 * MINUTE, "is_archived")
    card = NoticeKind.REQUEST_CARD
    await put(
        database,
        notice("COLD"),
        notice("C1"),
        notice("COTHER"),
        notice("U1"),
        notice("COLD", kind=card),
        notice("COLD", visible_to="U1"),
    )
    async with database.write() as tx:
        assert await tx.outbox.move([NoticeKind.TOKEN_ACTIVE], ["C1"], "C1", NOON + MINUTE) == 2
    items = await facts.outbox(database)
    assert [item.destination for item in items] == ["C1"] * 3 + ["COTHER", "U1", "COLD", "COLD"]
    assert (items[0].due_at, items[0].error) == (NOON + MINUTE, None)


async def test_a_restart_tries_at_once_what_waits_for_anything_but_slacks_own_pause(
    database: Database,
) -> None:
    await put(database, notice("C1"), notice("C2"))
    for error in ("ratelimited", "is_archived"):
        claimed = await claim(database)
        assert claimed is not None
        async with database.write() as tx:
            await tx.outbox.postpone(claimed, NOON + 10 * MINUTE, error)
    async with database.write() as tx:
        await tx.outbox.hurry(NOON + MINUTE, but="ratelimited")
    assert [item.due_at for item in await facts.outbox(database)] == [
        NOON + 10 * MINUTE,
        NOON + MINUTE,
    ]


async def test_a_buried_message_lets_those_behind_it_go(database: Database) -> None:
    _, good = await put(database, notice(), notice())
    bad = await claim(database)
    assert bad is not None
    async with database.write() as tx:
        assert await tx.outbox.bury(bad, "invalid_blocks")
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
        await tx.outbox.postpone(claimed, NOON + 9 * MINUTE, "ratelimited")
    await claim(database)
    async with database.read() as tx:
        assert await tx.outbox.next_at() == NOON + MINUTE


async def test_what_stands_behind_a_paused_message_wakes_nobody(database: Database) -> None:
    await put(database, notice("C1"), notice("C1"))
    claimed = await claim(database)
    assert claimed is not None
    async with database.write() as tx:
        await tx.outbox.postpone(claimed, NOON + 9 * MINUTE, "ratelimited")
        assert await tx.outbox.next_at() == NOON + 9 * MINUTE


async def test_what_a_notice_says_comes_back(database: Database) -> None:
    written = notice(facts={"channel": "C0", "error": "is_archived"}, visible_to="U0")
    (item,) = await put(database, written)
    assert (item.facts, item.visible_to) == (written.facts, "U0")
    assert len(await facts.outbox(database)) == 1

"""Claims about the worker that empties the outbox."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from services.clock import machine_now
from services.delivery import CLOSED_PAUSE, LEASE, Closed, Never, NotNow, Outcome, Posted, Unknown
from services.policy import Role
from storage.records import Notice, OutboxItem
from storage.states import NoticeKind, OutboxState
from tests.services.office import Office, Outside
from tests.services.ports import ADMIN
from tests.storage import facts
from tests.storage.facts import notice

SOON = timedelta(seconds=5)


async def put(office: Office, *notices: Notice) -> list[OutboxItem]:
    """Put notices into the outbox, due now."""
    async with office.database.write() as tx:
        for one in notices:
            await tx.outbox.put(one, machine_now())
    return await office.outbox()


async def after(office: Office, outcome: Outcome) -> OutboxItem:
    """The only message, after it was posted with that outcome."""
    office.outside.pinboard.answers["C1"] = [outcome]
    await put(office, notice("C1"))
    await office.delivery.drain()
    return (await office.outbox())[0]


async def make_due(office: Office) -> None:
    """Let every pause and every lease end."""
    long_ago = machine_now() - timedelta(hours=1)
    async with office.database.write() as tx:
        await tx.outbox.change(due_at=long_ago, lease_until=long_ago)


def posted(outside: Outside) -> list[str]:
    return [item.dedupe_key for item, _ in outside.pinboard.posted]


async def test_a_posted_message_is_sent_and_its_place_kept(
    office: Office, outside: Outside
) -> None:
    item = await after(office, Posted(channel="D1", ts="17.5"))
    assert item.state is OutboxState.SENT
    assert (item.posted_channel, item.posted_ts, item.sent_at) == (
        "D1",
        "17.5",
        outside.clock.now(),
    )
    await office.delivery.drain()
    assert len(outside.pinboard.posted) == 1


async def test_everything_due_leaves_in_order(office: Office, outside: Outside) -> None:
    items = await put(office, *(notice(f"C{number % 3}") for number in range(12)))
    await office.delivery.drain()
    assert posted(outside) == [item.dedupe_key for item in items]
    async with office.database.read() as tx:
        assert await tx.outbox.depth() == 0


async def test_an_edit_is_posted_with_the_message_it_edits(
    office: Office, outside: Outside
) -> None:
    (first,) = await put(office, notice("C1"))
    await office.delivery.drain()
    await put(office, notice("C1", edits=first.id))
    await office.delivery.drain()
    _, original = outside.pinboard.posted[-1]
    assert original is not None
    assert (original.id, original.posted_ts) == (first.id, "1.0")


async def test_not_now_waits_as_long_as_slack_says_and_is_no_repeat(office: Office) -> None:
    item = await after(office, NotNow(seconds=30, error="ratelimited"))
    assert item.state is OutboxState.DUE
    assert (item.repeats, item.error) == (0, "ratelimited")
    assert abs(item.due_at - machine_now() - timedelta(seconds=30)) < SOON


async def test_not_now_holds_back_its_own_channel_alone(office: Office, outside: Outside) -> None:
    outside.pinboard.answers["C1"] = [NotNow(seconds=30, error="ratelimited")]
    first, second, other = await put(office, notice("C1"), notice("C1"), notice("C2"))
    await office.delivery.drain()
    assert posted(outside) == [first.dedupe_key, other.dedupe_key]
    await make_due(office)
    await office.delivery.drain()
    assert posted(outside)[2:] == [first.dedupe_key, second.dedupe_key]


async def test_a_lost_answer_is_tried_again_as_a_repeat(office: Office, outside: Outside) -> None:
    item = await after(office, Unknown(error="timeout"))
    assert (item.state, item.repeats, item.error) == (OutboxState.DUE, 1, "timeout")
    assert item.due_at > machine_now()
    await make_due(office)
    await office.delivery.drain()
    again, _ = outside.pinboard.posted[-1]
    assert again.repeats == 1
    (sent,) = await office.outbox()
    assert (sent.state, sent.repeats, sent.error) == (OutboxState.SENT, 1, None)


async def test_lost_answers_are_asked_for_less_and_less_often(office: Office) -> None:
    office.outside.pinboard.answers["C1"] = [Unknown(error="timeout")] * 12
    await put(office, notice("C1"))
    pauses = []
    for _ in range(12):
        await make_due(office)
        await office.delivery.drain()
        (item,) = await office.outbox()
        pauses.append((item.due_at - machine_now()).total_seconds())
    assert all(later > sooner - 1 for sooner, later in pairwise(pauses))
    assert pauses[0] < 15
    assert 595 < pauses[-1] <= 600
    assert (await office.outbox())[0].repeats == 12


async def test_a_message_that_slack_will_never_take_is_buried_and_told_in_the_log(
    office: Office, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    item = await after(office, Never(error="invalid_blocks"))
    assert (item.state, item.error) == (OutboxState.DEAD, "invalid_blocks")
    assert "post_refused" in caplog.text
    await make_due(office)
    await office.delivery.drain()
    assert len(outside.pinboard.posted) == 1


async def test_a_closed_channel_keeps_its_messages_and_the_admins_are_told(
    office: Office, outside: Outside
) -> None:
    outside.people.roles[Role.ADMIN] = {ADMIN, "U0ADMIN2"}
    item = await after(office, Closed(error="is_archived"))
    assert (item.state, item.repeats) == (OutboxState.DUE, 0)
    assert abs(item.due_at - machine_now() - CLOSED_PAUSE) < SOON
    told = await office.outbox(NoticeKind.CHANNEL_CLOSED)
    assert {each.destination for each in told} == {ADMIN, "U0ADMIN2"}
    assert told[0].facts == {"channel": "C1", "error": "is_archived"}
    assert {each.state for each in told} == {OutboxState.SENT}


async def test_the_admins_are_told_of_a_closed_channel_once_a_day(
    office: Office, outside: Outside
) -> None:
    outside.pinboard.answers["C1"] = [Closed(error="is_archived")] * 3
    await put(office, notice("C1"), notice("C1"))
    await office.delivery.drain()
    await make_due(office)
    await office.delivery.drain()
    assert len(await office.outbox(NoticeKind.CHANNEL_CLOSED)) == 1
    outside.clock.pass_time(timedelta(days=1))
    await make_due(office)
    await office.delivery.drain()
    assert len(await office.outbox(NoticeKind.CHANNEL_CLOSED)) == 2


async def test_a_closed_channel_keeps_its_messages_when_the_admins_cannot_be_looked_up(
    office: Office, outside: Outside
) -> None:
    outside.people.silent = True
    item = await after(office, Closed(error="channel_not_found"))
    assert item.state is OutboxState.DUE
    assert await office.outbox(NoticeKind.CHANNEL_CLOSED) == []


async def test_a_reopened_channel_gets_what_waited_in_order(
    office: Office, outside: Outside
) -> None:
    outside.pinboard.answers["C1"] = [Closed(error="not_in_channel")]
    first, second = await put(office, notice("C1"), notice("C1"))
    await office.delivery.drain()
    await make_due(office)
    await office.delivery.drain()
    in_channel = [item.id for item, _ in outside.pinboard.posted if item.destination == "C1"]
    assert in_channel == [first.id, first.id, second.id]


async def test_a_message_of_a_dead_worker_is_posted_again_as_a_repeat(
    office: Office, second_office: Office, outside: Outside
) -> None:
    (item,) = await put(office, notice("C1"))
    async with office.database.write() as tx:
        await tx.outbox.claim(item, machine_now() + LEASE)
    await second_office.delivery.drain()
    assert posted(outside) == []
    await make_due(office)
    await second_office.delivery.drain()
    ((again, _),) = outside.pinboard.posted
    assert (again.id, again.repeats, again.attempts) == (item.id, 1, 2)


async def test_two_workers_post_each_message_once_and_in_order(
    office: Office, second_office: Office, outside: Outside
) -> None:
    items = await put(office, *(notice(f"C{number % 4}") for number in range(40)))
    await asyncio.gather(*(each.delivery.drain() for each in (office, second_office) * 2))
    await office.delivery.drain()
    assert sorted(posted(outside)) == sorted(item.dedupe_key for item in items)
    for channel in ("C0", "C1", "C2", "C3"):
        of_channel = [item.id for item, _ in outside.pinboard.posted if item.destination == channel]
        assert of_channel == sorted(of_channel)
    assert {item.repeats for item in await office.outbox()} == {0}


async def test_the_next_time_to_look_is_known(office: Office) -> None:
    assert await office.delivery.next_at() is None
    item = await after(office, NotNow(seconds=30, error="ratelimited"))
    assert await office.delivery.next_at() == item.due_at
    assert len(await facts.outbox(office.database)) == 1

"""Claims about the worker that empties the outbox."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import pairwise

import pytest

from services.clock import machine_now
from services.delivery import CLOSED_PAUSE, FAULTS, LEASE, LOOKS
from services.policy import Role
from services.posting import (
    THROTTLED,
    Absent,
    Closed,
    Gone,
    Moot,
    Never,
    NotNow,
    Outcome,
    Posted,
    Unknown,
    Unmarkable,
    Unsent,
)
from storage.records import Notice, OutboxItem
from storage.states import NoticeKind, OutboxState
from tests.services.office import ALERTS, APPROVALS, Office, Outside
from tests.services.ports import ADMIN, Pinboard
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


async def test_a_lost_answer_is_a_doubt_and_no_repeat_yet(office: Office) -> None:
    item = await after(office, Unknown(error="timeout"))
    assert (item.state, item.repeats, item.error) == (OutboxState.DUE, 0, "timeout")
    assert item.unsure_since is not None
    assert item.unsure_since == item.claimed_at
    assert item.due_at > machine_now()


async def test_where_nobody_may_look_it_is_posted_again_as_a_repeat_and_counted(
    office: Office, outside: Outside
) -> None:
    await after(office, Unknown(error="timeout"))
    await make_due(office)
    await office.delivery.drain()
    again, _ = outside.pinboard.posted[-1]
    assert again.repeats == 1
    (sent,) = await office.outbox()
    assert (sent.state, sent.repeats, sent.unsure_since) == (OutboxState.SENT, 1, None)


async def test_a_message_that_is_found_is_not_posted_again(
    office: Office, outside: Outside
) -> None:
    await after(office, Unknown(error="timeout"))
    outside.pinboard.findings["C1"] = [Absent(), Posted(channel="C1", ts="7.5")]
    await make_due(office)
    await office.delivery.drain()
    assert len(outside.pinboard.posted) == 1
    (sent,) = await office.outbox()
    assert (sent.state, sent.posted_ts, sent.repeats) == (OutboxState.SENT, "7.5", 0)


async def test_a_message_that_is_not_there_is_posted_without_a_mark(
    office: Office, outside: Outside
) -> None:
    await after(office, Unknown(error="timeout"))
    outside.pinboard.findings["C1"] = [Absent(), Absent()]
    await make_due(office)
    await office.delivery.drain()
    assert len(outside.pinboard.sought) == 2
    assert [item.repeats for item, _ in outside.pinboard.posted] == [0, 0]
    assert (await office.outbox())[0].state is OutboxState.SENT


@pytest.mark.parametrize("finding", [NotNow(seconds=30, error=THROTTLED), Unsent(error="reset")])
async def test_a_look_that_fails_is_tried_again_before_anything_is_repeated(
    office: Office, outside: Outside, finding: NotNow | Unsent
) -> None:
    await after(office, Unknown(error="timeout"))
    outside.pinboard.findings["C1"] = [finding] * (LOOKS + 1)
    for _ in range(LOOKS - 1):
        await make_due(office)
        await office.delivery.drain()
        assert len(outside.pinboard.posted) == 1
    (item,) = await office.outbox()
    assert (item.state, item.repeats) == (OutboxState.DUE, 0)
    assert item.unsure_since is not None
    await make_due(office)
    await office.delivery.drain()
    assert [item.repeats for item, _ in outside.pinboard.posted] == [0, 1]


async def test_a_lost_edit_is_edited_again_without_a_look_or_a_mark(
    office: Office, outside: Outside
) -> None:
    (first,) = await put(office, notice("C1"))
    await office.delivery.drain()
    outside.pinboard.answers["C1"] = [Unknown(error="timeout", harmless=True)]
    await put(office, notice("C1", edits=first.id))
    await office.delivery.drain()
    await make_due(office)
    await office.delivery.drain()
    assert [item.repeats for item, _ in outside.pinboard.posted] == [0, 0, 0]
    assert outside.pinboard.sought == []
    assert (await office.outbox())[1].state is OutboxState.SENT


async def test_an_edit_whose_message_is_gone_becomes_a_message_and_later_edits_change_that(
    office: Office, outside: Outside
) -> None:
    (first,) = await put(office, notice("C1"))
    await office.delivery.drain()
    outside.pinboard.answers["C1"] = [Gone(error="message_not_found")]
    await put(office, notice("C1", edits=first.id), notice("C1", edits=first.id))
    await office.delivery.drain()
    _, lost, anew, later = outside.pinboard.posted
    assert lost[1] is not None
    assert (anew[0].id, anew[0].anew, anew[1]) == (lost[0].id, True, None)
    assert later[1] is not None
    assert later[1].id == anew[0].id
    assert {item.state for item in await office.outbox()} == {OutboxState.SENT}
    assert {item.repeats for item in await office.outbox()} == {0}


async def test_a_message_that_slack_takes_without_its_mark_only_loses_it(
    office: Office, outside: Outside
) -> None:
    outside.pinboard.answers["C1"] = [Unmarkable(error="metadata_too_large")]
    await put(office, notice("C1"))
    await office.delivery.drain()
    assert [item.mark is None for item, _ in outside.pinboard.posted] == [False, True]


async def test_what_did_not_reach_slack_is_no_doubt(office: Office) -> None:
    item = await after(office, Unsent(error="ClientConnectorError"))
    assert (item.state, item.repeats, item.unsure_since) == (OutboxState.DUE, 0, None)
    assert item.due_at > machine_now()


async def test_what_is_moot_is_dropped_and_nobody_is_told(office: Office) -> None:
    item = await after(office, Moot(error="what it tells of is gone"))
    assert item.state is OutboxState.DEAD
    assert len(await office.outbox()) == 1


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
    assert (await office.outbox())[0].repeats == 11


async def test_a_message_that_slack_will_never_take_is_buried_and_told_in_the_log(
    office: Office, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    item = await after(office, Never(error="invalid_blocks"))
    assert (item.state, item.error) == (OutboxState.DEAD, "invalid_blocks")
    assert "post_refused" in caplog.text
    await make_due(office)
    await office.delivery.drain()
    assert [one.destination for one, _ in outside.pinboard.posted] == ["C1", ADMIN]


async def test_the_admins_are_told_of_a_message_that_is_given_up(
    office: Office, outside: Outside
) -> None:
    outside.people.roles[Role.ADMIN] = {ADMIN, "U0ADMIN2"}
    outside.pinboard.answers["C1"] = [Never(error="invalid_blocks")] * 3
    items = await put(office, notice("C1"), notice("C1"), notice("C1", kind=NoticeKind.STEPS))
    await office.delivery.drain()
    told = await office.outbox(NoticeKind.MESSAGE_REFUSED)
    # Once for each kind of message and cause, and once a day.
    assert sorted(each.destination for each in told) == sorted([ADMIN, "U0ADMIN2"] * 2)
    assert told[0].facts == {
        "kind": "token_active",
        "number": str(items[0].id),
        "destination": "C1",
        "error": "invalid_blocks",
    }


async def test_a_change_of_a_direct_message_that_is_refused_is_told_to_nobody(
    office: Office, outside: Outside
) -> None:
    (first,) = await put(office, notice("U0GONE"))
    await office.delivery.drain()
    outside.pinboard.answers["U0GONE"] = [Never(error="channel_not_found")]
    await put(office, notice("U0GONE", edits=first.id))
    await office.delivery.drain()
    assert (await office.outbox())[-1].state is OutboxState.DEAD
    assert not await office.outbox(NoticeKind.MESSAGE_REFUSED)


async def test_a_message_is_not_given_up_while_the_admins_cannot_be_looked_up(
    office: Office, outside: Outside
) -> None:
    outside.people.silent = True
    item = await after(office, Never(error="invalid_blocks"))
    assert item.state is OutboxState.DUE
    outside.people.silent = False
    outside.pinboard.answers["C1"] = [Never(error="invalid_blocks")]
    await make_due(office)
    await office.delivery.drain()
    assert (await office.outbox())[0].state is OutboxState.DEAD
    assert len(await office.outbox(NoticeKind.MESSAGE_REFUSED)) == 1


async def test_an_admin_who_cannot_be_told_is_told_nothing_about_that(
    office: Office, outside: Outside
) -> None:
    outside.pinboard.answers[ADMIN] = [Never(error="user_disabled")]
    await after(office, Never(error="invalid_blocks"))
    assert len(await office.outbox(NoticeKind.MESSAGE_REFUSED)) == 1
    assert len(await office.outbox()) == 2


class Faulty(Pinboard):
    """Meets a bug of ours whenever it draws one destination's messages."""

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        if item.destination == "CBUG":
            raise KeyError(item.id)
        return await super().post(item, original)


async def test_a_bug_in_one_message_holds_up_no_other_channel_and_ends(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.delivery.notifier = Faulty()
    await put(office, notice("CBUG"), notice("CBUG"), notice("C1"))
    await office.delivery.drain()
    assert [item.state for item in await office.outbox()][2] is OutboxState.SENT
    assert "KeyError" in caplog.text
    for _ in range(FAULTS):
        await make_due(office)
        await office.delivery.drain()
    first, second, *_ = await office.outbox()
    assert (first.state, first.error) == (OutboxState.DEAD, "fault: KeyError")
    assert second.attempts > 0
    assert [item.facts["error"] for item in await office.outbox(NoticeKind.MESSAGE_REFUSED)] == [
        "fault: KeyError"
    ]


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
        await tx.outbox.claim(item, machine_now(), LEASE)
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


class Slow(Pinboard):
    """Takes its time for one destination, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.under_way: list[str] = []
        self.enough = asyncio.Event()
        self.wanted = 0

    async def reached(self, count: int) -> None:
        """Return once so many messages were taken."""
        self.wanted = count
        await self.enough.wait()

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        assert item.destination not in self.under_way
        self.under_way.append(item.destination)
        if item.destination == "CSLOW":
            self.begun.set()
            await self.go_on.wait()
        self.under_way.remove(item.destination)
        outcome = await super().post(item, original)
        if len(self.posted) == self.wanted:
            self.enough.set()
        return outcome


async def test_a_slow_channel_holds_up_no_other_not_even_what_comes_later(office: Office) -> None:
    slow = Slow()
    office.delivery.notifier = slow
    await put(office, notice("CSLOW"), notice("CSLOW"), *(notice(f"C{n % 5}") for n in range(20)))
    draining = asyncio.create_task(office.delivery.drain())
    await slow.begun.wait()
    await put(office, notice("C9"))
    async with asyncio.timeout(5):
        await slow.reached(21)
    assert not draining.done()
    slow.go_on.set()
    await draining
    assert [item.destination for item, _ in slow.posted[-2:]] == ["CSLOW", "CSLOW"]
    assert {item.state for item in await office.outbox()} == {OutboxState.SENT}


async def test_a_stop_lets_the_post_under_way_end(office: Office) -> None:
    slow = Slow()
    office.delivery.notifier = slow
    await put(office, notice("CSLOW"))
    draining = asyncio.create_task(office.delivery.drain())
    await slow.begun.wait()
    draining.cancel()
    await asyncio.sleep(0.05)
    slow.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await draining
    assert (await office.outbox())[0].state is OutboxState.SENT


async def test_a_pause_of_slacks_outlives_a_restart_and_others_end(
    office: Office, second_office: Office, outside: Outside
) -> None:
    outside.pinboard.answers |= {
        ALERTS: [NotNow(seconds=300, error=THROTTLED)],
        APPROVALS: [Closed(error="is_archived")],
    }
    first, other = await put(office, notice(ALERTS), notice(APPROVALS))
    await office.delivery.drain()
    await second_office.delivery.drain()
    again = [item.id for item, _ in outside.pinboard.posted if item.destination != ADMIN]
    assert again == [first.id, other.id, other.id]


async def test_what_waits_for_a_channel_that_was_replaced_goes_to_the_new_one(
    office: Office, outside: Outside
) -> None:
    card = NoticeKind.REQUEST_CARD
    outside.pinboard.answers["COLD"] = [Closed(error="channel_not_found")]
    await put(office, notice("COLD"), notice("COLD", kind=card), notice("U0OPERATOR"))
    await office.delivery.drain()
    restarted = Office(office.database, outside)
    await restarted.delivery.drain()
    places = {item.kind: item.destination for item, _ in outside.pinboard.posted[-3:]}
    assert places[NoticeKind.TOKEN_ACTIVE] == ALERTS
    assert places[card] == APPROVALS
    assert {item.destination for item in await office.outbox()} == {
        ALERTS,
        APPROVALS,
        "U0OPERATOR",
        ADMIN,
    }


async def test_an_outcome_is_kept_though_the_database_is_locked_for_a_while(
    office: Office,
) -> None:
    slow = Slow()
    office.delivery.notifier = slow
    await put(office, notice("CSLOW"))
    draining = asyncio.create_task(office.delivery.drain())
    await slow.begun.wait()
    with closing(sqlite3.connect(office.database.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        slow.go_on.set()
        await asyncio.sleep(3)
        other.rollback()
    await draining
    (item,) = await office.outbox()
    assert (item.state, item.repeats, item.attempts) == (OutboxState.SENT, 0, 1)

"""Claims about people who ask for a sync: who may, of which token, and what they are told."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.apple.errors import AppleError, Trouble
from services.clock import machine_now
from services.errors import NotAllowed, NotFound, Refused
from services.sync_wishes import Asked
from storage.database import Database
from storage.records import OutboxItem, SyncRun, Token
from storage.states import NoticeKind, ProgramName, SyncKind, SyncState, TokenState
from tests.services.office import RHYTHM, Office, Outside
from tests.services.ports import APPROVER, OPERATOR, START, Listing
from tests.storage import facts

ORIGIN = "command:1.2"


@pytest.fixture
async def token(database: Database) -> Token:
    """A token in use that is not due for a sync."""
    added = facts.token(state=TokenState.ACTIVE, sync_due_at=START + timedelta(hours=9))
    async with database.write() as tx:
        await tx.tokens.add(added)
    return added


@pytest.fixture
def listing() -> Listing:
    listing = Listing(facts.devices(3))
    listing.cursors = True
    return listing


@pytest.fixture
def office(database: Database, outside: Outside, listing: Listing) -> Office:
    rhythm = replace(RHYTHM, progress_every=timedelta(0))
    return Office(database, outside, programs={ProgramName.APPLE: listing}, rhythm=rhythm)


async def wish(office: Office, name: str = "HQ iPads", person: str = OPERATOR) -> Asked:
    async with office.database.read() as tx:
        token = await tx.tokens.named(name)
    assert token is not None
    return await office.wishes.of_token(person, token.id, origin=ORIGIN)


async def run_of(office: Office, asked: Asked) -> SyncRun:
    async with office.database.read() as tx:
        found = await tx.sync_runs.get(asked.run.id)
    assert found is not None
    return found


async def progress(office: Office) -> list[OutboxItem]:
    return await office.outbox(NoticeKind.SYNC_PROGRESS)


async def add(office: Office, *tokens: Token) -> None:
    async with office.database.write() as tx:
        for one in tokens:
            await tx.tokens.add(one)


@pytest.mark.usefixtures("token")
async def test_a_wish_is_a_row_and_a_message_before_anything_runs(office: Office) -> None:
    asked = await wish(office)
    assert not asked.already
    run = await run_of(office, asked)
    assert (run.state, run.asked_by) == (SyncState.WAITING, OPERATOR)
    (message,) = await progress(office)
    assert (message.destination, message.subject_id) == (OPERATOR, run.id)
    (entry,) = await office.entries()
    assert (entry.actor, entry.action, entry.origin) == (OPERATOR, "sync.ask", ORIGIN)
    await office.sync.run_due()
    run = await run_of(office, asked)
    assert (run.state, run.added) == (SyncState.COMPLETED, 3)


@pytest.mark.usefixtures("token")
async def test_a_wish_for_what_runs_already_shows_its_progress_and_begins_nothing(
    office: Office,
) -> None:
    first = await wish(office)
    again = await wish(office)
    office.outside.people.roles = {
        role: holders | {APPROVER} for role, holders in office.outside.people.roles.items()
    }
    other = await wish(office, person=APPROVER)
    assert (again.already, again.run.id, other.run.id) == (True, first.run.id, first.run.id)
    assert [one.destination for one in await progress(office)] == [OPERATOR, APPROVER]
    assert len(await office.entries()) == 1


@pytest.mark.usefixtures("token")
async def test_only_an_operator_may_ask(office: Office) -> None:
    with pytest.raises(NotAllowed, match="operator"):
        await wish(office, person=APPROVER)
    assert await progress(office) == []


@pytest.mark.usefixtures("token")
async def test_a_token_that_is_not_known_or_not_in_use_is_told(office: Office) -> None:
    await add(office, facts.token("Not yet"))
    with pytest.raises(Refused, match="requested"):
        await wish(office, "Not yet")
    with pytest.raises(NotFound):
        await office.wishes.of_token(OPERATOR, "0" * 32, origin=ORIGIN)


@pytest.mark.usefixtures("token")
async def test_the_whole_list_can_be_asked_for_after_the_changes(
    office: Office, listing: Listing
) -> None:
    await wish(office)
    await office.sync.run_due()
    changes = await wish(office)
    await office.sync.run_due()
    whole = await office.wishes.of_run(OPERATOR, changes.run.id, origin=ORIGIN)
    await office.sync.run_due()
    kinds = [start.kind for start in listing.starts]
    assert kinds == [SyncKind.FULL, SyncKind.DELTA, SyncKind.FULL]
    assert (await run_of(office, whole)).kind is SyncKind.FULL
    assert (await office.entries())[-1].after == {"devices": "all anew"}


@pytest.mark.usefixtures("token")
async def test_progress_is_one_message_that_is_edited_and_never_piles_up(
    office: Office, listing: Listing
) -> None:
    listing.pages = [facts.devices(3), facts.devices(6), facts.devices(9)]
    await wish(office)
    await office.sync.run_due()
    # The first message has not left: it will be drawn as things are by then.
    assert len(await progress(office)) == 1
    await office.delivery.drain()
    await wish(office)
    await office.delivery.drain()
    await office.sync.run_due()
    second, edit = (await progress(office))[1:]
    assert edit.edits == second.id
    await office.delivery.drain()
    assert all(item.state == "sent" for item in await progress(office))


@pytest.mark.usefixtures("token")
async def test_the_end_is_told_even_while_an_edit_is_on_its_way(
    office: Office, listing: Listing
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    listing.between = [reached, go_on]
    await wish(office)
    await office.delivery.drain()
    under_way = asyncio.create_task(office.sync.run_due())
    await reached.wait()
    async with office.database.write() as tx:
        (edit,) = [one for one in await facts.outbox(office.database) if one.edits]
        assert await tx.outbox.claim(edit, machine_now(), timedelta(minutes=1))
    go_on.set()
    await under_way
    first, taken, last = await progress(office)
    assert (taken.id, last.edits) == (edit.id, first.id)


@pytest.mark.usefixtures("token")
async def test_progress_is_not_told_at_every_page(database: Database, outside: Outside) -> None:
    listing = Listing(*(facts.devices(count) for count in range(1, 40)))
    office = Office(database, outside, programs={ProgramName.APPLE: listing})
    await wish(office)
    await office.delivery.drain()
    await office.sync.run_due()
    assert len(await progress(office)) == 2


@pytest.mark.usefixtures("token")
async def test_a_holders_wish_to_wait_is_kept_and_outlives_the_process(
    database: Database, second_database: Database, outside: Outside
) -> None:
    listing = Listing()
    listing.trouble = AppleError(Trouble.THROTTLED, "429", retry_after_seconds=600)
    rhythm = replace(RHYTHM, pauses=(timedelta(0),))
    apple = {ProgramName.APPLE: listing}
    office = Office(database, outside, programs=apple, rhythm=rhythm)
    asked = await wish(office)
    delay = await office.sync.run_due()
    assert delay is not None
    assert 590 < delay <= 600
    run = await run_of(office, asked)
    assert (run.state, run.tries) == (SyncState.WAITING, 1)
    assert "asks us to wait" in (run.error or "")
    later = Office(second_database, outside, programs=apple, rhythm=rhythm)
    await later.sync.run_due()
    assert len(listing.starts) == 1
    assert (await wish(later)).already
    async with database.write() as tx:
        await tx.sync_runs.change(due_at=machine_now())
    await later.sync.run_due()
    assert (await run_of(office, asked)).state is SyncState.FAILED
    # A new wish waits too: the deadline belongs to the token, not to the run.
    new = await wish(later)
    assert new.run.due_at is not None
    assert new.run.due_at - machine_now() > timedelta(seconds=580)
    outside.clock.pass_time(timedelta(days=1))
    await later.sync.run_due()
    assert len(listing.starts) == 2


@pytest.mark.usefixtures("token")
async def test_a_failure_that_passes_is_tried_again_in_the_same_run(
    database: Database, outside: Outside
) -> None:
    listing = Listing(facts.devices(2))
    listing.trouble = AppleError(Trouble.UNREACHABLE, "reset")
    rhythm = replace(RHYTHM, pauses=(timedelta(0), timedelta(seconds=60)))
    office = Office(database, outside, programs={ProgramName.APPLE: listing}, rhythm=rhythm)
    asked = await wish(office)
    await office.sync.run_due()
    run = await run_of(office, asked)
    assert (run.state, run.tries, run.fence) == (SyncState.WAITING, 2, 2)
    assert await office.outbox(NoticeKind.SYNC_RESULT) == []
    listing.trouble = None
    async with database.write() as tx:
        await tx.sync_runs.change(due_at=machine_now())
    await office.sync.run_due()
    run = await run_of(office, asked)
    assert (run.state, run.added, run.error) == (SyncState.COMPLETED, 2, None)
    assert await office.outbox(NoticeKind.SYNC_RESULT) != []


async def stop(office: Office, token: Token) -> None:
    """Its devices are removed here, as the guarded action does it."""
    async with office.database.write() as tx:
        await tx.tokens.renewed(token.id, removed_here_at=office.clock.now(), sync_due_at=None)
        await tx.devices.remove_here(token.id, office.clock.now())


async def count(office: Office, token: Token) -> int:
    async with office.database.read() as tx:
        return await tx.devices.count(token.id)


async def test_a_token_whose_devices_were_removed_here_is_synced_again_when_somebody_asks(
    office: Office, token: Token, listing: Listing
) -> None:
    await wish(office)
    await office.sync.run_due()
    await stop(office, token)
    office.clock.pass_time(timedelta(days=3))
    await office.sync.run_due()
    assert (len(listing.starts), await count(office, token)) == (1, 0)
    asked = await wish(office)
    assert asked.begins_again
    await office.sync.run_due()
    assert listing.starts[-1].kind is SyncKind.FULL
    assert (await run_of(office, asked)).added == 3
    assert await count(office, token) == 3
    entry = (await office.entries())[-1]
    assert (entry.before, entry.after["sync"]) == ({"sync": "stopped"}, "begins again")
    office.clock.pass_time(timedelta(days=1))
    await office.sync.run_due()
    assert len(listing.starts) == 3


async def test_the_command_line_begins_stopped_syncs_again_too(
    office: Office, token: Token
) -> None:
    await stop(office, token)
    run = await office.sync.run_now(token, "console:root")
    assert (run.state, run.added) == (SyncState.COMPLETED, 3)
    async with office.database.read() as tx:
        synced = await tx.tokens.get(token.id)
    assert synced is not None
    assert synced.removed_here_at is None


@pytest.mark.parametrize("how", ["deleting", "removed_here"])
async def test_a_run_stores_no_page_more_of_a_token_that_stopped_meanwhile(
    office: Office, token: Token, listing: Listing, how: str
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    listing.between = [reached, go_on]
    listing.pages = [facts.devices(3), facts.devices(9)]
    asked = await wish(office)
    under_way = asyncio.create_task(office.sync.run_due())
    await reached.wait()
    if how == "deleting":
        async with office.database.write() as tx:
            await tx.tokens.move(token.id, TokenState.ACTIVE, TokenState.DELETING)
    else:
        await stop(office, token)
    go_on.set()
    await under_way
    run = await run_of(office, asked)
    assert (run.state, run.pages) == (SyncState.FAILED, 1)
    assert await count(office, token) == (3 if how == "deleting" else 0)
    assert await office.outbox(NoticeKind.SYNC_RESULT) == []
    async with office.database.read() as tx:
        stopped = await tx.tokens.get(token.id)
    assert stopped is not None
    assert stopped.last_synced_at is None


async def test_a_sync_in_hand_does_not_end_what_somebody_began_again(
    office: Office, token: Token, listing: Listing
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    listing.between = [reached, go_on]
    await wish(office)
    under_way = asyncio.create_task(office.sync.run_due())
    await reached.wait()
    await stop(office, token)
    again = await wish(office)
    assert (again.already, again.begins_again) == (True, True)
    listing.between = []
    go_on.set()
    await under_way
    await office.sync.run_due()
    assert (await run_of(office, again)).state is SyncState.COMPLETED
    assert await count(office, token) == 3

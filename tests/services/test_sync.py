"""Claims about syncs: counts, removal, and pages that lie."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.apple.errors import AppleError, Trouble
from services.clock import machine_now
from services.programs import DevicePage, KeepPage, SyncEnd, SyncStart
from services.sync_claims import CRASHES
from services.sync_plan import JITTER, RETRY, Rhythm, list_anew
from storage.database import Database
from storage.records import SyncRun, Token
from storage.states import NoticeKind, ProgramName, SyncKind, SyncState, TokenState
from storage.sync_records import SyncPlace
from tests.sandbox.apple import faults
from tests.sandbox.apple.inventory import Op
from tests.sandbox.apple.server import Server
from tests.services.office import ALERTS, RHYTHM, Office, Outside
from tests.services.ports import START, Listing
from tests.storage import facts

EVERY = timedelta(hours=12)
FETCH = "/server/devices"
CHANGES = "/devices/sync"


async def runs(office: Office) -> list[SyncRun]:
    async with office.database.read() as tx:
        query = tx.sync_runs.select().order_by(tx.sync_runs.table.c.started_at)
        return await tx.sync_runs.all(query)


async def last(office: Office) -> SyncRun:
    return (await runs(office))[-1]


async def count(office: Office, token: Token) -> int:
    async with office.database.read() as tx:
        return await tx.devices.count(token.id)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens in another thread."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for is in another thread
            await asyncio.sleep(0.01)


async def now(office: Office, token: Token) -> Token:
    async with office.database.read() as tx:
        found = await tx.tokens.get(token.id)
    assert found is not None
    return found


async def posts(office: Office) -> int:
    return len(await office.outbox(NoticeKind.SYNC_RESULT))


async def again(office: Office) -> SyncRun:
    """The next sync, when it is due."""
    office.clock.pass_time(EVERY)
    await office.sync.run_due()
    return await last(office)


def changes(run: SyncRun) -> tuple[int, int, int]:
    return run.added, run.changed, run.removed


def syncing(database: Database, outside: Outside, listing: Listing) -> Office:
    return Office(database, outside, programs={ProgramName.APPLE: listing})


@pytest.fixture
async def token(database: Database) -> Token:
    """A token in use that is due for a sync, for a holder that only lists."""
    due = facts.token(state=TokenState.ACTIVE, sync_due_at=START)
    async with database.write() as tx:
        await tx.tokens.add(due)
    return due


LIES = {
    "no devices, but more to follow": faults.with_values(devices=[], more_to_follow=True),
    "devices that are null": faults.with_values(devices=None),
    "no cursor": faults.without("cursor"),
    "a reset": faults.reset(),
    "503": faults.throttled(None, code=503),
    "half JSON": faults.half_json(),
}


async def place(office: Office, token: Token) -> SyncPlace:
    async with office.database.read() as tx:
        found = await tx.sync_places.of(token.id)
    assert found is not None
    return found


async def serials(office: Office) -> set[str]:
    async with office.database.read() as tx:
        there = tx.devices.table.c.removed_at.is_(None)
        return {one.serial_number for one in await tx.devices.all(tx.devices.select(there))}


class TestWithApple:
    """Towards Apple's stand-in."""

    pytestmark = pytest.mark.usefixtures("online")

    @pytest.fixture
    def template(self, one_waiting: Path) -> Path:
        return one_waiting

    async def test_a_first_sync_stores_every_device_and_says_so(
        self, office: Office, active: Token, server: Server
    ) -> None:
        assigned = server.assign_devices(1001)
        await office.sync.run_due()
        run = await last(office)
        assert (run.state, run.kind, run.pages, run.seen) == (
            SyncState.COMPLETED,
            SyncKind.FULL,
            3,
            1001,
        )
        assert changes(run) == (1001, 0, 0)
        assert await serials(office) == set(assigned)
        synced = await now(office, active)
        assert synced.last_synced_at == office.clock.now()
        assert synced.sync_due_at == office.clock.now() + EVERY
        (result,) = await office.outbox(NoticeKind.SYNC_RESULT)
        assert (result.destination, result.subject_id) == (ALERTS, run.id)

    async def test_a_following_sync_reads_only_what_changed(
        self, office: Office, active: Token, server: Server
    ) -> None:
        first, second, *_ = server.assign_devices(800)
        await office.sync.run_due()
        server.unassign([first])
        server.inventory.devices[second].assigned_by = "deputy@schools.example"
        server.inventory.note(
            Op.MODIFIED, [server.inventory.devices[second]], server.organisation.now()
        )
        server.assign_devices(2)
        run = await again(office)
        assert (run.kind, run.pages, run.seen) == (SyncKind.DELTA, 1, 4)
        assert changes(run) == (2, 1, 1)
        assert await serials(office) == set(server.serials)
        office.clock.pass_time(timedelta(minutes=1))
        server.assign([first])
        assert changes(await again(office)) == (1, 0, 0)
        assert await count(office, active) == 802
        assert await posts(office) == 3
        assert len(office.apple.calls(FETCH)) == 2

    async def test_changes_of_several_pages_are_all_read(
        self, office: Office, active: Token, server: Server
    ) -> None:
        await office.sync.run_due()
        server.assign_devices(1100)
        run = await again(office)
        assert (run.kind, run.pages, run.added) == (SyncKind.DELTA, 3, 1100)
        assert await count(office, active) == 1100

    async def test_a_sync_that_changes_nothing_is_not_posted(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(2)
        await office.sync.run_due()
        before = await posts(office)
        assert changes(await again(office)) == (0, 0, 0)
        assert await posts(office) == before == 1
        assert (await now(office, active)).last_synced_at == office.clock.now()

    async def test_a_server_without_devices_is_synced_and_said_once(
        self, office: Office, active: Token
    ) -> None:
        await office.sync.run_due()
        assert (await last(office)).state is SyncState.COMPLETED
        assert await count(office, active) == 0
        await again(office)
        assert await posts(office) == 1

    async def test_a_week_after_the_full_list_everything_is_listed_anew(
        self, office: Office, active: Token, server: Server
    ) -> None:
        keep, *_ = server.assign_devices(30)
        await office.sync.run_due()
        # No sync ever names a released device: only a full list tells.
        server.release([keep])
        kinds = [(await again(office)).kind for _ in range(15)]
        assert kinds == [SyncKind.DELTA] * 13 + [SyncKind.FULL, SyncKind.DELTA]
        assert keep not in await serials(office)
        assert await count(office, active) == 29

    async def test_a_cursor_of_more_than_six_days_is_not_used(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(3)
        await office.sync.run_due()
        office.clock.pass_time(timedelta(days=6, minutes=1))
        await office.sync.run_due()
        assert (await last(office)).kind is SyncKind.FULL
        assert office.apple.calls(CHANGES) == []
        assert await count(office, active) == 3

    @pytest.mark.parametrize("code", ["EXPIRED_CURSOR", "INVALID_CURSOR", "CURSOR_REQUIRED"])
    async def test_a_cursor_that_apple_forgot_leads_to_a_full_list_in_the_same_run(
        self, office: Office, active: Token, server: Server, code: str
    ) -> None:
        first, *_ = server.assign_devices(30)
        await office.sync.run_due()
        server.release([first])
        office.apple.faults.next(CHANGES, faults.status(400, code))
        run = await again(office)
        assert (run.state, run.kind) == (SyncState.COMPLETED, SyncKind.FULL)
        assert changes(run) == (0, 0, 1)
        assert await count(office, active) == 29
        assert (await again(office)).kind is SyncKind.DELTA

    async def test_a_cursor_lost_within_a_full_list_begins_it_again_once(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(1001)
        office.apple.faults.next(FETCH, faults.status(400, "INVALID_CURSOR"), nth=3)
        await office.sync.run_due()
        run = await last(office)
        assert (run.state, run.pages, run.seen) == (SyncState.COMPLETED, 3, 1001)
        assert await count(office, active) == 1001

    async def test_a_cursor_lost_again_and_again_ends_the_run(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(1001)
        office.apple.faults.next(FETCH, faults.status(400, "INVALID_CURSOR"), nth=3, times=1)
        office.apple.faults.next(FETCH, faults.status(400, "INVALID_CURSOR"), nth=5, times=1)
        await office.sync.run_due()
        run = await last(office)
        assert run.state is SyncState.FAILED
        assert "forgot twice" in (run.error or "")
        assert (await place(office, active)).cursor is None

    async def test_a_device_several_times_in_a_page_is_as_it_was_last(
        self, office: Office, active: Token, server: Server
    ) -> None:
        moved, left, *_ = server.assign_devices(4)
        await office.sync.run_due()
        at, inventory = server.organisation.now(), server.inventory
        inventory.note(Op.DELETED, [inventory.devices[moved]], at)
        inventory.note(Op.ADDED, [inventory.devices[moved]], at + timedelta(seconds=2))
        inventory.note(Op.MODIFIED, [inventory.devices[moved]], at + timedelta(seconds=1))
        inventory.note(Op.DELETED, [inventory.devices[left]], at)
        inventory.note(Op.ADDED, [inventory.devices[left]], at)
        assert changes(await again(office)) == (0, 0, 1)
        assert await serials(office) == set(server.serials) - {left}
        assert await count(office, active) == 3

    async def test_a_device_twice_in_a_full_page_is_one(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(4)
        office.apple.faults.next(FETCH, faults.doubled_device())
        await office.sync.run_due()
        assert changes(await last(office)) == (4, 0, 0)
        assert await count(office, active) == 4

    async def test_a_device_that_cannot_be_told_is_counted_and_takes_no_other_away(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(30)
        await office.sync.run_due()
        server.release(server.serials[:1])
        office.clock.pass_time(timedelta(days=7))
        nameless = faults.Fault(
            change_page=lambda page, _: {
                **page,
                "devices": [*page["devices"], {"model": "iPad"}, {"serial_number": "X" * 65}],
            }
        )
        office.apple.faults.next(FETCH, nameless)
        run = await again(office)
        assert (run.state, run.failed, run.removed) == (SyncState.COMPLETED, 2, 0)
        assert await count(office, active) == 30
        assert await posts(office) == 2

    @pytest.mark.parametrize("lie", LIES)
    async def test_a_page_that_lies_ends_the_run_and_removes_nothing(
        self, office: Office, active: Token, server: Server, lie: str
    ) -> None:
        server.assign_devices(9)
        await office.sync.run_due()
        server.release(server.serials[:1])
        office.clock.pass_time(timedelta(days=7))
        office.apple.faults.next(FETCH, LIES[lie])
        run = await again(office)
        assert (run.state, run.removed) == (SyncState.FAILED, 0)
        assert run.error is not None
        assert "Try again in a few minutes" in run.error
        assert await count(office, active) == 9
        office.clock.pass_time(RETRY)
        await office.sync.run_due()
        assert changes(await last(office)) == (0, 0, 1)

    @pytest.mark.usefixtures("online", "active")
    async def test_a_repeated_cursor_ends_the_run(self, office: Office, server: Server) -> None:
        server.assign_devices(502)
        office.apple.faults.next(FETCH, faults.same_cursor(), nth=2)
        await office.sync.run_due()
        run = await last(office)
        assert (run.state, run.pages) == (SyncState.FAILED, 1)
        assert "comes to no proper end" in (run.error or "")
        assert len(office.apple.calls(FETCH)) == 2
        office.clock.pass_time(RETRY)
        await office.sync.run_due()
        assert (await last(office)).pages == 2

    async def test_a_repeated_cursor_of_changes_leads_to_a_full_list(
        self, office: Office, active: Token, server: Server
    ) -> None:
        await office.sync.run_due()
        server.assign_devices(5)
        office.apple.faults.next(CHANGES, faults.same_cursor())
        assert (await again(office)).state is SyncState.FAILED
        office.clock.pass_time(RETRY)
        await office.sync.run_due()
        assert (await last(office)).kind is SyncKind.FULL
        assert await count(office, active) == 5

    @pytest.mark.usefixtures("online", "active")
    async def test_a_circle_of_cursors_is_seen_however_long(self, office: Office) -> None:
        page = {"devices": [{"serial_number": "X1"}], "more_to_follow": True}
        for cursor in ("one", "two", "three", "one"):
            answer = faults.status(200, json.dumps({**page, "cursor": cursor}))
            office.apple.faults.next(FETCH, answer)
        await office.sync.run_due()
        assert (await last(office)).state is SyncState.FAILED
        assert len(office.apple.calls(FETCH)) == 4

    async def test_an_exhausted_cursor_ends_the_run_as_complete(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(4)
        office.apple.faults.next(FETCH, faults.with_values(more_to_follow=True))
        await office.sync.run_due()
        run = await last(office)
        assert (run.state, run.seen) == (SyncState.COMPLETED, 4)
        assert office.apple.calls(FETCH)[-1].code == "EXHAUSTED_CURSOR"
        assert await count(office, active) == 4
        assert (await again(office)).kind is SyncKind.DELTA

    @pytest.mark.parametrize("code", ["EXHAUSTED_CURSOR", "INVALID_CURSOR"])
    async def test_a_word_about_the_cursor_without_a_cursor_is_no_end(
        self, office: Office, active: Token, code: str
    ) -> None:
        office.apple.faults.next(FETCH, faults.status(400, code))
        await office.sync.run_due()
        assert (await last(office)).state is SyncState.FAILED
        assert (await now(office, active)).last_synced_at is None

    async def test_half_a_list_is_not_taken_for_the_whole(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(60)
        await office.sync.run_due()
        office.clock.pass_time(timedelta(days=7))
        office.apple.faults.next(FETCH, faults.half_page())
        run = await again(office)
        assert (run.state, run.removed) == (SyncState.COMPLETED, 0)
        assert await count(office, active) == 60
        (question,) = await office.outbox(NoticeKind.LOSS_QUESTION)
        assert question.destination == ALERTS

    async def test_a_session_that_ends_between_pages_is_renewed(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(502)
        office.apple.faults.next(FETCH, faults.status(401, "UNAUTHORIZED"), nth=2)
        await office.sync.run_due()
        assert (await last(office)).state is SyncState.COMPLETED
        assert await count(office, active) == 502

    async def test_the_next_page_is_asked_for_while_the_last_one_is_stored(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(1001)
        stored_when_asked: list[int] = []

        async def keep(page: DevicePage) -> None:
            # The call for the page behind this one is on its way before this one is stored.
            behind = min(3, len(stored_when_asked) + 2)
            await until(lambda: len(office.apple.calls(FETCH)) >= behind)
            stored_when_asked.append(len(page.devices))

        start = SyncStart(kind=SyncKind.FULL, cursor=None)
        assert await office.program.sync(active, start, keep) is SyncEnd.COMPLETE
        assert stored_when_asked == [500, 500, 1]

    async def test_a_renewal_in_mid_sync_starts_the_list_over(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(1001)
        office.apple.faults.next(FETCH, faults.slow(0.3), nth=2)
        under_way = asyncio.create_task(office.sync.run_due())
        await until(lambda: len(office.apple.calls(FETCH)) == 2)
        async with office.database.write() as tx:
            await list_anew(tx, active.id, office.clock.now())
        await under_way
        run = await last(office)
        assert (run.state, run.kind, run.seen, run.fence) == (
            SyncState.COMPLETED,
            SyncKind.FULL,
            1001,
            3,
        )
        assert len(office.apple.calls(FETCH)) >= 5
        assert await count(office, active) == 1001

    async def test_a_token_that_moves_to_another_server_begins_with_no_devices(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(5)
        await office.sync.run_due()
        async with office.database.write() as tx:
            await list_anew(tx, active.id, office.clock.now(), other_server=True)
        assert await count(office, active) == 0
        server.release(server.serials[:4])
        await office.sync.run_due()
        assert (await last(office)).kind is SyncKind.FULL
        assert await count(office, active) == 1
        assert await office.outbox(NoticeKind.LOSS_QUESTION) == []


async def test_removal_comes_only_after_a_complete_run(
    database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(10))
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    listing.pages, listing.trouble = [facts.devices(9)], AppleError(Trouble.UNREACHABLE, "reset")
    assert changes(await again(office)) == (0, 0, 0)
    assert await count(office, token) == 10
    listing.trouble = None
    assert changes(await again(office)) == (0, 0, 1)
    assert await count(office, token) == 9


async def test_nothing_is_removed_where_nothing_was_listed(
    database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(10))
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    listing.pages, listing.end = [], SyncEnd.NOT_OURS
    assert changes(await again(office)) == (0, 0, 0)
    assert await count(office, token) == 10


async def test_what_was_stored_before_a_failure_stays(
    database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(2), facts.devices(5))
    listing.trouble = AppleError(Trouble.UNREACHABLE, "reset")
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    run = await last(office)
    assert (run.pages, run.added) == (2, 5)
    assert await count(office, token) == 5


async def test_a_failure_is_said_once_and_tried_less_and_less_often(
    database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing()
    listing.trouble = AppleError(Trouble.UNREACHABLE, "reset")
    office = syncing(database, outside, listing)
    pauses = []
    for _ in range(8):
        await office.sync.run_due()
        due_at = (await now(office, token)).sync_due_at
        assert due_at is not None
        pauses.append((due_at - office.clock.now()) / RETRY)
        outside.clock.time = due_at
    assert pauses == [1, 2, 4, 8, 16, 32, 48, 48]
    assert await posts(office) == 1
    assert {run.state for run in await runs(office)} == {SyncState.FAILED}
    listing.trouble, listing.pages = None, [facts.devices(1)]
    await office.sync.run_due()
    assert await posts(office) == 2
    listing.trouble = AppleError(Trouble.UNREACHABLE, "reset")
    await again(office)
    assert await posts(office) == 3


async def test_a_token_that_is_not_due_is_left_alone(
    database: Database, outside: Outside, token: Token
) -> None:
    office = syncing(database, outside, Listing(facts.devices(1)))
    await office.sync.run_due()
    outside.clock.pass_time(EVERY - timedelta(seconds=1))
    await office.sync.run_due()
    assert len(await runs(office)) == 1
    assert await count(office, token) == 1


async def test_one_sync_of_a_token_runs_at_a_time_over_all_processes(
    database: Database, second_database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(3))
    first = syncing(database, outside, listing)
    second = syncing(second_database, outside, listing)
    await asyncio.gather(*(office.sync.run_due() for office in (first, second)))
    completed = [run for run in await runs(first) if run.state is SyncState.COMPLETED]
    assert len(completed) >= 1
    reached, go_on = asyncio.Event(), asyncio.Event()
    listing.between = [reached, go_on]
    outside.clock.pass_time(EVERY)
    under_way = asyncio.create_task(first.sync.run_due())
    await reached.wait()
    before = len(await runs(first))
    await second.sync.run_due()
    assert len(await runs(first)) == before
    go_on.set()
    await under_way
    assert (await last(first)).state is SyncState.COMPLETED
    assert await count(first, token) == 3


async def test_a_run_whose_lease_was_lost_stores_and_says_nothing_more(
    database: Database, second_database: Database, outside: Outside, token: Token
) -> None:
    slow = Listing(facts.devices(3), [facts.device("X0LATE")])
    reached, go_on = asyncio.Event(), asyncio.Event()
    slow.between = [reached, go_on]
    first = syncing(database, outside, slow)
    second = syncing(second_database, outside, Listing(facts.devices(5)))
    under_way = asyncio.create_task(first.sync.run_due())
    await reached.wait()
    async with database.write() as tx:
        await tx.sync_runs.change(lease_until=machine_now() - timedelta(seconds=1))
    await second.sync.run_due()
    go_on.set()
    await under_way
    (run,) = await runs(second)
    assert (run.state, run.fence, changes(run)) == (SyncState.COMPLETED, 2, (5, 0, 0))
    assert "X0LATE" not in await serials(first)
    assert await posts(first) == 1
    assert (await now(first, token)).last_synced_at == outside.clock.now()


async def test_a_run_of_a_dead_process_goes_on_where_it_was_when_its_lease_ends(
    database: Database, outside: Outside, token: Token
) -> None:
    dead = facts.sync_run(token.id, lease_until=machine_now() + timedelta(seconds=60), added=7)
    left = SyncPlace(
        token_id=token.id,
        cursor="left",
        cursor_at=START,
        generation="half",
        unfinished=True,
        listed_at=None,
        wait_until=None,
    )
    async with database.write() as tx:
        await tx.sync_runs.add(dead)
        await tx.sync_places.keep(left)
    listing = Listing(facts.devices(2))
    office = syncing(database, outside, listing)
    delay = await office.sync.run_due()
    assert await runs(office) == [dead]
    assert delay is not None
    assert 50 < delay <= 60
    async with database.write() as tx:
        await tx.sync_runs.change(lease_until=machine_now() - timedelta(seconds=1))
    await office.sync.run_due()
    assert listing.starts == [SyncStart(kind=SyncKind.FULL, cursor="left")]
    (run,) = await runs(office)
    assert (run.id, run.state, run.added, run.fence) == (dead.id, SyncState.COMPLETED, 9, 2)


async def test_a_run_that_ends_its_process_again_and_again_is_given_up(
    database: Database, outside: Outside, token: Token
) -> None:
    past = machine_now() - timedelta(seconds=1)
    async with database.write() as tx:
        await tx.sync_runs.add(facts.sync_run(token.id, lease_until=past, tries=CRASHES))
    office = syncing(database, outside, Listing(facts.devices(2)))
    await office.sync.run_due()
    (run,) = await runs(office)
    assert run.state is SyncState.FAILED
    assert "ended several times at the same place" in (run.error or "")
    assert await posts(office) == 1
    assert (await now(office, token)).sync_due_at == START + RETRY


async def test_a_lease_lives_while_the_run_does(
    database: Database, second_database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(3), facts.devices(4))
    reached, go_on = asyncio.Event(), asyncio.Event()
    listing.between = [reached, go_on]
    rhythm = replace(RHYTHM, lease=timedelta(seconds=0.6))
    apple = {ProgramName.APPLE: listing}
    first = Office(database, outside, programs=apple, rhythm=rhythm)
    second = Office(second_database, outside, programs=apple, rhythm=rhythm)
    under_way = asyncio.create_task(first.sync.run_due())
    await reached.wait()
    for _ in range(8):
        await asyncio.sleep(0.2)
        await second.sync.run_due()
    go_on.set()
    await under_way
    assert [run.fence for run in await runs(first)] == [1]
    assert await count(first, token) == 4


async def test_a_run_that_is_stopped_is_left_to_the_next_process_at_once(
    database: Database, second_database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(3), facts.devices(5))
    reached, go_on = asyncio.Event(), asyncio.Event()
    listing.between, listing.cursors = [reached, go_on], True
    first = syncing(database, outside, listing)
    under_way = asyncio.create_task(first.sync.run_due())
    await reached.wait()
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert (await last(first)).state is SyncState.WAITING
    listing.between = []
    await syncing(second_database, outside, listing).sync.run_due()
    assert listing.starts[-1] == SyncStart(kind=SyncKind.FULL, cursor="cursor-0")
    (run,) = await runs(first)
    assert (run.state, run.added) == (SyncState.COMPLETED, 5)
    assert await count(first, token) == 5


async def test_the_next_try_of_a_failed_list_goes_on_and_tells_of_the_whole(
    database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(2))
    listing.cursors, listing.trouble = True, AppleError(Trouble.UNREACHABLE, "reset")
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    listing.trouble, listing.pages = None, [facts.devices(5)[2:]]
    outside.clock.pass_time(RETRY)
    await office.sync.run_due()
    assert listing.starts[-1] == SyncStart(kind=SyncKind.FULL, cursor="cursor-0")
    run = await last(office)
    assert (run.pages, run.seen, run.added) == (2, 5, 5)
    assert await count(office, token) == 5


async def test_a_token_that_goes_out_of_use_ends_its_run_without_a_word(
    database: Database, outside: Outside, token: Token
) -> None:
    async with database.write() as tx:
        await tx.sync_runs.add(
            facts.sync_run(token.id, state=SyncState.WAITING, due_at=machine_now())
        )
        await tx.tokens.move(token.id, TokenState.ACTIVE, TokenState.DELETING)
    office = syncing(database, outside, Listing(facts.devices(2)))
    await office.sync.run_due()
    assert (await last(office)).state is SyncState.FAILED
    assert await count(office, token) == 0
    assert await posts(office) == 0


async def test_a_holder_without_cursors_is_listed_whole_each_time(
    database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(10))
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    listing.pages = [facts.devices(9)]
    assert changes(await again(office)) == (0, 0, 1)
    assert {start.kind for start in listing.starts} == {SyncKind.FULL}
    assert {start.cursor for start in listing.starts} == {None}
    assert await count(office, token) == 9


async def test_syncs_are_spread_and_never_late(
    database: Database, outside: Outside, token: Token
) -> None:
    rhythm = replace(RHYTHM, jitter=lambda: 0.5)
    office = Office(database, outside, programs={ProgramName.APPLE: Listing()}, rhythm=rhythm)
    await office.sync.run_due()
    assert (await now(office, token)).sync_due_at == START + EVERY * (1 - JITTER / 2)
    drawn = {Rhythm(every=EVERY).next_due(START) for _ in range(50)}
    assert len(drawn) > 10
    assert all(EVERY * (1 - JITTER) <= due - START <= EVERY for due in drawn)


async def test_a_slow_token_does_not_keep_another_waiting(
    database: Database, outside: Outside, token: Token
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Listing):
        async def sync(self, token: Token, start: SyncStart, keep_page: KeepPage) -> SyncEnd:
            if token.name == "HQ iPads":
                reached.set()
                await go_on.wait()
            return await super().sync(token, start, keep_page)

    office = syncing(database, outside, Slow(facts.devices(2)))
    under_way = asyncio.create_task(office.sync.run_due())
    await reached.wait()
    other = facts.token("Library", state=TokenState.ACTIVE, sync_due_at=START)
    async with database.write() as tx:
        await tx.tokens.add(other)
    async with asyncio.timeout(10):
        while await count(office, other) != 2:  # noqa: ASYNC110 - a database sends no event
            await asyncio.sleep(0.05)
    go_on.set()
    await under_way
    assert await count(office, token) == 2


async def test_one_tokens_failure_does_not_keep_another_from_its_sync(
    database: Database, outside: Outside, token: Token
) -> None:
    class Moody(Listing):
        async def sync(self, token: Token, start: SyncStart, keep_page: KeepPage) -> SyncEnd:
            if token.name == "HQ iPads":
                raise AppleError(Trouble.REVOKED, "revoked")
            return await super().sync(token, start, keep_page)

    other = facts.token("Library", state=TokenState.ACTIVE, sync_due_at=START + facts.MINUTE)
    async with database.write() as tx:
        await tx.tokens.add(other)
    outside.clock.pass_time(timedelta(hours=1))
    office = syncing(database, outside, Moody(facts.devices(2)))
    await office.sync.run_due()
    assert await count(office, other) == 2
    assert await count(office, token) == 0
    failed = next(run for run in await runs(office) if run.state is SyncState.FAILED)
    assert "revoked at Apple" in (failed.error or "")

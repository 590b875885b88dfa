"""Claims about syncs: counts, removal, and pages that lie."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from services.apple.errors import AppleError, Trouble
from services.clock import machine_now
from services.programs import KeepPage, SyncEnd
from services.sync import RETRY
from storage.database import Database
from storage.records import Device, SyncRun, Token
from storage.states import NoticeKind, ProgramName, SyncState, TokenState
from tests.sandbox.apple import faults
from tests.sandbox.apple.server import Server
from tests.services.office import ALERTS, Office, Outside
from tests.services.ports import START, Listing
from tests.storage import facts

EVERY = timedelta(hours=12)
FETCH = "/server/devices"


async def runs(office: Office) -> list[SyncRun]:
    async with office.database.read() as tx:
        query = tx.sync_runs.select().order_by(tx.sync_runs.table.c.started_at)
        return await tx.sync_runs.all(query)


async def last(office: Office) -> SyncRun:
    return (await runs(office))[-1]


async def count(office: Office, token: Token) -> int:
    async with office.database.read() as tx:
        return await tx.devices.count(token.id)


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
    "a device without a serial number": faults.with_values(devices=[{"model": "iPad"}]),
    "a reset": faults.reset(),
    "503": faults.throttled(code=503),
    "a cursor that Apple forgot": faults.status(400, "INVALID_CURSOR"),
}


class TestWithApple:
    """Towards Apple's stand-in."""

    pytestmark = pytest.mark.usefixtures("online")

    @pytest.fixture
    def template(self, one_waiting: Path) -> Path:
        return one_waiting

    async def test_a_first_sync_stores_every_device_and_says_so(
        self, office: Office, active: Token, server: Server
    ) -> None:
        serials = server.assign_devices(2001)
        await office.sync.run_due()
        run = await last(office)
        assert (run.state, run.pages, run.seen) == (SyncState.COMPLETED, 3, 2001)
        assert changes(run) == (2001, 0, 0)
        async with office.database.read() as tx:
            stored = await tx.devices.all(tx.devices.select())
        assert sorted(device.serial_number for device in stored) == sorted(serials)
        synced = await now(office, active)
        assert synced.last_synced_at == office.clock.now()
        assert synced.sync_due_at == office.clock.now() + EVERY
        (result,) = await office.outbox(NoticeKind.SYNC_RESULT)
        assert (result.destination, result.subject_id) == (ALERTS, run.id)

    async def test_a_sync_tells_what_was_added_changed_and_removed(
        self, office: Office, active: Token, server: Server
    ) -> None:
        first, second, third = server.assign_devices(3)
        await office.sync.run_due()
        server.unassign([first])
        server.inventory.devices[second].assigned_by = "deputy@schools.example"
        server.assign_devices(2)
        assert changes(await again(office)) == (2, 1, 1)
        assert await count(office, active) == 4
        server.assign([first])
        assert changes(await again(office)) == (1, 0, 0)
        assert await posts(office) == 3
        assert third in server.serials

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

    async def test_a_device_twice_in_a_page_is_one(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(4)
        office.apple.faults.next(FETCH, faults.doubled_device())
        await office.sync.run_due()
        assert changes(await last(office)) == (4, 0, 0)
        assert await count(office, active) == 4

    @pytest.mark.parametrize("lie", LIES)
    async def test_a_page_that_lies_ends_the_run_and_removes_nothing(
        self, office: Office, active: Token, server: Server, lie: str
    ) -> None:
        server.assign_devices(9)
        await office.sync.run_due()
        server.unassign(server.serials[:1])
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
        server.assign_devices(1002)
        office.apple.faults.next(FETCH, faults.same_cursor(), nth=2)
        await office.sync.run_due()
        run = await last(office)
        assert (run.state, run.pages) == (SyncState.FAILED, 1)
        assert len(office.apple.calls(FETCH)) == 2

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

    async def test_an_exhausted_cursor_without_a_cursor_is_no_end(
        self, office: Office, active: Token
    ) -> None:
        office.apple.faults.next(FETCH, faults.status(400, "EXHAUSTED_CURSOR"))
        await office.sync.run_due()
        assert (await last(office)).state is SyncState.FAILED
        assert (await now(office, active)).last_synced_at is None

    async def test_half_a_list_is_not_taken_for_the_whole(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(60)
        await office.sync.run_due()
        office.apple.faults.next(FETCH, faults.half_page())
        run = await again(office)
        assert (run.state, run.removed) == (SyncState.FAILED, 0)
        assert "30 of 60 devices are missing" in (run.error or "")
        assert await count(office, active) == 60

    async def test_a_session_that_ends_between_pages_is_renewed(
        self, office: Office, active: Token, server: Server
    ) -> None:
        server.assign_devices(1002)
        office.apple.faults.next(FETCH, faults.status(401, "UNAUTHORIZED"), nth=2)
        await office.sync.run_due()
        assert (await last(office)).state is SyncState.COMPLETED
        assert await count(office, active) == 1002


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


@pytest.mark.parametrize("end", [SyncEnd.ASKED, SyncEnd.NOT_OURS])
async def test_nothing_is_removed_where_nothing_was_listed(
    database: Database, outside: Outside, token: Token, end: SyncEnd
) -> None:
    listing = Listing(facts.devices(10))
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    listing.pages, listing.end = [], end
    assert changes(await again(office)) == (0, 0, 0)
    assert await count(office, token) == 10


@pytest.mark.parametrize(("left", "removed"), [(160, 40), (159, 0), (0, 0)])
async def test_more_than_a_fifth_is_not_removed_without_a_person(
    database: Database, outside: Outside, token: Token, left: int, removed: int
) -> None:
    listing = Listing(facts.devices(200))
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    listing.pages = [facts.devices(left)]
    run = await again(office)
    assert run.removed == removed
    assert (run.state is SyncState.FAILED) == (removed == 0)
    assert await count(office, token) == 200 - removed


async def test_what_was_stored_before_a_failure_stays(
    database: Database, outside: Outside, token: Token
) -> None:
    listing = Listing(facts.devices(2), facts.devices(5))
    listing.trouble = AppleError(Trouble.UNREACHABLE, "reset")
    office = syncing(database, outside, listing)
    await office.sync.run_due()
    run = await last(office)
    assert (run.pages, run.added, run.cursor) == (2, 5, "cursor-1")
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
    by_state = {run.state: run for run in await runs(second)}
    assert "It was started anew" in (by_state[SyncState.FAILED].error or "")
    assert changes(by_state[SyncState.COMPLETED]) == (2, 0, 0)
    async with database.read() as tx:
        stored: list[Device] = await tx.devices.all(tx.devices.select())
    assert "X0LATE" not in {device.serial_number for device in stored}
    assert await posts(first) == 1
    assert (await now(first, token)).last_synced_at == outside.clock.now()


async def test_a_run_of_a_dead_process_is_started_anew_when_its_lease_ends(
    database: Database, outside: Outside, token: Token
) -> None:
    dead = facts.sync_run(token.id, lease_until=machine_now() + timedelta(seconds=60))
    async with database.write() as tx:
        await tx.sync_runs.add(dead)
    office = syncing(database, outside, Listing(facts.devices(2)))
    await office.sync.run_due()
    assert await runs(office) == [dead]
    async with database.write() as tx:
        await tx.sync_runs.change(lease_until=machine_now() - timedelta(seconds=1))
    await office.sync.run_due()
    states = sorted(run.state for run in await runs(office))
    assert states == [SyncState.COMPLETED, SyncState.FAILED]


async def test_one_tokens_failure_does_not_keep_another_from_its_sync(
    database: Database, outside: Outside, token: Token
) -> None:
    class Moody(Listing):
        async def sync(self, token: Token, keep_page: KeepPage) -> SyncEnd:
            if token.name == "HQ iPads":
                raise AppleError(Trouble.REVOKED, "revoked")
            return await super().sync(token, keep_page)

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

"""Apple's faults by kind, call and place: once they are over, all is as if they had not been.

Each case is a sync of several pages in which one call goes wrong; the run itself tries again.
"""

import gzip
import resource
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.sync_plan import list_anew
from storage.records import Device, SyncRun, Token
from storage.states import NoticeKind, SyncKind, SyncState
from tests.sandbox.apple import faults
from tests.sandbox.apple.server import Server
from tests.services.apple_trouble import AT_SESSION, KINDS, PATIENCE
from tests.services.office import RHYTHM, Office, Outside

FULL, DELTA = "/server/devices", "/devices/sync"
SESSION = "/session"
PATIENT = replace(RHYTHM, pauses=(timedelta(0),) * 3)
PAGES = 3
MEGABYTE = 1024


PLACES = {"first": 1, "middle": 2, "last": PAGES}


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


@pytest.fixture
def office(database: object, outside: Outside, online: None) -> Office:  # noqa: ARG001 - Apple is up
    outside.http.timeout = httpx.Timeout(PATIENCE)
    outside.apple.behaviour.full_page = 10
    return Office(database, outside, rhythm=PATIENT)  # type: ignore[arg-type]


async def devices(office: Office) -> dict[str, Device]:
    async with office.database.read() as tx:
        there = tx.devices.table.c.removed_at.is_(None)
        found = await tx.devices.all(tx.devices.select(there))
    return {one.serial_number: one for one in found}


async def only_run(office: Office, nth: int) -> SyncRun:
    async with office.database.read() as tx:
        query = tx.sync_runs.select().order_by(tx.sync_runs.table.c.started_at)
        found = await tx.sync_runs.all(query)
    assert len(found) == nth
    return found[-1]


async def settle(office: Office) -> None:
    """Sync until nothing waits, however long Apple wanted us to."""
    delay = await office.sync.run_due()
    while delay is not None:
        async with office.database.write() as tx:
            # What Apple asks for is a second at most here, and is waited for by the run's due time.
            assert delay < 3
            await tx.sync_runs.change(due_at=datetime.now(UTC))
            await tx.sync_places.change(wait_until=None)
        delay = await office.sync.run_due()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_full_list_survives_a_fault_at_each_of_its_pages(
    office: Office, active: Token, server: Server, kind: str
) -> None:
    server.assign_devices(25)
    await settle(office)
    for number, (place, nth) in enumerate(PLACES.items()):
        # Released: no list of changes ever says so.
        server.release(server.serials[:1])
        server.assign_devices(2)
        async with office.database.write() as tx:
            await list_anew(tx, active.id, office.clock.now())
        office.apple.faults.next(FULL, KINDS[kind](), nth=nth)
        await settle(office)
        run = await only_run(office, number + 2)
        assert (run.state, run.kind) == (SyncState.COMPLETED, SyncKind.FULL), place
        assert (run.pages, run.seen) == (PAGES, 26 + number), place
        assert (run.added, run.changed, run.removed, run.failed) == (2, 0, 1, 0), place
        assert set(await devices(office)) == set(server.serials), place
        office.clock.pass_time(timedelta(hours=1))
    assert len(await office.outbox(NoticeKind.SYNC_RESULT)) == 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("active")
async def test_a_list_of_changes_survives_a_fault_at_each_of_its_pages(
    office: Office, server: Server, kind: str
) -> None:
    server.assign_devices(7)
    await settle(office)
    for number, (place, nth) in enumerate(PLACES.items()):
        office.clock.pass_time(timedelta(hours=12))
        server.unassign(server.serials[:1])
        server.assign_devices(25)
        office.apple.faults.next(DELTA, KINDS[kind](), nth=nth)
        await settle(office)
        run = await only_run(office, number + 2)
        assert (run.state, run.kind) == (SyncState.COMPLETED, SyncKind.DELTA), place
        assert (run.pages, run.seen) == (PAGES, 26), place
        assert (run.added, run.changed, run.removed, run.failed) == (25, 0, 1, 0), place
        assert set(await devices(office)) == set(server.serials), place


@pytest.mark.parametrize("kind", AT_SESSION)
@pytest.mark.usefixtures("active")
async def test_a_session_that_is_hard_to_get_costs_nothing(
    office: Office, server: Server, kind: str
) -> None:
    server.assign_devices(15)
    office.apple.sessions.end_all()
    office.apple.faults.next(SESSION, AT_SESSION[kind]())
    await settle(office)
    run = await only_run(office, 1)
    assert (run.state, run.added) == (SyncState.COMPLETED, 15)


@pytest.mark.usefixtures("active")
async def test_a_fault_that_stays_ends_the_run_and_leaves_what_was_known(
    office: Office, server: Server
) -> None:
    server.assign_devices(25)
    office.apple.faults.next(FULL, faults.status(500), nth=2, times=9)
    await settle(office)
    run = await only_run(office, 1)
    assert (run.state, run.pages) == (SyncState.FAILED, 1)
    assert len(await devices(office)) == 10
    office.apple.faults.clear()
    office.clock.pass_time(timedelta(minutes=15))
    await settle(office)
    run = await only_run(office, 2)
    assert (run.state, run.added) == (SyncState.COMPLETED, 25)
    assert set(await devices(office)) == set(server.serials)
    # It failed once, it came to its end once: nothing else is said.
    assert len(await office.outbox(NoticeKind.SYNC_RESULT)) == 2


@pytest.mark.usefixtures("active")
async def test_a_bomb_is_opened_in_steps_and_refused_within_bounds(
    office: Office, server: Server
) -> None:
    server.assign_devices(5)
    bomb = faults.gzip_bomb(1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    office.apple.faults.next(FULL, bomb)
    await settle(office)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * MEGABYTE
    assert len(await devices(office)) == 5


@pytest.mark.usefixtures("active")
async def test_an_answer_that_is_packed_is_read(office: Office, server: Server) -> None:
    server.assign_devices(5)
    packing = faults.Fault(
        change=lambda real: replace(real, body=gzip.compress(real.body)).with_header(
            "Content-Encoding", "gzip"
        )
    )
    office.apple.faults.next(FULL, packing)
    await settle(office)
    assert len(await devices(office)) == 5
    assert (await only_run(office, 1)).tries == 0


@pytest.mark.usefixtures("active")
async def test_a_wild_wish_to_wait_is_bounded_by_a_day(office: Office) -> None:
    office.apple.faults.next(FULL, faults.throttled(10**9))
    delay = await office.sync.run_due()
    assert delay is not None
    assert delay <= 24 * 3600
    far = datetime(9999, 1, 1, tzinfo=UTC)
    async with office.database.write() as tx:
        await tx.sync_runs.change(due_at=datetime.now(UTC))
    office.apple.faults.next(FULL, faults.throttled(far))
    delay = await office.sync.run_due()
    assert delay is not None
    assert 23 * 3600 < delay <= 24 * 3600

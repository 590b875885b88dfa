"""Cut off at any await and begun again, each work ends as if nothing had cut it off.

Decisions, proofs, syncs and deliveries are cancelled at their first await, then at their second,
and so on to their last; each time in a database of its own, which is then worked off.
"""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.clock import machine_now
from storage.database import Database
from storage.records import Request, Token
from storage.states import TokenState, Verdict
from tests.sandbox.apple.server import Server
from tests.services.cancelling import Job, cancelled_at
from tests.services.office import ALERTS, RHYTHM, Office, click
from tests.services.ports import APPROVER, OPERATOR
from tests.storage import facts

pytestmark = pytest.mark.usefixtures("online")

FACTS = (
    "SELECT name, state, health, expires_at, server_uuid, last_synced_at FROM token",
    "SELECT action, state, failure FROM request",
    "SELECT verdict, state, refusal FROM decision",
    "SELECT state, reason, content IS NULL FROM upload",
    "SELECT state, private_key IS NULL FROM key_pair",
    "SELECT count(*) FROM credentials",
    "SELECT serial_number, profile_status, removed_at IS NULL FROM device",
    "SELECT kind, destination, state, subject_id IS NULL FROM outbox",
    "SELECT number, action, actor FROM audit_entry",
    "SELECT state, kind, pages, seen, added, changed, removed FROM sync_run",
    "SELECT unfinished FROM sync_place",
)
REQUESTS, UPLOADS, DEVICES = 1, 3, 6
PAST = timedelta(minutes=2)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own in it
"""Where writing takes no time."""
EVERY = int(os.environ.get("CANCELLED_EVERY", "15"))
"""Of that many awaits one is tried, another one each time; 1 tries them all."""
Work = Callable[[Office], Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one work ended."""

    facts: list[list[tuple[object, ...]]]
    posted: set[int]
    copies: int
    """Posts of a message that was posted before."""
    repeats: int
    """How many of them the messages were counted and marked for."""
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """At how many awaits it was cut off, and how it ends if it is not."""

    awaits: int
    whole: End


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


def facts_in(path: str) -> list[list[tuple[object, ...]]]:
    """What the database says, but for ids, keys and the machine's time."""
    with closing(sqlite3.connect(path)) as plain:
        return [sorted(plain.execute(query), key=repr) for query in FACTS]


async def nothing_but_the_end(office: Office, path: Path, work: Work) -> Ends:
    """Cut the work off at each of its awaits, and compare with what it does when it is not."""
    await office.database.close()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with TemporaryDirectory(dir=MEMORY) as folder:
        whole = await _worked_off(office, shutil.copy(path, folder), work, at=0)
        for number in count(1 + random.randrange(EVERY), EVERY):  # noqa: S311 - no secret
            end = await _worked_off(office, shutil.copy(path, folder), work, at=number)
            assert end.facts == whole.facts, f"cut off at await {number}"
            assert end.posted == whole.posted, f"cut off at await {number}"
            assert end.copies <= end.repeats, f"cut off at await {number}"
            if not end.cut:
                print(f"cut off at one of {EVERY} of {number} awaits")  # noqa: T201 - shown with -s
                return Ends(awaits=number, whole=whole)
    raise AssertionError("it never ends")


async def _worked_off(office: Office, path: str, work: Work, *, at: int) -> End:
    database = Database(f"sqlite+aiosqlite:///{path}")
    outside = office.outside
    outside.pinboard.posted.clear()
    one = Office(database, outside, rhythm=RHYTHM)
    cut = at > 0 and await cancelled_at(at, work(one))
    await leases_end(database)
    await work(one)
    items = await facts.outbox(database)
    await database.close()
    posted = [item.id for item, _ in outside.pinboard.posted]
    return End(
        facts=facts_in(path),
        posted=set(posted),
        copies=len(posted) - len(set(posted)),
        repeats=sum(item.repeats for item in items),
        cut=cut,
    )


async def leases_end(database: Database) -> None:
    """As if the time had passed for which somebody who is gone holds things."""
    past = machine_now() - PAST
    async with database.write() as tx:
        await tx.uploads.change(tx.uploads.table.c.ended_at.is_(None), due_at=past)
        await tx.sync_runs.change(tx.sync_runs.table.c.ended_at.is_(None), lease_until=past)
        await tx.outbox.change(lease_until=past)


async def test_a_decision_that_is_cut_off_anywhere_is_made_once(office: Office, path: Path) -> None:
    request = await office.ask("Lab iPads")
    await office.decisions.record(click(request, APPROVER, Verdict.APPROVE, key="click"))
    ends = await nothing_but_the_end(office, path, lambda one: one.decisions.finish_recorded())
    assert ("create", "approved", None) in ends.whole.facts[REQUESTS]
    assert ends.awaits > 10


async def test_a_proof_that_is_cut_off_anywhere_takes_effect_whole_and_once(
    office: Office, path: Path, waiting: Request, server: Server
) -> None:
    await office.submit(waiting, server.download_token().content)
    ends = await nothing_but_the_end(office, path, lambda one: one.proving.finish_due())
    assert ends.whole.facts[UPLOADS] == [("accepted", None, 1)]
    assert ends.awaits > 20


async def test_a_sync_that_is_cut_off_anywhere_has_every_device_and_counts_each_once(
    office: Office, path: Path, active: Token, server: Server
) -> None:
    assert active.state is TokenState.ACTIVE
    office.apple.behaviour.full_page = 10
    server.assign_devices(15)
    ends = await nothing_but_the_end(office, path, lambda one: one.sync.run_due())
    assert ends.awaits > 20
    assert len(ends.whole.facts[DEVICES]) == 15


async def test_a_delivery_that_is_cut_off_anywhere_posts_each_message_once(
    office: Office, path: Path
) -> None:
    await office.delivery.drain()
    notices = [facts.notice(ALERTS), facts.notice(OPERATOR), facts.notice(ALERTS)]
    await facts.put(office.database, *notices)
    ends = await nothing_but_the_end(office, path, lambda one: one.delivery.drain())
    assert ends.awaits > 20
    assert len(ends.whole.posted) >= len(notices)


async def test_a_deletion_that_is_cut_off_anywhere_is_done_once(
    office: Office, path: Path, active: Token
) -> None:
    request = await office.delete(active)
    await office.click(request)
    ends = await nothing_but_the_end(office, path, lambda one: one.deletions.carry_out_approved())
    assert ("delete", "completed", None) in ends.whole.facts[REQUESTS]
    assert ends.awaits > 20

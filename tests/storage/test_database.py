"""Claims about transactions: durable, whole, and no update lost."""

import asyncio
import itertools
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from storage.database import BUSY_MS, Database, DatabaseBusy, DatabaseReadOnly, StorageError
from tests.services.cancelling import cancelled_at
from tests.storage import facts

ROOT = Path(__file__).parents[2]
PROCESSES = 4
TIMES = 50


async def test_every_pragma_is_in_force(database: Database) -> None:
    assert await database.pragmas() == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": BUSY_MS,
    }


async def test_the_reader_keeps_the_same_pragmas(database: Database) -> None:
    async with database.reader.connect() as connection:
        for name, value in (await database.pragmas()).items():
            found = await connection.execute(text(f"PRAGMA {name}"))
            assert (name, found.scalar_one()) == (name, value)


async def test_a_write_waits_less_than_slack_does() -> None:
    assert BUSY_MS < 3000


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "postgresql+asyncpg://db.example/enroll-token"]
)
async def test_a_url_that_is_no_file_is_refused(url: str) -> None:
    with pytest.raises(StorageError, match="must be a file of the form sqlite"):
        Database(url)


async def test_the_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseReadOnly):
        async with database.read() as tx:
            await tx.tokens.add(facts.token())


async def test_an_error_leaves_nothing_of_the_transaction(database: Database) -> None:
    token = facts.token()

    async def half() -> None:
        async with database.write() as tx:
            await tx.tokens.add(token)
            await tx.requests.add(facts.request(token.id))
            await tx.outbox.put(facts.notice(), facts.NOON)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await half()
    async with database.read() as tx:
        assert await tx.tokens.get(token.id) is None
        assert await tx.requests.latest_of(token.id) is None
        assert await tx.outbox.depth() == 0


async def test_a_failing_statement_leaves_nothing_of_the_statements_before(
    database: Database,
) -> None:
    token = facts.token()

    async def twice() -> None:
        async with database.write() as tx:
            await tx.tokens.add(token)
            await tx.tokens.add(token)

    with pytest.raises(IntegrityError):
        await twice()
    async with database.read() as tx:
        assert await tx.tokens.living() == []


async def test_a_write_is_durable_once_its_block_ends(database: Database, path: Path) -> None:
    async with database.write() as tx:
        await tx.tokens.add(facts.token())
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT count(*) FROM token").fetchone() == (1,)


async def test_a_row_must_refer_to_rows_that_exist(database: Database) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with database.write() as tx:
            await tx.requests.add(facts.request("nobody"))


async def test_a_second_write_waits_for_the_first_before_it_reads(
    database: Database, second_database: Database
) -> None:
    token = facts.token(server_name="0")
    async with database.write() as tx:
        await tx.tokens.add(token)
    began = asyncio.Event()

    async def slowly() -> None:
        async with database.write() as tx:
            began.set()
            await asyncio.sleep(0.1)
            await tx.tokens.change(tx.tokens.table.c.id == token.id, server_name="1")

    async def meanwhile() -> str:
        await began.wait()
        async with second_database.write() as tx:
            found = await tx.tokens.get(token.id)
            return found.server_name if found else ""

    _, seen = await asyncio.gather(slowly(), meanwhile())
    assert seen == "1"


async def test_a_write_that_waits_too_long_says_that_the_database_is_busy(
    database: Database, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy, match="Try again in a moment"):
            async with database.write():
                raise AssertionError("it must not begin")
        other.execute("ROLLBACK")
    async with database.write() as tx:
        await tx.tokens.add(facts.token())


async def test_reading_goes_on_while_another_process_writes(database: Database, path: Path) -> None:
    async with database.write() as tx:
        await tx.tokens.add(facts.token())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM token")
        async with database.read() as tx:
            assert len(await tx.tokens.living()) == 1
        other.execute("ROLLBACK")


async def test_a_read_is_one_view_throughout(database: Database, second_database: Database) -> None:
    async with database.read() as tx:
        assert await tx.tokens.living() == []
        async with second_database.write() as other:
            await other.tokens.add(facts.token())
        assert await tx.tokens.living() == []
    async with database.read() as tx:
        assert len(await tx.tokens.living()) == 1


async def test_no_update_of_several_processes_is_lost(database: Database, path: Path) -> None:
    token = facts.token(server_name="0")
    async with database.write() as tx:
        await tx.tokens.add(token)
    counting = ["-m", "tests.storage.counting", str(path), token.id, str(TIMES)]
    started = [
        await asyncio.create_subprocess_exec(sys.executable, *counting, cwd=ROOT)
        for _ in range(PROCESSES)
    ]
    assert [await process.wait() for process in started] == [0] * PROCESSES
    async with database.read() as tx:
        counted = await tx.tokens.get(token.id)
    assert counted is not None
    assert counted.server_name == str(PROCESSES * TIMES)


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 3, 2)  # noqa: DTZ001 - that is the claim
    with pytest.raises(StatementError, match="a time without a zone"):
        async with database.write() as tx:
            await tx.tokens.add(facts.token(created_at=naive))


async def test_a_time_of_another_zone_comes_back_in_utc(database: Database) -> None:
    there = timezone(timedelta(hours=-7))
    token = facts.token(created_at=datetime(2026, 3, 2, 9, 30, tzinfo=there))
    async with database.write() as tx:
        await tx.tokens.add(token)
    async with database.read() as tx:
        found = await tx.tokens.get(token.id)
    assert found is not None
    assert found.created_at == datetime(2026, 3, 2, 16, 30, tzinfo=UTC)
    assert found.created_at.tzinfo is UTC


async def test_an_unknown_state_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="'asleep' is not a valid TokenState"):
        async with database.write() as tx:
            await tx.tokens.add(facts.token(state="asleep"))


async def test_a_state_that_somebody_wrote_by_hand_is_not_taken_for_another(
    database: Database, path: Path
) -> None:
    async with database.write() as tx:
        await tx.tokens.add(facts.token())
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("UPDATE token SET state = 'asleep'")
        plain.commit()
    with pytest.raises(ValueError, match="asleep"):
        async with database.read() as tx:
            await tx.tokens.living()


async def test_whoever_waits_for_due_rows_is_told_of_writes_that_succeed(
    database: Database,
) -> None:
    told: list[str] = []
    database.on_commit = lambda: told.append("now")
    async with database.write() as tx:
        await tx.tokens.add(facts.token())
    assert told == ["now"]
    async with database.write(quiet=True) as tx:
        await tx.tokens.add(facts.token("Another"))
    with pytest.raises(IntegrityError):
        async with database.write() as tx:
            await tx.tokens.add(facts.token("Another"))
    assert told == ["now"]


async def test_a_statement_that_is_cut_off_within_a_write_lets_go_of_every_lock(
    database: Database, path: Path
) -> None:
    async with database.write() as tx:
        for number in range(50):
            await tx.tokens.add(facts.token(f"Token {number}"))

    async def look_and_write() -> None:
        async with database.write() as tx:
            found = await tx.tokens.living()
            await tx.outbox.put(facts.notice(subject_id=found[0].id), facts.NOON)
            await tx.tokens.living()

    for number in itertools.count(1):
        came = await cancelled_at(number, look_and_write())
        # Another process writes at once, whether or not anybody has collected garbage here.
        with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        if not came:
            break
    assert number > 20

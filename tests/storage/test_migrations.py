"""Claims about the schema and how it comes about."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from storage import tables
from storage.database import Database, StorageError
from storage.migrations import migrate, newest, revision

ROOT = Path(__file__).parents[2]


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, tables.metadata))


def schema(path: Path) -> dict[str, object]:
    """Everything SQLite knows of the schema, but for how the tables' text is laid out."""
    with closing(sqlite3.connect(path)) as plain:
        rows = plain.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        found: dict[str, object] = {}
        for kind, name, _, sql in rows:
            if kind == "index":
                found[f"index {name}"] = sql
            elif name not in {"alembic_version", "sqlite_sequence"}:
                found[f"table {name}"] = [
                    # Columns that came later stand last, and nothing asks for their order.
                    sorted(row[1:] for row in plain.execute(f"PRAGMA table_info({name})")),
                    sorted(row[2:] for row in plain.execute(f"PRAGMA foreign_key_list({name})")),
                    "AUTOINCREMENT" in sql,
                ]
        return {name: facts for name, facts in found.items() if "alembic" not in name}


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.migrating", *arguments, cwd=ROOT
    )


async def test_migrations_equal_the_tables(database: Database) -> None:
    async with database.writer.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations_make_the_very_indexes_and_columns_of_the_tables(
    path: Path, tmp_path: Path
) -> None:
    fresh = tmp_path / "created.db"
    engine = create_engine(f"sqlite:///{fresh}")
    tables.metadata.create_all(engine)
    engine.dispose()
    assert schema(path) == schema(fresh)


async def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "deeper" / "new.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    assert await migrate(database) == newest()
    before = schema(path)
    assert await migrate(database) == newest()
    assert await revision(database) == newest()
    assert schema(path) == before
    await database.close()


async def test_a_newer_schema_is_refused_by_its_name(database: Database, path: Path) -> None:
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
        plain.commit()
    with pytest.raises(StorageError, match=f"schema 9999, .*up to {newest()}"):
        await migrate(database)
    assert await revision(database) == "9999"


async def test_databases_of_two_starts_at_once_are_migrated_once(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    databases = [Database(f"sqlite+aiosqlite:///{path}") for _ in range(4)]
    assert await asyncio.gather(*map(migrate, databases)) == [newest()] * 4
    for database in databases:
        await database.close()


async def test_processes_may_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    started = [await start(str(path)) for _ in range(2)]
    assert [await process.wait() for process in started] == [0, 0]
    database = Database(f"sqlite+aiosqlite:///{path}")
    assert await revision(database) == newest()
    await database.close()


async def test_a_kill_during_a_migration_leaves_the_old_schema(tmp_path: Path) -> None:
    moments = ["9", "commit"]
    paths = [tmp_path / f"{moment}.db" for moment in moments]
    for path in paths:
        with closing(sqlite3.connect(path)) as plain:
            plain.execute("CREATE TABLE kept (fact TEXT)")
            plain.commit()
    killed = [await start(str(path), m) for path, m in zip(paths, moments, strict=True)]
    assert [await process.wait() for process in killed] == [-9] * len(moments)
    for path in paths:
        assert list(schema(path)) == ["table kept"]
        database = Database(f"sqlite+aiosqlite:///{path}")
        assert await revision(database) is None
        assert await migrate(database) == newest()
        async with database.writer.connect() as connection:
            left = await connection.run_sync(differences)
        assert [str(change).split("'")[1] for change in left] == ["remove_table"]
        await database.close()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/taken/new.db")
    with pytest.raises(StorageError, match="Set DATABASE_URL"):
        await migrate(database)
    await database.close()

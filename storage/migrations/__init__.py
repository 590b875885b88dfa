"""The schema's history, one revision a step; applied at start under SQLite's own write lock.

All steps of one start run in one transaction, so that a crash in the middle leaves the schema as
it was. A schema that a newer release made is refused.
"""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage.database import Database, DatabaseBusy, StorageError, plain_errors

LOCK_SECONDS = 10
"""So long a start waits for another process that migrates."""
_HERE = Path(__file__).parent


async def migrate(database: Database) -> str:
    """Bring the schema up to this release; returns its revision.

    Raises StorageError if a newer release made it, or if the file cannot be opened.
    """
    try:
        database.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder of the database cannot be made: {error.strerror}. Set DATABASE_URL."
        ) from error
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            with plain_errors():
                async with database.writer.begin() as connection:
                    return await connection.run_sync(_upgrade)
        except DatabaseBusy:
            # Another process migrates; each try has waited for it already.
            if time.monotonic() > until:
                raise


async def revision(database: Database) -> str | None:
    """The schema's revision now, None before the first migration."""
    with plain_errors():
        async with database.reader.connect() as connection:
            return await connection.run_sync(
                lambda plain: MigrationContext.configure(plain).get_current_revision()
            )


async def require_newest(database: Database) -> None:
    """Raise StorageError unless the database is there and has this release's schema."""
    if not database.path.is_file():
        raise StorageError(
            f"There is no database at {database.path} yet. Look at DATABASE_URL and the working "
            "folder, or run enroll-token migrate."
        )
    found = await revision(database)
    if found != newest():
        raise StorageError(
            f"The database has schema {found or 'none'}, this release has {newest()}. Run "
            "enroll-token migrate."
        )


def newest() -> str:
    """The revision that this release works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _upgrade(connection: Connection) -> str:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StorageError(
            f"The database has schema {current}, made by a newer release; this one knows up to "
            f"{newest()}. Start the release that made it, or a newer one."
        )
    if current != newest():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return newest()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config

"""A migrated database in a file of its own; what both need is made once and copied."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrations import migrate


@pytest.fixture
async def path(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema and no rows."""
    template = tmp_path_factory.getbasetemp() / "newest-schema.db"
    if not template.exists():
        database = Database(f"sqlite+aiosqlite:///{template}")
        await migrate(database)
        await database.close()
    return Path(shutil.copy(template, tmp_path / "enroll-token.db"))


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture
async def second_database(path: Path) -> AsyncIterator[Database]:
    """The same file, as another process opens it."""
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()

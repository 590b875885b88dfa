"""A database on a disk of 8 MiB that runs full, and is then mounted read-only.

`python -m tests.storage.on_a_small_disk FOLDER`, inside a mount namespace of its own whose FOLDER
is such a disk. With `rights` behind it: only the file loses its right to be written, which takes
a user who is not root. Prints what happened, as JSON.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from storage.database import Database, StorageError
from storage.migrations import migrate
from tests.storage import facts

BALLAST = 5_500_000


async def main(folder: Path) -> dict[str, object]:
    """Write until nothing more goes, make room, write again, lose the right to write."""
    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * BALLAST)
    database = Database(f"sqlite+aiosqlite:///{folder / 'facts.db'}")
    await migrate(database)
    kept, full = await _write(database, 5_000)
    readable = await _count(database)
    ballast.unlink()
    more, after = await _write(database, 20)
    # A disk turns read-only only while nobody has a file open on it for writing.
    await database.close()
    _mount("remount,ro", folder)
    none, read_only = await _write(database, 1)
    await database.close()
    _mount("remount,rw", folder)
    last, again = await _write(database, 1)
    found = await _count(database)
    await database.close()
    return {
        "full": full,
        "kept": kept,
        "readable_when_full": readable,
        "more": more,
        "after_making_room": after,
        "read_only": read_only,
        "none": none,
        "last": last,
        "again": again,
        "found": found,
        "whole": _check(folder / "facts.db"),
    }


async def without_rights(folder: Path) -> dict[str, object]:
    """Take the right to write from the file, and give it back."""
    path = folder / "facts.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await migrate(database)
    await _write(database, 3)
    await database.close()
    path.chmod(0o400)
    none, read_only = await _write(database, 1)
    readable = await _count(database)
    # What SQLite laid beside the file meanwhile has the file's rights.
    _allow_writing(folder)
    await database.close()
    last, again = await _write(database, 1)
    await database.close()
    return {
        "read_only": read_only,
        "none": none,
        "readable": readable,
        "last": last,
        "again": again,
    }


async def _write(database: Database, number: int) -> tuple[int, str]:
    """Write so many messages, one a transaction; how many went, and what stopped it."""
    for one in range(number):
        try:
            async with database.write() as tx:
                await tx.outbox.put(facts.notice(facts={"text": "x" * 2_000}), facts.NOON)
        except StorageError as error:
            return one, f"{type(error).__name__}: {error}"
    return number, ""


async def _count(database: Database) -> int:
    async with database.read() as tx:
        return await tx.outbox.depth()


def _allow_writing(folder: Path) -> None:
    for one in folder.iterdir():
        one.chmod(0o600)


def _mount(options: str, folder: Path) -> None:
    subprocess.run(["mount", "-o", options, str(folder)], check=True)


def _check(path: Path) -> str:
    with closing(sqlite3.connect(path)) as plain:
        return str(plain.execute("PRAGMA integrity_check").fetchone()[0])


if __name__ == "__main__":
    tried = without_rights if sys.argv[2:] == ["rights"] else main
    sys.stdout.write(json.dumps(asyncio.run(tried(Path(sys.argv[1])))))

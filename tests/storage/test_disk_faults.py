"""A disk that is full or read-only changes nothing, is said in words, and is no end."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrations import migrate
from storage.records import new_id
from tests.storage import facts

ROOT = Path(__file__).parents[2]
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
NOT_ROOT = ["unshare", "--user", "--map-user=1000"]


def told(*command: str) -> dict[str, object]:
    """What the other process printed; skipped where this machine allows no such namespace."""
    namespace = list(command[: command.index("sh")])
    try:
        allowed = subprocess.run([*namespace, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare command")
    if allowed.returncode:
        pytest.skip("this machine allows no namespace")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What happened on a small disk."""
    folder = tmp_path_factory.mktemp("disk")
    disk = "mount -t tmpfs -o size=8m disk {0} && exec {1} -m tests.storage.on_a_small_disk {0}"
    return told(*NAMESPACE, "sh", "-c", disk.format(folder, sys.executable))


def test_a_full_disk_is_said_in_words_and_what_was_written_stays(seen: dict[str, object]) -> None:
    assert seen["full"] == (
        "DatabaseFull: The disk of the database is full. Nothing was changed. Tell your admin: it "
        "needs room."
    )
    assert seen["kept"] == seen["readable_when_full"]
    assert int(str(seen["kept"])) > 10


def test_it_goes_on_by_itself_once_there_is_room(seen: dict[str, object]) -> None:
    assert (seen["more"], seen["after_making_room"]) == (20, "")


def test_a_read_only_disk_is_said_in_words(seen: dict[str, object]) -> None:
    assert seen["none"] == 0
    assert seen["read_only"] == (
        "StorageError: The database cannot be opened: look at DATABASE_URL, its folder and its "
        "rights."
    )


def test_it_goes_on_by_itself_once_it_may_write(seen: dict[str, object]) -> None:
    assert (seen["last"], seen["again"]) == (1, "")
    assert seen["found"] == int(str(seen["kept"])) + 21
    assert seen["whole"] == "ok"


def test_a_file_without_the_right_to_write_is_said_in_words_and_reading_goes_on(
    tmp_path: Path,
) -> None:
    script = f"exec {sys.executable} -m tests.storage.on_a_small_disk {tmp_path} rights"
    found = told(*NOT_ROOT, "sh", "-c", script)
    assert str(found["read_only"]).startswith("DatabaseReadOnly: The database can be read and not")
    assert (found["none"], found["readable"]) == (0, 3)
    assert (found["last"], found["again"]) == (1, "")


async def test_a_write_that_is_cancelled_anywhere_is_whole_or_not_there(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'facts.db'}")
    await migrate(database)

    async def both() -> None:
        token = facts.token(new_id())
        async with database.write() as tx:
            await tx.tokens.add(token)
            await tx.outbox.put(facts.notice(subject_id=token.id), facts.NOON)

    for steps in range(60):
        task = asyncio.create_task(both())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await both()
    async with database.read() as tx:
        tokens = {token.id for token in await tx.tokens.living()}
        items = {item.subject_id for item in await tx.outbox.all(tx.outbox.select())}
    assert tokens == items
    await database.close()

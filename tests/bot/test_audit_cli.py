"""`audit` and `list` as people start them: without Slack, and with a database of any kind."""

import asyncio
import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.cli import run
from services.audit import AuditLog, Deed
from services.request_deeds import SERVICE
from services.sealing import new_key, parse_keys
from storage.database import Database
from storage.migrations import migrate
from storage.states import Health, TokenState
from tests.bot.served import only
from tests.sandbox.deployment import MANIFEST
from tests.services.ports import MovedClock
from tests.storage import facts

KEY = new_key("k1")
ENTRIES = 600
"""More than one chunk, and more than a pipe takes at once."""
IN_USE = datetime.now(UTC) + timedelta(days=40)


@dataclass(frozen=True, kw_only=True)
class Console:
    """A working folder with a database, and the command in it."""

    folder: Path
    settings: pytest.MonkeyPatch
    output: pytest.CaptureFixture[str]

    @property
    def path(self) -> Path:
        return self.folder / "data" / "enroll-token.db"

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """The command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(MANIFEST.parent),
                "ENCRYPTION_KEYS": KEY,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, key: str = KEY) -> tuple[int, str, str]:
        """The command in this process, which is faster: exit code, output, errors."""
        only(self.settings, self.folder, {"ENCRYPTION_KEYS": key})
        code = run(arguments)
        out, err = self.output.readouterr()
        return code, out, err

    def refused(self, *arguments: str, key: str = KEY) -> str:
        """It ends with 1 and one sentence."""
        code, out, err = self.run(*arguments, key=key)
        assert (code, out) == (1, "")
        assert err.startswith("enroll-token: ")
        assert err.count("\n") == 1, err
        return err

    def written(self, *arguments: str) -> str:
        """It ends with 0, and this is its output."""
        code, out, err = self.run(*arguments)
        assert (code, err) == (0, "")
        return out

    def tamper(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as plain:
            plain.execute(statement)
            plain.commit()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A folder whose database has tokens and a log."""
    folder = tmp_path_factory.mktemp("filled")
    database = Database(f"sqlite+aiosqlite:///{folder}/data/enroll-token.db")
    await migrate(database)
    log = AuditLog(parse_keys((KEY,)), MovedClock())
    async with database.write() as tx:
        await tx.tokens.add(
            facts.token(id="a" * 32, state=TokenState.ACTIVE, health=Health.OK, expires_at=IN_USE)
        )
        await tx.tokens.add(facts.token("=東京", id="b" * 32))
        await tx.tokens.add(facts.token("Gone", id="c" * 32, state=TokenState.DELETED))
        for number in range(ENTRIES):
            await log.append(tx, deed(number))
    await database.close()
    yield folder


def deed(number: int) -> Deed:
    return Deed(
        actor="=cmd()" if number == 1 else SERVICE,
        action="request.create",
        subject=f"request:{number}",
        token_id=("a" * 32, "b" * 32, None)[number % 3],
        origin="view:V1",
        after={"reason": "x" * 100},
    )


@pytest.fixture
def console(
    filled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Console]:
    """For reading: the folder that all share."""
    mask = os.umask(0o022)
    yield Console(folder=filled, settings=monkeypatch, output=capsys)
    os.umask(mask)


@pytest.fixture
def own(console: Console, tmp_path: Path) -> Console:
    """For changing: a copy."""
    shutil.copytree(console.folder / "data", tmp_path / "data")
    return replace(console, folder=tmp_path)


def test_a_chain_that_holds_is_told_with_its_length_and_its_head(console: Console) -> None:
    length, head = console.written("audit", "verify").splitlines()
    assert length == "600 entries, the chain holds."
    assert head.startswith("Head to note elsewhere: 600:")


def test_a_noted_head_is_looked_for_in_the_chain(console: Console) -> None:
    noted = console.written("audit", "verify").split()[-1]
    told = console.written("audit", "verify", "--head", noted)
    assert told.startswith("600 entries, the chain holds. It goes through the noted entry 600.\n")
    other = f"600:{'0' * 64}"
    assert "Entry 600 is not the one" in console.refused("audit", "verify", "--head", other)
    later = f"601:{'0' * 64}"
    assert "ends at entry 600, before" in console.refused("audit", "verify", "--head", later)


def test_a_head_of_another_form_is_wrong_use(console: Console) -> None:
    with pytest.raises(SystemExit, match="2"):
        console.run("audit", "verify", "--head", "600")
    assert "not of the form NUMBER:HASH" in console.output.readouterr().err


def test_a_process_of_its_own_ends_with_1_and_names_the_changed_row(own: Console) -> None:
    own.tamper("UPDATE audit_entry SET action = 'request.decline' WHERE number = 550")
    with own.start("audit", "verify") as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, b"")
    assert err == b"enroll-token: Entry 550 was changed.\n"


TAMPERED = {
    "UPDATE audit_entry SET actor = 'U9' WHERE number = 550": "Entry 550 was changed.",
    "DELETE FROM audit_entry WHERE number = 550": "Entry 550 is missing.",
    "DELETE FROM audit_entry WHERE number > 520": "The log ends at entry 520",
    "UPDATE audit_entry SET after = 'no json' WHERE number = 550": "Entry 550 was changed",
    "UPDATE audit_entry SET at = 'noon' WHERE number = 1": "Entry 1 was changed",
    "UPDATE audit_entry SET actor = x'00' WHERE number = 550": "Entry 550 was changed",
}


@pytest.mark.parametrize("statement", TAMPERED)
def test_tampering_with_a_row_is_named(own: Console, statement: str) -> None:
    own.tamper(statement)
    assert TAMPERED[statement] in own.refused("audit", "verify")


def test_another_key_is_named(console: Console) -> None:
    assert "'k1'" in console.refused("audit", "verify", key=new_key("other"))


def test_an_empty_log_holds(tmp_path: Path, console: Console) -> None:
    empty = replace(console, folder=tmp_path)
    database = Database(f"sqlite+aiosqlite:///{empty.path}")
    asyncio.run(made(database))
    assert empty.written("audit", "verify") == "0 entries, the chain holds.\n"
    assert empty.written("list") == "There are no tokens.\n"
    assert json.loads(empty.written("list", "--json")) == []


async def made(database: Database) -> None:
    await migrate(database)
    await database.close()


def test_an_export_holds_every_entry_and_runs_no_formula(console: Console) -> None:
    rows = read(console.written("audit", "export"))
    assert [int(row["number"]) for row in rows] == list(range(ENTRIES, 0, -1))
    assert {row["token"] for row in rows} == {"HQ iPads", "'=東京", ""}
    assert {row["actor"] for row in rows} == {SERVICE, "'=cmd()"}


def test_an_export_of_one_token_holds_its_entries_alone(console: Console) -> None:
    rows = read(console.written("audit", "export", "--token", "hq ipads"))
    assert len(rows) == ENTRIES / 3
    assert {row["token"] for row in rows} == {"HQ iPads"}


def test_an_export_of_a_token_without_entries_has_its_heading(console: Console) -> None:
    text = console.written("audit", "export", "--token", "Gone")
    assert read(text) == []
    assert text.startswith("number,at,actor")


def test_an_unknown_token_is_named(console: Console) -> None:
    assert "“nowhere”" in console.refused("audit", "export", "--token", "nowhere")


def test_a_reader_who_leaves_early_ends_it_without_a_traceback(console: Console) -> None:
    with console.start("audit", "export") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(20), said) == (0, b"")


def test_tokens_are_listed_by_urgency_in_an_aligned_table(console: Console) -> None:
    heading, first, second = console.written("list").splitlines()
    assert heading.split("  ")[0] == "NAME"
    assert first.startswith("HQ iPads  active  ")
    assert second.startswith("=東京     waits for approval  ")
    assert first[heading.index("DAYS LEFT") :].startswith("40 ")
    assert first.endswith("never")


def test_the_list_for_programs_is_json(console: Console) -> None:
    first, second = json.loads(console.written("list", "--json"))
    assert first == {
        "name": "HQ iPads",
        "state": "active",
        "health": "ok",
        "days_left": 40,
        "expires_at": IN_USE.isoformat(),
        "devices": 0,
        "last_synced_at": None,
    }
    assert second["days_left"] is None


def no_database(console: Console) -> None:
    console.path.unlink()


def an_older_schema(console: Console) -> None:
    console.tamper("UPDATE alembic_version SET version_num = '0000'")


def no_schema(console: Console) -> None:
    no_database(console)
    console.tamper("CREATE TABLE other (fact TEXT)")


def no_database_file(console: Console) -> None:
    console.path.write_text("This is a text, and by no means a database. " * 100)


REASONS: dict[Callable[[Console], None], str] = {
    no_database: "no database",
    an_older_schema: "schema 0000",
    no_schema: "schema none",
    no_database_file: "no SQLite database",
}


@pytest.mark.parametrize("spoil", REASONS)
def test_a_database_that_cannot_be_used_is_one_sentence_and_nothing_is_made(
    own: Console, spoil: Callable[[Console], None]
) -> None:
    spoil(own)
    for name in ("-wal", "-shm"):
        own.path.with_name(own.path.name + name).unlink(missing_ok=True)
    there = own.path.exists()
    assert REASONS[spoil] in own.refused("audit", "verify")
    assert own.path.exists() == there


def test_without_a_key_the_missing_setting_is_named_and_nothing_of_slack(
    console: Console,
) -> None:
    sentence = console.refused("list", key="")
    assert "ENCRYPTION_KEYS is not set" in sentence
    assert "SLACK" not in sentence


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))

"""Claims about the audit log: no change without its entry, and no edit unseen."""

import sqlite3
from base64 import b64encode
from contextlib import closing
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from services.audit import CHUNK, AuditLog, Deed, NotedHead
from services.sealing import EncryptionKey, KeyRing
from storage.database import Database
from storage.records import AuditEntry
from storage.states import RequestState, TokenState, UploadState
from tests.services.office import KEYS, Office
from tests.services.ports import MovedClock
from tests.storage import facts

OTHER = EncryptionKey(name="k2", key=b"2" * 32)
ENTRIES = 7
UNCHAINED = "Entry 3 does not follow the entry before it: entries were put in, taken out or moved."


def deed(number: int) -> Deed:
    return Deed(
        actor=f"U{number}",
        action="request.create",
        subject=f"request:{number}",
        token_id=f"token-{number}",
        origin="view:V1",
        before={"state": "pending"},
        after={"state": "approved", "name": f"Tökén {number}"},
    )


async def written(database: Database, *, keys: KeyRing = KEYS, number: int = ENTRIES) -> AuditLog:
    log = AuditLog(keys, MovedClock())
    async with database.write() as tx:
        for one in range(number):
            await log.append(tx, deed(one))
    return log


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as plain:
        for statement in statements:
            plain.execute(statement)
        plain.commit()


async def test_a_chain_that_nobody_touched_holds(database: Database) -> None:
    assert await AuditLog(KEYS, MovedClock()).verify(database) is None
    assert await (await written(database)).verify(database) is None


async def test_a_chain_longer_than_one_look_holds(database: Database) -> None:
    log = AuditLog(KEYS, MovedClock())
    async with database.write() as tx:
        for number in range(CHUNK + 1):
            await log.append(tx, deed(number))
    assert await log.verify(database) is None


async def test_an_entry_says_who_did_what_on_what_and_from_where(database: Database) -> None:
    await written(database, number=2)
    async with database.read() as tx:
        first, second = await tx.audit.since(0, 10)
    assert (first.number, first.actor, first.subject) == (1, "U0", "request:0")
    assert first.after == {"state": "approved", "name": "Tökén 0"}
    assert second.previous_hash == first.hash
    assert first.key_name == "k1"


CHANGED = {
    "at": "'2026-03-02 09:00:01.000000'",
    "actor": "'U9'",
    "action": "'request.decline'",
    "subject": "'request:9'",
    "token_id": "NULL",
    "before": "'{}'",
    "after": '\'{"state": "declined"}\'',
    "origin": "'view:V2'",
}


def test_every_column_has_its_edit() -> None:
    chained = {"number", "key_name", "previous_hash", "hash"}
    assert set(CHANGED) | chained == set(AuditEntry.__dataclass_fields__)


@pytest.mark.parametrize("number", [1, 4, ENTRIES])
async def test_an_edit_of_any_column_is_named(database: Database, path: Path, number: int) -> None:
    log = await written(database)
    tamper(path, "CREATE TABLE untouched AS SELECT * FROM audit_entry")
    for column, value in CHANGED.items():
        tamper(
            path,
            f"UPDATE audit_entry SET {column} = {value} WHERE number = {number}",  # noqa: S608 - our own words
        )
        assert (column, await log.verify(database)) == (column, f"Entry {number} was changed.")
        tamper(
            path,
            "DELETE FROM audit_entry",
            "INSERT INTO audit_entry SELECT * FROM untouched",
        )
    assert await log.verify(database) is None


async def test_an_edited_hash_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(path, f"UPDATE audit_entry SET hash = '{'0' * 64}' WHERE number = 3")  # noqa: S608 - our own words
    assert await log.verify(database) == "Entry 3 was changed."


async def test_an_edited_link_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(path, f"UPDATE audit_entry SET previous_hash = '{'0' * 64}' WHERE number = 3")  # noqa: S608 - our own words
    assert await log.verify(database) == UNCHAINED


async def test_an_entry_under_a_key_that_is_not_here_is_named(
    database: Database, path: Path
) -> None:
    log = await written(database)
    tamper(path, "UPDATE audit_entry SET key_name = 'k9' WHERE number = 3")
    assert await log.verify(database) == (
        "Entry 3 was chained with the key 'k9', which is not here."
    )


async def test_an_edit_whose_hash_was_made_without_the_key_is_named(
    database: Database, path: Path
) -> None:
    log = await written(database)
    forged = sha256(b"a hash that anybody can make").hexdigest()
    tamper(path, f"UPDATE audit_entry SET actor = 'U9', hash = '{forged}' WHERE number = 2")  # noqa: S608 - our own words
    assert await log.verify(database) == "Entry 2 was changed."


@pytest.mark.parametrize("number", [1, 4, ENTRIES - 1])
async def test_a_deleted_row_is_named(database: Database, path: Path, number: int) -> None:
    log = await written(database)
    tamper(path, f"DELETE FROM audit_entry WHERE number = {number}")  # noqa: S608 - our own words
    assert await log.verify(database) == f"Entry {number} is missing."


async def test_a_deleted_row_whose_gap_was_closed_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(
        path,
        "DELETE FROM audit_entry WHERE number = 3",
        "UPDATE audit_entry SET number = 3 WHERE number = 4",
        "UPDATE audit_entry SET number = 4 WHERE number = 5",
    )
    assert await log.verify(database) == UNCHAINED


async def test_reordered_rows_are_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(
        path,
        "UPDATE audit_entry SET number = 99 WHERE number = 3",
        "UPDATE audit_entry SET number = 3 WHERE number = 4",
        "UPDATE audit_entry SET number = 4 WHERE number = 99",
    )
    assert await log.verify(database) == UNCHAINED


async def test_a_cut_tail_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(path, "DELETE FROM audit_entry WHERE number > 4")
    assert await log.verify(database) == (
        f"The log ends at entry 4; its head says {ENTRIES}: its end is cut."
    )


async def test_a_log_cut_to_nothing_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(path, "DELETE FROM audit_entry")
    assert await log.verify(database) == (
        f"The log ends at entry 0; its head says {ENTRIES}: its end is cut."
    )


async def test_a_cut_tail_with_a_head_put_back_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(
        path,
        "DELETE FROM audit_entry WHERE number > 4",
        "UPDATE audit_head SET number = 4, hash = (SELECT hash FROM audit_entry WHERE number = 4)",
    )
    assert await log.verify(database) == "The head of the log was changed."


async def test_a_head_of_before_put_back_is_named(database: Database, path: Path) -> None:
    await written(database, number=4)
    tamper(path, "CREATE TABLE kept AS SELECT * FROM audit_head")
    log = await written(database, number=3)
    tamper(path, "DELETE FROM audit_head", "INSERT INTO audit_head SELECT * FROM kept")
    assert await log.verify(database) == (
        "The log goes on to entry 7; its head says 4: it is of before."
    )


async def noted_of(database: Database, number: int) -> NotedHead:
    async with database.read() as tx:
        (entry,) = await tx.audit.since(number - 1, 1)
    return NotedHead.parse(f"{entry.number}:{entry.hash}")


@pytest.mark.parametrize("number", [1, 4, ENTRIES])
async def test_a_chain_goes_through_every_head_that_was_noted(
    database: Database, number: int
) -> None:
    log = await written(database)
    noted = await noted_of(database, number)
    await written(database, number=2)
    assert await log.verify(database, noted) is None


async def test_an_older_database_put_back_is_named_against_a_noted_head(
    database: Database, path: Path, tmp_path: Path
) -> None:
    log = await written(database, number=4)
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "b")) as copy:
        live.backup(copy)
    await written(database, number=3)
    noted = await noted_of(database, ENTRIES)
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "b")) as copy:
        copy.backup(live)
    assert await log.verify(database) is None
    assert await log.verify(database, noted) == (
        "The log is whole, but ends at entry 4, before entry 7 that was noted: an older database "
        "was put back, or the log was written anew."
    )


async def test_a_log_written_anew_with_the_key_is_named_against_a_noted_head(
    database: Database, path: Path
) -> None:
    log = await written(database)
    noted = await noted_of(database, 4)
    tamper(path, "DELETE FROM audit_entry", "DELETE FROM audit_head")
    async with database.write() as tx:
        for number in range(ENTRIES):
            await log.append(tx, deed(number + 1))
    assert await log.verify(database) is None
    assert await log.verify(database, noted) == (
        "Entry 4 is not the one that was noted: the log was written anew."
    )


@pytest.mark.parametrize(
    "text", ["", "7", f"0:{'a' * 64}", f"7:{'a' * 63}", f"7:{'g' * 64}", f"-1:{'a' * 64}"]
)
def test_what_is_no_head_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="NUMBER:HASH"):
        NotedHead.parse(text)


async def test_a_missing_head_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(path, "DELETE FROM audit_head")
    assert await log.verify(database) == "The head of the log is missing."


@pytest.mark.parametrize("change", ["number = 6", "hash = 'f'", "mac = 'f'", "mac = ''"])
async def test_a_changed_head_is_named(database: Database, path: Path, change: str) -> None:
    log = await written(database)
    tamper(path, f"UPDATE audit_head SET {change}")  # noqa: S608 - our own words
    assert await log.verify(database) == "The head of the log was changed."


async def test_a_head_under_a_key_that_is_not_here_is_named(database: Database, path: Path) -> None:
    log = await written(database)
    tamper(path, "UPDATE audit_head SET key_name = 'k9'")
    assert await log.verify(database) == "The head was made with the key 'k9', which is not here."


async def test_the_chain_goes_on_under_a_new_key(database: Database) -> None:
    await written(database, number=3)
    both = KeyRing((OTHER, KEYS.first))
    log = await written(database, keys=both, number=3)
    assert await log.verify(database) is None
    alone = AuditLog(KeyRing((OTHER,)), MovedClock())
    assert await alone.verify(database) == (
        "Entry 1 was chained with the key 'k1', which is not here."
    )


async def test_another_key_of_the_same_name_sees_every_entry_as_changed(database: Database) -> None:
    await written(database)
    stranger = KeyRing((EncryptionKey(name="k1", key=b"x" * 32),))
    assert await AuditLog(stranger, MovedClock()).verify(database) == "Entry 1 was changed."


async def test_the_key_encryption_key_itself_does_not_chain(database: Database) -> None:
    await written(database)
    assert KEYS.audit_key("k1") != KEYS.first.key
    assert KEYS.audit_key("k1") != KeyRing((OTHER,)).audit_key("k2")


async def test_an_entry_is_undone_with_its_change(database: Database) -> None:
    log = await written(database, number=2)

    async def change() -> None:
        async with database.write() as tx:
            await tx.tokens.add(facts.token())
            await log.append(tx, deed(2))
            raise RuntimeError("after the entry")

    with pytest.raises(RuntimeError):
        await change()
    await written(database, number=1)
    assert await log.verify(database) is None
    async with database.read() as tx:
        assert len(await tx.audit.since(0, 10)) == 3


REFUSE_ENTRIES = (
    "CREATE TRIGGER refuse_entries BEFORE INSERT ON audit_entry"
    " BEGIN SELECT RAISE(ABORT, 'no room for the entry'); END"
)
REFUSE_HEAD = (
    "CREATE TRIGGER refuse_head BEFORE UPDATE ON audit_head"
    " BEGIN SELECT RAISE(ABORT, 'no room for the head'); END"
)


async def test_a_request_without_its_entry_is_not_made(office: Office, path: Path) -> None:
    tamper(path, REFUSE_ENTRIES)
    with pytest.raises(IntegrityError, match="no room for the entry"):
        await office.ask()
    assert await office.outbox() == []
    async with office.database.read() as tx:
        assert await tx.tokens.living() == []


@pytest.mark.parametrize("trigger", [REFUSE_ENTRIES, REFUSE_HEAD])
async def test_a_decision_without_its_entry_does_not_count(
    office: Office, path: Path, trigger: str
) -> None:
    request = await office.ask()
    before = await office.outbox()
    tamper(path, trigger)
    with pytest.raises(IntegrityError, match="no room"):
        await office.click(request)
    assert (await office.request(request.id)).state is RequestState.PENDING
    assert await office.outbox() == before
    tamper(path, f"DROP TRIGGER {trigger.split()[2]}")
    await office.decisions.finish_recorded()
    assert (await office.request(request.id)).state is RequestState.APPROVED
    assert await office.audit.verify(office.database) is None


async def test_a_preparation_without_its_entry_hands_nothing_out(
    office: Office, path: Path
) -> None:
    request = await office.ask()
    await office.click(request)
    before = await office.outbox()
    tamper(path, REFUSE_ENTRIES)
    with pytest.raises(IntegrityError, match="no room for the entry"):
        await office.preparation.begin_approved()
    assert (await office.token(request)).state is TokenState.REQUESTED
    assert await office.outbox() == before
    async with office.database.read() as tx:
        assert await tx.key_pairs.newest_of(request.token_id) is None


@pytest.mark.usefixtures("online")
async def test_a_file_without_its_entry_is_not_taken(office: Office, path: Path) -> None:
    request = await office.waiting()
    server = await office.server(request)
    upload = await office.submit(request, server.download_token().content)
    before = await office.outbox(), await office.token(request)
    tamper(path, REFUSE_ENTRIES)
    with pytest.raises(IntegrityError, match="no room for the entry"):
        await office.proving.finish_due()
    assert (await office.outbox(), await office.token(request)) == before
    async with office.database.read() as tx:
        assert await tx.credentials.in_force(request.token_id) is None
        left = await tx.uploads.get(upload.id)
    assert left is not None
    assert left.state is UploadState.RECEIVED


@pytest.mark.usefixtures("online")
async def test_the_main_job_is_audited_step_by_step(office: Office) -> None:
    token, server = await office.activate()
    entries = await office.entries()
    assert [entry.action for entry in entries] == [
        "request.create",
        "request.approve",
        "request.prepare",
        "token.activate",
    ]
    assert {entry.token_id for entry in entries} == {token.id}
    assert entries[-1].after["server_uuid"] == server.uuid
    assert await office.audit.verify(office.database) is None


@pytest.mark.usefixtures("online")
async def test_no_entry_holds_a_secret(office: Office) -> None:
    _, server = await office.activate()
    await office.bring(await office.waiting("Another"), b"Hello")
    assert server.token is not None
    values = server.token.credentials.fields().items()
    secrets = [value for name, value in values if name != "access_token_expiry"]
    for entry in await office.entries():
        shown = str(asdict(entry))
        assert not any(secret in shown for secret in secrets)
        assert b64encode(KEYS.first.key).decode() not in shown

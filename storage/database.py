"""The database: two engines on one SQLite file, and transactions that hold the repositories.

Writes begin IMMEDIATE: SQLAlchemy's default lets two transactions read the same row and both
write it, and the first change is lost without an error. Reads use an engine that cannot write.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from storage.alerts import Alerts
from storage.audit import AuditEntries
from storage.chores import Chores
from storage.connections import Connection as SQLiteConnection
from storage.connectors import Connectors
from storage.credentials import CredentialSets
from storage.decisions import Decisions
from storage.deliveries import Deliveries
from storage.devices import Devices
from storage.entra_accounts import EntraAccounts
from storage.intune_steps import IntuneSteps
from storage.key_checks import KeyChecks
from storage.key_pairs import KeyPairs
from storage.loss_questions import LossQuestions
from storage.outbox import Outbox
from storage.profiles import Profiles
from storage.reminders import Answers, Reminders
from storage.reports import Reports
from storage.requests import Requests
from storage.sync_places import SyncPlaces
from storage.sync_runs import SyncRuns
from storage.tokens import Tokens
from storage.turns import Turns
from storage.uploads import Uploads
from storage.watch import Watch

BUSY_MS = 1500
"""How long a write waits for another process's: below the 3 seconds that Slack gives us."""

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "secure_delete": 1,
    "busy_timeout": BUSY_MS,
}
"""Set on every connection and read back by `check`; synchronous 2 is FULL."""


class StorageError(Exception):
    """The database cannot be used; the text says why and is fit for people."""


class DatabaseBusy(StorageError):
    """Another process writes for longer than we may wait; trying again is safe."""


class DatabaseFull(StorageError):
    """The disk has no room left; nothing was changed, and reading goes on."""


class DatabaseReadOnly(StorageError):
    """The file can be read and not written; nothing was changed."""


FAULTS: dict[str, tuple[type[StorageError], str]] = {
    "locked": (DatabaseBusy, "The database is busy. Nothing was changed. Try again in a moment."),
    "busy": (DatabaseBusy, "The database is busy. Nothing was changed. Try again in a moment."),
    "is full": (
        DatabaseFull,
        "The disk of the database is full. Nothing was changed. Tell your admin: it needs room.",
    ),
    "readonly": (
        DatabaseReadOnly,
        "The database can be read and not written. Nothing was changed. Tell your admin: look at "
        "the rights of its folder and of all its files there, also those ending in -wal and -shm.",
    ),
    "disk I/O error": (
        StorageError,
        "The disk of the database does not answer as it should. Nothing was changed. Tell your "
        "admin: look at the disk, and keep a copy of the file.",
    ),
    "unable to open": (
        StorageError,
        "The database cannot be opened: look at DATABASE_URL, its folder and its rights.",
    ),
    "not a database": (
        StorageError,
        "The file that DATABASE_URL names is no SQLite database, or is damaged. Restore it from a "
        "backup, or name another file.",
    ),
    "malformed": (
        StorageError,
        "The file that DATABASE_URL names is damaged. Restore it from a backup, and keep the "
        "damaged one.",
    ),
}
"""What SQLite says, and what it means for a person."""


class Transaction:
    """The repositories over one connection, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.tokens = Tokens(connection)
        self.requests = Requests(connection)
        self.decisions = Decisions(connection)
        self.key_pairs = KeyPairs(connection)
        self.credentials = CredentialSets(connection)
        self.uploads = Uploads(connection)
        self.intune_steps = IntuneSteps(connection)
        self.devices = Devices(connection)
        self.profiles = Profiles(connection)
        self.sync_runs = SyncRuns(connection)
        self.sync_places = SyncPlaces(connection)
        self.loss_questions = LossQuestions(connection)
        self.outbox = Outbox(connection)
        self.deliveries = Deliveries(connection)
        self.audit = AuditEntries(connection)
        self.key_checks = KeyChecks(connection)
        self.watch = Watch(connection)
        self.reminders = Reminders(connection)
        self.answers = Answers(connection)
        self.alerts = Alerts(connection)
        self.reports = Reports(connection)
        self.chores = Chores(connection)
        self.entra = EntraAccounts(connection)
        self.connectors = Connectors(connection)


class Database:
    """One SQLite database that several processes on one machine may share."""

    def __init__(self, url: str) -> None:
        self.on_commit: Callable[[], None] = _nothing
        """Called after each write, so that whoever waits for due rows looks at once."""
        self.path = _file(url)
        self._turns = Turns()
        self.writer = _engine(url, begin="BEGIN IMMEDIATE", query_only=False, pool_size=1)
        self.reader = _engine(url, begin="BEGIN", query_only=True, pool_size=4)

    @asynccontextmanager
    async def write(self, *, quiet: bool = False) -> AsyncIterator[Transaction]:
        """A transaction that is committed at the end of the block, or rolled back by an error.

        `quiet` writes make nothing due, and let all others go first. Raises DatabaseBusy after
        BUSY_MS of waiting for another process.
        """
        with plain_errors():
            async with self._turns.take(quiet=quiet), self.writer.begin() as connection:
                yield Transaction(connection)
        if not quiet:
            self.on_commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A consistent view that cannot write."""
        with plain_errors():
            async with self.reader.connect() as connection:
                yield Transaction(connection)

    async def pragmas(self) -> dict[str, Any]:
        """The pragmas in force on a connection that writes."""
        async with self.writer.connect() as connection:
            return {
                name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
                for name in PRAGMAS
            }

    async def close(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        await self.reader.dispose()


def _file(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername != "sqlite+aiosqlite" or not parsed.database:
        raise StorageError(
            "DATABASE_URL must be a file of the form sqlite+aiosqlite:///path/to/file.db."
        )
    path = Path(parsed.database)
    if path.is_dir():
        raise StorageError(f"DATABASE_URL names the folder {path}. Name a file in it.")
    return path


def _nothing() -> None:
    """Nobody waits."""


def _engine(url: str, *, begin: str, query_only: bool, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, connect_args={"factory": SQLiteConnection}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions by itself: it would begin them deferred.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        for name, value in PRAGMAS.items():
            cursor.execute(f"PRAGMA {name} = {value}")
        cursor.execute(f"PRAGMA query_only = {int(query_only)}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say in words what a person can mend."""
    try:
        yield
    except DatabaseError as error:
        said = str(error.orig)
        for word, (kind, sentence) in FAULTS.items():
            if word in said:
                raise kind(sentence) from error
        raise

"""A look into the bot's own database, read-only: what is due when, and how far the first job is."""

import re
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

DUE = re.compile(r"(.+_)?(due|escalate|expires)_at")
BY_MACHINE_TIME = {"outbox", "upload"}
"""Their times are those of retries, which follow the machine's clock."""
ENDED = {
    "cancelled",
    "completed",
    "declined",
    "deleted",
    "ended",
    "expired",
    "failed",
    "folded",
    "obsolete",
    "sent",
}
NAMED = {
    "alert.due_at": "An alert is said",
    "connector.due_at": "A reminder",
    "connector.escalate_at": "The approvers are told",
    "connector.expires_at": "Another Apple credential in Intune expires",
    "credentials.expires_at": "",
    "entra_account.due_at": "A look at the accounts in Entra",
    "intune_step.due_at": "A look whether Intune shows the token",
    "intune_step.expires_at": "",
    "reminder.due_at": "A reminder",
    "reminder.escalate_at": "The approvers are told",
    "reminder.expires_at": "",
    "report.due_at": "An owner leaves",
    "request.expires_at": "A request expires",
    "request.check_due_at": "A look at a renewal under way",
    "request.nag_due_at": "The approvers are reminded",
    "token.expires_at": "The token expires",
    "token.health_due_at": "A look at its health",
    "token.sync_due_at": "A sync of its devices",
}
"""What people call it; empty: another column says the same."""
CHORES = {
    "connectors": "A look at Intune's other Apple credentials",
    "digest": "The weekly digest",
    "owners": "A look at the owners' accounts",
    "intune": "A look at Intune's tokens",
}
WATCHED = {"check_due_at", "health_due_at", "sync_due_at", "entra_account", "intune_step"} | {
    "connectors",
    "intune",
    "owners",
}
"""Routine: what the bot looks at without a word, as long as all is well."""
APPROVED = "('approved', 'awaiting_upload', 'verifying', 'completed')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that the bot will do, or that will happen, at a time."""

    what: str
    about: str
    at: datetime
    routine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far somebody came with the main job."""

    asked: bool = False
    approved: bool = False
    active: bool = False


def dues(database: Path, now: datetime) -> list[Due]:
    """List what is due after now, the next first; of one kind for one token, the next alone."""
    found: dict[tuple[str, str], Due] = {}
    for due in sorted(_all(database), key=lambda due: due.at):
        if due.at > now:
            found.setdefault((due.what, due.about), due)
    return list(found.values())


def progress(database: Path) -> Progress:
    """Say which of the main job's steps were ever done."""
    with suppress(sqlite3.Error), closing(_opened(database)) as db:
        return Progress(
            asked=_any(db, "SELECT 1 FROM request"),
            approved=_any(db, f"SELECT 1 FROM request WHERE state IN {APPROVED}"),  # noqa: S608 - a constant
            active=_any(db, "SELECT 1 FROM request WHERE state = 'completed'"),
        )
    return Progress()


def _all(database: Path) -> list[Due]:
    with suppress(sqlite3.Error), closing(_opened(database)) as db:
        names = dict(db.execute("SELECT id, name FROM token").fetchall())
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found: list[Due] = []
        for (table,) in tables:
            if table not in BY_MACHINE_TIME:
                found += _of(db, table, names)
        return found
    return []


def _of(db: sqlite3.Connection, table: str, names: dict[str, str]) -> list[Due]:
    columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
    timed = [column for column in columns if DUE.fullmatch(column)]
    timed = [column for column in timed if NAMED.get(f"{table}.{column}") != ""]
    found: list[Due] = []
    if not timed:
        return found
    rows = db.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a table's own name
    for row in rows:
        values = dict(zip(columns, row, strict=True))
        token = values.get("id") if table == "token" else values.get("token_id")
        about = names.get(str(token), "")
        ended = values.get("state") in ENDED
        for column in timed:
            # A reminder that was sent still waits for an answer.
            if values[column] and (not ended or column == "escalate_at"):
                what = _called(table, column, str(values.get("name")))
                routine = bool(WATCHED & {table, column, values.get("name")})
                found.append(Due(what=what, about=about, at=_time(values[column]), routine=routine))
    return found


def _called(table: str, column: str, name: str) -> str:
    if table == "chore":
        return CHORES.get(name, name)
    return NAMED.get(f"{table}.{column}", f"{table} ({column})".replace("_", " "))


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=1)


def _any(db: sqlite3.Connection, query: str) -> bool:
    return db.execute(query).fetchone() is not None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)

"""The commands that work on the database without Slack: tokens, their syncs, the audit log."""

import argparse
import json
import sys
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from bot import sync_command
from bot.bootstrap import keys_of
from bot.clock import SystemClock, clock_of
from bot.settings import Settings, load_settings
from bot.views import history_file
from bot.views.wording import day, minute, number, token_state
from services.audit import AuditLog, NotedHead
from services.history import chunks, token_known_as
from services.tokens import by_urgency, days_left
from storage.audit import Wanted
from storage.database import Database
from storage.migrations import require_newest
from storage.records import Token

HEADINGS = ("NAME", "STATE", "DAYS LEFT", "EXPIRES", "DEVICES", "LAST SYNC")


class StoreSettings(Settings):
    """The settings of commands that only read the database: Slack's may be missing."""

    slack_bot_token: SecretStr = SecretStr("")
    alert_channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A token as `list` shows it."""

    token: Token
    days_left: int | None
    devices: int


async def command(parsed: argparse.Namespace) -> int:
    """Run `list`, `sync`, `audit verify` or `audit export`; the exit code."""
    if parsed.command == "sync":
        return await sync_command.sync(parsed.token, full=parsed.full)
    if parsed.command == "list":
        await list_tokens(as_json=parsed.json)
    elif parsed.audit_command == "export":
        await export(parsed.token)
    else:
        return await verify(parsed.head)
    return 0


async def verify(noted: NotedHead | None) -> int:
    """Walk the audit log's chain; 0 if it holds, else 1 and the first fault."""
    settings = load_settings(StoreSettings)
    audit = AuditLog(keys_of(settings), SystemClock())
    async with _opened(settings) as database:
        async with database.read() as tx:
            head = await tx.audit.head()
        fault = await audit.verify(database, noted)
    if fault is not None:
        sys.stderr.write(f"enroll-token: {fault}\n")
        return 1
    count = head.number if head else 0
    entries = "1 entry" if count == 1 else f"{number(count)} entries"
    through = f" It goes through the noted entry {number(noted.number)}." if noted else ""
    sys.stdout.write(f"{entries}, the chain holds.{through}\n")
    if head is not None:
        sys.stdout.write(f"Head to note elsewhere: {head.number}:{head.hash}\n")
    return 0


async def export(name: str | None) -> None:
    """Write the audit log as CSV, newest first; of one token where a name is given."""
    async with _opened(load_settings(StoreSettings)) as database:
        wanted = Wanted()
        if name is not None:
            async with database.read() as tx:
                wanted = Wanted(token_id=(await token_known_as(tx, name)).id)
        _write(history_file.heading())
        async for chunk in chunks(database, wanted):
            _write(history_file.lines(chunk))
        # Here, where a reader who has left is expected, not while the process ends.
        sys.stdout.flush()


async def list_tokens(*, as_json: bool) -> None:
    """Write the living tokens, the most urgent first."""
    settings = load_settings(StoreSettings)
    async with clock_of(settings.clock_url) as clock:
        zone, now = ZoneInfo(settings.time_zone), clock.now()
    async with _opened(settings) as database, database.read() as tx:
        living = by_urgency(await tx.tokens.living())
        counts = await tx.devices.counts([token.id for token in living])
        listed = [
            Listed(
                token=token,
                days_left=days_left(token.expires_at, now, zone),
                devices=counts.get(token.id, 0),
            )
            for token in living
        ]
    text = _as_json(listed) if as_json else _as_table(listed, zone)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    try:
        await require_newest(database)
        yield database
    finally:
        await database.close()


def _write(text: str) -> None:
    # Bytes: a file for programs is UTF-8 whatever the terminal's language is.
    sys.stdout.buffer.write(text.encode())


def _as_json(listed: Sequence[Listed]) -> str:
    rows = [
        {
            "name": one.token.name,
            "state": one.token.state,
            "health": one.token.health,
            "days_left": one.days_left,
            "expires_at": _iso(one.token.expires_at),
            "devices": one.devices,
            "last_synced_at": _iso(one.token.last_synced_at),
        }
        for one in listed
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _as_table(listed: Sequence[Listed], zone: ZoneInfo) -> str:
    if not listed:
        return "There are no tokens."
    rows = [HEADINGS, *(_cells(one, zone) for one in listed)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cells(one: Listed, zone: ZoneInfo) -> tuple[str, ...]:
    token = one.token
    return (
        token.name,
        token_state(token.state, token.health),
        "-" if one.days_left is None else number(one.days_left),
        day(token.expires_at, zone) if token.expires_at else "-",
        number(one.devices),
        minute(token.last_synced_at, zone) if token.last_synced_at else "never",
    )


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """How many places a terminal takes for it: wide marks take two, combining ones none."""
    places = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.combining(mark) else places.get(unicodedata.east_asian_width(mark), 1)
        for mark in text
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

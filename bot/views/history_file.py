"""The history as CSV: one line an entry, newest first."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC

from bot.views.wording import escape, number
from services.history import Chunk
from storage.records import AuditEntry, Token

COLUMNS = (
    "number",
    "at",
    "actor",
    "action",
    "subject",
    "token",
    "before",
    "after",
    "origin",
    "hash",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def heading() -> str:
    """The line that names the columns."""
    return _lines([COLUMNS])


def lines(chunk: Chunk) -> str:
    """A line for each entry."""
    return _lines(_cells(entry, chunk.names) for entry in chunk.entries)


def file_name(token: Token | None) -> str:
    """The file's name: the token's in plain letters."""
    if token is None:
        return "history.csv"
    marks = "".join(mark if mark.isascii() and mark.isalnum() else "-" for mark in token.name)
    plain = "-".join(part for part in marks.split("-") if part)[:40] or "token"
    return f"history-{plain}.csv"


def comment(token: Token | None, count: int, most: int) -> str:
    """What is said beside the file."""
    of = f"of *{escape(token.name)}*" if token else "of all tokens"
    entries = "1 entry" if count == 1 else f"{number(count)} entries"
    said = f"The history {of}: {entries}, newest first."
    if count < most:
        return said
    return f"{said} Older ones are left out; `enroll-token audit export` on the server gives all."


def _cells(entry: AuditEntry, names: Mapping[str, str]) -> list[str]:
    cells = (
        str(entry.number),
        entry.at.astimezone(UTC).isoformat(),
        entry.actor,
        entry.action,
        entry.subject,
        names.get(entry.token_id or "", ""),
        _facts(entry.before),
        _facts(entry.after),
        entry.origin,
        entry.hash,
    )
    return [_harmless(cell) for cell in cells]


def _facts(facts: Mapping[str, str]) -> str:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True) if facts else ""


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()

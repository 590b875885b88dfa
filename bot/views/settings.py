"""The settings in force, for admins and operators; of secrets only whether they are set."""

from collections.abc import Sequence

from bot.sources import SettingShown, Source
from bot.views.blocks import Message, context, cut, section
from bot.views.wording import escape, mention, number

TITLE = "Settings in force"
IN_ONE_SECTION = 4
ENTRIES = 20
"""Entries of a list that are shown; the rest is counted."""
ENTRY_LENGTH = 120
LINE_LENGTH = 700
PEOPLE = {"OPERATORS", "APPROVERS", "ADMINS", "VIEWERS"}

SOURCES = {
    Source.ENVIRONMENT: "from the environment",
    Source.FILE: "from `.env`",
    Source.DEFAULT: "default",
}


def settings_page(shown: Sequence[SettingShown]) -> Message:
    """Every setting in a line: its name, where it comes from, its value."""
    lines = [_line(one) for one in shown]
    parts = [lines[at : at + IN_ONE_SECTION] for at in range(0, len(lines), IN_ONE_SECTION)]
    blocks = [
        section(f"*{TITLE}*, as read when I was started"),
        *(section("\n".join(part)) for part in parts),
        context("They are changed where the bot runs, and take effect when it is started again."),
    ]
    return Message(text=TITLE, blocks=blocks)


def _line(one: SettingShown) -> str:
    return cut(f"• `{one.name}` ({SOURCES[one.source]}): {_value(one)}", LINE_LENGTH)


def _value(one: SettingShown) -> str:
    if one.hidden:
        return "set" if one.values else "not set"
    entries = [_entry(one.name, entry) for entry in one.values[:ENTRIES]]
    if len(one.values) > ENTRIES:
        entries.append(f"{number(len(one.values) - ENTRIES)} more")
    return ", ".join(entries) or "empty"


def _entry(name: str, entry: str) -> str:
    if name in PEOPLE and entry.startswith(("U", "W")):
        return mention(entry)
    # A backtick would end the code span.
    return f"`{escape(cut(entry, ENTRY_LENGTH)).replace('`', chr(39))}`"

"""The settings in force, for admins and operators; secrets are only said to be set."""

from collections.abc import Sequence

from bot.settings import SettingShown, Source
from bot.views.blocks import Message, context, cut, section
from bot.views.wording import escape, number

TITLE = "Settings in force"
IN_ONE_SECTION = 5
ENTRIES = 20
"""Entries of a list that are shown; the rest is counted."""
ENTRY_LENGTH = 120

SOURCES = {
    Source.ENVIRONMENT: "from the environment",
    Source.FILE: "from `.env`",
    Source.DEFAULT: "default",
}


def settings_page(shown: Sequence[SettingShown]) -> Message:
    """Every setting in a line: its name, its value, where it comes from."""
    lines = [_line(one) for one in shown]
    parts = [lines[at : at + IN_ONE_SECTION] for at in range(0, len(lines), IN_ONE_SECTION)]
    blocks = [
        section(f"*{TITLE}*, as read when I was started"),
        *(section("\n".join(part)) for part in parts),
        context("They are changed where the bot runs, and take effect when it is started again."),
    ]
    return Message(text=TITLE, blocks=blocks)


def _line(one: SettingShown) -> str:
    return f"• `{one.name}` ({SOURCES[one.source]}): {_value(one)}"


def _value(one: SettingShown) -> str:
    if one.hidden:
        return "set" if one.values else "not set"
    entries = [_code(entry) for entry in one.values[:ENTRIES]]
    if len(one.values) > ENTRIES:
        entries.append(f"{number(len(one.values) - ENTRIES)} more")
    return ", ".join(entries) or "empty"


def _code(entry: str) -> str:
    # A backtick would end the code span.
    return f"`{cut(escape(entry), ENTRY_LENGTH)}`".replace("``", "`") if "`" not in entry else "…"

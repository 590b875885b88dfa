"""The help text, and the answer to a word that is no command."""

from dataclasses import dataclass
from difflib import get_close_matches

from bot.views.blocks import Message, section
from bot.views.wording import escape

COMMAND = "/enroll-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One command: its words, what it does, an example."""

    word: str
    takes: str
    does: str
    example: str


USAGES = (
    Usage(
        word="create",
        takes="",
        does="ask for a new enrollment program token",
        example="",
    ),
    Usage(
        word="renew",
        takes="[name]",
        does="renew a token, before or after somebody downloaded a newer one",
        example="renew HQ iPads",
    ),
    Usage(
        word="delete",
        takes="[name]",
        does="take a token out of use for good",
        example="delete Old iPads",
    ),
    Usage(
        word="list",
        takes="[words]",
        does="all tokens, the most urgent first",
        example="list iPads",
    ),
    Usage(
        word="status",
        takes="name",
        does="one token: expiry, health, devices",
        example="status HQ iPads",
    ),
    Usage(
        word="history",
        takes="[name]",
        does="who did what, newest first",
        example="history HQ iPads",
    ),
    Usage(
        word="report",
        takes="",
        does="tell that an Apple ID's password changed, or that an owner leaves",
        example="",
    ),
    Usage(
        word="settings",
        takes="",
        does="what is set and where it comes from, for admins and operators",
        example="",
    ),
    Usage(word="help", takes="", does="this page", example=""),
)
WORDS = {usage.word for usage in USAGES}
LATER = {"sync", "devices", "profiles"}
"""Words that are understood, but that this release cannot do: guessing would mislead."""


def usage(unknown: str = "") -> Message:
    """Every command with an example; for an unknown word, the nearest one first."""
    lines = [
        f"• `{COMMAND} {one.word}{f' {one.takes}' if one.takes else ''}`: {one.does}"
        + (f", for example `{COMMAND} {one.example}`" if one.example else "")
        for one in USAGES
    ]
    blocks = [section("\n".join(lines))]
    if unknown:
        blocks.insert(0, section(_not_known(unknown)))
    else:
        blocks.insert(0, section("*Apple enrollment program tokens*"))
    return Message(text=f"How to use {COMMAND}", blocks=blocks)


def _not_known(word: str) -> str:
    if word.lower() in LATER:
        return f"`{word.lower()}` is not in this release yet. Nothing was done."
    near = get_close_matches(word.lower(), sorted(WORDS), n=1, cutoff=0.5)
    # A backtick would end the code span that shows the word as typed.
    shown = escape(word[:40]).replace("`", "'")
    meant = f" Did you mean `{COMMAND} {near[0]}`?" if near else ""
    return f"`{shown}` is not a word I know.{meant}"

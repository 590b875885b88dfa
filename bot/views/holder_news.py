"""What happened to tokens in Intune itself: they appeared, were renamed, or were deleted there."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Message, actions, context, section
from bot.views.next_steps import status_button
from bot.views.owners import take_button
from bot.views.usage import COMMAND
from bot.views.wording import ADMIN_CENTER, day, escape, number, said
from storage.records import Token

BUTTONS_FOR = 3
"""So many tokens get buttons of their own; more are looked at with `list`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Some of the tokens of one kind of news, and how many there are."""

    tokens: Sequence[Token] = ()
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderNews:
    """What a look at Intune brought; `were` holds the earlier names of those renamed, by id."""

    imported: Seen
    deleted: Seen
    renamed: Seen
    were: dict[str, str]


def holder_news(shown: HolderNews, zone: ZoneInfo) -> Message:
    """The news as one message, for the channel."""
    blocks: list[Block] = []
    titles = []
    if shown.imported.count:
        titles.append(f"{_tokens(shown.imported.count)} found in Intune")
        blocks += _imported(shown.imported, zone)
    if shown.renamed.count:
        titles.append(f"{_tokens(shown.renamed.count)} renamed in Intune")
        blocks.append(section(_renamed(shown)))
    if shown.deleted.count:
        titles.append(f"{_tokens(shown.deleted.count)} deleted in Intune")
        blocks.append(section(_deleted(shown.deleted)))
    return Message(text=", ".join(titles) or "News of Intune", blocks=blocks)


def doubtful(count: int) -> Message:
    """So many tokens are missing at once that nothing was followed."""
    text = (
        f":warning: *{number(count)} tokens are not in Intune any more, all at once.* Nothing was "
        "changed here, because this app may be looking at another tenant. Ask your admin to "
        "compare ENTRA_TENANT_ID. If they were deleted on purpose, delete them here too: "
        f"`{COMMAND} delete`."
    )
    return Message(text=f"{number(count)} tokens are missing in Intune", blocks=[section(text)])


def shut(why: str) -> Message:
    """The list of tokens cannot be read, and an admin has to act."""
    text = (
        f":warning: *The tokens in Intune could not be read for over an hour.* {said(why)} Until "
        "then new tokens are not found, and what is done in Intune is not seen here."
    )
    return Message(text="The tokens in Intune cannot be read", blocks=[section(text)])


def _imported(seen: Seen, zone: ZoneInfo) -> list[Block]:
    some, them = ("It is", "it") if seen.count == 1 else ("They are", "them")
    head = (
        f":mag: *{_tokens(seen.count)} found in Intune.* {some} watched from now on. Nobody "
        f"answers for {them} yet."
    )
    if seen.count > BUTTONS_FOR:
        lines = [f"• {_line(one, zone)}" for one in seen.tokens]
        if seen.count > len(seen.tokens):
            lines.append(f"and {number(seen.count - len(seen.tokens))} more.")
        said = f"Look at them with `{COMMAND} list`; *Status* has the button *I answer for it*."
        return [section("\n".join([head, *lines])), context(said)]
    blocks = [section(head)]
    for one in seen.tokens:
        row = [] if one.owner else [take_button(one)]
        blocks.append(section(_line(one, zone)))
        blocks.append(actions(*row, status_button(one), block_id=f"found_{one.id}"))
    return blocks


def _line(token: Token, zone: ZoneInfo) -> str:
    ends = f"until {day(token.expires_at, zone)}" if token.expires_at else "without an end"
    there = (token.holder_name or token.name).strip()
    alike = "" if there == token.name else f"; called *{escape(there)}* in Intune"
    if token.name.startswith(f"{there} ("):
        alike += ", as another is"
    whose = f", Apple ID {escape(token.apple_id)}" if token.apple_id else ""
    return f"*{escape(token.name)}*: {ends}{whose}{alike}"


def _renamed(shown: HolderNews) -> str:
    lines = []
    for one in shown.renamed.tokens:
        was = shown.were.get(one.id)
        before = f", which was *{escape(was)}*" if was else ""
        lines.append(f":pencil2: Renamed in Intune: *{escape(one.name)}*{before}.")
    if shown.renamed.count > len(lines):
        lines.append(f"{number(shown.renamed.count - len(lines))} more were renamed.")
    return "\n".join(lines)


def _deleted(seen: Seen) -> str:
    names = ", ".join(f"*{escape(one.name)}*" for one in seen.tokens)
    if seen.count > len(seen.tokens):
        names += f" and {number(seen.count - len(seen.tokens))} more"
    verb = "was" if seen.count == 1 else "were"
    return (
        f":wastebasket: {names} {verb} deleted in Intune, not through this app. What was asked "
        "for here has ended, and there are no more reminders. To see who did it: "
        f"{ADMIN_CENTER.link}, *Tenant administration* → *Audit logs*."
    )


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{number(count)} tokens"

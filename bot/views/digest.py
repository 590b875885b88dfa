"""The digest: the week in one message, with a picture where Slack takes one."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Message, context, header, section
from bot.views.deeds import DEEDS
from bot.views.wording import WAITING, day, days, escape, number, token_state
from services.digest import Week
from services.tokens import days_left
from storage.records import Token
from storage.states import Health, TokenState

LISTED = 40
A_SECTION = 5
"""Tokens in one section, whose text is limited."""
QUIET = {"health.change"}
"""What the service does by itself; the week tells what people did first."""


def digest(week: Week, zone: ZoneInfo, picture: Block | None) -> Message:
    """Everything about the week; the numbers are those in the picture."""
    title = f"Enrollment tokens, week of {day(week.at, zone)}"
    blocks = [header(title), section(_summary(week, zone))]
    if picture is not None:
        blocks.append(picture)
    blocks += _list(week.tokens, week.at, zone)
    blocks.append(section(f"*Last week*\n{_done(week.done)}"))
    if week.head:
        blocks.append(
            context(
                f"Audit head `{week.head}`. Keep it: `enroll-token audit verify --head` finds out "
                "later whether anything was cut."
            )
        )
    return Message(text=f"{title}. {_summary(week, zone)}", blocks=blocks)


def image(file_id: str, alt_text: str) -> Block:
    """The picture, as a file that Slack has."""
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": alt_text[:1900]}


def _summary(week: Week, zone: ZoneInfo) -> str:
    active = [one for one in week.tokens if one.state is TokenState.ACTIVE]
    if not week.tokens:
        return "There are no tokens yet."
    left = [days_left(one.expires_at, week.at, zone) for one in active]
    soon = sum(one is not None and 0 <= one <= 30 for one in left)  # noqa: PLR2004 - a month
    over = sum(one is not None and one < 0 for one in left)
    ill = sum(one.health is not None and one.health.value != "ok" for one in active)
    if not (soon or over or ill):
        return f"{_tokens(len(week.tokens))}: nothing needs anybody this week."
    parts = [
        f"{number(over)} expired" if over else "",
        f"{number(ill)} in trouble" if ill else "",
        f"{number(soon)} within 30 days of the end" if soon else "",
    ]
    return f"{_tokens(len(week.tokens))}: {', '.join(part for part in parts if part)}."


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{number(count)} tokens"


def _list(tokens: Sequence[Token], now: datetime, zone: ZoneInfo) -> list[Block]:
    lines = [_line(index, one, now, zone) for index, one in enumerate(tokens[:LISTED], start=1)]
    blocks = [
        section("\n".join(lines[start : start + A_SECTION]))
        for start in range(0, len(lines), A_SECTION)
    ]
    if len(tokens) > LISTED:
        blocks.append(context(f"{number(len(tokens) - LISTED)} more, with more time left"))
    return blocks


def _line(index: int, token: Token, now: datetime, zone: ZoneInfo) -> str:
    name = f"{index}. *{escape(token.name)}*"
    if token.state in WAITING:
        return f"{name}: {WAITING[token.state]}"
    state, left = token_state(token.state, token.health), days_left(token.expires_at, now, zone)
    if left is None or token.expires_at is None:
        return f"{name}: {state}"
    expired = left < 0 or token.health is Health.EXPIRED
    # Owners are not mentioned: each would be notified every Monday, whatever their token does.
    said = f"{name}: {'expired ' if left < 0 else ''}{days(left)} ({day(token.expires_at, zone)})"
    return said if expired or state == "active" else f"{said}, {state}"


def _done(done: Counter[str]) -> str:
    lines = [
        f"• {DEEDS[action].menu}: {number(count)}"
        for action, count in done.most_common()
        if action in DEEDS and action not in QUIET
    ]
    return "\n".join(lines[:12]) or "Nobody changed anything."

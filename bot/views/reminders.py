"""Reminders: the warning with its buttons, what becomes of it, the form to snooze, escalation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from bot.views.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    context,
    field,
    modal,
    page,
    plain,
    section,
)
from bot.views.deeds import actor
from bot.views.owners import take_button
from bot.views.renew import OPEN
from bot.views.wording import day, escape, mention, minute, number, owner
from storage.records import Token
from storage.states import AnswerKind, TokenState
from storage.watch_records import Answer, Reminder

SNOOZE = "reminder.snooze"
ON_IT = "reminder.on_it"
CALLBACK = "reminder.snooze"
TITLE = "Snooze reminders"
DOWN_WHEN_EXPIRED = (
    "Once a token has expired, its devices are not synced, and new ones get no profile."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A reminder, its token now, the newest answer to it, and who renewed the token since."""

    reminder: Reminder
    token: Token
    days_left: int
    snoozable: bool
    answer: Answer | None
    renewed_by: str | None


def reminder(shown: Sequence[Warned], zone: ZoneInfo) -> Message:
    """The warning about one token or many, for the channel; in its place later the all-clear."""
    return _message(shown, zone, for_owner=False)


def for_owner(shown: Sequence[Warned], zone: ZoneInfo) -> Message:
    """The same for the owner, directly."""
    return _message(shown, zone, for_owner=True)


def escalation(shown: Warned, zone: ZoneInfo) -> Message:
    """For an approver: nobody answered; later, in its place, who did, or that it is over."""
    if shown.reminder.closed_at is not None:
        return Message(text=_plain(shown, zone), blocks=[section(_closed(shown, zone))])
    state = _state(shown, zone)
    if shown.answer is not None:
        text = f"{_answered(shown, zone)}\n{state}"
        return Message(text=_plain(shown, zone), blocks=[section(text), *_buttons(shown)])
    title = f"Nobody has answered the reminder for {escape(shown.token.name)}"
    told = shown.reminder.decided_at
    since = minute(told, zone) if told else "a day ago"
    text = f":warning: *{title}.*\n{state} {_told(shown.token, since)} Somebody has to renew it."
    return Message(text=title, blocks=[section(text), *_buttons(shown)])


def _told(token: Token, since: str) -> str:
    if not token.owner:
        return f"Nobody answers for it yet; it was said in the channel on {since}."
    return f"{mention(token.owner)} was told on {since}."


def owner_not_reached(owner: str, shown: Sequence[Warned], zone: ZoneInfo) -> Message:
    """In the channel, because the owner takes no direct messages from us."""
    lines = [f"• {_state(one, zone)}" for one in shown]
    text = f"{mention(owner)}, I cannot write to you directly, so this is for you:\n" + "\n".join(
        lines
    )
    blocks = [section(text), context("Take direct messages from this app, or hand the token over.")]
    return Message(text="A reminder for an owner who cannot be reached directly", blocks=blocks)


def snooze_form(token: Token, first: date, last: date) -> View:
    """Until when; never past the token's last day."""
    picker: Block = {"type": "datepicker", "initial_date": first.isoformat()}
    blocks = [
        section(f"*{escape(token.name)}*: nobody is reminded before the day that you choose."),
        field(
            "until",
            "Remind us again on",
            picker,
            hint=f"From {_written(first)} to {_written(last)}, the token's last day.",
        ),
    ]
    return modal(
        TITLE,
        blocks,
        callback_id=CALLBACK,
        private_metadata=token.id,
        submit=plain("Snooze"),
        close=plain("Cancel"),
    )


def snoozed(token: Token, until: date | None) -> View:
    """What the form becomes when the day was kept."""
    when = _written(until) if until else "then"
    return page(TITLE, f"Nobody is reminded of *{escape(token.name)}* before {when}.")


def parse_snooze(view: Mapping[str, Any]) -> tuple[str, date | None]:
    """The token's id and the day; None where none was chosen."""
    element = view["state"]["values"].get("until", {}).get("until", {})
    return str(view["private_metadata"]), parse_day(element.get("selected_date"))


def parse_day(value: object) -> date | None:
    """A day as Slack's picker gives it."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def renew_button(token: Token) -> Block:
    """The button that leads to the renewal of the token."""
    return button("Renew", OPEN, token.id, style="primary")


def _message(shown: Sequence[Warned], zone: ZoneInfo, *, for_owner: bool) -> Message:
    blocks: list[Block] = []
    many = len(shown) > 1
    if many:
        blocks.append(section(f"*{_title(shown)}*\n{DOWN_WHEN_EXPIRED}"))
    for one in shown:
        blocks.append(section(_text(one, zone, for_owner=for_owner, many=many)))
        if one.reminder.closed_at is None:
            blocks += _buttons(one)
    text = _plain(shown[0], zone) if len(shown) == 1 else _title(shown)
    return Message(text=text, blocks=blocks)


def _title(shown: Sequence[Warned]) -> str:
    left = sum(one.reminder.closed_at is None for one in shown)
    if not left:
        return f"{number(len(shown))} tokens: nothing is left to do"
    need = "1 token needs" if left == 1 else f"{number(left)} tokens need"
    return f"{need} to be renewed"


def _text(shown: Warned, zone: ZoneInfo, *, for_owner: bool, many: bool) -> str:
    if shown.reminder.closed_at is not None:
        return _closed(shown, zone)
    who = "You answer for it." if for_owner else _owner(shown.token)
    # What a token's end means is said once for many of them.
    lines = [
        f"{_sign(shown)} {_state(shown, zone)}",
        who if many else f"{_effect(shown)} {who}",
    ]
    if said := _answered(shown, zone):
        lines.append(said)
    return "\n".join(lines)


def _owner(token: Token) -> str:
    return f"Owner: {owner(token.owner)}."


def _sign(shown: Warned) -> str:
    return ":calendar:" if shown.days_left > 7 else ":warning:"  # noqa: PLR2004 - the last week


def _state(shown: Warned, zone: ZoneInfo) -> str:
    name, end = escape(shown.token.name), shown.reminder.expires_at
    left = shown.days_left
    if left < 0:
        ago = "1 day" if left == -1 else f"{number(-left)} days"
        return f"*{name} expired on {day(end, zone)}, {ago} ago.*"
    if left == 0:
        return f"*{name} expires today*, {minute(end, zone)}."
    days = "1 day" if left == 1 else f"{number(left)} days"
    return f"*{name} expires in {days}*, on {day(end, zone)}."


def _effect(shown: Warned) -> str:
    if shown.days_left < 0:
        return "Enrolment is down: devices are not synced, and new ones get no profile."
    return "From then on devices are not synced, and new ones get no profile."


def _answered(shown: Warned, zone: ZoneInfo) -> str:
    answer = shown.answer
    if answer is None:
        return ""
    until = day(answer.until, zone)
    if answer.kind is AnswerKind.ON_IT:
        return f":raised_hand: {mention(answer.person)} is on it. Reminders continue on {until}."
    return f":zzz: Snoozed by {mention(answer.person)} until {until}."


def _closed(shown: Warned, zone: ZoneInfo) -> str:
    token, name = shown.token, escape(shown.token.name)
    if token.state is not TokenState.ACTIVE:
        return f":white_check_mark: *{name}* is not in use any more. There is nothing to do."
    until = day(token.expires_at, zone) if token.expires_at else "a date that is not told"
    by = f" by {actor(shown.renewed_by)}" if shown.renewed_by else ""
    return f":white_check_mark: *{name}* was renewed{by}, until {until}."


def _plain(shown: Warned, zone: ZoneInfo) -> str:
    whole = _closed(shown, zone) if shown.reminder.closed_at is not None else _state(shown, zone)
    return whole.replace("*", "").removeprefix(":white_check_mark: ")


def _buttons(shown: Warned) -> list[Block]:
    token = shown.token
    row = [renew_button(token)]
    if shown.snoozable:
        row.append(button("Snooze…", SNOOZE, token.id))
    row.append(button("I'm on it", ON_IT, token.id))
    if not token.owner:
        row.append(take_button(token))
    return [actions(*row, block_id=f"remind_{shown.reminder.id}")]


def _written(on: date) -> str:
    return f"{on.day} {on:%B %Y}"

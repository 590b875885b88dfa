"""Reminders of Apple's other credentials in Intune: the push certificate and content tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from bot.views.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    field,
    modal,
    page,
    plain,
    section,
)
from bot.views.reminders import parse_day
from bot.views.wording import ADMIN_CENTER, day, escape, mention, number
from storage.connector_records import Connector, ConnectorKind
from storage.states import AnswerKind

SNOOZE = "connector.snooze"
ON_IT = "connector.on_it"
TITLE = "Snooze reminders"
LAST_WEEK = 7

SAME_APPLE_ID = (
    "*It must be renewed with the same Apple ID*, {apple_id}. With another one it is another "
    "certificate, and every device has to be enrolled again."
)
PUSH_MENU = (
    "*Devices* → *Enrollment* → *Apple mobile* (formerly *Apple*) → *Apple MDM Push certificate*"
)
CONTENT_MENU = "*Tenant administration* → *Connectors and tokens* → *Apple VPP Tokens*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A credential now, and the end that a message was about.

    `directly` where it goes to an approver, because nobody answered in the channel.
    """

    connector: Connector
    ends: datetime
    days_left: int
    snoozable: bool
    directly: bool = False

    @property
    def over(self) -> bool:
        """Whether that end concerns nobody any more."""
        one = self.connector
        return one.gone_at is not None or one.expires_at != self.ends


def reminder(shown: Ending, zone: ZoneInfo) -> Message:
    """The warning; in its place later the all-clear."""
    if shown.over:
        text = _closed(shown, zone)
        return Message(text=text.replace("*", ""), blocks=[section(f":white_check_mark: {text}")])
    state = _state(shown, zone)
    sign = ":calendar:" if shown.days_left > LAST_WEEK else ":warning:"
    lines = [f"{sign} *{state}*", *_told(shown)]
    if shown.directly and shown.connector.answer is None:
        lines.insert(1, "Nobody has answered the reminder in the channel.")
    if said := _answered(shown, zone):
        lines.append(said)
    return Message(text=state, blocks=[section("\n".join(lines)), _buttons(shown)])


def snooze_form(one: Connector, first: date, last: date) -> View:
    """Until when; never past the last day."""
    picker: Block = {"type": "datepicker", "initial_date": first.isoformat()}
    blocks = [
        section(f"{_name(one)}: nobody is reminded before the day that you choose."),
        field(
            "until",
            "Remind us again on",
            picker,
            hint=f"From {_written(first)} to {_written(last)}, its last day.",
        ),
    ]
    return modal(
        TITLE,
        blocks,
        callback_id=SNOOZE,
        private_metadata=one.id,
        submit=plain("Snooze"),
        close=plain("Cancel"),
    )


def parse_snooze(view: Mapping[str, Any]) -> tuple[str, date | None]:
    """The credential's id and the day; None where none was chosen."""
    element = view["state"]["values"].get("until", {}).get("until", {})
    return str(view["private_metadata"]), parse_day(element.get("selected_date"))


def snoozed(until: date | None) -> View:
    """What the form becomes when the day was kept."""
    when = _written(until) if until else "then"
    return page(TITLE, f"Nobody is reminded before {when}.")


def _name(one: Connector) -> str:
    match one.kind:
        case ConnectorKind.PUSH_CERTIFICATE:
            return "Intune's Apple push certificate"
        case ConnectorKind.CONTENT_TOKEN:
            return f"Intune's content token (VPP) {escape(one.name)}".rstrip()
        case _:
            assert_never(one.kind)


def _state(shown: Ending, zone: ZoneInfo) -> str:
    name, left = _name(shown.connector), shown.days_left
    if left < 0:
        ago = "1 day" if left == -1 else f"{number(-left)} days"
        return f"{name} expired on {day(shown.ends, zone)}, {ago} ago"
    if left == 0:
        return f"{name} expires today"
    days = "1 day" if left == 1 else f"{number(left)} days"
    return f"{name} expires in {days}, on {day(shown.ends, zone)}"


def _told(shown: Ending) -> list[str]:
    """What its end means, and what to do."""
    one, down = shown.connector, shown.days_left < 0
    apple_id = escape(one.apple_id) or "which Intune does not tell"
    match one.kind:
        case ConnectorKind.PUSH_CERTIFICATE:
            effect = "Intune reaches no Apple device: no commands, no policies, no enrolment."
            return [
                effect if down else f"From then on {effect}",
                SAME_APPLE_ID.format(apple_id=apple_id),
                f"Renew it in the {ADMIN_CENTER.link}: {PUSH_MENU}.",
            ]
        case ConnectorKind.CONTENT_TOKEN:
            effect = "o device gets licences of its apps and books, or updates of them."
            return [
                f"N{effect}" if down else f"From then on n{effect}",
                f"Apple ID: {apple_id}. Download a newer one at Apple for the same location, and "
                f"renew it in the {ADMIN_CENTER.link}: {CONTENT_MENU}.",
            ]
        case _:
            assert_never(one.kind)


def _closed(shown: Ending, zone: ZoneInfo) -> str:
    one = shown.connector
    if one.gone_at is not None or one.expires_at is None:
        return f"{_name(one)} is not in Intune any more. There is nothing to do."
    return f"{_name(one)} was renewed, until {day(one.expires_at, zone)}."


def _answered(shown: Ending, zone: ZoneInfo) -> str:
    one = shown.connector
    if one.answer is None or one.answered_by is None or one.quiet_until is None:
        return ""
    until = day(one.quiet_until, zone)
    if one.answer is AnswerKind.ON_IT:
        return f":raised_hand: {mention(one.answered_by)} is on it. Reminders continue on {until}."
    return f":zzz: Snoozed by {mention(one.answered_by)} until {until}."


def _buttons(shown: Ending) -> Block:
    one = shown.connector
    row = [button("Snooze…", SNOOZE, one.id)] if shown.snoozable else []
    row.append(button("I'm on it", ON_IT, one.id))
    return actions(*row, block_id=f"connector_{one.id}")


def _written(on: date) -> str:
    return f"{on.day} {on:%B %Y}"

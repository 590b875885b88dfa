"""Alerts: what a class of trouble means in plain words, what to do, and that it is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Message, actions, button, context, section
from bot.views.reminders import renew_button
from bot.views.wording import ADMIN_CENTER, PORTALS, STATUS_PAGES, escape, minute, number
from storage.records import Token
from storage.states import AlertState, Health, ProgramName
from storage.watch_records import Alert, Keeping

CHECK = "health.check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ill:
    """An alert, its token now, and what the watch keeps of it."""

    alert: Alert
    token: Token
    keeping: Keeping


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """A class of trouble in words: what happened, what it does, what to do."""

    what: str
    effect: str
    step: str
    renew: bool = False


DOWN = "Enrolment is down: devices are not synced, and new ones get no profile."
DARK = (
    "Devices in use are not touched. New devices, and changes at Apple, are not seen until it "
    "answers."
)
HOLDERS = {ProgramName.APPLE: "Apple", ProgramName.INTUNE: "Intune"}
CLASSES = {
    Health.TERMS_UNSIGNED: Class(
        what="new terms at Apple wait for a signature",
        effect=DOWN,
        step="An Administrator of {organisation} signs in at {portal} and accepts the new terms. "
        "If you have several organisations, every one of them has to sign for itself.",
    ),
    Health.SUPERSEDED: Class(
        what="a newer token of its server was downloaded, which ended this one",
        effect=DOWN,
        step="Find out who downloaded it. Press *Renew* and upload the newest file, or download "
        "the token once more at {portal}. {last}",
        renew=True,
    ),
    Health.REVOKED: Class(
        what="Apple does not take it any more: it was revoked, or its Apple ID's password changed",
        effect=DOWN,
        step="Press *Renew* and download the token anew at {portal}. {last}",
        renew=True,
    ),
    Health.ACCOUNT_FORBIDDEN: Class(
        what="the Apple ID that downloaded it is gone or barred",
        effect=DOWN,
        step="Press *Renew*. Somebody with the role Administrator or Device Enrollment Manager "
        "downloads the token anew at {portal}. {last}",
        renew=True,
    ),
    Health.EXPIRED: Class(
        what="it has expired",
        effect=DOWN,
        step="Press *Renew* and download the token anew at {portal}.",
        renew=True,
    ),
    Health.SYNC_ERROR: Class(
        what="Intune's syncs of it with Apple fail",
        effect=DOWN,
        step="Open {console}, choose the token and look at its sync; the number below is all that "
        "Intune tells. If it stays, press *Renew* and download the token anew at {portal}. {last}",
        renew=True,
    ),
    Health.STALE: Class(
        what="Intune has not synced it with Apple for more than a day",
        effect="New devices, and changes at Apple, are not seen until it syncs.",
        step="Press *Sync now* in `/enroll-token status`. If that fails, open {console} and look "
        "at the token there. {last}",
    ),
    Health.THROTTLED: Class(
        what="{holder} has been asking us to wait for over an hour",
        effect=DARK,
        step="There is nothing to do: it is asked again by itself.",
    ),
    Health.UNREACHABLE: Class(
        what="{holder} has given no usable answer for over an hour",
        effect=DARK,
        step="It is asked again by itself. If it stays, look at {status} and at this service's own "
        "network.",
    ),
}
"""Each class of trouble in words; a test proves that none is missing."""


def health_alert(shown: Sequence[Ill], zone: ZoneInfo) -> Message:
    """The alert about one token or several of one class; later, in its place, how it ended."""
    open_ones = [one for one in shown if one.alert.state is not AlertState.ENDED]
    blocks: list[Block] = []
    if open_ones:
        blocks += _trouble(open_ones, zone)
    over = [section(_over(one, zone)) for one in shown if one.alert.state is AlertState.ENDED]
    text = _title(open_ones) if open_ones else _over(shown[0], zone)
    return Message(text=_bare(text), blocks=[*blocks, *over])


def all_clear(shown: Sequence[Ill], zone: ZoneInfo) -> Message:
    """That everything of the alert is well again."""
    names = _names(shown)
    verb = "works" if len(shown) == 1 else "work"
    ends = [one.alert.ended_at for one in shown if one.alert.ended_at]
    since = f" since {minute(max(ends), zone)}" if ends else ""
    lasted = _lasted(min(one.alert.began_at for one in shown), max(ends)) if ends else ""
    text = f":white_check_mark: *{names}* {verb} again{since}."
    which = ", ".join(escape(one.token.name) for one in shown) if len(shown) > 1 else ""
    told = f"It was: {_said(shown[0])}. {lasted}".strip()
    return Message(
        text=_bare(text),
        blocks=[section(text), *([context(which)] if which else []), context(told)],
    )


def _trouble(shown: Sequence[Ill], zone: ZoneInfo) -> list[Block]:
    words = CLASSES[shown[0].alert.health]
    again = max(one.alert.times_said for one in shown) > 1
    still = " This is said once a day while it lasts." if again else ""
    blocks = [section(f":rotating_light: *{_title(shown)}*\n{words.effect}{still}")]
    # What differs between tokens, such as the organisation, is said of each.
    steps = list(dict.fromkeys(_step(one, zone) for one in shown))
    blocks.append(section("\n".join(["*What to do*", *steps[:5]])))
    for one in shown:
        blocks.append(context(_evidence(one, zone, many=len(shown) > 1)))
        if words.renew:
            blocks.append(_buttons(one, renew=True))
    if not words.renew:
        blocks.append(_buttons(shown[0], renew=False))
    return blocks


def _title(shown: Sequence[Ill]) -> str:
    if len(shown) == 1:
        return f"{escape(shown[0].token.name)}: {_said(shown[0])}"
    return f"{_names(shown)}: {_said(shown[0])}"


def _said(shown: Ill) -> str:
    return _what(shown, shown.alert.health)


def _what(shown: Ill, health: Health) -> str:
    return CLASSES[health].what.format(holder=HOLDERS[shown.token.program])


def _names(shown: Sequence[Ill]) -> str:
    names = [escape(one.token.name) for one in shown]
    return names[0] if len(names) == 1 else f"{number(len(names))} tokens"


def _step(shown: Ill, zone: ZoneInfo) -> str:
    portal = PORTALS[shown.token.portal]
    organisation, apple_id = shown.token.org_name, shown.token.apple_id
    whose = f"the organisation of {escape(apple_id)}" if apple_id else "the organisation"
    return (
        CLASSES[shown.alert.health]
        .step.format(
            organisation=f"*{escape(organisation)}*" if organisation else whose,
            portal=f"<{portal.url}|{portal.name}>",
            console=f"the {ADMIN_CENTER.link}, {ADMIN_CENTER.menu}",
            status=STATUS_PAGES[shown.token.program],
            last=_last(shown, zone),
        )
        .strip()
    )


def _last(shown: Ill, zone: ZoneInfo) -> str:
    """When it last worked, and as whose."""
    keeping = shown.keeping
    if keeping.healthy_at is None:
        return "It was never seen to work by this watch."
    admin = keeping.healthy_admin or shown.token.admin_id
    whose = f"; the token then in use was downloaded by {escape(admin)}" if admin else ""
    return f"It last worked on {minute(keeping.healthy_at, zone)}{whose}."


def _evidence(shown: Ill, zone: ZoneInfo, *, many: bool) -> str:
    name = f"*{escape(shown.token.name)}*: " if many else ""
    whose = f"{HOLDERS[shown.token.program]}'s"
    said = escape(shown.alert.evidence[:200]).replace("`", "'") or "not told"
    return f"{name}since {minute(shown.alert.began_at, zone)}. {whose} answer: `{said}`"


def _over(shown: Ill, zone: ZoneInfo) -> str:
    name, ended = escape(shown.token.name), shown.alert.ended_at
    at = minute(ended, zone) if ended else "now"
    if shown.alert.became is Health.OK:
        began = shown.alert.began_at
        lasted = f" {_lasted(began, ended)}" if ended else ""
        return f":white_check_mark: *{name}* works again since {at}.{lasted}"
    if shown.alert.became is None:
        return f":white_check_mark: *{name}* is not in use any more. There is nothing to do."
    what = _what(shown, shown.alert.became)
    return f":arrow_right: *{name}*: since {at} it is something else: {what}. See below."


def _lasted(began: datetime, ended: datetime) -> str:
    minutes = max(0, int((ended - began).total_seconds() // 60))
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{rest} min"]
    return f"It lasted {' '.join(part for part in parts if part)}."


def _buttons(shown: Ill, *, renew: bool) -> Block:
    row = [renew_button(shown.token)] if renew else []
    return actions(
        *row, button("Check now", CHECK, shown.token.id), block_id=f"alert_{shown.alert.id}"
    )


def _bare(text: str) -> str:
    return text.replace("*", "").removeprefix(":white_check_mark: ").removeprefix(":arrow_right: ")

"""Reports: the forms to make one, how it is said, and the form that hands tokens over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, assert_never
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
    option,
    page,
    plain,
    section,
)
from bot.views.entra import OVER, Finding
from bot.views.reminders import parse_day, renew_button
from bot.views.wording import PORTALS, day, escape, mention, number
from storage.entra_records import EntraAccount
from storage.records import Token
from storage.states import ReportKind, ReportState
from storage.watch_records import Report

TITLE = "Report"
HAND_OVER_TITLE = "Hand tokens over"
PASSWORD, LEAVER = "report.password", "report.leaver"
HAND_OVER = "owner.hand_over"
CHOSEN = 100
"""What a menu holds."""
SHOWN = 20
HANDED_OVER = frozenset({ReportKind.LEAVES, ReportKind.DEACTIVATED})
"""What handing tokens over ends."""
RENEWED = frozenset(ReportKind) - HANDED_OVER - {ReportKind.ENTRA_NOBODY}
"""What renewing tokens ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A report and the tokens for which it still asks somebody to act.

    `account` is what Entra says of the Apple ID, where the report is about one.
    """

    report: Report
    tokens: Sequence[Token]
    account: EntraAccount | None = None


def choice() -> View:
    """What there is to report."""
    return modal(
        TITLE,
        [
            section("What happened? Tell it early: enrolment then need not stop."),
            actions(
                button("An Apple ID's password changed", PASSWORD, "password"),
                button("An owner leaves", LEAVER, "leaver"),
                block_id="kinds",
            ),
        ],
    )


def password_form(known: Sequence[str]) -> View:
    """Which Apple ID."""
    element: Block = {"type": "plain_text_input", "max_length": 320}
    if len(known) == 1:
        element["initial_value"] = known[0]
    blocks = [
        section(
            "When the password of the Apple ID that downloaded a token changes, Apple ends the "
            "token. Each token of this Apple ID is marked, and renewing it is offered."
        ),
        field("apple_id", "Apple ID", element, hint="Capitals make no difference."),
    ]
    submit = plain("Report")
    return modal(TITLE, blocks, callback_id=PASSWORD, submit=submit, close=plain("Cancel"))


def leaver_form() -> View:
    """Who, and when."""
    blocks = [
        field("owner", "Who leaves", {"type": "users_select"}),
        field("leaves_on", "Last day", {"type": "datepicker"}),
        context(
            "In the channel the tokens are named, and by when they need a new owner. The name is "
            "told to the admins and to the person alone."
        ),
    ]
    submit = plain("Report")
    return modal(TITLE, blocks, callback_id=LEAVER, submit=submit, close=plain("Cancel"))


def hand_over_form(tokens: Sequence[Token]) -> View:
    """Which of the owner's tokens, and to whom; the first is the one that was asked for."""
    options = [option(escape(one.name), one.id) for one in tokens[:CHOSEN]]
    blocks = [
        section(_now(tokens[0])),
        field(
            "tokens",
            "Tokens",
            {"type": "multi_static_select", "options": options, "initial_options": options},
        ),
        field("owner", "New owner", {"type": "users_select"}),
    ]
    return modal(
        HAND_OVER_TITLE,
        blocks,
        callback_id=HAND_OVER,
        submit=plain("Hand over"),
        close=plain("Cancel"),
    )


def _now(token: Token) -> str:
    if token.owner:
        return f"Now {mention(token.owner)} answers for them."
    return f"Nobody answers for *{escape(token.name)}* yet."


def parse_password(view: Mapping[str, Any]) -> str:
    """The Apple ID as typed."""
    return str(_element(view, "apple_id").get("value") or "")


def parse_leaver(view: Mapping[str, Any]) -> tuple[str, date | None]:
    """Who, and when."""
    day_chosen = _element(view, "leaves_on").get("selected_date")
    return str(_element(view, "owner").get("selected_user") or ""), parse_day(day_chosen)


def parse_hand_over(view: Mapping[str, Any]) -> tuple[list[str], str]:
    """The tokens' ids, and the new owner."""
    chosen = _element(view, "tokens").get("selected_options") or []
    owner = str(_element(view, "owner").get("selected_user") or "")
    return [str(one["value"]) for one in chosen], owner


def reported(count: int) -> View:
    """What the form becomes when the report was taken."""
    concerns = "1 token" if count == 1 else f"{number(count)} tokens"
    return page(TITLE, f"Thank you. It concerns {concerns}; it is in the alert channel now.")


def handed(count: int) -> View:
    """What the form becomes when the tokens were handed over."""
    what = "1 token was" if count == 1 else f"{number(count)} tokens were"
    return page(HAND_OVER_TITLE, f"{what} handed over. The new owner is told.")


def in_channel(shown: Reported, zone: ZoneInfo) -> Message:
    """The report as everybody may read it; a leaver is not named beside the day."""
    report, count = shown.report, len(shown.tokens)
    if report.state is ReportState.ENDED:
        return _over(shown)
    match report.kind:
        case ReportKind.PASSWORD:
            title = f"The password of the Apple ID {escape(report.subject)} was changed"
            told = (
                f"Reported by {mention(report.reporter)} on {day(report.reported_at, zone)}. Apple "
                "ends the tokens that this Apple ID downloaded: renew them before devices fail."
            )
        case ReportKind.LEAVES:
            by = _written(report.leaves_on)
            title = f"{_counted(shown)} a new owner by {by}"
            told = f"The name is with the admins. {_OWNER_DOES}"
        case ReportKind.DEACTIVATED:
            title = f"The Slack account of {mention(report.subject)} was deactivated"
            needs = "needs" if count == 1 else "need"
            told = f"{_names(shown.tokens)} {needs} a new owner. {_OWNER_DOES}"
        case (
            ReportKind.ENTRA_PASSWORD
            | ReportKind.ENTRA_DISABLED
            | ReportKind.ENTRA_DELETED
            | ReportKind.ENTRA_NOBODY
        ):
            title, told = _finding(shown).told(zone, in_channel=True)
        case _:
            assert_never(report.kind)
    return _message(shown, title, told, zone)


def directly(shown: Reported, zone: ZoneInfo) -> Message:
    """The report for admins and owners, with name and day."""
    report = shown.report
    if report.state is ReportState.ENDED:
        return _over(shown)
    if report.kind in OVER:
        title, told = _finding(shown).told(zone, in_channel=False)
        return _message(shown, title, told, zone)
    if report.kind is not ReportKind.LEAVES:
        return in_channel(shown, zone)
    by = _written(report.leaves_on)
    title = f"{mention(report.subject)} leaves on {by}"
    told = f"{_names(shown.tokens)}: hand over until then. {_OWNER_DOES}"
    return _message(shown, title, told, zone)


def handed_over(tokens: Sequence[Token], owner: str, by: str) -> Message:
    """That somebody answers for tokens from now on."""
    verb = "answers" if tokens else "answered"
    how = "took over" if owner == by else f"handed over by {mention(by)}"
    text = (
        f":handshake: {mention(owner)} {verb} for {_names(tokens) or 'a token that is gone'} from "
        f"now on ({how}): its reminders go there too."
    )
    return Message(text="Tokens were handed over", blocks=[section(text)])


_OWNER_DOES = (
    "The owner gets the reminders, and may bring the token's file. If the person's Apple ID goes "
    "too, the tokens that it downloaded have to be renewed."
)


def _message(shown: Reported, title: str, told: str, zone: ZoneInfo) -> Message:
    report = shown.report
    blocks = [section(f":warning: *{title}*\n{told}")]
    renews, hands_over = report.kind in RENEWED, report.kind in HANDED_OVER
    for one in shown.tokens[:SHOWN]:
        blocks.append(section(_line(one, zone)))
        if renews:
            blocks.append(actions(renew_button(one), block_id=f"report_{one.id}"))
    if len(shown.tokens) > SHOWN:
        blocks.append(context(f"{number(len(shown.tokens) - SHOWN)} more"))
    if hands_over and shown.tokens:
        hand = button("Hand over…", HAND_OVER, shown.tokens[0].id, style="primary")
        blocks.append(actions(hand, block_id="hand_over"))
    return Message(text=title, blocks=blocks)


def _line(token: Token, zone: ZoneInfo) -> str:
    end = f", expires {day(token.expires_at, zone)}" if token.expires_at else ""
    return f"*{escape(token.name)}* at {PORTALS[token.portal].name}{end}"


def _counted(shown: Reported) -> str:
    if len(shown.tokens) == 1:
        return f"{escape(shown.tokens[0].name)} needs"
    return f"{number(len(shown.tokens))} tokens need"


def _names(tokens: Sequence[Token]) -> str:
    names = [f"*{escape(one.name)}*" for one in tokens[:10]]
    more = f" and {number(len(tokens) - 10)} more" if len(tokens) > 10 else ""  # noqa: PLR2004 - as many as are named
    return ", ".join(names) + more


def _finding(shown: Reported) -> Finding:
    report = shown.report
    return Finding(kind=report.kind, apple_id=report.subject, account=shown.account)


_OVER = {
    ReportKind.PASSWORD: "Every token of the Apple ID whose password changed is renewed.",
    ReportKind.LEAVES: "Every token that needed a new owner has one.",
    ReportKind.DEACTIVATED: "Every token of the deactivated account has a new owner, or the "
    "account is back.",
}


def _over(shown: Reported) -> Message:
    kind = shown.report.kind
    text = _OVER[kind] if kind in _OVER else _finding(shown).over()
    return Message(text=text, blocks=[section(f":white_check_mark: {text}")])


def _written(on: date | None) -> str:
    return f"{on.day} {on:%B %Y}" if on else "soon"


def _element(view: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    element: Mapping[str, Any] = view["state"]["values"].get(block_id, {}).get(block_id, {})
    return element

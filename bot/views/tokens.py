"""Tokens as answers to `list` and `status`."""

from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Message, actions, button, context, facts, section
from bot.views.bringing import DOES
from bot.views.entra import last_said
from bot.views.next_steps import STEPS, status_button, step_button
from bot.views.owners import take_button
from bot.views.request_card import decision_buttons
from bot.views.usage import COMMAND
from bot.views.wording import (
    ADMIN_CENTER,
    PORTALS,
    PROGRAMS,
    WAITING,
    day,
    days,
    devices,
    escape,
    mention,
    minute,
    number,
    owner,
    request_state,
    said,
    state_and_end,
    token_state,
)
from services.next_steps import NextStep
from services.tokens import Page, TokenView
from services.uploads import evidence_of
from storage.states import ProgramName, SyncState, TokenState

PICTURE = "tokens.picture"
PAGES = "tokens.pages"
UNTOLD = {
    ProgramName.APPLE: "known after the first upload",
    ProgramName.INTUNE: "Intune does not tell",
}
PICTURE_BUTTON = button("Picture", PICTURE, "all")


def token_list(page: Page[TokenView], words: str, zone: ZoneInfo) -> Message:
    """The tokens of a page in a line or two each, the most urgent first."""
    if not page.items:
        none = f"No token's name holds “{escape(words[:80])}”." if words else "There are no tokens."
        text = f"{none} Start one with `{COMMAND} create`."
        return Message(text="No tokens", blocks=[section(text)])
    blocks, buttons = token_rows(page, zone), [PICTURE_BUTTON]
    if page.pages > 1:
        left = number(page.total - len(page.items))
        blocks.append(context(f"{left} more; narrow it down: `{COMMAND} list words`"))
        buttons.append(button("Page by page", PAGES, "all"))
    blocks.append(actions(*buttons, block_id="picture"))
    return Message(text="Tokens, the most urgent first", blocks=blocks)


def token_rows(page: Page[TokenView], zone: ZoneInfo) -> list[Block]:
    """A row for each token of the page, with the button of its next step."""
    return [_row(one, zone) for one in page.items]


def token_status(shown: TokenView, zone: ZoneInfo) -> Message:
    """Everything short about one token, and the one next step."""
    token = shown.token
    pairs = [
        ("State", token_state(token.state, token.health)),
        ("Expires", _expiry(shown, zone)),
        ("Devices", _devices(shown)),
        ("Last sync", _last_sync(shown, zone)),
        ("Apple ID", escape(token.apple_id)),
        ("Owner", owner(token.owner)),
        ("Portal", PORTALS[token.portal].name),
        ("Server at Apple", escape(token.server_name)),
        ("Organisation", escape(token.org_name or UNTOLD[token.program])),
        ("Held by", PROGRAMS[token.program]),
    ]
    name, next_step = f"*{escape(token.name)}*", f"*Next step*\n{_next(shown)}"
    blocks = [section(name), facts(pairs), section(next_step), *_profiles(shown)]
    if entra := last_said(shown.account, zone):
        blocks.append(context(entra))
    blocks += _buttons(shown)
    return Message(text=f"{escape(token.name)}: {_short(shown, zone)}", blocks=blocks)


def _devices(shown: TokenView) -> str:
    run = shown.last_run
    if run is None or not run.released:
        return devices(shown.devices)
    return f"{devices(shown.devices)}, beside {number(run.released)} released at Apple"


def _profiles(shown: TokenView) -> list[Block]:
    """The profiles that Intune has for it, and why none is made here."""
    if shown.token.program is not ProgramName.INTUNE or shown.token.state is not TokenState.ACTIVE:
        return []
    names = [escape(one.name) for one in shown.profiles if one.is_default]
    default = f"default for new devices: {', '.join(names)}" if names else "no default"
    count = number(len(shown.profiles))
    says = f"Intune says: {escape(shown.evidence)}. " if shown.evidence else ""
    return [
        context(
            f"{says}Enrollment profiles there: {count}; {default}. New ones are made as enrollment "
            f"policies in the {ADMIN_CENTER.link}: Microsoft updates enrollment profiles no more, "
            "so this app makes none."
        )
    ]


def _row(shown: TokenView, zone: ZoneInfo) -> Block:
    token = shown.token
    step = step_button(shown.step, token, shown.request) or status_button(token)
    return section(_line(shown, zone)) | {"accessory": step}


def _buttons(shown: TokenView) -> list[Block]:
    token, request = shown.token, shown.request
    taken = [] if token.owner else [actions(take_button(token), block_id="owner")]
    if shown.step is NextStep.DECIDE and request is not None:
        return [decision_buttons(request, token), *taken]
    step = step_button(shown.step, token, request)
    return [actions(step, block_id="next"), *taken] if step else taken


def _line(shown: TokenView, zone: ZoneInfo) -> str:
    token = shown.token
    if token.state in WAITING:
        return f"*{escape(token.name)}*: {_short(shown, zone)}\n{_next(shown)}"
    return (
        f"*{escape(token.name)}*: {_short(shown, zone)}\n"
        f"{devices(shown.devices)}, last sync {_last_sync(shown, zone)}, "
        f"Apple ID {escape(token.apple_id)}"
    )


def _short(shown: TokenView, zone: ZoneInfo) -> str:
    return state_and_end(shown.token, shown.days_left, zone)


def _expiry(shown: TokenView, zone: ZoneInfo) -> str:
    expires_at = shown.token.expires_at
    if expires_at is None or shown.days_left is None:
        return "not known yet"
    return f"{day(expires_at, zone)} ({days(shown.days_left)})"


def _last_sync(shown: TokenView, zone: ZoneInfo) -> str:
    at = shown.token.last_synced_at
    return "never" if at is None else minute(at, zone)


def _next(shown: TokenView) -> str:
    request, run, step = shown.request, shown.last_run, shown.step
    if request is not None and request.ended_at is None:
        who = mention(request.handed_to or request.requester)
        if step is NextStep.FINISH_RENEWAL:
            return f"*Enrolment is down*: {who} {DOES[evidence_of(request)]}."
        if step is NextStep.BRING_FILE:
            return f"{who} {DOES[evidence_of(request)]}."
        return f"{request_state(request)} (asked for by {who})."
    if step is NextStep.NOTHING and run is not None and run.state is SyncState.FAILED:
        return f"The last sync failed: {said(run.error or '')}"
    words = STEPS[step]
    return f"{words[0].upper()}{words[1:]}"

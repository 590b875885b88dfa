"""The Home tab: what waits for this person, what waits for others, and the tokens by urgency."""

from zoneinfo import ZoneInfo

from bot.views.blocks import Block, View, actions, button, context, divider, header, section
from bot.views.bringing import TO_DO, bring_button
from bot.views.next_steps import STEPS, status_button, step_button
from bot.views.paging import page_buttons
from bot.views.request_card import decision_buttons
from bot.views.usage import COMMAND
from bot.views.wording import (
    PORTALS,
    PROGRAMS,
    day,
    escape,
    mention,
    mentions,
    number,
    owner,
    request_state,
    state_and_end,
)
from services.overview import Glance, Overview, Waiting
from services.uploads import WAITED_FOR, evidence_of
from storage.states import RequestState

CREATE = "home.create"
MORE = "home.more"
BACK = "home.back"
SHOWN = 10
"""Requests shown of each kind; the others follow when these are done."""


def home_tab(seen: Overview, zone: ZoneInfo) -> View:
    """Everything that this person may see."""
    blocks = [header("Apple enrollment program tokens")]
    if seen.may_start:
        blocks.append(actions(button("New token", CREATE, "create"), block_id="start"))
    blocks += _for_you(seen, zone)
    blocks += _for_others(seen, zone)
    blocks += [divider(), *_tokens(seen, zone)]
    blocks.append(context(f"`{COMMAND} help` lists every command."))
    return _home(blocks)


def only_words(text: str) -> View:
    """A Home that shows nothing of tokens: for people without a role, or when something failed."""
    return _home([header("Apple enrollment program tokens"), section(text)])


def _home(blocks: list[Block]) -> View:
    return {"type": "home", "blocks": blocks}


def _for_you(seen: Overview, zone: ZoneInfo) -> list[Block]:
    blocks = [section("*Waiting for you*")]
    # An upload holds up a token that is agreed to already, so it comes before new wishes.
    for one in seen.bring[:SHOWN]:
        blocks += _to_bring(one, seen.person, zone)
    for one in seen.decide[:SHOWN]:
        blocks += _to_decide(one, zone)
    blocks += _further(max(0, len(seen.bring) - SHOWN) + max(0, len(seen.decide) - SHOWN))
    return blocks if len(blocks) > 1 else [*blocks, section("Nothing.")]


def _for_others(seen: Overview, zone: ZoneInfo) -> list[Block]:
    if not seen.others:
        return []
    lines = [section(_asked(one, zone)) for one in seen.others[:SHOWN]]
    return [section("*Waiting for others*"), *lines, *_further(len(seen.others) - SHOWN)]


def _further(count: int) -> list[Block]:
    return [context(f"{number(count)} more; they follow when these are done.")] if count > 0 else []


def _to_bring(one: Waiting, person: str, zone: ZoneInfo) -> list[Block]:
    request, token, portal = one.request, one.token, PORTALS[one.token.portal].name
    who = "You have" if request.requester == person else f"{mention(request.requester)} has"
    text = (
        f"*{escape(token.name)}*: {TO_DO[evidence_of(request)].format(portal=portal)} until "
        f"{day(request.expires_at, zone)}.\n"
        f"{who} the numbered steps as a direct message."
    )
    bring = bring_button(request)
    return [section(text), actions(bring, block_id=f"bring_{request.id}")]


def _to_decide(one: Waiting, zone: ZoneInfo) -> list[Block]:
    request, token = one.request, one.token
    text = "\n".join(
        [
            f"{mention(request.requester)} asks to {request.action.value} the token "
            f"*{escape(token.name)}*. Decide until {day(request.expires_at, zone)}.",
            f"{PORTALS[token.portal].name}, owner {owner(token.owner)}, held by "
            f"{PROGRAMS[token.program]}",
            f"Server at Apple: {escape(token.server_name)}",
            f"Apple ID: {escape(token.apple_id)}",
            f"Consent given: {escape(request.consent_text)}",
            f"Reason: {escape(request.reason)}",
        ]
    )
    return [section(text), decision_buttons(request, token, block_id=f"decide_{request.id}")]


def _asked(one: Waiting, zone: ZoneInfo) -> str:
    request, name = one.request, escape(one.token.name)
    until = day(request.expires_at, zone)
    if request.state is RequestState.PENDING:
        deciders = [one for one in request.approvers if one != request.requester]
        return f"*{name}*: waits until {until} for approval by {mentions(deciders, 'or')}"
    if request.state is RequestState.AWAITING_UPLOAD:
        return f"*{name}*: waits until {until} for {WAITED_FOR[evidence_of(request)]}"
    return f"*{name}*: {request_state(request).lower()}"


def _tokens(seen: Overview, zone: ZoneInfo) -> list[Block]:
    if not seen.total:
        return [section(_how_to_begin(may_start=seen.may_start))]
    of = f", page {seen.page + 1} of {seen.pages}" if seen.pages > 1 else ""
    title = f"*Tokens* ({number(seen.total)}, the most urgent first{of})"
    lines = [_line(one, zone) for one in seen.tokens]
    turn = page_buttons(seen.page, seen.pages, back=BACK, more=MORE)
    return [section(title), *lines, *turn]


def _token(one: Glance, zone: ZoneInfo) -> str:
    token = one.token
    state = state_and_end(token, one.days_left, zone)
    return f"*{escape(token.name)}*: {state}\nNext: {STEPS[one.step]}"


def _line(one: Glance, zone: ZoneInfo) -> Block:
    step = step_button(one.step, one.token, None) or status_button(one.token)
    return section(_token(one, zone)) | {"accessory": step}


def _how_to_begin(*, may_start: bool) -> str:
    if may_start:
        return (
            "There are no tokens yet. *New token* above opens the form: somebody else approves, "
            "then you get the steps for Apple's portal."
        )
    return f"There are no tokens yet. An operator starts the first one with `{COMMAND} create`."

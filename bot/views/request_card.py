"""A request in the approvals channel: what one needs to decide, later what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.views.blocks import (
    Block,
    Confirm,
    Message,
    actions,
    button,
    context,
    facts,
    header,
    section,
)
from bot.views.wording import (
    PORTALS,
    PROGRAMS,
    REQUEST_STATES,
    day,
    escape,
    mention,
    mentions,
    minute,
)
from storage.records import Decision, Request, Token
from storage.states import RequestState, Verdict

APPROVE = "request.approve"
DECLINE = "request.decline"
VERDICTS = {APPROVE: Verdict.APPROVE, DECLINE: Verdict.DECLINE}
SAID = {Verdict.APPROVE: "Approved", Verdict.DECLINE: "Declined"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """A request with what belongs to it."""

    request: Request
    token: Token
    decisions: Sequence[Decision]


def request_card(shown: RequestFacts, zone: ZoneInfo) -> Message:
    """The request with its buttons while it waits; without them, its outcome."""
    request, token = shown.request, shown.token
    name = escape(token.name)
    agreed = f"*Consent given by {mention(request.requester)}*\n{escape(request.consent_text)}."
    blocks = [
        header("New token"),
        section(f"{mention(request.requester)} asks for the token *{name}*."),
        _story(shown, zone),
        _facts(request, token, zone),
        section(f"*Reason*\n{escape(request.reason)}"),
        section(agreed),
    ]
    if request.state is RequestState.PENDING:
        blocks.append(decision_buttons(request, token))
        blocks.append(context(_rule(request)))
    state = REQUEST_STATES[request.state]
    return Message(text=f"New token {name}: {state.lower()}", blocks=blocks)


def declined(shown: RequestFacts) -> Message:
    """The news for the requester."""
    name = escape(shown.token.name)
    by = ", ".join(mention(one.person) for one in shown.decisions if one.verdict is Verdict.DECLINE)
    text = (
        f"Your request for the token *{name}* was declined by {by}. Nothing was changed. Talk to "
        "them; then ask again with `/enroll-token create`, the name is free."
    )
    return Message(text=f"Your request for {name} was declined", blocks=[section(text)])


def _facts(request: Request, token: Token, zone: ZoneInfo) -> Block:
    until = {RequestState.PENDING: "Decide until", RequestState.AWAITING_UPLOAD: "Upload until"}
    pairs = [
        ("Portal", PORTALS[token.portal].name),
        ("Server at Apple", escape(token.server_name)),
        ("Apple ID", escape(token.apple_id)),
        ("Owner", mention(token.owner)),
        ("Held by", PROGRAMS[token.program]),
    ]
    if request.state is RequestState.PENDING:
        pairs.append(("What changes", "a new server at Apple; no devices move"))
    if request.state in until:
        pairs.append((until[request.state], day(request.expires_at, zone)))
    return facts(pairs)


def _story(shown: RequestFacts, zone: ZoneInfo) -> Block:
    request = shown.request
    lines = [
        f"{SAID[one.verdict]} by {mention(one.person)}, {minute(one.recorded_at, zone)}"
        for one in shown.decisions
    ]
    if request.approvals_required == 0:
        lines.append("No approval is needed here (APPROVALS_REQUIRED=0)")
    if request.state is RequestState.PENDING and lines:
        lines.append(f"{request.approvals_required - len(shown.decisions)} more to go")
    if request.state is RequestState.COMPLETED and request.ended_at is not None:
        lines.append(f"The token is in use since {minute(request.ended_at, zone)}")
    title = f"*{REQUEST_STATES[request.state]}*"
    return section("\n".join([title, *lines]))


def decision_buttons(request: Request, token: Token, *, block_id: str = "decision") -> Block:
    """Approve and Decline, each behind Slack's own question."""
    approve = Confirm(
        title="Approve?",
        text=f"{mention(request.requester)} then gets the public-key certificate (.pem) and the "
        f"steps for {escape(token.name)}.",
        yes="Approve",
    )
    decline = Confirm(
        title="Decline?", text=f"{escape(token.name)}: the request ends here.", yes="Decline"
    )
    return actions(
        button("Approve", APPROVE, request.id, style="primary", confirm=approve),
        button("Decline", DECLINE, request.id, style="danger", confirm=decline),
        block_id=block_id,
    )


def _rule(request: Request) -> str:
    needed = request.approvals_required
    others = [one for one in request.approvers if one != request.requester]
    who = "One" if needed == 1 else str(needed)
    return f"{who} of {mentions(others)} can approve."

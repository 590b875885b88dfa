"""A request in the approvals channel: what one needs to decide, later what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
    CAUSES,
    PORTALS,
    PROGRAMS,
    day,
    escape,
    mention,
    mentions,
    minute,
    number,
    owner,
    request_state,
    said,
)
from storage.records import Decision, Request, Token
from storage.states import Action, Portal, ProgramName, RequestState, Verdict

APPROVE = "request.approve"
DECLINE = "request.decline"
CANCEL = "request.cancel"
SAID = {Verdict.APPROVE: "Approved", Verdict.DECLINE: "Declined"}
SEEN_BY = 100
"""Buttons are hidden from everybody else only where there are no more than so many approvers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionWords:
    """How an action is spoken of: the card's title, the wish, what changes, what it leads to."""

    title: str
    asks: str
    changes: str
    approved: str
    done: str


ACTIONS = {
    Action.CREATE: ActionWords(
        title="New token",
        asks="asks for the token *{name}*.",
        changes="a new server at Apple; no devices move",
        approved="The requester then gets the steps at the portal for {name}.",
        done="The token is in use",
    ),
    Action.RENEW: ActionWords(
        title="Renew a token",
        asks="asks to renew the token *{name}*.",
        changes="the token in use ends when its successor is downloaded; devices and profiles stay",
        approved="The requester then downloads a new token, which ends the one of {name} in use, "
        "and brings it.",
        done="The new token is in use",
    ),
    Action.REPLACE: ActionWords(
        title="Replace a token's server",
        asks="asks to give the token *{name}* another server at Apple.",
        changes="the inventory starts afresh with the other server's devices",
        approved="The requester then brings a token of another server; the inventory of {name} "
        "starts afresh.",
        done="The other server's token is in use",
    ),
    Action.DELETE: ActionWords(
        title="Delete a token",
        asks="asks to delete the token *{name}*.",
        changes="its keys and credentials are overwritten here, for good; the audit log stays",
        approved="{name} is then deleted at once, if nothing is assigned to it by then.",
        done="The token is deleted",
    ),
    Action.REMOVE: ActionWords(
        title="Remove a token's devices here",
        asks="asks to remove the devices and profiles of *{name}* here.",
        changes="profiles are taken off at Apple, syncs of this token stop; devices already "
        "enrolled stay with their MDM, new ones get no profile",
        approved="The profiles of {name} are then taken off at Apple and its syncs stop.",
        done="Its devices are removed here",
    ),
}
"""Every action; a test proves that none is missing."""
IN_INTUNE = {
    Action.DELETE: replace(
        ACTIONS[Action.DELETE],
        changes="it is deleted in Intune, for good; the audit log stays",
        approved="{name} is then deleted in Intune, if nothing hangs on it by then: by this app "
        "where it may write there, else by the requester, who gets the steps.",
    ),
    Action.REMOVE: replace(
        ACTIONS[Action.REMOVE],
        asks="asks to remove the devices of *{name}* in Intune.",
        changes="its devices are deleted in Intune and leave management; syncs of this token stop. "
        "They come back at Intune's next full sync unless they are unassigned at Apple first",
        approved="The devices of {name} are then deleted in Intune: by this app where it may write "
        "there, else by the requester, who gets the steps.",
    ),
}
"""What is spoken of otherwise where Intune holds the token."""


def words_of(action: Action, token: Token) -> ActionWords:
    """How the action is spoken of for this token."""
    if token.program is ProgramName.INTUNE:
        return IN_INTUNE.get(action, ACTIONS[action])
    return ACTIONS[action]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """A request with what belongs to it."""

    request: Request
    token: Token
    decisions: Sequence[Decision]


def request_card(shown: RequestFacts, zone: ZoneInfo) -> Message:
    """The request with its buttons while it waits; without them, its outcome."""
    request, token = shown.request, shown.token
    name, words = escape(token.name), words_of(request.action, token)
    blocks = [
        header(words.title),
        section(f"{mention(request.requester)} {words.asks.format(name=name)}"),
        _story(shown, zone),
        _facts(request, token, zone),
        *_texts(request),
    ]
    if request.state is RequestState.PENDING:
        blocks.append(decision_buttons(request, token))
        blocks.append(context(_rule(request)))
    state = request_state(request)
    return Message(text=f"{words.title} {name}: {state.lower()}", blocks=blocks)


def _texts(request: Request) -> list[Block]:
    blocks = []
    why = [CAUSES[request.cause]] if request.cause else []
    why += [escape(request.reason)] if request.reason else []
    if why:
        blocks.append(section("*Reason*\n" + "\n".join(why)))
    if request.consent_text:
        agreed = f"*Consent given by {mention(request.requester)}*\n{escape(request.consent_text)}."
        blocks.append(section(agreed))
    return blocks


def _facts(request: Request, token: Token, zone: ZoneInfo) -> Block:
    known = request.facts or _of_older_release(token)
    pairs = [
        ("Portal", PORTALS[Portal(known["portal"])].name),
        ("Server at Apple", escape(known["server_name"])),
        ("Apple ID", escape(known["apple_id"])),
        ("Owner", owner(known["owner"])),
        ("Held by", PROGRAMS[ProgramName(known["program"])]),
        *([("Scope tags", escape(known["scope_tags"]))] if known.get("scope_tags") else []),
        *_more_facts(request.action, known, zone),
    ]
    if request.state is RequestState.PENDING:
        pairs.append(("What changes", words_of(request.action, token).changes))
    until = {RequestState.PENDING: "Decide until", RequestState.AWAITING_UPLOAD: "Finish until"}
    if request.state in until:
        pairs.append((until[request.state], day(request.expires_at, zone)))
    return facts(pairs)


def _more_facts(action: Action, known: Mapping[str, str], zone: ZoneInfo) -> list[tuple[str, str]]:
    if action is Action.CREATE:
        return []
    ends = day(datetime.fromisoformat(known["expires_at"]), zone) if known["expires_at"] else "-"
    health = known["health"].replace("_", " ") or "not known"
    organisation = [("Organisation", escape(known["org_name"]) or "not told")]
    # Intune tells no organisation, and ten values are what fits.
    apples = known["program"] == ProgramName.APPLE
    pairs = [*(organisation if apples else []), ("Expires, health", f"{ends}, {health}")]
    return [*pairs, ("Devices", _counts(known))]


def _counts(known: Mapping[str, str]) -> str:
    """What hangs on the token, and what nobody could count."""
    uncounted = known.get("uncounted", "")
    if uncounted == "everything":
        return "not known: this app cannot ask Intune"
    counts = number(int(known["devices"]))
    if "profiles" in known:
        counts += (
            f" ({number(int(known['in_default_profile']))} with the default profile); "
            f"{number(int(known['profiles']))} profiles"
        )
    return f"{counts}; {escape(uncounted)} cannot be looked at" if uncounted else counts


def _of_older_release(token: Token) -> dict[str, str]:
    """A request that an older release wrote has no facts beside it, and is for a new token."""
    return {
        "portal": token.portal.value,
        "server_name": token.server_name,
        "apple_id": token.apple_id,
        "owner": token.owner,
        "program": token.program.value,
    }


def _story(shown: RequestFacts, zone: ZoneInfo) -> Block:
    request = shown.request
    lines = [
        f"{SAID[one.verdict]} by {mention(one.person)}, {minute(one.recorded_at, zone)}"
        + (f": {escape(one.reason)}" if one.reason else "")
        for one in shown.decisions
    ]
    if request.approvals_required == 0:
        lines.append("No approval is needed here (APPROVALS_REQUIRED=0)")
    if request.state is RequestState.PENDING and lines:
        lines.append(f"{request.approvals_required - len(shown.decisions)} more to go")
    if request.down_since is not None and request.ended_at is None:
        lines.append(
            f"*Half done: enrolment is down* since {minute(request.down_since, zone)}, until it is "
            "finished"
        )
    if request.state is RequestState.COMPLETED and request.ended_at is not None:
        done = ACTIONS[request.action].done
        lines.append(f"{done} since {minute(request.ended_at, zone)}")
    if request.detour and request.ended_at is None:
        lines.append(f"*By hand*, in the admin center: {said(request.detour)}")
    if request.failure:
        lines.append(said(request.failure))
    title = f"*{request_state(request)}*"
    return section("\n".join([title, *lines]))


def decision_buttons(request: Request, token: Token, *, block_id: str = "decision") -> Block:
    """Approve behind Slack's own question, Decline… which asks for the reason, and Cancel.

    Slack hides a button from whoever may not use it, where it knows how; each click is weighed
    all the same.
    """
    approve = Confirm(
        title="Approve?",
        text=words_of(request.action, token).approved.format(name=escape(token.name)),
        yes="Approve",
    )
    value = request.id if not request.digest else f"{request.id}.{request.digest}"
    others = [one for one in request.approvers if one != request.requester]
    seen_by = others if 0 < len(others) <= SEEN_BY else None
    return actions(
        button("Approve", APPROVE, value, style="primary", confirm=approve, seen_by=seen_by),
        button("Decline…", DECLINE, value, style="danger", seen_by=seen_by),
        cancel_button(request, token, seen_by=[request.requester]),
        block_id=block_id,
    )


def cancel_button(request: Request, token: Token, *, seen_by: Sequence[str] | None = None) -> Block:
    """The requester takes it back, behind Slack's own question."""
    down = " The token in use is dead already and stays so." if request.down_since else ""
    confirm = Confirm(
        title="Cancel the request?",
        text=f"{escape(token.name)}: the request ends here.{down}",
        yes="Cancel the request",
    )
    return button("Cancel", CANCEL, request.id, confirm=confirm, seen_by=seen_by)


def parse_seen(value: str) -> tuple[str, str]:
    """The request's id and the fingerprint of the facts, of a button's value."""
    request_id, _, digest = value.partition(".")
    return request_id, digest


def _rule(request: Request) -> str:
    needed = request.approvals_required
    others = [one for one in request.approvers if one != request.requester]
    rule = f"{mentions(others, 'or')} can approve."
    if needed > 1:
        rule = f"{needed} of {mentions(others)} have to approve."
    return f"{rule} {mention(request.requester)} can cancel."

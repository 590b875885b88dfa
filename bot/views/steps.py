"""The requester's direct messages: the certificate, the numbered steps, then the outcome."""

from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Message, actions, button, context, facts, section
from bot.views.bringing import bring_button, check_buttons
from bot.views.portal_steps import numbered
from bot.views.request_card import ACTIONS, RequestFacts, cancel_button
from bot.views.usage import COMMAND
from bot.views.wording import HOLDERS, REQUEST_STATES, day, escape, mention, minute, said
from services.taking_out import TAKING_OUT
from services.uploads import WAITED_FOR, bringers, evidence_of, waits_for_evidence
from storage.records import KeyPair, Token
from storage.states import Action, Evidence, ProgramName, RequestState, Verdict

DOWNLOADED = "renew.downloaded"
HAND = "request.hand"
PROOFS = {
    ProgramName.APPLE: "Apple accepted the token.",
    ProgramName.INTUNE: "Intune shows the token.",
}
RENEWING = (Action.RENEW, Action.REPLACE)


def certificate_comment(token: Token, pair: KeyPair) -> str:
    """What is said beside the `.pem` file."""
    return (
        f"The public-key certificate for *{escape(token.name)}*. It is no secret; Apple encrypts "
        f"the token for it. SHA-256 fingerprint:\n`{pair.fingerprint}`"
    )


def certificate_name(token: Token, pair: KeyPair) -> str:
    """The file's name: the token's in plain letters, and the fingerprint's beginning."""
    plain = "".join(mark if mark.isascii() and mark.isalnum() else "-" for mark in token.name)
    short = "-".join(part for part in plain.split("-") if part)[:40] or "token"
    return f"{short}-{pair.fingerprint.replace(':', '')[:8].lower()}.pem"


def steps(shown: RequestFacts, zone: ZoneInfo) -> Message:
    """What to do at the portal while the request waits for the file; later, what came of it."""
    if waits_for_evidence(shown.request):
        return _to_do(shown, zone)
    if shown.request.state is RequestState.COMPLETED:
        return _done(shown) if shown.request.action in TAKING_OUT else _in_use(shown, zone)
    name, state = escape(shown.token.name), REQUEST_STATES[shown.request.state]
    text = f"*{name}*: {state}. There is nothing left for you to do here."
    if shown.request.down_since is not None:
        text += (
            f" *The token in use is dead*, so enrolment is down until somebody renews it: "
            f"`{COMMAND} renew {name}`, *already downloaded*."
        )
    return Message(text=f"{name}: {state}", blocks=[section(text)])


def _done(shown: RequestFacts) -> Message:
    name = escape(shown.token.name)
    text = f"{name}: {ACTIONS[shown.request.action].done.lower()}"
    return Message(text=text, blocks=[section(f":white_check_mark: *{text}.*")])


def _to_do(shown: RequestFacts, zone: ZoneInfo) -> Message:
    token, request = shown.token, shown.request
    name = escape(token.name)
    buttons = [bring_button(request), *check_buttons(request)]
    if request.action in RENEWING and request.down_since is None:
        buttons.append(button("I've downloaded it", DOWNLOADED, request.id))
    buttons += [button("Hand to…", HAND, request.id), cancel_button(request, token)]
    blocks = [
        section(f"*Your steps for {name}*"),
        section("\n".join(numbered(shown))),
        actions(*buttons, block_id="upload"),
        context(
            f"{approved_by(shown)} This step is open until {day(request.expires_at, zone)}; "
            f"closing anything here loses nothing. {_bringers(shown)} can finish it."
        ),
    ]
    if request.down_since is not None:
        blocks.insert(1, section(_down(shown, zone)))
    if request.detour:
        blocks.insert(1, section(f":warning: *It goes on by hand.* {said(request.detour)}"))
    return Message(text=f"{name}: your steps at the portal", blocks=blocks)


def _down(shown: RequestFacts, zone: ZoneInfo) -> str:
    since = shown.request.down_since
    when = f" since {minute(since, zone)}" if since else ""
    return (
        f":warning: *Half done: enrolment is down{when}.* A newer token was downloaded, which "
        "ended the one in use. Finish the steps now."
    )


def upload_nag(shown: RequestFacts, zone: ZoneInfo) -> Message:
    """Their part is still waited for."""
    request, name = shown.request, escape(shown.token.name)
    text = (
        f"*{name}* still waits for {WAITED_FOR[evidence_of(request)]}, until "
        f"{day(request.expires_at, zone)}. The numbered steps are in a message above."
    )
    if request.down_since is not None:
        text = f"{_down(shown, zone)}\n{text}"
    hand = button("Hand to…", HAND, request.id)
    blocks = [section(text), actions(bring_button(request), hand, block_id="upload")]
    return Message(text=f"Your part for {name} is still waited for", blocks=blocks)


def approved_by(shown: RequestFacts) -> str:
    """Who agreed, as a sentence."""
    by = [mention(one.person) for one in shown.decisions if one.verdict is Verdict.APPROVE]
    if by:
        return f"Approved by {' and '.join(by)}."
    if shown.request.approvals_required == 0:
        return "Without approval: none is needed here."
    if evidence_of(shown.request) is Evidence.EXPIRY_DATE:
        return "Not approved yet; the date counts once it is."
    return "Not approved yet; a token of the same server takes effect all the same."


def _bringers(shown: RequestFacts) -> str:
    people = bringers(shown.request, shown.token) - {one.person for one in shown.decisions}
    names = " and ".join(mention(person) for person in sorted(people))
    return f"Only {names}" if len(people) == 1 else names


def _in_use(shown: RequestFacts, zone: ZoneInfo) -> Message:
    token = shown.token
    name = escape(token.name)
    expiry = day(token.expires_at, zone) if token.expires_at else "not told"
    blocks = [
        section(f":white_check_mark: *{name} is in use until {expiry}.* {proof_of(shown)}"),
        *account(token),
        *([section(f":warning: {said(shown.request.detour)}")] if shown.request.detour else []),
        context(_next(shown)),
    ]
    return Message(text=f"{name} is in use until {expiry}", blocks=blocks)


def proof_of(shown: RequestFacts) -> str:
    """Whose word it is that the token is in use."""
    if evidence_of(shown.request) is Evidence.EXPIRY_DATE:
        return "The date is the one that was entered here; nobody can ask Intune."
    return PROOFS[shown.token.program]


def _next(shown: RequestFacts) -> str:
    if evidence_of(shown.request) is Evidence.EXPIRY_DATE:
        return "Reminders follow that date."
    return "The first sync is under way; its result comes in the alert channel."


def account(token: Token) -> list[Block]:
    """What the token belongs to, as its holder says; a differing Apple ID is said aloud."""
    ours = token.program is ProgramName.APPLE
    pairs = [
        *([("Organisation", escape(token.org_name or "not told"))] if ours else []),
        ("Server at Apple", escape(token.server_name)),
        ("Apple ID", escape(token.apple_id)),
    ]
    blocks, says = [facts(pairs)], HOLDERS[token.program]
    if token.admin_id and token.admin_id.casefold() != token.apple_id.casefold():
        blocks.append(
            section(
                f"*Note:* {says} says that it was downloaded with *{escape(token.admin_id)}*, not "
                f"*{escape(token.apple_id)}*. What {says} says counts; both are recorded."
            )
        )
    return blocks

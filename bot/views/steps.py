"""The requester's direct messages: the certificate, the numbered steps, then the outcome."""

from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Message, actions, button, context, facts, section
from bot.views.request_card import RequestFacts, cancel_button
from bot.views.usage import COMMAND
from bot.views.wording import PORTALS, REQUEST_STATES, PortalWords, day, escape, mention, minute
from services.uploads import bringers, waits_for_evidence
from storage.records import KeyPair, Token
from storage.states import Action, RenewalCause, RequestState, Verdict

UPLOAD = "upload.open"
DOWNLOADED = "renew.downloaded"
HAND = "request.hand"
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
        return _in_use(shown.token, zone)
    name, state = escape(shown.token.name), REQUEST_STATES[shown.request.state]
    text = f"*{name}*: {state}. There is nothing left for you to do here."
    if shown.request.down_since is not None:
        text += (
            f" *The token in use is dead*, so enrolment is down until somebody renews it: "
            f"`{COMMAND} renew {name}`, *already downloaded*."
        )
    return Message(text=f"{name}: {state}", blocks=[section(text)])


def _to_do(shown: RequestFacts, zone: ZoneInfo) -> Message:
    token, request = shown.token, shown.request
    name, portal = escape(token.name), PORTALS[token.portal]
    buttons = [button("Upload server token", UPLOAD, request.id, style="primary")]
    if request.action in RENEWING and request.down_since is None:
        buttons.append(button("I've downloaded it", DOWNLOADED, request.id))
    buttons += [button("Hand to…", HAND, request.id), cancel_button(request, token)]
    blocks = [
        section(f"*Your steps for {name}*"),
        section("\n".join(_numbered(shown, portal))),
        actions(*buttons, block_id="upload"),
        context(
            f"{approved_by(shown)} This step is open until {day(request.expires_at, zone)}; "
            f"closing anything loses nothing. {_uploaders(shown)} can upload."
        ),
    ]
    if request.down_since is not None:
        blocks.insert(1, section(_down(shown, zone)))
    return Message(text=f"{name}: your steps at Apple", blocks=blocks)


def _down(shown: RequestFacts, zone: ZoneInfo) -> str:
    since = shown.request.down_since
    when = f" since {minute(since, zone)}" if since else ""
    return (
        f":warning: *Half done: enrolment is down{when}.* A newer token was downloaded, which "
        "ended the one in use. Upload the new file now."
    )


def _numbered(shown: RequestFacts, portal: PortalWords) -> list[str]:
    creates = shown.request.action is Action.CREATE
    lines = _create_steps(shown, portal) if creates else _renew_steps(shown, portal)
    numbered = [f"{number}. {line}" for number, line in enumerate(lines, 1)]
    later = "You can set which devices belong to the server now or later, in the portal."
    return [*numbered, later] if creates else numbered


def _create_steps(shown: RequestFacts, portal: PortalWords) -> list[str]:
    server_name = escape(shown.token.server_name)
    return [
        "Save the `.pem` file that I sent you: the public-key certificate.",
        _sign_in(shown, portal),
        f"Click {portal.menu} and choose *{portal.add}*.",
        f"Name the {portal.server} (formerly {portal.server_formerly}), for example "
        f"*{server_name}*; any name will do. Upload the `.pem` file and save.",
        f"Choose *{portal.download}*. You get a file that ends in `.p7m`; do not open it.",
        "Come back here and press *Upload server token*.",
    ]


def _renew_steps(shown: RequestFacts, portal: PortalWords) -> list[str]:
    request, server = shown.request, escape(shown.token.server_name)
    upload = "Come back here and press *Upload server token*."
    if request.cause is RenewalCause.ALREADY_DOWNLOADED:
        return [
            "Find the newest `.p7m` file that was downloaded; do not open it. If it is lost, sign "
            f"in at <{portal.url}|{portal.name}>, open the server *{server}* and choose "
            f"*{portal.download}* once more.",
            "Press *Upload server token* below, now.",
        ]
    which = f"open the server *{server}*"
    if request.action is Action.REPLACE:
        which = "open the other server (or *Add* one)"
    lines = [_sign_in(shown, portal), f"Click {portal.menu} and {which}."]
    if request.rotate:
        lines.insert(0, "Save the new `.pem` file that I sent you: the public-key certificate.")
        lines.append("Upload the new `.pem` file there and save, *before* you download anything.")
    ends = (
        ""
        if request.action is Action.REPLACE
        else " *Download Token invalidates the token in use*, so be ready to upload at once."
    )
    return [
        *lines,
        f"Choose *{portal.download}*. You get a file that ends in `.p7m`; do not open it.{ends}",
        upload,
    ]


def _sign_in(shown: RequestFacts, portal: PortalWords) -> str:
    apple_id = escape(shown.request.apple_id or shown.token.apple_id)
    formerly = f" (formerly {portal.formerly})" if portal.formerly else ""
    return (
        f"Sign in at <{portal.url}|{portal.name}>{formerly} with *{apple_id}*, your organisation's "
        "Apple ID, not a personal one. It needs the role Administrator or Device Enrollment "
        "Manager."
    )


def upload_nag(shown: RequestFacts, zone: ZoneInfo) -> Message:
    """The file is still waited for."""
    request, name = shown.request, escape(shown.token.name)
    text = (
        f"The server token file for *{name}* is still waited for, until "
        f"{day(request.expires_at, zone)}. The numbered steps are in a message above."
    )
    if request.down_since is not None:
        text = f"{_down(shown, zone)}\n{text}"
    upload = button("Upload server token", UPLOAD, request.id, style="primary")
    blocks = [
        section(text),
        actions(upload, button("Hand to…", HAND, request.id), block_id="upload"),
    ]
    return Message(text=f"The file for {name} is still waited for", blocks=blocks)


def approved_by(shown: RequestFacts) -> str:
    """Who agreed, as a sentence."""
    by = [mention(one.person) for one in shown.decisions if one.verdict is Verdict.APPROVE]
    if by:
        return f"Approved by {' and '.join(by)}."
    if shown.request.approvals_required == 0:
        return "Without approval: none is needed here."
    return "Not approved yet; a file of the same server takes effect all the same."


def _uploaders(shown: RequestFacts) -> str:
    people = bringers(shown.request, shown.token) - {one.person for one in shown.decisions}
    names = " and ".join(mention(person) for person in sorted(people))
    return f"Only {names}" if len(people) == 1 else names


def _in_use(token: Token, zone: ZoneInfo) -> Message:
    name = escape(token.name)
    expiry = day(token.expires_at, zone) if token.expires_at else "not told"
    blocks = [
        section(f":white_check_mark: *{name} is in use until {expiry}.* Apple accepted the token."),
        *account(token),
        context("The first sync is under way; its result comes in the alert channel."),
    ]
    return Message(text=f"{name} is in use until {expiry}", blocks=blocks)


def account(token: Token) -> list[Block]:
    """What the token belongs to, as its holder says; a differing Apple ID is said aloud."""
    pairs = [
        ("Organisation", escape(token.org_name or "not told")),
        ("Server at Apple", escape(token.server_name)),
        ("Apple ID", escape(token.apple_id)),
    ]
    blocks = [facts(pairs)]
    if token.admin_id and token.admin_id.casefold() != token.apple_id.casefold():
        blocks.append(
            section(
                f"*Note:* Apple says that it was downloaded with *{escape(token.admin_id)}*, not "
                f"*{escape(token.apple_id)}*. What Apple says counts; both are recorded."
            )
        )
    return blocks

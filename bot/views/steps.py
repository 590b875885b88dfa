"""The requester's direct messages: the certificate, the numbered steps, then the outcome."""

from zoneinfo import ZoneInfo

from bot.views.blocks import Block, Message, actions, button, context, facts, section
from bot.views.request_card import RequestFacts
from bot.views.wording import PORTALS, REQUEST_STATES, PortalWords, day, escape, mention
from storage.records import KeyPair, Token
from storage.states import RequestState, Verdict

UPLOAD = "upload.open"


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
    match shown.request.state:
        case RequestState.AWAITING_UPLOAD:
            return _to_do(shown, zone)
        case RequestState.COMPLETED:
            return _in_use(shown.token, zone)
        case _:
            name, state = escape(shown.token.name), REQUEST_STATES[shown.request.state]
            text = f"*{name}*: {state}. There is nothing left for you to do here."
            return Message(text=f"{name}: {state}", blocks=[section(text)])


def _to_do(shown: RequestFacts, zone: ZoneInfo) -> Message:
    token, request = shown.token, shown.request
    name = escape(token.name)
    blocks = [
        section(f"*Your steps for {name}*"),
        section(_numbered(token, PORTALS[token.portal])),
        actions(
            button("Upload server token", UPLOAD, request.id, style="primary"), block_id="upload"
        ),
        context(
            f"{approved_by(shown)} This step is open until {day(request.expires_at, zone)}; "
            f"closing anything loses nothing. {_uploaders(shown)} can upload."
        ),
    ]
    return Message(text=f"{name} is approved: your steps at Apple", blocks=blocks)


def _numbered(token: Token, portal: PortalWords) -> str:
    apple_id, server_name = escape(token.apple_id), escape(token.server_name)
    formerly = f" (formerly {portal.formerly})" if portal.formerly else ""
    return "\n".join(
        [
            "1. Save the `.pem` file that I sent you: the public-key certificate.",
            f"2. Sign in at <{portal.url}|{portal.name}>{formerly} with *{apple_id}*, your "
            "organisation's Apple ID, not a personal one.",
            f"3. Click {portal.menu} and choose *{portal.add}*.",
            f"4. Name the {portal.server} (formerly {portal.server_formerly}), for example "
            f"*{server_name}*; any name will do. Upload the `.pem` file and save.",
            f"5. Choose *{portal.download}*. You get a file that ends in `.p7m`; do not open it.",
            "6. Come back here and press *Upload server token*.",
            "You can set which devices belong to the server now or later, in the portal.",
        ]
    )


def approved_by(shown: RequestFacts) -> str:
    """Who agreed, as a sentence."""
    by = [mention(one.person) for one in shown.decisions if one.verdict is Verdict.APPROVE]
    return f"Approved by {' and '.join(by)}." if by else "Without approval: none is needed here."


def _uploaders(shown: RequestFacts) -> str:
    people = {shown.request.requester, shown.token.owner}
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

"""The renew form: what is known before anything irreversible, then why and with which Apple ID."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from bot.views.blocks import Block, View, context, facts, field, modal, option, plain, section
from bot.views.fields import chosen, known, ticked, typed
from bot.views.scope_tags import chosen_tags, scope_tag_fields
from bot.views.wording import CAUSES, PORTALS, day, escape, said
from services.names import REASON_LENGTH
from services.programs import Holding
from services.renewals import Preflight
from services.request_forms import RenewForm
from storage.states import Health, ProgramName, RenewalCause

CALLBACK = "renew"
OPEN = "renew.open"
TITLE = "Renew a token"
SAME, OTHER = "same", "other"
SURE, ROTATE = "sure", "rotate"


def renew_form(look: Preflight, zone: ZoneInfo, *, question: str | None = None) -> View:
    """The form; `question` is the public domain of an Apple ID that the person has to confirm."""
    token = look.token
    causes = [option(words, cause.value) for cause, words in CAUSES.items()]
    why: Block = {"type": "static_select", "options": causes}
    if look.holding is not None and look.holding.health is Health.SUPERSEDED:
        downloaded = RenewalCause.ALREADY_DOWNLOADED
        why["initial_option"] = option(CAUSES[downloaded], downloaded.value)
    blocks = [
        section(f"*{escape(token.name)}*"),
        _known(look, zone),
        *_findings(look),
        section(
            ":warning: *Download Token invalidates the token in use.* Don't download before this "
            "is approved, unless it was done already: then choose that below."
        ),
        field("cause", "Why", why),
        field(
            "apple_id",
            "Apple ID that downloads the new token",
            {"type": "plain_text_input", "initial_value": token.apple_id},
            hint="Another one is fine: it is said aloud and recorded.",
        ),
        *_question(question),
        *scope_tag_fields(look.offer),
        *(_of_ours() if token.program is ProgramName.APPLE else []),
        field(
            "reason",
            "Anything else the approvers should know",
            {"type": "plain_text_input", "multiline": True, "max_length": REASON_LENGTH},
            optional=True,
        ),
    ]
    return modal(
        TITLE,
        blocks,
        callback_id=CALLBACK,
        private_metadata=token.id,
        submit=plain("Ask for approval"),
        close=plain("Cancel"),
    )


def _of_ours() -> list[Block]:
    """What can be chosen where the key pair is ours."""
    servers = [
        option("the token's own server (the yearly renewal)", SAME),
        option("another server: the inventory starts afresh", OTHER),
    ]
    return [
        field(
            "server",
            "The new token is of",
            {"type": "radio_buttons", "options": servers, "initial_option": servers[0]},
        ),
        field(
            "rotate",
            "Key pair",
            {"type": "checkboxes", "options": [option("make a new one", ROTATE)]},
            hint="You then get a new .pem to upload before the download. Most often not needed.",
            optional=True,
        ),
    ]


def parse_renew(view: Mapping[str, Any]) -> RenewForm:
    """The form as submitted."""
    state = view["state"]["values"]
    tags, tag_ids = chosen_tags(state)
    return RenewForm(
        submission=str(view["id"]),
        token_id=str(view["private_metadata"]),
        cause=known(RenewalCause, chosen(state, "cause") or RenewalCause.OTHER),
        apple_id=typed(state, "apple_id"),
        reason=typed(state, "reason"),
        replaces=chosen(state, "server") == OTHER,
        rotate=ROTATE in ticked(state, "rotate"),
        sure=SURE in ticked(state, "sure"),
        scope_tags=tags,
        scope_tag_ids=tag_ids,
    )


def _question(domain: str | None) -> list[Block]:
    return sure_field(domain) if domain else []


def sure_field(domain: str) -> list[Block]:
    """The question about an Apple ID at a public domain, and the box that answers it."""
    return [
        section(
            f":question: Anybody can have an address at *{escape(domain)}*, and a token on a "
            "personal Apple ID is lost when its owner leaves.",
            block_id="sure_text",
        ),
        field(
            "sure",
            "Is it your organisation's?",
            {"type": "checkboxes", "options": [option("Yes, it is our organisation's", SURE)]},
            optional=True,
        ),
    ]


def _known(look: Preflight, zone: ZoneInfo) -> Block:
    token = look.token
    account = look.holding.account if look.holding else None
    server = (account.server_name if account else None) or token.server_name
    admin = (account.admin_id if account else None) or token.admin_id or token.apple_id
    ours = token.program is ProgramName.APPLE
    pairs = [
        ("Portal", PORTALS[token.portal].name),
        ("Open this server there", escape(server)),
        ("Downloaded last by", escape(admin)),
        *([("Organisation", escape(token.org_name or "not told"))] if ours else []),
        ("Expires", day(token.expires_at, zone) if token.expires_at else "not known"),
    ]
    if look.pair is not None:
        pairs.append(("Certificate that the portal has", f"`{look.pair.fingerprint[:23]}…`"))
    return facts(pairs)


def _findings(look: Preflight) -> list[Block]:
    if look.holding is None:
        return [section(f":warning: {said(look.trouble or '')} What stands above is as of before.")]
    if look.holding.health is None:
        return [context(f"{escape(look.holding.evidence)}.")]
    if look.holding.health is Health.OK:
        return [context("Asked just now: the terms are signed, and the token in use works.")]
    return [section(f":warning: {_finding(look.holding)}")]


def _finding(holding: Holding) -> str:
    match holding.health:
        case Health.TERMS_UNSIGNED:
            return (
                "*New terms wait for a signature.* Let an Administrator accept them at the portal "
                "first; a new token would not work either."
            )
        case Health.SUPERSEDED:
            return (
                "*A newer token was downloaded already*, so enrolment is down. It is chosen below: "
                "ask, then upload the newest file at once."
            )
        case Health.SYNC_ERROR | Health.STALE:
            return f"Intune's syncs with Apple fail or stay away: {escape(holding.evidence)}."
        case Health.THROTTLED | Health.UNREACHABLE:
            return "Its holder gave no usable answer just now."
        case _:
            return "*The token in use works no more*: enrolment is down."

"""Small forms about a request: why it is declined, and whom its upload is handed to."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import View, field, modal, page, plain, section
from bot.views.fields import person_chosen, typed
from bot.views.request_card import ACTIONS
from bot.views.wording import escape, mention, mentions
from services.names import REASON_LENGTH
from storage.records import Request, Token

DECLINE_CALLBACK = "decline"
HAND_CALLBACK = "hand"
DECLINE_TITLE = "Decline"
HAND_TITLE = "Hand the upload on"


def decline_form(request: Request, token: Token, origin: str, digest: str) -> View:
    """Why; the requester, the thread and the audit log get it."""
    asks = ACTIONS[request.action].asks.format(name=escape(token.name))
    return modal(
        DECLINE_TITLE,
        [
            section(f"{mention(request.requester)} {asks}"),
            field(
                "reason",
                "Why do you decline?",
                {"type": "plain_text_input", "multiline": True, "max_length": REASON_LENGTH},
                hint="The requester reads it.",
            ),
        ],
        callback_id=DECLINE_CALLBACK,
        private_metadata=f"{request.id}.{digest}.{origin}",
        submit=plain("Decline"),
        close=plain("Back"),
    )


def hand_form(request: Request, token: Token) -> View:
    """To whom; they get the steps and the button."""
    return modal(
        HAND_TITLE,
        [
            section(
                f"Who shall bring the server token file for *{escape(token.name)}*? They get the "
                "steps and the button; you keep yours."
            ),
            field("to", "Hand to", {"type": "users_select"}),
        ],
        callback_id=HAND_CALLBACK,
        private_metadata=request.id,
        submit=plain("Hand on"),
        close=plain("Back"),
    )


def handed(to: str) -> View:
    """What the form becomes when it was taken."""
    return page(HAND_TITLE, f"{mention(to)} gets the steps as a direct message.")


def declined() -> View:
    """What the form becomes when it was taken."""
    return page(DECLINE_TITLE, "Your decision is being weighed; the card shows what came of it.")


def asked(request: Request, token: Token, channel: str) -> View:
    """What a form becomes when its request was taken."""
    words = ACTIONS[request.action]
    others = [one for one in request.approvers if one != request.requester]
    if request.approvals_required == 0:
        then = "It needs no approval here and goes on at once."
    else:
        then = f"{mentions(others, 'or')} can approve."
    text = f"The request for *{escape(token.name)}* is in <#{channel}>. {then}"
    return page(words.title, text)


def parse_reason(view: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """The request's id, the fingerprint of what was seen, where it came from, and the reason."""
    request_id, digest, origin = str(view["private_metadata"]).split(".", 2)
    return request_id, digest, origin, typed(view["state"]["values"], "reason")


def parse_hand(view: Mapping[str, Any]) -> tuple[str, str]:
    """The request's id, and who was chosen."""
    return str(view["private_metadata"]), person_chosen(view["state"]["values"], "to")

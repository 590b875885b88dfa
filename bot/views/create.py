"""The create form."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import View, context, field, modal, option, page, plain, section
from bot.views.wording import PORTALS, PROGRAMS, WARNING, escape, mentions
from services.consents import consent
from services.names import NAME_LENGTH, REASON_LENGTH
from services.requests import CreateForm
from storage.records import Request
from storage.states import Portal, ProgramName

CALLBACK = "create"
TITLE = "New token"
AGREE = "agree"


def create_form(person: str, program: ProgramName) -> View:
    """The form, its owner prefilled with the person who asked for it."""
    portals = [option(words.name, portal.value) for portal, words in PORTALS.items()]
    agreed = consent(program)
    blocks = [
        section(f"*Held by:* {PROGRAMS[program]}. {WARNING}"),
        field(
            "name",
            "Token name",
            {"type": "plain_text_input", "max_length": 3000},
            hint=f"How everybody will call it: 1 to {NAME_LENGTH} characters, used once.",
        ),
        field(
            "portal",
            "Portal",
            {"type": "static_select", "options": portals, "initial_option": portals[0]},
        ),
        field(
            "server_name",
            "Server name at Apple",
            {"type": "plain_text_input", "max_length": 3000},
            hint="Leave it empty to take the token's name.",
            optional=True,
        ),
        field(
            "apple_id",
            "Apple ID",
            {
                "type": "plain_text_input",
                "placeholder": plain("it-admin@school.example"),
            },
            hint="The managed account that will download the token: not a personal one.",
        ),
        field(
            "owner",
            "Owner",
            {"type": "users_select", "initial_user": person},
            hint="Who answers for the token; may upload its file too.",
        ),
        field(
            "reason",
            "Reason",
            {"type": "plain_text_input", "multiline": True, "max_length": REASON_LENGTH},
            hint="The approvers read it.",
        ),
        section(f"{agreed.text}.", block_id="consent_text"),
        field(
            "consent",
            "Your agreement",
            {"type": "checkboxes", "options": [option("I agree", AGREE)]},
        ),
        context("Nothing happens at Apple before an approver has agreed."),
    ]
    return modal(
        TITLE,
        blocks,
        callback_id=CALLBACK,
        private_metadata=program.value,
        submit=plain("Ask for approval"),
        close=plain("Cancel"),
    )


def parse_create(view: Mapping[str, Any]) -> CreateForm:
    """The form as submitted; a field that was left out is empty."""
    state: Mapping[str, Any] = view["state"]["values"]
    chosen = _element(state, "portal").get("selected_option") or {}
    agreed = _element(state, "consent").get("selected_options") or []
    return CreateForm(
        submission=str(view["id"]),
        program=ProgramName(view["private_metadata"]),
        portal=Portal(chosen.get("value", Portal.BUSINESS)),
        name=_text(state, "name"),
        server_name=_text(state, "server_name"),
        apple_id=_text(state, "apple_id"),
        owner=str(_element(state, "owner").get("selected_user") or ""),
        reason=_text(state, "reason"),
        consented=any(one.get("value") == AGREE for one in agreed),
    )


def request_sent(name: str, request: Request, channel: str) -> View:
    """What the form becomes when it was taken."""
    others = [one for one in request.approvers if one != request.requester]
    if request.approvals_required == 0:
        then = "It needs no approval here; your next steps come as a direct message."
    else:
        then = (
            f"{mentions(others, 'or')} can approve. Your next steps then come as a direct message."
        )
    return page(TITLE, f"The request for *{escape(name)}* is in <#{channel}>. {then}")


def _element(state: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    element: Mapping[str, Any] = state.get(block_id, {}).get(block_id, {})
    return element


def _text(state: Mapping[str, Any], block_id: str) -> str:
    return str(_element(state, block_id).get("value") or "")

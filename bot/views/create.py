"""The create form."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import View, context, field, modal, option, page, plain, section
from bot.views.fields import chosen, person_chosen, ticked, typed
from bot.views.renew import SURE, sure_field
from bot.views.wording import PORTALS, PROGRAMS, WARNING, escape, mentions
from services.consents import consent
from services.names import NAME_LENGTH, REASON_LENGTH
from services.request_forms import CreateForm
from storage.records import Request
from storage.states import Portal, ProgramName

CALLBACK = "create"
TITLE = "New token"
AGREE = "agree"


def create_form(person: str, program: ProgramName, *, question: str | None = None) -> View:
    """The form, its owner prefilled with the person who asked for it.

    `question` is the public domain of an Apple ID that the person has to confirm; Slack keeps what
    was typed in the fields that stay.
    """
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
        *(sure_field(question) if question else []),
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
    return CreateForm(
        submission=str(view["id"]),
        program=ProgramName(view["private_metadata"]),
        portal=Portal(chosen(state, "portal") or Portal.BUSINESS),
        name=typed(state, "name"),
        server_name=typed(state, "server_name"),
        apple_id=typed(state, "apple_id"),
        owner=person_chosen(state, "owner"),
        reason=typed(state, "reason"),
        consented=AGREE in ticked(state, "consent"),
        sure=SURE in ticked(state, "sure"),
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

"""The create form."""

from collections.abc import Mapping
from typing import Any

from bot.views.blocks import Block, View, context, field, modal, option, page, plain, section
from bot.views.fields import chosen, known, person_chosen, ticked, typed
from bot.views.renew import SURE, sure_field
from bot.views.scope_tags import chosen_tags, scope_tag_fields
from bot.views.wording import HELD_BY, PORTALS, PROGRAMS, WARNING, escape, mentions
from services.consents import consent
from services.names import NAME_LENGTH, REASON_LENGTH
from services.offers import CreateLook
from services.request_forms import CreateForm
from storage.records import Request
from storage.states import Evidence, Portal, ProgramName

CALLBACK = "create"
TITLE = "New token"
AGREE = "agree"
PROGRAM = "create.program"
CHANGES = "The form is being drawn anew for this choice. Press the button again in a moment."
CONSENT = {ProgramName.APPLE: "consent", ProgramName.INTUNE: "consent_intune"}
"""A field for each program's consent: a tick under one text is none under another."""
WAYS = {
    Evidence.SERVER_TOKEN_FILE: "After the approval you get Intune's certificate and the steps; "
    "you bring the file here, and I hand it to Intune.",
    Evidence.THEIR_WORD: "After the approval you get the steps for the admin center; I then look "
    "at Intune and confirm it.",
    Evidence.EXPIRY_DATE: "After the approval you get the steps for the admin center; you then "
    "enter the expiry date that it shows, since I cannot look.",
}
"""How a token comes into Intune; a test proves that none is missing."""
SILENT = "Microsoft gives no answer just now, so how it goes on is said after the approval."


def create_form(person: str, look: CreateLook, *, question: str | None = None) -> View:
    """The form of one program, its owner prefilled with the person who asked for it.

    `question` is the public domain of an Apple ID that the person has to confirm; Slack keeps what
    was typed in the fields that stay.
    """
    portals = [option(words.name, portal.value) for portal, words in PORTALS.items()]
    program, agreed = look.program, consent(look.program)
    blocks = [
        *_programs(look),
        section(_held_by(look)),
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
        *scope_tag_fields(look.offer),
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
        section(f"{agreed.text}.", block_id=f"{CONSENT[program]}_text"),
        field(
            CONSENT[program],
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


def _programs(look: CreateLook) -> list[Block]:
    """The choice, where there is one; the form is drawn anew for the other."""
    if len(look.offered) == 1:
        return []
    options = {name: option(HELD_BY[name], name.value) for name in look.offered}
    return [
        field(
            PROGRAM,
            "Held by",
            {
                "type": "static_select",
                "options": list(options.values()),
                "initial_option": options[look.program],
            },
            hint="Who syncs the devices: the MDM that manages them.",
        )
        | {"dispatch_action": True}
    ]


def _held_by(look: CreateLook) -> str:
    held = f"*Held by:* {PROGRAMS[look.program]}." if len(look.offered) == 1 else ""
    if look.program is ProgramName.APPLE:
        return f"{held} {WARNING}".strip()
    way = WAYS[look.offer.evidence] if look.offer.evidence else SILENT
    return f"{held} {way}".strip()


def program_chosen(view: Mapping[str, Any]) -> ProgramName:
    """The program that is chosen in the form, else the one that it is for."""
    return known(ProgramName, chosen(view["state"]["values"], PROGRAM) or view["private_metadata"])


def errors_of(form: CreateForm, fields: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by the ids of the form's fields."""
    ours = {"consent": CONSENT[form.program]}
    return {ours.get(one, one): said for one, said in fields.items()}


def parse_create(view: Mapping[str, Any]) -> CreateForm:
    """The form as submitted; a field that was left out is empty."""
    state: Mapping[str, Any] = view["state"]["values"]
    program = known(ProgramName, view["private_metadata"])
    tags, tag_ids = chosen_tags(state)
    return CreateForm(
        submission=str(view["id"]),
        program=program,
        portal=known(Portal, chosen(state, "portal") or Portal.BUSINESS),
        name=typed(state, "name"),
        server_name=typed(state, "server_name"),
        apple_id=typed(state, "apple_id"),
        owner=person_chosen(state, "owner"),
        reason=typed(state, "reason"),
        consented=AGREE in ticked(state, CONSENT[program]),
        sure=SURE in ticked(state, "sure"),
        scope_tags=tags,
        scope_tag_ids=tag_ids,
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

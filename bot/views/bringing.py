"""How a person brings what a request waits for: the button, by the evidence that is taken."""

from typing import assert_never

from bot.views.blocks import Block, button
from services.taking_out import TAKING_OUT
from services.uploads import evidence_of
from storage.records import Request
from storage.states import Evidence

UPLOAD = "upload.open"
DONE = "upload.done"
CHECK = "upload.check"

DOES = {
    Evidence.SERVER_TOKEN_FILE: "uploads the server token file",
    Evidence.EXPIRY_DATE: "does the steps in the admin center and enters the new expiry date",
    Evidence.THEIR_WORD: "does the steps in the admin center and presses *Done*",
}
"""What the person does, in a sentence; a test proves that none is missing."""
TO_DO = {
    Evidence.SERVER_TOKEN_FILE: "download the server token file at {portal} and upload it",
    Evidence.EXPIRY_DATE: "do the steps in the admin center and enter the expiry date",
    Evidence.THEIR_WORD: "do the steps in the admin center and press *Done*",
}
"""The same, said to them."""
PRESSED = {
    Evidence.SERVER_TOKEN_FILE: "Upload server token",
    Evidence.EXPIRY_DATE: "Enter the expiry date",
    Evidence.THEIR_WORD: "Done",
}
"""The words on the button."""


def bring_button(request: Request) -> Block:
    """The button by which the evidence is brought."""
    evidence = evidence_of(request)
    match evidence:
        case Evidence.SERVER_TOKEN_FILE | Evidence.EXPIRY_DATE:
            action_id = UPLOAD
        case Evidence.THEIR_WORD:
            action_id = DONE
        case _:
            assert_never(evidence)
    return button(PRESSED[evidence], action_id, request.id, style="primary")


def check_buttons(request: Request) -> list[Block]:
    """*Check the file first*, where the file is brought to the holder's own console."""
    if evidence_of(request) is not Evidence.THEIR_WORD or request.action in TAKING_OUT:
        return []
    return [button("Check the file first", CHECK, request.id)]

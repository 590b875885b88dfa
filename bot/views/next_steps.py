"""The one best next step of a token: in words, and as the button that takes it."""

from bot.views.blocks import Block, button
from bot.views.bringing import bring_button
from bot.views.renew import OPEN as RENEW
from bot.views.sync import START as SYNC
from bot.views.wording import ADMIN_CENTER, PORTALS
from services.next_steps import NextStep
from storage.records import Request, Token

STATUS = "token.status"
PORTAL = "token.portal"

STEPS = {
    NextStep.DECIDE: "an approver decides on the request.",
    NextStep.PREPARE: "nothing to do; the approved step is being prepared.",
    NextStep.BRING_FILE: "its person does the steps at the portal.",
    NextStep.VERIFY: "nothing to do; it is being verified.",
    NextStep.SIGN_TERMS: "sign the new terms at the portal. Until then enrolment is down.",
    NextStep.REPLACE_ADMIN: "renew it with another Apple ID: the one that downloaded it is gone "
    "or barred. Until then enrolment is down.",
    NextStep.RENEW_NOW: "renew it now: it does not work any more, so enrolment is down.",
    NextStep.RENEW_SOON: "renew it in time.",
    NextStep.LOOK_AT_HOLDER: "look at it in the Intune admin center: Intune's syncs with Apple "
    "fail.",
    NextStep.AWAIT_ANSWER: "nothing to do; it is asked again by itself.",
    NextStep.LOOK_AT_SYNC: "its devices were not read for long: sync it now. If that fails, "
    "it says why.",
    NextStep.FINISH_RENEWAL: "finish the renewal: enrolment is down until then.",
    NextStep.AWAIT_DELETION: "nothing to do; it is being deleted.",
    NextStep.NOTHING: "nothing to do.",
}
"""The next steps in words; a test proves that none is missing."""
RENEWED = {NextStep.REPLACE_ADMIN, NextStep.RENEW_NOW, NextStep.RENEW_SOON}
BROUGHT = {NextStep.BRING_FILE, NextStep.FINISH_RENEWAL}


def step_button(step: NextStep, token: Token, request: Request | None) -> Block | None:
    """The button that takes the step; None where nobody has to do anything with one.

    Whoever may not take it is told so by the click.
    """
    if step in RENEWED:
        return button("Renew…", RENEW, token.id, style="primary")
    if step in BROUGHT and request is not None:
        return bring_button(request)
    if step is NextStep.LOOK_AT_SYNC:
        return button("Sync now", SYNC, token.id, style="primary")
    if step is NextStep.SIGN_TERMS:
        portal = PORTALS[token.portal]
        return button(f"Open {portal.name}", PORTAL, token.id) | {"url": portal.url}
    if step is NextStep.LOOK_AT_HOLDER:
        return button("Open Intune", PORTAL, token.id) | {"url": ADMIN_CENTER.url}
    return None


def status_button(token: Token) -> Block:
    """Everything about the token."""
    return button("Status", STATUS, token.id)

"""What nobody's Slack would send by itself: forged ids, stale forms, strangers' clicks."""

import asyncio
import json

import pytest

from bot.views import bringing, delete, next_steps, renew, request_card, steps
from tests.journeys.steps import approved, ask
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack import payloads
from tests.sandbox.slack.delivery import Answer, Form
from tests.sandbox.slack.members import Kind
from tests.sandbox.slack.person import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUTTONS = [
    request_card.APPROVE,
    request_card.DECLINE,
    request_card.CANCEL,
    bringing.UPLOAD,
    bringing.DONE,
    bringing.CHECK,
    steps.HAND,
    steps.DOWNLOADED,
    renew.OPEN,
    delete.OPEN,
    delete.REMOVE,
    next_steps.STATUS,
]
VALUES = ["", "x", "0" * 32, f"{'0' * 32}.{'f' * 16}", "' OR 1=1 --", "<!channel>", "é" * 2000]


@pytest.mark.parametrize("action_id", BUTTONS)
async def test_a_forged_button_value_is_told_and_changes_nothing(
    shared: Deployment, action_id: str
) -> None:
    card = await ask(shared, f"Forged {action_id}")
    before = shared.log()
    for who in (shared.cast.operator, shared.cast.approver):
        for value in VALUES:
            pressed = {
                "type": "button",
                "block_id": "decision",
                "action_id": action_id,
                "value": value,
            }
            assert (await who.click(pressed, message=card)).ok
            await closed(who)
    await settled(shared)
    for who in (shared.cast.operator, shared.cast.approver):
        await closed(who)
    assert "bug" not in shared.log().removeprefix(before)
    assert card.buttons


async def settled(shared: Deployment) -> None:
    """Wait until the bot asks nothing more of Slack: an answer may open a view behind its 200."""
    asked = -1
    while asked < len(shared.slack.requests):
        asked = len(shared.slack.requests)
        await asyncio.sleep(0.3)


async def closed(person: Person) -> None:
    """Leave whatever opened."""
    while person.view is not None:
        await person.close()


FORMS = {
    renew.CALLBACK: ["", "x", "0" * 32, "'" * 3000],
    "delete": ["", "x", "0" * 32],
    "remove": ["", "0" * 32],
    "decline": ["", "x", "a.b.c", f"{'0' * 32}.{'0' * 16}.C0/1"],
    "hand": ["", "0" * 32],
    "upload": ["", "0" * 32],
    "create": ["", "intune?", "0" * 32],
}


@pytest.mark.parametrize("callback_id", FORMS)
async def test_forged_hidden_data_is_told_and_changes_nothing(
    shared: Deployment, callback_id: str
) -> None:
    olivia, before = shared.cast.operator, shared.log()
    count = len(shared.approvals.posted)
    for hidden in FORMS[callback_id]:
        answer = await submit(shared, olivia, callback_id, hidden)
        assert answer.ok, hidden
        assert "response_action" in json.loads(answer.body or b"{}"), (hidden, answer.body)
    assert "bug" not in shared.log().removeprefix(before)
    assert len(shared.approvals.posted) == count


FIELDS = {
    "cause": {"type": "static_select", "selected_option": {"value": "no such cause"}},
    "apple_id": {"type": "plain_text_input", "value": "a@b.example"},
    "reason": {"type": "plain_text_input", "value": "Why"},
    "typed": {"type": "plain_text_input", "value": "x"},
    "to": {"type": "users_select", "selected_user": "U0000000001"},
    "text": {"type": "plain_text_input", "value": "MIME"},
}


async def submit(shared: Deployment, person: Person, callback_id: str, hidden: str) -> Answer:
    """A submission with fields that could be, but hidden data that is not ours."""
    title = {"type": "plain_text", "text": "Forged"}
    view = shared.slack.new_view(
        person.id,
        {
            "type": "modal",
            "title": title,
            "blocks": [],
            "callback_id": callback_id,
            "private_metadata": hidden,
        },
    )
    payload = payloads.view_submission(person.team, person.member, view)
    payload["view"]["state"] = {"values": {name: {name: one} for name, one in FIELDS.items()}}
    return await person.courier.send(Form.INTERACTION, f"forged {callback_id}", payload)


async def test_a_strangers_click_from_a_shared_channel_does_nothing(shared: Deployment) -> None:
    stranger = shared.slack.add_person("Sven Stranger", kind=Kind.STRANGER)
    shared.approvals.members.add(stranger.id)
    card = await ask(shared, "Shared")
    approve = next(button for button in card.buttons if button.text == "Approve")
    pressed = {"type": "button", "block_id": approve.block_id, **approve.element}
    await stranger.click(pressed, message=card)
    await shared.slack.wait_for(lambda: stranger.ephemerals, what="the refusal")
    assert card.buttons
    shared.approvals.members.discard(stranger.id)


async def test_a_button_of_a_request_that_is_long_over_says_what_became_of_it(
    shared: Deployment,
) -> None:
    message = await approved(shared, "Long over")
    buttons = {button.text: button for button in message.buttons}
    olivia = shared.cast.operator
    await olivia.click("Cancel", message=message)
    await shared.slack.wait_for(lambda: not message.buttons, what="the edit")
    old = buttons["Upload server token"]
    await olivia.click({"type": "button", "block_id": "upload", **old.element}, message=message)
    view = await shared.slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.says("cancelled") else None,
        what="what became of it",
    )
    assert view.submit is None

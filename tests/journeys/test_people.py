"""Who may ask and decide, what may be typed, and what Slack itself may refuse."""

import pytest

from tests.journeys.steps import APPLE_ID, ask, decline, steps_message
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.reading import buttons_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_requester_cannot_approve_even_as_an_approver(shared: Deployment) -> None:
    card = await ask(shared, "Own")
    olivia = shared.cast.operator
    assert [button.text for button in buttons_of(card.blocks, olivia.id)] == ["Cancel"]
    await olivia.click({"type": "button", **_button(card, "Approve")}, message=card)
    answer = await shared.slack.wait_for(lambda: olivia.ephemerals[-1], what="the refusal")
    assert answer.says("somebody else has to decide")
    assert card.buttons


async def test_the_second_of_two_approvers_is_told_who_was_first(shared: Deployment) -> None:
    card = await ask(shared, "Twice")
    amir, bea = shared.cast.approver, shared.cast.second_approver
    # A click on the buttons that were drawn before the first one counted.
    late = {"type": "button", **_button(card, "Approve")}
    await amir.click("Approve", message=card)
    await steps_message(shared, "Twice")
    await bea.click(late, message=card)
    answer = await shared.slack.wait_for(lambda: bea.ephemerals[-1], what="the refusal")
    assert answer.says(f"<@{amir.id}> was first")


def _button(card: Message, text: str) -> dict[str, object]:
    found = next(button for button in card.buttons if button.text == text)
    return {"action_id": found.action_id, "block_id": "decision", "value": found.value}


async def test_a_declined_request_frees_the_name_and_tells_its_requester(
    shared: Deployment,
) -> None:
    card = await ask(shared, "Not this one")
    await decline(shared, card, "The other server is enough")
    dm = shared.cast.operator.dm
    await shared.slack.wait_for(
        lambda: any(m.says("The other server is enough") for m in dm.messages), what="the news"
    )
    await shared.slack.wait_for(lambda: not card.buttons, what="the card's edit")
    again = await ask(shared, "Not this one")
    assert again.buttons


@pytest.mark.parametrize("who", ["bystander", "approver"])
async def test_somebody_without_the_role_gets_a_refusal_and_no_form(
    shared: Deployment, who: str
) -> None:
    person = getattr(shared.cast, who)
    await person.command("/enroll-token", "create")
    view = await shared.slack.wait_for(
        lambda: person.view if person.view and person.view.says("operator") else None,
        what="the refusal",
    )
    assert view.submit is None
    assert view.says(f"<@{shared.cast.operator.id}>")


async def test_a_guest_is_told_that_guests_cannot_use_the_app(shared: Deployment) -> None:
    gina = shared.cast.guest
    await gina.command("/enroll-token", "create")
    view = await shared.slack.wait_for(
        lambda: gina.view if gina.view and gina.view.says("Guests") else None, what="the refusal"
    )
    assert view.submit is None


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("Token name", "n" * 300, "300 characters"),
        ("Token name", "🎉🎉", "letter or digit"),
        ("Token name", "Taken", "exists already"),
        ("Apple ID", "not an address", "e-mail address"),
    ],
)
async def test_what_cannot_be_taken_is_said_under_its_field_and_stays_typed(
    shared: Deployment, field: str, value: str, complaint: str
) -> None:
    olivia, slack = shared.cast.operator, shared.slack
    if value == "Taken":
        await ask(shared, "taken")
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the create form")
    for label, text in {"Token name": "Fine", "Apple ID": APPLE_ID, "Reason": "Why"}.items():
        olivia.fill(label, text)
    olivia.fill("Your agreement", "I agree")
    olivia.fill(field, value)
    await olivia.submit()
    assert complaint in olivia.errors[field]
    olivia.fill(field, "Mended" if field == "Token name" else APPLE_ID)
    if (field, value) == ("Apple ID", "not an address"):
        await olivia.submit()
        assert not olivia.errors
    await olivia.close()


async def test_a_mention_in_a_name_or_reason_is_shown_as_text(shared: Deployment) -> None:
    card = await ask(shared, "<!channel> iPads", Reason="<!here> *now* <https://evil.example|x>")
    raw = str(card.blocks) + card.text
    assert "<!channel>" not in raw
    assert "&lt;!channel&gt; iPads" in raw
    assert "<!here>" not in raw
    assert "<https://evil.example" not in raw


async def test_a_post_that_slack_throttles_arrives_when_slack_allows(shared: Deployment) -> None:
    shared.slack.faults.rate_limit(
        "chat.postMessage", retry_after=1, channel=shared.approvals.id, times=1
    )
    card = await ask(shared, "Throttled")
    assert card.buttons
    assert len([m for m in shared.approvals.messages if m.says("*Throttled*")]) == 1


async def test_a_channel_that_is_closed_is_told_to_the_admins_and_loses_nothing(
    shared: Deployment,
) -> None:
    shared.slack.faults.error(
        "chat.postMessage", "channel_not_found", channel=shared.alerts.id, times=1
    )
    shared.slack.faults.error(
        "chat.postMessage", "channel_not_found", channel=shared.approvals.id, times=1
    )
    olivia, slack = shared.cast.operator, shared.slack
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the create form")
    for label, text in {"Token name": "Lost?", "Apple ID": APPLE_ID, "Reason": "Why"}.items():
        olivia.fill(label, text)
    olivia.fill("Your agreement", "I agree")
    await olivia.submit()
    dm = shared.cast.admin.dm
    told = await slack.wait_for(lambda: dm.messages[-1], what="the admin's message")
    assert told.says("cannot post")
    assert told.says("/invite")

"""A token's later life from Slack: renewed in time, renewed too late, handed on."""

import pytest

from tests.journeys.steps import (
    APPLE_ID,
    approved,
    decline,
    register_at_apple,
    steps_message,
    upload,
)
from tests.sandbox.apple.server import Server
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Channel, Message

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def active(deployed: Deployment, name: str, devices: int = 0) -> Server:
    """A token in use, and its server."""
    steps = await approved(deployed, name)
    server = register_at_apple(deployed, devices=devices, name=name)
    await upload(deployed, steps, *server.download_token(as_admin=APPLE_ID))
    await said(deployed, deployed.alerts, f"{name} is in use until")
    await said(deployed, deployed.alerts, f"*{name}* has")
    return server


async def said(deployed: Deployment, where: Channel, text: str) -> Message:
    """The newest message there that says so, in a thread or not."""
    return await deployed.slack.wait_for(
        lambda: [m for m in where.posted if m.says(text)][-1], what=text
    )


async def renew(deployed: Deployment, name: str, why: str = "Its year is almost over") -> Message:
    """Fill in the renew form; the request's card."""
    olivia, slack = deployed.cast.operator, deployed.slack
    await olivia.command("/enroll-token", f"renew {name}")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the renew form")
    assert olivia.view is not None
    assert olivia.view.says("Download Token invalidates the token in use")
    olivia.fill("Why", why)
    await olivia.submit()
    assert not olivia.errors, olivia.errors
    return await said(deployed, deployed.approvals, f"asks to renew the token *{name}*")


async def test_a_token_is_renewed_and_says_so_everywhere(shared: Deployment) -> None:
    server = await active(shared, "Yearly", devices=3)
    card = await renew(shared, "Yearly")
    await shared.cast.approver.click("Approve", message=card)
    steps = await shared.slack.wait_for(
        lambda: [m for m in shared.cast.operator.dm.messages if m.says("open the server")][-1],
        what="the steps",
    )
    await upload(shared, steps, *server.download_token(as_admin=APPLE_ID))
    await said(shared, shared.alerts, "Yearly is renewed: in use until")
    await shared.slack.wait_for(lambda: not card.buttons, what="the card's outcome")
    await shared.slack.wait_for(
        lambda: any(m.says("The new token is in use") for m in card.thread), what="the story"
    )


async def test_a_token_that_was_downloaded_already_takes_effect_before_the_approval(
    shared: Deployment,
) -> None:
    server = await active(shared, "Too curious")
    name, content = server.download_token(as_admin=APPLE_ID)
    await renew(shared, "Too curious", "A newer token was downloaded already")
    urgent = await said(shared, shared.approvals, "Too curious is half renewed")
    assert urgent.thread_ts is not None
    steps = await steps_message(shared, "Too curious")
    assert steps.says("Half done: enrolment is down")
    await upload(shared, steps, name, content)
    told = await said(shared, shared.approvals, "*without approval*")
    assert told.says(f"<@{shared.cast.approver.id}>")


async def test_the_upload_is_handed_to_a_colleague_who_brings_the_file(shared: Deployment) -> None:
    steps = await approved(shared, "Handed")
    olivia, boris, slack = shared.cast.operator, shared.cast.bystander, shared.slack
    await olivia.click("Hand to…", message=steps)
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    olivia.fill("Hand to", boris.id)
    await olivia.submit()
    got = await slack.wait_for(
        lambda: [m for m in boris.dm.messages if m.says("Your steps for Handed")][-1],
        what="the steps",
    )
    server = register_at_apple(shared, name="Handed")
    await boris.click("Upload server token", message=got)
    await slack.wait_for(lambda: boris.view and boris.view.submit, what="the upload form")
    boris.fill("Server token file", server.download_token(as_admin=APPLE_ID))
    await boris.submit()
    await said(shared, shared.alerts, "Handed is in use until")


async def test_a_requester_cancels_and_the_thread_tells_it(shared: Deployment) -> None:
    steps = await approved(shared, "Not now")
    await shared.cast.operator.click("Cancel", message=steps)
    await said(shared, shared.approvals, "cancelled the request")
    await shared.slack.wait_for(lambda: not steps.buttons, what="the steps' outcome")


async def test_a_declined_renewal_leaves_the_token_in_use(shared: Deployment) -> None:
    await active(shared, "Kept")
    card = await renew(shared, "Kept")
    await decline(shared, card, "Not on a Friday")
    await said(shared, shared.approvals, "Not on a Friday")
    await shared.cast.operator.command("/enroll-token", "status Kept")
    status = await shared.slack.wait_for(
        lambda: [m for m in shared.cast.operator.ephemerals if m.says("*Kept*")][-1],
        what="the status",
    )
    assert status.says("active")


async def test_the_files_text_can_be_pasted(shared: Deployment) -> None:
    steps = await approved(shared, "Pasted")
    server = register_at_apple(shared, name="Pasted")
    olivia, slack = shared.cast.operator, shared.slack
    await olivia.click("Upload server token", message=steps)
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the upload form")
    olivia.fill("Or paste the file's text", server.download_token().content.decode())
    await olivia.submit()
    assert not olivia.errors, olivia.errors
    await said(shared, shared.alerts, "Pasted is in use until")


async def test_a_personal_apple_id_is_questioned_and_what_was_typed_stays(
    shared: Deployment,
) -> None:
    olivia, slack = shared.cast.operator, shared.slack
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the create form")
    values = {"Token name": "Private", "Apple ID": "me@icloud.com", "Reason": "Why not"}
    for label, text in values.items():
        olivia.fill(label, text)
    olivia.fill("Your agreement", "I agree")
    await olivia.submit()
    asked = await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.says("icloud.com") else None,
        what="the question",
    )
    assert asked.submit is not None
    olivia.fill("Is it your organisation's?", "Yes, it is our organisation's")
    await olivia.submit()
    assert not olivia.errors, olivia.errors
    await said(shared, shared.approvals, "asks for the token *Private*")

"""The steps of the main job, as people take them."""

from html import escape

from bot.views.create import PROGRAM
from bot.views.wording import HELD_BY
from storage.states import ProgramName
from tests.sandbox.apple.server import Server
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Message

APPLE_ID = "it-admin@schools.example"


async def ask(deployed: Deployment, name: str, **fields: object) -> Message:
    """Fill in the create form for a token that the bot holds; the request's card."""
    olivia, slack = deployed.cast.operator, deployed.slack
    before = {message.ts for message in deployed.approvals.messages}
    await olivia.command("/enroll-token", "create")
    form = await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.submit else None, what="the create form"
    )
    if any(block["block_id"] == PROGRAM for block in form.blocks):
        await olivia.change("Held by", HELD_BY[ProgramName.APPLE])
        await slack.wait_for(
            lambda: olivia.view and olivia.view.says("this service exchanges device information"),
            what="the form of a token that the bot holds",
        )
    olivia.fill("Token name", name)
    olivia.fill("Apple ID", APPLE_ID)
    olivia.fill("Reason", "New iPads for the primary school")
    olivia.fill("Your agreement", "I agree")
    for label, value in fields.items():
        olivia.fill(label, value)
    await olivia.submit()
    assert not olivia.errors, olivia.errors
    asked = f"asks for the token *{escape(name, quote=False)}*"
    return await slack.wait_for(
        lambda: [m for m in deployed.approvals.messages if m.says(asked) and m.ts not in before][
            -1
        ],
        what="the request's card",
    )


async def approved(deployed: Deployment, name: str) -> Message:
    """Ask for a token and approve it; the steps in the requester's direct messages."""
    card = await ask(deployed, name)
    await deployed.cast.approver.click("Approve", message=card)
    return await steps_message(deployed, name)


async def steps_message(deployed: Deployment, name: str) -> Message:
    """The direct message with the steps for that token."""
    dm = deployed.cast.operator.dm
    return await deployed.slack.wait_for(
        lambda: [m for m in dm.messages if m.says(f"Your steps for {name}")][-1],
        what=f"the steps for {name}",
    )


def register_at_apple(deployed: Deployment, devices: int = 25, name: str = "HQ iPads") -> Server:
    """What the person does at the portal with the newest `.pem`: a server with devices."""
    organisation = deployed.apple.add_organisation("Example Schools", admin=APPLE_ID)
    server = organisation.add_server(name, certificate_pem=newest_pem(deployed))
    server.assign_devices(devices)
    return server


def newest_pem(deployed: Deployment) -> bytes:
    """The last `.pem` that the operator got."""
    files = [file for message in deployed.cast.operator.dm.messages for file in message.files]
    return files[-1].content


async def upload(deployed: Deployment, steps: Message, name: str, content: bytes) -> None:
    """Press the button, choose the file, submit."""
    olivia, slack = deployed.cast.operator, deployed.slack
    await olivia.click("Upload server token", message=steps)
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the upload form")
    olivia.fill("Server token file", (name, content))
    await olivia.submit()
    assert not olivia.errors, olivia.errors


async def decline(deployed: Deployment, card: Message, why: str) -> None:
    """The approver says no, and why."""
    amir = deployed.cast.approver
    await amir.click("Decline…", message=card)
    await deployed.slack.wait_for(lambda: amir.view and amir.view.submit, what="the decline form")
    amir.fill("Why do you decline?", why)
    await amir.submit()
    assert not amir.errors, amir.errors

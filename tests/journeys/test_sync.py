"""Syncs as people ask for them: by command and button, from Slack and from the command line."""

import pytest

from tests.journeys.steps import APPLE_ID, approved, register_at_apple, upload
from tests.sandbox.apple.server import Server
from tests.sandbox.deployment import Deployment
from tests.sandbox.slack.conversations import Channel, Message

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def said(deployed: Deployment, where: Channel, text: str) -> Message:
    """The newest message there that says so."""
    return await deployed.slack.wait_for(
        lambda: [m for m in where.posted if m.says(text)][-1], what=text
    )


async def answered(deployed: Deployment, text: str) -> Message:
    """The newest answer that only the operator sees."""
    olivia = deployed.cast.operator
    return await deployed.slack.wait_for(
        lambda: [m for m in olivia.ephemerals if m.says(text)][-1], what=text
    )


async def active(deployed: Deployment, name: str, devices: int) -> Server:
    """A token in use, and its server."""
    steps = await approved(deployed, name)
    server = register_at_apple(deployed, devices=devices, name=name)
    await upload(deployed, steps, *server.download_token(as_admin=APPLE_ID))
    await said(deployed, deployed.alerts, f"*{name}* has {devices} devices now")
    return server


async def test_a_sync_by_command_tells_its_progress_in_one_message(shared: Deployment) -> None:
    server = await active(shared, "Primary school", 10)
    server.assign_devices(5)
    olivia = shared.cast.operator
    await olivia.command("/enroll-token", "sync primary school")
    await answered(shared, "The sync of *Primary school* begins")
    done = await said(shared, olivia.dm, "*Primary school* is synced: 15 devices now; 5 added")
    about = [m for m in olivia.dm.messages if m.says("Primary school") and m.says("synced")]
    assert about == [done]
    await said(shared, shared.alerts, "*Primary school* has 15 devices now: 5 added")
    server.release(server.serials[:1])
    await olivia.click("Read the whole list", message=done)
    await said(shared, olivia.dm, "*Primary school* is synced: 14 devices now; 0 added")
    await said(shared, shared.alerts, "*Primary school* has 14 devices now")


async def test_a_sync_that_changes_nothing_is_not_told_in_the_channel(shared: Deployment) -> None:
    await active(shared, "Quiet", 3)
    before = len(shared.alerts.messages)
    olivia = shared.cast.operator
    await olivia.command("/enroll-token", "sync Quiet")
    await said(shared, olivia.dm, "*Quiet* is synced: 3 devices now; 0 added, 0 changed")
    assert len(shared.alerts.messages) == before


async def test_a_name_that_fits_several_is_offered_as_buttons(shared: Deployment) -> None:
    await active(shared, "Wing A", 2)
    await active(shared, "Wing B", 3)
    olivia = shared.cast.operator
    await olivia.command("/enroll-token", "sync wing")
    choice = await answered(shared, "Which token?")
    assert choice.says("*Wing A*")
    await olivia.click("Choose", message=choice)
    await said(shared, olivia.dm, "*Wing A* is synced")


async def test_whoever_may_not_is_told_who_may(shared: Deployment) -> None:
    await active(shared, "Guarded", 2)
    amir = shared.cast.approver
    await amir.command("/enroll-token", "sync Guarded")
    told = await shared.slack.wait_for(lambda: amir.ephemerals[-1], what="the refusal")
    assert told.says("operator")
    assert told.says(f"<@{shared.cast.operator.id}>")


async def test_missing_devices_are_asked_about_and_the_answer_counts(shared: Deployment) -> None:
    server = await active(shared, "Shrinking", 10)
    olivia, amir, slack = shared.cast.operator, shared.cast.approver, shared.slack
    server.release(server.serials[:5])
    await olivia.command("/enroll-token", "sync Shrinking")
    done = await said(shared, olivia.dm, "*Shrinking* is synced")
    await olivia.click("Read the whole list", message=done)
    question = await said(shared, shared.alerts, "*The full list of Shrinking lacks 5 of 10")
    await olivia.click("Mark as removed", message=question)
    await slack.wait_for(lambda: olivia.ephemerals[-1].says("approver"), what="the refusal")
    await amir.click("Mark as removed", message=question)
    await slack.wait_for(lambda: not question.buttons, what="the answer")
    assert question.says("had them marked as removed: 5 devices")
    await olivia.command("/enroll-token", "status Shrinking")
    await answered(shared, "5 devices")


async def test_the_delete_form_leads_to_a_sync_that_shows_the_devices_gone(
    shared: Deployment,
) -> None:
    server = await active(shared, "Leaving", 2)
    olivia, slack = shared.cast.operator, shared.slack
    server.unassign(server.serials)
    await olivia.command("/enroll-token", "delete Leaving")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    await olivia.close()
    server.assign_devices(1)
    await olivia.command("/enroll-token", "delete Leaving")
    await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.says("not yet") else None,
        what="the conditions",
    )
    await olivia.click("Sync now")
    await slack.wait_for(
        lambda: olivia.view and olivia.view.says("The sync of *Leaving* begins"), what="the answer"
    )
    await olivia.close()
    await said(shared, olivia.dm, "*Leaving* is synced: 1 device now")


async def test_removed_devices_come_back_when_a_sync_is_asked_for(shared: Deployment) -> None:
    await active(shared, "Removed", 4)
    olivia, slack = shared.cast.operator, shared.slack
    await olivia.command("/enroll-token", "delete Removed")
    await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.says("4 devices") else None,
        what="the conditions",
    )
    await olivia.click("Remove here anyway…")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    olivia.fill("Type the token's name", "Removed")
    olivia.fill("Reason", "A mistake, as it turns out")
    await olivia.submit()
    card = await said(
        shared, shared.approvals, "asks to remove the devices and profiles of *Removed*"
    )
    await shared.cast.approver.click("Approve", message=card)
    await said(shared, shared.alerts, "The devices of Removed are removed here")
    await olivia.command("/enroll-token", "sync Removed")
    await answered(shared, "*They begin again*")
    await said(shared, olivia.dm, "*Removed* is synced: 4 devices now; 4 added")


async def test_the_command_line_syncs_beside_the_service(shared: Deployment) -> None:
    server = await active(shared, "From the console", 6)
    server.assign_devices(2)
    code, out, err = await shared.command_line("sync", "from the console", "--full")
    assert (code, out.splitlines()[-3:-1]) == (
        0,
        [
            "From the console: 2 added, 0 changed, 0 removed, 0 failed.",
            "8 devices now.",
        ],
    ), err
    await said(shared, shared.alerts, "*From the console* has 8 devices now: 2 added")
    code, out, err = await shared.command_line("sync", "nowhere")
    assert (code, out) == (1, "")
    assert "There is no token named “nowhere”" in err

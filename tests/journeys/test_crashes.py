"""What Slack got its 200 for survives `kill -9`."""

from tests.journeys.steps import APPLE_ID, approved, ask, register_at_apple, steps_message, upload
from tests.sandbox.deployment import Deployment


async def test_after_a_kill_right_behind_the_approval_it_goes_on_where_it_was(
    deployed: Deployment,
) -> None:
    card = await ask(deployed, "HQ iPads")
    # The look-up of the role is slow, so the click is recorded but not weighed when the kill comes.
    deployed.slack.faults.delay("users.info", 2.0, times=1)
    answer = await deployed.cast.approver.click("Approve", message=card)
    await deployed.kill()
    assert answer.ok
    await deployed.start()
    await steps_message(deployed, "HQ iPads")
    pems = [m for m in deployed.cast.operator.dm.messages if m.files]
    assert len(pems) == 1
    await deployed.slack.wait_for(lambda: not card.buttons, what="the card's edit")


async def test_after_a_kill_right_behind_the_upload_it_goes_on_where_it_was(
    deployed: Deployment,
) -> None:
    steps = await approved(deployed, "HQ iPads")
    server = register_at_apple(deployed, devices=3)
    deployed.slack.faults.delay("files.info", 2.0, times=1)
    await upload(deployed, steps, *server.download_token(as_admin=APPLE_ID))
    await deployed.kill()
    await deployed.start()
    alerts = deployed.alerts
    await deployed.slack.wait_for(lambda: alerts.messages[1], within=140, what="both outcomes")
    assert alerts.messages[0].says("is in use")
    assert alerts.messages[1].says("3 added")

"""The watch over Entra as people meet it, beside a token that the bot itself holds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.database import Database
from tests.journeys.steps import (
    APPLE_ID,
    ask,
    register_at_apple,
    steps_message,
    upload,
)
from tests.sandbox.deployment import Deployment, Transport, deployment, new_stage
from tests.sandbox.slack.conversations import Channel, Message

SOON = 15.0


async def said(deployed: Deployment, where: Channel, words: str) -> Message:
    def found() -> Message | None:
        return next((one for one in where.messages if one.says(words)), None)

    return await deployed.slack.wait_for(found, within=SOON, what=f"{words!r} in #{where.name}")


async def an_hour_passes(deployed: Deployment) -> None:
    database = Database(f"sqlite+aiosqlite:///{deployed.database}")
    async with database.write() as tx:
        await tx.entra.change(due_at=datetime.now(UTC))
    await database.close()


async def looked_up(deployed: Deployment, calls: int) -> None:
    path = f"/v1.0/users/{APPLE_ID}"
    await deployed.slack.wait_for(
        lambda: len(deployed.microsoft.calls(path)) >= calls, within=SOON, what="a look-up"
    )


async def test_a_changed_password_and_a_disabled_account_are_said_and_cleared(
    tmp_path: Path,
) -> None:
    stage = new_stage(intune=True)
    async with deployment(
        tmp_path, Transport.HTTP, stage, ENTRA_WATCH="on", PROGRAMS="apple"
    ) as deployed:
        user = deployed.tenant.add_user("Ida Admin", APPLE_ID)
        await deployed.start()
        await in_use(deployed)
        await looked_up(deployed, 1)

        user.password_changed_at = datetime.now(UTC) + timedelta(seconds=1)
        await an_hour_passes(deployed)
        told = await said(deployed, deployed.alerts, f"the password of {APPLE_ID} was changed")
        assert told.says("Microsoft advises to renew")
        assert told.says("Administrators and People Managers")
        assert [one.text for one in told.buttons] == ["Renew"]
        await said(deployed, deployed.cast.operator.dm, f"the password of {APPLE_ID} was changed")

        user.enabled = False
        await an_hour_passes(deployed)
        off = await said(deployed, deployed.alerts, f"the account of {APPLE_ID} is disabled")
        user.enabled = True
        await an_hour_passes(deployed)
        await deployed.slack.wait_for(
            lambda: off.says("is in order again"), within=SOON, what="the all-clear"
        )
        # Intune is not offered here, so its tokens are left alone.
        assert not deployed.microsoft.calls("/beta/deviceManagement/depOnboardingSettings")
        assert not deployed.slack.violations


async def in_use(deployed: Deployment) -> None:
    """A token that the bot holds, of that Apple ID."""
    card = await ask(deployed, "HQ iPads")
    await deployed.cast.approver.click("Approve", message=card)
    steps = await steps_message(deployed, "HQ iPads")
    file = register_at_apple(deployed, devices=3).download_token()
    await upload(deployed, steps, file.name, file.content)
    await said(deployed, deployed.alerts, "HQ iPads is in use")

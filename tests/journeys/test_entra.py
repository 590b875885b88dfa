"""The watch over Entra, and over what else ties Intune to Apple, as people meet it."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

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
        olivia = deployed.cast.operator
        await olivia.command("/enroll-token", "status HQ iPads")
        status = await deployed.slack.wait_for(
            lambda: [one for one in olivia.ephemerals if one.says("Held by")][-1], what="status"
        )
        assert status.says(f"Entra says of {APPLE_ID}: the account is in order")
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


async def test_the_push_certificate_is_reminded_of_and_answered(tmp_path: Path) -> None:
    stage = new_stage(intune=True)
    scraped = free_port()
    settings = {"METRICS_PORT": str(scraped)}
    async with deployment(tmp_path, Transport.HTTP, stage, **settings) as deployed:
        certificate = deployed.tenant.set_push_certificate("push@schools.example", days=12)
        deployed.tenant.add_content_token("Books", days=200)
        await deployed.start()
        olivia, amir = deployed.cast.operator, deployed.cast.approver
        warning = await said(deployed, deployed.alerts, "Apple push certificate expires in")
        assert warning.says("with the same Apple ID*, push@schools.example")
        assert [one.text for one in warning.buttons] == ["Snooze…", "I'm on it"]
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"http://127.0.0.1:{scraped}/metrics")).text
        assert 'connector_days_to_expiry{kind="push_certificate",name=""} 11.9' in text
        assert 'connector_days_to_expiry{kind="content_token",name="Books"} 199.9' in text

        await deployed.cast.bystander.click("I'm on it", message=warning)
        await deployed.slack.wait_for(
            lambda: deployed.cast.bystander.ephemerals[-1].says("role"), what="the refusal"
        )
        await amir.click("I'm on it", message=warning)
        await deployed.slack.wait_for(lambda: warning.says(f"<@{amir.id}> is on it"), what="it")
        await olivia.click("Snooze…", message=warning)
        await deployed.slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
        olivia.fill("Remind us again on", "2099-01-01")
        await olivia.submit()
        assert "Choose a day from" in str(olivia.errors)
        day = (datetime.now(UTC) + timedelta(days=5)).date()
        olivia.fill("Remind us again on", day.isoformat())
        await olivia.submit()
        assert not olivia.errors
        await deployed.slack.wait_for(lambda: warning.says("Snoozed by"), what="the edit")

        certificate.expires_at = datetime.now(UTC) + timedelta(days=365)
        await deployed.stop()
        await deployed.start()
        await deployed.slack.wait_for(
            lambda: warning.says("was renewed, until"), within=SOON, what="the all-clear"
        )
        assert not warning.buttons
        assert not deployed.slack.violations


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

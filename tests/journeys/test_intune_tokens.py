"""Tokens that Intune has already: found, taken, synced, and followed while people work there."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.journeys.held import found_in_intune, said
from tests.sandbox.deployment import Deployment, Transport, deployment, new_stage
from tests.sandbox.slack.conversations import Message

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def looked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A deployment that looks at Intune's list every two seconds."""
    stage, folder = new_stage(intune=True), tmp_path_factory.mktemp("looked")
    stage.intune.add_token("From before", devices=2)  # type: ignore[union-attr]
    async with deployment(folder, Transport.HTTP, stage, SYNC_EVERY="2") as running:
        await running.start()
        yield running
        assert not running.slack.violations


async def whispered(deployed: Deployment, words: str) -> Message:
    """What the operator alone is answered."""
    olivia = deployed.cast.operator
    return await deployed.slack.wait_for(
        lambda: [m for m in olivia.ephemerals if m.says(words)][-1], what=words
    )


async def test_a_token_from_before_is_found_at_the_start_and_taken_by_an_operator(
    looked: Deployment,
) -> None:
    news = await found_in_intune(looked, "From before")
    assert news.says("Nobody answers for it yet")
    olivia, boris = looked.cast.operator, looked.cast.bystander
    await boris.click("I answer for it", message=news)
    refusal = await looked.slack.wait_for(lambda: boris.ephemerals[-1], what="the refusal")
    assert refusal.says("operator")
    await olivia.command("/enroll-token", "status From before")
    status = await whispered(looked, "nobody yet")
    await olivia.click("I answer for it", message=status)
    await whispered(looked, "You answer for *From before*")
    await said(looked, looked.alerts, "answers for *From before*", "took over")
    await looked.cast.admin.click("I answer for it", message=news)
    late = await looked.slack.wait_for(lambda: looked.cast.admin.ephemerals[-1], what="a refusal")
    assert late.says("role")
    await olivia.command("/enroll-token", "history From before")
    await looked.slack.wait_for(
        lambda: (
            olivia.view
            and olivia.view.says("this bot found From before in Intune")
            and olivia.view.says("answers for From before from now on")
        ),
        what="the history",
    )
    await olivia.close()


async def wish(deployed: Deployment, name: str) -> Message:
    """Ask for a sync; its progress."""
    olivia, before = deployed.cast.operator, len(deployed.cast.operator.dm.messages)
    await olivia.command("/enroll-token", f"sync {name}")
    return await deployed.slack.wait_for(
        lambda: [m for m in olivia.dm.messages[before:] if m.says(f"*{name}*")][-1],
        what="the progress",
    )


async def test_a_sync_follows_intunes_own_and_explains_the_15_minutes(looked: Deployment) -> None:
    entry = looked.tenant.add_token("Synced", devices=2)
    await found_in_intune(looked, "Synced")
    entry.triggered_at = datetime.now(UTC) - timedelta(hours=1)
    olivia = looked.cast.operator
    progress = await wish(looked, "Synced")
    looked.tenant.add_devices(entry, 3)
    await looked.slack.wait_for(
        lambda: progress.says("is synced: 5 devices now"), within=20, what="the end in its place"
    )
    await wish(looked, "Synced")
    again = await said(looked, olivia.dm, "can be asked again in", "*Synced* is synced")
    assert again.says("15 minutes")
    looked.tenant.add_profile(entry, "Kiosk", default=True)
    third = await wish(looked, "Synced")
    await looked.slack.wait_for(lambda: third.says("is synced"), within=20, what="the third")
    await olivia.command("/enroll-token", "status Synced")
    status = await whispered(looked, "default for new devices: Kiosk")
    assert status.says("Microsoft updates enrollment profiles no more")


async def test_what_is_done_in_the_portal_is_followed(looked: Deployment) -> None:
    olivia = looked.cast.operator
    entry = looked.tenant.add_token("Berlin", days=20)
    await found_in_intune(looked, "Berlin")
    warning = await said(looked, looked.alerts, "*Berlin expires in 20 days*")
    assert warning.says("nobody yet")
    looked.tenant.portal.rename(entry, "Berlin schools")
    await said(looked, looked.alerts, "Renamed in Intune: *Berlin schools*, which was *Berlin*")
    entry.expires_at = datetime.now(UTC) + timedelta(days=365)
    await looked.slack.wait_for(
        lambda: warning.says("was renewed by somebody in Intune"), within=20, what="it turns green"
    )
    await olivia.command("/enroll-token", "renew Berlin schools")
    await looked.slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    olivia.fill("Why", "Its year is almost over")
    await olivia.submit()
    assert not olivia.errors, olivia.errors
    card = await said(looked, looked.approvals, "asks to renew the token *Berlin schools*")
    await olivia.close()
    looked.tenant.portal.delete_token(entry)
    await said(looked, looked.alerts, "*Berlin schools* was deleted in Intune")
    await looked.slack.wait_for(
        lambda: card.says("was deleted in Intune meanwhile") and not card.buttons,
        what="the card's end",
    )

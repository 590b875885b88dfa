"""A token is deleted from Slack, whoever holds it: by us, or by hand in Intune's own console."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
import pytest_asyncio

from storage.database import Database
from storage.states import ProgramName, TokenState
from tests.journeys.held import found_in_intune, said
from tests.journeys.steps import APPLE_ID, approved, register_at_apple, upload
from tests.sandbox.deployment import Deployment, Transport, deployment, new_stage
from tests.sandbox.graph.applications import FULL, GUIDED
from tests.sandbox.slack.conversations import Message
from tests.storage import facts

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Place(StrEnum):
    """Who holds the token, and what we may do there."""

    APPLE = "apple"
    """We do."""
    FULL = "intune_full"
    """Intune; we may write there."""
    GUIDED = "intune_guided"
    """Intune; we may look."""
    RECORDED = "intune_recorded"
    """Intune; we may do nothing there."""


IN_TENANT = {Place.FULL: FULL, Place.GUIDED: GUIDED}
BY_HAND = {Place.GUIDED, Place.RECORDED}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(Place))
async def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Place, Deployment]]:
    """A deployment for each place, for all of this module's tests."""
    where = Place(request.param)
    stage = new_stage(intune=where in IN_TENANT)
    stage.roles = IN_TENANT.get(where, FULL)
    settings = {"SYNC_EVERY": "3"} if where in IN_TENANT else {}
    if where is Place.RECORDED:
        settings |= {"PROGRAMS": "apple,intune"}
    folder = tmp_path_factory.mktemp(where)
    async with deployment(folder, Transport.HTTP, stage, **settings) as running:
        await running.start()
        yield where, running
        assert not running.slack.violations


async def in_use(where: Place, deployed: Deployment, name: str, devices: int = 0) -> None:
    """A token in use with so many devices."""
    match where:
        case Place.APPLE:
            steps = await approved(deployed, name)
            server = register_at_apple(deployed, devices=devices, name=name)
            await upload(deployed, steps, *server.download_token(as_admin=APPLE_ID))
            await said(deployed, deployed.alerts, f"*{name}* has")
        case Place.FULL | Place.GUIDED:
            deployed.tenant.add_token(name, devices=devices)
            await found_in_intune(deployed, name)
        case Place.RECORDED:
            database = Database(f"sqlite+aiosqlite:///{deployed.database}")
            async with database.write() as tx:
                await tx.tokens.add(
                    facts.token(
                        name=name,
                        program=ProgramName.INTUNE,
                        state=TokenState.ACTIVE,
                        expires_at=datetime.now(UTC) + timedelta(days=300),
                        owner=deployed.cast.operator.id,
                    )
                )
            await database.close()


async def steps_of(deployed: Deployment, name: str) -> Message:
    """What the requester does by hand."""
    steps = await said(deployed, deployed.cast.operator.dm, f"Your steps for {name}")
    assert [one.text for one in steps.buttons] == ["Done", "Hand to…", "Cancel"]
    assert steps.says("Intune admin center")
    return steps


async def test_an_empty_token_is_deleted_after_its_name_was_typed(
    place: tuple[Place, Deployment],
) -> None:
    where, deployed = place
    await in_use(where, deployed, "Old iPads")
    olivia, slack = deployed.cast.operator, deployed.slack
    await olivia.command("/enroll-token", "delete Old iPads")
    form = await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.submit else None, what="the form"
    )
    assert form.says("look yourself") is (where is Place.RECORDED)
    olivia.fill("Reason", "No longer used")
    olivia.fill("Type the token's name", "Old")
    await olivia.submit()
    assert "not the token's name" in olivia.errors["Type the token's name"]
    olivia.fill("Type the token's name", "Old iPads")
    await olivia.submit()
    assert not olivia.errors
    card = await said(deployed, deployed.approvals, "asks to delete the token *Old iPads*")
    await deployed.cast.approver.click("Approve", message=card)
    if where in BY_HAND:
        await delete_by_hand(where, deployed)
    gone = await said(deployed, deployed.alerts, "*Old iPads is deleted")
    assert gone.says("still stands at")
    assert gone.says("Intune does not have it any more") is (where in IN_TENANT)
    assert gone.says("this app cannot look") is (where is Place.RECORDED)
    if where in IN_TENANT:
        assert not deployed.tenant.tokens
    await olivia.command("/enroll-token", "status Old iPads")
    answer = await slack.wait_for(
        lambda: [m for m in olivia.ephemerals if m.says("no token named")][-1], what="the answer"
    )
    assert answer.says("Old iPads")


async def delete_by_hand(where: Place, deployed: Deployment) -> None:
    """The person is told when it is not gone yet, deletes it there, and says so again."""
    olivia = deployed.cast.operator
    steps = await steps_of(deployed, "Old iPads")
    if where is Place.GUIDED:
        await olivia.click("Done", message=steps)
        await said(deployed, olivia.dm, "Intune still shows")
        await deployed.slack.wait_for(
            lambda: [m for m in deployed.approvals.posted if m.says("Intune does not show it")],
            what="the story",
        )
        await olivia.close()
        deployed.tenant.portal.delete_token(deployed.tenant.token("Old iPads"))
    await olivia.click("Done", message=steps)
    await deployed.slack.wait_for(
        lambda: olivia.view and olivia.view.says("is deleted"), what="the confirmation"
    )
    await olivia.close()


async def test_with_devices_the_form_shows_the_counts_and_the_ways(
    place: tuple[Place, Deployment],
) -> None:
    where, deployed = place
    await in_use(where, deployed, "Busy", devices=4)
    olivia, slack = deployed.cast.operator, deployed.slack
    await olivia.command("/enroll-token", "delete Busy")
    recorded = where is Place.RECORDED
    words, button = "4 devices", "Remove here anyway…"
    if recorded:
        words, button = "look yourself", "Remove the devices there…"
    view = await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.says(words) else None,
        what="the conditions",
    )
    assert (view.submit is None) is not recorded
    await olivia.click(button)
    warning = "This is no deletion at Apple" if where is Place.APPLE else "leave management"
    form = await slack.wait_for(
        lambda: olivia.view if olivia.view and olivia.view.says(warning) else None,
        what="the form",
    )
    assert form.submit
    olivia.fill("Type the token's name", "Busy")
    olivia.fill("Reason", "The MDM was replaced")
    await olivia.submit()
    assert not olivia.errors
    card = await said(deployed, deployed.approvals, "asks to remove the devices", "*Busy*")
    await deployed.cast.approver.click("Approve", message=card)
    if where in BY_HAND:
        steps = await steps_of(deployed, "Busy")
        if where is Place.GUIDED:
            entry = deployed.tenant.token("Busy")
            deployed.tenant.portal.delete_devices(entry, entry.live())
        await olivia.click("Done", message=steps)
    await said(deployed, deployed.alerts, "The devices of Busy are removed here")
    if where in IN_TENANT:
        assert not deployed.tenant.token("Busy").live()

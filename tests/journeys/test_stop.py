"""A stop drains: what Slack got its 200 for is kept, and the process ends within 10 seconds."""

import asyncio
import copy
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.journeys.steps import APPLE_ID, ask, steps_message
from tests.sandbox.deployment import Deployment, Transport, deployment
from tests.sandbox.slack import payloads
from tests.sandbox.slack.delivery import Answer, Envelope, Form
from tests.sandbox.slack.reading import Json

pytestmark = pytest.mark.parametrize("transport", list(Transport))

FORMS = 60


@pytest.fixture
async def stopped(tmp_path: Path, transport: Transport) -> AsyncIterator[Deployment]:
    """As `deployed`; what a stopping process turned away is no violation."""
    async with deployment(tmp_path, transport) as running:
        await running.start()
        yield running


async def test_a_form_that_was_acknowledged_while_it_stopped_is_kept(stopped: Deployment) -> None:
    answers: dict[str, Answer] = {}
    delivery = stopped.slack.courier.delivery

    async def submit(number: int, payload: Json) -> None:
        await asyncio.sleep(number * 0.01)
        answers[f"V{number}"] = await delivery.deliver(
            Envelope(form=Form.INTERACTION, kind="submission", payload=payload)
        )

    first = await _filled(stopped)
    submitting = [
        asyncio.create_task(submit(number, _another(first, number))) for number in range(FORMS)
    ]
    await stopped.slack.wait_for(lambda: sum(answer.ok for answer in answers.values()) > 3)
    assert await stopped.stop() == 0
    await asyncio.gather(*submitting)
    acknowledged = {view for view, answer in answers.items() if answer.ok}
    assert 3 < len(acknowledged) < FORMS
    assert acknowledged <= _kept(stopped)
    assert "task_failed" not in stopped.log()
    await stopped.start()
    asked = "asks for the token *Form "
    await stopped.slack.wait_for(
        lambda: (
            len({m.text for m in stopped.approvals.messages if m.says(asked)}) >= len(acknowledged)
        ),
        within=30,
        what="a card for each",
    )


async def _filled(stopped: Deployment) -> Json:
    """A create form as it would be submitted."""
    olivia, slack = stopped.cast.operator, stopped.slack
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    for label, text in {"Token name": "Form", "Apple ID": APPLE_ID, "Reason": "Why"}.items():
        olivia.fill(label, text)
    olivia.fill("Your agreement", "I agree")
    assert olivia.view is not None
    return payloads.view_submission(slack, olivia.member, olivia.view)


def _another(first: Json, number: int) -> Json:
    """The same form, filled in once more under another name."""
    payload = copy.deepcopy(first)
    payload["trigger_id"] = f"trigger-{number}"
    payload["view"]["id"] = f"V{number}"
    payload["view"]["state"]["values"]["name"]["name"]["value"] = f"Form {number}"
    return payload


def _kept(stopped: Deployment) -> set[str]:
    with closing(sqlite3.connect(stopped.database)) as database:
        return {row[0] for row in database.execute("SELECT dedupe_key FROM request")}


async def test_however_slow_slack_is_it_ends_in_time_and_goes_on_later(
    deployed: Deployment,
) -> None:
    card = await ask(deployed, "Slow")
    deployed.slack.faults.delay("users.info", 60.0, times=None)
    assert (await deployed.cast.approver.click("Approve", message=card)).ok
    began = time.monotonic()
    # It fails if this takes more than 10 seconds.
    assert await deployed.stop() == 0
    assert time.monotonic() - began < 10
    deployed.slack.faults.clear()
    await deployed.start()
    await steps_message(deployed, "Slow")


async def test_a_post_under_way_is_seen_to_its_end_and_not_repeated(deployed: Deployment) -> None:
    place = deployed.approvals.id
    deployed.slack.faults.delay("chat.postMessage", 1.5, channel=place, times=1)
    asking = asyncio.create_task(ask(deployed, "Posted"))
    await deployed.slack.wait_for(
        lambda: [
            call for call in deployed.slack.calls("chat.postMessage") if call["channel"] == place
        ],
        what="the post",
    )
    await asking
    assert await deployed.stop() == 0
    await deployed.start()
    # A second request is posted behind whatever the first start of the process left.
    await ask(deployed, "Behind it")
    cards = [m for m in deployed.approvals.messages if m.says("asks for the token *Posted*")]
    assert len(cards) == 1


async def test_it_is_unready_as_soon_as_it_is_told_to_stop_and_ends_at_once_when_idle(
    deployed: Deployment,
) -> None:
    began = time.monotonic()
    assert await deployed.stop() == 0
    assert time.monotonic() - began < 3
    assert "event=stopped" in deployed.log()

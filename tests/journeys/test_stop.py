"""A stop drains: what Slack got its 200 for is kept, and the process ends within 10 seconds."""

import asyncio
import copy
import itertools
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

PEOPLE = 4
AT_ONCE_SECONDS = 2
STOP_SECONDS = 10
TRIES = 5


@pytest.fixture
async def stopped(tmp_path: Path, transport: Transport) -> AsyncIterator[Deployment]:
    """As `deployed`; what a stopping process turned away is no violation."""
    async with deployment(tmp_path, transport) as running:
        await running.start()
        yield running


async def test_a_form_that_was_acknowledged_while_it_stopped_is_kept(stopped: Deployment) -> None:
    answers: dict[str, Answer] = {}
    ended = asyncio.Event()
    numbers = itertools.count()
    first = await _filled(stopped)

    async def submit() -> None:
        """Fill in one form after the other, until there is nobody to take them."""
        while not ended.is_set():
            number = next(numbers)
            payload = _another(first, number)
            answers[f"V{number}"] = await stopped.slack.courier.delivery.deliver(
                Envelope(form=Form.INTERACTION, kind="submission", payload=payload)
            )
            await asyncio.sleep(0.1)

    submitting = [asyncio.create_task(submit()) for _ in range(PEOPLE)]
    await stopped.slack.wait_for(lambda: _acknowledged(answers), within=30)
    assert await stopped.stop() == 0
    ended.set()
    await asyncio.gather(*submitting)
    acknowledged = _acknowledged(answers)
    assert acknowledged <= _kept(stopped)
    assert not all(answer.ok for answer in answers.values())
    assert "task_failed" not in stopped.log()
    await stopped.start()
    asked = "asks for the token *Form "
    await stopped.slack.wait_for(
        lambda: (
            len({m.text for m in stopped.approvals.messages if m.says(asked)}) >= len(acknowledged)
        ),
        within=60,
        what="a card for each",
    )


def _acknowledged(answers: dict[str, Answer]) -> set[str]:
    """The forms whose person was told that it is done; a busy machine asks some to press again."""
    good = {view: answer.body for view, answer in answers.items() if answer.ok}
    done = {view for view, body in good.items() if "The request for" in body}
    assert all("Press the button again" in good[view] for view in good.keys() - done), good
    return done


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
    await _stops_within(deployed, STOP_SECONDS)
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


async def test_it_ends_at_once_when_idle(deployed: Deployment) -> None:
    await _stops_within(deployed, AT_ONCE_SECONDS)
    assert "event=stopped" in deployed.log()


async def _stops_within(deployed: Deployment, seconds: float) -> None:
    """Stop it in that time; a busy machine may be what took so long, and gets a few tries."""
    took = []
    for _ in range(TRIES):
        began = time.monotonic()
        assert await deployed.stop() == 0
        took.append(time.monotonic() - began)
        if took[-1] < seconds:
            return
        await deployed.start()
    pytest.fail(f"each stop took long: {took}")

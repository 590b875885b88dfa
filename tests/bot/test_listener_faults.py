"""Slack's faults where somebody waits: an answer in time, words, no traceback, then it works."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.served import Served, served
from tests.bot.slack_trouble import KINDS, Kind
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.faults import Fault
from tests.sandbox.slack.spoiling import Spoil

SLACKS_PATIENCE = 3.0
LONG = 60.0
"""Longer than anybody waits for an answer."""
FEW = (
    "500",
    "429 without",
    "a time-out before",
    "a reset after",
    f"{Spoil.HALF_JSON} before",
    f"{Spoil.HTML} after",
    f"{Spoil.GZIP_BOMB} before",
    f"{Spoil.RESET_IN_BODY} after",
    f"{Spoil.OTHER_TYPE} after",
    f"{Spoil.OK_ALONE} before",
)
"""The client is the same for every method, and `test_slack_faults` shows it each kind."""
QUICK = [name for name in FEW if "time-out" not in name]
FIELDS = {
    "Token name": "HQ iPads",
    "Apple ID": "it-admin@schools.example",
    "Reason": "New iPads for the primary school",
    "Your agreement": "I agree",
}


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with served(tmp_path, monkeypatch) as running:
        yield running
        assert not running.slack.violations


def fault(name: str, method: str) -> Fault:
    kind = KINDS[name]
    # The service itself is more patient than the client of the other tests.
    return (kind if not kind.delay else Kind(delay=LONG, accepted=kind.accepted)).at(method)


def no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert [one.message for one in caplog.records if one.exc_info] == []
    caplog.clear()


async def test_a_form_that_cannot_be_opened_is_told_in_time_and_opens_the_next_time(
    place: Served, caplog: pytest.LogCaptureFixture
) -> None:
    olivia, slack = place.operator, place.slack
    for name in FEW:
        before = len(slack.ephemerals)
        slack.faults.add(fault(name, "views.open"))
        began = time.monotonic()
        answer = await olivia.command("/enroll-token", "create")
        assert answer.ok, name
        assert time.monotonic() - began < SLACKS_PATIENCE, name
        (told,) = await slack.wait_for(lambda: slack.ephemerals[before:], what=name)  # noqa: B023 - waited for at once
        assert told.says("Slack did not open it in time"), name
        no_traceback(caplog)
        if olivia.view:
            await olivia.close()
    await opened(place)


async def opened(place: Served) -> None:
    """The create form, whole."""
    olivia = place.operator
    await olivia.command("/enroll-token", "create")
    await place.slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")


async def test_a_form_that_cannot_be_filled_is_filled_a_moment_later(
    place: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for name in QUICK:
        place.slack.faults.add(fault(name, "views.update"))
        await opened(place)
        no_traceback(caplog)
        await place.operator.close()


async def test_a_whisper_that_does_not_arrive_is_a_line_in_the_log(
    place: Served, caplog: pytest.LogCaptureFixture
) -> None:
    olivia, slack = place.operator, place.slack
    for name in QUICK:
        made = fault(name, "response_url")
        slack.faults.add(made)
        assert (await olivia.command("/enroll-token", "list")).ok, name
        await slack.wait_for(lambda: made.times == 0, what=name)  # noqa: B023 - waited for at once
        no_traceback(caplog)
    before = len(slack.ephemerals)
    await olivia.command("/enroll-token", "list")
    await slack.wait_for(lambda: len(slack.ephemerals) > before, what="the list")


async def test_a_click_whose_role_cannot_be_looked_up_decides_nothing_and_counts_the_next_time(
    place: Served, caplog: pytest.LogCaptureFixture
) -> None:
    card = await asked(place)
    amir, slack = place.approver, place.slack
    for name in QUICK:
        before = len(slack.ephemerals)
        made = fault(name, "users.info")
        # A reset of what only reads is asked again by the client itself.
        made.times = 2
        slack.faults.add(made)
        assert (await amir.click("Approve", message=card)).ok, name
        told = await slack.wait_for(lambda: slack.ephemerals[before:], what=name)  # noqa: B023 - waited for at once
        assert told[0].says("Slack did not tell us your role just now"), name
        assert card.buttons, name
        no_traceback(caplog)
        slack.faults.clear()
    await amir.click("Approve", message=card)
    await slack.wait_for(lambda: not card.buttons, what="the card's edit")


def filled(place: Served) -> None:
    for label, value in FIELDS.items():
        place.operator.fill(label, value)


async def asked(place: Served) -> Message:
    """A request; its card."""
    await opened(place)
    filled(place)
    await place.operator.submit()
    return await place.slack.wait_for(lambda: place.alerts.messages[-1], what="the card")


async def test_a_home_that_cannot_be_shown_is_shown_when_it_is_opened_again(
    place: Served, caplog: pytest.LogCaptureFixture
) -> None:
    olivia = place.operator
    for name in QUICK:
        made = fault(name, "views.publish")
        place.slack.faults.add(made)
        await olivia.open_home()
        await place.slack.wait_for(lambda: made.times == 0, what=name)  # noqa: B023 - waited for at once
        await olivia.open_home()
        await place.slack.wait_for(lambda: olivia.home, what="the home")
        no_traceback(caplog)

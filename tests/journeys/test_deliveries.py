"""The same delivery, many times and to two processes at once, has one effect."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.journeys.steps import APPLE_ID, approved, ask, register_at_apple
from tests.sandbox.deployment import SIGNING_SECRET, Deployment, Transport, deployment
from tests.sandbox.slack import payloads
from tests.sandbox.slack.conversations import Message
from tests.sandbox.slack.delivery import Answer, Delivery, Envelope, Form, SignedHttp
from tests.sandbox.slack.reading import Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMES = 100
AT_ONCE = 20
EXCHANGED = "views.open: exchanged_trigger_id"


@dataclass(kw_only=True)
class Pair:
    """Two `serve` processes on one database."""

    first: Deployment
    second: Deployment

    @property
    def ways(self) -> list[Delivery]:
        if self.first.sockets is not None:
            return [self.first.sockets]
        return [
            SignedHttp(url=f"{one.origin}/slack/events", signing_secret=SIGNING_SECRET)
            for one in (self.first, self.second)
        ]

    async def repeat(self, form: Form, payload: Json, times: int = TIMES) -> list[Answer]:
        """Deliver the very same thing that often, many at once, by turns to both."""
        envelope = Envelope(form=form, kind="repeated", payload=payload)
        ways, answers = self.ways, list[Answer]()
        for start in range(0, times, AT_ONCE):
            answers += await asyncio.gather(
                *(
                    ways[number % len(ways)].deliver(envelope)
                    for number in range(start, min(start + AT_ONCE, times))
                )
            )
        assert all(answer.ok for answer in answers), Counter(answer.body for answer in answers)
        return answers

    def rows(self, query: str, *values: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.first.database)) as database:
            return database.execute(query, values).fetchall()

    def responses(self) -> int:
        return len(self.first.slack.calls("response_url"))

    async def settled(self) -> None:
        """Long enough for whatever else a repeated delivery might set off."""
        await asyncio.sleep(0.7)

    def command(self, text: str) -> Json:
        olivia = self.first.cast.operator
        slack = self.first.slack
        return payloads.command(slack, olivia.member, olivia.dm, "/enroll-token", text)

    def click(self, message: Message, words: str) -> Json:
        button = next(one for one in message.buttons if one.text == words)
        amir = self.first.cast.approver.member
        return payloads.message_actions(self.first.slack, amir, message, [payloads.pressed(button)])

    def submission(self) -> Json:
        olivia = self.first.cast.operator
        assert olivia.view is not None
        return payloads.view_submission(self.first.slack, olivia.member, olivia.view)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(Transport))
async def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    async with deployment(tmp_path_factory.mktemp("pair"), request.param) as first:
        await first.start()
        second = first.beside()
        try:
            await second.start()
            yield Pair(first=first, second=second)
        finally:
            await second.kill()
        assert not first.slack.violations
        assert "level=error" not in first.log() + second.log()


async def test_a_command_is_answered_once(pair: Pair) -> None:
    for number, text in enumerate(["list", "status nowhere", "settings"], start=1):
        await pair.repeat(Form.COMMAND, pair.command(text))
        await pair.first.slack.wait_for(lambda number=number: pair.responses() >= number)  # type: ignore[misc]
        await pair.settled()
        assert pair.responses() == number, text


async def test_two_commands_of_the_same_words_are_two(pair: Pair) -> None:
    before = pair.responses()
    for _ in range(2):
        await pair.repeat(Form.COMMAND, pair.command("list"), times=2)
    await pair.first.slack.wait_for(lambda: pair.responses() == before + 2)


async def test_a_form_opens_once_and_nobody_hears_of_the_rest(pair: Pair) -> None:
    olivia, slack = pair.first.cast.operator, pair.first.slack
    heard, said = len(olivia.ephemerals), pair.responses()
    await pair.repeat(Form.COMMAND, pair.command("create"))
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    await pair.settled()
    assert len(slack.views.stack(olivia.id)) == 1
    assert (len(olivia.ephemerals), pair.responses()) == (heard, said)
    # It is Slack that opens one view for a trigger; we asked each time.
    assert set(slack.violations) == {EXCHANGED}
    slack.violations.clear()
    await olivia.close()


async def test_a_submitted_form_is_one_request_and_every_answer_says_so(pair: Pair) -> None:
    olivia, slack = pair.first.cast.operator, pair.first.slack
    await olivia.command("/enroll-token", "create")
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the form")
    olivia.fill("Token name", "Repeated")
    olivia.fill("Apple ID", APPLE_ID)
    olivia.fill("Reason", "Twice is too often")
    olivia.fill("Your agreement", "I agree")
    answers = await pair.repeat(Form.INTERACTION, pair.submission())
    assert len({answer.body for answer in answers}) == 1
    assert "The request for" in answers[0].body
    await slack.wait_for(lambda: _cards(pair, "Repeated"), what="the card")
    await pair.settled()
    assert len(_cards(pair, "Repeated")) == 1
    assert pair.rows("SELECT count(*) FROM token WHERE name = 'Repeated'") == [(1,)]
    assert pair.rows(
        "SELECT count(*) FROM audit_entry JOIN token ON token.id = token_id "
        "WHERE name = 'Repeated' AND action = 'request.create'"
    ) == [(1,)]
    await olivia.close()


def _cards(pair: Pair, name: str) -> list[Message]:
    return [m for m in pair.first.approvals.messages if m.says(f"asks for the token *{name}*")]


async def test_a_click_is_one_decision(pair: Pair) -> None:
    card = await ask(pair.first, "Clicked")
    await pair.repeat(Form.INTERACTION, pair.click(card, "Approve"))
    dm = pair.first.cast.operator.dm
    await pair.first.slack.wait_for(
        lambda: [m for m in dm.messages if m.says("Your steps for Clicked")], what="the steps"
    )
    await pair.settled()
    assert pair.rows(
        "SELECT decision.state FROM decision JOIN request ON request.id = request_id "
        "JOIN token ON token.id = token_id WHERE name = 'Clicked'"
    ) == [("counted",)]
    assert len([m for m in dm.messages if m.says("Your steps for Clicked")]) == 1
    assert not pair.first.cast.approver.ephemerals


async def test_an_upload_is_one_upload(pair: Pair) -> None:
    olivia, slack = pair.first.cast.operator, pair.first.slack
    steps = await approved(pair.first, "Uploaded")
    server = register_at_apple(pair.first, devices=3, name="Uploaded")
    await olivia.click("Upload server token", message=steps)
    await slack.wait_for(lambda: olivia.view and olivia.view.submit, what="the upload form")
    olivia.fill("Server token file", server.download_token(as_admin=APPLE_ID))
    # The file is slow to come, so that every repeat arrives before the upload has an end.
    slack.faults.delay("files.info", 1.0, times=1)
    await pair.repeat(Form.INTERACTION, pair.submission())
    alerts = pair.first.alerts
    await slack.wait_for(
        lambda: [m for m in alerts.messages if m.says("Uploaded is in use")], what="the outcome"
    )
    await pair.settled()
    assert len([m for m in alerts.messages if m.says("Uploaded is in use")]) == 1
    assert pair.rows("SELECT state FROM upload") == [("accepted",)]
    await olivia.close()


async def test_an_event_is_followed_once(pair: Pair) -> None:
    boris, slack = pair.first.cast.bystander, pair.first.slack
    opened: Json = {
        "type": "app_home_opened",
        "user": boris.id,
        "channel": boris.dm.id,
        "tab": "home",
    }
    await pair.repeat(Form.EVENT, payloads.event(slack, opened))
    await slack.wait_for(lambda: boris.home, what="the Home")
    await pair.settled()
    drawn = [call for call in slack.calls("views.publish") if call["user_id"] == boris.id]
    assert len(drawn) == 1


async def test_a_button_of_an_older_release_is_told_to_be_stale_once(pair: Pair) -> None:
    slack, amir = pair.first.slack, pair.first.cast.approver
    old = slack.post(pair.first.alerts, slack.bot_user_id, text="old")
    gone: Json = {"type": "button", "action_id": "gone", "block_id": "b", "value": "x"}
    before = pair.responses()
    click = payloads.message_actions(
        slack, amir.member, old, [gone | {"action_ts": payloads.action_ts()}]
    )
    await pair.repeat(Form.INTERACTION, click, times=20)
    await slack.wait_for(lambda: pair.responses() > before)
    await pair.settled()
    assert pair.responses() == before + 1


async def test_a_lost_answer_makes_slack_deliver_again_and_nothing_happen_twice(
    pair: Pair,
) -> None:
    """Over HTTP Slack repeats events alone; over Socket Mode whatever it got no answer for."""
    if pair.first.sockets is None:
        pytest.skip("only Socket Mode repeats a click")
    card = await ask(pair.first, "Lost answer")
    pair.first.sockets.lost_answers = 3
    assert (await pair.first.cast.approver.click("Approve", message=card)).ok
    assert not pair.first.sockets.lost_answers
    dm = pair.first.cast.operator.dm
    await pair.first.slack.wait_for(
        lambda: [m for m in dm.messages if m.says("Your steps for Lost answer")], what="the steps"
    )
    await pair.settled()
    assert pair.rows(
        "SELECT decision.state FROM decision JOIN request ON request.id = request_id "
        "JOIN token ON token.id = token_id WHERE name = 'Lost answer'"
    ) == [("counted",)]
    assert len([m for m in dm.messages if m.says("Your steps for Lost answer")]) == 1

"""Over Socket Mode every delivery is answered once, whatever becomes of the connections."""

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_bolt import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sockets import CONNECTIONS, Sockets
from services.errors import ConfigurationError
from tests.sandbox.slack.delivery import Answer, Envelope, Form
from tests.sandbox.slack.sockets import Sockets as Slack
from tests.sandbox.slack.workspace import Workspace

CANARY = "canary-91cd"
FEW_SECONDS = 5.0


class Taker:
    """Stands where Bolt does: notes what it takes, and answers when it is let."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: BoltResponse | None = BoltResponse(status=200, body="")

    async def take(self, body: dict[str, Any]) -> BoltResponse | None:
        self.taken.append(str(body["text"]))
        await self.gate.wait()
        return self.answer


class Ours:
    """Our side and Slack's, and what went between them."""

    def __init__(self, slack: Workspace, server: Slack) -> None:
        self.slack = slack
        self.server = server
        self.taker = Taker()
        client = AsyncWebClient(slack.bot_token, base_url=f"{slack.origin}/api/", retry_handlers=[])
        self.sockets = Sockets(
            client, slack.app_token, self.taker.take, first_pause=0.1, answer_seconds=1.0
        )

    async def start(self) -> None:
        await self.sockets.start()
        await self.until(lambda: len(self.server.connections) == CONNECTIONS)

    async def deliver(self, text: str = "help", form: Form = Form.COMMAND) -> Answer:
        payload: dict[str, Any] = {"text": text, "type": "block_actions"}
        return await self.server.deliver(Envelope(form=form, kind="test", payload=payload))

    def opened(self, times: int) -> bool:
        """Whether Slack has greeted that many connections since the start."""
        return len(self.server.opened) >= times

    async def until(self, condition: Callable[[], object]) -> None:
        await self.slack.wait_for(condition, within=FEW_SECONDS)

    async def took(self, job: Awaitable[object]) -> float:
        began = time.monotonic()
        await job
        return time.monotonic() - began


@pytest.fixture
async def ours() -> AsyncIterator[Ours]:
    slack = Workspace(scopes=["commands"], signing_secret="unused", bot_token="xoxb-invented")
    async with slack.serve(), slack.serve_sockets() as server:
        made = Ours(slack, server)
        yield made
        await made.sockets.stop()
        assert not slack.violations


async def test_several_connections_are_open_and_take_turns(ours: Ours) -> None:
    await ours.start()
    assert ours.sockets.connected()
    for number in range(6):
        assert (await ours.deliver(str(number))).ok
    assert [connection.sent for connection in ours.server.connections] == [3, 3]
    assert ours.taker.taken == ["0", "1", "2", "3", "4", "5"]


async def test_an_answer_travels_as_what_it_is(ours: Ours) -> None:
    await ours.start()
    headers: dict[str, Any] = {"content-type": "application/json"}
    ours.taker.answer = BoltResponse(status=200, body='{"text": "Hi"}', headers=headers)
    assert (await ours.deliver()).json() == {"text": "Hi"}
    ours.taker.answer = BoltResponse(status=200, body="plain", headers={})
    assert (await ours.deliver()).json() == {"text": "plain"}
    # A click takes no payload: whatever a listener answered, Slack gets its plain answer.
    assert (await ours.deliver(form=Form.INTERACTION)).body == ""


@pytest.mark.parametrize("answer", [None, BoltResponse(status=404, body="")])
async def test_what_is_no_delivery_gets_no_answer(ours: Ours, answer: BoltResponse | None) -> None:
    await ours.start()
    ours.taker.answer = answer
    ours.server.patience = 0.3
    assert not (await ours.deliver()).ok
    ours.taker.answer = BoltResponse(status=200, body="")
    assert (await ours.deliver()).ok


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_connection_that_slack_ends_is_replaced_and_nothing_is_lost(
    ours: Ours, reason: str
) -> None:
    await ours.start()
    ours.taker.gate.clear()
    before = [asyncio.create_task(ours.deliver(f"before {number}")) for number in range(4)]
    await ours.until(lambda: len(ours.taker.taken) == 4)
    await ours.server.refresh(reason, closes_in=FEW_SECONDS)
    await ours.until(lambda: len(ours.server.opened) == 2 * CONNECTIONS)
    after = [asyncio.create_task(ours.deliver(f"after {number}")) for number in range(8)]
    await ours.until(lambda: len(ours.taker.taken) == 12)
    ours.taker.gate.set()
    # Each was answered where it came, over the old connections too, and came once.
    assert all(answer.ok for answer in await asyncio.gather(*before, *after))
    assert len(set(ours.taker.taken)) == len(ours.taker.taken) == 12
    await ours.until(lambda: ours.server.connections == ours.server.opened[CONNECTIONS:])
    assert len(set(ours.server.tried)) == len(ours.server.tried) == 2 * CONNECTIONS


async def test_deliveries_go_on_while_connections_are_renewed_again_and_again(ours: Ours) -> None:
    await ours.start()
    answers: list[Answer] = []

    async def people() -> None:
        for number in range(200):
            answers.append(await ours.deliver(str(number)))
            await asyncio.sleep(0.005)

    acting = asyncio.create_task(people())
    while not acting.done():
        renewed = len(ours.server.opened) + CONNECTIONS
        # Slack gives time enough to open another one first.
        await ours.server.refresh(closes_in=FEW_SECONDS)
        await ours.until(functools.partial(ours.opened, renewed))
    await acting
    assert len(ours.server.opened) > 2 * CONNECTIONS
    assert all(answer.ok for answer in answers)
    assert set(ours.taker.taken) == {str(number) for number in range(200)}


async def test_a_broken_connection_is_replaced(ours: Ours) -> None:
    await ours.start()
    for connection in list(ours.server.connections):
        connection.cut()
    await ours.until(lambda: not ours.sockets.connected())
    await ours.until(ours.sockets.connected)
    assert (await ours.deliver()).ok


async def test_a_dead_address_is_tried_once(ours: Ours) -> None:
    ours.server.refusals = 1
    with pytest.raises(ConfigurationError):
        await ours.sockets.start()
    await ours.start()
    ours.server.refusals = 2
    ours.server.connections[0].cut()
    await ours.until(lambda: ours.server.refusals == 0)
    await ours.until(lambda: len(ours.server.connections) == CONNECTIONS)
    assert len(set(ours.server.tried)) == len(ours.server.tried)


async def test_socket_mode_that_is_switched_off_ends_the_start_in_words(ours: Ours) -> None:
    await ours.server.disable()
    with pytest.raises(ConfigurationError) as refused:
        await ours.sockets.start()
    assert "Turn it on" in refused.value.user_message


async def test_a_slack_that_greets_nobody_ends_the_start_in_words(ours: Ours) -> None:
    ours.slack.faults.error("apps.connections.open", "internal_error", times=1)
    with pytest.raises(ConfigurationError) as refused:
        await ours.sockets.start()
    assert "internal_error" in refused.value.user_message


async def test_socket_mode_that_was_off_for_a_while_is_found_on_again(ours: Ours) -> None:
    await ours.start()
    await ours.server.disable()
    await ours.until(lambda: not ours.sockets.connected())
    ours.server.enabled = True
    await ours.until(ours.sockets.connected)
    assert (await ours.deliver()).ok


async def test_a_throttled_opening_waits_as_long_as_slack_says(ours: Ours) -> None:
    await ours.start()
    ours.slack.faults.rate_limit("apps.connections.open", retry_after=2, times=1)
    opened = len(ours.slack.calls("apps.connections.open"))
    ours.server.connections[0].cut()
    await ours.until(lambda: len(ours.slack.calls("apps.connections.open")) == opened + 1)
    assert (
        await ours.took(
            ours.until(lambda: len(ours.slack.calls("apps.connections.open")) == opened + 2)
        )
        > 1.8
    )


async def test_a_stop_answers_what_was_taken_and_takes_nothing_more(ours: Ours) -> None:
    await ours.start()
    ours.taker.gate.clear()
    taken = [asyncio.create_task(ours.deliver(f"taken {number}")) for number in range(4)]
    await ours.until(lambda: len(ours.taker.taken) == 4)
    stopping = asyncio.create_task(ours.sockets.stop())
    await asyncio.sleep(0.05)
    late = asyncio.create_task(ours.deliver("late"))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    ours.taker.gate.set()
    assert all(answer.ok for answer in await asyncio.gather(*taken))
    await stopping
    assert not ours.sockets.connected()
    assert not ours.server.connections
    # Slack was not told that it arrived, so it goes to whoever connects next.
    other = Ours(ours.slack, ours.server)
    await other.start()
    assert (await late).ok
    assert other.taker.taken == ["late"]
    assert "late" not in ours.taker.taken
    await other.sockets.stop()


async def test_a_stop_does_not_wait_for_work_that_never_ends(ours: Ours) -> None:
    await ours.start()
    ours.taker.gate.clear()
    stuck = asyncio.create_task(ours.deliver())
    await ours.until(lambda: ours.taker.taken)
    assert await ours.took(ours.sockets.stop()) < 2.5
    stuck.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await stuck


async def test_frames_and_addresses_never_reach_the_log(
    ours: Ours, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await ours.start()
        await ours.deliver(CANARY)
        ours.server.refusals = 1
        await ours.server.refresh(closes_in=0.1)
        await ours.until(lambda: len(ours.server.opened) == 2 * CONNECTIONS)
        await ours.until(lambda: len(ours.server.connections) == CONNECTIONS)
        await ours.sockets.stop()
    # slack-sdk's Web API client is quiet in `serve` (test_logs); its socket client always is.
    ours_alone = [record for record in caplog.records if record.name.startswith("bot")]
    said = [f"{record.getMessage()} {vars(record)}" for record in ours_alone]
    events = {"socket_opened", "socket_over", "socket_not_opened"}
    assert {record.message for record in ours_alone} >= events
    hidden = [CANARY, ours.slack.app_token, *ours.server.tried]
    assert not [line for line in said if any(secret in line for secret in hidden)]
    assert not [record for record in caplog.records if "socket_mode" in record.name]


async def test_a_frame_that_is_none_harms_nothing(ours: Ours) -> None:
    await ours.start()
    for text in ("", "junk", "[]", "{", '{"type": "hello"', '{"type": "unknown"}'):
        for connection in ours.server.connections:
            await connection.socket.send_str(text)
    assert (await ours.deliver()).ok

"""The stand-in's Socket Mode: one connection for each envelope, one envelope for each answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest

from tests.sandbox.slack.delivery import TIMEOUT, UNANSWERED, Answer, Envelope, Form
from tests.sandbox.slack.sockets import MOST_CONNECTIONS, Sockets
from tests.sandbox.slack.workspace import Workspace

Frame = dict[str, Any]

COMMAND = Envelope(form=Form.COMMAND, kind="command", payload={"text": "help"})
CLICK = Envelope(form=Form.INTERACTION, kind="click", payload={"type": "block_actions"})
EVENT = Envelope(form=Form.EVENT, kind="event", payload={"type": "event_callback"}, retry=1)


class App:
    """An app that speaks the protocol by hand, so that it can speak it wrongly too."""

    def __init__(self, slack: Workspace, sockets: Sockets) -> None:
        self.slack = slack
        self.sockets = sockets
        self.session = aiohttp.ClientSession()
        self.held: list[aiohttp.ClientWebSocketResponse] = []

    async def ask(self, token: str) -> Frame:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"{self.slack.origin}/api/apps.connections.open",
                headers={"Authorization": f"Bearer {token}"},
            )
        answered: Frame = answer.json()
        return answered

    async def address(self) -> str:
        return str((await self.ask(self.slack.app_token))["url"])

    async def connect(self, address: str | None = None) -> aiohttp.ClientWebSocketResponse:
        socket = await self.session.ws_connect(address or await self.address())
        self.held.append(socket)
        return socket

    async def greeted(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self.connect()
        assert (await frame(socket))["type"] == "hello"
        return socket

    async def delivered(self, envelope: Envelope = COMMAND) -> "asyncio.Task[Answer]":
        task = asyncio.create_task(self.sockets.deliver(envelope))
        await asyncio.sleep(0)
        return task


async def frame(socket: aiohttp.ClientWebSocketResponse) -> Frame:
    async with asyncio.timeout(2):
        found: Frame = json.loads(await socket.receive_str())
    return found


@pytest.fixture
async def app() -> AsyncIterator[App]:
    slack = Workspace(
        scopes=["commands"], signing_secret="unused", bot_token="xoxb-invented", domain="sandbox"
    )
    async with slack.serve(), slack.serve_sockets() as sockets:
        made = App(slack, sockets)
        yield made
        await made.session.close()


async def test_only_an_app_token_with_its_scope_gets_an_address(app: App) -> None:
    assert (await app.ask(app.slack.bot_token))["error"] == "not_allowed_token_type"
    assert (await app.ask("xapp-wrong"))["error"] == "invalid_auth"
    app.slack.tokens[app.slack.app_token].scopes.clear()
    refused = await app.ask(app.slack.app_token)
    assert (refused["error"], refused["needed"]) == ("missing_scope", "connections:write")


async def test_an_address_opens_once(app: App) -> None:
    address = await app.address()
    await app.connect(address)
    for dead in (address, address.replace("ticket=", "ticket=0")):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await app.connect(dead)


async def test_the_hello_says_how_many_there_are_and_for_how_long(app: App) -> None:
    for number in (1, 2):
        hello = await frame(await app.connect())
        assert (hello["type"], hello["num_connections"]) == ("hello", number)
        assert hello["debug_info"]["approximate_connection_time"] == 3600
        assert hello["connection_info"] == {"app_id": app.slack.app_id}


async def test_each_envelope_goes_to_one_connection_in_turn(app: App) -> None:
    sockets = [await app.greeted(), await app.greeted()]
    heard: dict[int, list[str]] = {0: [], 1: []}

    async def answer(number: int) -> None:
        async for message in sockets[number]:
            envelope = json.loads(message.data)["envelope_id"]
            heard[number].append(envelope)
            await sockets[number].send_json({"envelope_id": envelope})

    answering = [asyncio.create_task(answer(number)) for number in heard]
    for _ in range(10):
        assert (await app.sockets.deliver(COMMAND)).ok
    assert len(heard[0]) == len(heard[1]) == 5
    assert not set(heard[0]) & set(heard[1])
    assert not app.slack.violations
    for task in answering:
        task.cancel()


async def test_an_envelope_says_what_it_is_and_whether_a_payload_may_come_back(app: App) -> None:
    socket = await app.greeted()
    kinds = [(COMMAND, "slash_commands", True), (CLICK, "interactive", False)]
    for envelope, kind, takes_payload in kinds:
        task = await app.delivered(envelope)
        sent = await frame(socket)
        assert (sent["type"], sent["accepts_response_payload"]) == (kind, takes_payload)
        assert sent["payload"] == envelope.payload
        payload = {"payload": {"text": "Hi"}} if takes_payload else {}
        await socket.send_json({"envelope_id": sent["envelope_id"], **payload})
        assert (await task).json() == ({"text": "Hi"} if takes_payload else None)
    task = await app.delivered(EVENT)
    sent = await frame(socket)
    assert (sent["type"], sent["retry_attempt"]) == ("events_api", 1)
    task.cancel()


async def test_an_answer_that_comes_late_is_none(app: App) -> None:
    app.sockets.patience = 0.1
    socket = await app.greeted()
    task = await app.delivered()
    sent = await frame(socket)
    answer = await task
    assert (answer.status, answer.body) == (UNANSWERED, TIMEOUT)
    await socket.send_json({"envelope_id": sent["envelope_id"]})
    await app.slack.wait_for(lambda: app.slack.violations)
    assert "waits for none" in app.slack.violations[0]


WRONG = {
    "no JSON": "ok",
    "no object": "[]",
    "no envelope": "{}",
    "another envelope": '{"envelope_id": "x"}',
    "more than an answer": '{"envelope_id": "ID", "type": "hello"}',
    "a payload that is none": '{"envelope_id": "ID", "payload": "x"}',
    "a payload for a click": '{"envelope_id": "ID", "payload": {"text": "x"}}',
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_answer_is_held_against_the_app(app: App, said: str) -> None:
    socket = await app.greeted()
    task = await app.delivered(CLICK)
    sent = await frame(socket)
    await socket.send_str(said.replace("ID", sent["envelope_id"]))
    await app.slack.wait_for(lambda: app.slack.violations)
    assert not task.done()
    task.cancel()


async def test_an_answer_counts_only_where_its_envelope_went(app: App) -> None:
    first, second = await app.greeted(), await app.greeted()
    task = await app.delivered(CLICK)
    sent = await frame(first)
    await second.send_json({"envelope_id": sent["envelope_id"]})
    await app.slack.wait_for(lambda: app.slack.violations)
    assert not task.done()
    await first.send_json({"envelope_id": sent["envelope_id"]})
    assert (await task).ok


async def test_what_a_connection_left_unanswered_comes_in_a_new_envelope(app: App) -> None:
    first, second = await app.greeted(), await app.greeted()
    task = await app.delivered()
    sent = await frame(first)
    await first.close()
    again = await frame(second)
    assert again["payload"] == sent["payload"]
    assert again["envelope_id"] != sent["envelope_id"]
    await second.send_json({"envelope_id": again["envelope_id"]})
    assert (await task).ok


async def test_what_was_left_unanswered_waits_for_the_next_connection(app: App) -> None:
    first = await app.greeted()
    task = await app.delivered()
    await frame(first)
    await first.close()
    second = await app.greeted()
    sent = await frame(second)
    await second.send_json({"envelope_id": sent["envelope_id"]})
    assert (await task).ok


async def test_a_lost_answer_makes_it_come_again(app: App) -> None:
    app.sockets.lost_answers = 1
    socket = await app.greeted()
    task = await app.delivered()
    envelopes = []
    for _ in range(2):
        envelopes.append((await frame(socket))["envelope_id"])
        await socket.send_json({"envelope_id": envelopes[-1]})
    assert (await task).ok
    assert len(set(envelopes)) == 2


async def test_without_a_connection_nothing_is_delivered(app: App) -> None:
    assert "no connection" in (await app.sockets.deliver(COMMAND)).body


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_connection_is_told_before_it_ends_and_takes_envelopes_until_then(
    app: App, reason: str
) -> None:
    socket = await app.greeted()
    await app.sockets.refresh(reason, closes_in=0.2)
    assert (await frame(socket))["reason"] == reason
    task = await app.delivered()
    sent = await frame(socket)
    await socket.send_json({"envelope_id": sent["envelope_id"]})
    assert (await task).ok
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_socket_mode_that_is_switched_off_ends_old_and_new_connections(app: App) -> None:
    old = await app.greeted()
    await app.sockets.disable()
    for socket in (old, await app.connect()):
        told = await frame(socket)
        assert (told["type"], told["reason"]) == ("disconnect", "link_disabled")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_an_eleventh_connection_is_turned_away(app: App) -> None:
    for _ in range(MOST_CONNECTIONS):
        await app.greeted()
    assert (await frame(await app.connect()))["reason"] == "too_many_websockets"

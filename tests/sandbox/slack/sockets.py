"""Socket Mode from Slack's side: addresses that open once, and envelopes that want an answer.

Each envelope goes to exactly one connection. It counts as answered only by its own id, on the
connection that it went to, and within 3 seconds. Where the answer is missing because the
connection ended, the payload goes to another connection in a new envelope.
"""

import asyncio
import contextlib
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import WSMsgType, web

from tests.sandbox.slack.delivery import ACK_SECONDS, TIMEOUT, UNANSWERED, Answer, Envelope, Form
from tests.sandbox.slack.reading import Json
from tests.sandbox.slack.team import Team

TICKET_SECONDS = 30.0
MOST_CONNECTIONS = 10
CONNECTION_SECONDS = 3600
GRACE = 0.3
"""Seconds that connections may take to end once the server stops."""

TYPES = {
    Form.COMMAND: "slash_commands",
    Form.INTERACTION: "interactive",
    Form.EVENT: "events_api",
}
ANSWERED_WITH_PAYLOAD = ("view_submission", "block_suggestion")
NOBODY = "connection_failed: no connection is open"


@dataclass(slots=True, kw_only=True, eq=False)
class Waiting:
    """An envelope that was sent and not answered yet."""

    takes_payload: bool
    answer: "asyncio.Future[Json | None]"


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One connection of the app's."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    waiting: dict[str, Waiting] = field(default_factory=dict)
    sent: int = 0

    @property
    def is_open(self) -> bool:
        """Whether envelopes can go there."""
        return not self.socket.closed

    async def send(self, frame: Json) -> None:
        """Send one frame; a connection that just ended loses it."""
        with contextlib.suppress(ConnectionError):
            await self.socket.send_str(json.dumps(frame))

    def end(self) -> None:
        """Leave every envelope that waits here without an answer."""
        for one in self.waiting.values():
            if not one.answer.done():
                one.answer.set_result(None)
        self.waiting.clear()

    def cut(self) -> None:
        """Drop the connection without a word, as a broken network does."""
        if self.request.transport is not None:
            self.request.transport.abort()


class Sockets:
    """The connections of the one app, and what goes over them."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.patience = ACK_SECONDS
        self.enabled = True
        """Whether Socket Mode is switched on in the app's settings."""
        self.lost_answers = 0
        """How many of the next answers get lost on their way, so that Slack delivers again."""
        self.refusals = 0
        """How many of the next addresses are dead when they are tried."""
        self.connections: list[Connection] = []
        self.opened: list[Connection] = []
        """Every connection that ever said hello, oldest first."""
        self.tried: list[str] = []
        """The ticket of every try to connect."""
        self._tickets: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._turn = itertools.count()
        self._opening = asyncio.Event()
        self._host = ""
        self._closing: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve connections on a loopback port of their own."""
        app = web.Application()
        app.router.add_get("/link/", self._link)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self._host = f"{host}:{port}"
        self.team.open_socket = self._address
        try:
            yield
        finally:
            self.team.open_socket = None
            for task in self._closing:
                task.cancel()
            for connection in self.connections:
                connection.cut()
            await runner.cleanup()

    async def deliver(self, envelope: Envelope) -> Answer:
        """Hand one envelope over, and again in a new one as long as its answer is missing."""
        began = time.monotonic()
        connection = self._next()
        if connection is None:
            return Answer(status=UNANSWERED, body=NOBODY, took=0.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.patience):
                while True:
                    answer = await self._handed_over(connection, envelope)
                    if answer is not None:
                        return _answer(answer, time.monotonic() - began)
                    connection = await self._another()
        return Answer(status=UNANSWERED, body=TIMEOUT, took=time.monotonic() - began)

    async def refresh(self, reason: str = "warning", *, closes_in: float = 10.0) -> None:
        """Announce to every connection that it ends, and end it a little later."""
        for connection in list(self.connections):
            await connection.send(_disconnect(reason))
            task = asyncio.create_task(_closed(connection, closes_in))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def disable(self) -> None:
        """Switch Socket Mode off in the app's settings: every connection ends."""
        self.enabled = False
        for connection in list(self.connections):
            await connection.send(_disconnect("link_disabled"))
            await connection.socket.close()

    def _address(self) -> str:
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = time.monotonic() + TICKET_SECONDS
        return (
            f"ws://{self._host}/link/?{urlencode({'ticket': ticket, 'app_id': self.team.app_id})}"
        )

    def _next(self) -> Connection | None:
        """The connections take turns."""
        ready = [one for one in self.connections if one.is_open]
        return ready[next(self._turn) % len(ready)] if ready else None

    async def _another(self) -> Connection:
        while (connection := self._next()) is None:
            self._opening.clear()
            await self._opening.wait()
        return connection

    async def _handed_over(self, connection: Connection, envelope: Envelope) -> Json | None:
        """The app's answer; None if the connection ended before it came."""
        frame, takes_payload = _framed(envelope)
        envelope_id = str(frame["envelope_id"])
        answer: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = Waiting(takes_payload=takes_payload, answer=answer)
        connection.sent += 1
        try:
            await connection.send(frame)
            if not connection.is_open:
                connection.end()
            return await answer
        finally:
            connection.waiting.pop(envelope_id, None)

    async def _link(self, request: web.Request) -> web.StreamResponse:
        query = parse_qs(urlsplit(str(request.rel_url)).query)
        ticket = query.get("ticket", [""])[0]
        self.tried.append(ticket)
        good_until = self._tickets.pop(ticket, 0.0)
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503, text="try another address")
        if time.monotonic() > good_until or query.get("app_id") != [self.team.app_id]:
            return web.Response(status=401, text="no such ticket")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self._connected(
            Connection(number=next(self._numbers), socket=socket, request=request)
        )
        return socket

    async def _connected(self, connection: Connection) -> None:
        refusal = "" if self.enabled else "link_disabled"
        if len(self.connections) >= MOST_CONNECTIONS:
            refusal = "too_many_websockets"
        if refusal:
            await connection.send(_disconnect(refusal))
            await connection.socket.close()
            return
        self.connections.append(connection)
        await connection.send(self._hello())
        self.opened.append(connection)
        self._opening.set()
        try:
            async for message in connection.socket:
                if message.type is not WSMsgType.TEXT:
                    self.team.violate(f"socket: a frame of type {message.type} came")
                    continue
                problem = self._heard(connection, str(message.data))
                if problem:
                    self.team.violate(f"socket: {problem}")
        finally:
            self.connections.remove(connection)
            connection.end()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": "applink-sandbox",
                "build_number": 1,
                "approximate_connection_time": CONNECTION_SECONDS,
            },
            "connection_info": {"app_id": self.team.app_id},
        }

    def _heard(self, connection: Connection, text: str) -> str | None:
        """Take an answer; say what is wrong with it, if anything."""
        try:
            frame = json.loads(text)
        except ValueError:
            return "the frame is no JSON"
        if not isinstance(frame, dict) or not frame.keys() <= {"envelope_id", "payload"}:
            return "the frame is no answer to an envelope"
        waiting = connection.waiting.get(str(frame.get("envelope_id")))
        if waiting is None or waiting.answer.done():
            return "an answer came for an envelope that waits for none on this connection"
        payload = frame.get("payload", {})
        if not isinstance(payload, dict):
            return "an answer's payload is no object"
        if payload and not waiting.takes_payload:
            return "an answer carries a payload where none is accepted"
        if self.lost_answers:
            self.lost_answers -= 1
            waiting.answer.set_result(None)
        else:
            waiting.answer.set_result(payload)
        return None


def _framed(envelope: Envelope) -> tuple[Json, bool]:
    kind = TYPES[envelope.form]
    takes_payload = envelope.form is Form.COMMAND or (
        envelope.form is Form.INTERACTION and envelope.payload["type"] in ANSWERED_WITH_PAYLOAD
    )
    frame: Json = {
        "envelope_id": secrets.token_hex(16),
        "type": kind,
        "payload": envelope.payload,
        "accepts_response_payload": takes_payload,
    }
    if envelope.form is Form.EVENT:
        frame |= {
            "retry_attempt": envelope.retry,
            "retry_reason": "timeout" if envelope.retry else "",
        }
    return frame, takes_payload


def _answer(payload: Json, took: float) -> Answer:
    body = json.dumps(payload) if payload else ""
    return Answer(status=200, body=body, took=took, headers={"Content-Type": "application/json"})


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "wss-sandbox"}}


async def _closed(connection: Connection, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await connection.socket.close()

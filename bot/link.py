"""One connection of Socket Mode: slack-sdk's client, held to a single address of Slack's.

By itself the client tries one address for ever, although each opens once, and it acknowledges
over whichever connection it has by then. Here a connection that is over stays over: `bot/sockets`
opens another one, with a client of its own.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from slack_bolt import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

log = logging.getLogger(__name__)

PING_SECONDS = 5.0
"""Slack is asked this often whether it is still there; after four silent times it is not."""
LOOK_SECONDS = 1.0
CLOSE_SECONDS = 1.0
OK = 200

Take = Callable[[dict[str, Any]], Awaitable[BoltResponse | None]]
"""Takes one delivery; its answer, or None if it is no delivery."""


def silent() -> logging.Logger:
    """A logger that nobody hears: the client's own lines hold whole frames and addresses."""
    logger = logging.getLogger("slack_sdk.socket_mode.unheard")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


class NoHello(Exception):
    """A connection stood, but Slack ended it without a hello; the text is its reason, if any."""


class Link(SocketModeClient):
    """A connection: opened once, alive from Slack's hello until it is over."""

    def __init__(self, web_client: AsyncWebClient, app_token: str, take: Take) -> None:
        super().__init__(
            app_token=app_token,
            logger=silent(),
            web_client=web_client,
            ping_interval=PING_SECONDS,
        )
        self.greeted = False
        self.over = asyncio.Event()
        self.reason = ""
        """Why Slack ended it, where it said so."""
        self.took: Callable[[float], None] = lambda _seconds: None
        self._take = take
        self._leaving = False
        self._settled = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def alive(self) -> bool:
        """Whether Slack delivers over it."""
        return self.greeted and not self.over.is_set()

    async def connect(self) -> None:
        """Open the connection under a new address, and wait for Slack's hello.

        Raises NoHello, or what the network or Slack raises.
        """
        answer = await self.web_client.apps_connections_open(app_token=self.app_token)
        self.current_session = await self.aiohttp_client_session.ws_connect(
            str(answer["url"]),
            autoping=False,
            heartbeat=self.ping_interval,
            proxy=self.proxy,
            ssl=self.web_client.ssl if self.web_client.ssl is not None else True,
        )
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())
        await self._settled.wait()
        if not self.greeted:
            raise NoHello(self.reason)

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the SDK's signature
        """Called by the client for each way in which a connection can end."""
        self.over.set()
        self._settled.set()

    async def enqueue_message(self, message: str) -> None:
        """Take a frame as it comes; a delivery in a task that we hold: the event loop would not."""
        frame = _frame(message)
        match frame.get("type"):
            case "hello":
                self.greeted = True
                self._settled.set()
            case "disconnect":
                self.reason = str(frame.get("reason", ""))
                await self.connect_to_new_endpoint(force=True)
            case _:
                request = SocketModeRequest.from_dict(frame)
                if request is not None and not self._leaving:
                    # What is left without an answer, Slack delivers to another connection.
                    task = asyncio.create_task(self._answered(request))
                    self._answering.add(task)
                    task.add_done_callback(self._answering.discard)

    async def ended(self) -> None:
        """Return when the connection is over; a broken one is noticed by looking."""
        while not self.over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.over.wait()
            if self.current_session is None or self.current_session.closed:
                self.over.set()

    async def leave(self, seconds: float, *, taking: bool = False) -> None:
        """Let what was taken be answered, then close; takes more meanwhile only if told so."""
        self._leaving = not taking
        if self._answering:
            await asyncio.wait(set(self._answering), timeout=seconds)
        self.over.set()
        self.closed, self.auto_reconnect_enabled = True, False
        if self.current_session is not None:
            # The other side may be gone, and would be waited for.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.current_session.close()
        await self.close()  # type: ignore[no-untyped-call]

    async def _answered(self, request: SocketModeRequest) -> None:
        began = time.monotonic()
        answer = await self._take(request.payload)
        if answer is None or answer.status != OK:
            log.warning("delivery_not_answered", extra={"kind": request.type})
            return
        payload = _payload(answer) if request.accepts_response_payload else None
        try:
            await self.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))
        except (ConnectionError, RuntimeError) as error:
            log.warning("answer_not_sent", extra={"error_type": type(error).__name__})
        self.took(time.monotonic() - began)


def _frame(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def _payload(answer: BoltResponse) -> dict[str, Any] | None:
    if not answer.body:
        return None
    kind = answer.headers.get("content-type", [""])[0]
    if not kind.startswith("application/json"):
        return {"text": answer.body}
    payload: dict[str, Any] = json.loads(answer.body)
    return payload

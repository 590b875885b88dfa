"""Socket Mode: Slack's deliveries over connections that we open, so no public address is needed."""

import asyncio
import logging
import time
from collections.abc import Callable

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.link import Link, NoHello, Take
from bot.slack_errors import LOST, code_of, retry_after
from services.errors import ConfigurationError

log = logging.getLogger(__name__)

CONNECTIONS = 2
"""Slack renews each every few hours, and any may break: the other one takes deliveries meanwhile.
Slack allows ten; more would gain nothing, since one process serves them all."""
HELLO_SECONDS = 10.0
ANSWER_SECONDS = 3.0
"""Slack waits no longer for an answer."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
BRIEF_SECONDS = 10.0
RENEWED = {"warning", "refresh_requested"}
"""Slack ends the connection only to have another one."""
SWITCHED_OFF, TOO_MANY = "link_disabled", "too_many_websockets"


class Sockets:
    """The connections, each renewed as long as the process runs."""

    def __init__(
        self,
        client: AsyncWebClient,
        app_token: str,
        take: Take,
        *,
        first_pause: float = FIRST_PAUSE,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.client = client
        self.app_token = app_token
        self.take = take
        self.first_pause = first_pause
        self.answer_seconds = answer_seconds
        self.took: Callable[[float], None] = lambda _seconds: None
        """Told how long each delivery took to be answered."""
        self._links: set[Link] = set()
        self._slots: list[asyncio.Task[None]] = []
        self._leaving: set[asyncio.Task[None]] = set()

    def connected(self) -> bool:
        """Whether Slack can reach us over one connection at least."""
        return any(link.alive for link in self._links)

    async def start(self) -> None:
        """Open the connections. Raises ConfigurationError if the first one cannot be had."""
        try:
            first = await self._open()
        except (*LOST, NoHello) as error:
            raise _refused(error) from error
        slots = [first, *[None] * (CONNECTIONS - 1)]
        self._slots = [asyncio.create_task(self._keep(link)) for link in slots]

    async def stop(self) -> None:
        """Take nothing more, let what was taken be answered, then close."""
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        leaving = [link.leave(self.answer_seconds) for link in self._links]
        await asyncio.gather(*leaving, *self._leaving, return_exceptions=True)
        self._links.clear()

    async def _keep(self, link: Link | None) -> None:
        """One slot: a connection, and the next one whenever it is over."""
        while True:
            began = time.monotonic()
            if link is not None:
                await link.ended()
                log.info("socket_over", extra={"reason": link.reason or "lost"})
            # One that breaks as soon as it stands is as good as none.
            broke = link is not None and link.reason not in RENEWED
            brief = time.monotonic() - began < BRIEF_SECONDS
            following = await self._next(failures=int(broke and brief))
            if link is not None:
                self._let_go(link)
            link = following

    async def _next(self, failures: int) -> Link:
        """A new connection, however long it takes to get one."""
        pause = self.first_pause if failures else 0.0
        while True:
            await asyncio.sleep(pause)
            try:
                return await self._open()
            except Exception as error:  # noqa: BLE001 - the slot must outlive whatever it meets
                failures += 1
                pause = self._pause(error, failures)
                fields = {"why": _why(error), "failures": failures, "pause": pause}
                log.warning("socket_not_opened", extra=fields)

    async def _open(self) -> Link:
        link = Link(self.client, self.app_token, self.take)
        link.took = self.took
        self._links.add(link)
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                await link.connect()
        except BaseException:
            self._links.discard(link)
            await link.leave(0)
            raise
        log.info("socket_opened", extra={"connections": sum(one.alive for one in self._links)})
        return link

    def _pause(self, error: Exception, failures: int) -> float:
        pause = min(self.first_pause * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE)
        return max(pause, retry_after(error, pause)) if isinstance(error, SlackApiError) else pause

    def _let_go(self, link: Link) -> None:
        """Close a connection that another one has replaced, when all it brought is answered."""

        async def leave() -> None:
            await link.leave(self.answer_seconds, taking=True)
            self._links.discard(link)

        task = asyncio.create_task(leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


def _why(error: Exception) -> str:
    """What went wrong, without the address: it is good for one connection, to whoever has it."""
    said = code_of(error) if isinstance(error, SlackApiError) else ""
    return said or (str(error) if isinstance(error, NoHello) else "") or type(error).__name__


def _refused(error: Exception) -> ConfigurationError:
    sentences = {
        SWITCHED_OFF: "Socket Mode is switched off at Slack. Turn it on under *Socket Mode* on the "
        "app's page, or unset SLACK_APP_TOKEN and set SLACK_SIGNING_SECRET (HTTP mode).",
        TOO_MANY: "Slack takes no further connection of this app. Stop other processes that use "
        "the same SLACK_APP_TOKEN.",
    }
    why = _why(error)
    sentence = sentences.get(
        why,
        f"Slack's Socket Mode cannot be reached ({why}). Check that WebSocket connections (wss) "
        "may leave this network.",
    )
    return ConfigurationError(sentence, user_message=sentence)

"""The history: opened by the command, then paged, filtered and sent as a file from its modal."""

import asyncio
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import replace, show
from bot.views import history
from bot.views.blocks import View, page
from bot.views.history import Look
from bot.views.waiting import waiting
from bot.work import Work
from services.history import History

ANSWER_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryViews:
    """Opens the history and follows the clicks in it; each checks rights again."""

    history: History
    work: Work
    zone: ZoneInfo

    def register(self, app: AsyncApp) -> None:
        """Take the filters and the buttons."""
        for action_id in history.PRESSED:
            app.action(action_id)(self.export if action_id == history.EXPORT else self.look)

    async def open(self, person: str, text: str, trigger_id: str, client: AsyncWebClient) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        opened = await client.views_open(trigger_id=trigger_id, view=waiting(history.TITLE))

        async def draw() -> View:
            return history.history(await self.history.open(person, text), self.zone)

        self.work.start(show(client, str(opened["view"]["id"]), history.TITLE, draw))

    async def look(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Another page, or another filter."""
        await ack()

        async def draw() -> View:
            return await self._drawn(body, history.parse_look(body["view"], action))

        self.work.start(show(client, str(body["view"]["id"]), history.TITLE, draw))

    async def export(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Keep the wish for the file; it is made and sent after Slack's 200."""
        person, view_id = str(body["user"]["id"]), str(body["view"]["id"])
        try:
            look = history.parse_look(body["view"], action)
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.history.export(person, look.wanted, f"{view_id}/{action['action_ts']}")
        except TimeoutError:
            late = page(history.TITLE, "Slack was slow to tell us your role. Open this anew.")
            self.work.start(replace(client, view_id, late))
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            self.work.start(replace(client, view_id, page(history.TITLE, words(error))))
        else:

            async def draw() -> View:
                return await self._drawn(body, look, history.ON_ITS_WAY)

            self.work.start(show(client, view_id, history.TITLE, draw))
        await ack()

    async def _drawn(self, body: dict[str, Any], look: Look, note: str = "") -> View:
        found = await self.history.page(str(body["user"]["id"]), look.wanted, look.before)
        return history.history(found, self.zone, turn=look.turn, note=note)

"""The global shortcut *Show tokens*, and the pages of its list."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.answers import show
from bot.views import next_steps, token_pages, tokens
from bot.views.blocks import View
from bot.views.paging import page_asked
from bot.views.waiting import waiting
from bot.work import Work
from services.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPages:
    """Opens the list, and turns its pages."""

    tokens: Tokens
    work: Work
    zone: ZoneInfo

    def register(self, app: AsyncApp) -> None:
        """Take the shortcut and the buttons."""
        app.shortcut(token_pages.OPEN)(self.opened)
        app.action(token_pages.MORE)(self.turned)
        app.action(token_pages.BACK)(self.turned)
        app.action(tokens.PAGES)(self.opened)
        app.action(next_steps.STATUS)(self.status)

    async def opened(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        await ack()
        opened = await client.views_open(
            trigger_id=str(body["trigger_id"]), view=waiting(token_pages.TITLE)
        )
        self._show(client, str(opened["view"]["id"]), str(body["user"]["id"]), 0)

    async def status(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Everything about one token, over whatever is looked at."""
        await ack()
        view, waits = body.get("view") or {}, waiting(token_pages.STATUS_TITLE)
        trigger_id = str(body["trigger_id"])
        if view.get("type") == "modal":
            opened = await client.views_push(trigger_id=trigger_id, view=waits)
        else:
            opened = await client.views_open(trigger_id=trigger_id, view=waits)
        person, token_id = str(body["user"]["id"]), str(action["value"])

        async def draw() -> View:
            shown = await self.tokens.status_of(person, token_id)
            return token_pages.status_page(shown, self.zone)

        title = token_pages.STATUS_TITLE
        self.work.start(show(client, str(opened["view"]["id"]), title, draw))

    async def turned(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Show another page."""
        await ack()
        self._show(client, str(body["view"]["id"]), str(body["user"]["id"]), page_asked(action))

    def _show(self, client: AsyncWebClient, view_id: str, person: str, number: int) -> None:
        async def draw() -> View:
            return token_pages.token_page(await self.tokens.page(person, number), self.zone)

        self.work.start(show(client, view_id, token_pages.TITLE, draw))

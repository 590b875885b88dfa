"""The Home tab: somebody opens it, turns its pages, or starts a new token there."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.homes import Homes
from bot.listeners.create import CreateForms
from bot.views import home
from bot.views.paging import page_asked
from bot.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeTab:
    """Takes what people do on their Home."""

    homes: Homes
    forms: CreateForms
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the event and the buttons."""
        app.event("app_home_opened")(self.opened)
        app.action(home.CREATE)(self.create)
        app.action(home.MORE)(self.turned)
        app.action(home.BACK)(self.turned)

    async def opened(self, event: dict[str, Any]) -> None:
        """Draw the Home after Slack's 200; the Messages tab needs nothing."""
        if event.get("tab") == "home":
            self.work.start(self.homes.show(str(event["user"])))

    async def turned(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """Show another page of the tokens."""
        await ack()
        self.work.start(self.homes.show(str(body["user"]["id"]), page_asked(action)))

    async def create(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Open the form for a new token."""
        await ack()
        person, trigger_id = str(body["user"]["id"]), str(body["trigger_id"])
        await self.forms.open(client, person=person, trigger_id=trigger_id)

"""Answers to reminders of Apple's other credentials: *Snooze…* with its form, and *I'm on it*."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import show, tell
from bot.views import connectors
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.connector_answers import ConnectorAnswers
from services.errors import Invalid

ANSWER_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorButtons:
    """Takes the buttons under these reminders."""

    answers: ConnectorAnswers
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the buttons and the form."""
        app.action(connectors.SNOOZE)(self.snooze)
        app.action(connectors.ON_IT)(self.on_it)
        app.view(connectors.SNOOZE)(self.snoozed)

    async def snooze(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        await ack()
        opened = await client.views_open(
            trigger_id=str(body["trigger_id"]), view=waiting(connectors.TITLE)
        )
        person, connector_id = str(body["user"]["id"]), str(action["value"])

        async def draw() -> View:
            return connectors.snooze_form(*await self.answers.may_snooze(person, connector_id))

        self.work.start(show(client, str(opened["view"]["id"]), connectors.TITLE, draw))

    async def snoozed(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the day, or say under the field what is wrong with it."""
        connector_id, day = connectors.parse_snooze(view)
        person, key = str(body["user"]["id"]), f"view:{view['id']}"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.answers.snooze(person, connector_id, day, key)
        except Invalid as error:
            await ack(response_action="errors", errors={"until": error.user_message})
        except TimeoutError:
            late = {"until": "Slack was slow to tell us your role. Press the button again."}
            await ack(response_action="errors", errors=late)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            await ack(response_action="update", view=page(connectors.TITLE, words(error)))
        else:
            await ack(response_action="update", view=connectors.snoozed(day))

    async def on_it(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond
    ) -> None:
        """Keep who is on it; the reminder then says so in its place."""
        person, connector_id = str(body["user"]["id"]), str(action["value"])
        key = f"click:{connector_id}:{person}:{action['action_ts']}"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.answers.on_it(person, connector_id, key)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            self.work.start(tell(respond, error))
        await ack()

"""Answers to reminders: *Snooze…* with its form, *I'm on it*, and *Check now* under an alert."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import show, tell
from bot.views import alerts, reminders
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.answers import Answers
from services.errors import Invalid
from services.health import HealthWatch

ANSWER_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderButtons:
    """Takes the buttons under reminders and alerts."""

    answers: Answers
    health: HealthWatch
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the buttons and the form."""
        app.action(reminders.SNOOZE)(self.snooze)
        app.action(reminders.ON_IT)(self.on_it)
        app.action(alerts.CHECK)(self.check)
        app.view(reminders.CALLBACK)(self.snoozed)

    async def snooze(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        await ack()
        opened = await client.views_open(
            trigger_id=str(body["trigger_id"]), view=waiting(reminders.TITLE)
        )
        person, token_id = str(body["user"]["id"]), str(action["value"])

        async def draw() -> View:
            return reminders.snooze_form(*await self.answers.may_snooze(person, token_id))

        self.work.start(show(client, str(opened["view"]["id"]), reminders.TITLE, draw))

    async def snoozed(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the day, or say under the field what is wrong with it."""
        token_id, day = reminders.parse_snooze(view)
        person = str(body["user"]["id"])
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                token = await self.answers.snooze(person, token_id, day, f"view:{view['id']}")
        except Invalid as error:
            await ack(response_action="errors", errors={"until": error.user_message})
        except TimeoutError:
            late = {"until": "Slack was slow to tell us your role. Press the button again."}
            await ack(response_action="errors", errors=late)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            await ack(response_action="update", view=page(reminders.TITLE, words(error)))
        else:
            await ack(response_action="update", view=reminders.snoozed(token, day))

    async def on_it(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond
    ) -> None:
        """Keep who is on it; the reminder then says so in its place."""
        person, token_id = str(body["user"]["id"]), str(action["value"])
        key = f"click:{token_id}:{person}:{action['action_ts']}"
        await self._in_time(respond, lambda: self.answers.on_it(person, token_id, key))
        await ack()

    async def check(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond
    ) -> None:
        """Have the holder asked at once; what it says shows in the alert."""
        person, token_id = str(body["user"]["id"]), str(action["value"])
        await self._in_time(respond, lambda: self.health.ask_now(person, token_id))
        await ack()

    async def _in_time(
        self, respond: AsyncRespond, change: Callable[[], Awaitable[object]]
    ) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await change()
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            self.work.start(tell(respond, error))

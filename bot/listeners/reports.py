"""`report`, and the hand-over of tokens."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import show
from bot.views import reports
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.errors import Invalid
from services.owners import Owners
from services.reports import Reports

ANSWER_SECONDS = 2.5
SLOW = "Slack was slow to tell us your role. Press the button again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportForms:
    """Opens the forms, and takes them."""

    reports: Reports
    owners: Owners
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the buttons and the forms."""
        app.action(reports.PASSWORD)(self.chosen)
        app.action(reports.LEAVER)(self.chosen)
        app.action(reports.HAND_OVER)(self.hand_over)
        app.view(reports.PASSWORD)(self.password)
        app.view(reports.LEAVER)(self.leaver)
        app.view(reports.HAND_OVER)(self.handed_over)

    async def open(self, person: str, trigger_id: str, client: AsyncWebClient) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        opened = await client.views_open(trigger_id=trigger_id, view=waiting(reports.TITLE))

        async def draw() -> View:
            await self.reports.may_report(person)
            return reports.choice()

        self.work.start(show(client, str(opened["view"]["id"]), reports.TITLE, draw))

    async def chosen(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """The form for what happened takes the choice's place."""
        await ack()
        person = str(body["user"]["id"])

        async def draw() -> View:
            known = await self.reports.may_report(person)
            if action["action_id"] == reports.PASSWORD:
                return reports.password_form(known)
            return reports.leaver_form()

        self.work.start(show(client, str(body["view"]["id"]), reports.TITLE, draw))

    async def password(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep that the password changed."""
        person, key = str(body["user"]["id"]), f"view:{view['id']}"

        async def keep() -> View:
            apple_id = reports.parse_password(view)
            report = await self.reports.password_changed(person, apple_id, key)
            return reports.reported(len(report.tokens))

        await _taken(ack, keep, title=reports.TITLE, field="apple_id")

    async def leaver(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep that somebody leaves."""
        person, key = str(body["user"]["id"]), f"view:{view['id']}"

        async def keep() -> View:
            owner, day = reports.parse_leaver(view)
            report = await self.reports.leaves(person, owner, day, key)
            return reports.reported(len(report.tokens))

        await _taken(ack, keep, title=reports.TITLE, field="owner")

    async def hand_over(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        await ack()
        opened = await client.views_open(
            trigger_id=str(body["trigger_id"]), view=waiting(reports.HAND_OVER_TITLE)
        )
        person, token_id = str(body["user"]["id"]), str(action["value"])

        async def draw() -> View:
            return reports.hand_over_form(await self.owners.to_hand_over(person, token_id))

        self.work.start(show(client, str(opened["view"]["id"]), reports.HAND_OVER_TITLE, draw))

    async def handed_over(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Make the new owner answer for the tokens."""
        person, key = str(body["user"]["id"]), f"view:{view['id']}"

        async def keep() -> View:
            token_ids, owner = reports.parse_hand_over(view)
            moved = await self.owners.hand_over(person, token_ids, owner, key)
            return reports.handed(len(moved))

        await _taken(ack, keep, title=reports.HAND_OVER_TITLE, field="owner")


async def _taken(
    ack: AsyncAck, keep: Callable[[], Awaitable[View]], *, title: str, field: str
) -> None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            view = await keep()
    except Invalid as error:
        await ack(response_action="errors", errors={error.field or field: error.user_message})
    except TimeoutError:
        await ack(response_action="errors", errors={field: SLOW})
    except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
        await ack(response_action="update", view=page(title, words(error)))
    else:
        await ack(response_action="update", view=view)

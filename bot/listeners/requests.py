"""What people do with a request beside deciding: cancel it, hand it on, say it is downloaded."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.answers import show, tell, tell_directly, told
from bot.views import request_card, request_forms, steps, story
from bot.views.blocks import View
from bot.views.waiting import waiting
from bot.work import Work
from services.organisations import Disowning
from services.renewals import Renewals
from services.request_life import HandOver, RequestLife

ANSWER_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestButtons:
    """Takes the buttons under cards and steps."""

    life: RequestLife
    renewals: Renewals
    disowning: Disowning
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the buttons and the form."""
        app.action(request_card.CANCEL)(self.cancel)
        app.action(steps.DOWNLOADED)(self.downloaded)
        app.action(steps.HAND)(self.hand)
        app.action(story.NOT_OURS)(self.not_ours)
        app.view(request_forms.HAND_CALLBACK)(self.handed)

    async def cancel(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """End the request; the card and the steps show it."""
        person, origin = str(body["user"]["id"]), f"click:{action['action_ts']}"

        async def change() -> None:
            await self.life.cancel(person, str(action["value"]), origin=origin)

        await self._changed(body, client, respond, change)
        await ack()

    async def downloaded(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """The renewal is half done from now on, and said so."""

        async def change() -> None:
            await self.renewals.downloaded(str(body["user"]["id"]), str(action["value"]))

        await self._changed(body, client, respond, change)
        await ack()

    async def not_ours(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """Take the token out of use; the role is looked up for this click."""
        person, origin = str(body["user"]["id"]), f"click:{action['action_ts']}"

        async def change() -> None:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.disowning.disown(person, str(action["value"]), origin=origin)

        await self._changed(body, client, respond, change)
        await ack()

    async def hand(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Ask to whom, for somebody who may hand it on."""
        await ack()
        title = request_forms.HAND_TITLE
        opened = await client.views_open(trigger_id=str(body["trigger_id"]), view=waiting(title))
        person, request_id = str(body["user"]["id"]), str(action["value"])

        async def draw() -> View:
            return request_forms.hand_form(*await self.life.open_hand_over(person, request_id))

        self.work.start(show(client, str(opened["view"]["id"]), title, draw))

    async def handed(
        self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Look the person up after Slack's 200, then hand it on."""
        request_id, to = request_forms.parse_hand(view)
        title = request_forms.HAND_TITLE
        if not to:
            await ack(response_action="errors", errors={"to": "Choose somebody."})
            return
        await ack(response_action="update", view=waiting(title))
        person, form = (
            str(body["user"]["id"]),
            HandOver(request_id=request_id, to=to, origin=str(view["id"])),
        )

        async def draw() -> View:
            await self.life.hand_over(person, form)
            return request_forms.handed(to)

        self.work.start(show(client, str(view["id"]), title, draw))

    async def _changed(
        self,
        body: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
        change: Callable[[], Awaitable[None]],
    ) -> None:
        try:
            await change()
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            if "response_url" in body:
                self.work.start(tell(respond, error))
            else:
                self.work.start(tell_directly(client, str(body["user"]["id"]), told(error)))

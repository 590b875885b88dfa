"""*I answer for it*: a token that was found at its holder gets somebody who answers for it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.answers import answer_in_place, told
from bot.views import owners
from bot.views.blocks import Message, section
from bot.work import Work
from services.owners import Owners

ANSWER_SECONDS = 2.5
SLOW = "This took too long. Look whether it was done; if not, try once more."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerButton:
    """Takes the button wherever it stands: under a message, in a modal, on the App Home."""

    owners: Owners
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the button."""
        app.action(owners.TAKE)(self.taken)

    async def taken(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """Keep who answers for it before Slack gets its 200, and say so to them."""
        message = await self._take(body, action)
        self.work.start(answer_in_place(respond, client, body, title=owners.TITLE, message=message))
        await ack()

    async def _take(self, body: dict[str, Any], action: dict[str, Any]) -> Message:
        person, token_id = str(body["user"]["id"]), str(action["value"])
        key = f"click:{token_id}:{person}:{action['action_ts']}"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return owners.taken(await self.owners.take(person, token_id, key))
        except TimeoutError:
            return Message(text=SLOW, blocks=[section(SLOW)])
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            return told(error)

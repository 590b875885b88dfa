"""The button *Picture* under the list: the picture comes as a direct message."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.listeners.answers import tell, whisper
from bot.views import tokens
from bot.views.blocks import Message, section
from bot.work import Work
from services.digest import Digest

ANSWER_SECONDS = 2.5
ON_ITS_WAY = "The picture is on its way in your direct messages."


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureButton:
    """Takes the wish for a picture."""

    digest: Digest
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the button."""
        app.action(tokens.PICTURE)(self.asked)

    async def asked(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond
    ) -> None:
        """Keep the wish; the picture is drawn and sent after Slack's 200."""
        person = str(body["user"]["id"])
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.digest.picture(person, f"{person}:{action['action_ts']}")
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            self.work.start(tell(respond, error))
        else:
            self.work.start(whisper(respond, _on_its_way))
        await ack()


async def _on_its_way() -> Message:
    return Message(text=ON_ITS_WAY, blocks=[section(ON_ITS_WAY)])

"""`sync`, its buttons, and the answers to the question that a large loss raises."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.answers import answer, answer_in_place, tell, told
from bot.views import choice, sync
from bot.views.blocks import Message, section
from bot.work import Work
from services.losses import LossAnswers
from services.sync_wishes import SyncWishes
from services.tokens import Several, Tokens

ANSWER_SECONDS = 2.5
SLOW = "This took too long. Look whether it was done; if not, try once more."


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSurface:
    """Takes wishes for syncs, and answers: each is a row before Slack gets its 200."""

    wishes: SyncWishes
    losses: LossAnswers
    tokens: Tokens
    work: Work
    zone: ZoneInfo

    def register(self, app: AsyncApp) -> None:
        """Take the buttons."""
        app.action(sync.START)(self.started)
        app.action(sync.FULL)(self.full)
        app.action(sync.REMOVE)(self.answered)
        app.action(sync.KEEP)(self.answered)

    async def command(self, ack: AsyncAck, person: str, text: str, trigger_id: str) -> None:
        """Begin the sync of the token of that name, or offer the tokens that may be meant."""

        async def wish() -> Message:
            try:
                # Without a name, those in use are offered; a name gets an answer of its own.
                token = await self.tokens.named(person, text, active=not text.strip())
            except Several as several:
                return choice.offer(several.tokens, sync.START, self.zone)
            origin = f"command:{trigger_id}"
            return sync.asked(await self.wishes.of_token(person, token.id, origin=origin))

        message = await _in_time(wish)
        await ack(text=message.text, blocks=message.blocks, response_type="ephemeral")

    async def started(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """Begin the sync of the token whose button was pressed."""

        async def wish() -> Message:
            person, token_id = str(body["user"]["id"]), str(action["value"])
            return sync.asked(await self.wishes.of_token(person, token_id, origin=_origin(body)))

        message = await _in_time(wish)
        self.work.start(answer_in_place(respond, client, body, title=sync.TITLE, message=message))
        await ack()

    async def full(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """Have the whole list read anew."""

        async def wish() -> Message:
            person, run_id = str(body["user"]["id"]), str(action["value"])
            return sync.asked(await self.wishes.of_run(person, run_id, origin=_origin(body)))

        message = await _in_time(wish)
        self.work.start(answer_in_place(respond, client, body, title=sync.TITLE, message=message))
        await ack()

    async def answered(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond
    ) -> None:
        """An answer to the question: kept before Slack gets its 200, else told why not."""
        remove = action["action_id"] == sync.REMOVE
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.losses.answer(
                    str(body["user"]["id"]),
                    str(action["value"]),
                    remove=remove,
                    origin=_origin(body),
                )
        except TimeoutError:
            self.work.start(answer(respond, _said(SLOW), replace_original=False))
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            self.work.start(tell(respond, error))
        await ack()


async def _in_time(wish: Callable[[], Awaitable[Message]]) -> Message:
    """What came of the wish, in the time that Slack gives us; a wish that is late is not kept."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await wish()
    except TimeoutError:
        return _said(SLOW)
    except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
        return told(error)


def _said(text: str) -> Message:
    return Message(text=text, blocks=[section(text)])


def _origin(body: dict[str, Any]) -> str:
    container = body["container"]
    if "message_ts" in container:
        return f"message:{container.get('channel_id', '')}/{container['message_ts']}"
    return f"view:{container.get('view_id', '')}"

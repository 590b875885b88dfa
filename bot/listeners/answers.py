"""How a listener answers one person: a whisper in the channel, or the view that they look at."""

import logging
from collections.abc import Awaitable, Callable

from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.slack_errors import code_of
from bot.views.blocks import Message, View, page, section

log = logging.getLogger(__name__)


async def whisper(respond: AsyncRespond, draw: Callable[[], Awaitable[Message]]) -> None:
    """Answer a command or a click with a message that only this person sees."""
    try:
        message = await draw()
    except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
        message = told(error)
    await respond(text=message.text, blocks=message.blocks, response_type="ephemeral")


async def tell(respond: AsyncRespond, error: Exception) -> None:
    """Answer with what went wrong."""
    message = told(error)
    await respond(
        text=message.text,
        blocks=message.blocks,
        response_type="ephemeral",
        replace_original=False,
    )


async def tell_directly(client: AsyncWebClient, person: str, message: Message) -> None:
    """Answer somebody whose click came from no conversation: as a direct message."""
    await client.chat_postMessage(channel=person, text=message.text, blocks=message.blocks)


async def show(
    client: AsyncWebClient, view_id: str, title: str, draw: Callable[[], Awaitable[View]]
) -> None:
    """Replace the waiting view by what is drawn, or by why it cannot be."""
    try:
        view = await draw()
    except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
        view = page(title, words(error))
    await replace(client, view_id, view)


async def replace(client: AsyncWebClient, view_id: str, view: View) -> None:
    """Replace a view; one that was closed meanwhile stays closed."""
    try:
        await client.views_update(view_id=view_id, view=view)
    except SlackApiError as error:
        log.info("view_not_updated", extra={"error": code_of(error)})


def told(error: Exception) -> Message:
    """An error as a message."""
    text = words(error)
    return Message(text=text, blocks=[section(text)])

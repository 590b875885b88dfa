"""How a listener answers one person: a whisper in the channel, or the view that they look at."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.slack_errors import LOST, passing, why
from bot.slack_http import FORM_SECONDS
from bot.views.blocks import Message, View, modal, page, section
from bot.views.waiting import waiting

log = logging.getLogger(__name__)

OK = 200
UPDATE_SECONDS = 8.0
PAUSES = (0.5, 2.0)
"""Between the tries to put something in a waiting view's place."""


async def whisper(respond: AsyncRespond, draw: Callable[[], Awaitable[Message]]) -> None:
    """Answer a command or a click with a message that only this person sees."""
    try:
        message = await draw()
    except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
        message = told(error)
    await answer(respond, message)


async def tell(respond: AsyncRespond, error: Exception) -> None:
    """Answer with what went wrong."""
    await answer(respond, told(error), replace_original=False)


async def answer(
    respond: AsyncRespond, message: Message, *, replace_original: bool | None = None
) -> None:
    """Answer this person alone; where Slack does not take it, that is a line in the log."""
    try:
        said = await respond(
            text=message.text,
            blocks=message.blocks,
            response_type="ephemeral",
            replace_original=replace_original,
        )
    except LOST as error:
        log.warning("answer_not_given", extra={"error": type(error).__name__})
        return
    if said.status_code != OK:
        log.warning("answer_not_given", extra={"error": f"HTTP {said.status_code}"})


async def tell_directly(client: AsyncWebClient, person: str, message: Message) -> None:
    """Answer somebody whose click came from no conversation: as a direct message."""
    try:
        await client.chat_postMessage(channel=person, text=message.text, blocks=message.blocks)
    except LOST as error:
        log.warning("answer_not_given", extra={"error": why(error)})


async def answer_in_place(
    respond: AsyncRespond,
    client: AsyncWebClient,
    body: dict[str, Any],
    *,
    title: str,
    message: Message,
) -> None:
    """Answer a click where the button stands: under a message, in a modal, or on the App Home."""
    view = body.get("view") or {}
    if "response_url" in body:
        await answer(respond, message, replace_original=False)
    elif view.get("type") == "modal":
        await replace(client, str(view["id"]), modal(title, message.blocks))
    else:
        await tell_directly(client, str(body["user"]["id"]), message)


async def show(
    client: AsyncWebClient, view_id: str, title: str, draw: Callable[[], Awaitable[View]]
) -> None:
    """Replace the waiting view by what is drawn, or by why it cannot be."""
    try:
        view = await draw()
    except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
        view = page(title, words(error))
    await replace(client, view_id, view)


async def wait_in_place(client: AsyncWebClient, view_id: str, title: str) -> None:
    """Let the view say that something follows, if Slack does that in time; it is no matter."""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            await client.views_update(view_id=view_id, view=waiting(title))
    except LOST as error:
        log.info("view_not_updated", extra={"error": why(error)})


async def replace(client: AsyncWebClient, view_id: str, view: View) -> None:
    """Replace a view; one that was closed meanwhile stays closed.

    Twice the same changes nothing, so it is done again where Slack's answer was lost.
    """
    for pause in (*PAUSES, None):
        try:
            async with asyncio.timeout(UPDATE_SECONDS):
                await client.views_update(view_id=view_id, view=view)
        except LOST as error:
            if pause is None or not passing(error):
                log.info("view_not_updated", extra={"error": why(error)})
                return
            await asyncio.sleep(pause)
        else:
            return


def told(error: Exception) -> Message:
    """An error as a message."""
    text = words(error)
    return Message(text=text, blocks=[section(text)])

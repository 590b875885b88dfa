"""The picture of all tokens as a file at Slack: for a block, or in a message's thread."""

import asyncio
import logging

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.picture import Picture
from bot.slack_errors import LOST, code_of, throttled
from bot.views.blocks import Block
from bot.views.digest import image
from services.posting import Posted

log = logging.getLogger(__name__)

PICTURE = "tokens.png"
LONGEST_ALT_TEXT = 900
UPLOAD_SECONDS = 10
"""Of the time that a post may take, so that words are left some where pictures take long."""


async def shown_in_a_block(client: AsyncWebClient, drawn: Picture) -> Block | None:
    """The picture as a file of ours that a block shows, as soon as Slack can show it.

    None where Slack does not take it. Nobody sees the file by itself.
    """
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            return await _uploaded(client, drawn)
    except SlackApiError as error:
        if throttled(error):
            raise
        log.warning("picture_not_taken", extra={"error": code_of(error)})
    except LOST as error:
        log.warning("picture_not_taken", extra={"error": type(error).__name__})
    return None


async def into_thread(client: AsyncWebClient, posted: Posted, drawn: Picture) -> None:
    """Add the picture to the thread of a message; without it the message still says it all."""
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await client.files_upload_v2(
                channel=posted.channel,
                thread_ts=posted.ts,
                filename=PICTURE,
                title="Tokens",
                content=drawn.png,
                alt_txt=drawn.alt_text[:LONGEST_ALT_TEXT],
            )
    except (SlackApiError, *LOST) as error:
        # The message itself is there; said twice for want of a picture it would be worse.
        log.warning("picture_not_sent", extra={"error": type(error).__name__})


async def _uploaded(client: AsyncWebClient, drawn: Picture) -> Block | None:
    answer = await client.files_upload_v2(
        filename=PICTURE,
        title="Tokens",
        content=drawn.png,
        alt_txt=drawn.alt_text[:LONGEST_ALT_TEXT],
    )
    file_id = str(answer["file"]["id"])
    for pause in (0.0, 0.5, 1.0, 2.0):
        await asyncio.sleep(pause)
        info = await client.files_info(file=file_id)
        if info["file"].get("mimetype"):
            return image(file_id, drawn.alt_text)
    return None

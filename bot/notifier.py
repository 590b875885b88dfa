"""The port `Notifier` over Slack: posts, edits, sends files, and reads Slack's refusals.

Its client retries nothing by itself: a connection that drops after Slack took a message would post
it twice, unseen.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing import Drawing, DrawnFile, Vanished
from bot.picture_files import PICTURE, into_thread, shown_in_a_block
from bot.refusals import harmless, is_closed, read_refusal
from bot.scopes import Granted
from bot.shared_channels import SharedChannels
from bot.sightings import Sightings, metadata, thread_of
from bot.slack_errors import LOST, code_of, throttled
from bot.views.blocks import Block, Message, context
from bot.views.upload_news import delete_file_please
from services.posting import (
    SHARED,
    Closed,
    Finding,
    Gone,
    Moot,
    Outcome,
    Posted,
    Unknown,
    Unsent,
)
from storage.records import OutboxItem, Upload
from storage.states import NoticeKind

log = logging.getLogger(__name__)

POST_SECONDS = 25
NOT_TO_EDIT = {"message_not_found", "cant_update_message", "edit_window_closed"}
GONE = {"file_not_found", "file_deleted"}
NOT_ARRIVED = {"file_not_found", "file_update_failed"}
"""Slack's file host said that it has the bytes, and Slack does not know of them."""
NOT_TO_THREAD = {
    "cannot_reply_to_message",
    "message_not_found",
    "restricted_action_non_threadable_channel",
    "restricted_action_thread_locked",
    "thread_not_found",
}
"""The message that it replies to is gone or takes no replies: it becomes one of its own."""
NO_THREAD: Mapping[str, Any] = {}
NO_PICTURE = {"invalid_blocks", "invalid_blocks_format", "file_not_found", "access_denied"}
NOT_SEEN = {"user_not_in_channel", "channel_not_found", "not_in_channel", "is_archived"}


class _Held(Exception):
    """Nothing was posted, for a reason that is an outcome."""

    def __init__(self, outcome: Closed | Unsent) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


class SlackNotifier:
    """Posts what the outbox holds."""

    def __init__(
        self, client: AsyncWebClient, drawing: Drawing, *, bot_user: str, granted: Granted
    ) -> None:
        self.client = client
        self.drawing = drawing
        self.granted = granted
        self.channels = SharedChannels(client, granted)
        self.sightings = Sightings(client, granted, bot_user)

    async def find(self, item: OutboxItem, original: OutboxItem | None) -> Finding:
        """Look whether Slack has the item, of which a post had no answer."""
        return await self.sightings.find(item, original)

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        """Post the item, an edit of `original` or a reply to it; trouble is an outcome too."""
        try:
            async with asyncio.timeout(POST_SECONDS):
                return await self._post(item, original)
        except Vanished:
            return Moot(error="what it tells of is gone")
        except _Held as held:
            return held.outcome
        except SlackApiError as error:
            return read_refusal(item, error)
        except aiohttp.ClientConnectorError as error:
            # No connection came about, so nothing was sent.
            return Unsent(error=type(error).__name__)
        except LOST as error:
            return Unknown(error=type(error).__name__)

    async def _post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        match item.kind:
            case NoticeKind.CERTIFICATE:
                return await self._send(item, await self.drawing.certificate(item))
            case NoticeKind.HISTORY_EXPORT:
                return await self._send(item, await self.drawing.history(item))
            case NoticeKind.PICTURE:
                return await self._send(item, await self._pictured())
            case NoticeKind.DIGEST:
                return await self._digest(item)
            case NoticeKind.FILE_CLEANUP:
                return await self._clean_up(item)
            case _:
                return await self._post_message(item, original)

    async def _post_message(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        message = await self.drawing.message(item)
        # Whoever is told directly is alone with us: there is nobody to hide it from.
        if item.visible_to not in (None, item.destination):
            return await self._whisper(item, item.visible_to, _marked(message, item.repeats))
        known = original if original and original.posted_ts and original.posted_channel else None
        if item.replies_to is not None:
            return await self._reply(item, known, _marked(message, item.repeats))
        if known is not None:
            return await self._edit(item, known, message)
        return await self._say(item, item.destination, _marked(message, item.repeats))

    async def _reply(
        self, item: OutboxItem, parent: OutboxItem | None, message: Message
    ) -> Outcome:
        ts = thread_of(item, parent)
        if ts is None:
            return await self._say(item, item.destination, message)
        # What is urgent shows in the channel as well, not only to those who follow the thread.
        thread = {"thread_ts": ts, "reply_broadcast": message.urgent}
        try:
            return await self._say(item, item.destination, message, thread)
        except SlackApiError as error:
            if code_of(error) in NOT_TO_THREAD:
                return Gone(error=code_of(error))
            raise

    async def _say(
        self,
        item: OutboxItem,
        channel: str,
        message: Message,
        thread: Mapping[str, Any] = NO_THREAD,
    ) -> Posted:
        await self._guard(channel)
        answer = await self.client.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=message.blocks,
            unfurl_links=False,
            unfurl_media=False,
            metadata=metadata(item.mark) if item.mark else None,
            **thread,
        )
        self.granted.note(answer.headers)
        return Posted(channel=str(answer["channel"]), ts=str(answer["ts"]))

    async def _guard(self, channel: str) -> None:
        """Hold back what would go into a channel that another organisation sees."""
        try:
            if await self.channels.forbids(channel):
                raise _Held(Closed(error=SHARED))
        except SlackApiError as error:
            code = code_of(error)
            if throttled(error) or is_closed(code):
                raise
            raise _Held(Closed(error=code) if code else Unsent(error="no answer")) from error
        except LOST as error:
            raise _Held(Unsent(error=type(error).__name__)) from error

    async def _edit(self, item: OutboxItem, original: OutboxItem, message: Message) -> Outcome:
        channel = original.posted_channel or original.destination
        try:
            await self._guard(channel)
            await self.client.chat_update(
                channel=channel,
                ts=original.posted_ts or "",
                text=message.text,
                blocks=message.blocks,
            )
        except SlackApiError as error:
            code = code_of(error)
            # Its channel is not the one that is set any more, and is closed to us.
            left_behind = original.destination != item.destination and is_closed(code)
            if code in NOT_TO_EDIT or left_behind:
                return Gone(error=code)
            return harmless(read_refusal(item, error))
        except aiohttp.ClientConnectorError:
            raise
        except LOST as error:
            return Unknown(error=type(error).__name__, harmless=True)
        return Posted(channel=original.posted_channel, ts=original.posted_ts)

    async def _whisper(self, item: OutboxItem, person: str, message: Message) -> Posted:
        try:
            await self._guard(item.destination)
            await self.client.chat_postEphemeral(
                channel=item.destination, user=person, text=message.text, blocks=message.blocks
            )
        except _Held as held:
            if held.outcome != Closed(error=SHARED):
                raise
            return await self._say(item, person, message)
        except SlackApiError as error:
            if code_of(error) not in NOT_SEEN:
                raise
            return await self._say(item, person, message)
        return Posted()

    async def _send(self, item: OutboxItem, file: DrawnFile) -> Posted:
        try:
            opened = await self.client.conversations_open(users=item.destination)
        except SlackApiError:
            raise
        except LOST as error:
            raise _Held(Unsent(error=type(error).__name__)) from error
        comment = f"Repeat: {file.comment}" if item.repeats else file.comment
        try:
            await self.client.files_upload_v2(
                channel=opened["channel"]["id"],
                filename=file.name,
                title=file.name,
                content=file.content,
                initial_comment=comment,
            )
        except SlackApiError as error:
            if code_of(error) in NOT_ARRIVED:
                raise _Held(Unsent(error=code_of(error))) from error
            raise
        return Posted(channel=str(opened["channel"]["id"]))

    async def _pictured(self) -> DrawnFile:
        drawn = await self.drawing.watch.picture()
        return DrawnFile(name=PICTURE, content=drawn.png, comment=drawn.alt_text)

    async def _digest(self, item: OutboxItem) -> Posted:
        """The digest with its picture; where Slack takes no picture in it, in its thread."""
        digest = self.drawing.watch.digest
        drawn = await self.drawing.watch.picture()
        shown = await shown_in_a_block(self.client, drawn)
        if shown is not None:
            try:
                whole = _marked(await digest(item, shown), item.repeats)
                return await self._say(item, item.destination, whole)
            except SlackApiError as error:
                if code_of(error) not in NO_PICTURE:
                    raise
        plain = _marked(await digest(item, None), item.repeats)
        posted = await self._say(item, item.destination, plain)
        await into_thread(self.client, posted, drawn)
        return posted

    async def _clean_up(self, item: OutboxItem) -> Posted:
        used, token = await self.drawing.used_upload(item)
        try:
            await self.client.files_delete(file=used.file_id)
        except SlackApiError as error:
            if code_of(error) in GONE:
                return Posted()
            if throttled(error):
                raise
            info = await self._left_over(used)
            if info is None:
                return Posted()
            ask = delete_file_please(token, str(info["file"]["permalink"]))
            return await self._say(item, item.destination, _marked(ask, item.repeats))
        return Posted()

    async def _left_over(self, used: Upload) -> Mapping[str, Any] | None:
        try:
            return cast("Mapping[str, Any]", await self.client.files_info(file=used.file_id))
        except SlackApiError as error:
            if code_of(error) in GONE:
                return None
            raise


def _marked(message: Message, repeats: int) -> Message:
    if not repeats:
        return message
    note: Block = context("*Repeat:* Slack's answer was lost, so you may have this twice.")
    return Message(text=f"Repeat: {message.text}", blocks=[note, *message.blocks])

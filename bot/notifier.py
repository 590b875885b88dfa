"""The port `Notifier` over Slack: posts, edits, sends files, and reads Slack's refusals.

Its client retries nothing by itself: a connection that drops after Slack took a message would post
it twice, unseen.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing import Drawing, DrawnFile, Vanished
from bot.picture import Picture
from bot.slack_errors import LOST, SERVER_FAULT, code_of, retry_after, status_of, throttled
from bot.views.blocks import Block, Message, context
from bot.views.digest import image
from bot.views.upload import delete_file_please
from services.delivery import Closed, Never, NotNow, Outcome, Posted, Unknown
from storage.records import OutboxItem, Upload
from storage.states import NoticeKind

log = logging.getLogger(__name__)

POST_SECONDS = 25
DEFAULT_WAIT = 30.0
CLOSED = {"channel_not_found", "not_in_channel", "is_archived", "restricted_action"}
BARRED = {
    "account_inactive",
    "invalid_auth",
    "missing_scope",
    "not_authed",
    "token_expired",
    "token_revoked",
}
"""The app itself is refused: its messages wait until an admin has mended that."""
BARRED_WAIT = 600.0
PASSING = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
NOT_TO_EDIT = {"message_not_found", "cant_update_message", "edit_window_closed"}
GONE = {"file_not_found", "file_deleted"}
NO_PICTURE = {"invalid_blocks", "invalid_blocks_format", "file_not_found", "access_denied"}
PICTURE = "tokens.png"
NOT_SEEN = {"user_not_in_channel", "channel_not_found", "not_in_channel", "is_archived"}


class SlackNotifier:
    """Posts what the outbox holds."""

    def __init__(self, client: AsyncWebClient, drawing: Drawing) -> None:
        self.client = client
        self.drawing = drawing

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        """Post the item, an edit of `original` or a reply to it; trouble is an outcome too."""
        try:
            async with asyncio.timeout(POST_SECONDS):
                return await self._post(item, original)
        except Vanished:
            return Never(error="what it tells of is gone")
        except SlackApiError as error:
            return _read(item, error)
        except LOST as error:
            return Unknown(error=type(error).__name__)

    async def _post(self, item: OutboxItem, original: OutboxItem | None) -> Posted:
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

    async def _post_message(self, item: OutboxItem, original: OutboxItem | None) -> Posted:
        message = _marked(await self.drawing.message(item), item.repeats)
        # Whoever is told directly is alone with us: there is nobody to hide it from.
        if item.visible_to not in (None, item.destination):
            return await self._whisper(item, item.visible_to, message)
        known = original if original and original.posted_ts and original.posted_channel else None
        if item.replies_to is not None:
            return await self._say(item.destination, message, under=known)
        if known is not None:
            return await self._edit(str(known.posted_channel), str(known.posted_ts), message)
        return await self._say(item.destination, message)

    async def _say(
        self, channel: str, message: Message, *, under: OutboxItem | None = None
    ) -> Posted:
        thread: dict[str, Any] = {}
        if under is not None:
            # What is urgent shows in the channel as well, not only to those who follow the thread.
            thread = {"thread_ts": under.posted_ts, "reply_broadcast": message.urgent}
        answer = await self.client.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=message.blocks,
            unfurl_links=False,
            unfurl_media=False,
            **thread,
        )
        return Posted(channel=str(answer["channel"]), ts=str(answer["ts"]))

    async def _edit(self, channel: str, ts: str, message: Message) -> Posted:
        try:
            await self.client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=message.blocks
            )
        except SlackApiError as error:
            if code_of(error) not in NOT_TO_EDIT:
                raise
            return await self._say(channel, message)
        return Posted(channel=channel, ts=ts)

    async def _whisper(self, item: OutboxItem, person: str, message: Message) -> Posted:
        try:
            await self.client.chat_postEphemeral(
                channel=item.destination, user=person, text=message.text, blocks=message.blocks
            )
        except SlackApiError as error:
            if code_of(error) not in NOT_SEEN:
                raise
            return await self._say(person, message)
        return Posted()

    async def _send(self, item: OutboxItem, file: DrawnFile) -> Posted:
        opened = await self.client.conversations_open(users=item.destination)
        comment = f"Repeat: {file.comment}" if item.repeats else file.comment
        await self.client.files_upload_v2(
            channel=opened["channel"]["id"],
            filename=file.name,
            title=file.name,
            content=file.content,
            initial_comment=comment,
        )
        return Posted(channel=str(opened["channel"]["id"]))

    async def _pictured(self) -> DrawnFile:
        drawn = await self.drawing.watch.picture()
        return DrawnFile(name=PICTURE, content=drawn.png, comment=drawn.alt_text)

    async def _digest(self, item: OutboxItem) -> Posted:
        """The digest with its picture; where Slack takes no picture in it, in its thread."""
        drawn = await self.drawing.watch.picture()
        whole = _marked(
            await self.drawing.watch.digest(item, await self._uploaded(drawn)), item.repeats
        )
        if any(block["type"] == "image" for block in whole.blocks):
            try:
                return await self._say(item.destination, whole)
            except SlackApiError as error:
                if code_of(error) not in NO_PICTURE:
                    raise
        plain = _marked(await self.drawing.watch.digest(item, None), item.repeats)
        posted = await self._say(item.destination, plain)
        try:
            await self._in_thread(posted, drawn)
        except (SlackApiError, *LOST) as error:
            # The digest itself is there; said twice for want of a picture it would be worse.
            log.warning("picture_not_sent", extra={"error": type(error).__name__})
        return posted

    async def _uploaded(self, drawn: Picture) -> Block | None:
        """The picture as a file of ours that a block can show, as soon as Slack can show it."""
        try:
            answer = await self.client.files_upload_v2(
                filename=PICTURE, title="Tokens", content=drawn.png, alt_txt=drawn.alt_text[:900]
            )
            file_id = str(answer["file"]["id"])
            for pause in (0.0, 0.5, 1.0, 2.0):
                await asyncio.sleep(pause)
                info = await self.client.files_info(file=file_id)
                if info["file"].get("mimetype"):
                    return image(file_id, drawn.alt_text)
        except SlackApiError as error:
            if throttled(error):
                raise
            log.warning("picture_not_taken", extra={"error": code_of(error)})
        return None

    async def _in_thread(self, posted: Posted, drawn: Picture) -> None:
        await self.client.files_upload_v2(
            channel=posted.channel,
            thread_ts=posted.ts,
            filename=PICTURE,
            title="Tokens",
            content=drawn.png,
            alt_txt=drawn.alt_text[:900],
        )

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
            return await self._say(item.destination, _marked(ask, item.repeats))
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


def _read(item: OutboxItem, error: SlackApiError) -> Outcome:
    code = code_of(error)
    if throttled(error):
        return NotNow(seconds=retry_after(error, DEFAULT_WAIT), error=code)
    if code in BARRED:
        log.error("slack_refuses_us", extra={"error": code})
        return NotNow(seconds=BARRED_WAIT, error=code)
    if status_of(error) >= SERVER_FAULT or code in PASSING or not code:
        return Unknown(error=code or f"HTTP {status_of(error)}")
    if code in CLOSED and item.destination.startswith(("C", "G")):
        return Closed(error=code)
    return Never(error=code)

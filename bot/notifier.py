"""The port `Notifier` over Slack: posts, edits, sends files, and reads Slack's refusals.

Its client retries nothing by itself: a connection that drops after Slack took a message would post
it twice, unseen.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing import Drawing, DrawnFile, Vanished
from bot.scopes import Granted
from bot.shared_channels import SharedChannels
from bot.sightings import Sightings, metadata
from bot.slack_errors import (
    LOST,
    SERVER_FAULT,
    code_of,
    retry_after,
    status_of,
    throttled,
)
from bot.views.blocks import Block, Message, context
from bot.views.upload import delete_file_please
from services.posting import (
    SHARED,
    THROTTLED,
    Closed,
    Finding,
    Gone,
    Moot,
    Never,
    NotNow,
    Outcome,
    Posted,
    Unknown,
    Unmarkable,
    Unsent,
)
from storage.records import OutboxItem, Upload
from storage.states import NoticeKind

log = logging.getLogger(__name__)

POST_SECONDS = 25
DEFAULT_WAIT = 30.0
REFUSED = 400
CLOSED = {
    "channel_is_limited_access",
    "channel_not_found",
    "external_channel_migrating",
    "is_archived",
    "is_inactive",
    "not_in_channel",
    "posting_to_channel_denied",
}
CLOSED_FAMILIES = ("restricted_action", "slack_connect_")
BARRED = {
    "access_denied",
    "accesslimited",
    "account_inactive",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "invalid_auth",
    "messages_tab_disabled",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "team_added_to_org",
    "team_not_found",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
}
"""The app itself is refused: its messages wait until an admin has mended that."""
BARRED_WAIT = 600.0
PASSING = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "update_failed",
}
NOT_TO_EDIT = {"message_not_found", "cant_update_message", "edit_window_closed"}
UNMARKABLE = ("metadata_", "invalid_metadata_")
GONE = {"file_not_found", "file_deleted"}
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

    async def find(self, item: OutboxItem) -> Finding:
        """Look whether Slack has the item, of which a post had no answer."""
        return await self.sightings.find(item)

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        """Post the item, or edit `original` where it edits one; trouble is an outcome too."""
        try:
            async with asyncio.timeout(POST_SECONDS):
                return await self._post(item, original)
        except Vanished:
            return Moot(error="what it tells of is gone")
        except _Held as held:
            return held.outcome
        except SlackApiError as error:
            return _read(item, error)
        except aiohttp.ClientConnectorError as error:
            # No connection came about, so nothing was sent.
            return Unsent(error=type(error).__name__)
        except LOST as error:
            return Unknown(error=type(error).__name__)

    async def _post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        if item.kind is NoticeKind.CERTIFICATE:
            return await self._send(item, await self.drawing.certificate(item))
        if item.kind is NoticeKind.HISTORY_EXPORT:
            return await self._send(item, await self.drawing.history(item))
        if item.kind is NoticeKind.FILE_CLEANUP:
            return await self._clean_up(item)
        message = await self.drawing.message(item)
        # Whoever is told directly is alone with us: there is nobody to hide it from.
        if item.visible_to not in (None, item.destination):
            return await self._whisper(item, item.visible_to, _marked(message, item.repeats))
        if original is not None and original.posted_ts and original.posted_channel:
            return await self._edit(item, original, message)
        return await self._say(item, item.destination, _marked(message, item.repeats))

    async def _say(self, item: OutboxItem, channel: str, message: Message) -> Posted:
        await self._guard(channel)
        answer = await self.client.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=message.blocks,
            unfurl_links=False,
            unfurl_media=False,
            metadata=metadata(item.mark) if item.mark else None,
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
            if throttled(error) or _closed(code):
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
            left_behind = original.destination != item.destination and _closed(code)
            if code in NOT_TO_EDIT or left_behind:
                return Gone(error=code)
            return _harmless(_read(item, error))
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
        await self.client.files_upload_v2(
            channel=opened["channel"]["id"],
            filename=file.name,
            title=file.name,
            content=file.content,
            initial_comment=comment,
        )
        return Posted(channel=str(opened["channel"]["id"]))

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


def _read(item: OutboxItem, error: SlackApiError) -> Outcome:
    code, status = code_of(error), status_of(error)
    if throttled(error):
        return NotNow(seconds=retry_after(error, DEFAULT_WAIT), error=THROTTLED)
    if code in BARRED:
        log.error("slack_refuses_us", extra={"error": code})
        return NotNow(seconds=BARRED_WAIT, error=code)
    if status >= SERVER_FAULT or code in PASSING:
        return Unknown(error=code or f"HTTP {status}")
    if not code:
        # A 4xx without Slack's word comes from something in between, which let nothing through.
        lost = f"HTTP {status}"
        return Unsent(error=lost) if status >= REFUSED else Unknown(error=lost)
    return _refusal(item, code)


def _refusal(item: OutboxItem, code: str) -> Outcome:
    if code.startswith(UNMARKABLE) and item.mark:
        return Unmarkable(error=code)
    if _closed(code) and item.destination.startswith(("C", "G")):
        return Closed(error=code)
    return Never(error=code)


def _closed(code: str) -> bool:
    return code in CLOSED or code.startswith(CLOSED_FAMILIES)


def _harmless(outcome: Outcome) -> Outcome:
    """An edit once more changes nothing, so that its lost answer needs no look and no mark."""
    return replace(outcome, harmless=True) if isinstance(outcome, Unknown) else outcome

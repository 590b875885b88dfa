"""Whether Slack has a message whose answer was lost: looked for by its mark, where we may read.

The mark is a random word that Slack keeps as the message's metadata. Every app and user of the
workspace can read it, and it says nothing to them.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.scopes import LOOKING, Granted
from bot.slack_errors import LOST, code_of, retry_after, throttled
from services.posting import THROTTLED, Absent, Finding, NotNow, Posted, Unsent, Untold
from storage.records import OutboxItem
from storage.states import NoticeKind

EVENT_TYPE = "enroll_token_notice"
LOOK_SECONDS = 20
LEEWAY = timedelta(minutes=6)
"""Our clock and Slack's may differ by five minutes before Slack's deliveries are refused."""
PAGE = 200
PAGES = 5
DEFAULT_WAIT = 30.0
SENT_AS_FILES = {NoticeKind.CERTIFICATE, NoticeKind.HISTORY_EXPORT, NoticeKind.PICTURE}
"""Files carry no mark, and neither does what only one person sees."""


class Sightings:
    """Reads back what was posted."""

    def __init__(self, client: AsyncWebClient, granted: Granted, bot_user: str) -> None:
        self.client = client
        self.granted = granted
        self.bot_user = bot_user

    async def find(self, item: OutboxItem, parent: OutboxItem | None) -> Finding:
        """Look for the message since the first try of which nobody knows the outcome.

        A reply is looked for in the thread of its parent: a channel's history does not hold it.
        """
        if item.mark is None or item.unsure_since is None:
            return Untold(why="it has no mark")
        if item.kind in SENT_AS_FILES or item.visible_to not in (None, item.destination):
            return Untold(why="it is of a kind that has no mark")
        if not self.granted.may(*LOOKING):
            return Untold(why="no scope to look")
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                channel = await self._channel(item.destination)
                return await self._search(item, channel, thread_of(item, parent))
        except SlackApiError as error:
            return _trouble(error)
        except LOST as error:
            return Unsent(error=type(error).__name__)

    async def _channel(self, destination: str) -> str:
        if destination.startswith(("C", "G", "D")):
            return destination
        opened = await self.client.conversations_open(users=destination)
        return str(opened["channel"]["id"])

    async def _search(self, item: OutboxItem, channel: str, thread: str | None) -> Finding:
        oldest = ((item.unsure_since or item.created_at) - LEEWAY).timestamp()
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self._page(
                thread,
                channel=channel,
                oldest=f"{oldest:.6f}",
                include_all_metadata=True,
                limit=PAGE,
                cursor=cursor,
            )
            for message in page["messages"]:
                if self._is(message, item):
                    return Posted(channel=channel, ts=str(message["ts"]))
            if not page.get("has_more"):
                return Absent()
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return Untold(why="too much was said since")

    async def _page(self, thread: str | None, **which: Any) -> AsyncSlackResponse:  # noqa: ANN401 - Slack's
        if thread is None:
            return await self.client.conversations_history(**which)
        return await self.client.conversations_replies(ts=thread, **which)

    def _is(self, message: Mapping[str, Any], item: OutboxItem) -> bool:
        metadata = message.get("metadata") or {}
        known = metadata.get("event_type") == EVENT_TYPE
        mark = (metadata.get("event_payload") or {}).get("mark")
        return message.get("user") == self.bot_user and known and mark == item.mark


def thread_of(item: OutboxItem, parent: OutboxItem | None) -> str | None:
    """The message in whose thread the item stands or will stand; None if in no thread.

    A parent that stands in another channel, because another one is set by now, has no thread here.
    """
    if item.replies_to is None or parent is None or parent.posted_channel != item.destination:
        return None
    return parent.posted_ts


def metadata(mark: str) -> dict[str, Any]:
    """What Slack keeps with a message of that mark."""
    return {"event_type": EVENT_TYPE, "event_payload": {"mark": mark}}


def _trouble(error: SlackApiError) -> Finding:
    code = code_of(error)
    if throttled(error):
        return NotNow(seconds=retry_after(error, DEFAULT_WAIT), error=THROTTLED)
    if not code:
        return Unsent(error="no answer")
    return Untold(why=code)

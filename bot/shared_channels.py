"""Whether a channel is shared with another organisation, asked of Slack right before a post."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.scopes import SHARING, Granted
from bot.slack_errors import code_of


class SharedChannels:
    """Looks at channels before they are posted to, where the scopes allow it."""

    def __init__(self, client: AsyncWebClient, granted: Granted) -> None:
        self.client = client
        self.granted = granted

    async def forbids(self, channel: str) -> bool:
        """Whether the channel is shared, or about to be; False where we may not look.

        Raises what the Slack client raises for anything but a missing scope.
        """
        if not channel.startswith(("C", "G")) or not self.granted.may(*SHARING):
            return False
        try:
            answer = await self.client.conversations_info(channel=channel)
        except SlackApiError as error:
            if code_of(error) == "missing_scope":
                return False
            raise
        self.granted.note(answer.headers)
        return shared(answer["channel"])


def shared(channel: Mapping[str, Any]) -> bool:
    """Whether people of another organisation see it; other workspaces of our own may.

    Source: Slack, "conversation object" and "Using Slack Connect with the API".
    """
    invited = channel.get("is_pending_ext_shared") or channel.get("pending_shared")
    foreign = channel.get("is_shared") and not channel.get("is_org_shared")
    return bool(channel.get("is_ext_shared") or invited or foreign)

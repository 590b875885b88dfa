"""The port `Accounts` over Slack: whether somebody's account is switched off."""

import asyncio

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack_errors import LOST, code_of
from services.errors import UpstreamError

LOOK_UP_SECONDS = 10.0


class SlackAccounts:
    """Asks Slack about one person, now."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client

    async def deactivated(self, person: str) -> bool:
        """Whether Slack says `deleted`. Raises UpstreamError where it does not tell."""
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                answer = await self.client.users_info(user=person)
        except SlackApiError as error:
            raise _unanswered(code_of(error)) from error
        except LOST as error:
            raise _unanswered(type(error).__name__) from error
        return bool(answer["user"].get("deleted"))


def _unanswered(why: str) -> UpstreamError:
    return UpstreamError(f"users.info: {why}", system="Slack", retryable=True)

"""HTTP towards Slack: bounded in time and size, and an answer is an object or none at all.

The SDK's own client takes whatever arrives: text as if it were an object, JSON without what was
asked for, and as many bytes as somebody cares to send.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.settings import Settings

CALL_SECONDS = 30
FORM_SECONDS = 2.0
"""A form can be opened for three seconds, and Slack waits as long for the answer to the click."""
FORMS = {"views.open", "views.push"}
ANSWER_BYTES = 16 * 1024 * 1024

PARTS: dict[str, tuple[str, type]] = {
    "apps.connections.open": ("url", str),
    "auth.test": ("team_id", str),
    "chat.postEphemeral": ("message_ts", str),
    "chat.postMessage": ("ts", str),
    "chat.update": ("ts", str),
    "conversations.history": ("messages", list),
    "conversations.info": ("channel", dict),
    "conversations.open": ("channel", dict),
    "conversations.replies": ("messages", list),
    "files.completeUploadExternal": ("files", list),
    "files.getUploadURLExternal": ("upload_url", str),
    "files.info": ("file", dict),
    "usergroups.users.list": ("users", list),
    "users.info": ("user", dict),
    "views.open": ("view", dict),
    "views.publish": ("view", dict),
    "views.push": ("view", dict),
    "views.update": ("view", dict),
}
"""What an answer must hold to be one: *ok* alone is none."""


class Answer(aiohttp.ClientResponse):
    """An answer that is read up to a cap, however little of it travels."""

    async def read(self) -> bytes:
        """The whole body. Raises ClientPayloadError where it is too much."""
        if self._body is None:
            body = bytearray()
            async for chunk in self.content.iter_any():
                body += chunk
                if len(body) > ANSWER_BYTES:
                    self.close()
                    raise aiohttp.ClientPayloadError("the answer is larger than 16 MiB")
            self._body = bytes(body)
        return self._body

    async def json(self, **how: Any) -> Any:  # noqa: ANN401 - the parent's signature
        """What is in the body. Raises ClientPayloadError where that is no text, or has no end."""
        try:
            return await super().json(**how)
        except (UnicodeDecodeError, RecursionError) as error:
            raise aiohttp.ClientPayloadError(f"no JSON: {type(error).__name__}") from None


class SlackClient(AsyncWebClient):
    """Slack's Web API. Raises SlackApiError, or one of `slack_errors.LOST` without an answer."""

    async def api_call(self, api_method: str, **call: Any) -> AsyncSlackResponse:  # noqa: ANN401 - the SDK's
        """Make one call; a form has to open in the time that Slack has for it."""
        async with asyncio.timeout(FORM_SECONDS if api_method in FORMS else None):
            answer = await super().api_call(api_method, **call)
        part, kind = PARTS.get(api_method, ("ok", object))
        if not isinstance(answer.get(part), kind):
            answer.data = {}
            raise SlackApiError(f"{api_method}: an answer without {part}", answer)  # type: ignore[no-untyped-call]
        return answer

    async def _request(self, **call: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK's
        answer = await super()._request(**call)
        if not isinstance(answer["data"], dict):
            # The status stays, and says what it says.
            answer["data"] = {}
        return answer


@asynccontextmanager
async def slack_client(settings: Settings) -> AsyncIterator[SlackClient]:
    """A client over connections that are used again and again.

    It retries nothing by itself, lest a message be posted twice.
    """
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, response_class=Answer) as session:
        yield SlackClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            retry_handlers=[],
            session=session,
        )

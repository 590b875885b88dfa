"""The create form's submission."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.errors import words
from bot.views import create
from bot.views.blocks import page
from services.errors import InvalidForm
from services.requests import Requests

ANSWER_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForms:
    """Takes create forms."""

    requests: Requests
    channel: str

    def register(self, app: AsyncApp) -> None:
        """Take the submission."""
        app.view(create.CALLBACK)(self.submitted)

    async def submitted(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the request, or say under each field what is wrong; what was typed stays."""
        try:
            form = create.parse_create(view)
            async with asyncio.timeout(ANSWER_SECONDS):
                request = await self.requests.create(str(body["user"]["id"]), form)
        except InvalidForm as error:
            await ack(response_action="errors", errors=error.fields)
        except TimeoutError:
            late = {"name": "Slack was slow to tell us your role. Press the button again."}
            await ack(response_action="errors", errors=late)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            await ack(response_action="update", view=page(create.TITLE, words(error)))
        else:
            sent = create.request_sent(form.name.strip(), request, self.channel)
            await ack(response_action="update", view=sent)

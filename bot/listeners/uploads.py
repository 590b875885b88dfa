"""The upload button and the upload form."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import replace, show
from bot.views import steps, upload
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.errors import InvalidForm
from services.uploads import Uploads
from storage.records import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForms:
    """Opens the upload form and takes the file."""

    uploads: Uploads
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the button and the submission."""
        app.action(steps.UPLOAD)(self.clicked)
        app.view(upload.CALLBACK)(self.submitted)

    async def clicked(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        await ack()
        opened = await client.views_open(
            trigger_id=str(body["trigger_id"]), view=waiting(upload.TITLE)
        )

        async def draw() -> View:
            step = await self.uploads.open_step(str(body["user"]["id"]), str(action["value"]))
            return upload.upload_form(*step)

        self.work.start(show(client, str(opened["view"]["id"]), upload.TITLE, draw))

    async def show_outcome(self, client: AsyncWebClient, finished: Upload) -> None:
        """Tell the outcome in the checking view, if it is still open."""
        _, token = await self.uploads.about(finished)
        await replace(client, finished.view_id, upload.upload_result(finished, token))

    async def submitted(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the upload; it is checked after Slack's 200."""
        try:
            await self.uploads.submit(str(body["user"]["id"]), upload.parse_upload(view))
        except InvalidForm as error:
            await ack(response_action="errors", errors=error.fields)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            await ack(response_action="update", view=page(upload.TITLE, words(error)))
        else:
            await ack(response_action="update", view=upload.checking())

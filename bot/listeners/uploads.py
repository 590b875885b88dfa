"""The buttons by which evidence is brought, and its forms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import replace, show
from bot.views import bringing, upload
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.errors import InvalidForm
from services.uploads import UploadForm, Uploads
from storage.records import Request, Token, Upload
from storage.states import Evidence

TITLES = {
    upload.CALLBACK: upload.TITLE,
    upload.DATE_CALLBACK: upload.DATE_TITLE,
    upload.CHECK_CALLBACK: upload.CHECK_TITLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForms:
    """Opens the forms, and takes what is brought."""

    uploads: Uploads
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the buttons and the submissions."""
        app.action(bringing.UPLOAD)(self.clicked)
        app.action(bringing.CHECK)(self.check_clicked)
        app.action(bringing.DONE)(self.done)
        for callback_id in TITLES:
            app.view(callback_id)(self.submitted)

    async def clicked(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        await ack()
        await self._open(body, action, client, upload.TITLE, upload.evidence_form)

    async def check_clicked(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """The same for a file that is only looked at."""
        await ack()
        await self._open(body, action, client, upload.CHECK_TITLE, upload.check_form)

    async def done(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Keep their word; its holder is asked after Slack's 200."""
        form = UploadForm(
            submission=f"done:{action['value']}:{action['action_ts']}",
            request_id=str(action["value"]),
            evidence=Evidence.THEIR_WORD,
        )
        try:
            brought = await self.uploads.submit(str(body["user"]["id"]), form)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            self.work.start(self._tell(body, client, page(upload.DONE_TITLE, words(error))))
        else:
            self.work.start(self._follow(body, client, brought))
        await ack()

    async def show_outcome(self, client: AsyncWebClient, finished: Upload) -> None:
        """Tell the outcome in the checking view, if it is still open."""
        if not finished.view_id:
            return
        _, token = await self.uploads.about(finished)
        await replace(client, finished.view_id, upload.upload_result(finished, token))

    async def submitted(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep what is brought; it is checked after Slack's 200."""
        title = TITLES[str(view["callback_id"])]
        try:
            await self.uploads.submit(str(body["user"]["id"]), upload.parse_upload(view))
        except InvalidForm as error:
            await ack(response_action="errors", errors=error.fields)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            await ack(response_action="update", view=page(title, words(error)))
        else:
            await ack(response_action="update", view=upload.checking(title))

    async def _follow(self, body: dict[str, Any], client: AsyncWebClient, brought: Upload) -> None:
        """Show that it is looked at, and the outcome where that was there first."""
        view_id = await self._place(body, client, upload.checking(upload.DONE_TITLE))
        newest = await self.uploads.shown_in(brought, view_id)
        if newest.ended_at or newest.kept_until:
            await self.show_outcome(client, newest)

    async def _open(
        self,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        title: str,
        form: Callable[[Request, Token], View],
    ) -> None:
        view_id = await self._place(body, client, waiting(title))

        async def draw() -> View:
            step = await self.uploads.open_step(str(body["user"]["id"]), str(action["value"]))
            return form(*step)

        self.work.start(show(client, view_id, title, draw))

    async def _tell(self, body: dict[str, Any], client: AsyncWebClient, view: View) -> None:
        await self._place(body, client, view)

    async def _place(self, body: dict[str, Any], client: AsyncWebClient, view: View) -> str:
        """Show the view: in the modal where the button stands, in its place."""
        standing = body.get("view") or {}
        if standing.get("type") == "modal":
            await replace(client, str(standing["id"]), view)
            return str(standing["id"])
        opened = await client.views_open(trigger_id=str(body["trigger_id"]), view=view)
        return str(opened["view"]["id"])

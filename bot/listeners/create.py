"""The create form: it opens, and takes what was submitted."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import show
from bot.views import create
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.errors import InvalidForm
from services.offers import Offers
from services.request_forms import PublicDomain
from services.requests import Requests

ANSWER_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForms:
    """Opens create forms, and takes them."""

    requests: Requests
    offers: Offers
    channel: str
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take the choice of a program, and the submission."""
        app.action(create.PROGRAM)(self.chosen)
        app.view(create.CALLBACK)(self.submitted)

    async def open(self, client: AsyncWebClient, *, person: str, trigger_id: str) -> None:
        """Open a light view at once, and fill it after Slack's 200."""
        opened = await client.views_open(trigger_id=trigger_id, view=waiting(create.TITLE))

        async def draw() -> View:
            return create.create_form(person, await self.offers.look(person))

        self.work.start(show(client, str(opened["view"]["id"]), create.TITLE, draw))

    async def chosen(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Draw the form anew for the program that was chosen; what was typed stays."""
        await ack()
        person, view = str(body["user"]["id"]), body["view"]
        program = create.program_chosen(view)

        async def draw() -> View:
            return create.create_form(person, await self.offers.look(person, program))

        self.work.start(show(client, str(view["id"]), create.TITLE, draw))

    async def submitted(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the request, or say under each field what is wrong; what was typed stays."""
        person = str(body["user"]["id"])
        form = create.parse_create(view)
        if create.program_chosen(view) is not form.program:
            await ack(response_action="errors", errors={create.PROGRAM: create.CHANGES})
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                request = await self.requests.create(person, form)
        except PublicDomain as error:
            look = await self.offers.look(person, form.program)
            asked = create.create_form(person, look, question=error.domain)
            await ack(response_action="update", view=asked)
        except InvalidForm as error:
            errors = create.errors_of(form, error.fields)
            await ack(response_action="errors", errors=errors)
        except TimeoutError:
            late = {"name": "Slack was slow to tell us your role. Press the button again."}
            await ack(response_action="errors", errors=late)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            await ack(response_action="update", view=page(create.TITLE, words(error)))
        else:
            sent = create.request_sent(form.name.strip(), request, self.channel)
            await ack(response_action="update", view=sent)

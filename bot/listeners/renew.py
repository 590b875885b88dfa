"""Renewing and deleting: both open from a command or a button, look first, and take a form."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import show, wait_in_place
from bot.views import choice, delete, renew, request_forms
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.deletions import Deletions
from services.errors import InvalidForm
from services.renewals import Renewals
from services.request_forms import PublicDomain
from services.tokens import Several, Tokens
from storage.records import Request
from storage.states import Action

ANSWER_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForms:
    """Opens the forms that change a token in use, and takes them."""

    renewals: Renewals
    deletions: Deletions
    tokens: Tokens
    channel: str
    work: Work
    zone: ZoneInfo

    def register(self, app: AsyncApp) -> None:
        """Take the buttons and the forms."""
        for action_id in (renew.OPEN, delete.OPEN, delete.REMOVE):
            app.action(action_id)(self.pressed)
        app.view(renew.CALLBACK)(self.renewed)
        for callback_id in delete.CALLBACKS:
            app.view(callback_id)(self.deleted)

    async def open(
        self, action_id: str, person: str, text: str, trigger_id: str, client: AsyncWebClient
    ) -> None:
        """Open a light view at once for the command, and fill it after Slack's 200."""
        title = choice.TITLES[action_id]
        opened = await client.views_open(trigger_id=trigger_id, view=waiting(title))

        async def draw() -> View:
            try:
                token = await self.tokens.named(person, text, active=True)
            except Several as several:
                return choice.choose(several.tokens, action_id, self.zone)
            return await self._form(action_id, person, token.id)

        self.work.start(show(client, str(opened["view"]["id"]), title, draw))

    async def pressed(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Open the form of one token; in the modal where the button stands, in its place."""
        await ack()
        action_id, person = str(action["action_id"]), str(body["user"]["id"])
        title, view = choice.TITLES[action_id], body.get("view") or {}
        if view.get("type") == "modal":
            view_id = str(view["id"])
            await wait_in_place(client, view_id, title)
        else:
            opened = await client.views_open(
                trigger_id=str(body["trigger_id"]), view=waiting(title)
            )
            view_id = str(opened["view"]["id"])

        async def draw() -> View:
            return await self._form(action_id, person, str(action["value"]))

        self.work.start(show(client, view_id, title, draw))

    async def renewed(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the request, or say under each field what is wrong; what was typed stays."""
        person = str(body["user"]["id"])
        form = renew.parse_renew(view)

        async def question(error: PublicDomain) -> View:
            look = await self.renewals.preflight(person, form.token_id)
            return renew.renew_form(look, self.zone, question=error.domain)

        await self._taken(ack, renew.TITLE, lambda: self.renewals.ask(person, form), question)

    async def deleted(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the request, or say under each field what is wrong; what was typed stays."""
        person, form = str(body["user"]["id"]), delete.parse_delete(view)
        title = delete.TITLES[form.action]
        await self._taken(ack, title, lambda: self.deletions.ask(person, form), None)

    async def _form(self, action_id: str, person: str, token_id: str) -> View:
        if action_id == renew.OPEN:
            return renew.renew_form(await self.renewals.preflight(person, token_id), self.zone)
        action = Action.DELETE if action_id == delete.OPEN else Action.REMOVE
        look = await self.deletions.look(person, token_id, action)
        return delete.delete_form(look) if action is Action.DELETE else delete.remove_form(look)

    async def _taken(
        self,
        ack: AsyncAck,
        title: str,
        ask: Callable[[], Awaitable[Request]],
        question: Callable[[PublicDomain], Awaitable[View]] | None,
    ) -> None:
        async def answered() -> View:
            try:
                request = await ask()
            except PublicDomain as error:
                return await question(error) if question else page(title, words(error))
            token = (await self.tokens.of_request(request)).token
            return request_forms.asked(request, token, self.channel)

        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                view = await answered()
        except InvalidForm as error:
            await ack(response_action="errors", errors=error.fields)
        except TimeoutError:
            late = "Slack or Apple was slow to answer. Nothing was sent. Open the form again."
            await ack(response_action="update", view=page(title, late))
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            await ack(response_action="update", view=page(title, words(error)))
        else:
            await ack(response_action="update", view=view)

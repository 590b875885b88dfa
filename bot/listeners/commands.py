"""`/enroll-token`: its first word says which surface answers."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.answers import whisper
from bot.listeners.create import CreateForms
from bot.listeners.history import HistoryViews
from bot.listeners.renew import TokenForms
from bot.listeners.reports import ReportForms
from bot.listeners.settings import SettingsAnswer
from bot.listeners.sync import SyncSurface
from bot.views import delete, renew, tokens, usage
from bot.views.blocks import Message
from bot.work import Work
from services.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """The slash command."""

    forms: CreateForms
    token_forms: TokenForms
    tokens: Tokens
    history: HistoryViews
    settings: SettingsAnswer
    syncs: SyncSurface
    reports: ReportForms
    work: Work
    zone: ZoneInfo

    def register(self, app: AsyncApp) -> None:
        """Take the command."""
        app.command(usage.COMMAND)(self.command)

    async def command(
        self,
        ack: AsyncAck,
        command: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """Answer at once with help, or open a light view and fill it after Slack's 200."""
        word, _, rest = str(command.get("text", "")).strip().partition(" ")
        person = str(command["user_id"])
        match word.lower():
            case "list" | "status" | "settings" as told:
                await ack()
                self.work.start(whisper(respond, lambda: self._told(told, person, rest)))
            case "create" | "renew" | "delete" | "history" | "report" as opened:
                await ack()
                await self._open(opened, person, rest, str(command["trigger_id"]), client)
            case "sync":
                await self.syncs.command(ack, person, rest, str(command["trigger_id"]))
            case "" | "help":
                await _help(ack, usage.usage())
            case _:
                await _help(ack, usage.usage(unknown=word))

    async def _open(
        self, word: str, person: str, rest: str, trigger_id: str, client: AsyncWebClient
    ) -> None:
        match word:
            case "create":
                await self.forms.open(client, person=person, trigger_id=trigger_id)
            case "history":
                await self.history.open(person, rest, trigger_id, client)
            case "report":
                await self.reports.open(person, trigger_id, client)
            case _:
                opens = renew.OPEN if word == "renew" else delete.OPEN
                await self.token_forms.open(opens, person, rest, trigger_id, client)

    async def _told(self, word: str, person: str, rest: str) -> Message:
        match word:
            case "list":
                return await self._list(person, rest.strip())
            case "status":
                return await self._status(person, rest)
            case _:
                return await self.settings.draw(person)

    async def _list(self, person: str, words: str) -> Message:
        return tokens.token_list(await self.tokens.page(person, 0, words), words, self.zone)

    async def _status(self, person: str, name: str) -> Message:
        return tokens.token_status(await self.tokens.status(person, name), self.zone)


async def _help(ack: AsyncAck, message: Message) -> None:
    await ack(text=message.text, blocks=message.blocks, response_type="ephemeral")

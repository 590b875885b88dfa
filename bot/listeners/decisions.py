"""Clicks on Approve, and the form that asks why somebody declines."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import show, tell, tell_directly, told
from bot.views import request_card, request_forms
from bot.views.blocks import View, page
from bot.views.waiting import waiting
from bot.work import Work
from services.decisions import Click, Decisions
from services.errors import InvalidForm, ServiceError
from services.names import reason
from storage.states import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionButtons:
    """Takes decisions: each is a row before Slack gets its answer."""

    decisions: Decisions
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take both buttons and the form."""
        app.action(request_card.APPROVE)(self.approve)
        app.action(request_card.DECLINE)(self.decline)
        app.view(request_forms.DECLINE_CALLBACK)(self.declined)

    async def approve(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        action: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> None:
        """Keep the click; it is weighed after Slack's 200."""
        try:
            await self.decisions.record(_click(body, action))
        except ServiceError as error:
            if "response_url" in body:
                self.work.start(tell(respond, error))
            else:
                self.work.start(tell_directly(client, str(body["user"]["id"]), told(error)))
        await ack()

    async def decline(
        self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient
    ) -> None:
        """Ask why, for somebody who may decline."""
        await ack()
        opened = await client.views_open(
            trigger_id=str(body["trigger_id"]), view=waiting(request_forms.DECLINE_TITLE)
        )
        person, origin = str(body["user"]["id"]), _origin(body["container"])
        request_id, digest = request_card.parse_seen(str(action["value"]))

        async def draw() -> View:
            request, token = await self.decisions.open_decline(person, request_id)
            return request_forms.decline_form(request, token, origin, digest)

        self.work.start(show(client, str(opened["view"]["id"]), request_forms.DECLINE_TITLE, draw))

    async def declined(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Keep the decision with its reason; it is weighed after Slack's 200."""
        request_id, digest, origin, why = request_forms.parse_reason(view)
        try:
            click = Click(
                request_id=request_id,
                person=str(body["user"]["id"]),
                verdict=Verdict.DECLINE,
                origin=origin,
                key=f"decline/{view['id']}",
                digest=digest,
                reason=reason(why),
            )
            await self.decisions.record(click)
        except InvalidForm as error:
            await ack(response_action="errors", errors=error.fields)
        except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
            title = request_forms.DECLINE_TITLE
            await ack(response_action="update", view=page(title, words(error)))
        else:
            await ack(response_action="update", view=request_forms.declined())


def _origin(container: dict[str, Any]) -> str:
    if container["type"] == "view":
        return f"home:{container['view_id']}"
    return f"{container['channel_id']}/{container['message_ts']}"


def _click(body: dict[str, Any], action: dict[str, Any]) -> Click:
    origin = _origin(body["container"])
    person = str(body["user"]["id"])
    request_id, digest = request_card.parse_seen(str(action["value"]))
    return Click(
        request_id=request_id,
        person=person,
        verdict=Verdict.APPROVE,
        origin=origin,
        key=f"{origin}/{person}/{action['action_ts']}",
        digest=digest,
    )

"""Clicks on Approve and Decline."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.answers import tell, tell_directly, told
from bot.views import request_card
from bot.work import Work
from services.decisions import Click, Decisions
from services.errors import ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionButtons:
    """Takes decisions: each is a row before Slack gets its answer."""

    decisions: Decisions
    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take both buttons."""
        for action_id in request_card.VERDICTS:
            app.action(action_id)(self.clicked)

    async def clicked(
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


def _origin(container: dict[str, Any]) -> str:
    if container["type"] == "view":
        return f"home:{container['view_id']}"
    return f"{container['channel_id']}/{container['message_ts']}"


def _click(body: dict[str, Any], action: dict[str, Any]) -> Click:
    origin = _origin(body["container"])
    person = str(body["user"]["id"])
    return Click(
        request_id=str(action["value"]),
        person=person,
        verdict=request_card.VERDICTS[str(action["action_id"])],
        origin=origin,
        key=f"{origin}/{person}/{action['action_ts']}",
    )

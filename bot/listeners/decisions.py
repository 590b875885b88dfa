"""Clicks on Approve and Decline."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.listeners.answers import tell
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
        respond: AsyncRespond,
    ) -> None:
        """Keep the click; it is weighed after Slack's 200."""
        try:
            await self.decisions.record(_click(body, action))
        except ServiceError as error:
            self.work.start(tell(respond, error))
        await ack()


def _click(body: dict[str, Any], action: dict[str, Any]) -> Click:
    origin = f"{body['container']['channel_id']}/{body['container']['message_ts']}"
    person = str(body["user"]["id"])
    return Click(
        request_id=str(action["value"]),
        person=person,
        verdict=request_card.VERDICTS[str(action["action_id"])],
        origin=origin,
        key=f"{origin}/{person}/{action['action_ts']}",
    )

"""The way in that both transports share: one delivery of Slack's, verified and parsed, to Bolt."""

from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.errors import words
from bot.work import during

LONGEST_KEY = 200


async def take(app: AsyncApp, body: dict[str, Any]) -> BoltResponse | None:
    """The answer to a delivery; None if Bolt cannot make anything of it."""
    # Socket Mode's way in takes the parsed body: Bolt neither parses nor verifies again.
    try:
        with during(_key(body)):
            return await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
    except Exception as error:  # noqa: BLE001 - Bolt itself trips over malformed deliveries
        words(error)
        return None


def _key(body: dict[str, Any]) -> str | None:
    """What names the delivery however often it comes: its trigger, or the event's id."""
    for name in ("trigger_id", "event_id"):
        key = body.get(name)
        if isinstance(key, str) and 0 < len(key) <= LONGEST_KEY:
            return f"{name}:{key}"
    return None

"""What no listener took, and what failed on the way: said in words, never a silence."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncRespond
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.listeners.answers import tell, tell_directly, told, whisper
from bot.slack_errors import code_of, passing, why
from bot.views.blocks import Message, page, section
from bot.work import Work
from services.errors import UpstreamError
from storage.database import StorageError

log = logging.getLogger(__name__)

STALE = (
    "This button belongs to an older release and does nothing any more. "
    "Use `/enroll-token list` and go on from there."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The last resort of every delivery."""

    work: Work

    def register(self, app: AsyncApp) -> None:
        """Take every error."""
        app.error(self.failed)

    async def failed(
        self,
        error: Exception,
        body: dict[str, Any],
        client: AsyncWebClient,
        respond: AsyncRespond,
    ) -> BoltResponse:
        """Tell the person where Slack gives us a way to; Slack itself gets its 200."""
        if body.get("type") == "view_submission":
            return _answered(error)
        reachable, presser = "response_url" in body, _presser(body)
        error = _meant(error)
        if isinstance(error, Repeated):
            log.info("delivery_repeated")
        elif isinstance(error, BoltUnhandledRequestError):
            log.warning("delivery_not_taken", extra={"kind": str(body.get("type", "unknown"))})
            if reachable:
                self.work.start(whisper(respond, _stale))
            elif presser:
                self.work.start(tell_directly(client, presser, await _stale()))
        elif reachable:
            self.work.start(tell(respond, error))
        elif presser:
            self.work.start(tell_directly(client, presser, told(error)))
        else:
            return _unheard(error)
        return BoltResponse(status=200, body="")


def _answered(error: Exception) -> BoltResponse:
    """A form that cannot be taken becomes the reason why: it never just closes."""
    known = not isinstance(error, BoltUnhandledRequestError)
    view = page("Not taken", words(error) if known else STALE)
    answer = {"response_action": "update", "view": view}
    return BoltResponse(
        status=200, body=json.dumps(answer), headers={"content-type": "application/json"}
    )


def _unheard(error: Exception) -> BoltResponse:
    """Nobody waits for an answer to an event; one that was not kept is brought again by Slack."""
    if isinstance(error, StorageError):
        log.warning("delivery_not_kept", extra={"error": str(error)})
        return BoltResponse(status=503, body="")
    log.error("delivery_failed", exc_info=error)
    return BoltResponse(status=200, body="")


class Repeated(Exception):
    """This delivery came before: Slack opens one view for a trigger, and did so then."""


def _meant(error: Exception) -> Exception:
    """What Slack's refusal to open a view means to the person."""
    code = code_of(error) if isinstance(error, SlackApiError) else ""
    if code == "exchanged_trigger_id":
        return Repeated()
    if code == "expired_trigger_id":
        return UpstreamError(
            code,
            system="Slack",
            retryable=True,
            user_message="This took longer than Slack allows, so nothing was opened and nothing "
            "was changed. Do it once more.",
        )
    if passing(error):
        return UpstreamError(
            f"a view: {why(error)}",
            system="Slack",
            retryable=True,
            user_message="Slack did not open it in time, and nothing was changed. Do it once more.",
        )
    return error


def _presser(body: dict[str, Any]) -> str | None:
    """Who pressed a button, on Home or in a modal too."""
    return str(body["user"]["id"]) if body.get("type") == "block_actions" else None


async def _stale() -> Message:
    return Message(text=STALE, blocks=[section(STALE)])

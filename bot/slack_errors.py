"""What a refusal of Slack's says: its code and its status, whatever form the answer has.

An answer that is no JSON (a proxy's page, a 5xx in plain text) reaches us as text, or as the raw
HTTP answer, inside the same exception.
"""

from collections.abc import Mapping

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

TOO_MANY = 429
SERVER_FAULT = 500
THROTTLES = {"ratelimited", "rate_limited", "message_limit_exceeded"}
PASSING = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
    "update_failed",
}

LOST = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
"""What a call raises when Slack gave no answer; SlackApiError, which is one too, goes before it."""


def code_of(error: SlackApiError) -> str:
    """Slack's error code, or the empty text where there is none."""
    data = getattr(error.response, "data", None)
    return str(data.get("error") or "") if isinstance(data, Mapping) else ""


def status_of(error: SlackApiError) -> int:
    """The HTTP status."""
    answer = error.response
    status: int = getattr(answer, "status_code", 0) or getattr(answer, "status", 0)
    return status


def retry_after(error: SlackApiError, default: float) -> float:
    """The seconds that Slack asks us to wait."""
    try:
        return max(0.0, float(getattr(error.response, "headers", {})["Retry-After"]))
    except (KeyError, ValueError):
        return default


def throttled(error: SlackApiError) -> bool:
    """Whether Slack asks us to wait."""
    return status_of(error) == TOO_MANY or code_of(error) in THROTTLES


def passing(error: Exception) -> bool:
    """Whether Slack, or the way to it, is in trouble; its refusals of what we sent are not that."""
    if not isinstance(error, SlackApiError):
        return isinstance(error, (SlackClientError, aiohttp.ClientError, TimeoutError))
    known = code_of(error)
    return throttled(error) or not known or known in PASSING or status_of(error) >= SERVER_FAULT


def why(error: Exception) -> str:
    """For the log: Slack's code, or what kind of silence it was."""
    said = code_of(error) if isinstance(error, SlackApiError) else ""
    return said or type(error).__name__

"""What Slack's refusals of a post mean for the message: try again, when, or never."""

import logging
from dataclasses import replace

from slack_sdk.errors import SlackApiError

from bot.slack_errors import PASSING, SERVER_FAULT, code_of, retry_after, status_of, throttled
from services.posting import (
    THROTTLED,
    Closed,
    Never,
    NotNow,
    Outcome,
    Unknown,
    Unmarkable,
    Unsent,
)
from storage.records import OutboxItem

log = logging.getLogger(__name__)

DEFAULT_WAIT = 30.0
REFUSED = 400
CLOSED = {
    "channel_is_limited_access",
    "channel_not_found",
    "external_channel_migrating",
    "is_archived",
    "is_inactive",
    "not_in_channel",
    "posting_to_channel_denied",
}
CLOSED_FAMILIES = ("restricted_action", "slack_connect_")
BARRED = {
    "access_denied",
    "accesslimited",
    "account_inactive",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "invalid_auth",
    "messages_tab_disabled",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "team_added_to_org",
    "team_not_found",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
}
"""The app itself is refused: its messages wait until an admin has mended that."""
BARRED_WAIT = 600.0
UNMARKABLE = ("metadata_", "invalid_metadata_")


def read_refusal(item: OutboxItem, error: SlackApiError) -> Outcome:
    """What became of the post that Slack answered with an error."""
    code, status = code_of(error), status_of(error)
    if throttled(error):
        return NotNow(seconds=retry_after(error, DEFAULT_WAIT), error=THROTTLED)
    if code in BARRED:
        log.error("slack_refuses_us", extra={"error": code})
        return NotNow(seconds=BARRED_WAIT, error=code)
    if status >= SERVER_FAULT or code in PASSING:
        return Unknown(error=code or f"HTTP {status}")
    if not code:
        # A 4xx without Slack's word comes from something in between, which let nothing through.
        lost = f"HTTP {status}"
        return Unsent(error=lost) if status >= REFUSED else Unknown(error=lost)
    return _refusal(item, code)


def _refusal(item: OutboxItem, code: str) -> Outcome:
    if code.startswith(UNMARKABLE) and item.mark:
        return Unmarkable(error=code)
    if is_closed(code) and item.destination.startswith(("C", "G")):
        return Closed(error=code)
    return Never(error=code)


def is_closed(code: str) -> bool:
    """Whether that code says that a channel does not take our messages."""
    return code in CLOSED or code.startswith(CLOSED_FAMILIES)


def harmless(outcome: Outcome) -> Outcome:
    """An edit once more changes nothing, so that its lost answer needs no look and no mark."""
    return replace(outcome, harmless=True) if isinstance(outcome, Unknown) else outcome

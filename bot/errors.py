"""From an error to words: what is expected says itself, anything else is a bug with an id."""

import logging
import secrets

from bot.slack_errors import passing
from bot.views.wording import said
from services.errors import ServiceError, UpstreamError
from storage.database import StorageError

log = logging.getLogger(__name__)

SLOW = (
    "Slack or Apple did not answer as it should. Look whether it was done; if not, try once more."
)


def words(error: Exception) -> str:
    """What the person is told, as mrkdwn; a bug goes to the log with its traceback."""
    if isinstance(error, ServiceError | UpstreamError):
        log.info("refused", extra={"error": str(error), "error_type": type(error).__name__})
        return said(error.user_message)
    if isinstance(error, StorageError):
        log.warning("storage_refused", extra={"error": str(error)})
        return said(str(error))
    if passing(error):
        log.warning("slack_in_trouble", extra={"error_type": type(error).__name__})
        return SLOW
    incident = secrets.token_hex(4)
    log.error("bug", exc_info=error, extra={"incident": incident})
    return (
        f"Something went wrong on our side (incident `{incident}`). Nothing was changed. Try once "
        "more; if it stays, give your admin that number."
    )

"""Logs: a past-tense event and its fields a line, as text or JSON; ids yes, secrets never."""

import logging

import structlog
from structlog.typing import Processor

OURS = ("bot", "services", "storage")
"""Libraries log at WARNING and above only: below it Bolt logs deliveries, oauthlib secrets."""


def set_up_logs(level: str, form: str) -> None:
    """Send every logger's lines to standard error in one form."""
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    drawn: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            drawn,
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # It warns at each start that the token in the environment is not the one it uses: it is.
    logging.getLogger("slack_bolt.AsyncApp").setLevel(logging.ERROR)
    for name in OURS:
        logging.getLogger(name).setLevel(level)

"""What Slack hands an app for a short while: triggers and response URLs."""

import secrets
import time
from dataclasses import dataclass, field

from tests.sandbox.slack.conversations import Message

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass(slots=True, kw_only=True)
class Trigger:
    """The right to open one modal for one person, for three seconds."""

    user_id: str
    id: str = field(default_factory=lambda: f"{time.time_ns()}.1.{secrets.token_hex(16)}")
    expires: float = field(default_factory=lambda: time.monotonic() + TRIGGER_SECONDS)
    used: bool = False


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """The right to answer one command or click five times within half an hour."""

    user_id: str
    channel_id: str
    message: Message | None
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    expires: float = field(default_factory=lambda: time.monotonic() + RESPONSE_URL_SECONDS)
    uses: int = 0

    def refusal(self) -> str | None:
        """Say why Slack no longer takes it, if so."""
        if time.monotonic() > self.expires:
            return "expired_url"
        return "used_url" if self.uses >= RESPONSE_URL_USES else None

"""Switches for what is undocumented, what comes in several forms, and what goes wrong."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class KeyText(StrEnum):
    """How the public key is given."""

    PEM = "pem"
    """A certificate in PEM."""
    BASE64 = "base64"
    """The base64 of a certificate in DER, in one line."""


class TokenText(StrEnum):
    """How a server token file is taken."""

    FILE = "file"
    """Its text as downloaded."""
    BASE64 = "base64"
    """The base64 of its bytes."""


class Unset(StrEnum):
    """How a default profile that is not set is answered."""

    NOT_FOUND = "404"
    """An error."""
    NO_CONTENT = "204"
    """An empty answer."""
    NULL = "null"
    """The JSON null."""


@dataclass(slots=True, kw_only=True)
class Throttling:
    """Calls that are answered 429 before anything else."""

    times: int = 0
    retry_after: int | datetime | None = None


@dataclass(slots=True, kw_only=True)
class Knobs:
    """How one tenant's Microsoft behaves; change it at any time."""

    delay_seconds: float = 0.0
    """How long each call to Graph takes."""
    throttling: Throttling = field(default_factory=Throttling)
    login_throttling: Throttling = field(default_factory=Throttling)
    keeps_budgets: bool = True
    """Answer 429 beyond Intune's budgets: 1,000 requests and 100 writes in 20 s."""
    budget_seconds: float = 20.0
    """The window in which they are counted."""
    budget_retry_after: int | None = 5
    """What such a 429 says; None for those that come without Retry-After."""
    down: bool = False
    """Answer 503 to every call to Graph."""
    licensed: bool = True
    """Whether the tenant has Intune."""
    refuses_writes: bool = False
    """Answer 403 to everything that changes something in Intune, whatever the roles say."""
    shows_uploads: bool = True
    """False: an upload is accepted, and its effect never shows."""
    shows_after_seconds: float = 0.0
    """How long after an upload its effect shows."""
    key_text: KeyText = KeyText.PEM
    token_text: TokenText = TokenText.FILE
    unset_default: Unset = Unset.NOT_FOUND
    types_answers: bool = False
    """Whether answers carry `@odata.type`."""
    page_size: int = 100
    """How many a page holds where `$top` does not say."""
    largest_page: int = 999
    stray_next_link: str | None = None
    """An origin that next links point to, in place of our own."""
    sync_refused_with: int = 409
    """The status where a sync is asked for too early."""
    sync_pause: timedelta = timedelta(minutes=15)
    policies_block_deletion: bool = True
    token_seconds: int = 3599
    """How long an access token lives."""

    def throttle(self, times: int = 1, *, retry_after: int | datetime | None = None) -> None:
        """Answer the next calls to Graph with 429."""
        self.throttling = Throttling(times=times, retry_after=retry_after)

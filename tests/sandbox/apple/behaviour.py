"""Switches for what is undocumented, or known to come in more than one form."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

from tests.sandbox.apple.answers import ErrorForm
from tests.sandbox.apple.inventory import Op


class TermsRefusedOn(StrEnum):
    """Which calls answer T_C_NOT_SIGNED while new terms wait."""

    EVERY_CALL = "every call"
    """The session and all others."""

    SESSION = "session"
    """Only the session; sessions that live go on."""

    OTHER_CALLS = "other calls"
    """All but the session."""


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """How one Apple answers; change it at any time."""

    error_form: ErrorForm = ErrorForm.BARE
    superseded_status: int = HTTPStatus.FORBIDDEN
    revoked_status: int = HTTPStatus.FORBIDDEN
    expired: tuple[int, str] = (HTTPStatus.UNAUTHORIZED, "token_expired")
    lost_session: tuple[int, str] = (HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED")
    """Or (403, "FORBIDDEN")."""
    terms_refused_on: TermsRefusedOn = TermsRefusedOn.EVERY_CALL
    session_lifetime: timedelta = timedelta(minutes=3)
    rotates_sessions: bool = False
    """Every answer carries a new session, and the one used dies."""
    one_session_per_token: bool = False
    """A new session ends the one before."""
    insists_on_json: bool = True
    """Content-Type must be JSON on every call, with a body or without."""
    arrives_as: Op = Op.MODIFIED
    """What the log says where a device came from another server."""
    says_released: bool = False
    """Log `deleted` for devices released from the organisation; the real service often doesn't."""
    maximum_limit: int = 1000
    """The largest page, also what the account detail advertises."""
    full_page: int | None = None
    """How many devices a page holds at most, where that is fewer than the client allows."""
    retry_after_seconds: int = 3600
    """What a throttled profile assignment answers (protocol version 10)."""

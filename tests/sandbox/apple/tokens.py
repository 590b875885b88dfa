"""The server tokens handed out by the portal, and the sessions opened with them."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tests.sandbox.apple.credentials import Credentials


class TokenState(StrEnum):
    """What the portal knows about a token; whether it expired or its owner left is asked anew."""

    CURRENT = "current"
    """The one last downloaded."""

    SUPERSEDED = "superseded"
    """A newer one was downloaded."""

    REVOKED = "revoked"
    """Taken back: by hand, with its server, or by a new password."""


@dataclass(slots=True, kw_only=True, eq=False)
class IssuedToken:
    """One downloaded token."""

    credentials: Credentials
    admin: str
    issued_at: datetime
    state: TokenState = TokenState.CURRENT


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """What `/session` grants."""

    token: IssuedToken
    ends_at: datetime
    """On the machine's clock."""
    text: str = field(default_factory=lambda: secrets.token_hex(32) + "O", repr=False)

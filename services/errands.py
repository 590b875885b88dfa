"""Errands: what a person goes to the portal for, what they bring back, and what comes of it.

The words between a request and its program, whoever holds the token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.errors import ServiceError, UpstreamError
from storage.states import Evidence


class Purpose(StrEnum):
    """What a person goes to the portal for."""

    CREATE = "create"
    """The first server token of a new server."""
    RENEW = "renew"
    """A newer server token, for the key pair that the portal has."""
    ROTATE = "rotate"
    """A newer server token, or one of another server, for a new key pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a person goes to the portal for, with which Apple ID, for which scope tags.

    Scope tags are ids; none leaves them as they are, or as the holder sets them.
    """

    purpose: Purpose
    apple_id: str
    scope_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeTag:
    """A part of the holder's tenant that a token may belong to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a form has to know of a program now.

    `evidence` is what would be brought, None where the holder does not tell. `scope_tags` are those
    to choose from, None where they cannot be read; `chosen` the ids of those that the token has.
    """

    evidence: Evidence | None
    takes_scope_tags: bool = False
    scope_tags: Sequence[ScopeTag] | None = ()
    chosen: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The evidence as submitted: the file's bytes, or the date; neither where a word is enough.

    `apple_id` is the one that the person says they used.
    """

    apple_id: str = ""
    file: bytes | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """For how long a holder is asked again, how soon at first, and how seldom in the end."""

    kept_for: timedelta
    first: timedelta
    longest: timedelta

    def pause(self, *, waited: timedelta, left: timedelta) -> timedelta:
        """How long until the next try, after so long a wait and with so much time left."""
        return min(max(self.first, min(waited, left) / 2), self.longest, left)


SILENCE = Patience(
    kept_for=timedelta(hours=24), first=timedelta(minutes=5), longest=timedelta(hours=1)
)
"""For a holder that gives no answer."""


class NotShown(UpstreamError):
    """The holder answers, but does not show (yet) that the person's part is done.

    `user_message` says what it shows instead.
    """

    def __init__(
        self, log_text: str, *, system: str, user_message: str, patience: Patience
    ) -> None:
        super().__init__(log_text, system=system, retryable=True, user_message=user_message)
        self.patience = patience


class GoesOnByHand(ServiceError):
    """The holder takes nothing from us: a person does it in its console, and brings `evidence`."""

    def __init__(
        self,
        log_text: str,
        *,
        user_message: str,
        evidence: Evidence = Evidence.THEIR_WORD,
    ) -> None:
        super().__init__(log_text, user_message=user_message)
        self.evidence = evidence


class BegunElsewhere(ServiceError):
    """Another process prepares this request just now."""

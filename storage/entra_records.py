"""What is kept of Apple IDs as Entra knows them; see `storage/records`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntraStanding(StrEnum):
    """What Entra says of the account behind an Apple ID."""

    UNKNOWN = "unknown"
    """It has not answered yet."""
    ENABLED = "enabled"
    """Somebody's account, in order."""
    DISABLED = "disabled"
    """The account is switched off."""
    DELETED = "deleted"
    """It was deleted, and can be restored for 30 days."""
    GONE = "gone"
    """Entra had it once, and does not know it any more."""
    NOBODY = "nobody"
    """No account has ever been found for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraAccount:
    """An Apple ID (in lower case) and the account that Entra has for it.

    `object_id` counts in `tenant` alone. The password's date is the one of Entra, which is that
    of the Apple ID only where the two are federated. `looked_at` is the last definite answer.
    """

    apple_id: str
    tenant: str
    object_id: str | None
    standing: EntraStanding
    password_changed_at: datetime | None
    deleted_at: datetime | None
    looked_at: datetime | None
    due_at: datetime

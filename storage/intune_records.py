"""What is begun at Intune, as values that cannot change."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IntuneStep:
    """What Intune showed when a request was prepared, and what we began there.

    `seen` are the ids of its entries then, `expires_at` and `modified_at` those of the entry that
    is to be renewed. `setting_id` is that entry, or the one that we `made`; an `unneeded` one is to
    be taken back. `uploaded` is the SHA-256 of the file that Intune took from us.
    """

    token_id: str
    setting_id: str | None
    made: bool
    unneeded: bool
    seen: list[str] = field(repr=False)
    expires_at: datetime | None
    modified_at: datetime | None
    uploaded: str | None
    lease_until: datetime | None
    due_at: datetime

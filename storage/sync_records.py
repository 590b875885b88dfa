"""Where a token's sync stands, and the question that a large loss raises, as facts."""

from dataclasses import dataclass
from datetime import datetime

from storage.states import LossState


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlace:
    """Where a token's sync stands, from one run to the next.

    `generation` names the newest full list, and marks the devices that it holds. While that list
    is `unfinished` the cursor stands within it, else behind it. `wait_until` is the holder's wish.
    """

    token_id: str
    cursor: str | None
    cursor_at: datetime | None
    generation: str
    unfinished: bool
    listed_at: datetime | None
    wait_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossQuestion:
    """A full list that lacks `unseen` of `known` devices, and what an approver made of it."""

    id: str
    token_id: str
    run_id: str
    generation: str
    unseen: int
    known: int
    state: LossState
    removed: int
    answered_by: str | None
    asked_at: datetime
    answered_at: datetime | None

"""The time that a calendar shows, and the time that a wire checks."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a calendar shows: due dates, expiry, audit. It may be moved where nothing real hangs."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


def machine_now() -> datetime:
    """What a wire checks: leases, retries, ages of signatures. It is never moved."""
    return datetime.now(UTC)

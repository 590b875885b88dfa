"""What a holder asks us to wait, read from its `Retry-After` (RFC 9110, 10.2.3)."""

from email.utils import parsedate_to_datetime

from services.clock import machine_now

LONGEST_WAIT = 24 * 3600.0
"""Longer than any holder was ever seen to ask for; a wild date must not end a token's syncs."""


def seconds_asked(value: str | None) -> float | None:
    """Seconds from now, said in seconds or as a date; None where neither can be read."""
    if value is None:
        return None
    if value.isascii() and value.isdecimal():
        return min(float(value), LONGEST_WAIT)
    try:
        wait = (parsedate_to_datetime(value) - machine_now()).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(0.0, wait), LONGEST_WAIT)

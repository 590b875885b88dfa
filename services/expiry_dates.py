"""The date until which a token lives, as a person reads it in its holder's console."""

from datetime import date, datetime, timedelta

from services.calendar import Calendar, local_day
from services.errors import Invalid

FIELD = "expires_on"
LONGEST = timedelta(days=370)
"""A server token lives one year from its download; a few days are for time zones."""


def expiry_date(
    text: str, *, now: datetime, calendar: Calendar, known: datetime | None
) -> datetime:
    """The morning of that day. Raises Invalid (`expires_on`) for a date that cannot be right.

    `known` is when the token in use ends: a renewed one ends later.
    """
    on = _picked(text)
    today = calendar.day(now)
    if on <= today:
        raise _wrong("This day is not in the future. Take the date that the new token shows.")
    if on > today + LONGEST:
        raise _wrong(
            "A server token lives one year, so this is too far off. Look at the date once more."
        )
    if known is not None and on <= local_day(known, calendar.zone):
        raise _wrong(
            "The token in use lives that long too, so this is not the new one's date. Reload the "
            "page in the admin center and take the date that it shows then."
        )
    return calendar.morning(on)


def _picked(text: str) -> date:
    if not text:
        raise _wrong("Pick the expiry date that the admin center shows.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong("This is no date. Pick one.") from None


def _wrong(words: str) -> Invalid:
    return Invalid("an expiry date that cannot be right", user_message=words, field=FIELD)

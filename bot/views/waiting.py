"""The light view that opens at once, before anything slow is asked."""

from bot.views.blocks import View, page


def waiting(title: str) -> View:
    """Something is on its way."""
    return page(title, "One moment…")

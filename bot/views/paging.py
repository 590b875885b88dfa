"""Turning the pages of a list: two buttons that carry a page's number."""

from collections.abc import Mapping

from bot.views.blocks import Block, actions, button


def page_buttons(page: int, pages: int, *, back: str, more: str) -> list[Block]:
    """The buttons to the pages before and after, where there are such; pages count from 0."""
    buttons = []
    if page > 0:
        buttons.append(button("Back", back, str(page - 1)))
    if page + 1 < pages:
        buttons.append(button("More", more, str(page + 1)))
    return [actions(*buttons, block_id="pages")] if buttons else []


def page_asked(action: Mapping[str, object]) -> int:
    """The page that a click asks for; the first if it names none."""
    value = str(action.get("value", ""))
    return int(value) if value.isdecimal() and len(value) < len("100000") else 0

"""A list of devices, page by page: the next page is asked for while the last one is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from services.apple.errors import SYSTEM, AppleError, Trouble
from services.apple.messages import FetchedPage
from services.programs import CursorLost, KeepPage, ListAstray

MOST_PAGES = 10_000
"""Ten million devices: a list that goes on for longer comes to no end."""

Ask = Callable[[str | None], Awaitable[FetchedPage]]


class Pages:
    """Walks through one list from a cursor on."""

    def __init__(self, ask: Ask, cursor: str | None) -> None:
        self._ask = ask
        self._cursor = cursor
        self._asked: set[str | None] = set()

    async def walk(self, keep_page: KeepPage) -> None:
        """Hand every page over, in order, each stored before the one after the next is asked for.

        Raises AppleError, ListAstray, or CursorLost where Apple does not know the cursor.
        """
        page = await self._next(self._cursor)
        while page is not None:
            following = (
                asyncio.ensure_future(self._next(page.cursor)) if page.more_to_follow else None
            )
            try:
                await keep_page(page.page())
                page = await following if following else None
            except BaseException:
                await _drop(following)
                raise

    async def _next(self, cursor: str | None) -> FetchedPage | None:
        self._asked.add(cursor)
        try:
            page = await self._ask(cursor)
        except AppleError as error:
            if cursor is None:
                raise
            if error.trouble is Trouble.CURSOR_EXHAUSTED:
                return None
            if error.trouble is Trouble.CURSOR_UNUSABLE:
                raise CursorLost(str(error)) from error
            raise
        self._check(page)
        return page

    def _check(self, page: FetchedPage) -> None:
        if not page.more_to_follow:
            return
        if page.cursor in self._asked:
            raise ListAstray("more to follow, but a cursor of before", system=SYSTEM)
        if not page.devices:
            raise ListAstray("more to follow, but no devices", system=SYSTEM)
        if len(self._asked) >= MOST_PAGES:
            raise ListAstray(f"more than {MOST_PAGES} pages", system=SYSTEM)


async def _drop(task: "asyncio.Future[FetchedPage | None] | None") -> None:
    if task is None:
        return
    task.cancel()
    with suppress(asyncio.CancelledError, AppleError, CursorLost, ListAstray):
        await task

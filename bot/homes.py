"""The Home tabs of the people who opened theirs, drawn anew when a token or a request changes.

Who looked at what is kept in memory only: after a restart a Home is as it was until it is opened
again, which draws it anew.
"""

import asyncio
import json
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from zoneinfo import ZoneInfo

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import words
from bot.slack_errors import LOST, code_of
from bot.views import home
from bot.views.blocks import View
from services.errors import NotAllowed, ServiceError, UpstreamError
from services.overview import Mark, Overviews, Picture

log = logging.getLogger(__name__)

REMEMBERED = 200
PAUSE_SECONDS = 2.0
PUBLISH_SECONDS = 10.0


@dataclass(slots=True)
class _Visit:
    """What one person's Home shows: the page, and as of when."""

    page: int = 0
    mark: Mark | None = None
    digest: str = ""
    published_at: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Homes:
    """Publishes Homes, and remembers those opened last.

    Changes come in bursts: nobody's Home follows them more often than every `pause` seconds.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        overviews: Overviews,
        *,
        zone: ZoneInfo,
        pause: float = PAUSE_SECONDS,
        remembered: int = REMEMBERED,
    ) -> None:
        self.client = client
        self.overviews = overviews
        self.zone = zone
        self.pause = pause
        self.remembered = remembered
        self._visits: OrderedDict[str, _Visit] = OrderedDict()

    async def show(self, person: str, page: int = 0) -> None:
        """Publish the person's Home as it is now, because they look at it."""
        visit = self._visit(person)
        async with visit.turn:
            visit.page = page
            try:
                picture = await self.overviews.picture()
                view = await self._draw(person, visit, picture)
            except Exception as error:  # noqa: BLE001 - every error becomes words, a bug a log entry too
                self._visits.pop(person, None)
                view = home.only_words(words(error))
            await self._publish(person, visit, view)

    async def refresh(self) -> float | None:
        """Publish every remembered Home that may have changed; in how many seconds others are due.

        Failures are logged and dropped: the next change, or the person, draws it anew.
        """
        if not self._visits:
            return None
        mark = await self.overviews.mark()
        stale = {person: visit for person, visit in self._visits.items() if visit.mark != mark}
        now = time.monotonic()
        due = {p: visit for p, visit in stale.items() if now - visit.published_at >= self.pause}
        if due:
            picture = await self.overviews.picture()
            for person, visit in due.items():
                await self._redraw(person, visit, picture)
        later = [visit.published_at + self.pause for p, visit in stale.items() if p not in due]
        return max(0.05, min(later) - time.monotonic()) if later else None

    async def _redraw(self, person: str, visit: _Visit, picture: Picture) -> None:
        async with visit.turn:
            if visit.mark is not None and visit.mark >= picture.mark:
                return
            try:
                view = await self._draw(person, visit, picture)
            except NotAllowed as error:
                self._visits.pop(person, None)
                view = home.only_words(words(error))
            except (ServiceError, UpstreamError) as error:
                log.info("home_not_drawn", extra={"person": person, "error": str(error)})
                return
            if _digest(view) != visit.digest:
                await self._publish(person, visit, view)

    async def _draw(self, person: str, visit: _Visit, picture: Picture) -> View:
        # Marked before anything can fail: what fails is dropped, not tried for ever.
        visit.mark = picture.mark
        seen = await self.overviews.seen_by(person, picture, page=visit.page)
        return home.home_tab(seen, self.zone)

    async def _publish(self, person: str, visit: _Visit, view: View) -> None:
        visit.published_at = time.monotonic()
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await self.client.views_publish(user_id=person, view=view)
        except SlackApiError as error:
            log.warning("home_not_published", extra={"person": person, "error": code_of(error)})
        except LOST as error:
            name = type(error).__name__
            log.warning("home_not_published", extra={"person": person, "error": name})
        else:
            visit.digest = _digest(view)

    def _visit(self, person: str) -> _Visit:
        visit = self._visits.setdefault(person, _Visit())
        self._visits.move_to_end(person)
        while len(self._visits) > self.remembered:
            self._visits.popitem(last=False)
        return visit


def _digest(view: View) -> str:
    return sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()

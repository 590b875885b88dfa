"""The watch's messages, drawn from the records as they are when a message is posted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.picture import Picture, picture
from bot.views import alerts, connectors, digest, holder_news, reminders, reports
from bot.views.alerts import Ill
from bot.views.blocks import Block, Message
from bot.views.connectors import Ending
from bot.views.holder_news import HolderNews, Seen
from bot.views.reminders import Warned
from bot.views.reports import Reported
from services.calendar import Calendar
from services.clock import Clock
from services.digest import week_of
from services.reports import outstanding
from services.tokens import by_urgency
from storage.audit import Wanted
from storage.database import Database, Transaction
from storage.records import OutboxItem, Token
from storage.states import NoticeKind, TokenState
from storage.watch_records import Reminder

KINDS = frozenset(
    {
        NoticeKind.REMINDER,
        NoticeKind.REMINDER_OWNER,
        NoticeKind.ESCALATION,
        NoticeKind.OWNER_NOT_REACHED,
        NoticeKind.HEALTH_ALERT,
        NoticeKind.HEALTH_CLEAR,
        NoticeKind.REPORT,
        NoticeKind.REPORT_DIRECT,
        NoticeKind.HANDED_OVER,
        NoticeKind.HOLDER_NEWS,
        NoticeKind.CONNECTOR,
    }
)
"""What this draws as a message; pictures go another way."""
LOOKED_BACK = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchDrawing:
    """Draws reminders, alerts, reports and the digest."""

    database: Database
    calendar: Calendar
    clock: Clock

    async def message(self, tx: Transaction, item: OutboxItem) -> Message | None:
        """The message of a row; None where what it tells of is gone."""
        match item.kind:
            case NoticeKind.REMINDER | NoticeKind.REMINDER_OWNER | NoticeKind.OWNER_NOT_REACHED:
                return await self._reminder(tx, item)
            case NoticeKind.ESCALATION:
                return await self._escalation(tx, item)
            case NoticeKind.HEALTH_ALERT | NoticeKind.HEALTH_CLEAR:
                return await self._alert(tx, item)
            case NoticeKind.REPORT | NoticeKind.REPORT_DIRECT:
                return await self._report(tx, item)
            case _:
                return await self._news(tx, item)

    async def _news(self, tx: Transaction, item: OutboxItem) -> Message | None:
        match item.kind:
            case NoticeKind.HOLDER_NEWS:
                return await self._holder_news(tx, item)
            case NoticeKind.CONNECTOR:
                return await self._connector(tx, item)
            case _:
                return await self._handed_over(tx, item)

    async def picture(self) -> Picture:
        """All living tokens on a time line, now."""
        async with self.database.read() as tx:
            tokens = by_urgency(await tx.tokens.living())
        # Drawing takes a while, and Slack's deliveries must not wait for it.
        return await asyncio.to_thread(picture, tokens, self.clock.now(), self.calendar.zone)

    async def digest(self, item: OutboxItem, image: Block | None) -> Message:
        """The digest of a row."""
        async with self.database.read() as tx:
            week = await week_of(tx, item)
        return digest.digest(week, self.calendar.zone, image)

    async def _escalation(self, tx: Transaction, item: OutboxItem) -> Message | None:
        one = await tx.reminders.get(item.subject_id)
        warned = await self._warned(tx, one) if one else None
        return reminders.escalation(warned, self.calendar.zone) if warned else None

    async def _reminder(self, tx: Transaction, item: OutboxItem) -> Message | None:
        found = [await self._warned(tx, one) for one in await tx.reminders.of_post(item.subject_id)]
        shown, zone = [one for one in found if one is not None], self.calendar.zone
        if not shown:
            return None
        if item.kind is NoticeKind.OWNER_NOT_REACHED:
            return reminders.owner_not_reached(item.facts["owner"], shown, zone)
        if item.kind is NoticeKind.REMINDER_OWNER:
            return reminders.for_owner(shown, zone)
        return reminders.reminder(shown, zone)

    async def _warned(self, tx: Transaction, one: Reminder) -> Warned | None:
        token = await tx.tokens.get(one.token_id)
        if token is None:
            return None
        now = self.clock.now()
        answer = await tx.answers.latest(token.id, one.expires_at)
        left = self.calendar.days_left(one.expires_at, now)
        closed = one.closed_at is not None
        return Warned(
            reminder=one,
            token=token,
            days_left=left,
            snoozable=self.calendar.day(now) < self.calendar.last_day(one.expires_at),
            answer=answer if answer is not None and answer.until > now else None,
            renewed_by=await _renewed_by(tx, token) if closed else None,
        )

    async def _alert(self, tx: Transaction, item: OutboxItem) -> Message | None:
        shown = []
        for one in await tx.alerts.of_post(item.subject_id):
            token = await tx.tokens.get(one.token_id)
            if token is not None:
                keeping = await tx.watch.keeping(token.id)
                shown.append(Ill(alert=one, token=token, keeping=keeping))
        if not shown:
            return None
        shown.sort(key=lambda one: one.token.name.casefold())
        draw = alerts.all_clear if item.kind is NoticeKind.HEALTH_CLEAR else alerts.health_alert
        return draw(shown[:20], self.calendar.zone)

    async def _report(self, tx: Transaction, item: OutboxItem) -> Message | None:
        report = await tx.reports.get(item.subject_id)
        if report is None:
            return None
        shown = Reported(
            report=report,
            tokens=await outstanding(tx, report),
            account=await tx.entra.of(report.subject),
        )
        draw = reports.directly if item.kind is NoticeKind.REPORT_DIRECT else reports.in_channel
        return draw(shown, self.calendar.zone)

    async def _holder_news(self, tx: Transaction, item: OutboxItem) -> Message:
        if "doubtful" in item.facts:
            return holder_news.doubtful(int(item.facts["doubtful"]))
        if "shut" in item.facts:
            return holder_news.shut(item.facts["shut"])
        news = HolderNews(
            imported=await _seen(tx, item, "imported"),
            deleted=await _seen(tx, item, "deleted"),
            renamed=await _seen(tx, item, "renamed"),
            were=await _earlier_names(tx, item.facts.get("renamed", "").split()),
        )
        return holder_news.holder_news(news, self.calendar.zone)

    async def _connector(self, tx: Transaction, item: OutboxItem) -> Message | None:
        one = await tx.connectors.get(item.facts["connector"])
        if one is None:
            return None
        ends, now = datetime.fromisoformat(item.facts["ends"]), self.clock.now()
        shown = Ending(
            connector=one,
            ends=ends,
            days_left=self.calendar.days_left(ends, now),
            snoozable=self.calendar.day(now) < self.calendar.last_day(ends),
            directly=item.destination.startswith(("U", "W")),
        )
        return connectors.reminder(shown, self.calendar.zone)

    async def _handed_over(self, tx: Transaction, item: OutboxItem) -> Message:
        found = [await tx.tokens.get(one) for one in item.facts["tokens"].split()]
        tokens: list[Token] = [one for one in found if one is not None]
        return reports.handed_over(tokens, item.facts["owner"], item.facts["by"])


async def _renewed_by(tx: Transaction, token: Token) -> str | None:
    """Who brought the token's present end, by the audit log."""
    if token.state is not TokenState.ACTIVE or token.expires_at is None:
        return None
    end = token.expires_at.isoformat()
    entries = await tx.audit.page(Wanted(token_id=token.id), LOOKED_BACK)
    # Answers to reminders name the end too, so only what was done to the token counts.
    bringing = [
        one.actor
        for one in entries
        if one.after.get("expires_at") == end and one.action.startswith("token.")
    ]
    return bringing[-1] if bringing else None


async def _seen(tx: Transaction, item: OutboxItem, kind: str) -> Seen:
    found = [await tx.tokens.get(one) for one in item.facts.get(kind, "").split()]
    count = int(item.facts.get(f"{kind}_count", "0"))
    return Seen(tokens=[one for one in found if one is not None], count=count)


async def _earlier_names(tx: Transaction, token_ids: Sequence[str]) -> dict[str, str]:
    """What these tokens were called before they were renamed last."""
    names: dict[str, str] = {}
    for one in token_ids:
        for entry in await tx.audit.page(Wanted(token_id=one, action="token.rename"), 1):
            names[one] = entry.before.get("name", "")
    return names

"""The digest: every Monday one message about all tokens, also when there is nothing to say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.calendar import Calendar
from services.chores import claim, is_due
from services.clock import Clock
from services.policy import People, require_viewer
from services.tokens import by_urgency
from services.watch_notices import WatchNotices
from storage.audit import Wanted
from storage.database import Database, Transaction
from storage.records import AuditEntry, OutboxItem, Token, new_id
from storage.states import NoticeKind

WEEKLY = "digest"
MONDAY = 0
A_WEEK = timedelta(days=7)
LOOKED_AT = 5000
"""Entries of the audit log that one digest counts at most."""
CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What a digest tells: the tokens by urgency, what was done since, and the audit head."""

    at: datetime
    since: datetime
    tokens: Sequence[Token]
    done: Counter[str]
    """How often each action was done."""
    head: str


class Digest:
    """Writes the digest when it is due, and the picture when somebody asks."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        notices: WatchNotices,
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.notices = notices
        self.calendar = calendar
        self.clock = clock

    async def run_due(self) -> None:
        """Once a week; one, however many weeks nothing ran."""
        now = self.clock.now()
        async with self.database.read() as tx:
            if not await is_due(tx, WEEKLY, now, self._following):
                return
        async with self.database.write() as tx:
            if await claim(tx, WEEKLY, now, self._following):
                facts = {"at": now.isoformat(), "head": await head(tx)}
                await self.notices.say(tx, NoticeKind.DIGEST, new_id(), facts=facts)

    async def picture(self, person: str, key: str) -> None:
        """The picture of all tokens, as a direct message. Raises NotAllowed."""
        require_viewer(await self.people.actor(person, fresh=False))
        async with self.database.write() as tx:
            # The click's own key: pressed once, delivered twice, it is sent once.
            await self.notices.say(tx, NoticeKind.PICTURE, "", to=person, stage=key)

    def _following(self, after: datetime) -> datetime:
        return self.calendar.next_morning(after, MONDAY)


async def week_of(tx: Transaction, item: OutboxItem) -> Week:
    """What the digest of that row tells; the tokens as they are now."""
    at = datetime.fromisoformat(item.facts["at"])
    return Week(
        at=at,
        since=at - A_WEEK,
        tokens=by_urgency(await tx.tokens.living()),
        done=Counter(entry.action for entry in await _entries(tx, at - A_WEEK, at)),
        head=item.facts["head"],
    )


async def head(tx: Transaction) -> str:
    """The audit log's newest entry, as `audit verify --head` takes it; empty without one."""
    newest = await tx.audit.head()
    return f"{newest.number}:{newest.hash}" if newest else ""


async def _entries(tx: Transaction, since: datetime, until: datetime) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    before: int | None = None
    while len(found) < LOOKED_AT:
        page = await tx.audit.page(Wanted(), CHUNK, before=before)
        found += [one for one in page if since <= one.at <= until]
        if len(page) < CHUNK or page[-1].at < since:
            break
        before = page[-1].number
    return found

"""Import: the tokens that Intune has are ours to see, by themselves, as they are there.

One list tells all of them. What a request is about to change is left to that request: a token that
it makes is not imported beside it, and what it renews or deletes is its own to see.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from services.audit import AuditLog, Deed
from services.clock import Clock
from services.graph.errors import GraphError
from services.graph.following import Follower, differs
from services.graph.found import Expecting, found_token, is_called, shown_name, unique_name
from services.graph.intune import Intune
from services.graph.messages import Setting
from services.graph.news import News, say_doubtful, say_shut
from services.notices import Notices
from services.request_deeds import SERVICE
from services.watch_notices import WatchNotices
from storage.database import Database, Transaction
from storage.records import Token
from storage.states import ProgramName, TokenState
from storage.tokens import Found, name_key

log = logging.getLogger(__name__)

CHORE = "intune"
EVERY = timedelta(minutes=15)
"""How often Intune is looked at; one list, however many tokens it has."""
PATIENCE = timedelta(hours=1)
"""How long it is borne that the list cannot be read."""
AGAIN = timedelta(minutes=1)
"""How soon after a list that did not come."""
BATCH = 500
APART = timedelta(seconds=1)
"""By how much the first syncs of what was found are spread: each is half a dozen calls."""
AT_ONCE = 4
FEW = 3
"""So many tokens may be missing at once without a doubt about the tenant."""
FIRST = datetime(1, 1, 2, tzinfo=UTC)
UNMADE = (TokenState.REQUESTED, TokenState.AWAITING_TOKEN)

Item = TypeVar("Item")


class Imports:
    """Looks at Intune's list when it is due, in one process at a time."""

    def __init__(
        self,
        *,
        database: Database,
        intune: Intune,
        audit: AuditLog,
        notices: Notices,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self.database = database
        self.intune = intune
        self.audit = audit
        self.follower = Follower(audit=audit, notices=notices, clock=clock)
        self.notices = WatchNotices(notices.channels)
        self.clock = clock
        self.every = min(every, EVERY)
        self.every_sync = every
        self._begun = False
        self._shut_since: datetime | None = None

    async def run_due(self) -> None:
        """Take over what Intune shows: once at the start of this process, then when it is due."""
        if not await self._claim():
            return
        try:
            await self._run()
        except GraphError as error:
            log.warning("import_failed", extra={"error": str(error)})
            await self._look_again()
            await self._tell_shut(error)
        except Exception:
            # What was taken over stays; the rest follows soon.
            await self._look_again()
            raise
        else:
            self._shut_since = None

    async def _run(self) -> None:
        async with self.database.read() as tx:
            before = await tx.tokens.held_by(ProgramName.INTUNE)
        settings = await self.intune.settings()
        await self._follow(settings)
        await self._import(settings, {one.holder_id for one in before})
        await self._lose(before, {one.id for one in settings})

    async def _follow(self, settings: Sequence[Setting]) -> None:
        by_id = {one.id: one for one in settings}
        async with self.database.read() as tx:
            tokens = await tx.tokens.held_by(ProgramName.INTUNE)
            renewing = set(await tx.watch.renewing())
        changed = [
            one
            for one in tokens
            if one.holder_id in by_id and differs(one, by_id[one.holder_id], renewing)
        ]
        for some in _batches(changed):
            news = News()
            async with self.database.write() as tx:
                for token in some:
                    setting = by_id[token.holder_id or ""]
                    if await self.follower.change(tx, token.id, setting):
                        news.renamed.append(token.id)
                await news.say(tx, self.notices)

    async def _import(self, settings: Sequence[Setting], known: Collection[str | None]) -> None:
        # An entry without a token is somebody's work in progress; one that we knew before the list
        # was read and do not know any more was deleted meanwhile.
        new = [one for one in settings if one.expires_at is not None and one.id not in known]
        new.sort(key=lambda one: (one.modified_at or one.expires_at or FIRST, one.id))
        taken = 0
        for some in _batches(new):
            async with self.database.write() as tx:
                taken += await self._take(tx, some, taken)

    async def _take(self, tx: Transaction, settings: Sequence[Setting], taken: int) -> int:
        """How many were new; `taken` were before them, and are synced before them."""
        now, names = self.clock.now(), await tx.tokens.name_keys()
        ours = await tx.tokens.held_by(ProgramName.INTUNE)
        held = {one.holder_id for one in ours}
        expecting = await self._expecting(tx, ours)
        found: list[Found] = []
        for setting in settings:
            if setting.id in held or any(one.expects(setting, now) for one in expecting):
                continue
            if await self._link(tx, ours, setting):
                continue
            name = unique_name(shown_name(setting), names)
            names.add(name_key(name))
            spread = min(APART * (taken + len(found)), self.every_sync)
            found.append(found_token(setting, name, now, spread=spread))
        await tx.tokens.add_found(found)
        await self.audit.append_all(tx, [_imported(one.token) for one in found])
        await News(imported=[one.token.id for one in found]).say(tx, self.notices)
        return len(found)

    async def _expecting(self, tx: Transaction, ours: Sequence[Token]) -> list[Expecting]:
        """The tokens that requests are making, whose entries Intune may show any moment."""
        found = []
        for token in ours:
            if token.holder_id is None and token.state in UNMADE:
                request = await tx.requests.under_way(token.id)
                if request is not None:
                    step = await tx.intune_steps.of(token.id)
                    seen = frozenset(step.seen) if step else None
                    entry_id = step.setting_id if step else None
                    found.append(
                        Expecting(token=token, request=request, seen=seen, entry_id=entry_id)
                    )
        return found

    async def _link(self, tx: Transaction, ours: Sequence[Token], setting: Setting) -> bool:
        """A token that was recorded before anybody could ask Intune, if the entry is its own."""
        recorded = [
            one
            for one in ours
            if one.holder_id is None and one.state is TokenState.ACTIVE and is_called(one, setting)
        ]
        return len(recorded) == 1 and await self.follower.link(tx, recorded[0], setting)

    async def _lose(self, before: Sequence[Token], listed: Collection[str]) -> None:
        held = [one for one in before if one.holder_id and one.state is TokenState.ACTIVE]
        missing = [one for one in held if one.holder_id not in listed]
        if len(missing) > FEW and len(missing) * 2 > len(held):
            await self._doubt(missing, len(held))
            return
        for some in _batches(await self._really_gone(missing)):
            async with self.database.write() as tx:
                gone = [one.id for one in some if await self.follower.delete(tx, one.id)]
                await News(deleted=gone).say(tx, self.notices)

    async def _doubt(self, missing: Sequence[Token], held: int) -> None:
        """Follow nothing; say so where those asked for are gone indeed."""
        if len(await self._really_gone(missing[: FEW + 1])) <= FEW:
            return
        log.error("tenant_doubtful", extra={"gone": len(missing), "held": held})
        async with self.database.write() as tx:
            await say_doubtful(tx, self.notices, len(missing), self.clock.now())

    async def _really_gone(self, missing: Sequence[Token]) -> list[Token]:
        """Those that Intune does not have when it is asked for each."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def really(token: Token) -> bool:
            # A list may lack what was moved from one page to another while it was read.
            async with gate:
                return await self.intune.setting(token.holder_id or "") is None

        answers = await asyncio.gather(*(really(one) for one in missing))
        return [one for one, is_gone in zip(missing, answers, strict=True) if is_gone]

    async def _tell_shut(self, error: GraphError) -> None:
        """What is not over by itself is said after an hour: somebody may just be mending it."""
        now = self.clock.now()
        self._shut_since = None if error.retryable else self._shut_since or now
        if self._shut_since is not None and now - self._shut_since >= PATIENCE:
            async with self.database.write() as tx:
                await say_shut(tx, self.notices, error.user_message, now)

    async def _claim(self) -> bool:
        now = self.clock.now()
        async with self.database.read() as tx:
            chore = await tx.chores.named(CHORE)
        due = chore is None or not now < chore.due_at <= now + self.every
        if self._begun and not due:
            return False
        async with self.database.write(quiet=True) as tx:
            await tx.chores.begin(CHORE, now)
            chore = await tx.chores.named(CHORE)
            claimed = chore is not None and await tx.chores.claim(
                chore, now + self.every, run_at=now
            )
        self._begun = True
        return claimed

    async def _look_again(self) -> None:
        async with self.database.write(quiet=True) as tx:
            chore = await tx.chores.named(CHORE)
            if chore is not None:
                again = min(AGAIN, self.every)
                await tx.chores.claim(chore, self.clock.now() + again, run_at=chore.run_at)


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for first in range(0, len(items), BATCH):
        yield items[first : first + BATCH]


def _imported(token: Token) -> Deed:
    ends = {"expires_at": token.expires_at.isoformat()} if token.expires_at else {}
    known = {"state": token.state.value, "name": token.name, "apple_id": token.apple_id}
    return Deed(
        actor=SERVICE,
        action="token.import",
        subject=f"token:{token.id}",
        token_id=token.id,
        origin=f"intune:{token.holder_id}",
        after=known | ends,
    )

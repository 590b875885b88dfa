"""Alerts: trouble of tokens as it is said, repeated and cleared, by state.

Whoever changes a token's health needs not tell: a sweep compares each token's health with the alert
that is under way. A new class is a new message at once; a holder's silence is said after an hour,
and as one message for all the tokens that it touches. While a renewal is half done its own thread
tells, and no alert.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.calendar import LAST
from services.clock import Clock
from services.health import SILENT
from services.watch_notices import WatchNotices
from storage.database import Database, Transaction
from storage.records import Token, new_id
from storage.states import AlertState, Health, NoticeKind, ProgramName, TokenState
from storage.watch import LOOK_AT_ALERTS
from storage.watch_records import Alert

PATIENCE = timedelta(hours=1)
"""How long a holder may be silent before it is said."""
AGAIN = timedelta(days=1)
"""Trouble that stays, or comes back, is said once in so long."""
GATHERED = timedelta(seconds=5)
"""Where there are tokens enough for a group, trouble waits so long for others of its kind."""
GROUP_FROM = 6
GROUP_SIZE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """An alert that has not ended, and its token now."""

    alert: Alert
    token: Token | None

    @property
    def health(self) -> Health | None:
        """What the token suffers from; None where it is no longer in use."""
        active = self.token is not None and self.token.state is TokenState.ACTIVE
        return self.token.health if self.token is not None and active else None


class Alerts:
    """Keeps alerts in step with the tokens' health."""

    def __init__(self, *, database: Database, notices: WatchNotices, clock: Clock) -> None:
        self.database = database
        self.notices = notices
        self.clock = clock

    async def run_due(self) -> None:
        """Begin, say, repeat and end what the tokens' health asks for."""
        async with self.database.read() as tx:
            if not await tx.watch.waits(LOOK_AT_ALERTS):
                return
            pairs = await self._pairs(tx)
            unnoticed = await tx.alerts.unnoticed()
            renewing = set(await tx.watch.renewing()) if pairs else set()
        now = self.clock.now()
        busy = unnoticed or any(
            _ended(one) or _shifted(one) or _due(one, now, renewing) for one in pairs
        )
        if busy:
            async with self.database.write() as tx:
                await self._run(tx)

    async def _run(self, tx: Transaction) -> None:
        now = self.clock.now()
        for one in await self._pairs(tx):
            if _ended(one):
                await self._end(tx, one)
            elif _shifted(one) and one.token is not None and one.token.health is not None:
                await tx.alerts.move(one.alert, one.alert.state, health=one.token.health)
        for token_id in await tx.alerts.unnoticed():
            token = await tx.tokens.get(token_id)
            if token is not None:
                await self._begin(tx, token)
        renewing = set(await tx.watch.renewing())
        pairs = await self._pairs(tx)
        due = [one for one in pairs if _due(one, now, renewing)]
        for one in due:
            if one.alert.state is AlertState.OPEN:
                await self._say(tx, [one])
        fresh = [one for one in due if one.alert.state is AlertState.WAITING]
        await self._say_fresh(tx, _gathered(fresh, pairs, renewing), pairs, renewing)

    async def _pairs(self, tx: Transaction) -> list[_Pair]:
        return [
            _Pair(alert=alert, token=await tx.tokens.get(alert.token_id))
            for alert in await tx.alerts.under_way()
        ]

    async def _begin(self, tx: Transaction, token: Token) -> None:
        """Trouble of a class: the alert of before, where it was said within the day, or a new."""
        health, now = token.health, self.clock.now()
        if health is None:
            return
        before = await tx.alerts.last_said(token.id, health)
        if before is not None and before.said_at is not None and now - before.said_at < AGAIN:
            if await tx.alerts.move(before, AlertState.OPEN, ended_at=None, became=None):
                await self._redraw(tx, [before])
            return
        began = token.health_since or now
        gathered = GATHERED if await tx.watch.has_active(GROUP_FROM) else timedelta()
        keeping = await tx.watch.keeping(token.id)
        alert = Alert(
            id=new_id(),
            token_id=token.id,
            health=health,
            state=AlertState.WAITING,
            began_at=began,
            evidence=keeping.evidence or "",
            due_at=began + PATIENCE if health in SILENT else now + gathered,
        )
        await tx.alerts.add(alert)

    async def _say_fresh(
        self,
        tx: Transaction,
        fresh: Sequence[_Pair],
        pairs: Sequence[_Pair],
        renewing: set[str],
    ) -> None:
        for program in ProgramName:
            ours = [one for one in fresh if one.token and one.token.program is program]
            for health in sorted({one.alert.health for one in ours if not _silent(one)}):
                alike = [one for one in ours if one.alert.health is health]
                size = GROUP_SIZE if len(alike) >= GROUP_FROM else 1
                for start in range(0, len(alike), size):
                    await self._say(tx, alike[start : start + size])
            if any(_silent(one) for one in ours):
                await self._say_outage(tx, program, pairs, renewing)

    async def _say_outage(
        self, tx: Transaction, program: ProgramName, pairs: Sequence[_Pair], renewing: set[str]
    ) -> None:
        """One message for all tokens of a silent holder; later ones join it in its place."""
        silent = [
            one
            for one in pairs
            if _silent(one)
            and one.token is not None
            and one.token.program is program
            and one.token.id not in renewing
        ]
        said = [one.alert.post_id for one in silent if one.alert.state is AlertState.OPEN]
        joining = [one for one in silent if one.alert.state is AlertState.WAITING]
        if said:
            await self._say(tx, joining, post_id=said[0])
        else:
            await self._say(tx, joining)

    async def _say(
        self, tx: Transaction, pairs: Sequence[_Pair], *, post_id: str | None = None
    ) -> None:
        """Say these alerts in one new message, or as part of one that was said."""
        now, post = self.clock.now(), post_id or new_id()
        for one in pairs:
            alert = one.alert
            await tx.alerts.move(
                alert,
                AlertState.OPEN,
                post_id=post if alert.post_id is None else alert.post_id,
                said_at=now,
                times_said=alert.times_said + 1,
                # An expired token is reminded of daily as it is.
                due_at=LAST if alert.health is Health.EXPIRED else now + AGAIN,
                cleared_at=None,
            )
        if post_id is not None:
            await self.notices.redraw(tx, NoticeKind.HEALTH_ALERT, [post_id])
            return
        for subject in sorted({one.alert.post_id or post for one in pairs}):
            stage = f"{max(one.alert.times_said for one in pairs) + 1}"
            await self.notices.say(tx, NoticeKind.HEALTH_ALERT, subject, stage=stage)

    async def _end(self, tx: Transaction, pair: _Pair) -> None:
        """The class is over: the alert says so in its place, and an all-clear where all is well."""
        now, alert = self.clock.now(), pair.alert
        if not await tx.alerts.move(alert, AlertState.ENDED, ended_at=now, became=pair.health):
            return
        if alert.post_id is None:
            return
        await self._redraw(tx, [alert])
        together = await tx.alerts.of_post(alert.post_id)
        over = all(one.state is AlertState.ENDED for one in together)
        if over and pair.health is Health.OK and not any(one.cleared_at for one in together):
            for one in together:
                await tx.alerts.move(one, one.state, cleared_at=now)
            await self.notices.say(tx, NoticeKind.HEALTH_CLEAR, alert.post_id, stage=_stamp(now))

    async def _redraw(self, tx: Transaction, alerts: Sequence[Alert]) -> None:
        posts = [one.post_id for one in alerts if one.post_id]
        await self.notices.redraw(tx, NoticeKind.HEALTH_ALERT, posts)


def _gathered(fresh: Sequence[_Pair], pairs: Sequence[_Pair], renewing: set[str]) -> list[_Pair]:
    """What is said now: with what is due whatever else of its kind still waits for company."""
    kinds = {_kind(one) for one in fresh if not _silent(one)}
    company = [
        one
        for one in pairs
        if one.alert.state is AlertState.WAITING
        and _kind(one) in kinds
        and one.alert.token_id not in renewing
    ]
    return [*(one for one in fresh if _silent(one)), *company]


def _kind(pair: _Pair) -> tuple[ProgramName | None, Health]:
    return pair.token.program if pair.token else None, pair.alert.health


def _silent(pair: _Pair) -> bool:
    return pair.alert.health in SILENT


def _ended(pair: _Pair) -> bool:
    both_silent = pair.health in SILENT and pair.alert.health in SILENT
    return pair.health is not pair.alert.health and not both_silent


def _shifted(pair: _Pair) -> bool:
    """Whether one kind of silence became the other."""
    return pair.health is not pair.alert.health and not _ended(pair)


def _due(pair: _Pair, now: datetime, renewing: set[str]) -> bool:
    return pair.alert.due_at <= now and pair.alert.token_id not in renewing


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}"

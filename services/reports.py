"""Reports: an Apple ID's changed password, an owner who leaves, an account that was deactivated.

Each is a row first; a sweep says it, says it again while it still asks for something, and ends it
when its tokens were renewed, handed over or deleted. In a channel a leaver is never named with a
date: the name is for the admins and the owner.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import assert_never

from services.audit import AuditLog, Deed
from services.calendar import Calendar
from services.clock import Clock
from services.errors import Invalid, Refused
from services.phrases import person as named
from services.phrases import quoted
from services.policy import People, Role, require_any
from services.request_deeds import SERVICE
from services.watch_notices import WatchNotices
from storage.database import Database, Transaction
from storage.records import Token, new_id
from storage.states import NoticeKind, ReportKind, ReportState, TokenState
from storage.watch import LOOK_AT_REPORTS
from storage.watch_records import Report

MAY_REPORT = (Role.OPERATOR, Role.APPROVER, Role.ADMIN)
A_WEEK = timedelta(days=7)
FURTHEST = timedelta(days=730)
ABOUT_OWNERS = (ReportKind.LEAVES, ReportKind.DEACTIVATED)
ABOUT_ACCOUNTS = (
    ReportKind.ENTRA_DISABLED,
    ReportKind.ENTRA_DELETED,
    ReportKind.ENTRA_NOBODY,
)
BY_ENTRA = (*ABOUT_ACCOUNTS, ReportKind.ENTRA_PASSWORD)
"""Said once: Entra is asked every hour, and what it says may be nobody's to change."""


class Reports:
    """Takes reports, says them, and ends them."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        audit: AuditLog,
        notices: WatchNotices,
        calendar: Calendar,
        clock: Clock,
    ) -> None:
        self.database = database
        self.people = people
        self.audit = audit
        self.notices = notices
        self.calendar = calendar
        self.clock = clock

    async def may_report(self, person: str) -> list[str]:
        """The Apple IDs in use, if the person may report. Raises NotAllowed."""
        actor = await self.people.actor(person, fresh=False)
        holders = {role: await self.people.holders(role, fresh=False) for role in MAY_REPORT}
        require_any(actor, holders)
        async with self.database.read() as tx:
            living = await tx.tokens.living()
        by_key = {one.apple_id.casefold(): one.apple_id for one in living if one.apple_id}
        return sorted(by_key.values(), key=str.casefold)

    async def password_changed(self, person: str, apple_id: str, key: str) -> Report:
        """Mark every active token of that Apple ID, in any case. Raises Invalid, NotAllowed."""
        known = await self.may_report(person)
        asked = apple_id.strip().casefold()
        async with self.database.write() as tx:
            if before := await tx.reports.of_key(key):
                return before
            tokens = [one for one in await tx.tokens.living() if _is_of(one, asked)]
            if not tokens:
                raise Invalid(
                    "no token of that Apple ID",
                    user_message="No token in use has this Apple ID. There are: "
                    f"{', '.join(quoted(one) for one in known[:10]) or 'none'}.",
                    field="apple_id",
                )
            if open_ones := await tx.reports.open_about([ReportKind.PASSWORD], asked):
                first = open_ones[0]
                raise Refused(
                    f"report {first.id} says so already",
                    user_message=f"{named(first.reporter)} has reported this already, and the "
                    "tokens are not renewed yet. Renew them.",
                )
            report = self._report(ReportKind.PASSWORD, asked, person, tokens, key)
            return await self._open(tx, report, tokens)

    async def leaves(self, person: str, owner: str, day: date | None, key: str) -> Report:
        """Somebody who answers for tokens leaves on that day. Raises Invalid, NotAllowed."""
        await self.may_report(person)
        today = self.calendar.day(self.clock.now())
        if day is None or not today - A_WEEK <= day <= today + FURTHEST:
            raise Invalid(
                f"{day} is too far",
                user_message="Choose the day, from last week to two years ahead.",
                field="leaves_on",
            )
        async with self.database.write() as tx:
            if before := await tx.reports.of_key(key):
                return before
            tokens = await _owned(tx, owner)
            if not tokens:
                raise Invalid(
                    f"{owner} owns nothing",
                    user_message="This person answers for no token, so there is nothing to do.",
                    field="owner",
                )
            for older in await tx.reports.open_about([ReportKind.LEAVES], owner):
                await tx.reports.end(older, self.clock.now())
                await self.redraw(tx, older)
            report = self._report(ReportKind.LEAVES, owner, person, tokens, key, leaves_on=day)
            return await self._open(tx, report, tokens)

    async def account_changed(self, person: str, *, deactivated: bool, key: str) -> None:
        """What Slack says of somebody's account now; most people answer for nothing."""
        async with self.database.read() as tx:
            tokens = await _owned(tx, person)
            known = await tx.reports.open_about([ReportKind.DEACTIVATED], person)
        if deactivated == bool(known) or (deactivated and not tokens):
            return
        async with self.database.write() as tx:
            known = await tx.reports.open_about([ReportKind.DEACTIVATED], person)
            if deactivated and not known and await tx.reports.of_key(key) is None:
                tokens = await _owned(tx, person)
                report = self._report(ReportKind.DEACTIVATED, person, SERVICE, tokens, key)
                await self._open(tx, report, tokens)
            for one in known if not deactivated else ():
                await self.over(tx, one)

    async def run_due(self) -> None:
        """End what asks for nothing any more; say what is due."""
        now = self.clock.now()
        async with self.database.read() as tx:
            if not await tx.watch.waits(LOOK_AT_REPORTS):
                return
            reports = await tx.reports.open()
            over = [one for one in reports if not await outstanding(tx, one)]
            due = [one for one in await tx.reports.due(now) if one not in over]
        if over:
            async with self.database.write() as tx:
                for one in over:
                    if not await outstanding(tx, one):
                        await self.over(tx, one)
        if due:
            # Slack is asked before anything is written; if it does not tell, it is asked again.
            admins = await self.people.holders(Role.ADMIN, fresh=False)
            async with self.database.write() as tx:
                for one in due:
                    await self._say(tx, one, admins)

    async def found(
        self, tx: Transaction, kind: ReportKind, apple_id: str, tokens: Sequence[Token]
    ) -> None:
        """Something that another system says of an Apple ID; the caller sees that it is new."""
        report = self._report(kind, apple_id, SERVICE, tokens, f"{kind}:{new_id()}")
        await self._open(tx, report, tokens)

    async def over(self, tx: Transaction, report: Report) -> None:
        """It is so no longer: the messages that told it say so in their place."""
        if await tx.reports.end(report, self.clock.now()):
            await self.redraw(tx, report)

    async def redraw(self, tx: Transaction, report: Report) -> None:
        """Tell it anew in its place."""
        await self.notices.redraw(tx, NoticeKind.REPORT, [report.id])
        await self.notices.redraw(tx, NoticeKind.REPORT_DIRECT, [report.id])

    async def _say(self, tx: Transaction, report: Report, admins: frozenset[str]) -> None:
        now = self.clock.now()
        if not await tx.reports.said(report, self._next(report, now)):
            return
        stage = f"{report.due_at:%Y%m%dT%H%M}"
        await self.notices.say(tx, NoticeKind.REPORT, report.id, stage=stage)
        owners = frozenset(one.owner for one in await outstanding(tx, report) if one.owner)
        told = _told(report, admins, owners) - await _left(tx, owners)
        for person in sorted(told):
            await self.notices.say(tx, NoticeKind.REPORT_DIRECT, report.id, to=person, stage=stage)

    def _next(self, report: Report, now: datetime) -> datetime | None:
        """When it is said again: a week before a leaver's day, on that day, then weekly."""
        if report.kind in BY_ENTRA:
            return None
        days = [report.leaves_on - A_WEEK, report.leaves_on] if report.leaves_on else []
        mornings = [self.calendar.morning(day) for day in days]
        return next((one for one in mornings if one > now), now + A_WEEK)

    async def _open(self, tx: Transaction, report: Report, tokens: Sequence[Token]) -> Report:
        await tx.reports.add(report)
        for token in tokens:
            await self.audit.append(tx, _deed(report, token))
        return report

    def _report(
        self,
        kind: ReportKind,
        subject: str,
        reporter: str,
        tokens: Sequence[Token],
        key: str,
        *,
        leaves_on: date | None = None,
    ) -> Report:
        now = self.clock.now()
        return Report(
            id=new_id(),
            kind=kind,
            subject=subject,
            leaves_on=leaves_on,
            reporter=reporter,
            tokens={one.id: generation(one) for one in tokens},
            state=ReportState.OPEN,
            reported_at=now,
            due_at=now,
            ended_at=None,
            dedupe_key=key,
        )


async def _left(tx: Transaction, owners: frozenset[str]) -> set[str]:
    """Those of them whose accounts are switched off: nothing reaches them."""
    kinds = [ReportKind.DEACTIVATED]
    return {one for one in owners if await tx.reports.open_about(kinds, one)}


async def outstanding(tx: Transaction, report: Report) -> list[Token]:
    """The tokens for which the report still asks somebody to act."""
    if report.kind in ABOUT_OWNERS:
        return await _owned(tx, report.subject)
    if report.kind in ABOUT_ACCOUNTS:
        return await tokens_of(tx, report.subject)
    found = [await tx.tokens.get(token_id) for token_id in report.tokens]
    return [
        one
        for one in found
        if one is not None
        and one.state is TokenState.ACTIVE
        and generation(one) == report.tokens[one.id]
    ]


async def tokens_of(tx: Transaction, apple_id: str) -> list[Token]:
    """The tokens in use that this Apple ID (in lower case) downloaded, as far as is told."""
    ids = await tx.watch.of_apple_id(apple_id)
    return [one for one in [await tx.tokens.get(token_id) for token_id in ids] if one is not None]


def _told(report: Report, admins: frozenset[str], owners: frozenset[str]) -> frozenset[str]:
    """Who is told directly, besides the channel."""
    match report.kind:
        case ReportKind.PASSWORD | ReportKind.ENTRA_PASSWORD:
            return owners
        case ReportKind.DEACTIVATED:
            return admins
        case ReportKind.LEAVES | ReportKind.ENTRA_DISABLED | ReportKind.ENTRA_DELETED:
            return admins | owners
        case ReportKind.ENTRA_NOBODY:
            return frozenset()
        case _:
            assert_never(report.kind)


def generation(token: Token) -> str:
    """What changes when a token is renewed."""
    return token.expires_at.isoformat() if token.expires_at else ""


async def _owned(tx: Transaction, person: str) -> list[Token]:
    found = [await tx.tokens.get(token_id) for token_id in await tx.watch.owned_by(person)]
    return [one for one in found if one is not None]


def _is_of(token: Token, apple_id: str) -> bool:
    """Whether Apple or we say that it is that Apple ID's; capitals make no difference."""
    ids = {one.casefold() for one in (token.apple_id, token.admin_id) if one}
    return token.state is TokenState.ACTIVE and apple_id in ids


def _deed(report: Report, token: Token) -> Deed:
    # A leaver's name is not told beside the day.
    by_day = {"needed_by": report.leaves_on.isoformat()} if report.leaves_on else {}
    apple_id = {} if report.kind in ABOUT_OWNERS else {"apple_id": report.subject}
    return Deed(
        actor=report.reporter,
        action=f"report.{report.kind.value}",
        subject=f"report:{report.id}",
        token_id=token.id,
        origin=report.dedupe_key,
        after={**by_day, **apple_id},
    )

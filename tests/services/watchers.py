"""The watch's services over one database, at a moved time, without Slack and Apple."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.alerts import Alerts
from services.answers import Answers
from services.audit import AuditLog
from services.calendar import Calendar
from services.digest import Digest
from services.errors import UpstreamError
from services.escalations import Escalations
from services.health import HealthWatch
from services.notices import Channels
from services.owners import Owners
from services.programs import AccountDetail, Holding, Program
from services.reminders import Plan, Reminders
from services.reports import Reports
from services.watch_notices import WatchNotices
from storage.database import Database
from storage.records import OutboxItem, Token
from storage.states import Health, NoticeKind, ProgramName, TokenState
from storage.watch_records import Reminder
from tests.services.office import ALERTS, APPROVALS, KEYS
from tests.services.ports import Listing, MovedClock, Workplace
from tests.storage import facts

DAYS = (60, 30, 14, 7, 3, 1, 0)
BERLIN = ZoneInfo("Europe/Berlin")


class Holder(Listing):
    """The port `Program`, for health alone: says of each token what it is told to say."""

    def __init__(self) -> None:
        super().__init__()
        self.says: dict[str, Health | Exception | None] = {}
        self.asked: list[str] = []

    async def read(self, token: Token) -> Holding:
        self.asked.append(token.id)
        said = self.says.get(token.id, Health.OK)
        if isinstance(said, Exception):
            raise said
        account = AccountDetail(
            server_uuid=token.server_uuid,
            server_name=token.server_name,
            org_id=None,
            org_id_hash=None,
            org_name=token.org_name,
            admin_id="admin@schools.example",
        )
        return Holding(
            health=said,
            evidence=f"/account: {said}",
            account=account if said is Health.OK else None,
            expires_at=token.expires_at,
            devices=None,
        )


class Switchboard:
    """The port `Accounts`: who is switched off, and whether Slack tells."""

    def __init__(self) -> None:
        self.off: set[str] = set()
        self.silent: set[str] = set()

    async def deactivated(self, person: str) -> bool:
        if person in self.silent:
            raise UpstreamError("users.info: timeout", system="Slack", retryable=True)
        return person in self.off


class Watchers:
    """One process's watch."""

    def __init__(
        self,
        database: Database,
        *,
        now: datetime,
        zone: ZoneInfo = BERLIN,
        days: tuple[int, ...] = DAYS,
        starts: time = time(9),
    ) -> None:
        self.database = database
        self.clock = MovedClock()
        self.clock.time = now
        self.people = Workplace()
        self.holder = Holder()
        self.accounts = Switchboard()
        self.calendar = Calendar(zone=zone, starts=starts)
        self.notices = WatchNotices(Channels(alert=ALERTS, approval=APPROVALS))
        audit = AuditLog(KEYS, self.clock)
        common: dict[str, Any] = {"database": database, "clock": self.clock}
        people: dict[str, Any] = {**common, "people": self.people, "notices": self.notices}
        self.reminders = Reminders(
            **common, notices=self.notices, plan=Plan(days=days, calendar=self.calendar)
        )
        self.escalations = Escalations(**people)
        self.answers = Answers(**people, audit=audit, calendar=self.calendar)
        programs: dict[ProgramName, Program] = {ProgramName.APPLE: self.holder}
        self.health = HealthWatch(
            **common,
            people=self.people,
            programs=programs,
            audit=audit,
            every=timedelta(hours=6),
        )
        self.alerts = Alerts(**common, notices=self.notices)
        self.reports = Reports(**people, audit=audit, calendar=self.calendar)
        self.owners = Owners(
            **people,
            accounts=self.accounts,
            reports=self.reports,
            audit=audit,
            calendar=self.calendar,
        )
        self.digest = Digest(**people, calendar=self.calendar)

    async def tick(self, now: datetime | None = None) -> None:
        """Everything that one tick runs."""
        if now is not None:
            self.clock.time = now
        await self.reminders.run_due()
        await self.digest.run_due()
        await self.health.run_due()
        await self.alerts.run_due()
        await self.reports.run_due()
        await self.owners.run_due()
        await self.escalations.run_due()

    async def token(self, name: str = "HQ", *, ends: datetime | None, **more: Any) -> Token:  # noqa: ANN401 - any field
        """An active token that ends then."""
        known = {"state": TokenState.ACTIVE, "health": Health.OK, "expires_at": ends}
        token = facts.token(name, **(known | more))
        async with self.database.write() as tx:
            await tx.tokens.add(token)
        return token

    async def change(self, token: Token, **changes: object) -> None:
        """Something else changes the token, and tells nobody."""
        async with self.database.write() as tx:
            await tx.tokens.change(tx.tokens.table.c.id == token.id, **changes)

    async def now(self, token: Token) -> Token:
        """The token as it is now."""
        async with self.database.read() as tx:
            found = await tx.tokens.get(token.id)
        assert found is not None
        return found

    async def rungs(self, token: Token) -> list[Reminder]:
        """Every rung of the token."""
        async with self.database.read() as tx:
            table = tx.reminders.table.c
            query = tx.reminders.select(table.token_id == token.id)
            return await tx.reminders.all(query.order_by(table.expires_at, table.rung.desc()))

    async def said(self, kind: NoticeKind, *, edits: bool = False) -> list[OutboxItem]:
        """The messages of a kind: those that are new, or those that edit."""
        items = await facts.outbox(self.database)
        return [one for one in items if one.kind is kind and (one.edits is not None) == edits]

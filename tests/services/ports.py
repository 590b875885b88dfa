"""What stands behind the ports in these tests: time, people, files, Slack, and a holder."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.errands import Brought, Errand, Offer
from services.errors import UpstreamError
from services.policy import Actor, Role
from services.posting import Finding, Outcome, Posted, Untold
from services.programs import (
    Beginning,
    Counts,
    DevicePage,
    Holding,
    Keep,
    KeepPage,
    Proof,
    SyncEnd,
    SyncStart,
    TakenBack,
)
from storage.records import Device, OutboxItem, Token
from storage.states import ProgramName

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

OPERATOR = "U0OPERATOR"
OWNER = "U0OWNER"
APPROVER = "U0APPROVER"
SECOND = "U0SECOND"
ADMIN = "U0ADMIN"
STRANGER = "U0STRANGER"


class MovedClock:
    """A calendar that moves when it is told to."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def pass_time(self, span: timedelta) -> None:
        self.time += span


@dataclass
class Workplace:
    """The port `People`: who has which role, and whether Slack tells."""

    roles: dict[Role, set[str]] = field(
        default_factory=lambda: {
            Role.VIEWER: {OPERATOR},
            Role.OPERATOR: {OPERATOR},
            Role.APPROVER: {APPROVER, SECOND},
            Role.ADMIN: {ADMIN},
        }
    )
    outsiders: set[str] = field(default_factory=set)
    silent: bool = False
    looked_up: list[tuple[str, bool]] = field(default_factory=list)
    """Each person asked for, and whether the look-up was to be fresh."""

    async def actor(self, person: str, *, fresh: bool) -> Actor:
        self.looked_up.append((person, fresh))
        await self._answer()
        has = frozenset(role for role, holders in self.roles.items() if person in holders)
        member = person not in self.outsiders
        return Actor(id=person, member=member, roles=has if member else frozenset())

    async def holders(self, role: Role, *, fresh: bool) -> frozenset[str]:  # noqa: ARG002 - the port's signature
        await self._answer()
        return frozenset(self.roles[role] - self.outsiders)

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.silent:
            raise UpstreamError("users.info: timeout", system="Slack", retryable=True)


class Drawer:
    """The port `FileSource`: files by id, or the error that fetching them raises."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Exception] = {}
        self.fetched: list[str] = []

    async def fetch(self, file_id: str) -> bytes:
        self.fetched.append(file_id)
        await asyncio.sleep(0)
        found = self.files[file_id]
        if isinstance(found, Exception):
            raise found
        return found


class Pinboard:
    """The port `Notifier`: keeps what is posted, and answers as it is told to."""

    def __init__(self) -> None:
        self.posted: list[tuple[OutboxItem, OutboxItem | None]] = []
        self.answers: dict[str, list[Outcome]] = {}
        """What a destination answers next; without any, it takes the message."""
        self.findings: dict[str, list[Finding]] = {}
        """What a look at a destination tells next; without any, it tells nothing."""
        self.sought: list[tuple[OutboxItem, OutboxItem | None]] = []

    async def post(self, item: OutboxItem, original: OutboxItem | None) -> Outcome:
        await asyncio.sleep(0)
        self.posted.append((item, original))
        waiting = self.answers.get(item.destination)
        if waiting:
            return waiting.pop(0)
        return Posted(channel=item.destination, ts=f"{len(self.posted)}.0")

    async def find(self, item: OutboxItem, original: OutboxItem | None) -> Finding:
        await asyncio.sleep(0)
        self.sought.append((item, original))
        waiting = self.findings.get(item.destination)
        return waiting.pop(0) if waiting else Untold(why="no scope to look")


class Listing:
    """The port `Program`, for syncs alone: hands out pages, doing things between them."""

    name = ProgramName.APPLE

    def __init__(self, *pages: Sequence[Device]) -> None:
        self.pages = list(pages)
        self.end = SyncEnd.COMPLETE
        self.trouble: Exception | None = None
        """Raised after the pages."""
        self.cursors = False
        self.starts: list[SyncStart] = []
        self.between: list[asyncio.Event] = []
        """Set after the first page, then waited for, one after the other."""

    async def sync(self, token: Token, start: SyncStart, keep_page: KeepPage) -> SyncEnd:  # noqa: ARG002 - the port's signature
        self.starts.append(start)
        for number, page in enumerate(self.pages):
            # A holder without cursors: everything is listed each time.
            cursor = f"cursor-{number}" if self.cursors else None
            await keep_page(DevicePage(devices=page, cursor=cursor))
            if self.between:
                reached, go_on = self.between
                reached.set()
                await go_on.wait()
        if self.trouble is not None:
            raise self.trouble
        return self.end

    async def offer(self, token: Token | None) -> Offer:
        raise NotImplementedError(token)

    async def begin(self, token: Token, errand: Errand) -> Beginning:
        raise NotImplementedError(token, errand)

    async def check(self, token: Token, file: bytes, errand: Errand) -> str:
        raise NotImplementedError(token, file, errand)

    async def prove(self, token: Token, brought: Brought, errand: Errand) -> Proof:
        raise NotImplementedError(token, brought, errand)

    async def take_back(self, tell: TakenBack) -> None:
        """Nothing is begun."""

    async def count(self, token: Token) -> Counts:
        raise NotImplementedError(token)

    async def remove_devices(self, token: Token, *, done: bool = False) -> Keep:
        raise NotImplementedError(token, done)

    async def read(self, token: Token) -> Holding:
        raise NotImplementedError(token)

    async def devices(self, token: Token, serial_numbers: Sequence[str]) -> Sequence[Device]:
        raise NotImplementedError(token, serial_numbers)

    async def withdraw(self, token: Token, *, done: bool = False) -> Keep:
        raise NotImplementedError(token, done)

"""Apple's other credentials in Intune are reminded of like tokens, and nothing is changed there."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.audit import AuditLog
from services.calendar import Calendar
from services.connector_answers import ConnectorAnswers
from services.connectors import Connectors
from services.errors import Invalid, NotAllowed, NotFound, Refused
from services.graph.entra import Application, ClientSecret, Entra
from services.graph.exchange import graph_http
from services.graph.http import Graph, Patience
from services.graph.intune import Intune
from services.notices import Channels
from services.reminders import Plan
from services.watch_notices import WatchNotices
from storage.connector_records import Connector, ConnectorKind
from storage.database import Database
from storage.records import OutboxItem
from storage.states import AnswerKind, NoticeKind
from tests.sandbox.apple import faults
from tests.sandbox.graph.applications import READ, WRITE
from tests.sandbox.graph.service import GraphServer
from tests.services.office import ALERTS, APPROVALS, KEYS
from tests.services.ports import APPROVER, OPERATOR, SECOND, STRANGER, MovedClock, Workplace
from tests.storage import facts as rows

NOW = datetime(2027, 1, 13, 12, 0, tzinfo=UTC)
"""A Wednesday."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PUSH = "/beta/deviceManagement/applePushNotificationCertificate"
CONTENT = "/beta/deviceAppManagement/vppTokens"
CALENDAR = Calendar(zone=ZoneInfo("Europe/Berlin"), starts=time(9))


class Reminded:
    """The reminders of one process, and the tenant that it looks at."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovedClock()
        self.clock.time = NOW
        self.microsoft = GraphServer(clock=self.clock.now)
        self.tenant = self.microsoft.add_tenant()
        self.application = self.tenant.add_application(roles=(READ, WRITE))
        self.people = Workplace()
        self.notices = WatchNotices(Channels(alert=ALERTS, approval=APPROVALS))
        self.audit = AuditLog(KEYS, self.clock)
        self.intune: Intune
        self.connectors: Connectors
        self.answers = ConnectorAnswers(
            database=database,
            people=self.people,
            audit=self.audit,
            notices=self.notices,
            calendar=CALENDAR,
            clock=self.clock,
        )

    def start(self, *days: int) -> None:
        """Begin as a new process does, with a plan."""
        self.connectors = Connectors(
            database=self.database,
            intune=self.intune,
            people=self.people,
            audit=self.audit,
            notices=self.notices,
            plan=Plan(days=days or (60, 30, 14, 7, 3, 1, 0), calendar=CALENDAR),
            clock=self.clock,
            every=6 * HOUR,
        )

    async def tick(self, later: timedelta = timedelta()) -> None:
        self.clock.pass_time(later)
        await self.connectors.run_due()

    async def live(self, days: int, step: timedelta = 6 * HOUR) -> list[date]:
        """Let so many days pass; on which of them something new was said in the channel."""
        said_on: list[date] = []
        for _ in range(int(days * DAY / step)):
            before = len(await self.said())
            await self.tick(step)
            if len(await self.said()) > before:
                said_on.append(CALENDAR.day(self.clock.now()))
        return said_on

    async def said(self, *, to: str = ALERTS, edits: bool = False) -> list[OutboxItem]:
        items = await rows.outbox(self.database)
        return [
            one
            for one in items
            if one.kind is NoticeKind.CONNECTOR
            and one.destination == to
            and (one.edits is not None) == edits
        ]

    async def only(self) -> Connector:
        async with self.database.read() as tx:
            (one,) = await tx.connectors.known()
        return one


@pytest.fixture
async def reminded(database: Database) -> AsyncIterator[Reminded]:
    made = Reminded(database)
    secret = made.application.add_secret(NOW + 1000 * DAY)
    async with made.microsoft.serve() as origin, graph_http(origin) as http:
        signed = Application(
            tenant_id=made.tenant.id,
            client_id=made.application.client_id,
            credential=ClientSecret(value=secret),
            resource=origin,
        )
        patience = Patience(waits=1, first_wait=0.01)
        made.intune = Intune(Graph(http, Entra(http, signed), patience=patience))
        made.start()
        yield made
        assert {one.method for one in made.microsoft.calls(PUSH)} <= {"GET"}
        assert {one.method for one in made.microsoft.calls(CONTENT)} <= {"GET"}


async def test_a_tenant_without_any_is_left_alone(reminded: Reminded) -> None:
    await reminded.tick()
    async with reminded.database.read() as tx:
        assert await tx.connectors.known() == []


async def test_the_push_certificate_is_reminded_of_on_each_rung_and_daily_after_its_end(
    reminded: Reminded,
) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=62)
    await reminded.tick()
    assert await reminded.said() == []
    end = CALENDAR.day(NOW + 62 * DAY)
    days = [(end - one).days for one in await reminded.live(66)]
    # The end is a Tuesday: the third day before it is a Saturday, and is said the Friday before.
    assert days == [60, 32, 14, 7, 4, 1, 0, -1, -2, -3, -4]
    one = await reminded.only()
    assert (one.kind, one.apple_id) == (ConnectorKind.PUSH_CERTIFICATE, "push@schools.example")


async def test_what_ends_soon_when_it_is_found_is_said_at_once_and_once(
    reminded: Reminded,
) -> None:
    reminded.tenant.add_content_token("Books", days=5)
    await reminded.tick()
    await reminded.tick(HOUR)
    assert len(await reminded.said()) == 1


async def test_after_weeks_switched_off_there_is_one_reminder(reminded: Reminded) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=62)
    await reminded.tick()
    reminded.start()
    await reminded.tick(50 * DAY)
    await reminded.tick(HOUR)
    assert len(await reminded.said()) == 1


async def test_a_renewal_turns_the_warnings_green_and_begins_anew(reminded: Reminded) -> None:
    certificate = reminded.tenant.set_push_certificate("push@schools.example", days=14)
    await reminded.tick()
    before = await reminded.only()
    certificate.expires_at = NOW + 365 * DAY
    await reminded.tick(7 * HOUR)
    after = await reminded.only()
    assert (after.id, after.expires_at) == (before.id, NOW + 365 * DAY)
    assert after.generation != before.generation
    (edit,) = await reminded.said(edits=True)
    assert edit.subject_id == before.generation
    assert await reminded.live(30) == []


async def test_one_that_is_gone_turns_green_and_is_not_reminded_of(reminded: Reminded) -> None:
    token = reminded.tenant.add_content_token("Books", days=5)
    await reminded.tick()
    del reminded.tenant.content_tokens[token.id]
    await reminded.tick(7 * HOUR)
    assert (await reminded.only()).gone_at is not None
    assert len(await reminded.said(edits=True)) == 1
    assert await reminded.live(10) == []


@pytest.mark.parametrize(
    "fault", [faults.status(403), faults.throttled(None), faults.half_json(), faults.reset()]
)
async def test_what_intune_does_not_tell_changes_nothing(
    reminded: Reminded, fault: faults.Fault, caplog: pytest.LogCaptureFixture
) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=200)
    reminded.tenant.add_content_token("Books", days=200)
    await reminded.tick()
    reminded.microsoft.faults.next(PUSH, fault, times=99)
    reminded.tenant.add_content_token("Apps", days=200)
    await reminded.tick(7 * HOUR)
    async with reminded.database.read() as tx:
        known = await tx.connectors.known()
    assert len(known) == 3
    assert all(one.gone_at is None for one in known)
    assert "connectors_unknown" in caplog.text


async def test_nobody_answers_and_the_approvers_are_told_in_the_last_week(
    reminded: Reminded,
) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=6)
    await reminded.tick()
    await reminded.tick(23 * HOUR)
    assert await reminded.said(to=APPROVER) == []
    await reminded.tick(2 * HOUR)
    await reminded.tick(HOUR)
    assert len(await reminded.said(to=APPROVER)) == 1
    assert len(await reminded.said(to=SECOND)) == 1


async def test_before_the_last_week_nobody_else_is_told(reminded: Reminded) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=14)
    await reminded.tick()
    await reminded.live(3)
    assert len(await reminded.said()) == 1
    assert await reminded.said(to=APPROVER) == []


async def test_on_it_is_quiet_for_three_days_and_tells_nobody(reminded: Reminded) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=6)
    await reminded.tick()
    one = await reminded.only()
    await reminded.answers.on_it(OPERATOR, one.id, "click:1")
    await reminded.answers.on_it(OPERATOR, one.id, "click:1")
    assert len(await reminded.said(edits=True)) == 1
    assert [(on - NOW.date()).days for on in await reminded.live(5)] == [4, 5]
    assert await reminded.said(to=APPROVER) == []
    async with reminded.database.read() as tx:
        entries = [one.action for one in await tx.audit.since(0, 100)]
    assert entries == ["connector.find", "connector.on_it"]


async def test_a_snooze_ends_on_its_day_and_never_past_the_last_one(reminded: Reminded) -> None:
    reminded.tenant.add_content_token("Books", days=12)
    await reminded.tick()
    one = await reminded.only()
    named, first, last = await reminded.answers.may_snooze(OPERATOR, one.id)
    assert (named.name, first, last) == ("Books", date(2027, 1, 14), date(2027, 1, 25))
    with pytest.raises(Invalid):
        await reminded.answers.snooze(OPERATOR, one.id, date(2027, 1, 26), "view:1")
    await reminded.answers.snooze(OPERATOR, one.id, date(2027, 1, 21), "view:1")
    assert (await reminded.only()).answer is AnswerKind.SNOOZED
    assert (await reminded.live(9))[0] == date(2027, 1, 21)


async def test_answers_are_for_people_with_a_role_and_about_what_is_there(
    reminded: Reminded,
) -> None:
    token = reminded.tenant.add_content_token("Books", days=0.5)
    await reminded.tick()
    one = await reminded.only()
    with pytest.raises(NotAllowed):
        await reminded.answers.on_it(STRANGER, one.id, "click:1")
    with pytest.raises(Refused, match="too soon"):
        await reminded.answers.may_snooze(OPERATOR, one.id)
    del reminded.tenant.content_tokens[token.id]
    await reminded.tick(7 * HOUR)
    with pytest.raises(NotFound):
        await reminded.answers.on_it(OPERATOR, one.id, "click:2")


async def test_a_changed_plan_counts_from_the_next_start(reminded: Reminded) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=200)
    await reminded.tick()
    reminded.start(190)
    await reminded.tick(HOUR)
    due_at = (await reminded.only()).due_at
    assert due_at is not None
    assert (CALENDAR.day(NOW + 200 * DAY) - CALENDAR.day(due_at)).days in {190, 191, 192}


async def test_a_clock_that_was_set_back_goes_on_from_there(reminded: Reminded) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=20)
    reminded.clock.pass_time(400 * DAY)
    await reminded.tick()
    reminded.clock.pass_time(-400 * DAY)
    reminded.start()
    await reminded.tick()
    days = [(CALENDAR.day(NOW + 20 * DAY) - one).days for one in await reminded.live(20)]
    assert days[0] == 14


async def test_two_processes_remind_once(reminded: Reminded) -> None:
    reminded.tenant.set_push_certificate("push@schools.example", days=5)
    await reminded.tick()
    first = reminded.connectors
    reminded.start()
    reminded.clock.pass_time(3 * DAY)
    await first.run_due()
    await reminded.connectors.run_due()
    assert len(await reminded.said()) == 2

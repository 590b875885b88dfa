"""What Entra says of Apple IDs is said once, and where it says nothing nothing is said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.entra_watch import Entra, EntraWatch
from services.graph.entra import Application, ClientSecret
from services.graph.entra import Entra as Login
from services.graph.exchange import graph_http
from services.graph.http import Graph, Patience
from services.graph.intune import Intune
from services.graph.users import EntraUsers
from storage.database import Database
from storage.entra_records import EntraAccount, EntraStanding
from storage.records import OutboxItem, Token
from storage.states import (
    Action,
    NoticeKind,
    ProgramName,
    ReportKind,
    ReportState,
    RequestState,
    TokenState,
)
from storage.watch_records import Report
from tests.sandbox.apple import faults
from tests.sandbox.graph.applications import READ
from tests.sandbox.graph.people import DirectoryUser
from tests.sandbox.graph.service import GraphServer
from tests.sandbox.graph.tenant import Tenant
from tests.services.ports import ADMIN, OPERATOR, OWNER
from tests.services.watchers import Watchers
from tests.storage import facts as rows

NOW = datetime(2027, 1, 13, 12, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
YEAR = 300 * DAY
APPLE_ID = "it-admin@schools.example"


class Watched:
    """The watch with Entra in it, and the tenant that it asks."""

    def __init__(self, watch: Watchers, microsoft: GraphServer) -> None:
        self.watch = watch
        self.microsoft = microsoft
        self.tenant = microsoft.add_tenant()
        self.entra: EntraWatch

    @asynccontextmanager
    async def asking(self, tenant: Tenant, origin: str, *roles: str) -> AsyncIterator[None]:
        """Ask that tenant from now on."""
        application = tenant.add_application(roles=roles or ("User.Read.All", READ))
        signed = Application(
            tenant_id=tenant.id,
            client_id=application.client_id,
            credential=ClientSecret(value=application.add_secret(NOW + 3 * YEAR)),
            resource=origin,
        )
        async with graph_http(origin) as http:
            patience = Patience(waits=1, first_wait=0.01)
            graph = Graph(http, Login(http, signed), patience=patience)
            self.entra = EntraWatch(
                database=self.watch.database,
                entra=Entra(tenant=tenant.id, directory=EntraUsers(graph), intune=Intune(graph)),
                reports=self.watch.reports,
                clock=self.watch.clock,
            )
            yield

    async def token(self, name: str = "HQ", **more: Any) -> Token:  # noqa: ANN401 - any field
        """A token in use since a request that ended ten days ago."""
        token = await self.watch.token(name, ends=NOW + YEAR, **more)
        await self.uploaded(token, NOW - 10 * DAY)
        return token

    async def uploaded(self, token: Token, at: datetime, action: Action = Action.CREATE) -> None:
        """A request that brought the token's file ended then."""
        done = rows.request(
            token.id, action=action, state=RequestState.COMPLETED, ended_at=at, created_at=at
        )
        async with self.watch.database.write() as tx:
            await tx.requests.add(done)

    def user(self, upn: str = APPLE_ID, *, password: datetime | None = None) -> DirectoryUser:
        """Somebody whose password is older than the token, unless said otherwise."""
        user = self.tenant.add_user("Ida Admin", upn)
        user.password_changed_at = password or NOW - 90 * DAY
        return user

    async def tick(self, later: timedelta = timedelta()) -> None:
        """Let time pass, and everything run that is due."""
        self.watch.clock.pass_time(later)
        await self.entra.run_due()
        await self.watch.reports.run_due()

    async def account(self, apple_id: str = APPLE_ID) -> EntraAccount:
        """What is kept of the Apple ID."""
        async with self.watch.database.read() as tx:
            account = await tx.entra.of(apple_id)
        assert account is not None
        return account

    async def open(self) -> list[Report]:
        """The reports that ask for something."""
        async with self.watch.database.read() as tx:
            return await tx.reports.open()

    async def kinds(self) -> list[ReportKind]:
        """Of which kinds they are."""
        return [one.kind for one in await self.open()]

    async def said(self, *, edits: bool = False) -> list[OutboxItem]:
        """The messages in the channel."""
        return await self.watch.said(NoticeKind.REPORT, edits=edits)

    async def told(self) -> set[str]:
        """Who was told directly."""
        return {one.destination for one in await self.watch.said(NoticeKind.REPORT_DIRECT)}


@pytest.fixture
async def watched(database: Database) -> AsyncIterator[Watched]:
    watch = Watchers(database, now=NOW)
    watched = Watched(watch, GraphServer(clock=watch.clock.now))
    async with (
        watched.microsoft.serve() as origin,
        watched.asking(watched.tenant, origin),
    ):
        yield watched


async def test_an_account_in_order_is_no_finding_and_its_object_id_is_kept(
    watched: Watched,
) -> None:
    user = watched.user()
    await watched.token()
    await watched.tick()
    account = await watched.account()
    assert (account.object_id, account.standing) == (user.id, EntraStanding.ENABLED)
    assert account.due_at == NOW + HOUR
    assert await watched.said() == []


@pytest.mark.parametrize("kind", ["upn", "mail", "proxy", "other"])
async def test_an_apple_id_is_found_among_all_addresses_in_any_case(
    watched: Watched, kind: str
) -> None:
    user = watched.user("ida@contoso.example")
    match kind:
        case "upn":
            user.upn = APPLE_ID
        case "mail":
            user.mail = APPLE_ID
        case "proxy":
            user.proxy_addresses.append(f"smtp:{APPLE_ID}")
        case _:
            user.other_mails.append(APPLE_ID)
    await watched.token(apple_id="IT-Admin@Schools.Example")
    await watched.tick()
    assert (await watched.account()).object_id == user.id
    assert await watched.said() == []


async def test_each_apple_id_is_looked_up_every_hour_and_no_more(watched: Watched) -> None:
    watched.user()
    await watched.token("first")
    await watched.token("second", apple_id="IT-ADMIN@schools.example")
    for _ in range(6):
        await watched.tick(10 * MINUTE)
    assert len(watched.microsoft.calls(f"/v1.0/users/{APPLE_ID}")) == 1
    user_id = (await watched.account()).object_id
    await watched.tick(20 * MINUTE)
    assert len(watched.microsoft.calls(f"/v1.0/users/{user_id}")) == 1


async def test_a_password_newer_than_the_upload_is_said_once_and_only_to_its_owner(
    watched: Watched,
) -> None:
    user = watched.user()
    token = await watched.token()
    await watched.tick()
    user.password_changed_at = NOW - DAY
    for _ in range(30):
        await watched.tick(HOUR)
    (report,) = await watched.open()
    assert (report.kind, set(report.tokens)) == (ReportKind.ENTRA_PASSWORD, {token.id})
    assert len(await watched.said()) == 1
    assert await watched.told() == {OWNER}


async def test_a_password_older_than_the_upload_is_fine(watched: Watched) -> None:
    watched.user(password=NOW - 11 * DAY)
    await watched.token()
    await watched.tick()
    assert await watched.open() == []


async def test_a_renewal_ends_the_finding_in_its_place(watched: Watched) -> None:
    watched.user(password=NOW - DAY)
    token = await watched.token()
    await watched.tick()
    await watched.watch.change(token, expires_at=NOW + 2 * YEAR)
    await watched.uploaded(token, NOW, Action.RENEW)
    for _ in range(3):
        await watched.tick(HOUR)
    assert await watched.open() == []
    assert len(await watched.said()) == 1
    assert len(await watched.said(edits=True)) == 1


async def test_what_a_person_reported_is_not_said_again(watched: Watched) -> None:
    watched.user(password=NOW - DAY)
    await watched.token()
    await watched.watch.reports.password_changed(OPERATOR, APPLE_ID, "view:1")
    await watched.tick()
    assert await watched.kinds() == [ReportKind.PASSWORD]


async def test_a_token_that_intune_holds_counts_from_its_last_change_there(
    watched: Watched,
) -> None:
    watched.user(password=NOW - 20 * DAY)
    held = watched.tenant.add_token("Held", apple_id=APPLE_ID)
    held.modified_at = NOW - 5 * DAY
    token = await watched.watch.token(
        "Held", ends=held.expires_at, program=ProgramName.INTUNE, holder_id=held.id
    )
    await watched.uploaded(token, NOW - 40 * DAY)
    await watched.tick()
    assert await watched.open() == []
    held.modified_at = NOW - 30 * DAY
    await watched.tick(HOUR)
    (report,) = await watched.open()
    assert set(report.tokens) == {token.id}


async def test_a_token_of_whose_upload_nobody_knows_is_not_suspected(watched: Watched) -> None:
    watched.user(password=NOW)
    await watched.watch.token("Unknown", ends=NOW + YEAR)
    await watched.tick()
    assert await watched.open() == []


async def test_a_disabled_account_is_told_to_admins_and_owner_and_cleared(
    watched: Watched,
) -> None:
    user = watched.user()
    await watched.token()
    user.enabled = False
    for _ in range(3):
        await watched.tick(HOUR)
    assert await watched.kinds() == [ReportKind.ENTRA_DISABLED]
    assert len(await watched.said()) == 1
    assert await watched.told() == {ADMIN, OWNER}
    user.enabled = True
    await watched.tick(HOUR)
    await watched.tick(HOUR)
    assert await watched.open() == []
    assert len(await watched.said(edits=True)) == 1
    user.enabled = False
    await watched.tick(HOUR)
    assert len(await watched.said()) == 2


async def test_a_deleted_account_is_known_by_its_object_id_until_it_is_gone_for_good(
    watched: Watched,
) -> None:
    user = watched.user()
    await watched.token()
    await watched.tick()
    watched.tenant.delete_user(user)
    await watched.tick(HOUR)
    account = await watched.account()
    assert (account.standing, account.deleted_at) == (EntraStanding.DELETED, user.deleted_at)
    assert await watched.kinds() == [ReportKind.ENTRA_DELETED]
    del watched.tenant.deleted_users[user.id]
    await watched.tick(HOUR)
    await watched.tick(HOUR)
    assert (await watched.account()).standing is EntraStanding.GONE
    assert await watched.kinds() == [ReportKind.ENTRA_DELETED]
    assert len(await watched.said()) == 1
    assert len(await watched.said(edits=True)) == 1


async def test_an_account_made_anew_under_the_same_address_ends_it(watched: Watched) -> None:
    user = watched.user()
    await watched.token()
    await watched.tick()
    watched.tenant.delete_user(user)
    await watched.tick(HOUR)
    again = watched.user()
    await watched.tick(HOUR)
    assert (await watched.account()).object_id == again.id
    assert await watched.open() == []


async def test_an_apple_id_of_nobody_is_said_once_in_the_channel_alone(watched: Watched) -> None:
    await watched.token("first")
    await watched.token("second")
    for _ in range(30):
        await watched.tick(HOUR)
    assert await watched.kinds() == [ReportKind.ENTRA_NOBODY]
    assert len(await watched.said()) == 1
    assert await watched.told() == set()
    watched.user()
    await watched.tick(HOUR)
    assert await watched.open() == []


async def test_the_apple_id_that_apple_names_is_the_one_that_counts(watched: Watched) -> None:
    user = watched.user("real@schools.example")
    await watched.token(admin_id="Real@schools.example")
    await watched.tick()
    assert (await watched.account("real@schools.example")).object_id == user.id
    assert await watched.said() == []


async def test_another_tenant_is_not_asked_for_an_object_id_of_the_first(
    watched: Watched,
) -> None:
    watched.user()
    await watched.token()
    await watched.tick()
    other = watched.microsoft.add_tenant("Fabrikam")
    theirs = other.add_user("Ida Admin", APPLE_ID)
    theirs.password_changed_at = NOW - 90 * DAY
    async with (
        watched.microsoft.serve() as origin,
        watched.asking(other, origin),
    ):
        await watched.tick(HOUR)
        account = await watched.account()
        assert (account.object_id, account.tenant) == (theirs.id, other.id)
        assert await watched.open() == []
    third = watched.microsoft.add_tenant("Tailspin")
    async with (
        watched.microsoft.serve() as origin,
        watched.asking(third, origin),
    ):
        await watched.tick(HOUR)
    # Nobody was deleted: this tenant never had them.
    assert await watched.kinds() == [ReportKind.ENTRA_NOBODY]


NO_ANSWERS = {
    "403": faults.status(403, '{"error":{"code":"Authorization_RequestDenied"}}'),
    "429 without Retry-After": faults.throttled(None),
    "500": faults.status(500),
    "404 of a proxy": faults.html_page(404),
    "half an answer": faults.half_json(),
    "nothing": faults.reset(),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_no_answer_is_no_finding_is_logged_and_ends_no_finding(
    watched: Watched, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    user = watched.user()
    await watched.token()
    user.enabled = False
    await watched.tick()
    known = await watched.account()
    for path in (f"/{user.id}", f"/{APPLE_ID}", ""):
        watched.microsoft.faults.next(f"/v1.0/users{path}", NO_ANSWERS[name], times=99)
    for _ in range(3):
        await watched.tick(HOUR)
    assert await watched.kinds() == [ReportKind.ENTRA_DISABLED]
    assert (await watched.account()).looked_at == known.looked_at
    assert [one.message for one in caplog.records].count("entra_unknown") == 3
    assert len(await watched.said()) == 1


async def test_what_entra_leaves_out_is_taken_for_nothing(watched: Watched) -> None:
    user = watched.user(password=NOW - DAY)
    user.enabled = False
    await watched.token()
    left_out = faults.without("accountEnabled", "lastPasswordChangeDateTime")
    watched.microsoft.faults.next(f"/v1.0/users/{APPLE_ID}", left_out)
    await watched.tick()
    assert (await watched.account()).standing is EntraStanding.ENABLED
    assert await watched.open() == []


async def test_without_the_permission_nobody_is_suspected(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    await watched.token()
    async with (
        watched.microsoft.serve() as origin,
        watched.asking(watched.tenant, origin, READ),
    ):
        await watched.tick()
        await watched.tick(HOUR)
    assert (await watched.account()).standing is EntraStanding.UNKNOWN
    assert await watched.said() == []
    errors = [str(vars(one)["error"]) for one in caplog.records]
    assert all("HTTP 403" in one and "request-id" in one for one in errors)


async def test_one_silence_puts_all_apple_ids_off_and_does_not_hammer(watched: Watched) -> None:
    for number in range(20):
        await watched.token(f"token {number}", apple_id=f"it-{number}@schools.example")
    watched.tenant.knobs.throttle(1000)
    for _ in range(10):
        await watched.tick(MINUTE)
    # One call, and the one wait that a call has patience for.
    assert len(watched.microsoft.requests) <= 4
    watched.tenant.knobs.throttle(0)
    await watched.tick(20 * MINUTE)
    assert len(await watched.said()) == 20


async def test_a_token_that_is_gone_ends_its_findings_and_the_look_ups(watched: Watched) -> None:
    token = await watched.token()
    await watched.tick()
    await watched.watch.change(token, state=TokenState.DELETED)
    await watched.tick(2 * MINUTE)
    async with watched.watch.database.read() as tx:
        assert await tx.entra.of(APPLE_ID) is None
        reports = await tx.reports.all(tx.reports.select())
    assert [one.state for one in reports] == [ReportState.ENDED]


async def test_a_clock_that_was_set_back_does_not_end_the_look_ups(watched: Watched) -> None:
    watched.user()
    await watched.token()
    watched.watch.clock.pass_time(400 * DAY)
    await watched.tick()
    watched.watch.clock.pass_time(-400 * DAY)
    await watched.tick()
    assert (await watched.account()).due_at == NOW + HOUR


async def test_two_processes_look_up_and_say_once(
    watched: Watched, second_database: Database
) -> None:
    await watched.token()
    other = EntraWatch(
        database=second_database,
        entra=watched.entra.entra,
        reports=watched.watch.reports,
        clock=watched.watch.clock,
    )
    await other.run_due()
    await watched.tick()
    assert len(await watched.said()) == 1
    assert len(watched.microsoft.calls(f"/v1.0/users/{APPLE_ID}")) == 1

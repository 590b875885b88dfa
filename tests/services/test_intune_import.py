"""Import: what Intune has is here by itself, and what people do there meanwhile is followed."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from services.graph.imports import AGAIN, EVERY, Imports
from services.graph.intune import SETTINGS
from storage.database import Database
from storage.records import OutboxItem, Request, Token
from storage.states import (
    Action,
    Evidence,
    Health,
    NoticeKind,
    Portal,
    ProgramName,
    RequestState,
    TokenState,
)
from tests.sandbox.apple import faults
from tests.sandbox.graph.tenant import Tenant
from tests.services.microsoft import Microsoft, microsoft
from tests.services.office import Office
from tests.services.ports import OPERATOR
from tests.storage import facts

log = logging.getLogger(__name__)

DAY = timedelta(days=1)


@dataclass
class Tenancy:
    """An office that may look at a tenant's Intune."""

    office: Office
    microsoft: Microsoft
    imports: Imports

    @property
    def tenant(self) -> Tenant:
        return self.microsoft.tenant

    async def look(self) -> None:
        """The next look at Intune's list, when it is due."""
        self.office.clock.pass_time(EVERY)
        await self.imports.run_due()

    async def tokens(self) -> dict[str, Token]:
        """The living tokens by name."""
        async with self.office.database.read() as tx:
            return {one.name: one for one in await tx.tokens.living()}

    async def only(self) -> Token:
        """The one living token."""
        (token,) = (await self.tokens()).values()
        return token

    async def actions(self) -> list[str]:
        return [one.action for one in await self.office.entries()]

    async def news(self) -> list[OutboxItem]:
        return await self.office.outbox(NoticeKind.HOLDER_NEWS)


@pytest.fixture
async def tenancy(office: Office) -> AsyncIterator[Tenancy]:
    async with microsoft(clock=office.clock.now) as there:
        yield Tenancy(office=office, microsoft=there, imports=importing(office, there))


def importing(office: Office, there: Microsoft) -> Imports:
    return Imports(
        database=office.database,
        intune=there.intune,
        audit=office.audit,
        notices=office.notices,
        clock=office.clock,
        every=timedelta(hours=12),
    )


async def test_a_token_in_intune_appears_at_the_start_and_nobody_answers_for_it(
    tenancy: Tenancy,
) -> None:
    entry = tenancy.tenant.add_token("HQ iPads", apple_id="it@contoso.example", days=100)
    tenancy.tenant.add_configurator()
    await tenancy.imports.run_due()
    token = await tenancy.only()
    assert (token.name, token.owner, token.state) == ("HQ iPads", "", TokenState.ACTIVE)
    assert (token.program, token.holder_id) == (ProgramName.INTUNE, entry.id)
    assert (token.expires_at, token.apple_id) == (entry.expires_at, "it@contoso.example")
    assert (token.health, token.portal) == (Health.OK, Portal.BUSINESS)
    (entry_of_log,) = await tenancy.office.entries()
    assert (entry_of_log.action, entry_of_log.actor) == ("token.import", "enroll-token")
    (said,) = await tenancy.news()
    assert said.facts == {"imported": token.id, "imported_count": "1"}


async def test_a_second_look_changes_nothing(tenancy: Tenancy) -> None:
    tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    before = await tenancy.tokens()
    await tenancy.look()
    assert await tenancy.tokens() == before
    assert len(await tenancy.office.entries()) == 1
    assert len(await tenancy.news()) == 1


async def test_it_looks_when_it_is_due_and_not_before(tenancy: Tenancy) -> None:
    await tenancy.imports.run_due()
    asked = len(tenancy.microsoft.server.requests)
    tenancy.office.clock.pass_time(EVERY - timedelta(seconds=1))
    await tenancy.imports.run_due()
    assert len(tenancy.microsoft.server.requests) == asked
    tenancy.office.clock.pass_time(timedelta(seconds=1))
    await tenancy.imports.run_due()
    assert len(tenancy.microsoft.server.requests) > asked


async def test_two_processes_import_a_token_once(tenancy: Tenancy, second_office: Office) -> None:
    tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    await importing(second_office, tenancy.microsoft).run_due()
    assert len(await tenancy.tokens()) == 1


async def test_names_are_made_unique_without_regard_to_case(tenancy: Tenancy) -> None:
    for name in ("HQ iPads", "hq ipads", "HQ iPads"):
        tenancy.tenant.add_token(name)
    await tenancy.imports.run_due()
    names = set(await tenancy.tokens())
    assert {one.casefold() for one in names} == {"hq ipads", "hq ipads (2)", "hq ipads (3)"}
    await tenancy.look()
    assert set(await tenancy.tokens()) == names


async def test_a_name_that_could_not_be_typed_gets_one_that_can(tenancy: Tenancy) -> None:
    for name in ("", "\u202e\u200b", "🙂", "x" * 300, "  Berlin\n\tlab "):
        tenancy.tenant.add_token(name)
    await tenancy.imports.run_due()
    names = list(await tenancy.tokens())
    assert len(names) == 5
    assert "x" * 80 in names
    assert "Berlin lab" in names
    assert sum(name.startswith("Intune token ") for name in names) == 3


async def test_a_renamed_token_is_followed(tenancy: Tenancy) -> None:
    entry = tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    tenancy.tenant.portal.rename(entry, "Head office")
    await tenancy.look()
    assert (await tenancy.only()).name == "Head office"
    assert (await tenancy.office.entries())[-1].before == {"name": "HQ iPads"}


async def test_a_numbered_token_takes_the_free_name_only_when_it_is_renamed(
    tenancy: Tenancy,
) -> None:
    first = tenancy.tenant.add_token("HQ")
    second = tenancy.tenant.add_token("HQ")
    await tenancy.imports.run_due()
    by_id = {one.holder_id: one.name for one in (await tenancy.tokens()).values()}
    plain = first if by_id[first.id] == "HQ" else second
    numbered = second if plain is first else first
    tenancy.tenant.portal.rename(plain, "Other")
    await tenancy.look()
    assert set(await tenancy.tokens()) == {"Other", "HQ (2)"}
    tenancy.tenant.portal.rename(numbered, "other")
    await tenancy.look()
    assert set(await tenancy.tokens()) == {"Other", "other (2)"}


async def test_what_was_renewed_in_the_portal_is_followed_and_its_warnings_turn_green(
    tenancy: Tenancy,
) -> None:
    entry = tenancy.tenant.add_token("HQ iPads", days=5)
    await tenancy.imports.run_due()
    was = await tenancy.only()
    entry.expires_at = tenancy.office.clock.now() + 365 * DAY
    entry.apple_id = "new@contoso.example"
    await tenancy.look()
    token = await tenancy.only()
    assert (token.expires_at, token.apple_id) == (entry.expires_at, "new@contoso.example")
    last = (await tenancy.office.entries())[-1]
    assert (last.actor, last.action) == ("intune", "token.renewed_there")
    assert was.expires_at is not None
    assert last.before["expires_at"] == was.expires_at.isoformat()
    assert last.after["expires_at"] == entry.expires_at.isoformat()


async def test_another_apple_id_alone_is_followed(tenancy: Tenancy) -> None:
    entry = tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    entry.apple_id = "new@contoso.example"
    await tenancy.look()
    assert (await tenancy.only()).apple_id == "new@contoso.example"
    assert (await tenancy.actions())[-1] == "token.changed_there"
    entry.apple_id = "NEW@contoso.example"
    await tenancy.look()
    assert (await tenancy.actions()).count("token.changed_there") == 1


async def test_a_token_deleted_in_the_portal_is_gone_here_and_its_request_ends_with_words(
    tenancy: Tenancy,
) -> None:
    entry = tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    request = await waiting(tenancy, await tenancy.only(), Action.RENEW)
    tenancy.tenant.portal.delete_token(entry)
    await tenancy.look()
    assert not await tenancy.tokens()
    ended = await tenancy.office.request(request.id)
    assert ended.state is RequestState.FAILED
    assert "was deleted in Intune meanwhile" in (ended.failure or "")
    assert (await tenancy.actions())[-2:] == ["request.fail", "token.deleted_there"]
    assert (await tenancy.news())[-1].facts["deleted"] == request.token_id
    assert await tenancy.office.stories(request) == ["failed"]


async def waiting(
    tenancy: Tenancy, token: Token, action: Action, evidence: Evidence | None = None
) -> Request:
    """A request of that token that waits for its file, or for what is named."""
    request = facts.request(
        token.id,
        action=action,
        state=RequestState.AWAITING_UPLOAD,
        requester=OPERATOR,
        evidence=evidence,
    )
    request = replace(request, created_at=tenancy.office.clock.now())
    async with tenancy.office.database.write() as tx:
        await tx.requests.add(request)
    return request


async def test_a_renewal_that_is_under_way_sees_the_new_end_itself(tenancy: Tenancy) -> None:
    entry = tenancy.tenant.add_token("HQ iPads", days=5)
    await tenancy.imports.run_due()
    was = await tenancy.only()
    await waiting(tenancy, was, Action.RENEW)
    entry.expires_at = tenancy.office.clock.now() + 365 * DAY
    await tenancy.look()
    assert (await tenancy.only()).expires_at == was.expires_at


async def test_what_a_request_is_making_is_not_imported_beside_it(tenancy: Tenancy) -> None:
    token = facts.token(
        name="HQ iPads", program=ProgramName.INTUNE, state=TokenState.AWAITING_TOKEN
    )
    async with tenancy.office.database.write() as tx:
        await tx.tokens.add(token)
    request = await waiting(tenancy, token, Action.CREATE)
    made = tenancy.tenant.add_token("hq IPADS")
    made.modified_at = tenancy.office.clock.now() + timedelta(minutes=3)
    await tenancy.imports.run_due()
    assert list(await tenancy.tokens()) == ["HQ iPads"]
    async with tenancy.office.database.write() as tx:
        await tx.requests.move(request.id, RequestState.AWAITING_UPLOAD, RequestState.CANCELLED)
        await tx.tokens.move(token.id, TokenState.AWAITING_TOKEN, TokenState.CANCELLED)
    await tenancy.look()
    assert (await tenancy.only()).holder_id == made.id


async def test_what_was_just_made_by_hand_under_another_name_is_held_back_for_a_day(
    tenancy: Tenancy,
) -> None:
    token = facts.token(
        name="HQ iPads", program=ProgramName.INTUNE, state=TokenState.AWAITING_TOKEN
    )
    async with tenancy.office.database.write() as tx:
        await tx.tokens.add(token)
    await waiting(tenancy, token, Action.CREATE, Evidence.THEIR_WORD)
    made = tenancy.tenant.add_token("Our server at Apple")
    made.modified_at = tenancy.office.clock.now() + timedelta(minutes=3)
    await tenancy.look()
    assert set(await tenancy.tokens()) == {"HQ iPads"}
    tenancy.office.clock.pass_time(DAY)
    await tenancy.look()
    assert set(await tenancy.tokens()) == {"HQ iPads", "Our server at Apple"}


async def test_a_request_that_waits_for_its_file_holds_no_other_token_back(
    tenancy: Tenancy,
) -> None:
    token = facts.token(
        name="HQ iPads", program=ProgramName.INTUNE, state=TokenState.AWAITING_TOKEN
    )
    async with tenancy.office.database.write() as tx:
        await tx.tokens.add(token)
    await waiting(tenancy, token, Action.CREATE, Evidence.SERVER_TOKEN_FILE)
    made = tenancy.tenant.add_token("Somebody else's")
    made.modified_at = tenancy.office.clock.now() + timedelta(minutes=3)
    await tenancy.look()
    assert set(await tenancy.tokens()) == {"HQ iPads", "Somebody else's"}


async def test_one_that_was_there_before_the_request_is_another(tenancy: Tenancy) -> None:
    token = facts.token(
        name="HQ iPads", program=ProgramName.INTUNE, state=TokenState.AWAITING_TOKEN
    )
    async with tenancy.office.database.write() as tx:
        await tx.tokens.add(token)
    await waiting(tenancy, token, Action.CREATE)
    tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    assert set(await tenancy.tokens()) == {"HQ iPads", "HQ iPads (2)"}


async def test_an_entry_without_a_token_is_somebodys_work_in_progress(tenancy: Tenancy) -> None:
    entry = tenancy.tenant.add_token("HQ iPads", days=None)
    await tenancy.imports.run_due()
    assert not await tenancy.tokens()
    entry.expires_at = tenancy.office.clock.now() + 365 * DAY
    await tenancy.look()
    assert (await tenancy.only()).name == "HQ iPads"


async def test_a_recorded_token_is_taken_for_its_entry(tenancy: Tenancy) -> None:
    ours = facts.token(
        name="HQ iPads", program=ProgramName.INTUNE, state=TokenState.ACTIVE, holder_id=None
    )
    async with tenancy.office.database.write() as tx:
        await tx.tokens.add(ours)
    entry = tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    token = await tenancy.only()
    assert (token.id, token.holder_id, token.owner) == (ours.id, entry.id, ours.owner)
    assert token.expires_at == entry.expires_at


async def test_all_gone_at_once_is_doubted_and_said(tenancy: Tenancy) -> None:
    entries = [tenancy.tenant.add_token(f"Token {number}") for number in range(6)]
    await tenancy.imports.run_due()
    for entry in entries[:5]:
        tenancy.tenant.portal.delete_token(entry)
    await tenancy.look()
    await tenancy.look()
    assert len(await tenancy.tokens()) == 6
    assert [one.facts for one in await tenancy.news()][1:] == [{"doubtful": "5"}]


async def test_a_list_that_does_not_come_changes_nothing_and_is_asked_for_soon(
    tenancy: Tenancy,
) -> None:
    tenancy.tenant.add_token("HQ iPads")
    await tenancy.imports.run_due()
    tenancy.microsoft.server.faults.next(SETTINGS, faults.status(500), times=9)
    await tenancy.look()
    assert len(await tenancy.tokens()) == 1
    tenancy.microsoft.server.faults.clear()
    tenancy.tenant.add_token("Lab")
    tenancy.office.clock.pass_time(AGAIN)
    await tenancy.imports.run_due()
    assert set(await tenancy.tokens()) == {"HQ iPads", "Lab"}


async def test_a_permission_that_is_missing_is_said_after_an_hour_and_once_a_day(
    tenancy: Tenancy,
) -> None:
    tenancy.microsoft.application.roles.clear()
    for _ in range(61):
        await tenancy.imports.run_due()
        tenancy.office.clock.pass_time(AGAIN)
    (said,) = await tenancy.news()
    assert "lacks a permission" in said.facts["shut"]
    for _ in range(10):
        tenancy.office.clock.pass_time(AGAIN)
        await tenancy.imports.run_due()
    assert len(await tenancy.news()) == 1
    tenancy.office.clock.pass_time(DAY)
    await tenancy.imports.run_due()
    assert len(await tenancy.news()) == 2


async def test_the_audit_log_holds_over_a_large_import(
    tenancy: Tenancy, database: Database
) -> None:
    for number in range(300):
        tenancy.tenant.add_token(f"Token {number}")
    await tenancy.imports.run_due()
    assert len(await tenancy.tokens()) == 300
    assert len(await tenancy.office.entries()) == 300
    assert await tenancy.office.audit.verify(database) is None


async def test_2000_tokens_are_imported_in_10_s_at_50_ms_a_call_within_the_budgets(
    tenancy: Tenancy,
) -> None:
    for number in range(2000):
        tenancy.tenant.add_token(f"School {number}", days=100 + number % 265)
    tenancy.tenant.knobs.delay_seconds = 0.05
    began = time.monotonic()
    await tenancy.imports.run_due()
    took = time.monotonic() - began
    log.info("imported", extra={"tokens": 2000, "seconds": took})
    assert took < 10
    assert len(await tenancy.tokens()) == 2000
    async with tenancy.office.database.read() as tx:
        head = await tx.audit.head()
    assert head is not None
    assert head.number == 2000
    assert len(await tenancy.news()) == 4
    # Graph's own count: a page holds 999 at most.
    assert len(tenancy.microsoft.server.calls(SETTINGS)) == 3
    first = min(
        one.sync_due_at or tenancy.office.clock.now() for one in (await tenancy.tokens()).values()
    )
    assert first == tenancy.office.clock.now()


ACTS = ("make", "rename", "renew", "apple_id", "delete", "look", "restart")


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_people_do_in_the_portal_meanwhile_the_next_look_is_as_it_is_there(
    tenancy: Tenancy, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - it only chooses what people do
    tenancy.tenant.knobs.page_size = tenancy.tenant.knobs.largest_page = 3
    tenancy.tenant.knobs.delay_seconds = 0.002
    for _ in range(40):
        looking = asyncio.create_task(tenancy.look())
        for act in chance.choices(ACTS, k=4):
            await asyncio.sleep(chance.random() * 0.01)
            meddle(tenancy, act, chance)
            if act == "restart":
                tenancy.imports = importing(tenancy.office, tenancy.microsoft)
        await looking
    # One look after the last act shows everything; a second may be needed for a list that shifted.
    await tenancy.look()
    await tenancy.look()
    there = {
        (one.id, one.expires_at, (one.apple_id or "").casefold()) for one in tenancy.tenant.listed()
    }
    here = await tenancy.tokens()
    assert {(one.holder_id, one.expires_at, one.apple_id.casefold()) for one in here.values()} == (
        there
    )
    assert len({name.casefold() for name in here}) == len(here)
    names = {one.id: one.name for one in tenancy.tenant.listed()}
    assert all(name.startswith(names[one.holder_id or ""]) for name, one in here.items())
    assert await tenancy.office.audit.verify(tenancy.office.database) is None


def meddle(tenancy: Tenancy, act: str, chance: random.Random) -> None:
    """One act of a person in the portal."""
    entries = tenancy.tenant.listed()
    if act == "make" or not entries:
        tenancy.tenant.add_token(chance.choice(["HQ", "hq", "Lab", "Berlin"]))
        return
    entry = chance.choice(entries)
    match act:
        case "rename":
            tenancy.tenant.portal.rename(entry, chance.choice(["HQ", "Lab", "Other"]))
        case "renew":
            assert entry.expires_at is not None
            entry.expires_at += chance.randrange(1, 400) * DAY
        case "apple_id":
            entry.apple_id = f"it{chance.randrange(9)}@contoso.example"
        case "delete":
            tenancy.tenant.portal.delete_token(entry)
        case _:
            pass

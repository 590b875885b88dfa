"""A token that Intune holds: health, syncs, devices, what stands in the way of a deletion."""

import logging
import os
import resource
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from services.errors import Refused
from services.graph.errors import GraphError
from services.graph.program import IntuneProgram
from services.programs import (
    ByHand,
    DevicePage,
    HolderSyncs,
    StillRemoving,
    SyncEnd,
    SyncStart,
)
from services.sync_run import SyncLost
from storage.database import Database
from storage.records import Token
from storage.states import Health, NoticeKind, ProgramName, SyncKind, SyncState, TokenState
from tests.sandbox.apple import faults
from tests.sandbox.graph.applications import CONFIGURATION, GUIDED, READ
from tests.sandbox.graph.entries import DevicePlatform, TokenEntry
from tests.services.microsoft import Microsoft, microsoft
from tests.services.office import Office
from tests.services.ports import OPERATOR
from tests.storage import facts

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DEVICES = int(os.environ.get("INTUNE_DEVICES", "30000"))
"""As many as Intune lets one token have: 200,000."""
SCHEDULED = SyncStart(kind=SyncKind.FULL, cursor=None)
WISH = replace(SCHEDULED, wish=True)


@dataclass
class Held:
    """A token in Intune, here and there."""

    office: Office
    microsoft: Microsoft
    program: IntuneProgram
    entry: TokenEntry
    token: Token

    async def health(self) -> tuple[Health | None, str]:
        holding = await self.program.read(self.token)
        return holding.health, holding.evidence

    async def pages(self, start: SyncStart = SCHEDULED) -> list[DevicePage]:
        """What a sync hands over."""
        pages: list[DevicePage] = []

        async def keep(page: DevicePage) -> None:
            pages.append(page)

        assert await self.program.sync(self.token, start, keep) is SyncEnd.COMPLETE
        return pages

    async def asks(self, start: SyncStart = WISH) -> HolderSyncs:
        """What is said while Intune syncs by itself."""
        with pytest.raises(HolderSyncs) as raised:
            await self.pages(start)
        return raised.value


@pytest.fixture
async def there(office: Office) -> AsyncIterator[Microsoft]:
    async with microsoft(clock=office.clock.now) as served:
        yield served


@pytest.fixture
async def held(office: Office, there: Microsoft) -> Held:
    return await holding(office, there)


async def holding(office: Office, there: Microsoft) -> Held:
    entry = there.tenant.add_token("HQ iPads", days=200)
    token = facts.token(
        name="HQ iPads",
        program=ProgramName.INTUNE,
        state=TokenState.ACTIVE,
        holder_id=entry.id,
        holder_name="HQ iPads",
        expires_at=entry.expires_at,
        sync_due_at=office.clock.now(),
    )
    async with office.database.write() as tx:
        await tx.tokens.add(token)
    program = IntuneProgram(office.database, there.intune, office.clock)
    return Held(office=office, microsoft=there, program=program, entry=entry, token=token)


async def test_a_token_that_syncs_is_well_and_tells_what_intune_knows(held: Held) -> None:
    held.microsoft.tenant.add_devices(held.entry, 3)
    said = await held.program.read(held.token)
    assert (said.health, said.devices) == (Health.OK, 3)
    assert said.expires_at == held.entry.expires_at
    assert said.account is not None
    assert said.account.admin_id == held.entry.apple_id


async def test_error_3_is_terms_unsigned_and_others_keep_their_number(held: Held) -> None:
    held.entry.sync_error = 3
    health, evidence = await held.health()
    assert health is Health.TERMS_UNSIGNED
    assert "error 3" in evidence
    held.entry.sync_error = 42
    assert await held.health() == (Health.SYNC_ERROR, "Apple reported error 42 to Intune")


async def test_an_expired_token_is_expired_whatever_its_last_sync_said(held: Held) -> None:
    held.entry.expires_at = held.office.clock.now()
    held.entry.sync_error = 3
    assert (await held.health())[0] is Health.EXPIRED


async def test_two_missed_syncs_are_stale_and_one_is_not(held: Held) -> None:
    held.entry.synced_at = held.office.clock.now() - 25 * HOUR
    assert (await held.health())[0] is Health.OK
    held.entry.synced_at = held.office.clock.now() - 27 * HOUR
    assert (await held.health())[0] is Health.STALE


async def test_one_that_never_synced_is_stale_once_it_is_old_enough(held: Held) -> None:
    held.entry.synced_at = None
    held.entry.modified_at = held.office.clock.now() - HOUR
    health, evidence = await held.health()
    assert (health, evidence) == (Health.OK, "Intune has never synced it with Apple yet")
    held.entry.modified_at = held.office.clock.now() - 27 * HOUR
    assert await held.health() == (Health.STALE, "Intune has never synced it with Apple")


async def test_trouble_of_graph_is_not_trouble_of_the_token(held: Held) -> None:
    server, tenant = held.microsoft.server, held.microsoft.tenant
    server.faults.next(path_of(held), faults.status(500), times=9)
    assert (await held.health())[0] is Health.UNREACHABLE
    server.faults.clear()
    tenant.knobs.throttle(times=9)
    assert (await held.health())[0] is Health.THROTTLED
    tenant.knobs.throttle(times=0)
    held.microsoft.application.roles.clear()
    tenant.revoke_access()
    assert (await held.health())[0] is Health.UNREACHABLE


def path_of(held: Held) -> str:
    return f"/beta/deviceManagement/depOnboardingSettings/{held.entry.id}"


async def test_one_that_intune_does_not_have_keeps_its_health(held: Held) -> None:
    held.microsoft.tenant.portal.delete_token(held.entry)
    assert await held.health() == (None, "Intune does not have it any more")


async def test_without_graph_the_entered_date_tells(office: Office) -> None:
    program = IntuneProgram(office.database, None, office.clock)
    token = facts.token(program=ProgramName.INTUNE, state=TokenState.ACTIVE)
    fresh = replace(token, expires_at=office.clock.now() + HOUR)
    assert (await program.read(fresh)).health is None
    assert (await program.read(replace(token, expires_at=office.clock.now()))).health is (
        Health.EXPIRED
    )


async def test_devices_are_listed_and_released_ones_counted_apart(held: Held) -> None:
    devices = held.microsoft.tenant.add_devices(held.entry, 1500)
    for one in devices[:7]:
        one.released_at = held.office.clock.now()
    held.microsoft.tenant.knobs.largest_page = 400
    held.microsoft.tenant.knobs.page_size = 400
    pages = await held.pages()
    assert len(pages) == 4
    assert sum(len(page.devices) for page in pages) == 1493
    assert sum(page.released for page in pages) == 7
    assert {one.serial_number for one in pages[0].gone} == {d.serial_number for d in devices[:7]}


async def test_profiles_and_their_defaults_are_kept(held: Held) -> None:
    tenant = held.microsoft.tenant
    kiosk = tenant.add_profile(held.entry, "Kiosk", default=True)
    tenant.add_policy(held.entry, "Macs", platform=DevicePlatform.MACOS, default=True)
    tenant.add_profile(held.entry, "Spare")
    await held.pages()
    assert await profiles(held) == {"Kiosk": True, "Macs": True, "Spare": False}
    tenant.portal.delete_profile(held.entry, kiosk)
    await held.pages()
    assert await profiles(held) == {"Macs": True, "Spare": False}


async def profiles(held: Held) -> dict[str, bool]:
    async with held.office.database.read() as tx:
        return {one.name: one.is_default for one in await tx.profiles.of(held.token.id)}


async def test_a_profile_is_assigned_by_serial_numbers(held: Held) -> None:
    devices = held.microsoft.tenant.add_devices(held.entry, 3)
    profile = held.microsoft.tenant.add_profile(held.entry, "Kiosk")
    serials = [one.serial_number for one in devices[:2]]
    await held.program.assign(held.token, profile.bare_id, serials)
    assert [one.profile_id for one in devices] == [profile.id, profile.id, None]
    listed = await held.program.devices(held.token, serials)
    assert {one.profile_uuid for one in listed} == {profile.bare_id}


async def test_a_wish_asks_intune_and_waits_for_its_success(held: Held) -> None:
    before = held.entry.synced_at
    busy = await held.asks()
    assert busy.after == before
    assert busy.note is None
    assert held.entry.triggered_at == held.office.clock.now()
    # The stand-in is done at once; so is the run when it looks again.
    await held.pages(replace(WISH, awaits_after=busy.after))


async def test_the_schedule_lists_without_asking(held: Held) -> None:
    before = held.entry.triggered_at
    await held.pages()
    assert held.entry.triggered_at == before


async def test_a_wish_within_15_minutes_says_how_long_until_the_next(held: Held) -> None:
    asked_at = held.office.clock.now() - 4 * MINUTE
    held.entry.triggered_at = held.entry.synced_at = asked_at
    busy = await held.asks()
    assert "can be asked again in 11 min" in (busy.note or "")
    await held.pages(replace(WISH, awaits_after=busy.after))
    assert held.entry.triggered_at == asked_at


@pytest.mark.parametrize("status", [400, 409, 429])
async def test_a_refusal_as_too_early_is_the_same_in_every_form(held: Held, status: int) -> None:
    tenant = held.microsoft.tenant
    tenant.knobs.sync_pause = HOUR
    tenant.knobs.sync_refused_with = status
    held.entry.triggered_at = held.entry.synced_at = held.office.clock.now() - 20 * MINUTE
    busy = await held.asks()
    assert "once in 15 minutes" in (busy.note or "")
    await held.pages(replace(WISH, awaits_after=busy.after))


async def test_where_we_may_only_look_what_intune_knows_is_listed(office: Office) -> None:
    async with microsoft(clock=office.clock.now, roles=GUIDED) as there:
        held = await holding(office, there)
        there.tenant.add_devices(held.entry, 2)
        held.entry.triggered_at = held.entry.synced_at = office.clock.now() - HOUR
        busy = await held.asks()
        assert "may not ask Intune" in (busy.note or "")
        (page,) = await held.pages(replace(WISH, awaits_after=busy.after))
        assert len(page.devices) == 2


async def test_a_sync_under_way_is_awaited_and_given_up_in_the_end(held: Held) -> None:
    held.entry.triggered_at = held.office.clock.now() - MINUTE
    busy = await held.asks()
    assert "That sync is awaited" in (busy.note or "")
    again = await held.asks(replace(WISH, awaits_after=busy.after))
    assert again.patience == timedelta(minutes=15)
    held.entry.sync_error = 3
    failing = await held.asks(replace(WISH, awaits_after=busy.after))
    assert "terms" in failing.gives_up
    assert failing.patience < again.patience


async def test_a_sync_asked_for_in_slack_ends_with_intunes_devices(held: Held) -> None:
    office = intune_office(held)
    held.microsoft.tenant.add_devices(held.entry, 5)
    asked = await office.wishes.of_token(OPERATOR, held.token.id, origin="test")
    await office.sync.run_due()
    async with office.database.read() as tx:
        run = await tx.sync_runs.get(asked.run.id)
    assert run is not None
    assert (run.state, run.awaits_after) == (SyncState.WAITING, two_hours_ago(held))
    async with office.database.write() as tx:
        await tx.sync_runs.change(tx.sync_runs.table.c.id == run.id, due_at=facts.NOON)
    await office.sync.run_due()
    async with office.database.read() as tx:
        run = await tx.sync_runs.get(asked.run.id)
        assert await tx.devices.count(held.token.id) == 5
    assert run is not None
    assert (run.state, run.seen, run.error) == (SyncState.COMPLETED, 5, None)


def two_hours_ago(held: Held) -> object:
    """When Intune had last synced before it was asked."""
    return held.office.clock.now() - 2 * HOUR


def intune_office(held: Held) -> Office:
    """An office whose tokens Intune holds."""
    programs = {ProgramName.INTUNE: held.program}
    return Office(held.office.database, held.office.outside, programs=programs)


async def test_the_first_sync_of_a_found_token_is_not_said_in_the_channel(held: Held) -> None:
    office = intune_office(held)
    held.microsoft.tenant.add_devices(held.entry, 5)
    await office.sync.run_due()
    assert not await office.outbox(NoticeKind.SYNC_RESULT)
    held.microsoft.tenant.add_devices(held.entry, 1)
    office.clock.pass_time(timedelta(hours=12))
    await office.sync.run_due()
    assert len(await office.outbox(NoticeKind.SYNC_RESULT)) == 1


async def test_a_wish_takes_the_place_of_the_schedules_run(held: Held) -> None:
    office = intune_office(held)
    async with office.database.write() as tx:
        begun = await office.sync.claims.begin(tx, held.token, "schedule")
    assert begun is not None
    asked = await office.wishes.of_token(OPERATOR, held.token.id, origin="test")
    assert (asked.run.id, asked.already) == (begun.run.id, False)
    with pytest.raises(SyncLost):
        await begun.complete(SyncEnd.COMPLETE)
    await office.sync.run_due()
    assert held.entry.triggered_at == office.clock.now()


async def test_a_sync_that_intune_does_not_end_is_given_up_with_words(held: Held) -> None:
    office = intune_office(held)
    held.entry.triggered_at = office.clock.now() - MINUTE
    asked = await office.wishes.of_token(OPERATOR, held.token.id, origin="test")
    await office.sync.run_due()
    office.clock.pass_time(16 * MINUTE)
    async with office.database.write() as tx:
        await tx.sync_runs.change(tx.sync_runs.table.c.id == asked.run.id, due_at=facts.NOON)
    await office.sync.run_due()
    async with office.database.read() as tx:
        run = await tx.sync_runs.get(asked.run.id)
    assert run is not None
    assert run.state is SyncState.FAILED
    assert "within 15 minutes" in (run.error or "")


async def test_recorded_syncs_are_not_ours(held: Held) -> None:
    program = IntuneProgram(held.office.database, None, held.office.clock)

    async def keep(page: DevicePage) -> None:
        raise AssertionError(page)

    assert await program.sync(held.token, WISH, keep) is SyncEnd.NOT_OURS


async def test_the_three_conditions_are_counted_in_intune(held: Held) -> None:
    tenant = held.microsoft.tenant
    default = tenant.add_profile(held.entry, "Kiosk", default=True)
    policy = tenant.add_policy(held.entry, "Macs", platform=DevicePlatform.MACOS, default=True)
    devices = tenant.add_devices(held.entry, 6)
    devices[0].profile_id = default.id
    devices[1].profile_id = default.bare_id
    devices[2].profile_id = f"{held.entry.id}_{policy.id}"
    devices[3].released_at = held.office.clock.now()
    devices[3].profile_id = default.id
    counts = await held.program.count(held.token)
    assert (counts.devices, counts.released) == (5, 1)
    assert counts.in_default_profile == 3
    assert counts.profiles == 2
    assert counts.unseen == ""


async def test_policies_that_we_may_not_see_are_said(held: Held) -> None:
    held.microsoft.application.roles.discard(CONFIGURATION)
    held.microsoft.tenant.revoke_access()
    assert (await held.program.count(held.token)).unseen == "enrollment policies"


async def test_in_full_mode_the_token_is_deleted_and_seen_to_be_gone(held: Held) -> None:
    await held.program.withdraw(held.token)
    assert held.entry.id not in held.microsoft.tenant.tokens


async def test_intunes_refusal_to_delete_is_told_in_its_words(held: Held) -> None:
    held.microsoft.tenant.add_devices(held.entry, 1)
    with pytest.raises(GraphError) as raised:
        await held.program.withdraw(held.token)
    assert "Devices are assigned" in raised.value.user_message


async def test_in_guided_mode_a_person_deletes_and_intune_is_asked_whether_it_is_so(
    office: Office,
) -> None:
    async with microsoft(clock=office.clock.now, roles=GUIDED) as there:
        held = await holding(office, there)
        with pytest.raises(ByHand):
            await held.program.withdraw(held.token)
        with pytest.raises(Refused) as raised:
            await held.program.withdraw(held.token, done=True)
        assert "still shows" in raised.value.user_message
        there.tenant.portal.delete_token(held.entry)
        await held.program.withdraw(held.token, done=True)


async def test_a_write_that_is_refused_falls_back_to_a_person(held: Held) -> None:
    held.microsoft.tenant.knobs.refuses_writes = True
    with pytest.raises(ByHand):
        await held.program.withdraw(held.token)
    held.microsoft.tenant.knobs.refuses_writes = False
    with pytest.raises(ByHand):
        await held.program.withdraw(held.token)
    assert held.entry.id in held.microsoft.tenant.tokens


async def test_without_graph_a_persons_word_is_enough(held: Held) -> None:
    program = IntuneProgram(held.office.database, None, held.office.clock)
    assert (await program.count(held.token)).told is False
    with pytest.raises(ByHand):
        await program.withdraw(held.token)
    await program.withdraw(held.token, done=True)


async def test_devices_are_taken_out_in_parts_and_released_ones_left(held: Held) -> None:
    devices = held.microsoft.tenant.add_devices(held.entry, 50)
    devices[0].released_at = held.office.clock.now()
    held.microsoft.tenant.knobs.largest_page = held.microsoft.tenant.knobs.page_size = 20
    looks = 0
    while True:
        try:
            await held.program.remove_devices(held.token)
        except StillRemoving:
            looks += 1
        else:
            break
    assert looks == 3
    assert list(held.entry.identities.values()) == devices[:1]


async def test_in_guided_mode_a_person_takes_the_devices_out(office: Office) -> None:
    async with microsoft(clock=office.clock.now, roles=(READ,)) as there:
        held = await holding(office, there)
        devices = there.tenant.add_devices(held.entry, 2)
        with pytest.raises(ByHand):
            await held.program.remove_devices(held.token)
        with pytest.raises(Refused) as raised:
            await held.program.remove_devices(held.token, done=True)
        assert "still shows 2 devices" in raised.value.user_message
        there.tenant.portal.delete_devices(held.entry, devices)
        await held.program.remove_devices(held.token, done=True)


async def test_a_long_list_is_taken_with_flat_memory(held: Held, database: Database) -> None:
    held.microsoft.tenant.add_devices(held.entry, DEVICES)
    office = intune_office(held)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    await office.sync.run_due()
    took = time.monotonic() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    async with database.read() as tx:
        assert await tx.devices.count(held.token.id) == DEVICES
    log.info("listed", extra={"devices": DEVICES, "mib_more": grown, "seconds": took})
    assert grown < 60, f"{grown:.0f} MiB more, {took:.0f} s"

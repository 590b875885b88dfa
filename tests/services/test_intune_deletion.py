"""Deletion of a token that Intune holds: by us, by a person's hand, or by their word alone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from services.errors import NotAllowed
from services.graph.program import IntuneProgram
from services.request_life import RequestLife
from services.uploads import UploadForm
from storage.database import Database
from storage.records import Request, Token, Upload, new_id
from storage.states import (
    Action,
    Evidence,
    NoticeKind,
    ProgramName,
    RequestState,
    TokenState,
    UploadState,
)
from tests.sandbox.apple import faults
from tests.sandbox.graph.applications import FULL, GUIDED
from tests.sandbox.graph.entries import TokenEntry
from tests.services.microsoft import Microsoft, microsoft
from tests.services.office import Office
from tests.services.ports import APPROVER, OPERATOR, OWNER
from tests.storage import facts


@dataclass
class Case:
    """A token in Intune, and an office that deletes it."""

    office: Office
    there: Microsoft
    entry: TokenEntry
    token: Token

    async def agreed(self, action: Action = Action.DELETE) -> Request:
        """Asked for and approved, and carried out as far as it goes."""
        request = await self.office.delete(self.token, action=action)
        await self.office.click(request)
        while await self.office.deletions.carry_out_approved() is not None:
            pass
        return await self.office.request(request.id)

    async def done(self, request: Request, person: str = OPERATOR) -> Upload:
        """*Done* is pressed, and looked into."""
        form = UploadForm(submission=new_id(), request_id=request.id, evidence=Evidence.THEIR_WORD)
        upload = await self.office.uploads.submit(person, form)
        await self.office.proving.finish_due()
        async with self.office.database.read() as tx:
            return await tx.uploads.get(upload.id) or upload

    async def state(self) -> TokenState:
        async with self.office.database.read() as tx:
            found = await tx.tokens.get(self.token.id)
        assert found is not None
        return found.state


async def case(office: Office, there: Microsoft, *, recorded: bool = False) -> Case:
    entry = there.tenant.add_token("HQ iPads", days=200)
    token = facts.token(
        name="HQ iPads",
        program=ProgramName.INTUNE,
        state=TokenState.ACTIVE,
        holder_id=None if recorded else entry.id,
        holder_name=None if recorded else "HQ iPads",
        expires_at=entry.expires_at,
        owner="",
    )
    async with office.database.write() as tx:
        await tx.tokens.add(token)
    intune = None if recorded else there.intune
    program = IntuneProgram(office.database, intune, office.clock)
    held = Office(office.database, office.outside, programs={ProgramName.INTUNE: program})
    return Case(office=held, there=there, entry=entry, token=token)


@pytest.fixture
async def full(office: Office) -> AsyncIterator[Case]:
    async with microsoft(clock=office.clock.now, roles=FULL) as there:
        yield await case(office, there)


@pytest.fixture
async def guided(office: Office) -> AsyncIterator[Case]:
    async with microsoft(clock=office.clock.now, roles=GUIDED) as there:
        yield await case(office, there)


@pytest.fixture
async def recorded(office: Office) -> AsyncIterator[Case]:
    async with microsoft(clock=office.clock.now) as there:
        yield await case(office, there, recorded=True)


async def test_full_mode_deletes_in_intune(full: Case) -> None:
    request = await full.agreed()
    assert request.state is RequestState.COMPLETED
    assert await full.state() is TokenState.DELETED
    assert not full.there.tenant.tokens
    assert [one.action for one in await full.office.entries()][-2:] == [
        "token.deleting",
        "token.delete",
    ]
    assert len(await full.office.outbox(NoticeKind.TOKEN_GONE)) == 1


async def test_devices_that_came_back_after_the_approval_stop_it(full: Case) -> None:
    request = await full.office.delete(full.token)
    await full.office.click(request)
    full.there.tenant.add_devices(full.entry, 2)
    await full.office.deletions.carry_out_approved()
    ended = await full.office.request(request.id)
    assert ended.state is RequestState.FAILED
    assert "2 devices are assigned" in (ended.failure or "")
    assert await full.state() is TokenState.ACTIVE
    assert full.entry.id in full.there.tenant.tokens


async def test_intunes_own_refusal_falls_back_with_its_words(full: Case) -> None:
    full.there.tenant.portal.holder.knobs.policies_block_deletion = True
    full.there.application.roles.discard("DeviceManagementConfiguration.Read.All")
    full.there.tenant.revoke_access()
    policy = full.there.tenant.add_policy(full.entry, "Macs")
    # The list does not show it here, and we may not look at policies: Intune knows better.
    del full.entry.profiles[f"{full.entry.id}_{policy.id}"]
    request = await full.agreed()
    assert request.state is RequestState.FAILED
    assert "Profiles exist under this token" in (request.failure or "")
    assert await full.state() is TokenState.ACTIVE


async def test_one_that_intune_has_no_more_is_deleted_here(full: Case) -> None:
    full.there.tenant.add_devices(full.entry, 2)
    await full.office.sync.run_due()
    del full.there.tenant.tokens[full.entry.id]
    request = await full.agreed()
    assert request.state is RequestState.COMPLETED
    assert await full.state() is TokenState.DELETED


async def test_guided_mode_waits_for_a_person_and_looks_itself(guided: Case) -> None:
    request = await guided.agreed()
    assert (request.state, request.evidence) == (
        RequestState.AWAITING_UPLOAD,
        Evidence.THEIR_WORD,
    )
    assert await guided.state() is TokenState.DELETING
    (steps,) = await guided.office.outbox(NoticeKind.STEPS)
    assert steps.destination == OPERATOR
    early = await guided.done(request)
    assert early.state is UploadState.REFUSED
    assert "still shows" in (early.answer or "")
    assert await guided.office.stories(request) == ["file_refused"]
    guided.there.tenant.portal.delete_token(guided.entry)
    assert (await guided.done(request)).state is UploadState.ACCEPTED
    assert await guided.state() is TokenState.DELETED
    assert (await guided.office.request(request.id)).state is RequestState.COMPLETED


async def test_a_silent_intune_is_asked_again(guided: Case) -> None:
    request = await guided.agreed()
    guided.there.tenant.portal.delete_token(guided.entry)
    path = f"/beta/deviceManagement/depOnboardingSettings/{guided.entry.id}"
    guided.there.server.faults.next(path, faults.status(500), times=9)
    kept = await guided.done(request)
    assert (kept.state, kept.kept_until is not None) == (UploadState.RECEIVED, True)
    assert await guided.state() is TokenState.DELETING


async def test_who_approved_cannot_say_that_it_is_done(guided: Case) -> None:
    request = await guided.agreed()
    with pytest.raises(NotAllowed):
        await guided.done(request, APPROVER)
    with pytest.raises(NotAllowed):
        await guided.done(request, OWNER)


@pytest.mark.parametrize("ends", ["cancelled", "expired"])
async def test_a_deletion_that_nobody_does_leaves_the_token_in_use(guided: Case, ends: str) -> None:
    request = await guided.agreed()
    life: RequestLife = guided.office.life
    if ends == "cancelled":
        await life.cancel(OPERATOR, request.id, origin="test")
    else:
        guided.office.clock.time = request.expires_at
        await life.sweep()
    assert (await guided.office.request(request.id)).state == ends
    assert await guided.state() is TokenState.ACTIVE


async def test_a_write_that_is_refused_goes_on_by_hand(full: Case) -> None:
    full.there.tenant.knobs.refuses_writes = True
    request = await full.agreed()
    assert request.state is RequestState.AWAITING_UPLOAD
    full.there.tenant.portal.delete_token(full.entry)
    await full.done(request)
    assert await full.state() is TokenState.DELETED


async def test_recorded_mode_takes_a_persons_word(recorded: Case) -> None:
    look = await recorded.office.deletions.look(OPERATOR, recorded.token.id, Action.DELETE)
    assert look.conditions.told is False
    request = await recorded.agreed()
    assert request.state is RequestState.AWAITING_UPLOAD
    assert request.facts["uncounted"] == "everything"
    await recorded.done(request)
    assert await recorded.state() is TokenState.DELETED


async def test_removing_here_deletes_the_devices_in_intune_and_stops_the_syncs(
    full: Case, database: Database
) -> None:
    full.there.tenant.add_devices(full.entry, 30)
    await full.office.sync.run_due()
    request = await full.agreed(Action.REMOVE)
    assert request.state is RequestState.COMPLETED
    assert not full.entry.live()
    async with database.read() as tx:
        token = await tx.tokens.get(full.token.id)
        assert await tx.devices.count(full.token.id) == 0
    assert token is not None
    assert token.removed_here_at is not None
    assert (await full.office.entries())[-1].after["devices"] == "0"


async def test_removing_here_by_hand(guided: Case) -> None:
    devices = guided.there.tenant.add_devices(guided.entry, 3)
    request = await guided.agreed(Action.REMOVE)
    assert request.state is RequestState.AWAITING_UPLOAD
    assert (await guided.done(request)).state is UploadState.REFUSED
    guided.there.tenant.portal.delete_devices(guided.entry, devices)
    await guided.done(request)
    assert (await guided.office.request(request.id)).state is RequestState.COMPLETED
    assert await guided.state() is TokenState.ACTIVE


async def test_a_restart_between_the_parts_of_a_removal_goes_on(full: Case) -> None:
    full.there.tenant.add_devices(full.entry, 30)
    full.there.tenant.knobs.page_size = full.there.tenant.knobs.largest_page = 10
    request = await full.office.delete(full.token, action=Action.REMOVE)
    await full.office.click(request)
    assert await full.office.deletions.carry_out_approved() is not None
    assert len(full.entry.live()) == 20
    program = IntuneProgram(full.office.database, full.there.intune, full.office.clock)
    programs = {ProgramName.INTUNE: program}
    other = Office(full.office.database, full.office.outside, programs=programs)
    while await other.deletions.carry_out_approved() is not None:
        pass
    assert not full.entry.live()

"""Claims about deleting: nothing goes while something depends on it, and nothing half."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from services.clock import machine_now
from services.errors import InvalidForm, NotAllowed, Refused
from services.request_forms import DeleteForm
from storage.records import Profile, Request, Token, new_id
from storage.states import (
    Action,
    DecisionState,
    Health,
    NoticeKind,
    RequestState,
    TokenState,
)
from tests.sandbox.apple import faults
from tests.sandbox.apple.devices import ProfileStatus
from tests.sandbox.apple.server import Server
from tests.services.office import Office
from tests.services.ports import APPROVER, OPERATOR, SECOND
from tests.storage import facts

pytestmark = pytest.mark.usefixtures("online")


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


async def ended(office: Office, request: Request) -> Request:
    await office.deletions.carry_out_approved()
    return await office.request(request.id)


async def add_profile(office: Office, token: Token, uuid: str = "A" * 32) -> None:
    profile = Profile(
        id=new_id(),
        token_id=token.id,
        profile_uuid=uuid,
        name="Standard",
        is_default=True,
        created_at=office.clock.now(),
    )
    async with office.database.write() as tx:
        await tx.profiles.add(profile)


async def test_an_empty_token_is_deleted_and_its_secrets_are_gone_from_the_file(
    office: Office, active: Token, path: Path
) -> None:
    async with office.database.read() as tx:
        pair = await tx.key_pairs.newest_of(active.id)
        credentials = await tx.credentials.in_force(active.id)
    assert pair is not None
    assert credentials is not None
    request = await office.delete(active)
    await office.click(request)
    assert (await ended(office, request)).state is RequestState.COMPLETED
    assert (await office.token(request)).state is TokenState.DELETED
    async with office.database.read() as tx:
        assert await tx.credentials.in_force(active.id) is None
        assert await tx.key_pairs.newest_of(active.id) is None
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    everything = await asyncio.to_thread(path.read_bytes)
    for secret in (pair.private_key, credentials.access_secret):
        assert secret is not None
        assert secret.encode() not in everything
    actions = [entry.action for entry in await office.entries()]
    assert actions[-2:] == ["token.deleting", "token.delete"]
    assert await office.outbox(NoticeKind.TOKEN_GONE)
    again = await office.ask(active.name)
    assert again.state is RequestState.PENDING


async def test_with_devices_nothing_can_be_asked_and_each_count_is_told(
    office: Office, active: Token, server: Server
) -> None:
    server.assign_devices(3)
    await add_profile(office, active)
    look = await office.deletions.look(OPERATOR, active.id, Action.DELETE)
    assert look.conditions.live
    assert (look.conditions.devices, look.conditions.profiles) == (3, 1)
    with pytest.raises(Refused) as caught:
        await office.delete(active)
    assert "3 devices are assigned" in caught.value.user_message
    assert "1 profiles remain" in caught.value.user_message


async def test_devices_of_the_default_profile_are_counted_by_their_status(
    office: Office, active: Token, server: Server
) -> None:
    uuid = "A" * 32
    has, had = (server.inventory.devices[serial] for serial in server.assign_devices(2))
    has.profile_uuid, has.profile_status = uuid, ProfileStatus.PUSHED
    had.profile_uuid, had.profile_status = uuid, ProfileStatus.REMOVED
    await add_profile(office, active, uuid)
    look = await office.deletions.look(OPERATOR, active.id, Action.DELETE)
    assert (look.conditions.devices, look.conditions.in_default_profile) == (2, 1)


async def test_devices_that_come_between_the_form_and_the_decision_stop_the_click(
    office: Office, active: Token, server: Server
) -> None:
    request = await office.delete(active)
    server.assign_devices(2)
    decision = await office.click(request)
    assert decision.state is DecisionState.REFUSED
    changed = await office.request(request.id)
    assert changed.facts["devices"] == "2"
    again = await office.click(changed)
    assert again.state is DecisionState.REFUSED
    assert "cannot be approved" in str(again.refusal)
    assert (await office.request(request.id)).state is RequestState.PENDING


async def test_devices_that_come_between_approval_and_execution_fall_back(
    office: Office, active: Token, server: Server
) -> None:
    request = await office.delete(active)
    await office.click(request)
    server.assign_devices(2)
    failed = await ended(office, request)
    assert failed.state is RequestState.FAILED
    assert "2 devices are assigned" in str(failed.failure)
    token = await office.token(request)
    assert token.state is TokenState.ACTIVE
    assert (await office.program.read(token)).health is Health.OK
    assert (await office.entries())[-1].action == "request.fail"


async def test_apples_silence_stops_a_deletion_and_says_so(office: Office, active: Token) -> None:
    request = await office.delete(active)
    await office.click(request)
    office.apple.faults.next("/server/devices", faults.reset(), times=3)
    failed = await ended(office, request)
    assert failed.state is RequestState.FAILED
    assert (await office.token(request)).state is TokenState.ACTIVE


async def test_a_token_that_apple_takes_no_more_can_be_deleted(
    office: Office, active: Token, server: Server
) -> None:
    server.revoke()
    request = await office.delete(active)
    await office.click(request)
    assert (await ended(office, request)).state is RequestState.COMPLETED


async def test_a_deletion_waits_for_a_sync_that_runs(office: Office, active: Token) -> None:
    request = await office.delete(active)
    await office.click(request)
    run = facts.sync_run(active.id, lease_until=machine_now() + timedelta(minutes=1))
    async with office.database.write() as tx:
        await tx.sync_runs.add(run)
    assert await office.deletions.carry_out_approved() is not None
    assert (await office.token(request)).state is TokenState.DELETING
    async with office.database.write() as tx:
        await tx.sync_runs.change(lease_until=machine_now())
    assert (await ended(office, request)).state is RequestState.COMPLETED


async def test_removing_here_takes_profiles_off_and_lets_a_deletion_follow(
    office: Office, active: Token, server: Server
) -> None:
    serials = server.assign_devices(3)
    await add_profile(office, active)
    await office.sync.run_due()
    removal = await office.delete(active, action=Action.REMOVE)
    await office.click(removal)
    assert (await ended(office, removal)).state is RequestState.COMPLETED
    token = await office.token(removal)
    assert token.removed_here_at == office.clock.now()
    assert token.sync_due_at is None
    look = await office.deletions.look(OPERATOR, active.id, Action.DELETE)
    assert look.conditions.met()
    server.assign_devices(1)
    look = await office.deletions.look(OPERATOR, active.id, Action.DELETE)
    assert look.conditions.devices == 1
    server.unassign([serial for serial in server.serials if serial not in serials])
    request = await office.delete(token)
    await office.click(request)
    assert (await ended(office, request)).state is RequestState.COMPLETED


async def test_the_name_has_to_be_typed_as_it_is(office: Office, active: Token) -> None:
    form = DeleteForm(
        submission="d1", token_id=active.id, action=Action.DELETE, typed="hq", reason="Why"
    )
    with pytest.raises(InvalidForm) as caught:
        await office.deletions.ask(OPERATOR, form)
    assert "typed" in caught.value.fields


async def test_only_an_operator_asks_and_one_action_at_a_time(
    office: Office, active: Token
) -> None:
    with pytest.raises(NotAllowed):
        await office.delete(active, SECOND)
    await office.renew(active)
    with pytest.raises(Refused) as caught:
        await office.delete(active)
    assert "has asked to renew it already" in caught.value.user_message


async def test_two_processes_delete_once(
    office: Office, second_office: Office, active: Token
) -> None:
    request = await office.delete(active)
    await office.click(request, APPROVER)
    await office.deletions.carry_out_approved()
    await second_office.deletions.carry_out_approved()
    actions = [entry.action for entry in await office.entries()]
    assert actions.count("token.delete") == 1

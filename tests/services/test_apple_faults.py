"""Apple's faults by kind, at every call but the lists that a sync reads.

A look, a proof or a deletion that meets one ends in words and leaves everything as it was; once
Apple answers, the same thing succeeds.
"""

from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.apple.client import PAGE_LIMIT
from services.apple.errors import AppleError
from services.clock import machine_now
from services.programs import Holding
from storage.database import Database
from storage.records import Request, Token
from storage.states import Action, Health, RequestState, TokenState, UploadState
from tests.sandbox.apple import faults
from tests.sandbox.apple.devices import ProfileStatus
from tests.sandbox.apple.server import Server
from tests.services.apple_trouble import AT_SESSION, HARMLESS, KINDS, PATIENCE
from tests.services.office import Office, Outside
from tests.services.ports import OPERATOR

LISTS, OFF = "/server/devices", "/profile/devices"
PROFILE = "A" * 32
SILENT = {Health.UNREACHABLE, Health.THROTTLED}


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


@pytest.fixture
def office(database: Database, outside: Outside, online: None) -> Office:  # noqa: ARG001 - Apple is up
    outside.http.timeout = httpx.Timeout(PATIENCE)
    return Office(database, outside)


async def came_of(call: Awaitable[object]) -> object:
    """What was returned, or Apple's error; any other ends the test."""
    try:
        return await call
    except AppleError as error:
        return error


def order(office: Office, at: str, fault: faults.Fault) -> None:
    """Let the next call there go wrong; a session is only opened where there is none."""
    if at == "/session":
        office.apple.sessions.end_all()
    office.apple.faults.next(at, fault)


@pytest.mark.parametrize("at", ["/session", "/account"])
async def test_a_look_at_a_token_says_that_apple_was_silent_and_nothing_of_the_token(
    office: Office, active: Token, at: str
) -> None:
    for name, kind in AT_SESSION.items():
        order(office, at, kind())
        holding = await office.program.read(active)
        wants = {Health.OK} if name in HARMLESS else SILENT
        assert holding.health in wants, name
        assert holding.evidence, name
        assert not office.apple.faults.ordered, name
        assert (await office.program.read(active)).health is Health.OK, name


@pytest.mark.parametrize("at", ["/session", "/account"])
async def test_a_preflight_is_shown_without_apples_word(
    office: Office, active: Token, at: str
) -> None:
    for name, kind in AT_SESSION.items():
        order(office, at, kind())
        look = await office.renewals.preflight(OPERATOR, active.id)
        assert isinstance(look.holding, Holding), name
        assert look.token == active, name


@pytest.mark.parametrize("at", ["/session", "/account"])
async def test_a_file_that_meets_trouble_is_kept_under_seal_and_takes_effect_in_the_end(
    office: Office, waiting: Request, server: Server, at: str
) -> None:
    upload = await office.submit(waiting, server.download_token().content)
    for name, kind in AT_SESSION.items():
        if name in HARMLESS:
            continue
        office.apple.faults.next(at, kind())
        await office.proving.finish_due()
        async with office.database.read() as tx:
            kept = await tx.uploads.get(upload.id)
            assert await tx.credentials.in_force(waiting.token_id) is None, name
        assert kept is not None
        assert (kept.state, kept.ended_at) == (UploadState.RECEIVED, None), name
        assert kept.content, name
        assert (await office.request(waiting.id)).state is RequestState.AWAITING_UPLOAD
        assert not office.apple.faults.ordered, name
        async with office.database.write() as tx:
            await tx.uploads.change(due_at=machine_now() - timedelta(seconds=1))
    await office.proving.finish_due()
    assert (await office.request(waiting.id)).state is RequestState.COMPLETED
    assert (await office.token(waiting)).state is TokenState.ACTIVE
    actions = [entry.action for entry in await office.entries()]
    assert (actions.count("upload.hold"), actions.count("token.activate")) == (1, 1)


@pytest.mark.parametrize("at", ["/session", LISTS])
async def test_a_deletion_falls_back_in_words_and_succeeds_later(
    office: Office, active: Token, at: str
) -> None:
    for name, kind in AT_SESSION.items():
        if name in HARMLESS:
            continue
        request = await office.delete(active)
        await office.click(request)
        order(office, at, kind())
        await office.deletions.carry_out_approved()
        failed = await office.request(request.id)
        assert failed.state is RequestState.FAILED, name
        assert failed.failure, name
        assert (await office.token(request)).state is TokenState.ACTIVE, name
        assert not office.apple.faults.ordered, name
    request = await office.delete(active)
    await office.click(request)
    await office.deletions.carry_out_approved()
    assert (await office.token(request)).state is TokenState.DELETED


async def test_a_form_to_delete_shows_what_is_known_where_apple_does_not_count(
    office: Office, active: Token
) -> None:
    for name, kind in KINDS.items():
        office.apple.faults.next(LISTS, kind())
        look = await office.deletions.look(OPERATOR, active.id, Action.DELETE)
        assert look.conditions.live or look.conditions.trouble, name
        assert not office.apple.faults.ordered, name
        assert (await office.deletions.look(OPERATOR, active.id, Action.DELETE)).conditions.live


async def wear(office: Office, server: Server) -> None:
    """Let every device have a profile, at Apple and here."""
    for device in server.inventory.devices.values():
        device.profile_status, device.profile_uuid = ProfileStatus.ASSIGNED, PROFILE
    async with office.database.write() as tx:
        await tx.devices.change(profile_status="assigned", profile_uuid=PROFILE)


@pytest.mark.parametrize("batch", [1, 2])
async def test_profiles_that_could_not_be_taken_off_are_taken_off_by_the_next_try(
    office: Office, active: Token, server: Server, batch: int
) -> None:
    server.assign_devices(PAGE_LIMIT + 2)
    await office.sync.run_due()
    for name in KINDS.keys() - {"a device twice"}:
        await wear(office, server)
        office.apple.faults.next(OFF, KINDS[name](), nth=batch)
        came = await came_of(office.program.remove_devices(active))
        if isinstance(came, AppleError):
            assert came.retryable, name
            async with office.database.read() as tx:
                left = await tx.devices.with_any_profile(active.id, PAGE_LIMIT)
            # What is stored as taken off was taken off: the first batch, or nothing.
            assert len(left) == (PAGE_LIMIT if batch == 1 else 2), name
            await office.program.remove_devices(active)
        worn = [one for one in server.inventory.devices.values() if one.profile_uuid]
        on = [one for one in worn if one.profile_status is ProfileStatus.ASSIGNED]
        assert not on, name
        assert not office.apple.faults.ordered, name


async def test_devices_that_apple_does_not_tell_are_an_error_in_words(
    office: Office, active: Token, server: Server
) -> None:
    serials = server.assign_devices(2)
    # There devices are told by their serial numbers, so none can be told twice.
    for name in KINDS.keys() - {"a device twice"}:
        office.apple.faults.next("/devices", KINDS[name]())
        came = await came_of(office.program.devices(active, serials))
        assert isinstance(came, list) or (isinstance(came, AppleError) and came.retryable), name
        assert not office.apple.faults.ordered, name


async def test_a_fault_that_lasts_ends_a_removal_in_words_and_the_token_stays(
    office: Office, active: Token, server: Server
) -> None:
    server.assign_devices(3)
    await office.sync.run_due()
    await wear(office, server)
    office.apple.faults.next(OFF, faults.status(500), times=9)
    request = await office.delete(active, action=Action.REMOVE)
    await office.click(request)
    await office.deletions.carry_out_approved()
    assert (await office.request(request.id)).state is RequestState.FAILED
    assert (await office.token(request)).state is TokenState.ACTIVE

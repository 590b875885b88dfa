"""Claims about organisations: whose tokens are taken, announced, and stopped."""

from pathlib import Path

import pytest

from services.errors import NotAllowed, Refused
from services.policy import Role
from storage.records import Request
from storage.states import NoticeKind, TokenState, UploadState
from tests.sandbox.apple.server import Server
from tests.services.office import Office, Outside
from tests.services.ports import ADMIN, APPROVER, OPERATOR, SECOND

pytestmark = pytest.mark.usefixtures("online")


@pytest.fixture
def template(one_waiting: Path) -> Path:
    return one_waiting


async def test_another_organisation_than_those_named_is_refused(
    office: Office, outside: Outside, waiting: Request, server: Server
) -> None:
    strict = Office(office.database, outside, organisations=frozenset({"7777777"}))
    upload = await strict.bring(waiting, server.download_token().content)
    assert (upload.state, upload.reason) == (UploadState.REFUSED, "other_organisation")
    assert "Example Schools" in str(upload.answer)
    assert (await office.token(waiting)).state is TokenState.AWAITING_TOKEN


async def test_a_named_organisation_is_taken_and_not_announced(
    office: Office, outside: Outside, waiting: Request, server: Server
) -> None:
    ours = Office(office.database, outside, organisations=frozenset({outside.organisation.id}))
    upload = await ours.bring(waiting, server.download_token().content)
    assert upload.state is UploadState.ACCEPTED
    assert "new_organisation" not in await office.stories(waiting)


async def test_the_first_token_of_an_organisation_is_announced_and_the_next_is_not(
    office: Office, waiting: Request, server: Server
) -> None:
    await office.bring(waiting, server.download_token().content)
    assert "new_organisation" in await office.stories(waiting)
    second = await office.waiting("Second")
    other = await office.server(second)
    await office.bring(second, other.download_token().content)
    assert "new_organisation" not in await office.stories(second)


async def test_an_approver_stops_a_token_that_is_not_ours(
    office: Office, waiting: Request, server: Server
) -> None:
    server.assign_devices(2)
    await office.bring(waiting, server.download_token().content)
    await office.sync.run_due()
    with pytest.raises(NotAllowed):
        await office.desk.disowning.disown(OPERATOR, waiting.id, origin="click:1")
    await office.desk.disowning.disown(APPROVER, waiting.id, origin="click:1")
    token = await office.token(waiting)
    assert token.state is TokenState.DELETED
    async with office.database.read() as tx:
        assert await tx.credentials.in_force(token.id) is None
        assert await tx.devices.count(token.id) == 0
    entry = (await office.entries())[-1]
    assert (entry.action, entry.actor) == ("token.disown", APPROVER)
    with pytest.raises(Refused):
        await office.desk.disowning.disown(SECOND, waiting.id, origin="click:2")


async def test_a_role_that_was_taken_away_does_not_stop_a_token(
    office: Office, waiting: Request, server: Server
) -> None:
    await office.bring(waiting, server.download_token().content)
    office.outside.people.roles[Role.APPROVER] = {SECOND}
    with pytest.raises(NotAllowed):
        await office.desk.disowning.disown(APPROVER, waiting.id, origin="click:1")
    assert (await office.token(waiting)).state is TokenState.ACTIVE


async def test_a_file_for_a_strange_key_is_told_to_the_admins(
    office: Office, waiting: Request, server: Server
) -> None:
    async with office.database.write() as tx:
        await tx.key_pairs.change(serial="1")
    await office.bring(waiting, server.download_token().content)
    (incident,) = await office.outbox(NoticeKind.INCIDENT)
    assert incident.destination == ADMIN

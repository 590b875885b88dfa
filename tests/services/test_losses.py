"""Claims about large losses: what is removed without a person, what is asked, and who answers."""

import asyncio
from datetime import timedelta

import pytest

from services.errors import NotAllowed, NotFound, Refused
from storage.database import Database
from storage.records import Token
from storage.states import LossState, NoticeKind, ProgramName, SyncState, TokenState
from storage.sync_records import LossQuestion
from tests.services.office import ALERTS, Office, Outside
from tests.services.ports import APPROVER, OPERATOR, SECOND, START, STRANGER, Listing
from tests.storage import facts

WEEK = timedelta(days=7)
ORIGIN = "message:C0ALERTS/1.0"


@pytest.fixture
async def token(database: Database) -> Token:
    due = facts.token(state=TokenState.ACTIVE, sync_due_at=START)
    async with database.write() as tx:
        await tx.tokens.add(due)
    return due


@pytest.fixture
def listing() -> Listing:
    return Listing(facts.devices(200))


@pytest.fixture
async def office(database: Database, outside: Outside, token: Token, listing: Listing) -> Office:
    """A token with 200 devices."""
    office = Office(database, outside, programs={ProgramName.APPLE: listing})
    await office.sync.run_due()
    assert await count(office, token) == 200
    return office


async def count(office: Office, token: Token) -> int:
    async with office.database.read() as tx:
        return await tx.devices.count(token.id)


async def listed(office: Office, listing: Listing, left: int) -> None:
    listing.pages = [facts.devices(left)]
    office.clock.pass_time(WEEK)
    await office.sync.run_due()


async def question(office: Office, token: Token) -> LossQuestion | None:
    async with office.database.read() as tx:
        return await tx.loss_questions.open_of(token.id)


async def asked(office: Office, token: Token) -> LossQuestion:
    found = await question(office, token)
    assert found is not None
    return found


@pytest.mark.parametrize(("left", "removed"), [(199, 1), (160, 40), (159, 0), (0, 0)])
async def test_more_than_a_fifth_is_not_removed_without_a_person(
    office: Office, token: Token, listing: Listing, left: int, removed: int
) -> None:
    await listed(office, listing, left)
    assert await count(office, token) == 200 - removed
    found = await question(office, token)
    assert (found is None) == bool(removed)
    if found is not None:
        assert (found.unseen, found.known) == (200 - left, 200)
        (notice,) = await office.outbox(NoticeKind.LOSS_QUESTION)
        assert (notice.destination, notice.subject_id) == (ALERTS, found.id)


async def test_the_only_device_of_a_token_is_not_removed_without_a_person(
    office: Office, token: Token, listing: Listing
) -> None:
    async with office.database.write() as tx:
        await tx.devices.forget(token.id)
    await listed(office, listing, 1)
    await listed(office, listing, 0)
    assert await count(office, token) == 1
    assert (await asked(office, token)).known == 1


async def test_the_rest_of_the_sync_counts_while_the_question_is_open(
    office: Office, token: Token, listing: Listing
) -> None:
    await listed(office, listing, 100)
    async with office.database.read() as tx:
        run = await tx.sync_runs.last_ended(token.id)
        now = await tx.tokens.get(token.id)
    assert run is not None
    assert now is not None
    assert (run.state, run.removed) == (SyncState.COMPLETED, 0)
    assert now.last_synced_at == office.clock.now()


async def test_an_approver_has_them_marked_as_removed(
    office: Office, token: Token, listing: Listing
) -> None:
    await listed(office, listing, 100)
    found = await asked(office, token)
    answered = await office.losses.answer(APPROVER, found.id, remove=True, origin=ORIGIN)
    assert (answered.state, answered.removed) == (LossState.REMOVED, 100)
    assert answered.answered_by == APPROVER
    assert await count(office, token) == 100
    entry = (await office.entries())[-1]
    assert (entry.actor, entry.action, entry.origin) == (APPROVER, "devices.remove", ORIGIN)
    assert (entry.token_id, entry.after) == (token.id, {"removed": "100"})
    first, edit = await office.outbox(NoticeKind.LOSS_QUESTION)
    assert edit.edits == first.id


async def test_an_approver_has_them_kept_until_the_next_full_list(
    office: Office, token: Token, listing: Listing
) -> None:
    await listed(office, listing, 100)
    found = await asked(office, token)
    await office.losses.answer(SECOND, found.id, remove=False, origin=ORIGIN)
    assert await question(office, token) is None
    assert await count(office, token) == 200
    assert (await office.entries())[-1].action == "devices.keep"
    await listed(office, listing, 100)
    assert (await asked(office, token)).id != found.id


async def test_what_came_back_meanwhile_is_not_removed(
    office: Office, token: Token, listing: Listing
) -> None:
    await listed(office, listing, 100)
    found = await asked(office, token)
    await listed(office, listing, 200)
    assert await question(office, token) is None
    with pytest.raises(Refused, match="outdated"):
        await office.losses.answer(APPROVER, found.id, remove=True, origin=ORIGIN)
    assert await count(office, token) == 200


async def test_an_answer_while_a_newer_list_is_being_read_removes_nothing(
    office: Office, token: Token, listing: Listing
) -> None:
    await listed(office, listing, 100)
    found = await asked(office, token)
    reached, go_on = asyncio.Event(), asyncio.Event()
    listing.between, listing.pages = [reached, go_on], [facts.devices(200)]
    office.clock.pass_time(WEEK)
    under_way = asyncio.create_task(office.sync.run_due())
    await reached.wait()
    with pytest.raises(Refused, match="outdated"):
        await office.losses.answer(APPROVER, found.id, remove=True, origin=ORIGIN)
    go_on.set()
    await under_way
    assert await count(office, token) == 200
    assert await office.entries() == []


async def test_only_an_approver_answers(office: Office, token: Token, listing: Listing) -> None:
    await listed(office, listing, 100)
    found = await asked(office, token)
    for person in (OPERATOR, STRANGER):
        with pytest.raises(NotAllowed, match="approver"):
            await office.losses.answer(person, found.id, remove=True, origin=ORIGIN)
    assert office.outside.people.looked_up[-1] == (STRANGER, True)
    assert await count(office, token) == 200
    assert await office.entries() == []


async def test_a_question_that_is_not_known_is_told(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.losses.answer(APPROVER, "0" * 32, remove=True, origin=ORIGIN)


async def test_of_two_answers_at_once_the_first_counts_and_the_second_is_told_whose(
    office: Office, token: Token, listing: Listing
) -> None:
    await listed(office, listing, 100)
    found = await asked(office, token)
    answers = await asyncio.gather(
        office.losses.answer(APPROVER, found.id, remove=True, origin=ORIGIN),
        office.losses.answer(SECOND, found.id, remove=False, origin=ORIGIN),
        return_exceptions=True,
    )
    (refused,) = [answer for answer in answers if isinstance(answer, Refused)]
    assert "was first" in refused.user_message
    assert len(await office.entries()) == 1

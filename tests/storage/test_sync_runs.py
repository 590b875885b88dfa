"""Claims about runs, the places where syncs stand, and questions about losses."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.records import SyncRun, Token, new_id
from storage.states import LossState, SyncState, TokenState
from storage.sync_records import LossQuestion, SyncPlace
from tests.storage import facts
from tests.storage.facts import MINUTE, NOON


@pytest.fixture
async def token(database: Database) -> Token:
    added = facts.token(state=TokenState.ACTIVE, sync_due_at=NOON)
    async with database.write() as tx:
        await tx.tokens.add(added)
    return added


@pytest.fixture
async def run(database: Database, token: Token) -> SyncRun:
    added = facts.sync_run(token.id)
    async with database.write() as tx:
        await tx.sync_runs.add(added)
    return added


def place(token: Token, **changes: object) -> SyncPlace:
    whole = SyncPlace(
        token_id=token.id,
        cursor="cursor",
        cursor_at=NOON,
        generation="one",
        unfinished=False,
        listed_at=NOON,
        wait_until=None,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


async def due(database: Database, at: datetime) -> list[str]:
    async with database.read() as tx:
        return [found.id for found in await tx.sync_runs.due(at)]


@pytest.mark.parametrize("state", [SyncState.RUNNING, SyncState.WAITING])
@pytest.mark.usefixtures("run")
async def test_one_run_of_a_token_is_open(
    database: Database, token: Token, state: SyncState
) -> None:
    with pytest.raises(IntegrityError, match=r"sync_run\.token_id"):
        async with database.write() as tx:
            await tx.sync_runs.add(facts.sync_run(token.id, state=state))
    other = facts.token("Another")
    async with database.write() as tx:
        await tx.tokens.add(other)
        await tx.sync_runs.add(facts.sync_run(other.id, state=state))


async def test_a_run_ends_once(database: Database, token: Token, run: SyncRun) -> None:
    ended = replace(run, state=SyncState.COMPLETED, ended_at=NOON, removed=2)
    async with database.write() as tx:
        assert await tx.sync_runs.advance(ended)
        assert not await tx.sync_runs.advance(replace(run, state=SyncState.FAILED))
        assert not await tx.sync_runs.advance(run)
        assert not await tx.sync_runs.release(run, NOON)
        assert await tx.sync_runs.open_of(token.id) is None
        assert await tx.sync_runs.last_ended(token.id) == ended


async def test_whoever_takes_a_run_shuts_out_who_held_it(database: Database, run: SyncRun) -> None:
    taken = replace(run, fence=run.fence + 1)
    async with database.write() as tx:
        assert await tx.sync_runs.take(run, taken)
        assert not await tx.sync_runs.take(run, taken)
        assert not await tx.sync_runs.advance(run)
        assert not await tx.sync_runs.beat(run, NOON)
        assert await tx.sync_runs.beat(taken, NOON)


async def test_an_interrupted_run_waits_and_its_process_stores_nothing_more(
    database: Database, token: Token, run: SyncRun
) -> None:
    async with database.write() as tx:
        await tx.sync_runs.interrupt(token.id, NOON)
        assert not await tx.sync_runs.advance(run)
        found = await tx.sync_runs.open_of(token.id)
    assert found is not None
    assert (found.state, found.due_at) == (SyncState.WAITING, NOON)


async def test_a_run_is_due_when_it_waited_long_enough_or_its_process_is_silent(
    database: Database, run: SyncRun
) -> None:
    assert await due(database, NOON) == []
    assert await due(database, run.lease_until) == [run.id]
    async with database.write() as tx:
        assert await tx.sync_runs.next_at() == run.lease_until
        later = run.lease_until + MINUTE
        await tx.sync_runs.release(run, later)
        assert await tx.sync_runs.next_at() == later
    assert await due(database, run.lease_until) == []
    assert await due(database, later) == [run.id]


async def test_failures_are_counted_since_the_last_run_that_did_not_fail(
    database: Database, token: Token
) -> None:
    states = [SyncState.FAILED, SyncState.NOT_OURS, SyncState.FAILED, SyncState.FAILED]
    async with database.write() as tx:
        assert await tx.sync_runs.failures_in_a_row(token.id) == 0
        for number, state in enumerate(states):
            at = NOON + number * MINUTE
            await tx.sync_runs.add(facts.sync_run(token.id, state=state, started_at=at))
        assert await tx.sync_runs.failures_in_a_row(token.id) == 2
        for number in range(4, 30):
            at = NOON + number * MINUTE
            failed = facts.sync_run(token.id, state=SyncState.FAILED, started_at=at)
            await tx.sync_runs.add(failed)
        assert await tx.sync_runs.failures_in_a_row(token.id) == 10


async def test_a_token_is_due_unless_a_run_is_open_or_its_holder_wants_us_to_wait(
    database: Database, token: Token
) -> None:
    async with database.write() as tx:
        assert await tx.tokens.due_for_sync(NOON, NOON, 9) == [token]
        assert await tx.tokens.due_for_sync(NOON - MINUTE, NOON, 9) == []
        await tx.sync_places.keep(place(token, wait_until=NOON + MINUTE))
        assert await tx.tokens.due_for_sync(NOON, NOON, 9) == []
        assert await tx.tokens.due_for_sync(NOON, NOON + MINUTE, 9) == [token]
        await tx.sync_runs.add(facts.sync_run(token.id, state=SyncState.WAITING))
        assert await tx.tokens.due_for_sync(NOON, NOON + MINUTE, 9) == []


async def test_a_forgotten_cursor_leaves_the_holders_wish(database: Database, token: Token) -> None:
    async with database.write() as tx:
        assert await tx.sync_places.of(token.id) is None
        assert await tx.sync_places.wait_until(token.id) is None
        await tx.sync_places.forget(token.id)
        await tx.sync_places.keep(place(token))
        await tx.sync_places.keep(place(token, wait_until=NOON + MINUTE))
        await tx.sync_places.forget(token.id)
        found = await tx.sync_places.of(token.id)
    forgotten = {"cursor": None, "cursor_at": None, "listed_at": None}
    assert found == place(token, **forgotten, wait_until=NOON + MINUTE)


async def test_a_question_is_answered_once_and_one_is_open_for_a_token(
    database: Database, token: Token, run: SyncRun
) -> None:
    question = LossQuestion(
        id=new_id(),
        token_id=token.id,
        run_id=run.id,
        generation="one",
        unseen=30,
        known=60,
        state=LossState.OPEN,
        removed=0,
        answered_by=None,
        asked_at=NOON,
        answered_at=None,
    )
    async with database.write() as tx:
        await tx.loss_questions.add(question)
        assert await tx.loss_questions.open_of(token.id) == question
        assert await tx.loss_questions.of_run(run.id) == question
    with pytest.raises(IntegrityError, match=r"loss_question\.token_id"):
        async with database.write() as tx:
            await tx.loss_questions.add(replace(question, id=new_id()))
    at = NOON + timedelta(hours=1)
    async with database.write() as tx:
        assert await tx.loss_questions.answer(question.id, LossState.KEPT, at=at, by="U0APPROVER")
        assert not await tx.loss_questions.answer(question.id, LossState.REMOVED, at=at)
        kept = await tx.loss_questions.get(question.id)
    assert kept == replace(question, state=LossState.KEPT, answered_by="U0APPROVER", answered_at=at)

"""Claims about the rows of tokens and requests: names, servers, and what is open."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.records import Token
from storage.states import DecisionState, RequestState, TokenState
from storage.tokens import GONE
from tests.storage import facts

LIVING = [state for state in TokenState if state not in GONE]
OPEN = [
    RequestState.PENDING,
    RequestState.APPROVED,
    RequestState.AWAITING_UPLOAD,
    RequestState.VERIFYING,
]


async def add(database: Database, *tokens: Token) -> None:
    async with database.write() as tx:
        for token in tokens:
            await tx.tokens.add(token)


async def test_a_record_comes_back_as_it_was_added(database: Database) -> None:
    token = facts.token(expires_at=facts.NOON, org_name="Straße & Söhne", sync_due_at=facts.NOON)
    await add(database, token)
    async with database.read() as tx:
        assert await tx.tokens.get(token.id) == token


@pytest.mark.parametrize("state", LIVING)
@pytest.mark.parametrize("namesake", ["HQ iPads", "hq IPADS", "STRASSE"])
async def test_a_living_name_is_unique_in_any_case(
    database: Database, state: TokenState, namesake: str
) -> None:
    name = "Straße" if namesake == "STRASSE" else "HQ iPads"
    await add(database, facts.token(name, state=state))
    with pytest.raises(IntegrityError, match="name_key"):
        await add(database, facts.token(namesake))


@pytest.mark.parametrize("gone", GONE)
async def test_the_name_of_a_gone_token_is_free(database: Database, gone: TokenState) -> None:
    old, new = facts.token(state=gone), facts.token("hq ipads")
    await add(database, old, new)
    async with database.read() as tx:
        assert await tx.tokens.named("HQ IPADS") == new
        assert await tx.tokens.living() == [new]


async def test_a_token_that_moves_to_gone_frees_its_name(database: Database) -> None:
    token = facts.token()
    await add(database, token)
    async with database.write() as tx:
        assert await tx.tokens.move(token.id, TokenState.REQUESTED, TokenState.CANCELLED)
        await tx.tokens.add(facts.token())
    async with database.read() as tx:
        assert len(await tx.tokens.living()) == 1


async def test_a_server_has_one_living_token(database: Database) -> None:
    await add(database, facts.token("One", server_uuid="S1", state=TokenState.ACTIVE))
    with pytest.raises(IntegrityError, match="server_uuid"):
        await add(database, facts.token("Two", server_uuid="S1"))
    await add(database, facts.token("Three", server_uuid="S1", state=TokenState.DELETED))
    await add(database, facts.token("Four"), facts.token("Five"))
    async with database.read() as tx:
        found = await tx.tokens.of_server("S1")
        assert found is not None
        assert found.name == "One"


async def test_a_move_from_another_state_changes_nothing(database: Database) -> None:
    token = facts.token(state=TokenState.ACTIVE)
    await add(database, token)
    async with database.write() as tx:
        moved = await tx.tokens.move(
            token.id, TokenState.AWAITING_TOKEN, TokenState.CANCELLED, server_uuid="S9"
        )
        assert not moved
        assert await tx.tokens.get(token.id) == token


async def test_the_soonest_to_expire_comes_first_and_the_unknown_last(database: Database) -> None:
    days = {"Unknown": None, "Later": 9, "Sooner": 1}
    for name, left in days.items():
        expiry = None if left is None else facts.NOON + timedelta(days=left)
        await add(database, facts.token(name, expires_at=expiry))
    async with database.read() as tx:
        assert [token.name for token in await tx.tokens.living()] == ["Sooner", "Later", "Unknown"]


async def test_only_active_tokens_are_due_for_sync_the_longest_due_first(
    database: Database,
) -> None:
    def due(name: str, minutes: int, state: TokenState = TokenState.ACTIVE) -> Token:
        return facts.token(name, state=state, sync_due_at=facts.NOON + minutes * facts.MINUTE)

    await add(
        database,
        due("Now", 0),
        due("Long", -9),
        due("Soon", 1),
        due("Gone", -9, TokenState.DELETED),
    )
    async with database.read() as tx:
        names = [token.name for token in await tx.tokens.due_for_sync(facts.NOON, facts.NOON, 9)]
    assert names == ["Long", "Now"]


@pytest.mark.parametrize("state", OPEN)
async def test_a_token_has_one_open_request(database: Database, state: RequestState) -> None:
    token = facts.token()
    await add(database, token)
    async with database.write() as tx:
        await tx.requests.add(facts.request(token.id, state=state))
    with pytest.raises(IntegrityError, match=r"request\.token_id"):
        async with database.write() as tx:
            await tx.requests.add(facts.request(token.id))


@pytest.mark.parametrize("ended", [state for state in RequestState if state not in OPEN])
async def test_an_ended_request_makes_way_for_another(
    database: Database, ended: RequestState
) -> None:
    token = facts.token()
    await add(database, token)
    later = facts.request(token.id, created_at=facts.NOON + facts.MINUTE)
    async with database.write() as tx:
        await tx.requests.add(facts.request(token.id, state=ended))
        await tx.requests.add(later)
        assert await tx.requests.latest_of(token.id) == later


async def test_a_submission_makes_one_request(database: Database) -> None:
    one, two = facts.token("One"), facts.token("Two")
    await add(database, one, two)
    async with database.write() as tx:
        await tx.requests.add(facts.request(one.id, dedupe_key="V1"))
    with pytest.raises(IntegrityError, match="dedupe_key"):
        async with database.write() as tx:
            await tx.requests.add(facts.request(two.id, dedupe_key="V1"))


async def test_a_decision_has_one_outcome(database: Database) -> None:
    token = facts.token()
    request = facts.request(token.id)
    decision = facts.decision(request.id)
    await add(database, token)
    async with database.write() as tx:
        await tx.requests.add(request)
        await tx.decisions.add(decision)
        finish = tx.decisions.finish
        counted, refused = DecisionState.COUNTED, DecisionState.REFUSED
        assert await finish(decision.id, refused, "Ask an approver.")
        assert not await finish(decision.id, counted)
        assert await tx.decisions.counted(request.id) == []
        assert await tx.decisions.recorded() == []


async def test_a_person_counts_once_on_a_request(database: Database) -> None:
    token = facts.token()
    request = facts.request(token.id)
    await add(database, token)
    async with database.write() as tx:
        await tx.requests.add(request)
        await tx.decisions.add(facts.decision(request.id, state=DecisionState.COUNTED))
        await tx.decisions.add(facts.decision(request.id, state=DecisionState.REFUSED))
    with pytest.raises(IntegrityError, match=r"decision\.person"):
        async with database.write() as tx:
            await tx.decisions.add(facts.decision(request.id, state=DecisionState.COUNTED))

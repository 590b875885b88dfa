"""Claims about what one person sees: what waits for them, for others, and which token is next."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.audit import AuditLog, Deed
from services.errors import NotAllowed
from services.next_steps import NextStep, next_step
from services.overview import Overview, Overviews
from services.phrases import person as named
from services.policy import Actor, Role, require_any
from services.tokens import PAGE, Tokens
from storage.database import Database
from storage.records import Request, Token
from storage.states import DecisionState, Health, RequestState, TokenState
from tests.services.office import KEYS
from tests.services.ports import (
    ADMIN,
    APPROVER,
    OPERATOR,
    OWNER,
    SECOND,
    START,
    STRANGER,
    MovedClock,
    Workplace,
)
from tests.storage import facts

DAY = timedelta(days=1)
PATIENCE = 2 * DAY
ZONE = ZoneInfo("Europe/Berlin")
AWAITING = RequestState.AWAITING_UPLOAD


@pytest.fixture
def people() -> Workplace:
    people = Workplace()
    people.roles[Role.VIEWER].add(OWNER)
    return people


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def overviews(database: Database, people: Workplace, clock: MovedClock) -> Overviews:
    return Overviews(database=database, people=people, clock=clock, zone=ZONE, sync_every=DAY)


Asked = Callable[..., Any]


@pytest.fixture
def asked(database: Database) -> Asked:
    """Keeps a token with a request; decisions count for whoever `decided`."""

    async def keep(name: str = "HQ iPads", decided: str = "", **fields: Any) -> Request:  # noqa: ANN401 - any field
        state = TokenState.CANCELLED if fields.get("ended_at") else TokenState.REQUESTED
        token = facts.token(name, state=state)
        request = facts.request(token.id, **fields)
        async with database.write() as tx:
            await tx.tokens.add(token)
            await tx.requests.add(request)
            if decided:
                made = facts.decision(request.id, decided, state=DecisionState.COUNTED)
                await tx.decisions.add(made)
        return request

    return keep


async def seen(overviews: Overviews, person: str, page: int = 0) -> Overview:
    return await overviews.seen_by(person, await overviews.picture(), page=page)


async def keep(database: Database, *tokens: Token) -> None:
    async with database.write() as tx:
        for token in tokens:
            await tx.tokens.add(token)


def active(name: str, expires_at: datetime | None, **fields: Any) -> Token:  # noqa: ANN401 - any field
    known = {"state": TokenState.ACTIVE, "health": Health.OK, "last_synced_at": START}
    return facts.token(name, expires_at=expires_at, **{**known, **fields})


async def test_a_request_waits_for_each_approver_who_could_decide_on_it(
    overviews: Overviews, asked: Asked
) -> None:
    request = await asked()
    for approver in (APPROVER, SECOND):
        (waits,) = (await seen(overviews, approver)).decide
        assert (waits.request, waits.token.name) == (request, "HQ iPads")


async def test_a_request_does_not_wait_for_those_who_cannot_decide_on_it(
    overviews: Overviews, asked: Asked, people: Workplace
) -> None:
    await asked(approvers=[OPERATOR, APPROVER, ADMIN])
    people.roles[Role.APPROVER].add(OPERATOR)
    assert (await seen(overviews, OPERATOR)).decide == [], "their own"
    assert (await seen(overviews, SECOND)).decide == [], "became an approver later"
    assert (await seen(overviews, ADMIN)).decide == [], "lost the role"


async def test_whoever_has_decided_is_not_asked_again(overviews: Overviews, asked: Asked) -> None:
    await asked(decided=APPROVER, approvals_required=2)
    assert (await seen(overviews, APPROVER)).decide == []
    assert len((await seen(overviews, SECOND)).decide) == 1


async def test_an_upload_waits_for_requester_and_owner_but_not_for_who_decided(
    overviews: Overviews, asked: Asked
) -> None:
    await asked(state=AWAITING)
    for person in (OPERATOR, OWNER):
        assert len((await seen(overviews, person)).bring) == 1
    assert (await seen(overviews, APPROVER)).bring == []
    await asked("Second", state=AWAITING, decided=OWNER)
    assert len((await seen(overviews, OWNER)).bring) == 1


async def test_ones_own_requests_wait_for_others_until_it_is_ones_own_turn(
    overviews: Overviews, asked: Asked
) -> None:
    states = [RequestState.PENDING, RequestState.APPROVED, RequestState.VERIFYING, AWAITING]
    for state in states:
        await asked(state.value, state=state)
    mine = await seen(overviews, OPERATOR)
    assert [one.request.state for one in mine.others] == states[:3]
    assert [one.request.state for one in mine.bring] == [AWAITING]
    assert (await seen(overviews, OWNER)).others == []


async def test_what_is_over_waits_for_nobody(overviews: Overviews, asked: Asked) -> None:
    await asked(state=RequestState.DECLINED, ended_at=START)
    for person in (OPERATOR, APPROVER):
        view = await seen(overviews, person)
        assert (list(view.decide), list(view.bring), list(view.others)) == ([], [], [])
        assert view.total == 0


async def test_somebody_without_a_role_is_told_whom_to_ask(overviews: Overviews) -> None:
    with pytest.raises(NotAllowed) as caught:
        await seen(overviews, STRANGER)
    assert named(ADMIN) in caught.value.user_message


async def test_without_admins_whoever_runs_the_app_is_to_be_asked(
    overviews: Overviews, people: Workplace
) -> None:
    people.roles[Role.ADMIN].clear()
    with pytest.raises(NotAllowed) as caught:
        await seen(overviews, STRANGER)
    assert "whoever runs this app" in caught.value.user_message


async def test_a_guest_is_told_that_guests_cannot(overviews: Overviews, people: Workplace) -> None:
    people.outsiders.add(OPERATOR)
    with pytest.raises(NotAllowed) as caught:
        await seen(overviews, OPERATOR)
    assert "Guests" in caught.value.user_message


async def test_only_operators_may_start(overviews: Overviews) -> None:
    assert (await seen(overviews, OPERATOR)).may_start
    assert not (await seen(overviews, APPROVER)).may_start


async def test_trouble_comes_first_then_what_ends_soonest(
    overviews: Overviews, database: Database, people: Workplace, clock: MovedClock
) -> None:
    await keep(
        database,
        active("far", START + 300 * DAY),
        active("soon", START + 5 * DAY),
        active("dead", START + 200 * DAY, health=Health.SUPERSEDED),
        facts.token("new"),
        facts.token("gone", state=TokenState.DELETED),
    )
    order = ["dead", "soon", "far", "new"]
    assert [one.token.name for one in (await seen(overviews, OPERATOR)).tokens] == order
    tokens = Tokens(
        database=database, people=people, clock=clock, zone=ZONE, sync_every=timedelta(hours=12)
    )
    assert [one.token.name for one in (await tokens.page(OPERATOR, 0, "")).items] == order
    assert [one.token.name for one in (await tokens.page(OPERATOR, 0)).items] == order


async def test_days_are_counted_by_the_calendar(overviews: Overviews, database: Database) -> None:
    await keep(database, active("a", START + timedelta(hours=15)), active("b", START + 2 * DAY))
    assert [one.days_left for one in (await seen(overviews, OPERATOR)).tokens] == [1, 2]


@pytest.mark.parametrize(("asked_for", "shown"), [(-1, 0), (0, 0), (2, 2), (3, 2), (9999, 2)])
async def test_a_page_that_is_not_there_becomes_the_nearest(
    overviews: Overviews, database: Database, asked_for: int, shown: int
) -> None:
    many = [facts.token(f"t{number:02}") for number in range(2 * PAGE + 5)]
    await keep(database, *many)
    view = await seen(overviews, OPERATOR, asked_for)
    assert (view.page, view.pages, view.total) == (shown, 3, len(many))
    assert len(view.tokens) == (5 if shown == 2 else PAGE)


OK: dict[str, Any] = {"state": TokenState.ACTIVE, "health": Health.OK, "last_synced_at": START}
FAR = START + 300 * DAY


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"expires_at": FAR}, NextStep.NOTHING),
        ({"expires_at": START + 31 * DAY}, NextStep.NOTHING),
        ({"expires_at": START + 30 * DAY}, NextStep.RENEW_SOON),
        ({"expires_at": START + timedelta(seconds=1)}, NextStep.RENEW_SOON),
        ({"expires_at": START}, NextStep.RENEW_NOW),
        ({"expires_at": FAR, "health": Health.SUPERSEDED}, NextStep.RENEW_NOW),
        ({"expires_at": FAR, "health": Health.REVOKED}, NextStep.RENEW_NOW),
        ({"expires_at": FAR, "health": Health.EXPIRED}, NextStep.RENEW_NOW),
        ({"expires_at": FAR, "health": Health.TERMS_UNSIGNED}, NextStep.SIGN_TERMS),
        ({"expires_at": FAR, "health": Health.ACCOUNT_FORBIDDEN}, NextStep.REPLACE_ADMIN),
        ({"expires_at": FAR, "health": Health.SYNC_ERROR}, NextStep.LOOK_AT_HOLDER),
        ({"expires_at": FAR, "health": Health.STALE}, NextStep.LOOK_AT_SYNC),
        ({"expires_at": FAR, "health": Health.THROTTLED}, NextStep.AWAIT_ANSWER),
        ({"expires_at": FAR, "health": Health.UNREACHABLE}, NextStep.AWAIT_ANSWER),
        ({"expires_at": FAR, "last_synced_at": START - 3 * DAY}, NextStep.LOOK_AT_SYNC),
        (
            {"expires_at": FAR, "last_synced_at": START - 3 * DAY, "removed_here_at": START},
            NextStep.NOTHING,
        ),
        ({"expires_at": FAR, "last_synced_at": None}, NextStep.NOTHING),
        (
            {"expires_at": FAR, "last_synced_at": None, "health_since": START - 3 * DAY},
            NextStep.LOOK_AT_SYNC,
        ),
        ({"expires_at": FAR, "state": TokenState.DELETING}, NextStep.AWAIT_DELETION),
    ],
)
def test_each_token_has_one_next_step(fields: dict[str, Any], expected: NextStep) -> None:
    token = facts.token(**{**OK, **fields})
    assert next_step(token, None, now=START, patience=PATIENCE) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (RequestState.PENDING, NextStep.DECIDE),
        (RequestState.APPROVED, NextStep.PREPARE),
        (AWAITING, NextStep.BRING_FILE),
        (RequestState.VERIFYING, NextStep.VERIFY),
        (RequestState.DECLINED, NextStep.RENEW_NOW),
    ],
)
def test_a_request_under_way_says_the_next_step(state: RequestState, expected: NextStep) -> None:
    token = facts.token(**{**OK, "expires_at": START})
    request = facts.request(token.id, state=state)
    assert next_step(token, request, now=START, patience=PATIENCE) is expected


async def test_the_mark_moves_with_each_audited_change_and_with_the_day(
    overviews: Overviews, database: Database, clock: MovedClock
) -> None:
    first = await overviews.mark()
    assert await overviews.mark() == first
    audit = AuditLog(KEYS, clock)
    deed = Deed(
        actor=OPERATOR,
        action="request.create",
        subject="request:1",
        token_id=None,
        origin="view:1",
        after={},
    )
    async with database.write() as tx:
        await audit.append(tx, deed)
    changed = await overviews.mark()
    assert changed > first
    clock.pass_time(DAY)
    assert await overviews.mark() > changed


async def test_a_thousand_tokens_are_seen_within_half_a_second(
    overviews: Overviews, database: Database
) -> None:
    async with database.write() as tx:
        for number in range(1000):
            token = active(f"Token {number}", START + number * DAY)
            await tx.tokens.add(token)
            await tx.requests.add(facts.request(token.id))
    began = time.monotonic()
    view = await seen(overviews, APPROVER)
    assert time.monotonic() - began < 0.5
    assert (view.total, len(view.decide), len(view.tokens)) == (1000, 1000, PAGE)


def test_one_of_several_roles_is_enough_and_their_holders_are_named() -> None:
    holders = {Role.ADMIN: frozenset({ADMIN}), Role.OPERATOR: frozenset({OPERATOR})}
    require_any(Actor(id=ADMIN, member=True, roles=frozenset({Role.ADMIN})), holders)
    with pytest.raises(NotAllowed) as caught:
        require_any(Actor(id=STRANGER, member=True, roles=frozenset({Role.VIEWER})), holders)
    assert named(ADMIN) in caught.value.user_message
    assert named(OPERATOR) in caught.value.user_message
    with pytest.raises(NotAllowed, match="no full member"):
        require_any(Actor(id=STRANGER, member=False, roles=frozenset()), holders)

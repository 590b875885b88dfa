"""Claims about health and alerts: what is said, how often, and how it ends."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import UpstreamError
from storage.database import Database
from storage.records import Token
from storage.states import Health, NoticeKind, RequestState, TokenState
from tests.services.ports import STRANGER
from tests.services.watchers import Watchers
from tests.storage import facts

NOW = datetime(2027, 1, 13, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
YEAR = timedelta(days=300)
LOUD = [
    Health.TERMS_UNSIGNED,
    Health.SUPERSEDED,
    Health.REVOKED,
    Health.ACCOUNT_FORBIDDEN,
    Health.EXPIRED,
    Health.SYNC_ERROR,
    Health.STALE,
]
SILENT = [Health.UNREACHABLE, Health.THROTTLED]


@pytest.fixture
def watch(database: Database) -> Watchers:
    return Watchers(database, now=NOW)


@pytest.fixture
async def token(watch: Watchers) -> Token:
    made = await watch.token(ends=NOW + YEAR)
    await watch.tick()
    return made


async def says(watch: Watchers, tokens: Sequence[Token], said: Health | None) -> None:
    for one in tokens:
        watch.holder.says[one.id] = said


async def alerts(watch: Watchers) -> int:
    return len(await watch.said(NoticeKind.HEALTH_ALERT))


async def clears(watch: Watchers) -> int:
    return len(await watch.said(NoticeKind.HEALTH_CLEAR))


async def test_a_holder_is_asked_every_six_hours(watch: Watchers, token: Token) -> None:
    assert watch.holder.asked == [token.id]
    for minutes in range(0, 361, 30):
        await watch.tick(NOW + minutes * MINUTE)
    assert watch.holder.asked == [token.id] * 2


@pytest.mark.parametrize("health", LOUD)
async def test_each_new_class_is_said_at_once_and_once(
    watch: Watchers, token: Token, health: Health
) -> None:
    await says(watch, [token], health)
    for minutes in range(0, 12 * 60, 30):
        await watch.tick(NOW + 6 * HOUR + minutes * MINUTE)
    assert await alerts(watch) == 1
    now = await watch.now(token)
    assert (now.health, now.health_since) == (health, NOW + 6 * HOUR)


@pytest.mark.parametrize("health", SILENT)
async def test_silence_is_said_after_an_hour(watch: Watchers, token: Token, health: Health) -> None:
    await says(watch, [token], health)
    await watch.tick(NOW + 6 * HOUR)
    await watch.tick(NOW + 7 * HOUR - timedelta(seconds=1))
    assert (await watch.now(token)).health is health
    assert await alerts(watch) == 0
    await watch.tick(NOW + 7 * HOUR)
    assert await alerts(watch) == 1


async def test_silence_of_less_than_an_hour_is_never_said(watch: Watchers, token: Token) -> None:
    await says(watch, [token], Health.UNREACHABLE)
    await watch.tick(NOW + 6 * HOUR)
    await says(watch, [token], Health.OK)
    for minutes in range(30, 24 * 60, 30):
        await watch.tick(NOW + 6 * HOUR + minutes * MINUTE)
    assert (await alerts(watch), await clears(watch)) == (0, 0)


async def test_an_outage_of_many_tokens_is_one_message_and_so_is_its_end(watch: Watchers) -> None:
    tokens = [await watch.token(f"token {number}", ends=NOW + YEAR) for number in range(3)]
    await watch.tick()
    late = await watch.token("late", ends=NOW + YEAR)
    await watch.tick(NOW + 10 * MINUTE)
    for one in tokens:
        await says(watch, [one], Health.UNREACHABLE)
    await says(watch, [late], Health.THROTTLED)
    for minutes in range(0, 180, 10):
        await watch.tick(NOW + 6 * HOUR + minutes * MINUTE)
    assert await alerts(watch) == 1
    async with watch.database.read() as tx:
        under_way = await tx.alerts.under_way()
    assert len({one.post_id for one in under_way}) == 1
    assert len(under_way) == 4
    await says(watch, tokens, Health.OK)
    for minutes in range(0, 60, 10):
        await watch.tick(NOW + 10 * HOUR + minutes * MINUTE)
    assert await clears(watch) == 0
    await says(watch, [late], Health.OK)
    for minutes in range(0, 60, 10):
        await watch.tick(NOW + 11 * HOUR + minutes * MINUTE)
    assert await clears(watch) == 1


async def test_trouble_that_stays_is_said_once_a_day(watch: Watchers, token: Token) -> None:
    await says(watch, [token], Health.SUPERSEDED)
    for hours in range(6, 6 + 73):
        await watch.tick(NOW + hours * HOUR)
    assert await alerts(watch) == 4


async def test_an_all_clear_is_said_and_edits_the_alert(watch: Watchers, token: Token) -> None:
    await says(watch, [token], Health.TERMS_UNSIGNED)
    await watch.tick(NOW + 6 * HOUR)
    await says(watch, [token], Health.OK)
    await watch.tick(NOW + 7 * HOUR)
    assert await clears(watch) == 1
    (edit,) = await watch.said(NoticeKind.HEALTH_ALERT, edits=True)
    (alert,) = await watch.said(NoticeKind.HEALTH_ALERT)
    assert edit.edits == alert.id


async def test_flapping_is_one_alert_and_one_all_clear_a_day(watch: Watchers, token: Token) -> None:
    for number in range(40):
        await says(watch, [token], Health.SUPERSEDED if number % 2 == 0 else Health.OK)
        await watch.tick(NOW + 6 * HOUR + number * 31 * MINUTE)
        async with watch.database.write() as tx:
            await tx.watch.ask_at(token.id, watch.clock.now())
    assert (await alerts(watch), await clears(watch)) == (1, 1)


async def test_another_class_is_a_new_message_and_the_old_one_says_what_it_became(
    watch: Watchers, token: Token
) -> None:
    await says(watch, [token], Health.TERMS_UNSIGNED)
    await watch.tick(NOW + 6 * HOUR)
    await says(watch, [token], Health.SUPERSEDED)
    await watch.tick(NOW + 7 * HOUR)
    assert (await alerts(watch), await clears(watch)) == (2, 0)
    async with watch.database.read() as tx:
        ended = await tx.alerts.last_said(token.id, Health.TERMS_UNSIGNED)
    assert ended is not None
    assert ended.became is Health.SUPERSEDED


@pytest.mark.parametrize("silence", [*SILENT, None, UpstreamError("x", system="A", retryable=True)])
async def test_only_a_definite_success_is_for_the_better(
    watch: Watchers, token: Token, silence: Health | Exception | None
) -> None:
    await says(watch, [token], Health.SUPERSEDED)
    await watch.tick(NOW + 6 * HOUR)
    watch.holder.says[token.id] = silence
    for hours in range(7, 12):
        await watch.tick(NOW + hours * HOUR)
    assert (await watch.now(token)).health is Health.SUPERSEDED
    assert (await alerts(watch), await clears(watch)) == (1, 0)


async def test_every_change_of_health_has_its_audit_entry(watch: Watchers, token: Token) -> None:
    for number, health in enumerate([*LOUD, Health.OK, Health.UNREACHABLE, Health.OK]):
        await says(watch, [token], health)
        async with watch.database.write() as tx:
            await tx.watch.ask_at(token.id, NOW)
        await watch.tick(NOW + (6 + number) * HOUR)
    async with watch.database.read() as tx:
        entries = [one for one in await tx.audit.since(0, 100) if one.action == "health.change"]
    assert [one.after["health"] for one in entries] == [
        *(health.value for health in LOUD),
        "ok",
        "unreachable",
        "ok",
    ]


async def test_when_it_last_worked_and_as_whose_is_kept(watch: Watchers, token: Token) -> None:
    await says(watch, [token], Health.SUPERSEDED)
    await watch.tick(NOW + 6 * HOUR)
    async with watch.database.read() as tx:
        keeping = await tx.watch.keeping(token.id)
    assert (keeping.healthy_at, keeping.healthy_admin) == (NOW, "admin@schools.example")
    assert keeping.evidence == "/account: superseded"


async def test_a_token_whose_health_another_changed_is_cleared_too(
    watch: Watchers, token: Token
) -> None:
    await says(watch, [token], Health.SUPERSEDED)
    await watch.tick(NOW + 6 * HOUR)
    await watch.change(token, health=Health.OK, expires_at=NOW + 2 * YEAR)
    watch.clock.time = NOW + 6 * HOUR + MINUTE
    await watch.alerts.run_due()
    assert await clears(watch) == 1


async def test_a_deleted_tokens_alert_ends_without_an_all_clear(
    watch: Watchers, token: Token
) -> None:
    await says(watch, [token], Health.SUPERSEDED)
    await watch.tick(NOW + 6 * HOUR)
    await watch.change(token, state=TokenState.DELETED)
    await watch.tick(NOW + 7 * HOUR)
    assert await clears(watch) == 0
    assert len(await watch.said(NoticeKind.HEALTH_ALERT, edits=True)) == 1


async def test_a_renewal_that_ended_while_its_holder_was_asked_is_not_overwritten(
    watch: Watchers, token: Token
) -> None:
    await says(watch, [token], Health.SUPERSEDED)
    answer = watch.holder.read

    async def renewed_meanwhile(asked: Token) -> object:
        said = await answer(asked)
        await watch.change(token, health=Health.OK, expires_at=NOW + 2 * YEAR)
        return said

    watch.holder.read = renewed_meanwhile  # type: ignore[method-assign, assignment]
    watch.clock.time = NOW + 6 * HOUR
    await watch.health.run_due()
    assert (await watch.now(token)).health is Health.OK


async def test_while_a_renewal_is_half_done_there_is_no_alert_and_afterwards_there_is(
    watch: Watchers, token: Token
) -> None:
    request = facts.request(token.id, state=RequestState.AWAITING_UPLOAD)
    async with watch.database.write() as tx:
        await tx.requests.add(request)
    await renew(watch, request.id)
    await watch.tick(NOW + MINUTE)
    asked = len(watch.holder.asked)
    await says(watch, [token], Health.SUPERSEDED)
    await watch.tick(NOW + 7 * MINUTE)
    # From its approval on it is asked about every five minutes.
    assert len(watch.holder.asked) == asked + 1
    assert (await watch.now(token)).health is Health.SUPERSEDED
    await watch.tick(NOW + 20 * MINUTE)
    assert await alerts(watch) == 0
    async with watch.database.write() as tx:
        table = tx.requests.table.c
        await tx.requests.change(table.id == request.id, state=RequestState.EXPIRED)
    await watch.tick(NOW + 21 * MINUTE)
    assert await alerts(watch) == 1


async def renew(watch: Watchers, request_id: str) -> None:
    """Make it a renewal, whether or not this release has such requests."""
    async with watch.database.writer.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE request SET action = 'renew' WHERE id = ?", (request_id,)
        )


async def test_six_tokens_of_one_class_are_one_message(watch: Watchers) -> None:
    tokens = [await watch.token(f"token {number}", ends=NOW + YEAR) for number in range(6)]
    await says(watch, tokens, Health.TERMS_UNSIGNED)
    await watch.tick()
    assert await alerts(watch) == 0
    await watch.tick(NOW + timedelta(seconds=5))
    assert await alerts(watch) == 1


async def test_when_one_of_an_organisation_is_in_trouble_its_others_are_asked_at_once(
    watch: Watchers,
) -> None:
    tokens = []
    for hour in range(6):
        watch.clock.time = NOW + hour * HOUR
        tokens.append(await watch.token(f"token {hour}", ends=NOW + YEAR, org_id="10007919"))
        await watch.tick()
    other = await watch.token("of another", ends=NOW + YEAR, org_id="2")
    await watch.tick()
    watch.holder.asked.clear()
    await says(watch, [*tokens, other], Health.TERMS_UNSIGNED)
    # Each was to be asked at its own time; the first is due now.
    await watch.tick(NOW + 6 * HOUR)
    await watch.tick(NOW + 6 * HOUR + timedelta(seconds=5))
    await watch.tick(NOW + 6 * HOUR + timedelta(seconds=10))
    assert sorted(watch.holder.asked) == sorted(one.id for one in tokens)
    assert await alerts(watch) == 1


async def test_what_befell_one_token_alone_is_asked_of_no_other_twice(watch: Watchers) -> None:
    tokens = [
        await watch.token(f"token {number}", ends=NOW + YEAR, org_id="1") for number in range(8)
    ]
    await watch.tick()
    watch.holder.asked.clear()
    await says(watch, tokens[:3], Health.REVOKED)
    for seconds in range(0, 60, 5):
        await watch.tick(NOW + 6 * HOUR + timedelta(seconds=seconds))
    assert len(watch.holder.asked) == 8


async def test_check_now_asks_at_once_and_takes_a_role(watch: Watchers, token: Token) -> None:
    asked = len(watch.holder.asked)
    await watch.health.ask_now("U0OPERATOR", token.id)
    await watch.tick(NOW + MINUTE)
    assert len(watch.holder.asked) == asked + 1
    with pytest.raises(Exception, match="no role"):
        await watch.health.ask_now(STRANGER, token.id)


async def test_a_clock_set_back_does_not_stop_the_asking(watch: Watchers, token: Token) -> None:
    await watch.tick(NOW + 400 * timedelta(days=1))
    asked = len(watch.holder.asked)
    for hours in range(13):
        await watch.tick(NOW + hours * HOUR)
    assert len(watch.holder.asked) >= asked + 2
    assert token.id in watch.holder.asked

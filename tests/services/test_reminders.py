"""Claims about reminders: what makes them due, what keeps them quiet, and what ends them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.calendar import Calendar
from services.clock import machine_now
from services.errors import Invalid, NotAllowed, NotFound, Refused
from services.rungs import rungs_of
from storage.database import Database
from storage.records import Token
from storage.states import FoldedBy, NoticeKind, OutboxState, ReminderState, TokenState
from tests.services.ports import APPROVER, OPERATOR, OWNER, SECOND, STRANGER
from tests.services.watchers import BERLIN, DAYS, Watchers

# A Wednesday, an hour before the day starts in Berlin (winter: UTC+1).
NOW = datetime(2027, 1, 13, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
]


@pytest.fixture
def watch(database: Database) -> Watchers:
    return Watchers(database, now=NOW)


async def sent(watch: Watchers, token: Token) -> list[int]:
    rows = [one for one in await watch.rungs(token) if one.state is ReminderState.SENT]
    return [one.rung for one in sorted(rows, key=lambda one: one.decided_at or NOW)]


async def test_what_is_due_later_today_goes_with_what_is_overdue(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 14 * DAY)
    await watch.tick()
    # 60 and 30 have passed; 14 is due in an hour, and there is one reminder a day.
    assert await sent(watch, token) == [14]
    await watch.tick(NOW + 2 * HOUR)
    assert await sent(watch, token) == [14]


async def test_rungs_that_passed_before_they_were_planned_are_one_reminder_at_once(
    watch: Watchers,
) -> None:
    token = await watch.token(ends=NOW + 20 * DAY)
    await watch.tick()
    assert await sent(watch, token) == [30]
    folded = {one.rung: one for one in await watch.rungs(token) if one.folded_by}
    assert folded[60].folded_by is FoldedBy.DOWNTIME
    assert folded[60].folded_into == 30


async def test_each_rung_comes_at_nine_and_only_once(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 8 * DAY)
    await watch.tick()
    assert await sent(watch, token) == [14]
    nine = NOW + DAY + HOUR
    await watch.tick(nine - timedelta(seconds=1))
    assert await sent(watch, token) == [14]
    await watch.tick(nine)
    assert await sent(watch, token) == [14, 7]
    for _ in range(3):
        await watch.tick(nine + HOUR)
    assert await sent(watch, token) == [14, 7]
    assert len(await watch.said(NoticeKind.REMINDER)) == 2
    assert len(await watch.said(NoticeKind.REMINDER_OWNER)) == 2


async def test_a_weekends_rungs_are_one_reminder_on_friday(watch: Watchers) -> None:
    # It ends on Sunday the 17th: 1 is Saturday, 0 is Sunday, both are due on Friday the 15th.
    token = await watch.token(ends=datetime(2027, 1, 17, 12, tzinfo=UTC))
    await watch.tick(datetime(2027, 1, 14, 9, tzinfo=UTC))
    before = await sent(watch, token)
    await watch.tick(datetime(2027, 1, 15, 8, tzinfo=UTC))
    assert await sent(watch, token) == [*before, 0]
    rows = {one.rung: one for one in await watch.rungs(token)}
    assert (rows[1].folded_by, rows[1].folded_into) == (FoldedBy.WEEKEND, 0)
    for day in (16, 17):
        await watch.tick(datetime(2027, 1, day, 20, tzinfo=UTC))
    assert await sent(watch, token) == [*before, 0]


async def test_after_the_end_there_is_one_a_day_also_at_weekends(watch: Watchers) -> None:
    token = await watch.token(ends=datetime(2027, 1, 14, 12, tzinfo=UTC))
    for day in range(14, 20):
        for hour in (6, 8, 12, 20):
            await watch.tick(datetime(2027, 1, day, hour, tzinfo=UTC))
    assert await sent(watch, token) == [0, -1, -2, -3, -4, -5]


@pytest.mark.parametrize("days", [1, 8, 40])
async def test_after_downtime_only_the_most_urgent_is_sent_and_at_once(
    watch: Watchers, days: int
) -> None:
    token = await watch.token(ends=NOW + 31 * DAY)
    await watch.tick()
    assert await sent(watch, token) == [60]
    await watch.tick(NOW + days * DAY + 2 * HOUR)
    left = 31 - days
    expected = min((rung for rung in DAYS if rung >= left), default=left) if left >= 0 else left
    now = await sent(watch, token)
    assert now[1:] == ([expected] if expected != 60 else [])
    await watch.tick(NOW + days * DAY + 3 * HOUR)
    assert await sent(watch, token) == now


async def test_a_renewed_token_gets_nothing_stale_and_its_warnings_turn_green(
    watch: Watchers,
) -> None:
    token = await watch.token(ends=NOW + 7 * DAY)
    await watch.tick()
    await watch.change(token, expires_at=NOW + 372 * DAY)
    await watch.tick(NOW + HOUR)
    assert [one.edits is not None for one in await watch.said(NoticeKind.REMINDER, edits=True)]
    assert len(await watch.said(NoticeKind.REMINDER_OWNER, edits=True)) == 1
    for day in range(60):
        await watch.tick(NOW + day * DAY + 3 * HOUR)
    assert len(await watch.said(NoticeKind.REMINDER)) == 1
    old = [one for one in await watch.rungs(token) if one.expires_at == token.expires_at]
    assert {one.state for one in old if one.rung < 7} == {ReminderState.OBSOLETE}


@pytest.mark.parametrize("state", [TokenState.DELETING, TokenState.DELETED])
async def test_a_deleted_token_gets_none_and_its_warnings_end(
    watch: Watchers, state: TokenState
) -> None:
    token = await watch.token(ends=NOW + 7 * DAY)
    await watch.tick()
    await watch.change(token, state=state)
    for day in range(12):
        await watch.tick(NOW + day * DAY + 3 * HOUR)
    assert len(await watch.said(NoticeKind.REMINDER)) == 1
    assert len(await watch.said(NoticeKind.REMINDER, edits=True)) == 1


async def test_a_deletion_that_fails_brings_the_reminders_back(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 8 * DAY)
    await watch.tick()
    await watch.change(token, state=TokenState.DELETING)
    await watch.tick(NOW + HOUR)
    await watch.change(token, state=TokenState.ACTIVE)
    await watch.tick(NOW + DAY + 2 * HOUR)
    assert await sent(watch, token) == [14, 7]


async def test_other_reminder_days_are_planned_at_the_next_start(
    watch: Watchers, database: Database
) -> None:
    token = await watch.token(ends=NOW + 8 * DAY)
    await watch.tick()
    later = Watchers(database, now=NOW + HOUR, days=(10, 5))
    await later.tick()
    planned = [one for one in await later.rungs(token) if one.state is ReminderState.PLANNED]
    # 10 has passed, and comes tomorrow: today the token was reminded of already.
    assert {one.rung for one in planned} == {10, 5, -1}
    for day in range(1, 9):
        await later.tick(NOW + day * DAY + 3 * HOUR)
    assert await sent(later, token) == [14, 10, 5]


async def test_a_token_is_reminded_of_at_most_once_a_day(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 7 * DAY)
    await watch.tick()
    await watch.change(token, expires_at=NOW + 2 * DAY)
    for hour in range(12):
        await watch.tick(NOW + hour * HOUR)
    assert len(await watch.said(NoticeKind.REMINDER)) == 1
    await watch.tick(NOW + DAY + 2 * HOUR)
    assert len(await watch.said(NoticeKind.REMINDER)) == 2


async def test_six_tokens_are_one_message_and_five_are_five(watch: Watchers) -> None:
    for number in range(5):
        await watch.token(f"few {number}", ends=NOW + 7 * DAY)
    await watch.tick()
    assert len(await watch.said(NoticeKind.REMINDER)) == 5
    for number in range(6):
        await watch.token(f"many {number}", ends=NOW + 7 * DAY, owner=f"U0OWNER{number % 2}")
    await watch.tick()
    assert len(await watch.said(NoticeKind.REMINDER)) == 6
    # Each of the two owners has three of them: told one by one.
    assert len(await watch.said(NoticeKind.REMINDER_OWNER)) == 11


async def test_snoozed_until_a_day_is_quiet_until_that_morning(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 15 * DAY)
    await watch.tick()
    until = date(2027, 1, 25)
    await watch.answers.snooze(OPERATOR, token.id, until, "view:V1")
    await watch.answers.snooze(OPERATOR, token.id, until, "view:V1")
    assert len(await watch.said(NoticeKind.REMINDER, edits=True)) == 1
    for day in range(1, 12):
        await watch.tick(NOW + day * DAY + 3 * HOUR)
    await watch.tick(NOW + 12 * DAY)
    assert await sent(watch, token) == [30]
    await watch.tick(NOW + 12 * DAY + HOUR)
    assert await sent(watch, token) == [30, 3]
    rows = {one.rung: one for one in await watch.rungs(token)}
    assert {rows[rung].folded_by for rung in (14, 7)} == {FoldedBy.SNOOZED}
    assert {rows[rung].folded_into for rung in (14, 7)} == {3}


async def test_nobody_snoozes_past_the_last_day(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 5 * DAY)
    await watch.tick()
    last = date(2027, 1, 17)  # it ends at 08:00 in Berlin on the 18th, before the day starts
    for day in (last + DAY, date(2027, 1, 13), date(9999, 12, 31), date(1, 1, 1), None):
        with pytest.raises(Invalid) as caught:
            await watch.answers.snooze(OPERATOR, token.id, day, "view:V1")
        assert caught.value.field == "until"
        assert "17 January 2027" in caught.value.user_message
    await watch.answers.snooze(OPERATOR, token.id, last, "view:V2")
    await watch.tick(datetime(2027, 1, 17, 8, tzinfo=UTC))
    assert len(await sent(watch, token)) == 2


async def test_on_its_last_day_a_token_cannot_be_snoozed(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 3 * HOUR)
    with pytest.raises(Refused, match="too soon"):
        await watch.answers.may_snooze(OPERATOR, token.id)


async def test_on_it_stops_the_nagging_for_three_days_and_it_goes_on_then(
    watch: Watchers,
) -> None:
    token = await watch.token(ends=NOW + 4 * DAY)
    await watch.tick()
    assert await sent(watch, token) == [7]
    await watch.answers.on_it(APPROVER, token.id, "click:1")
    for hour in range(1, 74):
        await watch.tick(NOW + hour * HOUR)
        if hour < 72:
            assert await sent(watch, token) == [7]
    assert await sent(watch, token) == [7, 1]
    # Somebody was on it, so the approvers were not told of the first.
    assert not await watch.said(NoticeKind.ESCALATION)


async def test_answers_are_for_those_who_can_act_and_for_the_owner(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 14 * DAY)
    for person in (STRANGER,):
        with pytest.raises(NotAllowed):
            await watch.answers.on_it(person, token.id, "click:1")
    await watch.answers.on_it(OWNER, token.id, "click:2")
    with pytest.raises(NotFound):
        await watch.answers.on_it(OPERATOR, "gone", "click:3")


async def test_without_an_answer_in_a_day_the_approvers_are_told(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 7 * DAY)
    await watch.tick()
    await watch.tick(NOW + DAY - timedelta(seconds=1))
    assert not await watch.said(NoticeKind.ESCALATION)
    await watch.tick(NOW + DAY)
    await watch.tick(NOW + DAY + HOUR)
    told = await watch.said(NoticeKind.ESCALATION)
    assert {one.destination for one in told} == {APPROVER, SECOND}
    assert len(told) == 2
    assert token.id


async def test_what_the_approvers_were_told_is_edited_by_an_answer_and_by_the_renewal(
    watch: Watchers,
) -> None:
    token = await watch.token(ends=NOW + 7 * DAY)
    await watch.tick()
    await watch.tick(NOW + DAY)
    await watch.answers.on_it(APPROVER, token.id, "click:1")
    edits = await watch.said(NoticeKind.ESCALATION, edits=True)
    assert {one.destination for one in edits} == {APPROVER, SECOND}
    await watch.change(token, expires_at=NOW + 372 * DAY)
    await watch.tick(NOW + DAY + HOUR)
    assert len(await watch.said(NoticeKind.ESCALATION, edits=True)) == 4


async def test_more_than_a_week_before_the_end_nobody_else_is_told(watch: Watchers) -> None:
    await watch.token(ends=NOW + 14 * DAY)
    await watch.tick()
    await watch.tick(NOW + 2 * DAY)
    assert not await watch.said(NoticeKind.ESCALATION)


async def test_while_slack_tells_no_approvers_the_escalation_waits(watch: Watchers) -> None:
    await watch.token(ends=NOW + 7 * DAY)
    await watch.tick()
    watch.people.silent = True
    watch.clock.time = NOW + DAY
    with pytest.raises(Exception, match=r"users\.info"):
        await watch.escalations.run_due()
    watch.people.silent = False
    await watch.escalations.run_due()
    assert len(await watch.said(NoticeKind.ESCALATION)) == 2


async def test_an_owner_who_takes_no_direct_messages_is_told_in_the_channel(
    watch: Watchers,
) -> None:
    await watch.token(ends=NOW + 7 * DAY)
    await watch.tick()
    (direct,) = await watch.said(NoticeKind.REMINDER_OWNER)
    async with watch.database.write() as tx:
        assert await tx.outbox.claim(direct, machine_now(), timedelta(minutes=1))
        claimed = await tx.outbox.item(direct.id)
        assert claimed is not None
        assert await tx.outbox.bury(claimed, "cannot_dm_bot")
    for _ in range(3):
        await watch.tick()
    (instead,) = await watch.said(NoticeKind.OWNER_NOT_REACHED)
    assert (instead.destination, instead.facts) == ("C0ALERTS", {"owner": OWNER})
    assert instead.state is OutboxState.DUE


async def test_a_clock_set_back_a_day_repeats_nothing(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 8 * DAY)
    await watch.tick(NOW + DAY + 2 * HOUR)
    before = await sent(watch, token)
    for hour in range(48):
        await watch.tick(NOW + hour * HOUR)
    assert await sent(watch, token) == before
    assert len(await watch.said(NoticeKind.DIGEST)) <= 1


async def test_a_clock_set_forward_400_days_and_back_loses_nothing(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + 15 * DAY)
    await watch.tick()
    await watch.tick(NOW + 400 * DAY)
    assert (await sent(watch, token))[-1] == 15 - 400
    for hour in range(24 * 16):
        await watch.tick(NOW + hour * HOUR + HOUR)
    assert [rung for rung in await sent(watch, token) if rung >= 0] == [30, 14, 7, 3, 1, 0]


@pytest.mark.parametrize(
    "ends",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, 0, 0, tzinfo=ZoneInfo("Asia/Kathmandu")),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2000, 2, 29, tzinfo=UTC),
        NOW - timedelta(seconds=1),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
async def test_any_end_is_borne(database: Database, ends: datetime, zone: str) -> None:
    try:
        ends = ends.astimezone(UTC)
    except OverflowError:
        pytest.skip("no database holds it either")
    watch = Watchers(database, now=NOW, zone=ZoneInfo(zone))
    token = await watch.token(ends=ends)
    for day in range(4):
        await watch.tick(NOW + day * DAY)
    assert len(await sent(watch, token)) == (0 if ends.year == 9999 else 4)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("starts", [time(0, 30), time(1, 30), time(2, 15), time(9), time(23, 59)])
def test_every_day_has_one_morning_whatever_the_clocks_do(zone: str, starts: time) -> None:
    calendar = Calendar(zone=ZoneInfo(zone), starts=starts)
    days = [date(2027, 1, 1) + number * DAY for number in range(731)]
    mornings = [calendar.morning(day) for day in days]
    assert mornings == sorted(set(mornings))
    assert all(calendar.day(one) == day for one, day in zip(mornings, days, strict=True))


def test_a_leap_day_is_a_day_like_others() -> None:
    calendar = Calendar(zone=BERLIN, starts=time(9))
    rungs = rungs_of(datetime(2028, 3, 1, 12, tzinfo=UTC), (1, 0), calendar)
    assert [one.due_at for one in rungs] == [
        datetime(2028, 2, 29, 8, tzinfo=UTC),
        datetime(2028, 3, 1, 8, tzinfo=UTC),
    ]

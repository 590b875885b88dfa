"""Claims about reports, owners and their accounts, hand-over, and the digest."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.errors import Invalid, NotAllowed, Refused
from services.policy import Role
from storage.database import Database
from storage.states import Health, NoticeKind, ReportState
from tests.services.office import ALERTS
from tests.services.ports import ADMIN, OPERATOR, OWNER, SECOND, STRANGER
from tests.services.watchers import Watchers

NOW = datetime(2027, 1, 13, 12, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
YEAR = 300 * DAY


@pytest.fixture
def watch(database: Database) -> Watchers:
    return Watchers(database, now=NOW)


async def to(watch: Watchers, kind: NoticeKind) -> set[str]:
    return {one.destination for one in await watch.said(kind)}


async def test_a_changed_password_marks_the_tokens_of_that_apple_id_in_any_case(
    watch: Watchers,
) -> None:
    first = await watch.token("first", ends=NOW + YEAR, apple_id="IT@Schools.example")
    second = await watch.token(
        "second", ends=NOW + YEAR, apple_id="x@schools.example", admin_id="it@SCHOOLS.example"
    )
    await watch.token("other", ends=NOW + YEAR, apple_id="other@schools.example")
    report = await watch.reports.password_changed(OPERATOR, " it@schools.EXAMPLE ", "view:1")
    assert set(report.tokens) == {first.id, second.id}
    await watch.tick()
    await watch.tick()
    assert len(await watch.said(NoticeKind.REPORT)) == 1
    assert await to(watch, NoticeKind.REPORT_DIRECT) == {OWNER}
    with pytest.raises(Refused, match="already"):
        await watch.reports.password_changed(SECOND, "it@schools.example", "view:2")


async def test_a_password_report_ends_when_each_token_is_renewed(watch: Watchers) -> None:
    first = await watch.token("first", ends=NOW + YEAR)
    second = await watch.token("second", ends=NOW + YEAR)
    report = await watch.reports.password_changed(OPERATOR, first.apple_id, "view:1")
    await watch.tick()
    await watch.change(first, expires_at=NOW + 2 * YEAR)
    await watch.tick()
    async with watch.database.read() as tx:
        assert [one.id for one in await tx.reports.open()] == [report.id]
    await watch.change(second, expires_at=NOW + 2 * YEAR)
    await watch.tick()
    async with watch.database.read() as tx:
        assert await tx.reports.open() == []
    assert len(await watch.said(NoticeKind.REPORT, edits=True)) == 1


async def test_an_apple_id_of_no_token_is_refused_and_those_there_are_named(
    watch: Watchers,
) -> None:
    await watch.token(ends=NOW + YEAR)
    with pytest.raises(Invalid, match="no token") as caught:
        await watch.reports.password_changed(OPERATOR, "nobody@schools.example", "view:1")
    assert "it-admin@schools.example" in caught.value.user_message


async def test_a_leaver_is_said_at_once_a_week_before_and_on_the_day(watch: Watchers) -> None:
    await watch.token(ends=NOW + YEAR)
    await watch.reports.leaves(OPERATOR, OWNER, date(2027, 2, 12), "view:1")
    said = []
    for day in range(40):
        await watch.tick(NOW + day * DAY)
        said.append(len(await watch.said(NoticeKind.REPORT)))
    assert [day for day in range(40) if day == 0 or said[day] > said[day - 1]] == [0, 23, 30, 37]
    assert await to(watch, NoticeKind.REPORT_DIRECT) == {ADMIN, OWNER}


async def test_a_leaver_whose_account_is_off_already_is_not_written_to(watch: Watchers) -> None:
    await watch.token(ends=NOW + YEAR)
    await watch.reports.account_changed(OWNER, deactivated=True, key="event:1")
    await watch.reports.leaves(OPERATOR, OWNER, date(2027, 2, 12), "view:1")
    await watch.tick()
    assert await to(watch, NoticeKind.REPORT_DIRECT) == {ADMIN}


@pytest.mark.parametrize("day", [None, date(1, 1, 1), date(9999, 12, 31), date(2026, 12, 1)])
async def test_a_day_that_cannot_be_is_refused(watch: Watchers, day: date | None) -> None:
    await watch.token(ends=NOW + YEAR)
    with pytest.raises(Invalid) as caught:
        await watch.reports.leaves(OPERATOR, OWNER, day, "view:1")
    assert caught.value.field == "leaves_on"


async def test_reports_are_for_people_with_a_role(watch: Watchers) -> None:
    with pytest.raises(NotAllowed):
        await watch.reports.may_report(STRANGER)


async def test_a_deactivated_owner_is_one_message_and_once(watch: Watchers) -> None:
    for name in ("first", "second", "third"):
        await watch.token(name, ends=NOW + YEAR)
    for number in range(3):
        await watch.reports.account_changed(OWNER, deactivated=True, key=f"event:{number}")
        await watch.tick()
    assert len(await watch.said(NoticeKind.REPORT)) == 1
    await watch.reports.account_changed("U0NOBODY", deactivated=True, key="event:n")
    await watch.tick()
    assert len(await watch.said(NoticeKind.REPORT)) == 1


async def test_an_account_that_is_back_ends_it(watch: Watchers) -> None:
    await watch.token(ends=NOW + YEAR)
    await watch.reports.account_changed(OWNER, deactivated=True, key="event:1")
    await watch.tick()
    await watch.reports.account_changed(OWNER, deactivated=False, key="event:2")
    await watch.tick()
    assert len(await watch.said(NoticeKind.REPORT, edits=True)) == 1


async def test_an_event_that_was_lost_is_found_at_night(watch: Watchers) -> None:
    await watch.token(ends=NOW + YEAR)
    await watch.tick()
    watch.accounts.off.add(OWNER)
    await watch.tick(NOW + 8 * HOUR)
    assert not await watch.said(NoticeKind.REPORT)
    await watch.tick(NOW + 14 * HOUR)
    await watch.tick(NOW + 14 * HOUR)
    assert len(await watch.said(NoticeKind.REPORT)) == 1


async def test_an_owner_of_whom_slack_tells_nothing_stays_as_they_were(watch: Watchers) -> None:
    await watch.token(ends=NOW + YEAR)
    await watch.token("other", ends=NOW + YEAR, owner="U0OTHER")
    await watch.tick()
    watch.accounts.silent.add(OWNER)
    watch.accounts.off |= {OWNER, "U0OTHER"}
    await watch.tick(NOW + 14 * HOUR)
    await watch.tick(NOW + 14 * HOUR)
    (said,) = await watch.said(NoticeKind.REPORT)
    async with watch.database.read() as tx:
        report = await tx.reports.get(said.subject_id)
    assert report is not None
    assert report.subject == "U0OTHER"


async def test_hand_over_is_audited_told_and_ends_the_report(watch: Watchers) -> None:
    tokens = [await watch.token(name, ends=NOW + YEAR) for name in ("first", "second")]
    await watch.reports.account_changed(OWNER, deactivated=True, key="event:1")
    await watch.tick()
    found = await watch.owners.to_hand_over(OPERATOR, tokens[0].id)
    moved = await watch.owners.hand_over(OPERATOR, [one.id for one in found], SECOND, "view:1")
    assert {(await watch.now(one)).owner for one in moved} == {SECOND}
    await watch.tick()
    async with watch.database.read() as tx:
        assert await tx.reports.open() == []
        entries = await tx.audit.since(0, 100)
    handed = [one for one in entries if one.action == "token.hand_over"]
    assert [(one.before["owner"], one.after["owner"]) for one in handed] == [(OWNER, SECOND)] * 2
    assert await to(watch, NoticeKind.HANDED_OVER) == {SECOND, "C0ALERTS"}


async def test_the_owner_hands_over_and_others_may_not(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + YEAR)
    with pytest.raises(NotAllowed, match="may not"):
        await watch.owners.hand_over(STRANGER, [token.id], SECOND, "view:1")
    watch.people.outsiders.add("U0GUEST")
    with pytest.raises(Invalid, match="no member"):
        await watch.owners.hand_over(OWNER, [token.id], "U0GUEST", "view:1")
    assert len(await watch.owners.hand_over(OWNER, [token.id], SECOND, "view:2")) == 1
    assert await watch.owners.hand_over(SECOND, [token.id], SECOND, "view:3") == []


async def test_a_token_that_nobody_answers_for_is_taken_once_by_an_operator(
    watch: Watchers,
) -> None:
    token = await watch.token("found", ends=NOW + YEAR, owner="")
    await watch.token("found too", ends=NOW + YEAR, owner="")
    with pytest.raises(NotAllowed, match="operator"):
        await watch.owners.take(SECOND, token.id, "click:1")
    await watch.owners.take(OPERATOR, token.id, "click:2")
    await watch.owners.take(OPERATOR, token.id, "click:3")
    watch.people.roles[Role.OPERATOR].add(ADMIN)
    with pytest.raises(Refused) as raised:
        await watch.owners.take(ADMIN, token.id, "click:4")
    assert "answers for “found” already" in raised.value.user_message
    async with watch.database.read() as tx:
        (entry,) = await tx.audit.since(0, 10)
    assert (entry.action, entry.before, entry.after) == (
        "token.take_over",
        {"owner": ""},
        {"owner": OPERATOR},
    )
    assert await to(watch, NoticeKind.HANDED_OVER) == {OPERATOR, ALERTS}


async def test_a_token_without_an_owner_is_handed_over_alone(watch: Watchers) -> None:
    token = await watch.token("found", ends=NOW + YEAR, owner="")
    await watch.token("found too", ends=NOW + YEAR, owner="")
    assert [one.id for one in await watch.owners.to_hand_over(ADMIN, token.id)] == [token.id]
    await watch.owners.hand_over(ADMIN, [token.id], SECOND, "view:1")
    assert (await watch.now(token)).owner == SECOND


async def test_nobody_is_looked_up_for_a_token_without_an_owner(watch: Watchers) -> None:
    await watch.token("found", ends=NOW + 6 * DAY, owner="")
    await watch.tick()
    watch.clock.time += DAY
    await watch.tick()
    assert len(await watch.said(NoticeKind.REMINDER)) >= 1
    assert await watch.said(NoticeKind.REMINDER_OWNER) == []


async def test_the_digest_comes_every_monday_at_nine_also_about_nothing(watch: Watchers) -> None:
    said = []
    every = range(0, 24 * 28, 4)
    for hours in every:
        await watch.tick(NOW + hours * HOUR)
        said.append(len(await watch.said(NoticeKind.DIGEST)))
    new = [NOW + every[one] * HOUR for one in range(1, len(said)) if said[one] > said[one - 1]]
    # Monday, nine o'clock in Berlin is eight in UTC.
    assert new == [datetime(2027, 1, 18, 8, tzinfo=UTC) + week * 7 * DAY for week in range(4)]


async def test_after_weeks_of_downtime_there_is_one_digest(watch: Watchers) -> None:
    await watch.tick()
    await watch.tick(NOW + 40 * DAY)
    await watch.tick(NOW + 40 * DAY + HOUR)
    assert len(await watch.said(NoticeKind.DIGEST)) == 1
    async with watch.database.read() as tx:
        chore = await tx.chores.named("digest")
    assert chore is not None
    assert chore.due_at == datetime(2027, 3, 1, 8, tzinfo=UTC)


async def test_the_digest_holds_the_audit_head(watch: Watchers) -> None:
    token = await watch.token(ends=NOW + YEAR)
    await watch.tick()
    await watch.answers.on_it(OPERATOR, token.id, "click:1")
    await watch.tick(datetime(2027, 1, 18, 8, tzinfo=UTC))
    (item,) = await watch.said(NoticeKind.DIGEST)
    async with watch.database.read() as tx:
        head = await tx.audit.head()
    assert head is not None
    assert item.facts["head"] == f"{head.number}:{head.hash}"


async def test_two_apple_ids_that_differ_by_case_are_one(watch: Watchers) -> None:
    await watch.token("first", ends=NOW + YEAR, apple_id="A@b.example")
    await watch.token("second", ends=NOW + YEAR, apple_id="a@B.example", health=Health.OK)
    assert len(await watch.reports.may_report(OPERATOR)) == 1
    report = await watch.reports.password_changed(OPERATOR, "a@b.EXAMPLE", "view:1")
    assert len(report.tokens) == 2
    assert report.state is ReportState.OPEN

"""A year of 200 tokens on a clock that jumps from tick to tick, and a second opinion about it.

The second opinion shares no code with the product: it works out from the calendar alone when each
rung was due, and holds every row that was sent or folded against that.

`python -m tests.services.year --minutes [--write]` goes minute by minute and writes the report.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from zoneinfo import ZoneInfo

from services.calendar import Calendar
from services.notices import Channels
from services.reminders import Plan, Reminders
from services.watch_notices import WatchNotices
from storage.database import Database
from storage.migrations import migrate
from storage.records import OutboxItem
from storage.states import Health, NoticeKind, ReminderState, TokenState
from storage.watch_records import Reminder
from tests.services.ports import MovedClock
from tests.storage import facts

ZONE = ZoneInfo("Europe/Berlin")
STARTS = hour(9)
DAYS = (60, 30, 14, 7, 3, 1, 0)
BEGIN = datetime(2027, 1, 4, 0, 30, tzinfo=UTC)
TOKENS = 200
YEAR = timedelta(days=365)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
TICK = timedelta(seconds=30)
REPORT = Path(__file__).parents[2] / "docs" / "reminders.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downtime:
    """From when until when nothing runs."""

    begin: datetime
    end: datetime


DOWNTIMES = (
    Downtime(begin=datetime(2027, 2, 8, 6, tzinfo=UTC), end=datetime(2027, 2, 9, 6, tzinfo=UTC)),
    Downtime(begin=datetime(2027, 3, 12, 7, tzinfo=UTC), end=datetime(2027, 3, 20, 5, tzinfo=UTC)),
    Downtime(begin=datetime(2027, 7, 1, 12, tzinfo=UTC), end=datetime(2027, 8, 10, 12, tzinfo=UTC)),
    Downtime(
        begin=datetime(2027, 11, 5, 7, 59, tzinfo=UTC), end=datetime(2027, 11, 5, 8, 1, tzinfo=UTC)
    ),
)
"""A day, eight days over the change of the clocks, forty days, and two minutes around 09:00."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One generation of a token: from its activation or renewal to its end, or its successor."""

    token: int
    begins: datetime
    ends: datetime
    until: datetime
    """When it is renewed or the token is deleted; nothing is sent for it from then on."""


@dataclass(kw_only=True)
class Story:
    """What happens in the year, made from a seed."""

    seed: int
    lives: list[Life] = field(default_factory=list)
    deleted: dict[int, datetime] = field(default_factory=dict)

    @classmethod
    def told(cls, seed: int) -> "Story":
        """Tokens of all ages; most are renewed in time, some late, some are deleted or left."""
        story, chance = cls(seed=seed), random.Random(seed)  # noqa: S311 - a story, not a secret
        for token in range(TOKENS):
            begins = BEGIN
            # One in twenty is brought into use during the year, so its rungs may have passed.
            if token % 20 == 0:
                begins += timedelta(minutes=chance.randrange(60 * 24 * 200))
            ends = begins + timedelta(minutes=chance.randrange(60 * 24 * 366) - 60 * 24 * 3)
            while True:
                late = chance.choice((-70, -20, -5, -2, -1, 0, 1, 3, 6))
                until = ends + timedelta(days=late, minutes=chance.randrange(1400))
                until = max(until, begins + timedelta(hours=2))
                if chance.random() < 0.05:
                    story.deleted[token] = until
                story.lives.append(Life(token=token, begins=begins, ends=ends, until=until))
                if until > BEGIN + YEAR or token in story.deleted:
                    break
                begins, ends = until, until + timedelta(days=365)
        return story


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """When a rung is due by the second opinion."""

    rung: int
    due_at: datetime


def opinion(life: Life) -> list[Instant]:
    """When each rung of that life is due: Friday for a weekend, daily after the end."""
    last = life.ends.astimezone(ZONE).date()
    found = []
    for rung in [*DAYS, *range(-1, -60, -1)]:
        day = last - timedelta(days=rung)
        if rung >= 0 and day.isoweekday() in (6, 7):
            day -= timedelta(days=day.isoweekday() - 5)
        found.append(Instant(rung=rung, due_at=nine(day)))
    return found


def nine(day: date) -> datetime:
    """Nine o'clock there."""
    return datetime.combine(day, STARTS, ZONE).astimezone(UTC)


def up(at: datetime) -> bool:
    """Whether something runs then."""
    return not any(one.begin <= at < one.end for one in DOWNTIMES)


def instants(story: Story) -> list[datetime]:
    """The ticks: each hour, and one before and after every instant at which something is due."""
    end = BEGIN + YEAR
    ticks = {BEGIN + HOUR * number for number in range(365 * 24 + 1)}
    for life in story.lives:
        for one in opinion(life):
            if life.begins <= one.due_at <= min(life.until, end):
                ticks |= {one.due_at - TICK, one.due_at, one.due_at + TICK}
        ticks |= {life.begins + SECOND, life.until + SECOND}
    for down in DOWNTIMES:
        ticks.add(down.end)
    return sorted(tick for tick in ticks if BEGIN <= tick <= end and up(tick))


def minutes() -> list[datetime]:
    """Every minute of the year at which something runs."""
    every = (BEGIN + MINUTE * number for number in range(365 * 24 * 60 + 1))
    return [tick for tick in every if up(tick)]


@dataclass(kw_only=True)
class Outcome:
    """What a run left behind."""

    story: Story
    ticks: list[datetime]
    seconds: float
    ids: dict[int, str]
    reminders: list[Reminder]
    outbox: list[OutboxItem]


async def lived(story: Story, ticks: list[datetime], path: Path) -> Outcome:
    """Live the year: what happens happens at its time, and each tick is one sweep."""
    database = Database(f"sqlite+aiosqlite:///{path}")
    await migrate(database)
    clock = MovedClock()
    calendar = Calendar(zone=ZONE, starts=STARTS)
    service = Reminders(
        database=database,
        notices=WatchNotices(Channels(alert="C0ALERTS", approval="C0APPROVALS")),
        plan=Plan(days=DAYS, calendar=calendar),
        clock=clock,
    )
    events = sorted(
        [(one.begins, 1, one) for one in story.lives]
        + [(at, 2, token) for token, at in story.deleted.items()],
        key=lambda event: event[:2],
    )
    ids: dict[int, str] = {}
    began = time.perf_counter()
    for tick in ticks:
        while events and events[0][0] <= tick:
            await _happen(database, ids, events.pop(0)[2])
        clock.time = tick
        await service.run_due()
    seconds = time.perf_counter() - began
    async with database.read() as tx:
        reminders = await tx.reminders.all(tx.reminders.select())
    outbox = await facts.outbox(database)
    await database.close()
    return Outcome(
        story=story, ticks=ticks, seconds=seconds, ids=ids, reminders=reminders, outbox=outbox
    )


async def _happen(database: Database, ids: dict[int, str], event: Life | int) -> None:
    async with database.write() as tx:
        table = tx.tokens.table.c
        if isinstance(event, int):
            await tx.tokens.change(table.id == ids[event], state=TokenState.DELETED)
        elif event.token in ids:
            await tx.tokens.change(table.id == ids[event.token], expires_at=event.ends)
        else:
            token = facts.token(
                f"Token {event.token}",
                owner=f"U0OWNER{event.token % 10}",
                state=TokenState.ACTIVE,
                health=Health.OK,
                expires_at=event.ends,
            )
            await tx.tokens.add(token)
            ids[event.token] = token.id


@dataclass(kw_only=True)
class Checked:
    """What the second opinion found."""

    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    latest: timedelta = timedelta()
    """The longest time from due to sent, where something ran."""


def check(outcome: Outcome) -> Checked:
    """Hold every rung of every life against the second opinion."""
    checked = Checked()
    rows: dict[tuple[str, datetime], dict[int, Reminder]] = defaultdict(dict)
    for one in outcome.reminders:
        if one.rung in rows[one.token_id, one.expires_at]:
            checked.faults.append(f"rung {one.rung} of {one.token_id} is there twice")
        rows[one.token_id, one.expires_at][one.rung] = one
    for life in outcome.story.lives:
        if life.begins <= outcome.ticks[-1]:
            _check_life(outcome, life, rows[outcome.ids[life.token], life.ends], checked)
    _check_days(outcome, checked)
    _check_messages(outcome, checked)
    return checked


def _check_life(outcome: Outcome, life: Life, rows: dict[int, Reminder], checked: Checked) -> None:
    """Each rung that came due in that life was sent in time, or is part of a more urgent one."""
    sent = {rung: row for rung, row in rows.items() if row.state is ReminderState.SENT}
    checked.counts["lives"] += 1
    for one in opinion(life):
        chance = _first_tick(outcome.ticks, max(one.due_at, life.begins), life.until)
        row = rows.get(one.rung)
        where = f"token {life.token} until {life.ends:%Y-%m-%d}, rung {one.rung}"
        if chance is None:
            # Its time came too late, or nothing ran from then on: nothing may be sent.
            early = sent.get(one.rung)
            if early is not None and not _same_day(early.decided_at, one.due_at):
                checked.faults.append(f"{where}: sent, and was never due")
            continue
        checked.counts["due"] += 1
        if row is None:
            _check_unplanned(one, sent, chance, where, checked)
        elif row.state is ReminderState.SENT:
            _check_sent(one, row, chance, where, checked)
        elif row.state is ReminderState.FOLDED and row.folded_into in sent:
            _check_fold(one, row, sent[row.folded_into], chance, where, checked)
        else:
            checked.faults.append(f"{where}: {row.state}, into {row.folded_into}")


def _check_unplanned(
    one: Instant, sent: dict[int, Reminder], chance: datetime, where: str, checked: Checked
) -> None:
    """A day after the end on which nothing ran is part of the day on which something did."""
    later = [
        row
        for rung, row in sent.items()
        if rung < one.rung and row.decided_at is not None and row.decided_at <= chance
    ]
    if one.rung < 0 and later:
        checked.counts["folded, days after the end"] += 1
    else:
        checked.faults.append(f"{where}: lost")


def _check_sent(
    one: Instant, row: Reminder, chance: datetime, where: str, checked: Checked
) -> None:
    checked.counts["sent"] += 1
    at = row.decided_at
    if at is None or at > chance:
        checked.faults.append(f"{where}: sent at {at}, could be at {chance}")
    elif at < one.due_at and not _same_day(at, one.due_at):
        checked.faults.append(f"{where}: sent at {at}, due at {one.due_at}")
    else:
        checked.latest = max(checked.latest, at - chance)


def _check_fold(
    one: Instant,
    row: Reminder,
    into: Reminder,
    chance: datetime,
    where: str,
    checked: Checked,
) -> None:
    checked.counts[f"folded, {row.folded_by}"] += 1
    if into.rung >= one.rung:
        checked.faults.append(f"{where}: folded into {into.rung}, which is not more urgent")
    elif into.decided_at is None or into.decided_at > chance:
        checked.faults.append(f"{where}: folded into what was sent later, {into.decided_at}")


def _check_days(outcome: Outcome, checked: Checked) -> None:
    """At most one reminder a token and day."""
    days = Counter(
        (one.token_id, one.decided_at.astimezone(ZONE).date())
        for one in outcome.reminders
        if one.state is ReminderState.SENT and one.decided_at
    )
    for (token_id, day), count in days.items():
        if count > 1:
            checked.faults.append(f"{token_id}: {count} on {day}")


def _check_messages(outcome: Outcome, checked: Checked) -> None:
    """Each rung that was sent is in one message to the channel and in one to its owner."""
    posts = Counter(
        (one.kind, one.subject_id)
        for one in outcome.outbox
        if one.edits is None and one.kind in {NoticeKind.REMINDER, NoticeKind.REMINDER_OWNER}
    )
    for one in outcome.reminders:
        if one.state is ReminderState.SENT:
            both = (
                posts[NoticeKind.REMINDER, one.post_id or ""],
                posts[NoticeKind.REMINDER_OWNER, one.owner_post_id or ""],
            )
            if both != (1, 1):
                checked.faults.append(f"rung {one.rung} of {one.token_id}: messages {both}")
    checked.counts["messages"] = len(posts)


def _first_tick(ticks: list[datetime], due_at: datetime, until: datetime) -> datetime | None:
    """The first tick from then on, if it comes before the life is over."""
    index = bisect_left(ticks, due_at)
    if index == len(ticks) or ticks[index] >= until:
        return None
    return ticks[index]


def _same_day(at: datetime | None, other: datetime) -> bool:
    return at is not None and at.astimezone(ZONE).date() == other.astimezone(ZONE).date()


def written(outcome: Outcome, checked: Checked, how: str) -> str:
    """The report as a table."""
    lines = [
        f"| {name} | {count:,} |"
        for name, count in sorted(checked.counts.items(), key=lambda pair: pair[0])
    ]
    return "\n".join(
        [
            f"{how}: {len(outcome.ticks):,} ticks, seed {outcome.story.seed}, "
            f"{len(checked.faults)} faults.",
            "",
            "| what | count |",
            "| --- | --- |",
            *lines,
        ]
    )


def main() -> int:
    """Live a year, check it, and say what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", action="store_true", help="tick each minute")
    parser.add_argument("--write", action="store_true", help="write docs/reminders.md")
    parser.add_argument("--seed", type=int, default=1)
    parsed = parser.parse_args()
    story = Story.told(parsed.seed)
    ticks = minutes() if parsed.minutes else instants(story)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(lived(story, ticks, Path(folder, "year.db")))
    checked = check(outcome)
    how = "Minute by minute" if parsed.minutes else "Hour by hour and around each due instant"
    report = written(outcome, checked, how)
    sys.stdout.write(f"{report}\n\n{outcome.seconds:.1f} s\n")
    sys.stdout.writelines(f"FAULT {fault}\n" for fault in checked.faults[:20])
    if parsed.write:
        begin, end = f"<!-- {how} -->\n", f"<!-- end of {how} -->"
        text = REPORT.read_text(encoding="utf-8")
        before, _, rest = text.partition(begin)
        REPORT.write_text(before + begin + report + "\n" + end + rest.partition(end)[2])
    return 1 if checked.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The rungs of a token's reminders: when each is due, and which one is sent.

Pure: no database, no clock. A rung is the number of days before the end that it is for; after the
end there is one a day, numbered -1, -2, ... A rung is due when its time has come, never on a day
that "equals" something, so that nothing that keeps a process from looking can lose one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.calendar import Calendar, before_weekend
from storage.states import AnswerKind, FoldedBy, ReminderState
from storage.watch_records import Answer, Reminder

ESCALATE_FROM = 7
"""With so many days left, or fewer, a reminder that nobody answers is told to the approvers."""
LATE = timedelta(hours=1)
"""From here on a reminder that was due counts as kept up by downtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A rung and when it is due."""

    rung: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """A rung that is part of another, and why."""

    reminder: Reminder
    into: int | None
    by: FoldedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a token's rungs now: at most one is sent."""

    send: Reminder | None
    folds: Sequence[Fold]
    postpone: Sequence[Rung]
    """Rungs to be looked at again then, because the token was reminded of today already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a verdict depends on: the time, the calendar, and what was said before."""

    now: datetime
    calendar: Calendar
    last_sent_at: datetime | None
    answer: Answer | None


def rungs_of(end: datetime, days: Sequence[int], calendar: Calendar) -> list[Rung]:
    """The rungs of a generation, each due on the morning of its day or of the Friday before."""
    planned = []
    for rung in days:
        day = calendar.day_before(end, rung)
        if day is not None:
            planned.append(Rung(rung=rung, due_at=calendar.morning(_workday(day))))
    return planned


def daily(end: datetime, after: date, calendar: Calendar) -> Rung | None:
    """The next daily rung on a day later than `after`; None beyond the last year."""
    rung = min(-1, (calendar.day(end) - after).days - 1)
    day = calendar.day_before(end, rung)
    return None if day is None else Rung(rung=rung, due_at=calendar.morning(day))


def _workday(day: date) -> date:
    return day if day <= date.min + timedelta(days=2) else before_weekend(day)


def judge(due: Sequence[Reminder], sent: Sequence[int], moment: Moment) -> Verdict:
    """Which of the rungs due by the end of today is sent, and what becomes of the others.

    `due` holds at least one rung that is due now; `sent` are the numbers sent before.
    """
    today = moment.calendar.day(moment.now)
    covered = [one for one in due if _is_covered(one, sent, moment)]
    folds = [Fold(reminder=one, into=min(sent), by=FoldedBy.COVERED) for one in covered]
    left = [one for one in due if one not in covered]
    quiet, loud = _quiet(left, moment)
    folds += quiet
    ready = [one for one in loud if one.due_at <= moment.now]
    if not ready:
        return Verdict(send=None, folds=folds, postpone=())
    last = moment.last_sent_at
    if last is not None and moment.calendar.day(last) == today:
        tomorrow = moment.calendar.morning(today + timedelta(days=1))
        later = [Rung(rung=one.rung, due_at=tomorrow) for one in ready]
        return Verdict(send=None, folds=folds, postpone=later)
    # What is due later today is sent now: there is one reminder a day, and it is the most urgent.
    chosen = min(loud, key=lambda one: one.rung)
    folds += [_folded(one, chosen, moment) for one in loud if one is not chosen]
    return Verdict(send=chosen, folds=folds, postpone=())


def _is_covered(one: Reminder, sent: Sequence[int], moment: Moment) -> bool:
    resumes = moment.answer is not None and one.due_at == moment.answer.until
    return not resumes and any(number <= one.rung for number in sent)


def _quiet(due: Sequence[Reminder], moment: Moment) -> tuple[list[Fold], list[Reminder]]:
    """Those that fall into the time for which somebody asked for quiet, and the others."""
    answer = moment.answer
    if answer is None or moment.now >= answer.until:
        return [], list(due)
    by = FoldedBy.SNOOZED if answer.kind is AnswerKind.SNOOZED else FoldedBy.ON_IT
    into = moment.calendar.days_left(answer.expires_at, answer.until)
    silent = [one for one in due if one.due_at < answer.until]
    loud = [one for one in due if one.due_at >= answer.until]
    return [Fold(reminder=one, into=into, by=by) for one in silent], loud


def _folded(one: Reminder, chosen: Reminder, moment: Moment) -> Fold:
    if moment.now - one.due_at > LATE or moment.now - chosen.due_at > LATE:
        by = FoldedBy.DOWNTIME
    elif _moved(one, moment) or _moved(chosen, moment):
        by = FoldedBy.WEEKEND
    else:
        by = FoldedBy.ONE_A_DAY
    return Fold(reminder=one, into=chosen.rung, by=by)


def _moved(one: Reminder, moment: Moment) -> bool:
    day = moment.calendar.day_before(one.expires_at, one.rung)
    return day is not None and day != moment.calendar.day(one.due_at)


def planned(token_id: str, end: datetime, rung: Rung, reminder_id: str) -> Reminder:
    """A rung as a row."""
    return Reminder(
        id=reminder_id,
        token_id=token_id,
        expires_at=end,
        rung=rung.rung,
        due_at=rung.due_at,
        state=ReminderState.PLANNED,
    )

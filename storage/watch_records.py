"""The facts that the watch keeps, as values that cannot change; see `storage/records`."""

from dataclasses import dataclass
from datetime import date, datetime

from storage.states import (
    AlertState,
    AnswerKind,
    FoldedBy,
    Health,
    ReminderState,
    ReportKind,
    ReportState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One rung: so many days before the end of one generation of a token, negative after it.

    A generation is named by its end: a renewed token has another. `post_id` and `owner_post_id`
    name the messages that it is part of.
    """

    id: str
    token_id: str
    expires_at: datetime
    rung: int
    due_at: datetime
    state: ReminderState
    decided_at: datetime | None = None
    folded_into: int | None = None
    folded_by: FoldedBy | None = None
    post_id: str | None = None
    owner_post_id: str | None = None
    escalate_at: datetime | None = None
    escalated_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person said to the reminders of a token's generation; quiet until then."""

    id: str
    token_id: str
    expires_at: datetime
    kind: AnswerKind
    person: str
    at: datetime
    until: datetime
    dedupe_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One class of trouble of one token; said in the message `post_id`, often with others."""

    id: str
    token_id: str
    health: Health
    state: AlertState
    began_at: datetime
    evidence: str
    due_at: datetime
    post_id: str | None = None
    said_at: datetime | None = None
    times_said: int = 0
    cleared_at: datetime | None = None
    ended_at: datetime | None = None
    became: Health | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What endangers tokens besides their age; `tokens` are their generations by id, when told.

    `subject` is the Apple ID, or the person's Slack id. `due_at` is when it is said again.
    """

    id: str
    kind: ReportKind
    subject: str
    leaves_on: date | None
    reporter: str
    tokens: dict[str, str]
    state: ReportState
    reported_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    dedupe_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something that is done at its times, for the whole deployment; `run_at` is the last one."""

    name: str
    due_at: datetime
    run_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What the watch keeps beside a token: when it was asked and last found well, and as whose."""

    token_id: str
    health_due_at: datetime | None
    health_asked_at: datetime | None
    evidence: str | None
    healthy_at: datetime | None
    healthy_admin: str | None

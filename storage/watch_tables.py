"""The tables of the watch: reminders and answers, alerts, reports, chores."""

from sqlalchemy import (
    JSON,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.columns import StateText, UtcDateTime
from storage.states import (
    AlertState,
    AnswerKind,
    FoldedBy,
    Health,
    ReminderState,
    ReportKind,
    ReportState,
)
from storage.tables import ID, LIVING, PERSON, metadata, token

# What the watch keeps beside a token's facts: see storage/watch.
KEPT = (
    Column("planned_for", UtcDateTime),
    Column("plan", String(255)),
    Column("health_due_at", UtcDateTime),
    Column("health_asked_at", UtcDateTime),
    Column("evidence", Text),
    Column("healthy_at", UtcDateTime),
    Column("healthy_admin", String(320)),
)
for _column in KEPT:
    token.append_column(_column)

UNPLANNED = "planned_for IS NOT CASE WHEN state = 'active' THEN expires_at END"
"""A token whose end is another than the one that its reminders were planned for."""
ACTIVE = "state = 'active'"
UNASKED = "state = 'active' AND health_due_at IS NULL"
TROUBLE = ", ".join(f"'{health}'" for health in Health if health is not Health.OK)
ILL = f"state = 'active' AND health IN ({TROUBLE})"

# Each index holds the few tokens that something is due for, so that a look costs what is due.
Index(
    "ix_token_unplanned",
    token.c.id,
    sqlite_where=text(UNPLANNED),
    postgresql_where=text(UNPLANNED.replace("IS NOT", "IS DISTINCT FROM")),
)
for _name, _by, _where in (
    ("ix_token_asked", token.c.health_due_at, ACTIVE),
    ("ix_token_owned", token.c.owner, LIVING),
):
    Index(_name, _by, sqlite_where=text(_where), postgresql_where=text(_where))

Index("ix_token_health", token.c.health)

reminder = Table(
    "reminder",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False),
    # The end of the generation that it reminds of: a renewed token has another.
    Column("expires_at", UtcDateTime, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("state", StateText(ReminderState), nullable=False),
    Column("decided_at", UtcDateTime),
    Column("folded_into", Integer),
    Column("folded_by", StateText(FoldedBy)),
    Column("post_id", ID, index=True),
    Column("owner_post_id", ID, index=True),
    Column("escalate_at", UtcDateTime),
    Column("escalated_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("token_id", "expires_at", "rung"),
    Index("ix_reminder_due", "state", "due_at"),
    Index("ix_reminder_decided", "decided_at"),
)
UNANSWERED = "escalate_at IS NOT NULL"
Index(
    "ix_reminder_unanswered",
    reminder.c.escalate_at,
    sqlite_where=text(UNANSWERED),
    postgresql_where=text(UNANSWERED),
)

answer = Table(
    "answer",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("kind", StateText(AnswerKind), nullable=False),
    Column("person", PERSON, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("dedupe_key", String(255), nullable=False, unique=True),
    Index("ix_answer_of_token", "token_id", "at"),
)

alert = Table(
    "alert",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False),
    Column("health", StateText(Health), nullable=False),
    Column("state", StateText(AlertState), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("post_id", ID, index=True),
    Column("said_at", UtcDateTime),
    Column("times_said", Integer, nullable=False),
    Column("cleared_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("became", StateText(Health)),
    Index("ix_alert_of_token", "token_id", "began_at"),
)
UNDER_WAY = "state != 'ended'"
Index(
    "uq_alert_under_way",
    alert.c.token_id,
    unique=True,
    sqlite_where=text(UNDER_WAY),
    postgresql_where=text(UNDER_WAY),
)

report = Table(
    "report",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", StateText(ReportKind), nullable=False),
    Column("subject", String(320), nullable=False),
    Column("leaves_on", Date),
    Column("reporter", PERSON, nullable=False),
    Column("tokens", JSON, nullable=False),
    Column("state", StateText(ReportState), nullable=False),
    Column("reported_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("dedupe_key", String(255), nullable=False, unique=True),
    Index("ix_report_open", "state", "kind", "subject"),
)

chore = Table(
    "chore",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("run_at", UtcDateTime),
)

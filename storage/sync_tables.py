"""The tables of syncs: the runs, where each token's sync stands, and questions about losses."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from storage.columns import StateText, UtcDateTime
from storage.states import LossState, SyncKind, SyncState
from storage.tables import ID, PERSON, metadata

sync_run = Table(
    "sync_run",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False, index=True),
    Column("state", StateText(SyncState), nullable=False),
    Column("kind", StateText(SyncKind)),
    # As long as an actor of the audit log: the command line asks too.
    Column("asked_by", String(80), nullable=False),
    Column("pages", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error", Text),
    Column("fence", Integer, nullable=False),
    Column("due_at", UtcDateTime),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("awaits_after", UtcDateTime),
    Column("note", Text),
    Column("released", Integer, nullable=False, server_default=text("0")),
)
OPEN = "state IN ('waiting', 'running')"
Index(
    "uq_sync_run_open",
    sync_run.c.token_id,
    unique=True,
    sqlite_where=text(OPEN),
    postgresql_where=text(OPEN),
)

sync_place = Table(
    "sync_place",
    metadata,
    Column("token_id", ForeignKey("token.id"), primary_key=True),
    Column("cursor", Text),
    Column("cursor_at", UtcDateTime),
    Column("generation", ID, nullable=False),
    Column("unfinished", Boolean, nullable=False),
    Column("listed_at", UtcDateTime),
    Column("wait_until", UtcDateTime),
)

loss_question = Table(
    "loss_question",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False, index=True),
    Column("run_id", ForeignKey("sync_run.id"), nullable=False, index=True),
    Column("generation", ID, nullable=False),
    Column("unseen", Integer, nullable=False),
    Column("known", Integer, nullable=False),
    Column("state", StateText(LossState), nullable=False),
    Column("removed", Integer, nullable=False),
    Column("answered_by", PERSON),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
)
UNANSWERED = "state = 'open'"
Index(
    "uq_loss_question_open",
    loss_question.c.token_id,
    unique=True,
    sqlite_where=text(UNANSWERED),
    postgresql_where=text(UNANSWERED),
)

"""Syncs go on by cursor: their places, runs that wait, and questions about large losses."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEPT = (
    "id, token_id, state, asked_by, pages, seen, added, changed, removed, error, lease_until, "
    "started_at, ended_at"
)


def upgrade() -> None:
    _runs()
    op.create_table(
        "sync_place",
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("cursor_at", sa.DateTime(), nullable=True),
        sa.Column("generation", sa.String(length=32), nullable=False),
        sa.Column("unfinished", sa.Boolean(), nullable=False),
        sa.Column("listed_at", sa.DateTime(), nullable=True),
        sa.Column("wait_until", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_sync_place_token_id")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_sync_place")),
    )
    op.create_table(
        "loss_question",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("generation", sa.String(length=32), nullable=False),
        sa.Column("unseen", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("answered_by", sa.String(length=32), nullable=True),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["sync_run.id"], name=op.f("fk_loss_question_run_id")),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_loss_question_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loss_question")),
    )
    op.create_index(op.f("ix_loss_question_run_id"), "loss_question", ["run_id"], unique=False)
    op.create_index(op.f("ix_loss_question_token_id"), "loss_question", ["token_id"], unique=False)
    op.create_index(
        "uq_loss_question_open",
        "loss_question",
        ["token_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _runs() -> None:
    op.drop_index("uq_sync_run_running", table_name="sync_run")
    op.drop_index("ix_sync_run_token_id", table_name="sync_run")
    op.rename_table("sync_run", "sync_run_before")
    op.create_table(
        "sync_run",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=True),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_sync_run_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_run")),
    )
    op.execute(
        f"INSERT INTO sync_run ({KEPT}, kind, failed, tries, fence) "  # noqa: S608 - columns of ours
        f"SELECT {KEPT}, 'full', 0, 0, 0 FROM sync_run_before"
    )
    op.drop_table("sync_run_before")
    op.create_index(op.f("ix_sync_run_token_id"), "sync_run", ["token_id"], unique=False)
    op.create_index(
        "uq_sync_run_open",
        "sync_run",
        ["token_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'running')"),
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )

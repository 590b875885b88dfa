"""The watch: reminders and answers, alerts, reports, chores, and what is kept beside a token."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chore",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("run_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chore")),
    )
    op.create_table(
        "report",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=320), nullable=False),
        sa.Column("leaves_on", sa.Date(), nullable=True),
        sa.Column("reporter", sa.String(length=32), nullable=False),
        sa.Column("tokens", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reported_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("dedupe_key", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_report_dedupe_key")),
    )
    op.create_index("ix_report_open", "report", ["state", "kind", "subject"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("health", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("post_id", sa.String(length=32), nullable=True),
        sa.Column("said_at", sa.DateTime(), nullable=True),
        sa.Column("times_said", sa.Integer(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("became", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_alert_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_of_token", "alert", ["token_id", "began_at"], unique=False)
    op.create_index(op.f("ix_alert_post_id"), "alert", ["post_id"], unique=False)
    op.create_index(
        "uq_alert_under_way",
        "alert",
        ["token_id"],
        unique=True,
        sqlite_where=sa.text("state != 'ended'"),
        postgresql_where=sa.text("state != 'ended'"),
    )
    op.create_table(
        "answer",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_answer_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_answer_dedupe_key")),
    )
    op.create_index("ix_answer_of_token", "answer", ["token_id", "at"], unique=False)
    op.create_table(
        "reminder",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("folded_into", sa.Integer(), nullable=True),
        sa.Column("folded_by", sa.String(length=32), nullable=True),
        sa.Column("post_id", sa.String(length=32), nullable=True),
        sa.Column("owner_post_id", sa.String(length=32), nullable=True),
        sa.Column("escalate_at", sa.DateTime(), nullable=True),
        sa.Column("escalated_at", sa.DateTime(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_reminder_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint(
            "token_id", "expires_at", "rung", name=op.f("uq_reminder_token_id_expires_at_rung")
        ),
    )
    op.create_index("ix_reminder_decided", "reminder", ["decided_at"], unique=False)
    op.create_index("ix_reminder_due", "reminder", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_reminder_owner_post_id"), "reminder", ["owner_post_id"], unique=False)
    op.create_index(op.f("ix_reminder_post_id"), "reminder", ["post_id"], unique=False)
    op.create_index(
        "ix_reminder_unanswered",
        "reminder",
        ["escalate_at"],
        unique=False,
        sqlite_where=sa.text("escalate_at IS NOT NULL"),
        postgresql_where=sa.text("escalate_at IS NOT NULL"),
    )
    op.add_column("token", sa.Column("planned_for", sa.DateTime(), nullable=True))
    op.add_column("token", sa.Column("plan", sa.String(length=255), nullable=True))
    op.add_column("token", sa.Column("health_due_at", sa.DateTime(), nullable=True))
    op.add_column("token", sa.Column("health_asked_at", sa.DateTime(), nullable=True))
    op.add_column("token", sa.Column("evidence", sa.Text(), nullable=True))
    op.add_column("token", sa.Column("healthy_at", sa.DateTime(), nullable=True))
    op.add_column("token", sa.Column("healthy_admin", sa.String(length=320), nullable=True))
    op.create_index(
        "ix_token_asked",
        "token",
        ["health_due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("ix_token_health", "token", ["health"], unique=False)
    op.create_index(
        "ix_token_owned",
        "token",
        ["owner"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('deleted', 'cancelled')"),
        postgresql_where=sa.text("state NOT IN ('deleted', 'cancelled')"),
    )
    op.create_index(
        "ix_token_unplanned",
        "token",
        ["id"],
        unique=False,
        sqlite_where=sa.text("planned_for IS NOT CASE WHEN state = 'active' THEN expires_at END"),
        postgresql_where=sa.text(
            "planned_for IS DISTINCT FROM CASE WHEN state = 'active' THEN expires_at END"
        ),
    )

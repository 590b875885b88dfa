"""Renewals, deletions, and the whole life of a request: facts, hand-over, nags, threads."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("token", sa.Column("removed_here_at", sa.DateTime(), nullable=True))
    _request()
    op.add_column(
        "decision",
        sa.Column("digest", sa.String(length=64), server_default=sa.text("''"), nullable=False),
    )
    op.add_column("decision", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("upload", sa.Column("data_key", sa.Text(), nullable=True))
    op.add_column("upload", sa.Column("content", sa.Text(), nullable=True))
    op.add_column("upload", sa.Column("kept_until", sa.DateTime(), nullable=True))
    op.add_column(
        "device",
        sa.Column("removed_here", sa.Boolean(), server_default=sa.text("0"), nullable=False),
    )
    op.create_table(
        "profile",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("profile_uuid", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=125), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_profile_token_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile")),
        sa.UniqueConstraint(
            "token_id", "profile_uuid", name=op.f("uq_profile_token_id_profile_uuid")
        ),
    )
    op.create_index(op.f("ix_profile_token_id"), "profile", ["token_id"], unique=False)
    # Written out, because a foreign key cannot be added to a table of SQLite's otherwise.
    op.execute("ALTER TABLE outbox ADD COLUMN replies_to INTEGER REFERENCES outbox (id)")


def _request() -> None:
    columns: list[sa.Column[object]] = [
        sa.Column("apple_id", sa.String(length=320), nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("rotate", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("facts", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("digest", sa.String(length=64), server_default=sa.text("''"), nullable=False),
        sa.Column("handed_to", sa.String(length=32), nullable=True),
        sa.Column("down_since", sa.DateTime(), nullable=True),
        sa.Column("nag_due_at", sa.DateTime(), nullable=True),
        sa.Column("check_due_at", sa.DateTime(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
    ]
    for column in columns:
        op.add_column("request", column)
    op.create_index(op.f("ix_request_nag_due_at"), "request", ["nag_due_at"], unique=False)
    op.create_index(op.f("ix_request_check_due_at"), "request", ["check_due_at"], unique=False)

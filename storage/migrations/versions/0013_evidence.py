"""What a person brings back from the portal, and what was begun for them at Intune."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FILE = "server_token_file"


def upgrade() -> None:
    op.add_column("request", sa.Column("evidence", sa.String(length=32), nullable=True))
    op.add_column("request", sa.Column("detour", sa.Text(), nullable=True))
    op.add_column(
        "request",
        sa.Column("scope_tags", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
    )
    # Until now a file was waited for, whatever was asked.
    waits = "state IN ('awaiting_upload', 'verifying') OR cause = 'already_downloaded'"
    op.execute(f"UPDATE request SET evidence = '{FILE}' WHERE {waits}")  # noqa: S608 - constants
    op.add_column(
        "upload",
        sa.Column(
            "evidence",
            sa.String(length=32),
            server_default=sa.text(f"'{FILE}'"),
            nullable=False,
        ),
    )
    op.add_column("upload", sa.Column("expires_at", sa.DateTime(), nullable=True))
    op.add_column(
        "upload",
        sa.Column("only_check", sa.Boolean(), server_default=sa.text("0"), nullable=False),
    )
    _steps()


def _steps() -> None:
    op.create_table(
        "intune_step",
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("setting_id", sa.String(length=64), nullable=True),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("unneeded", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=True),
        sa.Column("modified_at", sa.DateTime(), nullable=True),
        sa.Column("uploaded", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_intune_step_token_id")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_intune_step")),
    )

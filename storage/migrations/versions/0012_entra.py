"""Apple IDs as Entra knows them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entra_account",
        sa.Column("apple_id", sa.String(length=320), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=True),
        sa.Column("standing", sa.String(length=32), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.Column("looked_at", sa.DateTime(), nullable=True),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("apple_id", name=op.f("pk_entra_account")),
    )
    op.create_index(op.f("ix_entra_account_due_at"), "entra_account", ["due_at"], unique=False)

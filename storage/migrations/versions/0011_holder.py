"""What a token's holder knows it by, and syncs that the holder does by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("token", sa.Column("holder_id", sa.String(length=64), nullable=True))
    op.add_column("token", sa.Column("holder_name", sa.String(length=255), nullable=True))
    living = sa.text("state NOT IN ('deleted', 'cancelled')")
    op.create_index(
        "uq_token_living_holder",
        "token",
        ["holder_id"],
        unique=True,
        sqlite_where=living,
        postgresql_where=living,
    )
    op.add_column("sync_run", sa.Column("awaits_after", sa.DateTime(), nullable=True))
    op.add_column("sync_run", sa.Column("note", sa.Text(), nullable=True))
    op.add_column(
        "sync_run",
        sa.Column("released", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )

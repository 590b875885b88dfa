"""The outbox: what tells whether Slack took a message, and which message an edit changes."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ALTER TABLE: a copy of the table would lose its AUTOINCREMENT.
    op.add_column("outbox", sa.Column("mark", sa.String(length=32), nullable=True))
    op.add_column("outbox", sa.Column("claimed_at", sa.DateTime(), nullable=True))
    op.add_column("outbox", sa.Column("unsure_since", sa.DateTime(), nullable=True))
    op.add_column(
        "outbox", sa.Column("anew", sa.Boolean(), server_default=sa.text("0"), nullable=False)
    )
    op.drop_index("ix_outbox_order", table_name="outbox")
    op.create_index("ix_outbox_edits", "outbox", ["edits"], unique=False)

"""What a delivery of Slack's has set off is noted, so that a repeated one sets off nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("taken_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_delivery")),
    )
    op.create_index(op.f("ix_delivery_taken_at"), "delivery", ["taken_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_delivery_taken_at"), table_name="delivery")
    op.drop_table("delivery")

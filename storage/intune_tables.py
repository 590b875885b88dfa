"""The table of what is begun at Intune: the grounds on which a person's part is recognised."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table

from storage.columns import UtcDateTime
from storage.tables import metadata

intune_step = Table(
    "intune_step",
    metadata,
    # A token has one request under way, so it has one step.
    Column("token_id", ForeignKey("token.id"), primary_key=True),
    Column("setting_id", String(64)),
    Column("made", Boolean, nullable=False),
    Column("unneeded", Boolean, nullable=False),
    Column("seen", JSON, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("modified_at", UtcDateTime),
    Column("uploaded", String(64)),
    Column("lease_until", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False),
)

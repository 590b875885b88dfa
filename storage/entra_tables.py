"""The table of Apple IDs as Entra knows them."""

from sqlalchemy import Column, String, Table

from storage.columns import StateText, UtcDateTime
from storage.entra_records import EntraStanding
from storage.tables import metadata

entra_account = Table(
    "entra_account",
    metadata,
    Column("apple_id", String(320), primary_key=True),
    Column("tenant", String(255), nullable=False),
    # Kept while the user exists: a deleted one is found by nothing else.
    Column("object_id", String(64)),
    Column("standing", StateText(EntraStanding), nullable=False),
    Column("password_changed_at", UtcDateTime),
    Column("deleted_at", UtcDateTime),
    Column("looked_at", UtcDateTime),
    Column("due_at", UtcDateTime, nullable=False, index=True),
)

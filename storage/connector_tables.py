"""The table of Apple's other credentials in Intune."""

from sqlalchemy import Column, String, Table, UniqueConstraint

from storage.columns import StateText, UtcDateTime
from storage.connector_records import ConnectorKind
from storage.states import AnswerKind
from storage.tables import ID, PERSON, metadata

connector = Table(
    "connector",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", StateText(ConnectorKind), nullable=False),
    Column("holder_id", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("apple_id", String(320), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("generation", ID, nullable=False),
    Column("due_at", UtcDateTime, index=True),
    Column("said_at", UtcDateTime),
    Column("escalate_at", UtcDateTime, index=True),
    Column("answer", StateText(AnswerKind)),
    Column("answered_by", PERSON),
    Column("quiet_until", UtcDateTime),
    Column("gone_at", UtcDateTime),
    UniqueConstraint("kind", "holder_id"),
)

"""The tables, one for each noun; migrations are proved equal to them by test."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.columns import StateText, UtcDateTime
from storage.states import (
    Action,
    DecisionState,
    Evidence,
    Health,
    KeyPairState,
    NoticeKind,
    OutboxState,
    Portal,
    ProgramName,
    RenewalCause,
    RequestState,
    TokenState,
    UploadState,
    Verdict,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = String(32)
PERSON = String(32)

token = Table(
    "token",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("name_key", String(320), nullable=False),
    Column("program", StateText(ProgramName), nullable=False),
    Column("portal", StateText(Portal), nullable=False),
    Column("server_name", String(255), nullable=False),
    Column("apple_id", String(320), nullable=False),
    Column("owner", PERSON, nullable=False),
    Column("state", StateText(TokenState), nullable=False),
    Column("health", StateText(Health)),
    Column("health_since", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("server_uuid", String(64)),
    Column("org_id", String(64)),
    Column("org_id_hash", String(128)),
    Column("org_name", String(255)),
    Column("admin_id", String(320)),
    Column("last_synced_at", UtcDateTime),
    Column("sync_due_at", UtcDateTime, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("removed_here_at", UtcDateTime),
    Column("holder_id", String(64)),
    Column("holder_name", String(255)),
)
LIVING = "state NOT IN ('deleted', 'cancelled')"
Index(
    "uq_token_living_name",
    token.c.name_key,
    unique=True,
    sqlite_where=text(LIVING),
    postgresql_where=text(LIVING),
)
Index(
    "uq_token_living_server",
    token.c.server_uuid,
    unique=True,
    sqlite_where=text(LIVING),
    postgresql_where=text(LIVING),
)

Index(
    "uq_token_living_holder",
    token.c.holder_id,
    unique=True,
    sqlite_where=text(LIVING),
    postgresql_where=text(LIVING),
)

request = Table(
    "request",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False),
    Column("action", StateText(Action), nullable=False),
    Column("state", StateText(RequestState), nullable=False, index=True),
    Column("requester", PERSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("consent_text", Text, nullable=False),
    Column("consent_version", String(32), nullable=False),
    Column("approvals_required", Integer, nullable=False),
    # Who could approve when it was asked: whoever joins the group later cannot.
    Column("approvers", JSON, nullable=False),
    Column("dedupe_key", String(255), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("apple_id", String(320)),
    Column("cause", StateText(RenewalCause)),
    Column("rotate", Boolean, nullable=False, server_default=text("0")),
    Column("facts", JSON, nullable=False, server_default=text("'{}'")),
    Column("digest", String(64), nullable=False, server_default=text("''")),
    Column("handed_to", PERSON),
    Column("down_since", UtcDateTime),
    Column("nag_due_at", UtcDateTime, index=True),
    Column("check_due_at", UtcDateTime, index=True),
    Column("failure", Text),
    Column("evidence", StateText(Evidence)),
    Column("detour", Text),
    Column("scope_tags", JSON, nullable=False, server_default=text("'{}'")),
)
OPEN = "state IN ('pending', 'approved', 'awaiting_upload', 'verifying')"
Index(
    "uq_request_open_token",
    request.c.token_id,
    unique=True,
    sqlite_where=text(OPEN),
    postgresql_where=text(OPEN),
)

decision = Table(
    "decision",
    metadata,
    Column("id", ID, primary_key=True),
    Column("request_id", ForeignKey("request.id"), nullable=False, index=True),
    Column("person", PERSON, nullable=False),
    Column("verdict", StateText(Verdict), nullable=False),
    Column("state", StateText(DecisionState), nullable=False, index=True),
    Column("refusal", Text),
    Column("origin", String(255), nullable=False),
    Column("dedupe_key", String(255), nullable=False, unique=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("digest", String(64), nullable=False, server_default=text("''")),
    Column("reason", Text),
)
COUNTED = "state = 'counted'"
Index(
    "uq_decision_counted_person",
    decision.c.request_id,
    decision.c.person,
    unique=True,
    sqlite_where=text(COUNTED),
    postgresql_where=text(COUNTED),
)

key_pair = Table(
    "key_pair",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False, index=True),
    Column("state", StateText(KeyPairState), nullable=False),
    Column("issuer", LargeBinary, nullable=False),
    Column("serial", String(64), nullable=False),
    Column("certificate_pem", Text, nullable=False),
    Column("fingerprint", String(128), nullable=False),
    Column("data_key", Text),
    Column("private_key", Text),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "serial"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False),
    Column("key_pair_id", ForeignKey("key_pair.id"), nullable=False),
    Column("data_key", Text, nullable=False),
    Column("consumer_key", Text, nullable=False),
    Column("consumer_secret", Text, nullable=False),
    Column("access_token", Text, nullable=False),
    Column("access_secret", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("in_force", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
Index(
    "uq_credentials_in_force",
    credentials.c.token_id,
    unique=True,
    sqlite_where=text("in_force"),
    postgresql_where=text("in_force"),
)

upload = Table(
    "upload",
    metadata,
    Column("id", ID, primary_key=True),
    Column("request_id", ForeignKey("request.id"), nullable=False, index=True),
    Column("uploader", PERSON, nullable=False),
    Column("apple_id", String(320), nullable=False),
    Column("file_id", String(32), nullable=False),
    Column("view_id", String(32), nullable=False),
    Column("state", StateText(UploadState), nullable=False, index=True),
    Column("reason", String(32)),
    Column("answer", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("dedupe_key", String(255), nullable=False, unique=True),
    Column("submitted_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("data_key", Text),
    Column("content", Text),
    Column("kept_until", UtcDateTime),
    Column(
        "evidence",
        StateText(Evidence),
        nullable=False,
        server_default=text("'server_token_file'"),
    ),
    Column("expires_at", UtcDateTime),
    Column("only_check", Boolean, nullable=False, server_default=text("0")),
)

profile = Table(
    "profile",
    metadata,
    Column("id", ID, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False, index=True),
    Column("profile_uuid", String(64), nullable=False),
    Column("name", String(125), nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    UniqueConstraint("token_id", "profile_uuid"),
)

device = Table(
    "device",
    metadata,
    # An integer row key keeps the million-row table and its indexes small.
    Column("id", Integer, primary_key=True),
    Column("token_id", ForeignKey("token.id"), nullable=False),
    Column("serial_number", String(64), nullable=False),
    Column("model", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("color", Text, nullable=False),
    Column("asset_tag", Text, nullable=False),
    Column("device_family", Text, nullable=False),
    Column("os", Text, nullable=False),
    Column("profile_status", Text, nullable=False),
    Column("profile_uuid", Text, nullable=False),
    Column("device_assigned_by", Text, nullable=False),
    Column("device_assigned_date", Text, nullable=False),
    Column("op_date", Text, nullable=False),
    Column("seen_in", ID, nullable=False),
    Column("changed_in", ID, nullable=False),
    Column("removed_at", UtcDateTime),
    # Removed by us, though Apple may still list it.
    Column("removed_here", Boolean, nullable=False, server_default=text("0")),
    UniqueConstraint("token_id", "serial_number"),
)
PRESENT = "removed_at IS NULL"
# Counting a token's devices reads this alone, not their rows.
Index(
    "ix_device_present",
    device.c.token_id,
    sqlite_where=text(PRESENT),
    postgresql_where=text(PRESENT),
)

outbox = Table(
    "outbox",
    metadata,
    # The number is the order in which a destination gets its messages.
    Column("id", Integer, primary_key=True),
    Column("kind", StateText(NoticeKind), nullable=False),
    Column("destination", String(32), nullable=False),
    Column("subject_id", ID, nullable=False),
    Column("dedupe_key", String(255), nullable=False, unique=True),
    Column("facts", JSON, nullable=False),
    Column("visible_to", PERSON),
    Column("edits", ForeignKey("outbox.id")),
    Column("state", StateText(OutboxState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime),
    Column("posted_channel", String(32)),
    Column("posted_ts", String(32)),
    Column("error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    # What Slack keeps with the message, so that we know it again; says nothing to others.
    Column("mark", ID),
    Column("claimed_at", UtcDateTime),
    Column("unsure_since", UtcDateTime),
    Column("anew", Boolean, nullable=False, server_default=text("0")),
    Column("replies_to", ForeignKey("outbox.id")),
    Index("ix_outbox_waiting", "state", "due_at"),
    Index("ix_outbox_subject", "subject_id", "kind"),
    Index("ix_outbox_edits", "edits"),
    sqlite_autoincrement=True,
)

delivery = Table(
    "delivery",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False, index=True),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("token_id", ID),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("origin", String(255), nullable=False),
    Column("key_name", String(64), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # Each filter of the history goes backwards from a number.
    Index("ix_audit_entry_token_id", "token_id", "number"),
    Index("ix_audit_entry_actor", "actor", "number"),
    Index("ix_audit_entry_action", "action", "number"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("key_name", String(64), nullable=False),
    Column("mac", String(64), nullable=False),
)

key_check = Table(
    "key_check",
    metadata,
    Column("key_name", String(64), primary_key=True),
    Column("sealed", Text, nullable=False),
)

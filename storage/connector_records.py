"""Apple's other credentials that a tenant's Intune holds; see `storage/records`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.states import AnswerKind


class ConnectorKind(StrEnum):
    """What Intune is tied to Apple by, besides enrollment program tokens."""

    PUSH_CERTIFICATE = "push_certificate"
    """The Apple push certificate (APNs), one for each tenant."""
    CONTENT_TOKEN = "content_token"  # noqa: S105 - a kind, not a credential
    """A content (VPP) token, by which apps and books are licensed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One such credential as Intune last showed it, and when people are reminded of its end.

    `generation` is new for each end; messages are about one. `due_at` is when people are reminded
    next, `said_at` when they last were in this generation. An answer keeps it quiet until
    `quiet_until`; without one the approvers are told at `escalate_at`.
    """

    id: str
    kind: ConnectorKind
    holder_id: str
    name: str
    apple_id: str
    expires_at: datetime | None
    generation: str
    due_at: datetime | None = None
    said_at: datetime | None = None
    escalate_at: datetime | None = None
    answer: AnswerKind | None = None
    answered_by: str | None = None
    quiet_until: datetime | None = None
    gone_at: datetime | None = None

"""The facts that are kept, as values that cannot change.

A record has the fields of its table's row, by the same names. Times are aware and in UTC; people
are Slack's user ids.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

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
    SyncKind,
    SyncState,
    TokenState,
    UploadState,
    Verdict,
)


def new_id() -> str:
    """A random id of 32 hexadecimal digits, for a row that other systems may point to."""
    return uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOutline:
    """What tells one token from another, and how urgent it is; of a thousand it is read at once."""

    id: str
    name: str
    state: TokenState
    health: Health | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An enrollment program token, from its request on, or from when it was found at its holder.

    `owner` is empty where nobody answers for it yet, `apple_id` where the holder does not tell.
    """

    id: str
    name: str
    program: ProgramName
    portal: Portal
    server_name: str
    apple_id: str
    owner: str
    state: TokenState
    health: Health | None
    health_since: datetime | None
    expires_at: datetime | None
    server_uuid: str | None
    org_id: str | None
    org_id_hash: str | None
    org_name: str | None
    admin_id: str | None
    last_synced_at: datetime | None
    sync_due_at: datetime | None
    created_at: datetime
    removed_here_at: datetime | None = None
    """Since when its devices count as removed here, and it is not synced any more."""
    holder_id: str | None = None
    """What its holder knows it by: in Intune the id of its depOnboardingSetting."""
    holder_name: str | None = None
    """Its name there, as it was last seen; ours may have more to it, to tell two apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody's wish for a guarded action on a token.

    `facts` is what its card shows to those who decide, and `digest` their fingerprint, which each
    button carries; `down_since` is set while a renewal is half done: a newer token was downloaded
    and is not uploaded yet. `nag_due_at` and `check_due_at` are when somebody is reminded and when
    the holder is asked next. `evidence` is what the person brings once the request is prepared;
    `detour` is why that is not what it would be, for people. `scope_tags` are names by ids.
    """

    id: str
    token_id: str
    action: Action
    state: RequestState
    requester: str
    reason: str
    consent_text: str
    consent_version: str
    approvals_required: int
    approvers: list[str]
    dedupe_key: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    apple_id: str | None = None
    cause: RenewalCause | None = None
    rotate: bool = False
    facts: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    handed_to: str | None = None
    down_since: datetime | None = None
    nag_due_at: datetime | None = None
    check_due_at: datetime | None = None
    failure: str | None = None
    evidence: Evidence | None = None
    detour: str | None = None
    scope_tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One person's click on one request; `origin` is the Slack message it came from.

    `digest` is the fingerprint of the facts that the person saw; `reason` is why they declined.
    """

    id: str
    request_id: str
    person: str
    verdict: Verdict
    state: DecisionState
    refusal: str | None
    origin: str
    dedupe_key: str
    recorded_at: datetime
    digest: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A public-key certificate and its RSA key, sealed; Apple names it by issuer and serial.

    The private key is None where the token's holder keeps it.
    """

    id: str
    token_id: str
    state: KeyPairState
    issuer: bytes
    serial: str
    certificate_pem: str
    fingerprint: str
    data_key: str | None
    private_key: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The OAuth values of a proved server token, each sealed."""

    id: str
    token_id: str
    key_pair_id: str
    data_key: str
    consumer_key: str
    consumer_secret: str
    access_token: str
    access_secret: str
    expires_at: datetime
    in_force: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What a person brought: who, for which request, Slack's id of the file where it is one.

    `file_id` is empty where the file's text was pasted. Such text, and a file that waits for its
    holder's answer or for an approval, stands sealed in `content` until its outcome. `expires_at`
    is the date that they read in the holder's console; `only_check`: they only want to know
    whether the file is the right one.
    """

    id: str
    request_id: str
    uploader: str
    apple_id: str
    file_id: str
    view_id: str
    state: UploadState
    reason: str | None
    answer: str | None
    attempts: int
    due_at: datetime
    dedupe_key: str
    submitted_at: datetime
    ended_at: datetime | None
    data_key: str | None = None
    content: str | None = field(default=None, repr=False)
    kept_until: datetime | None = None
    """Until when what its holder gave no answer to is tried again."""
    evidence: Evidence = Evidence.SERVER_TOKEN_FILE
    expires_at: datetime | None = None
    only_check: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An enrollment profile that was defined for a token's devices; it has no life here yet."""

    id: str
    token_id: str
    profile_uuid: str
    name: str
    is_default: bool
    created_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that Apple says is assigned to a token's server."""

    serial_number: str
    model: str
    description: str
    color: str
    asset_tag: str
    device_family: str
    os: str
    profile_status: str
    profile_uuid: str
    device_assigned_by: str
    device_assigned_date: str
    op_date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One run through a token's devices, with what it changed so far.

    `fence` counts the processes that took it; `tries` counts those that got no page further.
    `awaits_after` is set while the holder syncs by itself: it is done when its last success is
    later. `note` is what people should know of how it was asked; `released` counts devices that it
    lists though they are gone at Apple.
    """

    id: str
    token_id: str
    state: SyncState
    kind: SyncKind | None
    asked_by: str
    pages: int
    seen: int
    added: int
    changed: int
    removed: int
    failed: int
    tries: int
    error: str | None
    fence: int
    due_at: datetime | None
    lease_until: datetime
    started_at: datetime
    ended_at: datetime | None
    awaits_after: datetime | None = None
    note: str | None = None
    released: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to be posted, as ids; what it says is drawn from the records when it is posted."""

    kind: NoticeKind
    destination: str
    subject_id: str
    dedupe_key: str
    facts: dict[str, str]
    visible_to: str | None = None
    edits: int | None = None
    replies_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """A notice on its way, and where it went: `posted_ts` is Slack's message id in the channel.

    `unsure_since` is when a try began of which nobody knows whether Slack took it; `mark` is by
    what such a message is known again. `anew`: the message that it edits is gone.
    """

    id: int
    kind: NoticeKind
    destination: str
    subject_id: str
    dedupe_key: str
    facts: dict[str, str]
    visible_to: str | None
    edits: int | None
    state: OutboxState
    attempts: int
    repeats: int
    due_at: datetime
    lease_until: datetime | None
    posted_channel: str | None
    posted_ts: str | None
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    mark: str | None = None
    claimed_at: datetime | None = None
    unsure_since: datetime | None = None
    anew: bool = False
    replies_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change: who, what, on what, before and after, and the Slack message it came from."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    token_id: str | None
    before: dict[str, str]
    after: dict[str, str]
    origin: str
    key_name: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The newest entry's number and hash, under the audit key."""

    number: int
    hash: str
    key_name: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """A known text sealed by a key-encryption key, which tells at start whether the key is ours."""

    key_name: str
    sealed: str

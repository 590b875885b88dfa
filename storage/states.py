"""The states that records may be in; which may follow which is the services' business."""

from enum import StrEnum


class ProgramName(StrEnum):
    """Who holds a token."""

    APPLE = "apple"
    """This service itself, towards Apple."""
    INTUNE = "intune"
    """Microsoft Intune."""


class Portal(StrEnum):
    """Where at Apple a token is downloaded."""

    BUSINESS = "business"
    """Apple Business."""
    SCHOOL = "school"
    """Apple School Manager."""


class TokenState(StrEnum):
    """A token's life; the first two states follow its create request."""

    REQUESTED = "requested"
    """Somebody asked for it; nobody has agreed yet."""
    AWAITING_TOKEN = "awaiting_token"  # noqa: S105 - a state, not a credential
    """Agreed to; the server token file has not been proved yet."""
    ACTIVE = "active"
    """Proved and in use; its health says whether it works."""
    DELETING = "deleting"
    """Being taken out of use."""
    DELETED = "deleted"
    """Out of use, its secrets destroyed, its name free again."""
    CANCELLED = "cancelled"
    """Never came to be, its name free again."""


class Health(StrEnum):
    """What the holder says of an active token."""

    OK = "ok"
    """It answered with success."""
    TERMS_UNSIGNED = "terms_unsigned"
    """New terms at Apple wait for a signature."""
    SUPERSEDED = "superseded"
    """A newer token of the same server was downloaded."""
    REVOKED = "revoked"
    """The token was revoked at Apple."""
    ACCOUNT_FORBIDDEN = "account_forbidden"
    """The Apple ID that downloaded it is gone or barred."""
    EXPIRED = "expired"
    """Its year is over."""
    THROTTLED = "throttled"
    """The holder asks us to wait."""
    UNREACHABLE = "unreachable"
    """The holder gives no usable answer."""


class Action(StrEnum):
    """What takes approval."""

    CREATE = "create"
    """A new token."""


class RequestState(StrEnum):
    """The life of somebody's wish for a guarded action."""

    PENDING = "pending"
    """Waits for approvers."""
    APPROVED = "approved"
    """Agreed to; its next step is being prepared."""
    AWAITING_UPLOAD = "awaiting_upload"
    """Waits for the person to do their part at the portal and upload the file."""
    VERIFYING = "verifying"
    """The program is looking whether what was done took effect."""
    COMPLETED = "completed"
    """Done."""
    DECLINED = "declined"
    """An approver said no."""
    CANCELLED = "cancelled"
    """Its requester took it back."""
    EXPIRED = "expired"
    """Nobody decided, or nobody uploaded, in time."""
    FAILED = "failed"
    """It could not be carried out."""


class Verdict(StrEnum):
    """What an approver says."""

    APPROVE = "approve"
    """Yes."""
    DECLINE = "decline"
    """No."""


class DecisionState(StrEnum):
    """A click on Approve or Decline, from Slack's delivery to its effect."""

    RECORDED = "recorded"
    """Kept and answered; the person's roles are still to be looked up."""
    COUNTED = "counted"
    """It had its effect."""
    REFUSED = "refused"
    """It had none, and the person was told why."""


class KeyPairState(StrEnum):
    """The part a key pair plays."""

    STAGED = "staged"
    """Handed out; no token was proved with it yet."""
    CURRENT = "current"
    """Opened the token in use."""
    RETIRED = "retired"
    """Replaced; kept so that a file made for it is recognised."""


class UploadState(StrEnum):
    """A server token file, from its submission to its outcome."""

    RECEIVED = "received"
    """Submitted; not looked at yet, or not to the end."""
    ACCEPTED = "accepted"
    """Proved, and in use."""
    REFUSED = "refused"
    """Not taken; `reason` says why."""


class SyncState(StrEnum):
    """One run through a token's devices."""

    RUNNING = "running"
    """Pages are being fetched and stored."""
    COMPLETED = "completed"
    """Every page is stored."""
    FAILED = "failed"
    """It ended early; what was stored stays, nothing was marked as removed."""


class OutboxState(StrEnum):
    """A message on its way to Slack."""

    DUE = "due"
    """To be posted when its time comes."""
    SENDING = "sending"
    """Claimed by a worker until its lease ends."""
    SENT = "sent"
    """Slack has it."""
    DEAD = "dead"
    """Slack will not take it; `error` says why."""


class NoticeKind(StrEnum):
    """What a message in the outbox is about; each has one way of being drawn."""

    REQUEST_CARD = "request_card"
    """A request with its buttons, later its outcome; for the approvals channel."""
    REQUEST_NEWS = "request_news"
    """What became of a request, for its requester."""
    CLICK_ANSWER = "click_answer"
    """Why a click had no effect, for the person who clicked."""
    CERTIFICATE = "certificate"
    """The public-key certificate as a file, for the requester."""
    STEPS = "steps"
    """What to do at the portal, with the upload button; later the outcome."""
    UPLOAD_REFUSED = "upload_refused"
    """Why a file was not taken, for its uploader."""
    TOKEN_ACTIVE = "token_active"  # noqa: S105 - a kind of message, not a credential
    """A token came into use; for the alert channel."""
    SYNC_RESULT = "sync_result"
    """What a sync changed, or why it failed; for the alert channel."""
    CHANNEL_CLOSED = "channel_closed"
    """Messages wait because a channel does not take them; for an admin."""
    MESSAGE_REFUSED = "message_refused"
    """A message was given up because Slack will never take it; for an admin."""
    FILE_CLEANUP = "file_cleanup"
    """The uploaded file is deleted from Slack, or its uploader asked to."""
    HISTORY_EXPORT = "history_export"
    """The entries of the history as a file, for the person who asked for it."""

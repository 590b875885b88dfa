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
    SYNC_ERROR = "sync_error"
    """Its holder's syncs with Apple fail, with a number that only Apple and the holder know."""
    STALE = "stale"
    """Its holder has not synced it with Apple for longer than two of its periods, or never."""
    THROTTLED = "throttled"
    """The holder asks us to wait."""
    UNREACHABLE = "unreachable"
    """The holder gives no usable answer."""


class Action(StrEnum):
    """What takes approval."""

    CREATE = "create"
    """A new token."""
    RENEW = "renew"
    """A newer server token for the same server."""
    REPLACE = "replace"
    """A server token of another server, with which the inventory starts afresh."""
    DELETE = "delete"
    """The token goes out of use for good."""
    REMOVE = "remove"
    """Its devices and profiles are removed here, though they still stand at Apple."""


class RenewalCause(StrEnum):
    """Why somebody renews."""

    YEARLY = "yearly"
    """Its year is almost over."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a credential
    """The Apple ID's password was changed."""
    OWNER_LEFT = "owner_left"
    """The person whose Apple ID downloaded it has left."""
    ALREADY_DOWNLOADED = "already_downloaded"
    """A newer file was downloaded already, which ended the token in use."""
    OTHER = "other"
    """Anything else; the reason says it."""


class Evidence(StrEnum):
    """What a person brings back from the portal to show that their part is done."""

    SERVER_TOKEN_FILE = "server_token_file"  # noqa: S105 - a kind of evidence, not a credential
    """The `.p7m`; the program checks and proves it."""
    EXPIRY_DATE = "expiry_date"
    """The date that the holder's own console shows; nobody can prove it."""
    THEIR_WORD = "their_word"
    """A click on *Done*; the program then asks the holder."""


class StoryEvent(StrEnum):
    """What a reply in a request's thread tells."""

    HALF_DONE = "half_done"
    """A newer token was downloaded and is not uploaded yet: enrolment is down."""
    STILL_HALF_DONE = "still_half_done"
    """The same, said again."""
    HANDED = "handed"
    """The upload was handed to somebody else."""
    NAG = "nag"
    """Approvers are reminded to decide."""
    DECLINED = "declined"
    """An approver said no, and why."""
    CANCELLED = "cancelled"
    """Its requester took it back."""
    EXPIRED = "expired"
    """Nobody decided or uploaded in time."""
    FAILED = "failed"
    """It could not be carried out, and why."""
    FILE_REFUSED = "file_refused"
    """What was brought was not taken, and why."""
    FILE_KEPT = "file_kept"
    """What was brought waits: for its holder's answer, or for the approval."""
    BY_HAND = "by_hand"
    """Its holder did not take what we wrote: a person goes on in the holder's console, and why."""
    HOLDER_SILENT = "holder_silent"
    """It is agreed to, but its holder gives no answer yet, so nothing could be prepared."""
    LEFT_OVER = "left_over"
    """What was begun at its holder could not be taken back; a person has to."""
    UNAPPROVED = "unapproved"
    """It took effect without approval: its token was downloaded already."""
    COMPLETED = "completed"
    """Done."""
    NEW_ORGANISATION = "new_organisation"
    """The token belongs to an organisation that no token here had before."""
    DISOWNED = "disowned"
    """An approver said that the token is not ours."""
    CHANGED = "changed"
    """The facts on the card changed, so a click decided nothing."""


class RequestState(StrEnum):
    """The life of somebody's wish for a guarded action."""

    PENDING = "pending"
    """Waits for approvers."""
    APPROVED = "approved"
    """Agreed to; its next step is being prepared."""
    AWAITING_UPLOAD = "awaiting_upload"
    """Waits for the person to do their part at the portal, and for the evidence of it."""
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
    """What a person brought, from its submission to its outcome."""

    RECEIVED = "received"
    """Submitted; not looked at yet, or not to the end."""
    HELD = "held"
    """Proved and kept under seal; it takes effect when its request is approved."""
    ACCEPTED = "accepted"
    """Proved, and in use."""
    REFUSED = "refused"
    """Not taken; `reason` says why."""
    CHECKED = "checked"
    """Only looked at, as was asked; `answer` says what it is."""


class SyncState(StrEnum):
    """One run through a token's devices."""

    WAITING = "waiting"
    """Asked for, or put off for a while: it goes on where it was when its time comes."""
    RUNNING = "running"
    """Pages are being fetched and stored."""
    COMPLETED = "completed"
    """Every page is stored."""
    NOT_OURS = "not_ours"
    """Nobody can ask the holder: its own console shows the devices."""
    FAILED = "failed"
    """It ended early; what was stored stays, nothing was marked as removed."""


class SyncKind(StrEnum):
    """How much a run lists."""

    FULL = "full"
    """Every device: one that is not listed is gone."""
    DELTA = "delta"
    """What changed since the cursor; only a device that is named as gone is gone."""


class LossState(StrEnum):
    """The question what a full list means that lacks a large part of the devices."""

    OPEN = "open"
    """Nobody has answered."""
    REMOVED = "removed"
    """An approver had the missing devices marked as removed."""
    KEPT = "kept"
    """An approver had them kept until the next full list."""
    OUTDATED = "outdated"
    """A newer list came first."""


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
    REQUEST_STORY = "request_story"
    """What happened to a request, as a reply in the thread of its card."""
    UPLOAD_NAG = "upload_nag"
    """That their part is still waited for, for those who may do it."""
    CLICK_ANSWER = "click_answer"
    """Why a click had no effect, for the person who clicked."""
    CERTIFICATE = "certificate"
    """The public-key certificate as a file, for the requester."""
    STEPS = "steps"
    """What to do at the portal, with the upload button; later the outcome."""
    UPLOAD_REFUSED = "upload_refused"
    """Why what was brought was not taken, for its uploader."""
    TOKEN_ACTIVE = "token_active"  # noqa: S105 - a kind of message, not a credential
    """A token came into use; for the alert channel."""
    TOKEN_GONE = "token_gone"  # noqa: S105 - a kind of message, not a credential
    """A token was deleted, or its devices removed here; for the alert channel."""
    SYNC_RESULT = "sync_result"
    """What a sync changed, or why it failed; for the alert channel."""
    SYNC_PROGRESS = "sync_progress"
    """How far a sync is, later its result; for a person who asked for it."""
    LOSS_QUESTION = "loss_question"
    """Whether missing devices are to be marked as removed; for the alert channel."""
    CHANNEL_CLOSED = "channel_closed"
    """Messages wait because a channel does not take them; for an admin."""
    MESSAGE_REFUSED = "message_refused"
    """A message was given up because Slack will never take it; for an admin."""
    UPLOAD_KEPT = "upload_kept"
    """That what was brought waits until its holder answers, for its uploader."""
    UPLOAD_CHECKED = "upload_checked"
    """What a file is that somebody wanted to have checked, for them."""
    INCIDENT = "incident"
    """A file was made for a key that nobody here knows; for an admin."""
    FILE_CLEANUP = "file_cleanup"
    """The uploaded file is deleted from Slack, or its uploader asked to."""
    HISTORY_EXPORT = "history_export"
    """The entries of the history as a file, for the person who asked for it."""
    REMINDER = "reminder"
    """That a token ends soon, or has ended; for the alert channel. Later the all-clear in place."""
    REMINDER_OWNER = "reminder_owner"
    """The same for the token's owner, directly."""
    ESCALATION = "escalation"
    """That nobody answered a reminder; for an approver."""
    OWNER_NOT_REACHED = "owner_not_reached"
    """That an owner's direct messages are closed; said in the alert channel instead."""
    DIGEST = "digest"
    """The week: a picture of all tokens, the list, what was done; for the alert channel."""
    PICTURE = "picture"
    """The picture alone, for the person who asked for it."""
    HEALTH_ALERT = "health_alert"
    """A token, or several, in trouble; for the alert channel."""
    HEALTH_CLEAR = "health_clear"
    """That the trouble is over; for the alert channel."""
    REPORT = "report"
    """That a password changed, or that an owner is gone or leaves; for the alert channel."""
    REPORT_DIRECT = "report_direct"
    """The same with the name and the date, for admins and the owner."""
    HOLDER_NEWS = "holder_news"
    """Tokens that appeared at their holder or were deleted there; for the alert channel."""
    CONNECTOR = "connector"
    """That another Apple credential in Intune ends; for the alert channel, later for approvers."""
    HANDED_OVER = "handed_over"
    """That somebody answers for tokens from now on; for them, and for the alert channel."""


class ReminderState(StrEnum):
    """One rung of a token's reminders."""

    PLANNED = "planned"
    """To be sent when its time comes."""
    SENT = "sent"
    """Written to the outbox."""
    FOLDED = "folded"
    """Not sent, because a more urgent one says it all; `folded_by` says why."""
    OBSOLETE = "obsolete"
    """Not sent, because the token was renewed or is gone."""


class FoldedBy(StrEnum):
    """Why a rung became part of another."""

    WEEKEND = "weekend"
    """Both are due on the Friday before."""
    DOWNTIME = "downtime"
    """Its time passed while nothing ran, or before it was planned."""
    ONE_A_DAY = "one_a_day"
    """The other one is due on the same day."""
    SNOOZED = "snoozed"
    """Somebody asked to be left alone until the other one."""
    ON_IT = "on_it"
    """Somebody is on it until the other one."""
    COVERED = "covered"
    """The other one was sent before."""


class AnswerKind(StrEnum):
    """What a person says to a reminder."""

    SNOOZED = "snoozed"
    """Remind us on that day."""
    ON_IT = "on_it"
    """I am doing it."""


class AlertState(StrEnum):
    """One class of trouble of one token, from its beginning to its end."""

    WAITING = "waiting"
    """Not said: its time has not come, or a renewal is half done."""
    OPEN = "open"
    """Said."""
    ENDED = "ended"
    """Over, or become another class."""


class ReportKind(StrEnum):
    """What is known of an Apple ID or an owner that endangers tokens."""

    PASSWORD = "password"  # noqa: S105 - a kind of report, not a credential
    """The Apple ID's password changed."""
    LEAVES = "leaves"
    """The owner leaves on a date."""
    DEACTIVATED = "deactivated"
    """The owner's account at Slack was deactivated."""
    ENTRA_PASSWORD = "entra_password"  # noqa: S105 - a kind of report, not a credential
    """Entra says that the Apple ID's password is newer than the token."""
    ENTRA_DISABLED = "entra_disabled"
    """Entra says that the Apple ID's account is disabled."""
    ENTRA_DELETED = "entra_deleted"
    """Entra says that the Apple ID's account was deleted."""
    ENTRA_NOBODY = "entra_nobody"
    """Entra knows nobody with that Apple ID."""


class ReportState(StrEnum):
    """Whether a report still asks for something."""

    OPEN = "open"
    """Some token still needs somebody."""
    ENDED = "ended"
    """Every token was renewed, handed over or deleted."""

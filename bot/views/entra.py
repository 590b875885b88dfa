"""What Entra says of the account behind an Apple ID, and what it cannot know, in words.

In a channel nobody's deletion is told with its day.
"""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.views.wording import day, escape, minute
from storage.entra_records import EntraAccount, EntraStanding
from storage.states import ReportKind

RESTORABLE = timedelta(days=30)
ADVICE = (
    "*Microsoft advises to renew* a token whose Apple ID got a new password. This counts for a "
    "federated Apple ID, one that signs in at Apple with its Entra password. Administrators and "
    "People Managers have a password of Apple's own, which Entra does not see: if it is theirs, "
    "nothing has changed for the token."
)
ANOTHER = "Renew with the Apple ID of somebody who stays."
OVER = {
    ReportKind.ENTRA_PASSWORD: "Each token that was older than the password of {apple_id} in Entra "
    "is renewed.",
    ReportKind.ENTRA_DISABLED: "The account of {apple_id} is in order again, or no token has this "
    "Apple ID any more.",
    ReportKind.ENTRA_DELETED: "The account of {apple_id} is back, or no token has this Apple ID "
    "any more.",
    ReportKind.ENTRA_NOBODY: "Entra knows now whose Apple ID {apple_id} is, or no token has it any "
    "more.",
}
"""What the message becomes when its finding is over."""

STANDINGS = {
    EntraStanding.ENABLED: "the account is in order",
    EntraStanding.DISABLED: "the account is disabled",
    EntraStanding.DELETED: "the account was deleted, and can be restored",
    EntraStanding.GONE: "the account was deleted for good",
    EntraStanding.NOBODY: "nobody has this Apple ID",
}
"""What it said last, for who looks at one token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What Entra said of an Apple ID; `account` is what it says of it now."""

    kind: ReportKind
    apple_id: str
    account: EntraAccount | None

    def told(self, zone: ZoneInfo, *, in_channel: bool) -> tuple[str, str]:
        """Its title and its text."""
        match self.kind:
            case ReportKind.ENTRA_DISABLED:
                return _disabled(self.apple_id)
            case ReportKind.ENTRA_DELETED:
                return _deleted(self.apple_id, self.account, None if in_channel else zone)
            case ReportKind.ENTRA_NOBODY:
                return _nobody(self.apple_id)
            case _:
                return _password(self.apple_id, self.account, zone)

    def over(self) -> str:
        """That it is so no longer."""
        return OVER[self.kind].format(apple_id=escape(self.apple_id))


def last_said(account: EntraAccount | None, zone: ZoneInfo) -> str:
    """What Entra said of an Apple ID last, and when; empty where it has said nothing yet."""
    if account is None or account.looked_at is None or account.standing not in STANDINGS:
        return ""
    said = STANDINGS[account.standing]
    return f"Entra says of {escape(account.apple_id)}: {said} ({minute(account.looked_at, zone)})."


def _password(apple_id: str, account: EntraAccount | None, zone: ZoneInfo) -> tuple[str, str]:
    changed_at = account.password_changed_at if account else None
    on = f" on {day(changed_at, zone)}" if changed_at else ""
    title = f"Entra says: the password of {escape(apple_id)} was changed"
    return title, f"It was changed{on}, after the token was uploaded. {ADVICE}"


def _disabled(apple_id: str) -> tuple[str, str]:
    title = f"Entra says: the account of {escape(apple_id)} is disabled"
    told = (
        "Nobody signs in with it any more. Whether Apple ends a token for that is not known. "
        f"{ANOTHER}"
    )
    return title, told


def _deleted(apple_id: str, account: EntraAccount | None, zone: ZoneInfo | None) -> tuple[str, str]:
    title = f"Entra says: the account of {escape(apple_id)} was deleted"
    apples = "Apple deactivates a Managed Apple Account that came from Entra"
    if account is not None and account.standing is EntraStanding.GONE:
        return title, f"It cannot be restored any more. {apples} then. {ANOTHER}"
    deleted_at = account.deleted_at if account else None
    until = f", until {day(deleted_at + RESTORABLE, zone)}" if deleted_at and zone else ""
    return title, f"It can be restored for 30 days{until}. After that {apples}. {ANOTHER}"


def _nobody(apple_id: str) -> tuple[str, str]:
    title = f"Entra says: nobody has the Apple ID {escape(apple_id)}"
    told = (
        "It was looked for among sign-in names, mail addresses, proxy addresses and other "
        "addresses. It may be a personal or a shared account. Its password and its owner cannot "
        "be watched here: tell what happens to it with `/enroll-token report`. At the next "
        "renewal, take a Managed Apple Account of somebody in Entra. This is said once."
    )
    return title, told

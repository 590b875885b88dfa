"""What Apple's device-enrollment service refuses, and what each refusal means.

Apple sends its code bare, in quotes or in a JSON object, under 401 or 403 as the case may be, so
the code is read whatever the status is (Apple, "Interpreting Automated Device Enrollment error
codes", and what operators have seen since).
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from services.errors import UpstreamError
from storage.states import Health

SYSTEM = "Apple"
KEPT_BODY = 1024
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,63}")


class Trouble(StrEnum):
    """What is wrong, as far as it makes a difference to what we or people do next."""

    TERMS_UNSIGNED = "terms_unsigned"
    """New terms wait for a signature."""
    SUPERSEDED = "superseded"
    """A newer token of the server was downloaded."""
    REVOKED = "revoked"
    """The token was revoked."""
    EXPIRED = "expired"
    """The token's year is over."""
    ACCOUNT_FORBIDDEN = "account_forbidden"
    """The Apple ID that downloaded the token is gone or barred."""
    ACCESS_DENIED = "access_denied"
    """The server lacks the right for this call."""
    SESSION_OVER = "session_over"
    """The session is unknown or over: a new one may help, once."""
    CREDENTIALS_REFUSED = "credentials_refused"
    """Apple refuses the credentials without saying which of the above it is."""
    THROTTLED = "throttled"
    """Apple asks us to wait."""
    CURSOR_EXHAUSTED = "cursor_exhausted"
    """Everything was fetched already."""
    CURSOR_UNUSABLE = "cursor_unusable"
    """The cursor is expired or unknown: fetch from the start."""
    USER_AGENT_REFUSED = "user_agent_refused"
    """Apple does not take our User-Agent."""
    UNEXPECTED = "unexpected"
    """No code that we know, or no answer of the expected form."""
    UNREACHABLE = "unreachable"
    """No answer at all."""


BY_CODE = {
    "T_C_NOT_SIGNED": Trouble.TERMS_UNSIGNED,
    "signature_invalid": Trouble.SUPERSEDED,
    "token_rejected": Trouble.REVOKED,
    "token_expired": Trouble.EXPIRED,
    "ACCESS_DENIED": Trouble.ACCESS_DENIED,
    "UNAUTHORIZED": Trouble.SESSION_OVER,
    "FORBIDDEN": Trouble.SESSION_OVER,
    "TOO_MANY_REQUESTS": Trouble.THROTTLED,
    "EXHAUSTED_CURSOR": Trouble.CURSOR_EXHAUSTED,
    "INVALID_CURSOR": Trouble.CURSOR_UNUSABLE,
    "EXPIRED_CURSOR": Trouble.CURSOR_UNUSABLE,
    "CURSOR_REQUIRED": Trouble.CURSOR_UNUSABLE,
    "USER_AGENT_MISSING": Trouble.USER_AGENT_REFUSED,
    "USER_AGENT_INVALID": Trouble.USER_AGENT_REFUSED,
}

HEALTH = {
    Trouble.TERMS_UNSIGNED: Health.TERMS_UNSIGNED,
    Trouble.SUPERSEDED: Health.SUPERSEDED,
    Trouble.REVOKED: Health.REVOKED,
    Trouble.EXPIRED: Health.EXPIRED,
    Trouble.ACCOUNT_FORBIDDEN: Health.ACCOUNT_FORBIDDEN,
    Trouble.CREDENTIALS_REFUSED: Health.REVOKED,
    Trouble.THROTTLED: Health.THROTTLED,
}
"""The health that a trouble means; any other trouble says nothing about the token itself."""

SAID = {
    Trouble.TERMS_UNSIGNED: "New terms wait for a signature: an Administrator of the organisation "
    "signs in at the portal and accepts them.",
    Trouble.SUPERSEDED: "A newer token of this server was downloaded, which ended this one. Upload "
    "the newest file, or download the token once more.",
    Trouble.REVOKED: "This token was revoked at Apple. Download a new one at the portal.",
    Trouble.EXPIRED: "This token has expired. Download a new one at the portal.",
    Trouble.ACCOUNT_FORBIDDEN: "The Apple ID that downloaded this token is gone or barred. "
    "Download the token anew with an account that has the role Administrator or Device Enrollment "
    "Manager.",
    Trouble.ACCESS_DENIED: "This server may not make that call. Check its settings at the portal.",
    Trouble.CREDENTIALS_REFUSED: "Apple refuses the credentials in this token. Download the token "
    "anew at the portal.",
    Trouble.THROTTLED: "Apple asks us to wait. Try again in a few minutes.",
    Trouble.USER_AGENT_REFUSED: "Apple refuses this release of the app by its name. Ask your admin "
    "to update it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than 2xx: its code as read, and at most 1 KB of the body for the log."""

    status: int
    code: str
    body: str


class AppleError(UpstreamError):
    """Apple refused, or gave no usable answer; `trouble` says which way."""

    def __init__(
        self, trouble: Trouble, log_text: str, *, retry_after_seconds: float | None = None
    ) -> None:
        silent = trouble in {Trouble.UNREACHABLE, Trouble.UNEXPECTED, Trouble.THROTTLED}
        super().__init__(
            log_text,
            system=SYSTEM,
            retryable=silent,
            user_message=SAID.get(
                trouble,
                "Apple gives no usable answer at the moment. Nothing was changed. Try again in a "
                "few minutes.",
            ),
            retry_after_seconds=retry_after_seconds,
        )
        self.trouble = trouble


def read_refusal(status: int, body: bytes) -> Refusal:
    """Find Apple's code in the body, whichever of its three forms it has."""
    text = body[:KEPT_BODY].decode("utf-8", "replace").strip()
    return Refusal(status=status, code=_code(text), body=text)


def trouble_of(refusal: Refusal, *, at_session: bool) -> Trouble:
    """What the refusal means; FORBIDDEN differs between `/session` and other calls."""
    if at_session and refusal.code == "FORBIDDEN":
        return Trouble.ACCOUNT_FORBIDDEN
    if refusal.code in BY_CODE and not (at_session and refusal.code == "UNAUTHORIZED"):
        return BY_CODE[refusal.code]
    if refusal.status in {401, 403}:
        return Trouble.CREDENTIALS_REFUSED if at_session else Trouble.SESSION_OVER
    if refusal.status in {429, 503}:
        return Trouble.THROTTLED
    return Trouble.UNEXPECTED


def _code(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, dict):
        value = value.get("code") or value.get("error") or ""
    return value if isinstance(value, str) and CODE.fullmatch(value) else ""

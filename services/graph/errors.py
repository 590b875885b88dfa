"""What Microsoft Graph and Entra refuse, and what each refusal means.

Graph's form is `{"error": {"code", "message", "innerError": {"request-id", "date"}}}`; Intune often
packs a second JSON text into `message`. Entra's login has OAuth's form, its numbers in
`error_codes` or as `AADSTS…` at the beginning of `error_description`.
Sources: Graph, "Error responses and resource types"; Entra, "Authentication error codes".
"""

import re
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from services.errors import UpstreamError
from services.graph.reading import Unreadable, read
from services.phrases import quoted

SYSTEM = "Microsoft"
KEPT_MESSAGE = 600
AADSTS = re.compile(r"AADSTS(\d{4,7})")
LICENCE = ("not applicable to target tenant", "license", "licence")


class GraphTrouble(StrEnum):
    """What is wrong, as far as it makes a difference to what we or people do next."""

    SECRET_EXPIRED = "secret_expired"  # noqa: S105 - a state, not a credential
    """The client secret, or the certificate, of the app registration is past its date."""
    CREDENTIALS_REFUSED = "credentials_refused"
    """Entra does not take the secret or the certificate."""
    WRONG_TENANT = "wrong_tenant"
    """Entra knows no such tenant, or the app registration is not in it."""
    UNAUTHORISED = "unauthorised"
    """Graph does not take an access token that Entra has just issued."""
    FORBIDDEN = "forbidden"
    """A permission is missing, or was taken away."""
    NO_LICENCE = "no_licence"
    """The tenant has no licence for Intune, or Intune is not set up in it."""
    NOT_FOUND = "not_found"
    """There is no such thing, or not any more."""
    TOO_SOON = "too_soon"
    """Intune syncs a token at most once in 15 minutes."""
    REFUSED = "refused"
    """Graph understood, and does not do it; its words say why."""
    THROTTLED = "throttled"
    """Graph asks us to wait, and we have waited as long as a call may."""
    BROKEN = "broken"
    """Graph says that something broke on its side."""
    GARBLED = "garbled"
    """An answer that is not of the documented form."""
    STRAYED = "strayed"
    """The answer points to another host, where we do not follow."""
    UNREACHABLE = "unreachable"
    """No answer at all."""


RETRYABLE = frozenset(
    {
        GraphTrouble.THROTTLED,
        GraphTrouble.BROKEN,
        GraphTrouble.GARBLED,
        GraphTrouble.UNREACHABLE,
        GraphTrouble.TOO_SOON,
    }
)

SAID = {
    GraphTrouble.SECRET_EXPIRED: "The secret or certificate of the app registration in Entra has "
    "expired. An admin adds a new one there and sets it in this app's settings.",
    GraphTrouble.CREDENTIALS_REFUSED: "Entra does not take this app's secret or certificate. An "
    "admin compares it with the app registration and sets the right one.",
    GraphTrouble.WRONG_TENANT: "Entra does not know this tenant, or the app registration is not in "
    "it. An admin checks ENTRA_TENANT_ID and ENTRA_CLIENT_ID.",
    GraphTrouble.UNAUTHORISED: "Microsoft Graph does not take this app's access. An admin runs "
    "`enroll-token check`, which says what is wrong.",
    GraphTrouble.FORBIDDEN: "This app lacks a permission at Microsoft Graph. An admin runs "
    "`enroll-token check`, which names it, and grants it in Entra.",
    GraphTrouble.NO_LICENCE: "This tenant has no Intune licence that Graph accepts. An admin "
    "checks that Intune is licensed and set up in it.",
    GraphTrouble.NOT_FOUND: "Intune does not have this any more. Look at the token in the admin "
    "center.",
    GraphTrouble.TOO_SOON: "Intune syncs a token at most once in 15 minutes. Try again later.",
    GraphTrouble.THROTTLED: "Microsoft Graph asks us to wait. Try again in a few minutes.",
    GraphTrouble.BROKEN: "Microsoft Graph has trouble of its own. Try again in a few minutes.",
    GraphTrouble.STRAYED: "Microsoft Graph's answer points to another host, where this app "
    "does not follow. Ask your admin to look at GRAPH_URL.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than 2xx, as read; texts are empty where the answer has none."""

    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_after: float | None = None


class GraphError(UpstreamError):
    """Microsoft refused, or gave no usable answer; `trouble` says which way.

    `status` is 0 where no answer came. `code`, `message` and `request_id` are Microsoft's own
    words; `str(error)` holds them with the request-id, for the log and for admins.
    """

    def __init__(
        self, trouble: GraphTrouble, log_text: str, *, refusal: Refusal | None = None
    ) -> None:
        said = refusal or Refusal(status=0)
        super().__init__(
            f"{log_text}{_words(said)}",
            system=SYSTEM,
            retryable=trouble in RETRYABLE,
            user_message=SAID.get(trouble) or _plain(trouble, said),
            retry_after_seconds=said.retry_after,
        )
        self.trouble = trouble
        self.refusal = said
        self.log_text = log_text
        self.status = said.status
        self.code = said.code
        self.message = said.message
        self.request_id = said.request_id

    @property
    def retry_after(self) -> float | None:
        """Seconds that Graph asked us to wait, where it did."""
        return self.retry_after_seconds

    def as_trouble(self, trouble: GraphTrouble) -> "GraphError":
        """The same refusal where the call knows better what it means."""
        return GraphError(trouble, self.log_text, refusal=self.refusal)

    def again(self) -> "GraphError":
        """The same once more, to be raised elsewhere."""
        return self.as_trouble(self.trouble)


class _Inner(msgspec.Struct, frozen=True):
    request_id: str | None = msgspec.field(name="request-id", default=None)


class _Error(msgspec.Struct, frozen=True, rename="camel"):
    code: str | None = None
    message: str | None = None
    inner_error: _Inner | None = None


class _Body(msgspec.Struct, frozen=True):
    error: _Error


class _Packed(msgspec.Struct, frozen=True):
    """What Intune packs into `message`, in either spelling."""

    Message: str | None = None
    message: str | None = None


class _Login(msgspec.Struct, frozen=True):
    """Entra's refusal (RFC 6749, section 5.2, with Entra's additions)."""

    error: str
    error_description: str = ""
    error_codes: list[int] = []
    correlation_id: str = ""


def read_refusal(
    status: int, body: bytes, *, request_id: str, retry_after: float | None
) -> Refusal:
    """Read Graph's error form; a body of any other form leaves code and message empty."""
    try:
        error = read(body, _Body).error
    except Unreadable:
        return Refusal(status=status, request_id=request_id, retry_after=retry_after)
    inner = error.inner_error.request_id if error.inner_error else None
    return Refusal(
        status=status,
        code=(error.code or "")[:KEPT_MESSAGE],
        message=_unpacked(error.message or "")[:KEPT_MESSAGE],
        request_id=inner or request_id,
        retry_after=retry_after,
    )


def read_login_refusal(status: int, body: bytes, *, retry_after: float | None) -> Refusal:
    """Read Entra's error form; `code` is the first AADSTS number where there is one."""
    try:
        said = read(body, _Login)
    except Unreadable:
        return Refusal(status=status, retry_after=retry_after)
    in_text = AADSTS.search(said.error_description)
    numbers = [str(number) for number in said.error_codes] + ([in_text[1]] if in_text else [])
    return Refusal(
        status=status,
        code=f"AADSTS{numbers[0]}" if numbers else said.error,
        message=said.error_description.partition("\n")[0].strip()[:KEPT_MESSAGE],
        request_id=said.correlation_id,
        retry_after=retry_after,
    )


LOGIN_TROUBLE = {
    "AADSTS7000222": GraphTrouble.SECRET_EXPIRED,
    "AADSTS7000215": GraphTrouble.CREDENTIALS_REFUSED,
    "AADSTS700027": GraphTrouble.CREDENTIALS_REFUSED,
    "AADSTS700024": GraphTrouble.CREDENTIALS_REFUSED,
    "AADSTS7000216": GraphTrouble.CREDENTIALS_REFUSED,
    "AADSTS90002": GraphTrouble.WRONG_TENANT,
    "AADSTS900023": GraphTrouble.WRONG_TENANT,
    "AADSTS700016": GraphTrouble.WRONG_TENANT,
}


def login_trouble_of(refusal: Refusal) -> GraphTrouble:
    """What a refusal by Entra's login means."""
    if refusal.code in LOGIN_TROUBLE:
        return LOGIN_TROUBLE[refusal.code]
    if refusal.status in {429, 503}:
        return GraphTrouble.THROTTLED
    if refusal.status >= 500:  # noqa: PLR2004 - the HTTP class
        return GraphTrouble.BROKEN
    return GraphTrouble.CREDENTIALS_REFUSED if refusal.code else GraphTrouble.GARBLED


BY_STATUS = {
    401: GraphTrouble.UNAUTHORISED,
    403: GraphTrouble.FORBIDDEN,
    404: GraphTrouble.NOT_FOUND,
    429: GraphTrouble.THROTTLED,
    503: GraphTrouble.THROTTLED,
}


def trouble_of(refusal: Refusal) -> GraphTrouble:
    """What a refusal by Graph means."""
    about_licence = any(word in refusal.message.casefold() for word in LICENCE)
    if refusal.status in {400, 403} and about_licence:
        return GraphTrouble.NO_LICENCE
    if refusal.status in BY_STATUS:
        return BY_STATUS[refusal.status]
    if refusal.status >= 500:  # noqa: PLR2004 - the HTTP class
        return GraphTrouble.BROKEN
    return GraphTrouble.REFUSED if refusal.status >= 400 else GraphTrouble.GARBLED  # noqa: PLR2004


def _unpacked(message: str) -> str:
    if not message.lstrip().startswith("{"):
        return message
    try:
        packed = read(message, _Packed)
    except Unreadable:
        return message
    # The numbers that follow are for Microsoft's support, who go by the request-id as well.
    return (packed.Message or packed.message or message).partition(" - Operation ID")[0]


def _words(said: Refusal) -> str:
    if not said.status:
        return ""
    about = ": ".join(part for part in (said.code, said.message) if part)
    number = f" (request-id {said.request_id})" if said.request_id else ""
    return f": HTTP {said.status}{', ' + about if about else ''}{number}"


def _plain(trouble: GraphTrouble, said: Refusal) -> str:
    if trouble is GraphTrouble.REFUSED and said.message:
        return f"Microsoft refused this: {quoted(said.message)}. Nothing was changed."
    return (
        "Microsoft Graph gives no usable answer at the moment. Nothing was changed. Try again in a "
        "few minutes."
    )

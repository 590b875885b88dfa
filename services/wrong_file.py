"""Why a file is not a server token that can be used, with a sentence for each reason."""

from enum import StrEnum
from typing import Self

from services.errors import ServiceError

_ANEW = "Download the server token from Apple's portal and upload that .p7m file unchanged."


class WrongFileReason(StrEnum):
    """Why a file is not a server token that can be used; `sentence` tells the person."""

    sentence: str

    def __new__(cls, value: str, what: str, next_step: str = _ANEW) -> Self:
        """Keep beside the value what is wrong and what to do next."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = f"{what} {next_step}"
        return member

    EMPTY = "empty", "This file is empty."
    """Nothing, or white space."""

    TOO_LARGE = "too_large", "This file is too large for a server token."
    """More than MAX_BYTES; Apple's have about 1,500."""

    WEB_PAGE = "web_page", "This is a web page, perhaps a sign-in page; sign in first."
    """HTML, saved in the file's place."""

    PUBLIC_KEY = (
        "public_key",
        "This is a certificate or a public key, which goes to Apple.",
        "Upload it in Apple's portal, download the server token there, and upload that .p7m file.",
    )
    """A certificate, a request for one, or a public key."""

    PRIVATE_KEY = (
        "private_key",
        "This is a private key: delete it here, and replace it if others could see it.",
    )
    """A private key, alone or in a PKCS #12 file."""

    CONTENT_TOKEN = "content_token", "This looks like a content token for apps and books."
    """The .vpptoken of Apps and Books, from another page of the portal."""

    DECRYPTED = (
        "decrypted",
        "This server token is decrypted already: delete this copy, anybody can use it.",
    )
    """The text inside, made readable by another program."""

    NOT_A_SERVER_TOKEN = "not_a_server_token", "This is not a server token."
    """Anything else, signed messages among them."""

    DAMAGED_STRUCTURE = (
        "damaged_structure",
        "This file is incomplete or was changed on its way.",
        "Upload it as it was downloaded; if that does not help, download it again.",
    )
    """Cut short, or changed where no key is needed to see it."""

    NOT_APPLES_SHAPE = "not_apples_shape", "This file is encrypted, but not by Apple."
    """Whole, but with parts that Apple does not write."""

    SEVERAL_RECIPIENTS = (
        "several_recipients",
        "This file is encrypted for several keys, but a server token is for one.",
    )
    """A second recipient lets a stranger probe with our key (OpenSSL's pull request 9777)."""

    WRONG_ALGORITHM = (
        "wrong_algorithm",
        "This file is encrypted with a method that Apple does not use.",
    )
    """Not AES-CBC of 128 or 256 bits under RSA PKCS #1 v1.5."""

    DAMAGED = "damaged", "This file is damaged or was changed;", "download it again."
    """It could not be decrypted, unpadded or read: which of them is not told to anybody."""

    EXPIRED = (
        "expired",
        "This server token has expired.",
        "Download a new one from Apple's portal and upload that.",
    )
    """Whole, but Apple takes it no longer."""

    UNKNOWN_RECIPIENT = (
        "unknown_recipient",
        "This file is for a key that is not ours, so somebody else can read it.",
        "Upload our .pem at the portal, download the token anew, tell your security team.",
    )
    """Another certificate is at Apple: an incident."""

    OLDER_KEY_PAIR = (
        "older_key_pair",
        "This file was downloaded before the new .pem was uploaded at the portal.",
        "Upload the newest .pem there, then download the token once more.",
    )
    """Made for a key pair of this token that was replaced."""

    ANOTHER_TOKEN = (
        "another_token",
        "This file was made for another of our tokens.",
        "Open the server of this token at the portal and download its file.",
    )
    """Made for a key pair of a token that is not the one asked for."""

    SERVER_TAKEN = (
        "server_taken",
        "This file belongs to a server that another of our tokens holds.",
        "Download the token of the right server.",
    )
    """Two tokens of one server would end each other."""

    SAME_FILE = (
        "same_file",
        "This is the very file that is in use already.",
        "Download a newer one at the portal and upload that.",
    )
    """The identical credentials are in force."""

    OLDER_FILE = (
        "older_file",
        "This file is older than the token in use: it ends earlier.",
        "Upload the newest file that was downloaded; if it is lost, download it once more.",
    )
    """Of the same server, but it would shorten the token's life."""

    OTHER_SERVER = (
        "other_server",
        "This file belongs to another server than the token.",
        "Open the token's own server at the portal and download its file.",
    )
    """A renewal must keep server and organisation."""

    OTHER_ORGANISATION = (
        "other_organisation",
        "This file belongs to an organisation that is not ours.",
        "Sign in at the portal of our organisation and download its file.",
    )
    """Not one of those that are set."""

    REFUSED_BY_APPLE = (
        "refused_by_apple",
        "The file is whole, but Apple does not take it.",
        "Download the token once more at the portal.",
    )
    """Apple's own reason is in the message."""


class WrongFile(ServiceError):
    """The file is not a server token that can be used; `reason` says why."""

    def __init__(
        self, reason: WrongFileReason, detail: str = "", *, user_message: str | None = None
    ) -> None:
        super().__init__(f"{reason} {detail}".strip(), user_message=user_message or reason.sentence)
        self.reason = reason

"""Files that are whole server tokens, but not the one that this token waits for."""

from services.apple.errors import AppleError, Trouble
from services.phrases import quoted
from services.wrong_file import WrongFile, WrongFileReason
from storage.records import Token


def unknown_recipient() -> WrongFile:
    """Made for a certificate that is none of ours: an incident."""
    return WrongFile(WrongFileReason.UNKNOWN_RECIPIENT)


def older_key_pair() -> WrongFile:
    """Made for a retired key pair of this token."""
    return WrongFile(WrongFileReason.OLDER_KEY_PAIR)


def of_another(holder: Token) -> WrongFile:
    """Made for another token of ours."""
    return WrongFile(
        WrongFileReason.ANOTHER_TOKEN,
        user_message=f"This file was made for the token {quoted(holder.name)}. Open the server of "
        "this token at the portal and download its file.",
    )


def server_taken(server_name: str, holder: Token) -> WrongFile:
    """Of a server that another token holds already."""
    return WrongFile(
        WrongFileReason.SERVER_TAKEN,
        user_message=f"This file belongs to the server {quoted(server_name)}, which the token "
        f"{quoted(holder.name)} holds already. Download the token of the right server.",
    )


def refused_by_apple(error: AppleError) -> WrongFile:
    """Whole, but Apple does not take what is in it."""
    terms = error.trouble is Trouble.TERMS_UNSIGNED
    then = " The same file can be uploaded again after that." if terms else ""
    return WrongFile(
        WrongFileReason.REFUSED_BY_APPLE,
        str(error),
        user_message=f"The file is whole, but Apple does not take it. {error.user_message}{then}",
    )

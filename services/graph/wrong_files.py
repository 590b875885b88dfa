"""Files that are whole server tokens, but not the one that a token in Intune waits for."""

from services.phrases import quoted
from services.wrong_file import WrongFile, WrongFileReason

HERE = "Open the server of this token at Apple's portal and download its file."


def of_another(name: str, *, in_intune: bool) -> WrongFile:
    """Made for the key of another token, here or in Intune."""
    whose = "Intune's token" if in_intune else "the token"
    return WrongFile(
        WrongFileReason.ANOTHER_TOKEN,
        user_message=f"This file was made for {whose} {quoted(name)}. {HERE}",
    )


def older_key() -> WrongFile:
    """Made for a certificate that Intune has replaced since."""
    return WrongFile(
        WrongFileReason.OLDER_KEY_PAIR,
        user_message="This file was made for an older certificate of this token. Upload the newest "
        ".pem at Apple's portal, download the token there once more, and bring that file.",
    )


def foreign() -> WrongFile:
    """Made for a certificate that neither Intune nor we know: an incident."""
    return WrongFile(
        WrongFileReason.UNKNOWN_RECIPIENT,
        user_message="This file was made for a key that is neither Intune's nor ours, so somebody "
        "else can read it: the server at Apple has another certificate. Open the right server at "
        "Apple's portal, or upload Intune's certificate there, download the token anew, and tell "
        "your security team.",
    )
